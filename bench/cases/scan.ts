/** Reading rows: out as Arrow, an aggregate over everything, one file of many. */
import { join } from 'node:path'
import { type Snapshot, Table } from '../../src/index.ts'
import type { Case, Setting } from '../harness/case.ts'
import { parquetRelation, plainDuckDB, pull } from '../harness/duckdb.ts'

async function latest(data: string, name: string): Promise<{ table: Table; snapshot: Snapshot }> {
  const table = await Table.open(join(data, name))
  return { table, snapshot: await table.latest() }
}

/** The absolute names of the data files of a table, as the log has them. */
async function dataFiles(data: string, name: string): Promise<string[]> {
  const { snapshot } = await latest(data, name)
  const files: string[] = []
  for await (const file of snapshot.files()) files.push(join(data, name, file.path))
  return files.sort()
}

async function pullVarve(snapshot: Snapshot): Promise<number> {
  let rows = 0
  for await (const batch of snapshot.scan()) rows += batch.numRows
  return rows
}

function expectRows(rows: number, expected: number): undefined {
  if (rows !== expected) throw new Error(`${rows} rows, not ${expected}`)
  return undefined
}

/** Everything out as Arrow. */
export const scanOut: Case = {
  name: 'scan-out',
  title: '10,000,000 rows out as Arrow batches, 5 columns',
  needs: ['table-10m'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ data }) => {
        const { snapshot } = await latest(data, 'table-10m')
        return { sample: async () => expectRows(await pullVarve(snapshot), 10_000_000) }
      },
    },
    {
      name: 'DuckDB, chunks pulled, no value read',
      role: 'floor',
      start: async ({ data }) => {
        const connection = await plainDuckDB()
        const relation = parquetRelation(await dataFiles(data, 'table-10m'))
        return { sample: async () => expectRows(await pull(connection, `FROM ${relation}`), 10_000_000) }
      },
    },
    {
      name: 'DuckDB, every column aggregated inside',
      role: 'floor',
      start: async ({ data }) => {
        const connection = await plainDuckDB()
        const relation = parquetRelation(await dataFiles(data, 'table-10m'))
        return {
          sample: async () => {
            await connection.runAndReadAll(
              `SELECT sum(id), max("at"), sum(strlen("user")), sum(amount), sum(strlen(country)) FROM ${relation}`,
            )
            return undefined
          },
        }
      },
    },
  ],
  targets: [
    { says: 'beside DuckDB’s own scan, its chunks pulled', of: 'varve', to: 'DuckDB, chunks pulled, no value read', atMost: 4 },
    { says: 'beside DuckDB’s own scan, aggregated inside', of: 'varve', to: 'DuckDB, every column aggregated inside', atMost: 4 },
  ],
  note: '"DuckDB’s own scan" is read both ways: pulled through its Node client without looking at a value, and used up inside the engine',
}

/** Memory of the same. */
export const scanOutMemory: Case = {
  name: 'scan-out-memory',
  title: 'peak memory of rows out as Arrow batches, fresh processes: 10,000,000 rows beside 2,000,000',
  needs: ['table-2m', 'table-10m'],
  contenders: (
    [
      ['varve, 10,000,000 rows', 'table-10m', 10_000_000],
      ['varve, 2,000,000 rows', 'table-2m', 2_000_000],
    ] as const
  ).map(([name, table, rows]) => ({
    name,
    role: 'varve' as const,
    fresh: true,
    samples: 3,
    start: async ({ data }: Setting) => ({ sample: async () => expectRows(await pullVarve((await latest(data, table)).snapshot), rows) }),
  })),
  targets: [
    {
      says: 'memory is flat: five times the rows',
      of: 'varve, 10,000,000 rows',
      to: 'varve, 2,000,000 rows',
      metric: 'peak',
      atMost: 1.25,
    },
  ],
}

const aggregation = (relation: string): string =>
  `SELECT country, count(*) AS n, sum(amount) AS amount, min("at") AS first, max("user") AS last FROM ${relation} GROUP BY country ORDER BY country`

/** Aggregate as of a version. */
export const aggregate: Case = {
  name: 'aggregate',
  title: 'full scan and aggregate as of a version, 10,000,000 rows in 10 files',
  needs: ['table-10m'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ data }) => {
        const { table } = await latest(data, 'table-10m')
        return {
          sample: async () => {
            const snapshot = await table.asOf(10)
            return expectRows((await snapshot.query(aggregation('"table-10m"')).toArray()).length, 8)
          },
        }
      },
    },
    {
      name: 'DuckDB read_parquet of the same files',
      role: 'floor',
      start: async ({ data }) => {
        const connection = await plainDuckDB()
        const relation = parquetRelation(await dataFiles(data, 'table-10m'))
        return { sample: async () => expectRows((await connection.runAndReadAll(aggregation(relation))).getRows().length, 8) }
      },
    },
    {
      name: 'DuckDB delta extension',
      role: 'peer',
      start: async ({ data, deltaExtension }) => {
        const connection = await plainDuckDB()
        await connection.run(`LOAD '${deltaExtension}'`)
        const relation = `delta_scan('${join(data, 'table-10m')}', version := 10)`
        return { sample: async () => expectRows((await connection.runAndReadAll(aggregation(relation))).getRows().length, 8) }
      },
    },
  ],
  targets: [{ says: 'beside read_parquet over the same files', of: 'varve', to: 'DuckDB read_parquet of the same files', atMost: 1.05 }],
}

const repeats = 15
const selection = (relation: string, round: number, i: number): string => {
  const first = (((round + 2) * 131 + i * 37) % 1_000) * 10_000
  return `SELECT count(*) AS n, sum(amount) AS amount FROM ${relation} WHERE id BETWEEN ${first + 2_000} AND ${first + 7_999}`
}

/** One file of a thousand. */
export const selective: Case = {
  name: 'selective',
  title: 'a selective query that statistics answer with 1 file of 1,000 (milliseconds of fifteen)',
  needs: ['table-1000-files'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ data }) => {
        const { table } = await latest(data, 'table-1000-files')
        return {
          sample: async (round) => {
            for (let i = 0; i < repeats; i++) {
              const snapshot = await table.asOf(1_000)
              const [row] = await snapshot.query(selection('"table-1000-files"', round, i)).toArray()
              expectRows(Number(row?.n), 6_000)
            }
            return undefined
          },
        }
      },
    },
    {
      name: 'DuckDB read_parquet of that one file',
      role: 'floor',
      start: async ({ data }) => {
        const connection = await plainDuckDB()
        const byFirst = new Map<number, string>()
        for (const file of await dataFiles(data, 'table-1000-files')) {
          const first = await connection.runAndReadAll(`SELECT min(id) FROM ${parquetRelation([file])}`)
          byFirst.set(Number(first.getRows()[0]![0]), file)
        }
        return {
          sample: async (round) => {
            for (let i = 0; i < repeats; i++) {
              const first = (((round + 2) * 131 + i * 37) % 1_000) * 10_000
              const result = await connection.runAndReadAll(selection(parquetRelation([byFirst.get(first)!]), round, i))
              expectRows(Number(result.getRows()[0]![0]), 6_000)
            }
            return undefined
          },
        }
      },
    },
    {
      name: 'DuckDB delta extension',
      role: 'peer',
      start: async ({ data, deltaExtension }) => {
        const connection = await plainDuckDB()
        await connection.run(`LOAD '${deltaExtension}'`)
        const relation = `delta_scan('${join(data, 'table-1000-files')}', version := 1000)`
        return {
          sample: async (round) => {
            const began = performance.now()
            await connection.runAndReadAll(selection(relation, round, 0))
            return { wall: (performance.now() - began) * repeats }
          },
        }
      },
    },
  ],
  targets: [
    {
      says: 'beside read_parquet of that one file, planning included',
      of: 'varve',
      to: 'DuckDB read_parquet of that one file',
      atMost: 1.3,
    },
  ],
}
