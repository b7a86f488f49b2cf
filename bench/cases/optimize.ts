/** Compaction of many small files, what clustering lets queries skip, and a long life of small appends that are folded as they come. */
import { cp, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Case, Contender, Running, Sample, Setting } from '../harness/case.ts'
import { schema } from '../harness/data.ts'

const smallFiles = 2000

/** Rows of one small append, as SQL. */
const rowsOf = (n: number, rows = 100) =>
  `SELECT i AS id, TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_seconds(i) AS "at", 'user' || (hash(i) % 90000 + 10000) AS "user",
   ((hash(i * 7) % 10000000) / 100.0)::DOUBLE AS amount, ['DE', 'FR', 'US', 'JP'][1 + (hash(i * 11) % 4)::INTEGER] AS country
   FROM range(${n * 100}, ${n * 100 + rows}) t(i)`

const objects = (n: number) =>
  Array.from({ length: 100 }, (_, i) => {
    const id = n * 100 + i
    return {
      id,
      at: new Date(Date.UTC(2026, 0, 1) + id * 1000),
      user: `user${10_000 + ((id * 7919) % 90_000)}`,
      amount: (id * 13) % 1e5,
      country: i % 2 ? 'DE' : 'FR',
    }
  })

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Milliseconds of a scan of one snapshot, once everything is warm. */
async function scan(folder: string): Promise<number> {
  const snapshot = await (await Table.open(folder)).latest()
  const sql = 'SELECT sum(id), max("at"), max("user"), sum(amount), max(country) FROM t'
  const times: number[] = []
  for (let i = 0; i < 9; i += 1) times.push(await timed(() => snapshot.query(sql, { name: 't' }).toArray()))
  return times.sort((one, other) => one - other)[4]!
}

/** Small files become one; the peer gets a copy of the same table. */
export const optimizeSmall: Case = {
  name: 'optimize-small',
  title: `optimize of ${smallFiles.toLocaleString('en')} files of 100 rows, and a scan afterwards`,
  shows: ['scan'],
  needs: ['table-small-files'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      samples: 5,
      start: async ({ data, work }) => ({
        sample: async (round) => {
          const folder = await copied(data, work, round)
          const wall = await timed(async () => (await Table.open(folder)).optimize())
          return { wall, scan: await scan(folder) }
        },
      }),
    },
    { name: 'delta-rs', role: 'peer', samples: 5 },
    {
      name: 'written at once',
      role: 'floor',
      samples: 5,
      start: async ({ work }) => ({
        sample: async (round) => {
          const folder = join(work, `once${round}`)
          const table = await Table.create(folder, { schema, preset: 'wide' })
          const wall = await timed(() => table.append({ query: rowsOf(0, smallFiles * 100) }))
          return { wall, scan: await scan(folder) }
        },
      }),
    },
  ],
  targets: [
    { says: 'beside delta-rs', of: 'varve', to: 'delta-rs', atMost: 1 },
    { says: 'scan afterwards beside one written at once', of: 'varve', to: 'written at once', metric: 'scan', atMost: 1.05 },
  ],
}

const clusteredRows = 2_000_000
const clusteredFiles = 100
const columns = ['a', 'b', 'c', 'd']

function clustering(curve: 'zorder' | 'hilbert'): Contender {
  return {
    name: curve,
    role: 'varve',
    samples: 1,
    start: async ({ work, short }): Promise<Running> => ({
      sample: async (round) => {
        const rows = short ? clusteredRows / 10 : clusteredRows
        const table = await Table.create(join(work, `${curve}${round}`), { schema: columns.map((name) => `${name} BIGINT`).join(', ') })
        const values = columns.map((name, i) => `(hash(i * 31 + ${i}) % 1000)::BIGINT AS ${name}`)
        await table.append({ query: `SELECT ${values.join(', ')} FROM range(${rows}) r(i)` })
        const before = await filesOf(table)
        const bytes = before.reduce((sum, file) => sum + file.bytes, 0)
        const wall = await timed(() => table.optimize({ [curve]: columns, targetSize: Math.ceil(bytes / clusteredFiles) }))
        return { wall, read: await readShare(table) }
      },
    }),
  }
}

/** Queries for one value of one column: the share of the files that they must read. */
export const clusteredSkips: Case = {
  name: 'optimize-clustered',
  title: '4 columns laid out along a curve in 100 files: the share of the files that a query for one value of one column reads',
  shows: ['read'],
  contenders: [clustering('zorder'), clustering('hilbert')],
  targets: [
    { says: 'files read with z-order, at most 46%', of: 'zorder', metric: 'read', atMost: 0.46 },
    { says: 'files read with Hilbert, at most 46%', of: 'hilbert', metric: 'read', atMost: 0.46 },
  ],
}

/** Small appends that are folded as they come, beside one load of the same rows; history is let go of before. */
export const appendFolded: Case = {
  name: 'append-folded',
  title: 'appends of 100 rows with compact: auto (50,000; 2,000 in a short run), beside one load of the same rows',
  shows: ['scan', 'open', 'bytes'],
  long: true,
  contenders: [
    life('varve, folded', async (table, appends) => {
      for (let n = 0; n < appends; n += 1) await table.append(objects(n), { compact: 'auto' })
      await table.vacuum({ olderThan: '0d' })
    }),
    life('varve, one load', async (table, appends) => {
      await table.append(Array.from({ length: appends }, (_, n) => objects(n)).flat())
    }),
  ],
  targets: [
    { says: 'scan', of: 'varve, folded', to: 'varve, one load', metric: 'scan', atMost: 1.2 },
    { says: 'open', of: 'varve, folded', to: 'varve, one load', metric: 'open', atMost: 1.5 },
    { says: 'folder size', of: 'varve, folded', to: 'varve, one load', metric: 'bytes', atMost: 1.5 },
  ],
}

function life(name: string, live: (table: Table, appends: number) => Promise<void>): Contender {
  return {
    name,
    role: 'varve',
    samples: 1,
    start: async ({ work, short }: Setting): Promise<Running> => ({
      sample: async (round): Promise<Sample> => {
        const folder = join(work, `life${round}`)
        const wall = await timed(async () => live(await Table.create(folder, { schema }), short ? 2_000 : 50_000))
        const opens: number[] = []
        for (let i = 0; i < 11; i += 1) opens.push(await timed(() => Table.open(folder)))
        const open = opens.sort((one, other) => one - other)[5]!
        return { wall, scan: await scan(folder), open, bytes: await bytesIn(folder) }
      },
    }),
  }
}

async function copied(data: string, work: string, round: number): Promise<string> {
  const folder = join(work, `t${round}`)
  await cp(join(data, 'table-small-files'), folder, { recursive: true })
  return folder
}

async function filesOf(table: Table) {
  const files = []
  for await (const file of (await table.latest()).files()) files.push(file)
  return files
}

async function readShare(table: Table): Promise<number> {
  const bounds = (await filesOf(table)).map(({ stats }) => stats as unknown as Record<'minValues' | 'maxValues', Record<string, number>>)
  let read = 0
  for (const column of columns) {
    for (let value = 0; value < 1000; value += 1) {
      read += bounds.filter(({ minValues, maxValues }) => minValues[column]! <= value && value <= maxValues[column]!).length
    }
  }
  return read / (columns.length * 1000 * bounds.length)
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return bytes
}
