/**
 * Change files of tables that map columns by field id (§Column Mapping). The column that says what happened to a row has no id, and DuckDB
 * finds either all columns of a file by id or all by name. So those files are read by name: by the names that their own footers give
 * the ids of the table's columns.
 */

import type { Connection } from '../../engine/index.ts'
import { columnNaming, fieldId } from '../../schema/physical.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import { namesById } from '../relation/column-forms.ts'
import type { RelationFile } from '../relation/relation.ts'
import { changeType } from './columns.ts'

/** Files that are read in one way. */
export interface ReadAlike {
  readonly schema: StructType
  readonly properties: Readonly<Record<string, string>>
  readonly files: readonly RelationFile[]
  /** Local paths of the files, in their order. */
  readonly paths: readonly string[]
}

/** The files, each among those that are read as it is; in one group where the table does not map by id. */
export async function byNamesInFiles(
  connection: Connection,
  table: Pick<ReadAlike, 'schema' | 'properties'>,
  files: readonly RelationFile[],
  paths: readonly string[],
): Promise<readonly ReadAlike[]> {
  const isChangeFile = (index: number) => !files[index]!.constants?.has(changeType)
  const changeFiles = [...files.keys()].filter(isChangeFile)
  if (!columnNaming(table.properties).byId || changeFiles.length === 0) return [{ ...table, files, paths }]
  const footers = await namesById(
    connection,
    changeFiles.map((index) => paths[index]!),
  )
  const pick = (indexes: readonly number[]) => ({
    files: indexes.map((index) => files[index]!),
    paths: indexes.map((index) => paths[index]!),
  })
  const properties = { ...table.properties, 'delta.columnMapping.mode': 'name' }
  const alike = groupBy(changeFiles, (index) => JSON.stringify([...footers.get(paths[index]!)!]))
  const groups = [...alike.values()].map((indexes) => ({
    schema: renamed(table.schema, table.properties, footers.get(paths[indexes[0]!]!)!),
    properties,
    ...pick(indexes),
  }))
  const others = [...files.keys()].filter((index) => !isChangeFile(index))
  return others.length === 0 ? groups : [{ ...table, ...pick(others) }, ...groups]
}

/** Items by a key, in their order. */
export function groupBy<K, T>(items: Iterable<T>, keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

/** The columns with the physical names that a file has for their ids; where it has none, a name that is not in it. */
function renamed<T extends DataType>(type: T, properties: Readonly<Record<string, string>>, names: ReadonlyMap<number, string>): T {
  const naming = columnNaming(properties)
  const field = (one: StructField): StructField => {
    const id = fieldId(one, naming)
    const inner = { ...one, type: inside(one.type) }
    if (id === undefined) return inner
    return { ...inner, metadata: { ...one.metadata, 'delta.columnMapping.physicalName': names.get(id) ?? `absent field ${id}` } }
  }
  const inside = (one: DataType): DataType => {
    if (typeof one === 'string') return one
    if (one.type === 'array') return { ...one, elementType: inside(one.elementType) }
    if (one.type === 'map') return { ...one, keyType: inside(one.keyType), valueType: inside(one.valueType) }
    return { ...one, fields: one.fields.map(field) }
  }
  return inside(type) as T
}
