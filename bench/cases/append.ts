/** Appends: many small ones, and one of a Parquet file. */
import { link, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import { localStore, type ObjectStore, Table } from '../../src/index.ts'
import type { Case, Contender, Sample } from '../harness/case.ts'
import { inputFiles, schema } from '../harness/data.ts'
import { parquetRelation, plainDuckDB, syncFile } from '../harness/duckdb.ts'
import { quantile } from '../harness/measure.ts'
import { type Arrow, lance, lanceArrow } from '../harness/peers.ts'
import { unsynced } from '../harness/unsynced.ts'

interface SmallRow {
  readonly id: number
  readonly at: number
  readonly user: string
  readonly amount: number
  readonly country: string
}

const begin = Date.UTC(2026, 0, 1)
const batch = (n: number): SmallRow[] =>
  Array.from({ length: 100 }, (_, i) => ({
    id: n * 100 + i,
    at: begin + (n * 100 + i) * 1000,
    user: `user${10_000 + i}`,
    amount: i / 4,
    country: i % 2 ? 'DE' : 'FR',
  }))

/** The rows as an Arrow table of whichever apache-arrow. */
function arrowTable(arrow: Arrow, rows: readonly SmallRow[]): unknown {
  const types = arrowTypes(arrow)
  const column = (name: keyof SmallRow, values: readonly unknown[]): [string, unknown] => [name, arrow.vectorFromArray(values, types[name])]
  return new arrow.Table(
    Object.fromEntries([
      column(
        'id',
        rows.map(({ id }) => BigInt(id)),
      ),
      ...(['at', 'user', 'amount', 'country'] as const).map((name) =>
        column(
          name,
          rows.map((row) => row[name]),
        ),
      ),
    ]),
  )
}

function arrowTypes(arrow: Arrow): Record<keyof SmallRow, unknown> {
  const text = new arrow.Utf8()
  return { id: new arrow.Int64(), at: new arrow.TimestampMicrosecond('UTC'), user: text, amount: new arrow.Float64(), country: text }
}

async function timed(count: number, one: (n: number) => Promise<unknown>): Promise<Sample> {
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const began = performance.now()
    await one(n)
    times.push(performance.now() - began)
  }
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) }
}

type Form = 'Arrow' | 'objects'

/** As many for everyone: what an append costs grows with the history for some. */
const appends = 300

function small(name: string, form: Form, storeOf: (folder: string) => string | ObjectStore): Contender {
  return {
    name,
    role: 'varve',
    start: async ({ work }) => {
      const batches = Array.from({ length: appends }, (_, n) => batch(n))
      const inputs =
        form === 'objects'
          ? batches.map((rows) => rows.map((row) => ({ ...row, at: new Date(row.at) })))
          : batches.map((rows) => arrowTable(arrow as unknown as Arrow, rows) as arrow.Table)
      return {
        sample: async (round) => {
          const table = await Table.create(storeOf(join(work, `t${round}`)), { schema })
          return timed(inputs.length, (n) => table.append(inputs[n]!))
        },
      }
    },
  }
}

function lanceSmall(form: Form): Contender {
  return {
    name: `lancedb, ${form} (does not sync)`,
    role: 'peer',
    start: async ({ work, peers }) => {
      const theirs = lanceArrow(peers)
      const batches = Array.from({ length: appends }, (_, n) => batch(n))
      const inputs = form === 'objects' ? batches : batches.map((rows) => arrowTable(theirs, rows))
      const types = arrowTypes(theirs)
      const lanceSchema = new theirs.Schema(Object.entries(types).map(([name, type]) => new theirs.Field(name, type, true)))
      const { connect } = lance(peers)
      return {
        sample: async (round) => {
          const table = await (await connect(join(work, `db${round}`))).createEmptyTable('t', lanceSchema)
          return timed(inputs.length, (n) => table.add(inputs[n]))
        },
      }
    },
  }
}

/** 300 appends of 100 rows. */
export const appendSmall: Case = {
  name: 'append-small',
  title: '300 durable appends of 100 rows, milliseconds for one',
  shows: ['p50', 'p95'],
  contenders: [
    small('varve, Arrow', 'Arrow', (folder) => folder),
    small('varve, Arrow, nothing synced', 'Arrow', (folder) => unsynced(localStore(folder))),
    lanceSmall('Arrow'),
    small('varve, objects', 'objects', (folder) => folder),
    lanceSmall('objects'),
    { name: 'delta-rs', role: 'peer' },
    {
      name: 'two files and four syncs',
      role: 'floor',
      start: async ({ work }) => ({
        sample: async (round) => {
          const folder = join(work, `f${round}`)
          const log = join(folder, 'log')
          await mkdir(log, { recursive: true })
          const body = Buffer.alloc(1_500, 7)
          return timed(appends, async (n) => {
            await syncedFile(join(folder, 'new'), body)
            await rename(join(folder, 'new'), join(folder, `${n}.parquet`))
            await syncFolder(folder)
            await syncedFile(join(log, `new${n}`), body)
            await link(join(log, `new${n}`), join(log, `${n}.json`))
            await syncFolder(log)
          })
        },
      }),
    },
  ],
  targets: [
    {
      says: 'p50 beside LanceDB, which does not sync, from Arrow',
      of: 'varve, Arrow',
      to: 'lancedb, Arrow (does not sync)',
      metric: 'p50',
      atMost: 0.75,
    },
    {
      says: 'p50 beside LanceDB, from plain objects',
      of: 'varve, objects',
      to: 'lancedb, objects (does not sync)',
      metric: 'p50',
      atMost: 0.75,
    },
    { says: 'p50 beside delta-rs', of: 'varve, Arrow', to: 'delta-rs', metric: 'p50', atMost: 0.1 },
  ],
  note: 'what the syncs cost is the difference of the first two; delta-rs appends through one handle and syncs nothing',
}

async function syncedFile(path: string, body: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx')
  await handle.writeFile(body)
  await handle.sync()
  await handle.close()
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync()
  await handle.close()
}

/** 2,000,000 rows from a Parquet file in one append. */
export const appendParquet: Case = {
  name: 'append-parquet',
  title: '2,000,000 rows from a Parquet file in one append',
  needs: ['rows-2m'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ data, work }) => ({
        sample: async (round) => {
          const table = await Table.create(join(work, `t${round}`), { schema })
          return { wall: await wallOf(() => table.append({ files: inputFiles(data, 'rows-2m') })) }
        },
      }),
    },
    {
      name: 'DuckDB COPY, zstd, synced',
      role: 'floor',
      start: async ({ data, work }) => {
        const connection = await plainDuckDB()
        return {
          sample: async (round) => {
            const target = join(work, `${round}.parquet`)
            await connection.run(
              `COPY (FROM ${parquetRelation(inputFiles(data, 'rows-2m'))}) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`,
            )
            await syncFile(target)
            return undefined
          },
        }
      },
    },
    { name: 'delta-rs', role: 'peer' },
  ],
  targets: [{ says: 'beside DuckDB COPY of the same, zstd, synced', of: 'varve', to: 'DuckDB COPY, zstd, synced', atMost: 1.15 }],
}

/** Memory of an append of 20,000,000 rows. */
export const appendParquetMemory: Case = {
  name: 'append-parquet-memory',
  title: 'peak memory of one append of 20,000,000 rows from ten Parquet files, fresh processes',
  needs: ['rows-20m'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      fresh: true,
      samples: 3,
      start: async ({ data, work }) => ({
        sample: async (round) => {
          const result = await Table.append(join(work, `t${round}`), { files: inputFiles(data, 'rows-20m') }, { create: true })
          const rows = await (await (await Table.open(join(work, `t${round}`))).latest()).rowCount()
          if (rows !== 20_000_000) throw new Error(`${rows} rows after version ${result.version}`)
          return undefined
        },
      }),
    },
    {
      name: 'DuckDB COPY, zstd, synced',
      role: 'floor',
      fresh: true,
      samples: 1,
      start: async ({ data, work }) => {
        const connection = await plainDuckDB()
        return {
          sample: async () => {
            const target = join(work, 'all.parquet')
            await connection.run(
              `COPY (FROM ${parquetRelation(inputFiles(data, 'rows-20m'))}) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`,
            )
            await syncFile(target)
            return undefined
          },
        }
      },
    },
  ],
  targets: [{ says: 'peak resident memory', of: 'varve', metric: 'peak', atMost: 1024, unit: 'MiB' }],
  note: 'the floor is DuckDB with its own defaults, which order the rows and bound nothing',
}

/** Milliseconds of one call. */
export async function wallOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
