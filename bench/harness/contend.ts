/** Runs the contenders of a case against each other: one process each, samples in turn, the order turned round every time. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Case, Contender, Sample, Setting } from './case.ts'
import { places } from './places.ts'

/** All samples of a case. */
export interface Measured {
  readonly case: Case
  /** The machine's load over the last minute, before the first sample. */
  readonly load: number
  /** A list for each contender, by round; what failed says why instead. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  readonly failures: ReadonlyMap<string, string>
}

/** Runs `rounds` rounds after a warm-up. */
export async function contend(one: Case, rounds: number, setting: Omit<Setting, 'work'>): Promise<Measured> {
  const load = loadavg()[0] ?? Number.NaN
  await mkdir(places.work, { recursive: true })
  const work = await mkdtemp(join(places.work, `${one.name}-`))
  const samples = new Map<string, Sample[]>(one.contenders.map(({ name }) => [name, []]))
  const failures = new Map<string, string>()
  const staying = new Map<string, Player>()
  const open = async (contender: Contender, round: number): Promise<Player> => {
    const own = join(work, `${contender.name}-${contender.fresh ? round : 'all'}`.replaceAll(/[^\w-]+/g, '_'))
    await mkdir(own, { recursive: true })
    return Player.start(one, contender, { ...setting, work: own })
  }
  const attempt = async (contender: Contender, action: () => Promise<void>): Promise<void> => {
    if (failures.has(contender.name)) return
    await action().catch((error: unknown) => failures.set(contender.name, error instanceof Error ? error.message : String(error)))
  }
  try {
    for (const contender of one.contenders.filter(({ fresh }) => !fresh)) {
      await attempt(contender, async () => {
        const player = await open(contender, 0)
        staying.set(contender.name, player)
        await player.sample(-1)
      })
    }
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? one.contenders : [...one.contenders].reverse()
      for (const contender of order) {
        if (round >= (contender.samples ?? rounds)) continue
        await attempt(contender, async () => {
          const player = staying.get(contender.name) ?? (await open(contender, round))
          samples.get(contender.name)!.push(await player.sample(round))
          if (contender.fresh) await player.end()
        })
      }
    }
  } finally {
    for (const player of staying.values()) await player.end()
    await rm(work, { recursive: true, force: true })
  }
  return { case: one, load, samples, failures }
}

class Player {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#reader = createInterface({ input: child.stdout! })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  static async start(one: Case, contender: Contender, setting: Setting): Promise<Player> {
    const args = [one.name, contender.name, JSON.stringify(setting)]
    const [program, script] = contender.start ? [process.execPath, places.worker] : [places.python, places.pythonWorker]
    const child = spawn(program, [script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    })
    const player = new Player(child)
    await player.#answer()
    return player
  }

  async sample(round: number): Promise<Sample> {
    this.#child.stdin!.write(`sample ${round}\n`)
    return (await this.#answer()) as Sample
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) resolve(undefined)
      else this.#child.once('exit', resolve)
    })
    this.#child.stdin!.end()
    await ended
    this.#reader.close()
  }

  // Answers begin with a byte that nothing else prints; what libraries print besides is passed over.
  async #answer(): Promise<unknown> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(`the process ended with ${this.#child.exitCode ?? this.#child.signalCode}`)
      if (!value.startsWith('\u0001')) continue
      const answer = JSON.parse(value.slice(1)) as { error?: string }
      if (answer.error !== undefined) throw new Error(answer.error)
      return answer
    }
  }
}
