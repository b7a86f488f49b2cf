/** Column mapping of new columns (§Column Mapping): an id and a physical name for each field that has none, nested ones too. */
import { v4 as uuid } from 'uuid'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import { allTypes } from './features.ts'

const idKey = 'delta.columnMapping.id'
const nameKey = 'delta.columnMapping.physicalName'
const highestKey = 'delta.columnMapping.maxColumnId'

/** Whether a table's properties ask for mapping. */
export function isMapped(properties: Readonly<Record<string, string>>): boolean {
  return /^(name|id)$/.test(properties['delta.columnMapping.mode'] ?? '')
}

/** Whether a name is one that other engines' Parquet readers refuse unless columns are mapped. */
export function needsMapping(schema: StructType): boolean {
  const fields = [...allTypes(schema)].flatMap((type) => (typeof type === 'object' && type.type === 'struct' ? type.fields : []))
  return fields.some((field) => /[ ,;{}()\n\t=]/.test(field.name))
}

/**
 * The schema of a table whose files exist and call their columns by name: each field is mapped to the name that it has. What annotations
 * there may be meant nothing so far.
 */
export function withKeptNames(
  schema: StructType,
  properties: Readonly<Record<string, string>>,
): { schema: StructType; properties: Record<string, string> } {
  return mapAll(schema, properties, { isMapped: () => false, nameOf: (field) => field.name })
}

/** The schema with every field mapped, and the properties with the highest id given so far. Fields that are mapped already stay as they are. */
export function withMapping(
  schema: StructType,
  properties: Readonly<Record<string, string>>,
): { schema: StructType; properties: Record<string, string> } {
  return mapAll(schema, properties, { isMapped: (field) => field.metadata[idKey] !== undefined, nameOf: () => `col-${uuid()}` })
}

function mapAll(
  schema: StructType,
  properties: Readonly<Record<string, string>>,
  how: { isMapped(field: StructField): boolean; nameOf(field: StructField): string },
): { schema: StructType; properties: Record<string, string> } {
  let last = highestId(schema, properties)
  const mapType = <T extends DataType>(type: T): DataType => {
    if (typeof type === 'string') return type
    if (type.type === 'struct') return { ...type, fields: type.fields.map(mapField) }
    if (type.type === 'array') return { ...type, elementType: mapType(type.elementType) }
    return { ...type, keyType: mapType(type.keyType), valueType: mapType(type.valueType) }
  }
  const mapField = (field: StructField): StructField => {
    if (how.isMapped(field)) return { ...field, type: mapType(field.type) }
    last += 1
    const names = { [idKey]: last, [nameKey]: how.nameOf(field) }
    return { ...field, metadata: { ...field.metadata, ...names }, type: mapType(field.type) }
  }
  const mapped = mapType(schema) as StructType
  return { schema: mapped, properties: { ...properties, [highestKey]: String(last) } }
}

/** The highest id that was ever given, as far as anything tells: one that a dropped column had must not come back. */
function highestId(schema: StructType, properties: Readonly<Record<string, string>>): number {
  const ids = [...allTypes(schema)].flatMap((type) => (typeof type === 'object' && type.type === 'struct' ? type.fields : []))
  return [properties[highestKey], ...ids.map(({ metadata }) => metadata[idKey])].reduce(
    (highest: number, id) => Math.max(highest, Number(id) || 0),
    0,
  )
}
