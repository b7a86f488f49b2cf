/**
 * The tables that are damaged: small ones of our own, with every part that a log can have. Where a checkpoint is to matter, the commits
 * below it are gone.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'
import { Table } from '../../src/index.ts'
import { vectorAt, vectorBeside, vectorFile, vectorInline } from '../support/vectors.ts'

/** What stands in every row, name and file that nobody may read. */
export const bait = 'BAIT'

/** The path of a file in the log folder of a table. */
export const inLog = (root: string, name: string): string => join(root, '_delta_log', name)

/** The name of the commit of a version. */
export const commitName = (version: number): string => `${padded(version)}.json`

const padded = (version: number) => String(version).padStart(20, '0')

/** The tables and the version up to which their commits are gone, -1 where all are there. */
export const tables = {
  events: -1,
  cleaned: 3,
  parts: 3,
  sidecars: 3,
  jsonTop: 3,
  compacted: -1,
  mapped: -1,
  vectors: -1,
  feed: -1,
} as const

/** The name of a table, or the folder of a golden one. */
export type TableName = keyof typeof tables | `/${string}`

/** Makes the tables as folders under `folder`, beside a folder `bait`. */
export async function makeTables(folder: string): Promise<void> {
  const connection = await (await trustedEngine()).connect()
  const root = (name: keyof typeof tables | 'bait') => join(folder, name)
  try {
    await makeEvents(root('events'))
    for (const name of ['cleaned', 'parts', 'sidecars', 'jsonTop', 'compacted'] as const)
      cpSync(root('events'), root(name), { recursive: true })
    for (const name of ['cleaned', 'parts', 'sidecars', 'jsonTop'] as const) cleanUp(root(name), tables[name], name === 'cleaned')
    await splitCheckpoint(root('parts'), connection)
    await withSidecars(root('sidecars'), connection, 'parquet')
    await withSidecars(root('jsonTop'), connection, 'json')
    compact(root('compacted'))
    await makeMapped(root('mapped'))
    await makeVectors(root('vectors'))
    await makeFeed(root('feed'), connection)
    await makeBait(root('bait'), connection)
    cpSync(root('mapped'), join(root('bait'), 'table'), { recursive: true })
  } finally {
    await connection.close()
  }
}

const rowsOf = (first: number, count: number) =>
  `SELECT i AS id, 'name ' || i AS name, (i * 1.25)::DECIMAL(10,2) AS amount, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i::INTEGER) AS "time",
   ['a', 'b' || i] AS tags, {'city': 'Oslo', 'zip': i::INTEGER} AS address, MAP {'x': i / 2} AS scores, DATE '2026-01-01' + (i % 2)::INTEGER AS day
   FROM range(${first}, ${first + count}) AS r(i)`

const columns = `id BIGINT, name VARCHAR, amount DECIMAL(10,2), "time" TIMESTAMP WITH TIME ZONE, tags VARCHAR[], address STRUCT(city VARCHAR, zip INTEGER),
  scores MAP(VARCHAR, DOUBLE), day DATE`

/** Partitions, nested types, a checkpoint every other version, checksums, hints. */
async function makeEvents(root: string): Promise<void> {
  const table = await Table.create(root, { schema: columns, partitionBy: ['day'], properties: { 'delta.checkpointInterval': '2' } })
  for (let version = 1; version <= 5; version += 1)
    await table.append({ query: rowsOf(version * 100, 20) }, { txn: { appId: 'load', version } })
}

/** Takes the commits up to a version, and what was derived from them, as a cleanup does; and all checksums if wanted. */
function cleanUp(root: string, last: number, checksums: boolean): void {
  for (const name of readdirSync(join(root, '_delta_log'))) {
    const gone = /^\d{20}\./.test(name) && Number(name.slice(0, 20)) <= last
    if (gone || (!checksums && name.endsWith('.crc'))) rmSync(inLog(root, name))
  }
}

const checkpoint = (version: number) => `${padded(version)}.checkpoint.parquet`

async function splitCheckpoint(root: string, connection: Connection): Promise<void> {
  const whole = inLog(root, checkpoint(4))
  for (const part of [1, 2, 3]) {
    const number = (n: number) => String(n).padStart(10, '0')
    const path = inLog(root, `${padded(4)}.checkpoint.${number(part)}.${number(3)}.parquet`)
    await connection.run(
      `COPY (SELECT * EXCLUDE n FROM (SELECT row_number() OVER () AS n, * FROM read_parquet('${whole}')) WHERE n % 3 = ${part - 1}) TO '${path}' (FORMAT parquet)`,
    )
  }
  rmSync(whole)
  writeFileSync(inLog(root, '_last_checkpoint'), '{"version":4,"size":20,"parts":3}')
}

async function withSidecars(root: string, connection: Connection, top: 'parquet' | 'json'): Promise<void> {
  const whole = inLog(root, checkpoint(4))
  mkdirSync(inLog(root, '_sidecars'))
  const sidecars = ['0a', '0b'].map((name) => `${name}.parquet`)
  for (const [half, name] of sidecars.entries()) {
    const rows = `SELECT add, remove FROM (SELECT row_number() OVER () AS n, * FROM read_parquet('${whole}') WHERE add IS NOT NULL) WHERE n % 2 = ${half}`
    await connection.run(`COPY (${rows}) TO '${inLog(root, `_sidecars/${name}`)}' (FORMAT parquet)`)
  }
  const list = sidecars.map(
    (path) => `{'path': '${path}', 'sizeInBytes': ${statSync(inLog(root, `_sidecars/${path}`)).size}, 'modificationTime': 0}`,
  )
  const rows = `SELECT {'version': 4} AS "checkpointMetadata" UNION ALL BY NAME
    SELECT protocol, "metaData", txn FROM read_parquet('${whole}') WHERE add IS NULL AND remove IS NULL UNION ALL BY NAME
    SELECT unnest([${list.join(', ')}]) AS sidecar`
  const path = inLog(root, `${padded(4)}.checkpoint.8a2b3c4d-0000-4000-8000-00000000000${top === 'json' ? 1 : 2}.${top}`)
  if (top === 'parquet') await connection.run(`COPY (${rows}) TO '${path}' (FORMAT parquet)`)
  else {
    const lines = await connection.all(`SELECT CAST(to_json(r) AS VARCHAR) AS line FROM (${rows}) AS r`)
    const actions = lines.map(({ line }) => JSON.parse(String(line), (_, value) => value ?? undefined))
    writeFileSync(path, actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
  }
  rmSync(whole)
  rmSync(inLog(root, '_last_checkpoint'))
}

/** A compaction of versions 1 to 3: they only add files. */
function compact(root: string): void {
  const actions = [1, 2, 3].flatMap((version) => linesOf(root, version)).filter((line) => !line.startsWith('{"commitInfo"'))
  const loads = actions.filter((line) => line.startsWith('{"txn"'))
  const kept = [...actions.filter((line) => !line.startsWith('{"txn"')), loads.at(-1)!]
  writeFileSync(inLog(root, `${padded(1)}.${padded(3)}.compacted.json`), kept.map((line) => `${line}\n`).join(''))
}

async function makeMapped(root: string): Promise<void> {
  const properties = { 'delta.columnMapping.mode': 'name' }
  await Table.create(root, { schema: `id BIGINT, name VARCHAR, "a b" STRUCT("x,y" VARCHAR, z INTEGER[])`, properties })
  const rows = (first: number) =>
    `SELECT i AS id, 'name ' || i AS name, {'x,y': 'v' || i, 'z': [i::INTEGER]} AS "a b" FROM range(${first}, ${first + 20}) AS r(i)`
  for (const first of [0, 100]) await (await Table.open(root)).append({ query: rows(first) })
}

/** Three files whose rows are partly deleted by a vector beside, inline and at an absolute path. */
async function makeVectors(root: string): Promise<void> {
  const table = await Table.create(root, { schema: 'id BIGINT, name VARCHAR' })
  for (const first of [0, 100, 200])
    await table.append({ query: `SELECT i AS id, 'name ' || i AS name FROM range(${first}, ${first + 20}) AS r(i)` })
  const rows = [1, 3, 5, 7]
  const beside = vectorBeside(rows, '2f1c5a38-7d70-4a3e-9c8b-4a5d6e7f8091')
  for (const name of [beside.name, 'absolute.bin']) writeFileSync(join(root, name), vectorFile(rows))
  // A copy of the table lies elsewhere, so the absolute path is filled in there.
  const vectors = [beside.descriptor, vectorInline(rows), vectorAt('$ROOT/absolute.bin', rows)]
  const added = [1, 2, 3]
    .flatMap((version) => linesOf(root, version).filter((line) => line.startsWith('{"add"')))
    .map((line) => JSON.parse(line).add)
  const info = JSON.parse(linesOf(root, 3).find((line) => line.startsWith('{"commitInfo"'))!).commitInfo
  const actions = [
    {
      commitInfo: {
        timestamp: info.timestamp,
        inCommitTimestamp: info.inCommitTimestamp + 1,
        operation: 'DELETE',
        operationParameters: {},
      },
    },
    ...added.flatMap((add, at) => [
      {
        remove: {
          path: add.path,
          deletionTimestamp: info.timestamp,
          dataChange: true,
          extendedFileMetadata: true,
          partitionValues: {},
          size: add.size,
        },
      },
      { add: { ...add, dataChange: true, deletionVector: vectors[at] } },
    ]),
  ]
  writeFileSync(inLog(root, commitName(4)), actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
}

/** A table with a change data feed: two appends, and a delete that is told by a file of changes. */
async function makeFeed(root: string, connection: Connection): Promise<void> {
  const table = await Table.create(root, { schema: 'id BIGINT, name VARCHAR', properties: { 'delta.enableChangeDataFeed': 'true' } })
  for (const first of [0, 100])
    await table.append({ query: `SELECT i AS id, 'name ' || i AS name FROM range(${first}, ${first + 20}) AS r(i)` })
  const [line] = linesOf(root, 2).filter((one) => one.startsWith('{"add"'))
  const { add } = JSON.parse(line!)
  const info = JSON.parse(linesOf(root, 2).find((one) => one.startsWith('{"commitInfo"'))!).commitInfo
  mkdirSync(join(root, '_change_data'))
  const copy = async (sql: string, path: string) => {
    await connection.run(`COPY (${sql}) TO '${join(root, path)}' (FORMAT parquet)`)
    return { path, partitionValues: {}, size: statSync(join(root, path)).size }
  }
  const kept = await copy(`FROM read_parquet('${join(root, add.path)}') WHERE id >= 105`, 'kept.parquet')
  const cdc = await copy(
    `SELECT *, 'delete' AS _change_type FROM read_parquet('${join(root, add.path)}') WHERE id < 105`,
    '_change_data/cdc.parquet',
  )
  const actions = [
    {
      commitInfo: {
        timestamp: info.timestamp,
        inCommitTimestamp: info.inCommitTimestamp + 1,
        operation: 'DELETE',
        operationParameters: {},
      },
    },
    {
      remove: {
        path: add.path,
        deletionTimestamp: info.timestamp,
        dataChange: true,
        extendedFileMetadata: true,
        partitionValues: {},
        size: add.size,
      },
    },
    { add: { ...kept, modificationTime: info.timestamp, dataChange: true } },
    { cdc: { ...cdc, dataChange: false } },
  ]
  writeFileSync(inLog(root, commitName(3)), actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
}

/** Files that other tables have, and that lead nowhere good in these. */
async function makeBait(folder: string, connection: Connection): Promise<void> {
  mkdirSync(folder)
  const files: Record<string, string> = {
    'bait.parquet': `SELECT 666::BIGINT AS id, '${bait}' AS name`,
    'foreign.parquet': `SELECT i AS x, 'y' || i AS y FROM range(50) AS r(i)`,
    'other-types.parquet': `SELECT 'x' || i AS id, [i] AS name, i AS add, {'path': [i]} AS remove, 'p' AS protocol, 5 AS "metaData", 7 AS txn FROM range(50) AS r(i)`,
    'no-protocol.parquet': `SELECT NULL::STRUCT("minReaderVersion" INTEGER) AS protocol, NULL::STRUCT(id VARCHAR) AS "metaData", NULL::STRUCT(path VARCHAR) AS add FROM range(5)`,
    'bait-checkpoint.parquet': `SELECT {'path': '${bait}.parquet', 'size': 1, 'modificationTime': 0, 'dataChange': true} AS add FROM range(5)`,
  }
  for (const [name, sql] of Object.entries(files)) await connection.run(`COPY (${sql}) TO '${join(folder, name)}' (FORMAT parquet)`)
  writeFileSync(join(folder, 'bait.bin'), vectorFile([1, 3, 5, 7]))
}

/** The lines of a commit. */
export function linesOf(root: string, version: number): string[] {
  return readFileSync(inLog(root, commitName(version)), 'utf8')
    .trimEnd()
    .split('\n')
}

/** A fresh copy of a table at `to`. */
export function copyTable(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
  for (const name of readdirSync(join(to, '_delta_log'))) {
    if (!/\d\.json$/.test(name)) continue
    const text = readFileSync(inLog(to, name), 'utf8')
    if (text.includes('$ROOT')) writeFileSync(inLog(to, name), text.replaceAll('$ROOT', to))
  }
}
