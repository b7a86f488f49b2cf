/** Runs damages in processes of their own, and judges what came of each. */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startTypeScript } from '../support/child.ts'
import { allDamages, type Damage } from './damages/index.ts'
import type { Report } from './prober.child.ts'
import { type TableName, tables } from './tables.ts'

/** How a campaign is run. */
export interface CampaignOptions {
  /** The folder of the tables, as `makeTables` makes it, and one to work in. */
  readonly source: string
  readonly work: string
  /** How often each kind of random damage is done, and with what seed. */
  readonly flips: number
  readonly seed: number
  /** How many of a table's versions are looked at, the newest first. */
  readonly versions: number
  /** Processes at once. */
  readonly processes: number
  /** Which damages. Default: all. */
  readonly only?: ((damage: Damage, number: number) => boolean) | undefined
}

/** What a campaign found. */
export interface Findings {
  readonly variants: number
  readonly refused: number
  readonly codes: ReadonlyMap<string, number>
  /** What must not be, a line each. */
  readonly wrong: readonly string[]
}

/** A damage that takes longer hangs; a process that takes more is taken apart. */
const longest = 60_000
const most = 1.5e9

/** Runs a campaign. */
export async function campaign(options: CampaignOptions): Promise<Findings> {
  const damages = allDamages(options.flips)
  const numbers = damages.flatMap((damage, at) => (options.only === undefined || options.only(damage, at) ? [at] : []))
  const whole = new Map<TableName, Report>()
  const wrong: string[] = []
  const names = Object.keys(tables) as TableName[]
  await run(
    options,
    names.map((_, at) => -1 - at),
    (number, report) => {
      const name = names[-1 - number]!
      if (typeof report === 'string') {
        wrong.push(`${name}, undamaged: ${report}`)
        return
      }
      whole.set(name, report)
      for (const [what, { code, message }] of Object.entries(report.outcomes)) {
        if (code !== undefined && !['VERSION_NOT_FOUND', 'CHANGE_FEED_OFF'].includes(code))
          wrong.push(`${name}, undamaged: ${what}: ${code} ${message}`)
      }
    },
  )
  const codes = new Map<string, number>()
  let refused = 0
  const shares = Array.from({ length: options.processes }, (_, share) => numbers.filter((_, at) => at % options.processes === share))
  await Promise.all(
    shares.map((share) =>
      run(options, share, (number, report) => {
        const damage = damages[number]!
        const said = typeof report === 'string' ? [report] : judge(damage, report, whole.get(damage.table))
        wrong.push(...said.map((one) => `${damage.name} (${damage.table}, number ${number}): ${one}`))
        if (typeof report === 'string') return
        const before = whole.get(damage.table)?.outcomes
        const found = new Set(
          Object.entries(report.outcomes).flatMap(([name, { code }]) => (code === before?.[name]?.code ? [] : (code ?? []))),
        )
        for (const code of found) codes.set(code, (codes.get(code) ?? 0) + 1)
        if (found.size > 0) refused += 1
      }),
    ),
  )
  return { variants: numbers.length, refused, codes, wrong }
}

/** What is wrong about what came of a damage. */
function judge({ allowed }: Damage, { outcomes, unhandled, memory, milliseconds }: Report, whole: Report | undefined): string[] {
  const said = unhandled.map((reason) => `nobody waited for ${reason}`)
  if (memory > most) said.push(`took ${Math.round(memory / 1e6)} MB`)
  if (milliseconds > longest / 2) said.push(`took ${milliseconds} ms`)
  for (const [name, outcome] of Object.entries(outcomes)) {
    if (outcome.wrong) {
      said.push(`${name}: ${outcome.wrong} ${outcome.code ?? ''} ${outcome.message ?? ''}`)
      continue
    }
    const expected = whole?.outcomes[name]
    const told = /(count|files|describe|history|chosen)$/.test(name)
    if (allowed === 'anything' || (allowed === 'counts' && told)) continue
    if (outcome.code !== undefined && (allowed !== 'same' || outcome.code === expected?.code)) continue
    if (outcome.value !== expected?.value || outcome.code !== expected?.code) {
      said.push(`${name}: ${outcome.value ?? outcome.code} ${outcome.message ?? ''} and not ${expected?.value ?? expected?.code}`)
    }
  }
  if (allowed === 'same') {
    for (const name of Object.keys(whole?.outcomes ?? {})) if (outcomes[name] === undefined) said.push(`${name} is not there`)
  }
  return said
}

/** Runs damages one after the other, in as many processes as they take down. `report` is told of each; text is how a process ended. */
async function run(
  options: CampaignOptions,
  numbers: readonly number[],
  report: (number: number, what: Report | string) => void,
): Promise<void> {
  let left = [...numbers]
  while (left.length > 0) {
    const { source, work, flips, seed, versions } = options
    const child = startTypeScript('test/fuzz/prober.child.ts', [
      source,
      join(work, String(left[0])),
      String(flips),
      String(seed),
      String(versions),
    ])
    const { current, end } = await follow(child, left, (number, what) => {
      left = left.filter((one) => one !== number)
      report(number, what)
    })
    if (current === undefined) {
      if (left.length > 0) throw new Error(`The prober ended too early: ${end}`)
      return
    }
    left = left.filter((one) => one !== current)
    report(current, end)
  }
}

function follow(
  child: ChildProcess,
  numbers: readonly number[],
  done: (number: number, report: Report | string) => void,
): Promise<{ current: number | undefined; end: string }> {
  return new Promise((resolve) => {
    let current: number | undefined
    let last = ''
    let hangs = false
    const watch = () =>
      setTimeout(() => {
        hangs = true
        child.kill('SIGKILL')
      }, longest)
    let timer = watch()
    child.stderr!.on('data', (chunk) => {
      last = (last + chunk).slice(-2000)
    })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const said = JSON.parse(line) as Report
      clearTimeout(timer)
      timer = watch()
      current = said.outcomes === undefined ? said.number : undefined
      if (said.outcomes !== undefined) done(said.number, said)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ current, end: hangs ? 'hangs' : `ends the process (${signal ?? code}): ${last.trim()}` })
    })
    child.stdin!.on('error', () => {})
    child.stdin!.end(JSON.stringify(numbers))
  })
}
