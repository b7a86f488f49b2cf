/**
 * JSON as a relation, one object a line or one array: values of the table's columns are read as text and converted by us
 * (text-values.ts), other columns have the type that fits all their values. The whole input is looked at first, so that no key that
 * turns up late is lost. Where the table has decimals that a double cannot hold, exact-numbers.ts keeps their digits.
 */
import type { Connection } from '../../engine/index.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField } from '../../schema/types.ts'
import { convertText } from '../write/conform.ts'
import { exactColumns, spoolExact } from './exact-numbers.ts'
import { inputCorrupt } from './input-failure.ts'
import { readAs, textSqlType } from './json-types.ts'
import { normalise, type Relation } from './normalise.ts'
import type { OpenOptions } from './open-options.ts'
import { fileList } from './sql-files.ts'

/** A relation that may lie in a scratch file of its own. */
export interface JsonRelation extends Relation {
  /** Removes the scratch file. */
  readonly dispose?: () => Promise<void>
  /** The scratch file's path. */
  readonly scratch?: string
}

/** Opens JSON files. */
export async function jsonRelation(
  connection: Connection,
  paths: readonly string[],
  format: string,
  options: OpenOptions,
): Promise<JsonRelation> {
  const run = { signal: options.signal, files: paths }
  const objects = `read_json_objects(${[fileList(paths), formatOption(format), largest].join(', ')})`
  const looked = readJson(paths, format, wholeSample)
  const describe = (sql: string) => connection.describe(`FROM ${sql}`, undefined, run)
  let columns: Awaited<ReturnType<typeof describe>>
  try {
    columns = await describe(looked)
  } catch (error) {
    if (await tellColumns(connection, objects, paths, run, error)) throw error
    return ofNothing(objects, paths, options)
  }
  const known = new Map((options.tableSchema?.fields ?? []).map((field) => [field.name.toLowerCase(), field.type]))
  if (!columns.some((column) => known.has(column.name.toLowerCase()))) return normalise(connection, looked, undefined, run)
  const exact = exactColumns(options.tableSchema)
  // DuckDB tells keys apart by case, and numbers the second.
  const isSplit = columns.some(({ name }) => !known.has(name.toLowerCase()) && known.has(name.toLowerCase().replace(/_\d+$/, '')))
  const isSpooled = isSplit || columns.some(({ name }) => exact.has(name.toLowerCase()))
  const spooled = isSpooled
    ? await spoolExact(connection, objects, { quoted: exact, names: isSplit ? [...known.keys()] : [] }, run)
    : undefined
  const read = spooled === undefined ? { paths, format } : { paths: [spooled.path], format: 'ndjson' }
  if (isSplit) columns = await describe(readJson(read.paths, read.format, wholeSample))
  const fields: StructField[] = []
  const types: string[] = []
  const select = columns.map((described) => {
    const { name, type } = described
    const found = typeof type === 'object' && 'unsupported' in type ? undefined : type
    const own = known.get(name.toLowerCase())
    const column = quoteIdentifier(name)
    if (own === undefined || own === 'void') {
      types.push(`${column}: ${quoteLiteral(described.sqlType)}`)
      fields.push({ name, type: found ?? 'string', nullable: true, metadata: {} })
      return column
    }
    const imposed: DataType = readAs(own, found)
    types.push(`${column}: ${quoteLiteral(textSqlType(imposed))}`)
    fields.push({ name, type: imposed, nullable: true, metadata: {} })
    return `${convertText(column, imposed, name, false)} AS ${column}`
  })
  const sql = `(SELECT ${select.join(', ')} FROM ${readJson(read.paths, read.format, [`columns = {${types.join(', ')}}`])})`
  return {
    sql,
    schema: { type: 'struct', fields },
    ...(spooled === undefined ? {} : { dispose: () => spooled.dispose(), scratch: spooled.path }),
  }
}

/** All rows are looked at. */
const wholeSample = [
  'sample_size = -1',
  'field_appearance_threshold = 0',
  'map_inference_threshold = -1',
  'maximum_sample_files = 1000000',
  'union_by_name = true',
]

const largest = 'maximum_object_size = 134217728'

function formatOption(format: string): string {
  return format === 'ndjson' ? "format = 'newline_delimited'" : "format = 'auto'"
}

function readJson(paths: readonly string[], format: string, more: readonly string[]): string {
  return `read_json(${[fileList(paths), formatOption(format), largest, "records = 'true'", ...more].join(', ')})`
}

/** Whether any object of an input has a key. @throws InputError where something else than an object is in it */
async function tellColumns(
  connection: Connection,
  objects: string,
  paths: readonly string[],
  run: { readonly signal?: AbortSignal | undefined; readonly files: readonly string[] },
  cause: unknown,
): Promise<boolean> {
  const sql = `SELECT any_value(json::VARCHAR) FILTER (json_type(json) <> 'OBJECT') AS other, count(*) FILTER (len(json_keys(json)) > 0) AS keyed FROM ${objects}`
  const [row] = await connection.all(sql, undefined, run).catch(() => [])
  if (typeof row?.other === 'string') {
    const shown = row.other.length > 40 ? `${row.other.slice(0, 40)}...` : row.other
    throw inputCorrupt(paths[0]!, `it holds ${shown} where an object should be.`, cause)
  }
  return row === undefined || Number(row.keyed) > 0
}

/** Objects without keys, or none at all, as rows of the table. @throws InputError where there is no table to have the columns from */
function ofNothing(objects: string, paths: readonly string[], { tableSchema }: OpenOptions): Relation {
  const fields = tableSchema?.fields.filter(({ type }) => type !== 'void') ?? []
  if (fields.length === 0) throw inputCorrupt(paths[0]!, 'it holds no object that would tell the columns.')
  const columns = fields.map(({ name, type }) => `CAST(NULL AS ${toSqlType(type)}) AS ${quoteIdentifier(name)}`)
  return {
    sql: `(SELECT ${columns.join(', ')} FROM ${objects})`,
    schema: { type: 'struct', fields: fields.map((field) => ({ ...field, nullable: true })) },
  }
}
