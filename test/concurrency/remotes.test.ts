/** Pushes and pulls in processes: beside one another, beside a vacuum, and killed: the remote is the table, or it was told that it is not. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table, TableNotFoundError } from '../../src/index.ts'
import { compiledChild } from './compiled.ts'
import type { MoverJob, MoverResult } from './mover.child.ts'

class Mover {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>

  constructor(path: string) {
    this.#child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } })
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  async run(job: MoverJob): Promise<MoverResult> {
    this.#child.stdin!.write(`${JSON.stringify(job)}\n`)
    const { value, done } = await this.#answers.next()
    return done ? { code: 'killed' } : (JSON.parse(value) as MoverResult)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return resolve()
      this.#child.once('exit', () => resolve())
      this.#child.stdin!.end()
    })
  }
}

let child: Awaited<ReturnType<typeof compiledChild>>
let folder: string
let movers: Mover[]
let source: string
const versions = 30
beforeAll(async () => {
  child = await compiledChild('test/concurrency/mover.child.ts')
  folder = await mkdtemp(join(tmpdir(), 'varve-movers-'))
  movers = [new Mover(child.path), new Mover(child.path)]
  source = join(folder, 'events')
  const table = await Table.create(source, { schema: 'id BIGINT' })
  for (let id = 1; id <= versions; id += 1) await table.append([{ id: BigInt(id) }])
  await Promise.all(movers.map((mover) => mover.run({ verb: 'open', path: source })))
})
afterAll(async () => {
  await Promise.all(movers.map((mover) => mover.end()))
  await child.dispose()
  await rm(folder, { recursive: true, force: true })
})

const both = (jobs: readonly MoverJob[]) => Promise.all(jobs.map((job, n) => movers[n]!.run(job)))

/** Version v of the table at a path has the ids 1 to v, up to the newest. @returns how many versions there are; -1 without a table */
async function newestOf(path: string, from = 0): Promise<number> {
  let table: Table
  try {
    table = await Table.open(path)
  } catch (error) {
    if (error instanceof TableNotFoundError) return -1
    throw error
  }
  const latest = await table.version()
  for (let version = from; version <= latest; version += version === latest ? 1 : Math.max(1, Math.floor((latest - version) / 2))) {
    const rows = await (await table.asOf(version)).scan({ columns: ['id'] }).toArray()
    expect(rows.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual(Array.from({ length: version }, (_, i) => i + 1))
  }
  return latest
}

it('two pushes of one table at once both end well', async () => {
  const remote = join(folder, 'both')
  const results = await both([
    { verb: 'push', path: source, remote },
    { verb: 'push', path: source, remote },
  ])
  expect(results).toMatchObject([{ code: 'done' }, { code: 'done' }])
  expect(results.reduce((sum, result) => sum + result.versions!, 0)).toBe(versions + 1)
  expect(await newestOf(remote)).toBe(versions)
})

it('of two copies with commits of their own one is told that the histories differ', async () => {
  for (let round = 0; round < 2; round += 1) {
    const copies = [0, 1].map((n) => join(folder, `copy-${round}-${n}`))
    const remote = join(folder, `shared-${round}`)
    for (const copy of copies) await cp(source, copy, { recursive: true })
    await (await Table.open(source)).push(remote)
    await both(copies.map((path) => ({ verb: 'append', path })))
    const results = await both(copies.map((path) => ({ verb: 'push', path, remote })))
    expect(results.map(({ code }) => code).sort()).toEqual(['REMOTE_DIVERGED', 'done'])
    expect(await (await Table.open(remote)).version()).toBe(versions + 1)
    expect(await (await (await Table.open(remote)).latest()).rowCount()).toBe(versions + 1)
  }
})

it('a vacuum at the source beside a push: all arrives, or what is missing is named and no commit lacks its files', async () => {
  for (let round = 0; round < 3; round += 1) {
    const path = join(folder, `vacuumed-${round}`)
    const remote = join(folder, `vacuumed-remote-${round}`)
    await cp(source, path, { recursive: true })
    const table = await Table.open(path)
    await table.optimize()
    const pushed = movers[0]!.run({ verb: 'push', path, remote })
    await pause(round * 15)
    const vacuumed = movers[1]!.run({ verb: 'vacuum', path })
    expect((await vacuumed).code).toBe('done')
    const { code, message } = await pushed
    expect(['done', 'DATA_FILE_MISSING', 'OBJECT_NOT_FOUND', 'LOG_GAP', 'LOG_INCOMPLETE'], message).toContain(code)
    const there = await Table.open(remote).catch(() => undefined)
    if (!there) continue
    // Whatever has arrived is whole.
    const latest = await there.version()
    expect(await there.verify(latest)).toMatchObject({ ok: true })
    if (code === 'done') expect(latest).toBe(versions + 1)
  }
})

it('a push or a pull that is killed goes on', async () => {
  let killed = 0
  for (const [n, verb] of (['push', 'push', 'pull'] as const).entries()) {
    const target = join(folder, `killed-${n}`)
    const mover = new Mover(child.path)
    await mover.run({ verb: 'open', path: source })
    const job: MoverJob = verb === 'push' ? { verb, path: source, remote: target } : { verb, path: target, remote: source }
    const running = mover.run(job)
    await pause(10 + n * 15)
    mover.kill()
    if ((await running).code === 'killed') killed += 1
    const arrived = await newestOf(target)
    expect(arrived).toBeLessThanOrEqual(versions)
    expect(await movers[0]!.run(job)).toMatchObject({ code: 'done' })
    expect(await newestOf(target)).toBe(versions)
  }
  expect(killed).toBeGreaterThan(0)
})
