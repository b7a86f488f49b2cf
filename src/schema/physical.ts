/**
 * What a column is called inside data files, partition values and statistics (§Column Mapping): its own name, or with mapping its
 * physical name, and there with a field id.
 */
import type { StructField } from './types.ts'

/** How the columns of a table map to those of its files. */
export interface ColumnNaming {
  /** Whether names and ids come from the fields' metadata. Annotations without the table's property are ignored. */
  readonly mapped: boolean
  /** Whether fields are found in files by id alone, else by name alone. */
  readonly byId: boolean
}

/** The naming that a table's properties ask for. */
export function columnNaming(properties: Readonly<Record<string, string>>): ColumnNaming {
  const mode = properties['delta.columnMapping.mode']
  return { mapped: mode === 'name' || mode === 'id', byId: mode === 'id' }
}

/** The name of a field inside files and the log. */
export function physicalName(field: StructField, naming: ColumnNaming): string {
  const name = naming.mapped ? field.metadata['delta.columnMapping.physicalName'] : undefined
  return typeof name === 'string' ? name : field.name
}

/** The field id to write into Parquet, where columns are mapped. */
export function fieldId(field: StructField, naming: ColumnNaming): number | undefined {
  const id = naming.mapped ? field.metadata['delta.columnMapping.id'] : undefined
  return id === undefined ? undefined : Number(id)
}
