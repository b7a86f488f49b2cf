/**
 * What is inside the structs of files, where the table maps columns (§Column Mapping) and DuckDB cannot tell.
 *
 * - DuckDB finds the columns of a file by id, and what is inside them by name only. A reader of a table that maps by id goes by
 *   `field_id` alone; files that another format's writer made need not use the physical names.
 * - A struct of which a file has no field that the table still has (they were dropped, others added) is there all the same: its fields
 *   are NULL, and it is not. DuckDB refuses to read it as a struct without a field of its own, so it is given one.
 *
 * Both show in the footers, which are looked at for such tables only.
 */

import type { Connection } from '../../engine/index.ts'
import { type ColumnNaming, columnNaming, fieldId, physicalName } from '../../schema/physical.ts'
import { quotePaths } from '../../schema/quoting.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import { type ColumnForms, columnForms, columnTypes } from './column-forms.ts'

/** How a file differs from the table inside its columns. */
export interface NestedNames {
  /** The names of nested fields by field id, where ids count; a field without an entry is not in the file. */
  readonly byId: ReadonlyMap<number, string> | undefined
  /** For a struct of the table of which the file has no field: the name of one that the file's struct has. */
  readonly strangers: ReadonlyMap<StructType, string>
  /** The file's types of the columns that it may hold in more than one form; a column without an entry is as the table expects it. */
  readonly forms?: ColumnForms | undefined
}

/**
 * How each of the files differs, in their order; the same object for files that are alike, `undefined` for one as the table expects it.
 * @param columns The columns that are read. Default: all.
 * @param named Whether the names of columns are needed where the table maps columns by id. Default: no.
 * @throws DataFileError for a file that is missing or no Parquet file
 */
export async function fileDifferences(
  connection: Connection,
  table: Table,
  columns: ReadonlySet<string> | undefined,
  paths: readonly string[],
  named = false,
): Promise<readonly (NestedNames | undefined)[]> {
  const forms = await columnForms(connection, table, columns, paths)
  const names = await nestedNames(connection, table, paths, named)
  if (forms.every((form) => form === undefined)) return names
  const known = new Map<NestedNames | undefined, Map<ColumnForms, NestedNames>>()
  return paths.map((_, index) => {
    const [form, name] = [forms[index], names[index]]
    if (form === undefined) return name
    const byForm = known.get(name) ?? new Map<ColumnForms, NestedNames>()
    known.set(name, byForm)
    const both = byForm.get(form) ?? { byId: name?.byId, strangers: name?.strangers ?? new Map(), forms: form }
    byForm.set(form, both)
    return both
  })
}

interface Table {
  readonly schema: StructType
  readonly properties: Readonly<Record<string, string>>
}

/** The names inside columns, file by file as {@link fileDifferences} gives them. */
async function nestedNames(
  connection: Connection,
  { schema, properties }: Table,
  paths: readonly string[],
  named: boolean,
): Promise<readonly (NestedNames | undefined)[]> {
  const naming = columnNaming(properties)
  if (!naming.mapped || paths.length === 0) return []
  const nested = schema.fields.flatMap(({ type }) => [...fieldsInside(type)])
  const dropped = Number(properties['delta.columnMapping.maxColumnId'] ?? Infinity) > schema.fields.length + nested.length
  if (!(naming.byId || dropped)) return []
  if (nested.length === 0 && !(named && naming.byId)) return []
  const footers = new Map<string, (readonly [name: string, id: number | undefined, children: number])[]>(paths.map((path) => [path, []]))
  for (const row of await connection.all(`SELECT file_name, name, field_id, num_children FROM parquet_schema(${quotePaths(paths)})`)) {
    const id = row.field_id === null ? undefined : Number(row.field_id)
    footers.get(String(row.file_name))?.push([String(row.name), id, Number(row.num_children ?? 0)])
  }
  const known = new Map<string, NestedNames | undefined>()
  const found: (NestedNames | undefined)[] = []
  for (const path of paths) {
    const footer = footers.get(path)!
    const key = JSON.stringify(footer)
    if (!known.has(key)) known.set(key, differences(schema, naming, nested, footer, await columnTypes(connection, path), named))
    found.push(known.get(key))
  }
  return found
}

function differences(
  schema: StructType,
  naming: ColumnNaming,
  nested: readonly StructField[],
  footer: readonly (readonly [name: string, id: number | undefined, children: number])[],
  columns: ReadonlyMap<string, DataType>,
  named: boolean,
): NestedNames | undefined {
  const byId = new Map(footer.flatMap(([name, id]) => (id === undefined ? [] : [[id, name] as const])))
  // DuckDB compares names without regard to case.
  const nameOf = (field: StructField) =>
    (naming.byId ? byId.get(fieldId(field, naming) ?? Number.NaN) : physicalName(field, naming))?.toLowerCase()
  const strangers = new Map<StructType, string>()
  for (const field of schema.fields) {
    const type = columns.get(nameOf(field) ?? '')
    if (type !== undefined) findStrangers(field.type, type, nameOf, strangers)
  }
  const names = new Set(nested.map((field) => physicalName(field, naming)))
  const expected = ([name, id]: readonly [string, number | undefined, number]) => {
    const own = nested.find((field) => id !== undefined && fieldId(field, naming) === id)
    if (own !== undefined) return physicalName(own, naming) === name
    return !names.has(name)
  }
  const regular = !naming.byId || (!named && footer.every(expected))
  return regular && strangers.size === 0 ? undefined : { byId: naming.byId ? byId : undefined, strangers }
}

/** Walks a type of the table and the one that a file has for it. */
function findStrangers(
  type: DataType,
  inFile: DataType,
  nameOf: (field: StructField) => string | undefined,
  strangers: Map<StructType, string>,
): void {
  if (typeof type === 'string' || typeof inFile === 'string') return
  if (type.type === 'array' && inFile.type === 'array') findStrangers(type.elementType, inFile.elementType, nameOf, strangers)
  if (type.type === 'map' && inFile.type === 'map') {
    findStrangers(type.keyType, inFile.keyType, nameOf, strangers)
    findStrangers(type.valueType, inFile.valueType, nameOf, strangers)
  }
  if (type.type !== 'struct' || inFile.type !== 'struct') return
  const there = new Map(inFile.fields.map((field) => [field.name.toLowerCase(), field.type]))
  const shared = type.fields.filter((field) => there.has(nameOf(field) ?? ''))
  for (const field of shared) findStrangers(field.type, there.get(nameOf(field)!)!, nameOf, strangers)
  const [first] = inFile.fields
  if (shared.length === 0 && first !== undefined) strangers.set(type, first.name)
}

function* fieldsInside(type: DataType): Generator<StructField> {
  if (typeof type === 'string') return
  if (type.type === 'array') yield* fieldsInside(type.elementType)
  else if (type.type === 'map') {
    yield* fieldsInside(type.keyType)
    yield* fieldsInside(type.valueType)
  } else {
    for (const field of type.fields) {
      yield field
      yield* fieldsInside(field.type)
    }
  }
}
