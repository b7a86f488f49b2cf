/**
 * Damages tables and probes them, one line of JSON on stdout before each (its number) and one after (what came of it). In a process of
 * its own, for one may take it down. Arguments: the folder of the tables that stay whole, a folder to work in, how often random damage
 * is done, a number that all seeds begin with, how many versions of a table are looked at; the numbers of the damages are read from stdin, and those of tables are negative.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { configureEngine } from '../../src/index.ts'
import { allDamages } from './damages/index.ts'
import { type Outcome, probeTable } from './probe.ts'
import { seeded } from './random.ts'
import { copyTable, tables } from './tables.ts'

/** What came of a damage. */
export interface Report {
  readonly number: number
  readonly outcomes: Readonly<Record<string, Outcome>>
  readonly milliseconds: number
  /** The most memory that the process has had so far, in bytes. */
  readonly memory: number
  /** Failures that nobody waited for. */
  readonly unhandled: readonly string[]
}

const [source = '', work = '', flips = '0', seed = '0', versions = '3'] = process.argv.slice(2)
const unhandled: string[] = []
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)))

async function main(): Promise<void> {
  let numbers = ''
  for await (const chunk of process.stdin) numbers += chunk
  await configureEngine({ memoryLimit: '512MiB', threads: 1 })
  const damages = allDamages(Number(flips))
  for (const number of JSON.parse(numbers) as number[]) {
    say({ number })
    const damage = damages[number]
    const folder = join(work, String(number))
    mkdirSync(folder, { recursive: true })
    const root = join(folder, 'table')
    const table = damage?.table ?? Object.keys(tables)[-1 - number]!
    copyTable(table.startsWith('/') ? table : join(source, table), root)
    damage?.apply(root, seeded(Number(seed) + number), source)
    const start = performance.now()
    const outcomes = await probeTable(root, Number(versions))
    const milliseconds = Math.round(performance.now() - start)
    rmSync(folder, { recursive: true, force: true })
    const memory = process.resourceUsage().maxRSS * 1024
    say({ number, outcomes, milliseconds, memory, unhandled: unhandled.splice(0) } satisfies Report)
  }
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

await main()
