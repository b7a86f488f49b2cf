/** Time travel at scale: a table a million files wide, a history a hundred thousand commits long. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Case, Contender } from '../harness/case.ts'
import { plainDuckDB } from '../harness/duckdb.ts'
import { presentFile, rowsOfFile, wideVersion } from '../log-maker.ts'

const files = 1_000_000
const checkpoint = `_delta_log/${String(wideVersion).padStart(20, '0')}.checkpoint.parquet`
const id = presentFile * rowsOfFile + 78

function expect(got: unknown, wanted: number): void {
  if (Number(got) !== wanted) throw new Error(`${got} instead of ${wanted}`)
}

/** A new process for each sample: what the library costs to load does not count, what it costs to begin does. */
function fresh(
  name: string,
  role: Contender['role'],
  work: (setting: { data: string; deltaExtension: string }) => Promise<Record<string, number> | undefined>,
): Contender {
  return { name, role, fresh: true, start: async (setting) => ({ sample: () => work(setting) }) }
}

function counting(name: string, set: string, rows: number): Contender {
  return fresh(name, 'varve', async ({ data }) => {
    const table = await Table.open(join(data, set))
    const snapshot = await table.asOf(await table.version())
    const [row] = await snapshot.query('SELECT count(*) AS n FROM t', { name: 't' }).toArray()
    expect(row?.n, rows)
    return undefined
  })
}

function reading(name: string, set: string, numRecords: string): Contender {
  return fresh(name, 'floor', async ({ data }) => {
    const connection = await plainDuckDB()
    const sql = `SELECT sum(CAST(${numRecords} AS BIGINT)), count(add.path) FROM read_parquet('${join(data, set, checkpoint)}')`
    expect((await connection.runAndReadAll(sql)).getRows()[0]![0], files * rowsOfFile)
    return undefined
  })
}

const json = `json_extract_string(add.stats, '$.numRecords')`

/** Counting rows. */
export const wideCount: Case = {
  name: 'wide-count',
  long: true,
  title: 'open, asOf and count(*) of 1,000,000 files, each time in a new process, no checksum',
  needs: ['wide-1m', 'wide-1m-commits', 'wide-1m-typed', 'wide-1m-v2', 'wide-1m-tombstones'],
  contenders: [
    counting('varve', 'wide-1m', files * rowsOfFile),
    reading('DuckDB reads the columns', 'wide-1m', json),
    counting('varve, 50 commits after', 'wide-1m-commits', (files - 50) * rowsOfFile),
    counting('varve, typed', 'wide-1m-typed', files * rowsOfFile),
    reading('DuckDB reads the typed columns', 'wide-1m-typed', 'add.stats_parsed."numRecords"'),
    counting('varve, V2, 50 commits after', 'wide-1m-v2', (files - 50) * rowsOfFile),
    counting('varve, 10,000,000 tombstones', 'wide-1m-tombstones', files * rowsOfFile),
    { name: 'delta-rs', role: 'peer', fresh: true },
  ],
  targets: [
    { says: 'count beside DuckDB reading the columns', of: 'varve', to: 'DuckDB reads the columns', atMost: 1.3 },
    { says: 'the same, processor time', of: 'varve', to: 'DuckDB reads the columns', metric: 'cpu', atMost: 1.3 },
    { says: 'beside delta-rs', of: 'varve', to: 'delta-rs', atMost: 1 },
    { says: 'ten times as many tombstones beside none', of: 'varve, 10,000,000 tombstones', to: 'varve', atMost: 1.3 },
    { says: 'peak memory', of: 'varve', metric: 'peak', atMost: 1024, unit: 'MiB' },
    { says: 'peak memory, V2 and commits', of: 'varve, V2, 50 commits after', metric: 'peak', atMost: 1024, unit: 'MiB' },
  ],
}

function selecting(name: string, set: string, condition: string): Contender {
  return fresh(name, 'varve', async ({ data }) => {
    const began = performance.now()
    const snapshot = await (await Table.open(join(data, set))).latest()
    const select = async () => expect((await snapshot.query(`SELECT * FROM t WHERE ${condition}`, { name: 't' }).toArray()).length, 1)
    await select()
    const wall = performance.now() - began
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const again = performance.now()
      await select()
      times.push(performance.now() - again)
    }
    return { wall, warm: Math.min(...times) }
  })
}

/** A query that one file answers. */
export const wideSelect: Case = {
  name: 'wide-select',
  long: true,
  title: 'a query that leaves 1 file of 1,000,000, each time in a new process; `warm`: again in the same, milliseconds (best of 5)',
  needs: ['wide-1m', 'wide-1m-commits', 'wide-1m-typed'],
  shows: ['warm'],
  contenders: [
    selecting('varve', 'wide-1m', `id = ${id}`),
    selecting('varve, typed', 'wide-1m-typed', `id = ${id}`),
    selecting('varve, by day', 'wide-1m', `id = ${id} AND day = DATE '2024-01-01' + ${(presentFile * 7919) % 730}`),
    selecting('varve, 50 commits after', 'wide-1m-commits', `id = ${id}`),
    counting('varve counts', 'wide-1m', files * rowsOfFile),
    counting('varve counts, typed', 'wide-1m-typed', files * rowsOfFile),
    fresh('DuckDB delta extension', 'peer', async ({ data, deltaExtension }) => {
      const connection = await plainDuckDB()
      await connection.run(`LOAD '${deltaExtension}'`)
      const result = await connection.runAndReadAll(`SELECT * FROM delta_scan('${join(data, 'wide-1m')}') WHERE id = ${id}`)
      expect(result.getRows().length, 1)
      return undefined
    }),
  ],
  targets: [
    { says: 'cold beside counting, statistics as text alone', of: 'varve', to: 'varve counts', atMost: 1.2 },
    { says: 'cold beside counting, statistics as values, as we write them', of: 'varve, typed', to: 'varve counts, typed', atMost: 1.2 },
    { says: 'warm', of: 'varve', metric: 'warm', atMost: 100, unit: 'ms' },
    { says: 'warm, 50 commits after', of: 'varve, 50 commits after', metric: 'warm', atMost: 100, unit: 'ms' },
    { says: 'beside DuckDB’s Delta extension', of: 'varve', to: 'DuckDB delta extension', atMost: 1 },
    { says: 'peak memory', of: 'varve', metric: 'peak', atMost: 1024, unit: 'MiB' },
  ],
}

const commits = 100_000
// Of the files that every tenth commit removes, the first is none.
const rowsOfLong = (commits - (commits / 10 - 1)) * rowsOfFile

function jsonFloor(name: string, sql: (files: string) => string): Contender {
  return {
    ...fresh(name, 'floor', async ({ data }) => {
      const folder = join(data, 'long-100000', '_delta_log')
      const list = (await readdir(folder)).filter((file) => file.endsWith('.json')).map((file) => `'${join(folder, file)}'`)
      const connection = await plainDuckDB()
      await connection.runAndReadAll(sql(`[${list.join(', ')}]`))
      return undefined
    }),
    samples: 3,
  }
}

const struct = `STRUCT(path VARCHAR, size BIGINT, stats VARCHAR, "deletionVector" STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, cardinality BIGINT))`

/** A history of commits alone. */
export const longLog: Case = {
  name: 'long-log',
  long: true,
  title: 'open, asOf(latest) and count of 100,000 commits without a checkpoint, each time in a new process',
  needs: ['long-100000', 'long-100000-compacted'],
  contenders: [
    {
      ...fresh('varve', 'varve', async ({ data }) => {
        const table = await Table.open(join(data, 'long-100000'))
        expect(await (await table.asOf(commits)).rowCount(), rowsOfLong)
        return undefined
      }),
      samples: 3,
    },
    {
      ...fresh('varve, compacted by the thousand', 'varve', async ({ data }) => {
        const table = await Table.open(join(data, 'long-100000-compacted'))
        expect(await (await table.asOf(commits)).rowCount(), rowsOfLong)
        return undefined
      }),
      samples: 3,
    },
    jsonFloor(
      'DuckDB read_json',
      (files) =>
        `SELECT count(add.path), count(remove.path) FROM read_json(${files}, format = 'newline_delimited', columns = {'add': '${struct}', 'remove': '${struct}'})`,
    ),
    jsonFloor('DuckDB read_json_objects', (files) => `SELECT count(*) FROM read_json_objects(${files}, format = 'newline_delimited')`),
    { name: 'delta-rs', role: 'peer', fresh: true, samples: 1 },
  ],
  targets: [
    { says: 'beside read_json of the same files', of: 'varve', to: 'DuckDB read_json', atMost: 1.5 },
    { says: 'beside read_json_objects, which looks at no value', of: 'varve', to: 'DuckDB read_json_objects', atMost: 1.5 },
    { says: 'beside delta-rs', of: 'varve', to: 'delta-rs', atMost: 1 },
  ],
}

function versionsFor(round: number): number[] {
  let seed = 7 + round
  return Array.from({ length: 50 }, () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed % 10_001
  })
}

function jumping(name: string, set: string, afresh: boolean): Contender {
  return {
    name,
    role: 'varve',
    samples: 5,
    start: async ({ data }) => ({
      sample: async (round) => {
        const path = join(data, set)
        let table = await Table.open(path)
        for (const version of versionsFor(round)) {
          if (afresh) table = await Table.open(path)
          const snapshot = await table.asOf(version)
          await snapshot.rowCount()
          await snapshot.fileCount()
        }
        return undefined
      },
    }),
  }
}

/** Versions at random. */
export const jumps: Case = {
  name: 'jumps',
  long: true,
  title: 'asOf and count at 50 random versions of 10,000, a checkpoint every 100 and no checksums',
  needs: ['long-10000', 'history-10000'],
  contenders: [
    jumping('varve, one handle', 'long-10000', false),
    jumping('varve, opened afresh', 'long-10000', true),
    jumping('varve, one handle, with checksums', 'history-10000', false),
    { name: 'delta-rs', role: 'peer', samples: 2 },
  ],
  targets: [
    { says: 'one handle beside opening each afresh', of: 'varve, one handle', to: 'varve, opened afresh', atMost: 0.2 },
    { says: 'beside delta-rs', of: 'varve, one handle', to: 'delta-rs', atMost: 1 },
  ],
}
