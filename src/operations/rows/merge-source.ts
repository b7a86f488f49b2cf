/**
 * The source of a MERGE, put into scratch files of the verb's staging folder, so that it is read once, whatever it is, and the closed
 * instance that evaluates the user's expressions need see nothing else of it.
 */
import type { RecordBatch } from 'apache-arrow'
import { type Input, normaliseRelation, openSource, type RelationSource, type Source } from '../../data/index.ts'
import { type Connection, trustedEngine } from '../../engine/index.ts'
import { openStoredRows, type QueryTarget } from '../../query/index.ts'
import { quoteIdentifier, quoteLiteral, quotePaths, quoteValue } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import type { Staging } from '../../storage/object-store.ts'
import { hashesInputs } from '../provenance.ts'
import type { WritingOptions } from '../written.ts'

/** What can be merged: what can be appended, or a version of a table. */
export type MergeInput = Input | { readonly target: QueryTarget }

/** The source as it lies in scratch files. */
export interface ScratchSource {
  readonly schema: StructType
  /** The rows for a FROM clause. */
  readonly sql: string
  readonly rows: number
  readonly bytes: number
  readonly inputs: Source['inputs']
}

/** Columns whose least and greatest values say where partners may lie; floats order NaN otherwise than their statistics do. */
const ranged = [/^(byte|short|integer|long|decimal\(.*\))$/, /^(date|timestamp|timestamp_ntz)$/, /^string$/]

/** Types whose values are compared with those as they are: none is converted that could fail, or come out otherwise. */
const comparedWith = [/^(byte|short|integer|long|float|double|decimal\(.*\))$/, /^(date|timestamp|timestamp_ntz)$/, /^string$/]

/** Columns of whole numbers. */
const whole = /^(byte|short|integer|long)$/

/** So many values are listed; of more, the least and the greatest are told. */
const mostListed = 256

/** Puts a source into files. `tableSchema`: types of text formats and plain objects follow it. */
export async function scratchSource(
  input: MergeInput,
  tableSchema: StructType,
  staging: Staging,
  options: WritingOptions = {},
): Promise<ScratchSource> {
  const { signal } = options
  const opened = isTarget(input)
    ? await openStoredRows(input.target, signal)
    : await openSource(input, { tableSchema, mergeSchema: true, onlyPresent: true, hashInputs: hashesInputs(options), signal })
  const connection = await (await trustedEngine()).connect()
  try {
    const { schema, paths } = await spool(opened, connection, staging, signal)
    const read = (await opened.inputs?.()) ?? []
    const inputs = async () => read
    if (paths.length === 0) return { schema, sql: `(${emptyRows(schema)})`, rows: 0, bytes: 0, inputs }
    const sql = `read_parquet(${quotePaths(paths)}, hive_partitioning = false)`
    const [facts] = await connection.all(
      `SELECT sum(num_rows)::BIGINT AS rows, sum(file_size_bytes)::BIGINT AS bytes FROM parquet_file_metadata(${quotePaths(paths)})`,
    )
    return { schema, sql, rows: Number(facts?.rows), bytes: Number(facts?.bytes), inputs }
  } finally {
    await connection.close()
    await opened.close()
  }
}

/**
 * A condition on a column of the target, in SQL, that every row fulfils which equals some value of a source's column; `undefined` where
 * nothing is known, or where comparing them converts one into a type of another kind.
 */
export async function partnersOf(
  source: ScratchSource,
  column: StructField,
  target: string,
  targetType: DataType,
): Promise<string | undefined> {
  if (source.rows === 0 || typeof column.type !== 'string' || typeof targetType !== 'string') return undefined
  const family = ranged.findIndex((types) => types.test(column.type as string))
  if (family < 0 || !comparedWith[family]!.test(targetType)) return undefined
  const name = quoteIdentifier(column.name)
  const type = toSqlType(column.type)
  const connection = await (await trustedEngine()).connect()
  try {
    const [row] = await connection.all(
      `SELECT min(${name})::VARCHAR AS least, max(${name})::VARCHAR AS most, approx_count_distinct(${name}) AS known FROM ${source.sql}`,
    )
    if (row?.least === null || row?.least === undefined) return undefined
    const { least, most } = row
    // A plain literal says what it is worth without being computed.
    const isWhole = whole.test(column.type)
    const value = (text: unknown) => (isWhole ? String(text) : `CAST(${quoteValue(String(text))} AS ${type})`)
    if (Number(row.known) <= mostListed) {
      const values = await connection.all(
        `SELECT DISTINCT ${name}::VARCHAR AS value FROM ${source.sql} WHERE ${name} IS NOT NULL LIMIT ${2 * mostListed}`,
      )
      if (values.length < 2 * mostListed) return `${target} IN (${values.map((one) => value(one.value)).join(', ')})`
    }
    return `${target} BETWEEN ${value(least)} AND ${value(most)}`
  } finally {
    await connection.close()
  }
}

async function spool(source: Source, connection: Connection, staging: Staging, signal: AbortSignal | undefined) {
  const paths: string[] = []
  const copy = async (sql: string, params?: RelationSource['params'], files: readonly string[] = []) => {
    const path = `${staging.folder}/source-${paths.length}.parquet`
    await connection.run(`COPY (SELECT * FROM ${sql}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION snappy)`, params, {
      signal,
      files,
    })
    paths.push(path)
  }
  if (source.kind === 'relation') {
    await copy(source.sql, source.params, source.files)
    return { schema: source.schema, paths }
  }
  let { schema } = source
  const take = (batches: Iterable<RecordBatch>) =>
    connection.withBatches(source.arrowSchema, batches, async (sql) => {
      const relation = await normaliseRelation(connection, withVariants(sql, source.schema))
      schema = relation.schema
      await copy(relation.sql)
    })
  if (Symbol.iterator in source.batches) await take(source.batches)
  else {
    for await (const batch of source.batches) {
      if (signal?.aborted) break
      await take([batch])
    }
  }
  return { schema, paths }
}

/** Variants come in Arrow as their two parts. */
function withVariants(sql: string, { fields }: StructType): string {
  if (!fields.some(({ type }) => type === 'variant')) return sql
  const columns = fields.map(({ name, type }) => {
    const column = quoteIdentifier(name)
    const joined = `struct_extract(${column}, 'metadata') || struct_extract(${column}, 'value')`
    return type === 'variant' ? `CASE WHEN ${column} IS NOT NULL THEN variant_bytes_to_variant(${joined}) END AS ${column}` : column
  })
  return `(SELECT ${columns.join(', ')} FROM ${sql})`
}

function emptyRows({ fields }: StructType): string {
  return `SELECT ${fields.map(({ name, type }) => `CAST(NULL AS ${toSqlType(type)}) AS ${quoteIdentifier(name)}`).join(', ')} WHERE false`
}

function isTarget(input: MergeInput): input is { readonly target: QueryTarget } {
  return typeof input === 'object' && input !== null && 'target' in input
}
