/**
 * Columns that a file may hold in more than one form, which DuckDB must be told of before it reads them (§Variant Data Type, §Parquet).
 *
 * - A variant is a struct of two binary parts, which become a VARIANT here; where the file marks it as one, DuckDB makes it, and puts
 *   shredded values together. Shredded values without the mark are refused: it would show their rest alone.
 * - Text that old writers left unmarked is binary to DuckDB, which would escape what is not ASCII in it. A query that reads no bytes has
 *   all unmarked columns read as text; in others the files are looked at.
 */

import type { Connection } from '../../engine/index.ts'
import { type ColumnNaming, columnNaming, fieldId, physicalName } from '../../schema/physical.ts'
import { quoteLiteral, quotePaths } from '../../schema/quoting.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'

/** The types that columns have in a file, where they matter; columns by the table's field. */
export type ColumnForms = ReadonlyMap<StructField, DataType>

/** Files that are known to have no unmarked column but bytes, so that asking again asks nothing. */
const marked = new Set<string>()

/** So many of them are kept. */
const keptFiles = 100_000

interface Table {
  readonly schema: StructType
  readonly properties: Readonly<Record<string, string>>
}

/** Whether some value in the type is of the other. */
function holds(type: DataType, wanted: DataType): boolean {
  if (typeof type === 'string') return type === wanted
  switch (type.type) {
    case 'array':
      return holds(type.elementType, wanted)
    case 'map':
      return holds(type.keyType, wanted) || holds(type.valueType, wanted)
    case 'struct':
      return type.fields.some((field) => holds(field.type, wanted))
  }
}

/** Whether unmarked columns of files can all be taken for text: some are text, and none is bytes. */
export function unmarkedIsText(fields: readonly StructField[]): boolean {
  return fields.some(({ type }) => holds(type, 'string')) && !fields.some(({ type }) => holdsBytes(type))
}

/**
 * The forms in each file, in their order; the same object for files that are alike, `undefined` where nothing need be known.
 * @param columns The columns that are read. Default: all.
 * @throws DataFileError for a file that is missing or no Parquet file
 */
export async function columnForms(
  connection: Connection,
  { schema, properties }: Table,
  columns: ReadonlySet<string> | undefined,
  paths: readonly string[],
): Promise<readonly (ColumnForms | undefined)[]> {
  const naming = columnNaming(properties)
  const read = columns === undefined ? schema.fields : schema.fields.filter(({ name }) => columns.has(name))
  const variants = read.filter(({ type }) => holds(type, 'variant'))
  const texts = read.some(({ type }) => holdsBytes(type)) ? read.filter(({ type }) => holds(type, 'string')) : []
  if (paths.length === 0 || (variants.length === 0 && texts.length === 0)) return []
  const unmarked = texts.length === 0 ? new Set<string>() : await filesWithUnmarked(connection, read, texts, naming, paths)
  const names = naming.byId ? await namesById(connection, paths) : undefined
  const alike = new Map<string, ColumnForms>()
  const found: (ColumnForms | undefined)[] = []
  for (const path of paths) {
    const wanted = unmarked.has(path) ? new Set([...variants, ...texts]) : new Set(variants)
    if (wanted.size === 0) {
      found.push(undefined)
      continue
    }
    const types = await columnTypes(connection, path)
    const forms = [...wanted].flatMap((field) => {
      const name = names === undefined ? physicalName(field, naming) : names.get(path)?.get(fieldId(field, naming) ?? Number.NaN)
      const type = types.get((name ?? '').toLowerCase())
      return type === undefined ? [] : [[field, type] as const]
    })
    const key = JSON.stringify(forms)
    if (!alike.has(key)) alike.set(key, new Map(forms))
    found.push(alike.get(key))
  }
  return found
}

/** The columns of a file, by their names in lower case; those of types that no table has are left out. */
export async function columnTypes(connection: Connection, path: string): Promise<Map<string, DataType>> {
  const columns = await connection.describe(`SELECT * FROM read_parquet(${quotePaths([path])}, hive_partitioning = false)`)
  return new Map(
    columns.flatMap(({ name, type }) => (typeof type === 'object' && 'unsupported' in type ? [] : [[name.toLowerCase(), type] as const])),
  )
}

/** The files with unmarked columns that are not sure to be bytes. */
async function filesWithUnmarked(
  connection: Connection,
  read: readonly StructField[],
  texts: readonly StructField[],
  naming: ColumnNaming,
  paths: readonly string[],
): Promise<Set<string>> {
  const ofText = new Set(['element', 'array', 'key', 'value', ...texts.flatMap((field) => [...leafNames(field, naming)])])
  const bytes = naming.byId ? [] : read.filter(({ type }) => type === 'binary').map((field) => physicalName(field, naming).toLowerCase())
  const sure = bytes.filter((name) => !ofText.has(name)).map(quoteLiteral)
  const keyOf = (path: string) => `${path} ${sure.join(' ')}`
  const unknown = paths.filter((path) => !marked.has(keyOf(path)))
  if (unknown.length === 0) return new Set()
  const rows = await connection.all(
    `SELECT DISTINCT file_name FROM parquet_schema(${quotePaths(unknown)}) WHERE type IN ('BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY')
     AND converted_type IS NULL AND logical_type IS NULL ${sure.length === 0 ? '' : `AND lower(name) NOT IN (${sure.join(', ')})`}`,
  )
  const found = new Set(rows.map((row) => String(row.file_name)))
  if (marked.size > keptFiles) marked.clear()
  for (const path of unknown) if (!found.has(path)) marked.add(keyOf(path))
  return found
}

/** The names that files give their fields, by field id; file by file. */
export async function namesById(connection: Connection, paths: readonly string[]): Promise<Map<string, Map<number, string>>> {
  const found = new Map<string, Map<number, string>>(paths.map((path) => [path, new Map()]))
  const rows = await connection.all(`SELECT file_name, name, field_id FROM parquet_schema(${quotePaths(paths)}) WHERE field_id IS NOT NULL`)
  for (const row of rows) found.get(String(row.file_name))?.set(Number(row.field_id), String(row.name))
  return found
}

function* leafNames(field: StructField, naming: ColumnNaming): Generator<string> {
  yield physicalName(field, naming).toLowerCase()
  for (const inner of structsIn(field.type)) for (const child of inner.fields) yield* leafNames(child, naming)
}

function structsIn(type: DataType): readonly StructType[] {
  if (typeof type === 'string') return []
  if (type.type === 'array') return structsIn(type.elementType)
  return type.type === 'map' ? [...structsIn(type.keyType), ...structsIn(type.valueType)] : [type]
}

function holdsBytes(type: DataType): boolean {
  return holds(type, 'binary') || holds(type, 'variant')
}
