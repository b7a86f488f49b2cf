/**
 * Logs written directly, as another engine might have left them: a table a million files wide, a history a hundred thousand commits
 * long. DuckDB writes checkpoints, sidecars and compactions from one description of the file `i`; commits are text. There are no
 * checksums, so that everything is read out of the log. Data files are there for the few that a query reads.
 *
 * File `i` holds the rows `i * 100` to `i * 100 + 99`; it lies in one of 730 partitions `day`. Every 50th file of a wide table has a
 * deletion vector, if asked.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** What a table of many files is like. */
export interface WideTable {
  readonly files: number
  /** Removed files that the checkpoint still names. Default: none. */
  readonly tombstones?: number
  /** Default: `classic`. */
  readonly checkpoint?: 'classic' | 'v2'
  /** Whether the checkpoint has `stats_parsed` and `partitionValues_parsed`, and no statistics as text. Default: `false`. */
  readonly typed?: boolean
  /** Commits after the checkpoint; each adds a file and removes two. Default: none. */
  readonly commitsAfter?: number
}

/** What a long history is like. Each commit adds a file; every tenth removes an earlier one besides. */
export interface LongHistory {
  readonly versions: number
  /** A classic checkpoint at every so many versions. Default: none. */
  readonly checkpointEvery?: number
  /** A compaction of every so many commits. Default: none. */
  readonly compactEvery?: number
}

/** Rows of a file. */
export const rowsOfFile = 100

/** The version of a wide table's checkpoint. */
export const wideVersion = 1_000

/** The file of a wide table that has a data file, and the id of a row that it holds. */
export const presentFile = 123_456
const filesASidecar = 100_000
const days = 730

const column = (name: string, type: string) => ({ name, type, nullable: true, metadata: {} })
const schemaString = JSON.stringify({
  type: 'struct',
  fields: [
    column('id', 'long'),
    column('at', 'timestamp'),
    column('user', 'string'),
    column('amount', 'double'),
    column('country', 'string'),
    column('day', 'date'),
  ],
})
const metaData = {
  id: '6f0a7b1c-0000-4000-8000-000000000000',
  format: { provider: 'parquet', options: {} },
  schemaString,
  partitionColumns: ['day'],
  configuration: {},
  createdTime: 1_767_225_600_000,
}
const oldProtocol = { minReaderVersion: 1, minWriterVersion: 2 }
const newProtocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['v2Checkpoint'], writerFeatures: ['v2Checkpoint'] }

// The file `i` in SQL.
const dayOf = `strftime(DATE '2024-01-01' + ((i * 7919) % ${days})::INTEGER, '%Y-%m-%d')`
const pathOf = `'day=' || ${dayOf} || '/part-' || lpad(i::VARCHAR, 8, '0') || '-' || md5(i::VARCHAR)::UUID::VARCHAR || '.c000.snappy.parquet'`
const timeOf = (row: string) => `strftime(TIMESTAMP '2026-01-01' + to_seconds(${row}), '%Y-%m-%dT%H:%M:%S.%gZ')`
const values = (row: string, user: string, part: string) =>
  `'{"id":' || (${row})::VARCHAR || ',"at":"' || ${timeOf(row)} || '","user":"user' || (${user})::VARCHAR || '","amount":' || ((hash(i) % 1000000) / 4 + ${part})::VARCHAR || ',"country":"${part === '0' ? 'BR' : 'US'}"}'`
const low = values('i * 100', '10000 + hash(i) % 4000', '0')
const high = values('i * 100 + 99', '90000 + hash(i) % 9000', '250000')
const nulls = `{"id":0,"at":0,"user":0,"amount":' || (i % 3)::VARCHAR || ',"country":0}`
const statsOf = `'{"numRecords":${rowsOfFile},"minValues":' || ${low} || ',"maxValues":' || ${high} || ',"nullCount":${nulls}}'`
const typedValues = (row: string, user: string, part: string) =>
  `{id: ${row}, "at": TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_seconds(${row}), user: 'user' || (${user})::VARCHAR, amount: (hash(i) % 1000000) / 4 + ${part}, country: '${part === '0' ? 'BR' : 'US'}'}`
const typedOf = `{numRecords: ${rowsOfFile}::BIGINT, minValues: ${typedValues('i * 100', '10000 + hash(i) % 4000', '0')},
  maxValues: ${typedValues('i * 100 + 99', '90000 + hash(i) % 9000', '250000')}, nullCount: {id: 0::BIGINT, "at": 0::BIGINT, user: 0::BIGINT, amount: (i % 3)::BIGINT, country: 0::BIGINT}}`

function addsSql(from: number, to: number, typed: boolean): string {
  const stats = typed ? `stats_parsed: ${typedOf}, "partitionValues_parsed": {day: CAST(${dayOf} AS DATE)}` : `stats: ${statsOf}`
  return `SELECT {path: ${pathOf}, "partitionValues": MAP {'day': ${dayOf}}, size: 2000 + (hash(i) % 1000)::BIGINT, "modificationTime": 1767225600000 + i,
    "dataChange": false, ${stats}, tags: NULL::MAP(VARCHAR, VARCHAR)} AS add FROM range(${from}, ${to}) AS files(i)`
}

function removesSql(from: number, to: number): string {
  return `SELECT {path: ${pathOf}, "deletionTimestamp": 1767225600000 + i, "dataChange": false, "extendedFileMetadata": true,
    "partitionValues": MAP {'day': ${dayOf}}, size: 2000 + (hash(i) % 1000)::BIGINT} AS remove FROM range(${from}, ${to}) AS files(i)`
}

const smallShape = {
  protocol: { minReaderVersion: 'INTEGER', minWriterVersion: 'INTEGER', readerFeatures: ['VARCHAR'], writerFeatures: ['VARCHAR'] },
  metaData: {
    id: 'VARCHAR',
    format: { provider: 'VARCHAR', options: 'MAP(VARCHAR, VARCHAR)' },
    schemaString: 'VARCHAR',
    partitionColumns: ['VARCHAR'],
    configuration: 'MAP(VARCHAR, VARCHAR)',
    createdTime: 'BIGINT',
  },
}
const smallSql = `SELECT a.* FROM (SELECT json_transform(line, '${JSON.stringify(smallShape)}') AS a
  FROM unnest(['${JSON.stringify({ protocol: oldProtocol })}', '${JSON.stringify({ metaData })}']) AS lines(line))`

/** Writes the log of a wide table, whose checkpoint is of version {@link wideVersion}, and one data file. */
export async function makeWideTable(folder: string, shape: WideTable): Promise<void> {
  const { files, tombstones = 0, checkpoint = 'classic', typed = false, commitsAfter = 0 } = shape
  const log = join(folder, '_delta_log')
  mkdirSync(join(log, '_sidecars'), { recursive: true })
  const options = '(FORMAT parquet, COMPRESSION zstd)'
  await withDuckDB(async (connection) => {
    const removed = removesSql(100_000_000, 100_000_000 + tombstones)
    if (checkpoint === 'classic') {
      const rows = [smallSql, addsSql(0, files, typed), removed].join(' UNION ALL BY NAME ')
      await connection.run(`COPY (${rows}) TO '${join(log, `${padded(wideVersion)}.checkpoint.parquet`)}' ${options}`)
    } else {
      const lines: unknown[] = [{ checkpointMetadata: { version: wideVersion } }, { protocol: newProtocol }, { metaData }]
      const sidecar = async (rows: string) => {
        const path = `${crypto.randomUUID()}.parquet`
        await connection.run(`COPY (${rows}) TO '${join(log, '_sidecars', path)}' ${options}`)
        lines.push({ sidecar: { path, sizeInBytes: 1, modificationTime: 1 } })
      }
      const both = (rows: string) => `${rows} UNION ALL BY NAME (${removesSql(0, 0)}) UNION ALL BY NAME (${addsSql(0, 0, typed)})`
      for (let at = 0; at < files; at += filesASidecar) await sidecar(both(addsSql(at, Math.min(files, at + filesASidecar), typed)))
      if (tombstones > 0) await sidecar(both(removed))
      writeFileSync(join(log, `${padded(wideVersion)}.checkpoint.${crypto.randomUUID()}.json`), asLines(lines))
    }
    const [day, path] = await describeFile(connection, presentFile)
    mkdirSync(join(folder, `day=${day}`), { recursive: true })
    await connection.run(`COPY (SELECT i AS id, TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_seconds(i) AS "at", 'user' || (50000 + i % 1000) AS user, 1.5::DOUBLE AS amount, 'DE' AS country
      FROM range(${presentFile * rowsOfFile}, ${(presentFile + 1) * rowsOfFile}) AS r(i)) TO '${join(folder, path)}' (FORMAT parquet)`)
    writeFileSync(join(log, `${padded(wideVersion)}.json`), asLines([{ commitInfo: { operation: 'WRITE' } }]))
    await writeCommits(connection, log, wideVersion + 1, files, commitsAfter, (n) => [200_000 + n, n])
  })
}

/** Writes the log of a long history. There are no data files. */
export async function makeLongHistory(folder: string, { versions, checkpointEvery, compactEvery }: LongHistory): Promise<void> {
  const log = join(folder, '_delta_log')
  mkdirSync(log, { recursive: true })
  await withDuckDB(async (connection) => {
    writeFileSync(
      join(log, `${padded(0)}.json`),
      asLines([{ commitInfo: { operation: 'CREATE TABLE' } }, { protocol: oldProtocol }, { metaData }]),
    )
    await writeCommits(connection, log, 1, 0, versions, removedBy)
    const ends = (every: number | undefined) =>
      every ? Array.from({ length: Math.floor(versions / every) }, (_, i) => (i + 1) * every) : []
    // The commits n + 1 for n divisible by ten remove the file n / 2.
    const gone = (after: number, upTo: number) => `(i > 0 AND i % 5 = 0 AND i * 2 + 1 > ${after} AND i * 2 + 1 <= ${upTo})`
    for (const end of ends(checkpointEvery)) {
      const rows = `${addsSql(0, end, false)} WHERE NOT ${gone(0, end)}`
      await connection.run(
        `COPY (${smallSql} UNION ALL BY NAME ${rows}) TO '${join(log, `${padded(end)}.checkpoint.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`,
      )
    }
    for (const end of ends(compactEvery)) {
      const first = end - compactEvery! + 1
      const adds = `${addsSql(first - 1, end, false)} WHERE NOT ${gone(0, end)}`
      const removes = `${removesSql(0, end)} WHERE ${gone(first - 1, end)}`
      const lines = `SELECT json_object('add', add) FROM (${adds}) UNION ALL SELECT json_object('remove', remove) FROM (${removes})`
      const to = join(log, `${padded(first)}.${padded(end)}.compacted.json`)
      await connection.run(`COPY (${lines}) TO '${to}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\u001f')`)
    }
  })
}

/** The file that the commit n + 1 of a long history removes. */
function removedBy(n: number): number[] {
  return n % 10 === 0 && n > 0 ? [n / 2] : []
}

/** Commits from `version` on; the n-th adds the file `files` + n and removes those that `removed` names. */
async function writeCommits(
  connection: DuckDBConnection,
  log: string,
  version: number,
  files: number,
  count: number,
  removed: (n: number) => readonly number[],
): Promise<void> {
  const together = 10_000
  const line = (sql: string, name: string) => `SELECT to_json({${name}: ${name}})::VARCHAR FROM (${sql})`
  for (let at = 0; at < count; at += together) {
    const end = Math.min(count, at + together)
    const adds = (await connection.runAndReadAll(line(addsSql(files + at, files + end, false), 'add'))).getRows()
    const numbers = Array.from({ length: end - at }, (_, i) => removed(at + i)).flat()
    const gone = removesSql(0, 0).replace('range(0, 0)', `unnest([${numbers.join(', ')}]::BIGINT[])`)
    const removes = (await connection.runAndReadAll(line(gone, 'remove'))).getRows()
    let next = 0
    for (let n = at; n < end; n += 1) {
      const lines = [
        `{"commitInfo":{"timestamp":${1_767_225_600_000 + n * 1000},"operation":"WRITE","isBlindAppend":true}}`,
        String(adds[n - at]![0]),
      ]
      for (const _ of removed(n)) lines.push(String(removes[next++]![0]))
      writeFileSync(join(log, `${padded(version + n)}.json`), `${lines.join('\n')}\n`)
    }
  }
}

async function describeFile(connection: DuckDBConnection, file: number): Promise<[string, string]> {
  const rows = (await connection.runAndReadAll(`SELECT ${dayOf}, ${pathOf} FROM range(${file}, ${file + 1}) AS files(i)`)).getRows()
  return [String(rows[0]![0]), String(rows[0]![1])]
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

function asLines(actions: readonly unknown[]): string {
  return actions.map((action) => `${JSON.stringify(action)}\n`).join('')
}

function padded(version: number): string {
  return String(version).padStart(20, '0')
}
