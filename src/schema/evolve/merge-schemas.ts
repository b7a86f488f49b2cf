/**
 * Schema evolution by appending (`mergeSchema`): the table's schema with what the source brings besides. Existing columns stay as
 * they are; nothing is ever dropped, moved or retyped.
 */
import { SchemaError } from '../../errors/index.ts'
import { describeType } from '../compare.ts'
import { decimalParts } from '../sql-type.ts'
import type { DataType, StructField, StructType } from '../types.ts'

/**
 * The table's schema and, at the end of it, the source's columns that it lacks; fields inside structs likewise, in arrays and maps
 * too. New ones are nullable throughout and carry no metadata. Names meet without regard to case. A column of the table that is void
 * takes the source's type: it never held a value. Gives `table` itself back where nothing is new.
 *
 * Numbers of any two types may meet here, and dates and timestamps: the table's type stays, and whether the values fit is found out
 * when they are written.
 * @throws SchemaError `TYPE_MISMATCH` where source and table have types of two kinds for one column.
 */
export function mergeSchemas(table: StructType, source: StructType): StructType {
  return mergeStructs(table, source, '')
}

function mergeStructs(table: StructType, source: StructType, parent: string): StructType {
  let { fields } = table
  for (const theirs of source.fields) {
    const index = fields.findIndex((field) => field.name.toLowerCase() === theirs.name.toLowerCase())
    const ours = fields[index]
    if (ours === undefined) {
      fields = [...fields, newField(theirs)]
      continue
    }
    const type = mergeTypes(ours.type, theirs.type, parent + ours.name)
    if (type !== ours.type) fields = fields.with(index, { ...ours, type })
  }
  return fields === table.fields ? table : { ...table, fields }
}

function mergeTypes(ours: DataType, theirs: DataType, column: string): DataType {
  if (theirs === 'void' || ours === theirs) return ours
  if (ours === 'void') return asNullable(theirs)
  if (typeof ours === 'string' || typeof theirs === 'string') {
    const kind = kindOf(ours)
    if (kind === undefined || kind !== kindOf(theirs)) throw mismatch(ours, theirs, column)
    return ours
  }
  if (ours.type === 'struct' && theirs.type === 'struct') return mergeStructs(ours, theirs, `${column}.`)
  if (ours.type === 'array' && theirs.type === 'array') {
    const elementType = mergeTypes(ours.elementType, theirs.elementType, `${column}.element`)
    return elementType === ours.elementType ? ours : { ...ours, elementType }
  }
  if (ours.type === 'map' && theirs.type === 'map') {
    const keyType = mergeTypes(ours.keyType, theirs.keyType, `${column}.key`)
    const valueType = mergeTypes(ours.valueType, theirs.valueType, `${column}.value`)
    return keyType === ours.keyType && valueType === ours.valueType ? ours : { ...ours, keyType, valueType }
  }
  throw mismatch(ours, theirs, column)
}

/** Types whose values may be tried on each other. */
function kindOf(type: DataType): string | undefined {
  if (typeof type !== 'string') return undefined
  if (decimalParts(type) !== undefined || ['long', 'integer', 'short', 'byte', 'float', 'double'].includes(type)) return 'number'
  return type === 'date' || type === 'timestamp' || type === 'timestamp_ntz' ? 'time' : undefined
}

/** A column that is new to the table: old rows have NULL in it, and ids and names of another table's mapping mean nothing here. */
export function newField(field: StructField): StructField {
  return { name: field.name, type: asNullable(field.type), nullable: true, metadata: {} }
}

function asNullable(type: DataType): DataType {
  if (typeof type === 'string') return type
  if (type.type === 'struct') return { type: 'struct', fields: type.fields.map(newField) }
  if (type.type === 'array') return { type: 'array', elementType: asNullable(type.elementType), containsNull: true }
  return { type: 'map', keyType: asNullable(type.keyType), valueType: asNullable(type.valueType), valueContainsNull: true }
}

function mismatch(ours: DataType, theirs: DataType, column: string): SchemaError {
  const [table, source] = [describeType(ours), describeType(theirs)]
  return new SchemaError(
    'TYPE_MISMATCH',
    `The column ${JSON.stringify(column)} is ${table} in the table and ${source} in what is appended.`,
    {
      remedy: `Convert the values to ${table}, or append them under another name.`,
      data: { column, types: [table, source] },
    },
  )
}
