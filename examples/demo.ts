/**
 * `npm run demo`: three million flights arrive as monthly loads, one of them twice; then the table is read as it was after several of
 * them. Everything lands in `demo-data/`, which is made anew each time.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSession, type Row, Table } from '../src/index.ts'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const flights = join(project, 'node_modules/vega-datasets/data/flights-3m.parquet')
const folder = join(project, 'demo-data')
const path = join(folder, 'flights')
const months = ['2001-01', '2001-02', '2001-03', '2001-04', '2001-05', '2001-06']

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
const began = performance.now()

say(
  `Varve on Node ${process.versions.node}, ${cpus().length} cores. Three million real flights of 2001 (${basename(flights)}), a load a month.\n`,
)
say('Load      Number   Version         Rows   Files      Size   Seconds')
let between = new Date()
for (const [at, month] of months.entries()) {
  if (month === '2001-05') between = await quietInstant()
  await load(month, at + 1)
  if (month === '2001-03') await load(month, at + 1)
}

const table = await Table.open(path)
say(`\nOne query, as of three versions and one instant (${between.toISOString()}, before May arrived):\n`)
const question = `
  SELECT count(*) AS flights, round(avg(delay), 2) AS delay, round(100 * avg((delay > 15)::INTEGER), 1) AS late, mode(origin) AS busiest
  FROM flights`
say('As of            Version     Flights   Mean delay   Late > 15 min   Busiest   Files   Seconds')
for (const [name, point] of [
  ['version 0', { version: 0 }],
  ['version 2', { version: 2 }],
  ['the instant', { timestamp: between }],
  ['version 5', { version: 5 }],
] as const) {
  const start = performance.now()
  const snapshot = await table.asOf(point)
  const [answer] = await snapshot.query(question).toArray()
  const seconds = since(start)
  const files = await snapshot.fileCount()
  say(
    name.padEnd(15),
    String(snapshot.version).padStart(9),
    number(answer?.flights).padStart(12),
    `${Number(answer?.delay).toFixed(2)} min`.padStart(13),
    `${Number(answer?.late).toFixed(1)} %`.padStart(16),
    String(answer?.busiest).padStart(10),
    String(files).padStart(8),
    seconds.padStart(10),
  )
}

say('\nOne SQL statement over two versions: the airports whose mean delay fell most between the first quarter and the half-year:\n')
const comparison = `
  WITH quarter AS (SELECT origin, count(*) AS n, avg(delay) AS delay FROM flights AT (VERSION => 2) GROUP BY origin),
       half AS (SELECT origin, count(*) AS n, avg(delay) AS delay FROM flights GROUP BY origin)
  SELECT origin, quarter.n AS n_quarter, half.n AS n_half, round(quarter.delay, 1) AS quarter, round(half.delay, 1) AS half,
         round(half.delay - quarter.delay, 1) AS change
  FROM quarter JOIN half USING (origin) WHERE quarter.n > 5000 ORDER BY half.delay - quarter.delay LIMIT 5`
const start = performance.now()
const session = await openSession({ flights: table })
const rows = await session.query(comparison).toArray()
await session.close()
if (rows.length !== 5) throw new RangeError(`The comparison should name five airports and names ${rows.length}.`)
say('Airport     Flights by March     by June   Delay by March     by June       Change')
for (const row of rows) {
  say(
    String(row.origin).padEnd(10),
    number(row.n_quarter).padStart(17),
    number(row.n_half).padStart(11),
    minutes(row.quarter).padStart(16),
    minutes(row.half).padStart(11),
    minutes(row.change).padStart(13),
  )
}
say(`\nboth versions read and joined in ${since(start)} s`)

const total = await (await table.latest()).rowCount()
if (total !== 3_000_000) throw new RangeError(`The table should hold 3,000,000 flights and holds ${number(total)}.`)
const here = relative(process.cwd(), path)
say(`\n${number(total)} flights, each exactly once, in ${((performance.now() - began) / 1000).toFixed(1)} s. Look for yourself:\n`)
say(`  npx varve history ${here}`)
say(`  npx varve query ${here}@2 "SELECT month, count(*) AS flights FROM flights GROUP BY month ORDER BY month"`)

/** One monthly load, as a job would send it: the transaction id makes it count once. June's file runs into the first minute of July. */
async function load(month: string, number: number): Promise<void> {
  const query = `SELECT strftime(date, '%Y-%m') AS month, * FROM read_parquet($file) WHERE date >= $from AND (date < $from + INTERVAL 1 MONTH OR $last)`
  const input = { query, params: { file: flights, from: new Date(`${month}-01T00:00:00Z`), last: month === months.at(-1) } }
  const start = performance.now()
  const result = await Table.append(path, input, {
    create: true,
    partitionBy: ['month'],
    txn: { appId: 'monthly-load', version: number },
    source: basename(flights),
    message: `flights of ${month}`,
  })
  const { numOutputRows: rows = 0, numFiles: files = 0, numOutputBytes: bytes = 0 } = result.metrics
  const what = result.alreadyApplied
    ? '   sent again: nothing changes'
    : `${numberOf(rows).padStart(13)}${String(files).padStart(8)}${`${(bytes / 1e6).toFixed(1)} MB`.padStart(10)}`
  say(month, String(number).padStart(9), String(result.version).padStart(10), what.padEnd(31), since(start).padStart(10))
}

/** An instant between two commits: their times have milliseconds. */
async function quietInstant(): Promise<Date> {
  await new Promise((resolve) => setTimeout(resolve, 20))
  const instant = new Date()
  await new Promise((resolve) => setTimeout(resolve, 20))
  return instant
}

function number(value: Row[string]): string {
  return numberOf(Number(value))
}

function numberOf(value: number): string {
  return value.toLocaleString('en-US')
}

function minutes(value: Row[string]): string {
  return `${Number(value).toFixed(1)} min`
}

function since(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(2)
}

function say(...parts: readonly string[]): void {
  console.log(parts.join(''))
}
