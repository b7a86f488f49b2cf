/**
 * Names inside the structs of files, where the table maps columns by id (§Column Mapping: such a reader goes by `field_id` alone).
 *
 * DuckDB finds the columns of a file by id, and what is inside them by name only. Writers of Delta name nested fields by their physical
 * names, so that both come to the same; files that another format's writer made, and that were taken over as they are, need not. So
 * the footers of such a table's files are looked at, and those that name their fields otherwise are read by the names they have.
 */
import { columnNaming, fieldId, physicalName } from '../data/physical.ts'
import type { Connection } from '../engine/index.ts'
import { quotePaths } from '../schema/quoting.ts'
import type { DataType, StructField, StructType } from '../schema/types.ts'

/** The names of nested fields in a file, by field id; a field without an entry is not in the file. */
export type NestedNames = ReadonlyMap<number, string>

/**
 * The names in each of the files, in their order; `undefined` for one that names all its fields by their physical names.
 * @throws DataFileError for a file that is missing or no Parquet file
 */
export async function nestedNames(
  connection: Connection,
  { schema, properties }: { readonly schema: StructType; readonly properties: Readonly<Record<string, string>> },
  paths: readonly string[],
): Promise<readonly (NestedNames | undefined)[]> {
  const naming = columnNaming(properties)
  const nested = naming.byId ? schema.fields.flatMap(({ type }) => [...fieldsInside(type)]) : []
  if (nested.length === 0 || paths.length === 0) return []
  const idsOf = new Map<string, Set<number | undefined>>()
  const nameOf = new Map<number, string>()
  for (const field of nested) {
    const [id, name] = [fieldId(field, naming), physicalName(field, naming)]
    idsOf.set(name, (idsOf.get(name) ?? new Set()).add(id))
    if (id !== undefined) nameOf.set(id, name)
  }
  const rows = await connection.all(
    `SELECT file_name, name, field_id FROM parquet_schema(${quotePaths(paths)}) WHERE list_contains($ids, field_id) OR list_contains($names, name)`,
    { ids: [...nameOf.keys()], names: [...idsOf.keys()] },
  )
  const found = new Map<string, { names: Map<number, string>; regular: boolean }>()
  for (const row of rows) {
    const [file, name, id] = [String(row.file_name), String(row.name), row.field_id === null ? undefined : Number(row.field_id)]
    const layout = found.get(file) ?? { names: new Map<number, string>(), regular: true }
    found.set(file, layout)
    if (id !== undefined && nameOf.has(id)) layout.names.set(id, name)
    if (idsOf.get(name)?.has(id) !== true) layout.regular = false
  }
  return paths.map((path) => {
    const layout = found.get(path)
    return layout === undefined || layout.regular ? undefined : layout.names
  })
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
