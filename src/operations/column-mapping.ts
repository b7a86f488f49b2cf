/** Column mapping of new columns (§Column Mapping): an id and a physical name for each field that has none, nested ones too. */
import { v4 as uuid } from 'uuid'
import type { DataType, StructField, StructType } from '../schema/types.ts'
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

/** The schema with every field mapped, and the properties with the highest id given so far. Fields that are mapped already stay as they are. */
export function withMapping(
  schema: StructType,
  properties: Readonly<Record<string, string>>,
): { schema: StructType; properties: Record<string, string> } {
  let last = Number(properties[highestKey] ?? 0)
  const mapType = <T extends DataType>(type: T): DataType => {
    if (typeof type === 'string') return type
    if (type.type === 'struct') return { ...type, fields: type.fields.map(mapField) }
    if (type.type === 'array') return { ...type, elementType: mapType(type.elementType) }
    return { ...type, keyType: mapType(type.keyType), valueType: mapType(type.valueType) }
  }
  const mapField = (field: StructField): StructField => {
    if (field.metadata[idKey] !== undefined) return { ...field, type: mapType(field.type) }
    last += 1
    const names = { [idKey]: last, [nameKey]: `col-${uuid()}` }
    return { ...field, metadata: { ...field.metadata, ...names }, type: mapType(field.type) }
  }
  const mapped = mapType(schema) as StructType
  return { schema: mapped, properties: { ...properties, [highestKey]: String(last) } }
}
