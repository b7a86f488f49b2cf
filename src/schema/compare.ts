/** Comparing types, and naming them in messages. */
import { quoteIdentifier } from './quoting.ts'
import { toSqlType } from './sql-type.ts'
import type { DataType, StructField } from './types.ts'

/** What {@link sameType} may leave out of account. Metadata never counts. */
export interface CompareOptions {
  /** Take nullable and NOT NULL for the same. Default `false`. */
  readonly ignoreNullability?: boolean
}

/** Whether two types, or two schemas, are the same: names to the letter, order, types and nullability; never metadata. */
export function sameType(first: DataType, second: DataType, options: CompareOptions = {}): boolean {
  if (typeof first === 'string' || typeof second === 'string') return first === second
  const nulls = (one: boolean, other: boolean) => options.ignoreNullability === true || one === other
  if (first.type === 'array') {
    return (
      second.type === 'array' && nulls(first.containsNull, second.containsNull) && sameType(first.elementType, second.elementType, options)
    )
  }
  if (first.type === 'map') {
    return (
      second.type === 'map' &&
      nulls(first.valueContainsNull, second.valueContainsNull) &&
      sameType(first.keyType, second.keyType, options) &&
      sameType(first.valueType, second.valueType, options)
    )
  }
  const sameField = (one: StructField, other: StructField | undefined) =>
    other !== undefined && one.name === other.name && nulls(one.nullable, other.nullable) && sameType(one.type, other.type, options)
  return (
    second.type === 'struct' &&
    first.fields.length === second.fields.length &&
    first.fields.every((field, index) => sameField(field, second.fields[index]))
  )
}

/** A type as messages name it: DuckDB's spelling, names quoted only where they must be. */
export function describeType(type: DataType): string {
  if (type === 'void') return 'NULL'
  return typeof type !== 'string' && type.type === 'struct' && type.fields.length === 0
    ? 'STRUCT()'
    : toSqlType(type, (name) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoteIdentifier(name)))
}
