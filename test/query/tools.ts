/** Tables for the tests of queries: Parquet files that DuckDB writes from SQL, and a list of them with statistics as a log has them. */
import { mkdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'
import type { QueryTarget, Session, SessionTable } from '../../src/query/index.ts'
import { quoteIdentifier, quoteLiteral } from '../../src/schema/quoting.ts'
import type { DataType, StructField, StructType } from '../../src/schema/types.ts'
import { localStore } from '../../src/storage/index.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { vectorInline } from '../support/vectors.ts'

/** One file of a table. */
export interface FileSpec {
  /** A SELECT of its rows, without the partition columns. */
  readonly sql: string
  readonly partition?: Readonly<Record<string, string | null>>
  /** Statistics as JSON text; `null`: none. Default: as Spark would write them. */
  readonly stats?: string | null
  /** More options for the COPY that writes it. */
  readonly copyOptions?: string
  /** Its base row id and default row commit version. */
  readonly tracked?: readonly [id: number, version: number]
  /** What the file's own columns are, where they differ from the table's. */
  readonly schema?: StructType
  /** Rows of the file that are deleted, by their numbers; `tight`: the statistics are those of the others. */
  readonly deleted?: readonly number[]
  readonly tight?: boolean
}

/** Columns by name, as a schema. */
export function schemaOf(columns: Readonly<Record<string, DataType>>): StructType {
  return { type: 'struct', fields: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true, metadata: {} })) }
}

/** A folder for tables, removed at the end. */
export async function tableFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'varve-query-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

let count = 0

/** Makes a version of a table. */
export async function makeTarget(
  folder: string,
  schema: StructType,
  files: readonly FileSpec[],
  options: { readonly partitionColumns?: readonly string[]; readonly version?: number; readonly properties?: Record<string, string> } = {},
): Promise<QueryTarget> {
  mkdirSync(folder, { recursive: true })
  const connection = await (await trustedEngine()).connect()
  count += 1
  const relation = `test_files_${process.pid}_${count}`
  await connection.run(`CREATE TABLE ${relation} (path VARCHAR, partition_values MAP(VARCHAR, VARCHAR), size BIGINT, modification_time BIGINT, stats VARCHAR,
    num_records BIGINT, deletion_vector STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, "offset" INTEGER, sizeInBytes INTEGER, cardinality BIGINT),
    base_row_id BIGINT, default_row_commit_version BIGINT, tags MAP(VARCHAR, VARCHAR))`)
  for (const [index, file] of files.entries()) {
    const path = `part-${count}-${index}.parquet`
    const local = join(folder, path)
    await connection.run(
      `COPY (${file.sql}) TO ${quoteLiteral(local)} (FORMAT parquet${file.copyOptions === undefined ? '' : `, ${file.copyOptions}`})`,
    )
    const stats = file.stats === undefined ? await statistics(connection, local, file.schema ?? schema, file) : file.stats
    const partition = Object.entries(file.partition ?? {})
    const texts = (list: readonly (string | null)[]) =>
      `[${list.map((text) => (text === null ? 'NULL' : quoteLiteral(text))).join(', ')}]::VARCHAR[]`
    await connection.run(`INSERT INTO ${relation} VALUES (${quoteLiteral(path)}, map(${texts(partition.map(([name]) => name))}, ${texts(partition.map(([, value]) => value))}),
      ${statSync(local).size}, 0, ${stats === null ? 'NULL' : quoteLiteral(stats)}, ${stats === null ? 'NULL' : `(${quoteLiteral(stats)}->>'numRecords')::BIGINT`}, ${vectorSql(file.deleted)}, ${file.tracked?.[0] ?? 'NULL'}, ${file.tracked?.[1] ?? 'NULL'}, NULL)`)
  }
  const list = { connection, relation }
  return {
    version: options.version ?? 0,
    schema,
    partitionColumns: options.partitionColumns ?? [],
    properties: options.properties ?? {},
    store: localStore(folder),
    files: async () => list,
  }
}

/** A table with one or more versions; the last is the latest. */
export function tableOf(name: string, ...versions: readonly QueryTarget[]): SessionTable {
  return {
    name,
    asOf: async (point) => {
      if (point === undefined) return versions.at(-1)!
      const found =
        'version' in point
          ? versions.find(({ version }) => version === point.version)
          : 'tag' in point
            ? versions.find(({ version }) => `v${version}.0` === point.tag)
            : versions.filter(({ version }) => Date.UTC(2026, 0, version + 1) <= point.timestamp.getTime()).at(-1)
      if (found === undefined) throw new Error(`no such version: ${JSON.stringify(point)}`)
      return found
    },
  }
}

/** A store that tells which files are made ready to be opened. */
export function watched(store: ObjectStore, onOpen: (keys: readonly string[]) => void): ObjectStore {
  const materialise: ObjectStore['materialise'] = (keys, options) => {
    onOpen(keys)
    return store.materialise(keys, options)
  }
  return Object.create(store, {
    root: { value: store.root },
    kind: { value: store.kind },
    materialise: { value: materialise },
  }) as ObjectStore
}

/** All rows of a query. */
export async function rowsOf(session: Session, sql: string, params?: Parameters<Session['query']>[1]): Promise<Record<string, unknown>[]> {
  return session.query(sql, params).toArray()
}

/** What a query fails with: its code. */
export async function codeOf(session: Session, sql: string, options?: Parameters<Session['query']>[1]): Promise<string> {
  try {
    const rows = await session.query(sql, options).toArray()
    return `no error, ${rows.length} rows: ${JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}` : value)).slice(0, 200)}`
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error)
  }
}

function vectorSql(deleted: readonly number[] = []): string {
  if (deleted.length === 0) return 'NULL'
  const { storageType, pathOrInlineDv, sizeInBytes, cardinality } = vectorInline(deleted)
  return `{'storageType': '${storageType}', 'pathOrInlineDv': ${quoteLiteral(pathOrInlineDv)}, 'offset': NULL, 'sizeInBytes': ${sizeInBytes}, 'cardinality': ${cardinality}}`
}

/** Statistics as Spark writes them: text cut to 32 characters, times to the millisecond, no minimum or maximum of NaN. */
async function statistics(
  connection: Connection,
  path: string,
  schema: StructType,
  { partition = {}, deleted = [], tight = false }: FileSpec,
): Promise<string> {
  const present = new Set((await connection.describe(`FROM ${quoteLiteral(path)}`)).map(({ name }) => name))
  const there = schema.fields.filter(({ name }) => !Object.hasOwn(partition, name) && present.has(name))
  const nulls = (sql: string) => `count(*) - count(${sql})`
  const kept = deleted.length > 0 && tight ? `WHERE file_row_number NOT IN (${deleted.join(', ')})` : ''
  const source = `read_parquet(${quoteLiteral(path)}, file_row_number = true)`
  const wide = deleted.length === 0 ? '' : `, 'tightBounds', ${tight}`
  const [row] = await connection.all(
    `SELECT json_object('numRecords', (SELECT count(*) FROM ${source}), 'minValues', ${leaves(there, '', (sql, type) => bound(sql, type, 'min'))},
       'maxValues', ${leaves(there, '', (sql, type) => bound(sql, type, 'max'))}, 'nullCount', ${leaves(there, '', nulls)}${wide})::VARCHAR AS stats
     FROM ${source} ${kept}`,
  )
  return String(row?.stats)
}

/** An object of a statistic of each leaf. */
function leaves(fields: readonly StructField[], within: string, statistic: (sql: string, type: DataType) => string): string {
  const parts = fields.map(({ name, type }) => {
    const sql = `${within}${quoteIdentifier(name)}`
    const inner = typeof type === 'object' && type.type === 'struct' ? leaves(type.fields, `${sql}.`, statistic) : statistic(sql, type)
    return `${quoteLiteral(name)}, ${inner}`
  })
  return `json_object(${parts.join(', ')})`
}

function bound(sql: string, type: DataType, side: 'min' | 'max'): string {
  const value = `${side}(${sql})`
  if (type === 'string')
    return side === 'min'
      ? `left(${value}, 32)`
      : `CASE WHEN length(${value}) > 32 THEN left(${value}, 32) || chr(1114111) ELSE ${value} END`
  if (type === 'timestamp') return `strftime(date_trunc('milliseconds', ${value}), '%Y-%m-%dT%H:%M:%S.%gZ')`
  if (type === 'timestamp_ntz') return `strftime(date_trunc('milliseconds', ${value}), '%Y-%m-%dT%H:%M:%S.%g')`
  if (type === 'double' || type === 'float') {
    return `CASE WHEN bool_and(isfinite(${sql}) OR isnan(${sql})) THEN ${side}(${sql}) FILTER (WHERE isfinite(${sql})) END`
  }
  return typeof type === 'string' && !['boolean', 'binary', 'variant', 'void'].includes(type) ? value : 'NULL'
}
