/**
 * Data sets of the benchmarks, made when a case needs them: a table of id int64, at timestamp, user string, amount double, country
 * string, the same on every machine. Inputs are kept in `.bench/data` between runs; tables that Varve writes are made anew for every
 * run, since they are part of what is measured.
 */
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { makeHistory } from '../history-maker.ts'
import { makeLongHistory, makeWideTable } from '../log-maker.ts'
import { deleteByVectors } from '../vectors-maker.ts'
import { library } from './library.ts'
import { places } from './places.ts'
import { runPython } from './python.ts'

/** Column list of the synthetic table, in DuckDB's spelling. */
export const schema = 'id BIGINT, "at" TIMESTAMPTZ, "user" VARCHAR, amount DOUBLE, country VARCHAR'

/** Rows `from` to `to` of the synthetic table; users of 9 characters, or of 43. */
function rowsSql(from: number, to: number, long = false): string {
  const user = long
    ? `'user-' || md5((hash(i) % 100000)::VARCHAR) || '-' || (hash(i) % 90000 + 10000)`
    : `'user' || (hash(i) % 90000 + 10000)`
  return `SELECT i::BIGINT AS id, TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_microseconds(i * 1000000 + (hash(i) % 1000000)::BIGINT) AS "at", ${user} AS "user",
    ((hash(i * 7) % 10000000) / 100.0)::DOUBLE AS amount, ['DE', 'FR', 'US', 'JP', 'BR', 'IN', 'KE', 'NZ'][1 + (hash(i * 11) % 8)::INTEGER] AS country FROM range(${from}, ${to}) t(i)`
}

/** Rows to merge into the first `total` of the table: every other one changes a row, scattered over all of them, the others are new. */
function mergeSql(rows: number, total: number): string {
  return `SELECT CASE WHEN i % 2 = 0 THEN i * ${total / rows} ELSE ${total} + i END::BIGINT AS id, "at", "user", -1.0::DOUBLE AS amount, country
    FROM (SELECT id AS i, * EXCLUDE (id) FROM (${rowsSql(0, rows)}))`
}

/** Names of the files of an input data set. */
export function inputFiles(data: string, name: string): string[] {
  const count = name === 'rows-20m' ? 10 : 1
  return Array.from({ length: count }, (_, i) => join(data, name, `${i}.${name.startsWith('arrow') ? 'arrow' : 'parquet'}`))
}

const made = new Set<string>()

const makers: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  'rows-2m': (folder) => parquet(folder, [rowsSql(0, 2_000_000)]),
  'rows-2m-long': (folder) => parquet(folder, [rowsSql(0, 2_000_000, true)]),
  'rows-20m': (folder) =>
    parquet(
      folder,
      Array.from({ length: 10 }, (_, i) => rowsSql(i * 2_000_000, (i + 1) * 2_000_000)),
    ),
  'rows-merge-10k': (folder) => parquet(folder, [mergeSql(10_000, 200_000)]),
  'rows-merge-100k': (folder) => parquet(folder, [mergeSql(100_000, 2_000_000)]),
  'rows-merge-10m': (folder) => parquet(folder, [mergeSql(10_000_000, 20_000_000)]),
  'arrow-merge-10k': (folder) => arrow(folder, 'rows-merge-10k'),
  'arrow-merge-100k': (folder) => arrow(folder, 'rows-merge-100k'),
  'arrow-2m': (folder) => arrow(folder, 'rows-2m'),
  'arrow-2m-long': (folder) => arrow(folder, 'rows-2m-long'),
  'table-10m': (folder) =>
    table(
      folder,
      Array.from({ length: 10 }, (_, i) => rowsSql(i * 1_000_000, (i + 1) * 1_000_000)),
    ),
  'table-10m-vectors': async (folder) => {
    await makers['table-10m']!(folder)
    await deleteByVectors(folder, 0.01)
  },
  'table-2m': (folder) =>
    table(
      folder,
      Array.from({ length: 2 }, (_, i) => rowsSql(i * 1_000_000, (i + 1) * 1_000_000)),
    ),
  'table-1m': (folder) =>
    table(
      folder,
      Array.from({ length: 10 }, (_, i) => rowsSql(i * 100_000, (i + 1) * 100_000)),
    ),
  'table-1000-files': (folder) =>
    table(
      folder,
      Array.from({ length: 1_000 }, (_, i) => rowsSql(i * 10_000, (i + 1) * 10_000)),
    ),
  'table-small-files': async (folder) => {
    const { Table } = await library()
    const table = await Table.create(folder, { schema, preset: 'wide' })
    for (let n = 0; n < 2_000; n += 1) {
      await table.append(
        Array.from({ length: 100 }, (_, i) => {
          const id = n * 100 + i
          const at = new Date(Date.UTC(2026, 0, 1) + id * 1000)
          return { id, at, user: `user${10_000 + ((id * 7919) % 90_000)}`, amount: (id * 13) % 1e5, country: i % 2 ? 'DE' : 'FR' }
        }),
      )
    }
  },
  'history-10': (folder) => makeHistory(folder, 10),
  'history-1000': (folder) => makeHistory(folder, 1_000),
  'history-10000': (folder) => makeHistory(folder, 10_000),
  'history-100000': (folder) => makeHistory(folder, 100_000),
  'wide-1m': (folder) => makeWideTable(folder, { files: 1_000_000 }),
  'wide-1m-commits': (folder) => makeWideTable(folder, { files: 1_000_000, commitsAfter: 50 }),
  'wide-1m-typed': (folder) => makeWideTable(folder, { files: 1_000_000, typed: true }),
  'wide-1m-v2': (folder) => makeWideTable(folder, { files: 1_000_000, tombstones: 1_000_000, checkpoint: 'v2', commitsAfter: 50 }),
  'wide-1m-tombstones': (folder) => makeWideTable(folder, { files: 1_000_000, tombstones: 10_000_000 }),
  'long-10000': (folder) => makeLongHistory(folder, { versions: 10_000, checkpointEvery: 100 }),
  'long-100000': (folder) => makeLongHistory(folder, { versions: 100_000 }),
  'long-100000-compacted': (folder) => makeLongHistory(folder, { versions: 100_000, compactEvery: 1_000 }),
}

const dependsOn: Readonly<Record<string, string>> = {
  'arrow-2m': 'rows-2m',
  'arrow-2m-long': 'rows-2m-long',
  'arrow-merge-10k': 'rows-merge-10k',
  'arrow-merge-100k': 'rows-merge-100k',
}

/** Makes what is missing. */
export async function makeData(names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (made.has(name)) continue
    const before = dependsOn[name]
    if (before) await makeData([before])
    const folder = join(places.data, name)
    const ours = name.startsWith('table') || name.startsWith('history')
    if (ours || !(await exists(folder))) {
      process.stderr.write(`making ${name}\n`)
      await rm(folder, { recursive: true, force: true })
      const partial = `${folder}.partial`
      await rm(partial, { recursive: true, force: true })
      await mkdir(partial, { recursive: true })
      await makers[name]!(partial)
      await rename(partial, folder)
    }
    made.add(name)
  }
}

async function parquet(folder: string, queries: readonly string[]): Promise<void> {
  await withDuckDB(async (connection) => {
    for (const [i, query] of queries.entries()) {
      await connection.run(`COPY (${query}) TO '${join(folder, `${i}.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`)
    }
  })
}

async function arrow(folder: string, from: string): Promise<void> {
  await runPython('parquet_to_arrow', [join(places.data, from, '0.parquet'), join(folder, '0.arrow')])
}

async function table(folder: string, queries: readonly string[]): Promise<void> {
  const { Table } = await library()
  const handle = await Table.create(folder, { schema })
  for (const query of queries) await handle.append({ query })
}

async function withDuckDB(use: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  try {
    await use(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
