/**
 * DuckDB's logical types, read once from the binding into plain objects that the codec, `describe` and the mapping to Delta's types
 * work on.
 */
import { SchemaError } from '../errors/index.ts'
import { quoteIdentifier, quoteLiteral } from '../schema/quoting.ts'
import type { ArrayType, DataType, MapType, StructField, StructType } from '../schema/types.ts'
import type { Binding, LogicalType } from './binding.ts'

/** DuckDB's names of types without parameters. */
export type SimpleTypeName = (typeof simpleTypes)[number]

/** A DuckDB type as a tree. `JSON` and `GEOMETRY` are named apart from the VARCHAR and BLOB that they are stored as. */
export type EngineType =
  | { readonly name: SimpleTypeName }
  | { readonly name: 'DECIMAL'; readonly width: number; readonly scale: number }
  | { readonly name: 'ENUM'; readonly values: readonly string[] }
  | { readonly name: 'LIST'; readonly child: EngineType }
  | { readonly name: 'ARRAY'; readonly child: EngineType; readonly size: number }
  | { readonly name: 'MAP'; readonly key: EngineType; readonly value: EngineType }
  | { readonly name: 'STRUCT' | 'UNION'; readonly fields: readonly EngineField[] }

/** A named member of a struct or a union. */
export interface EngineField {
  readonly name: string
  readonly type: EngineType
}

/** A type of DuckDB's that a Delta table cannot hold, by DuckDB's name. */
export interface Unsupported {
  readonly unsupported: string
}

const simpleTypes = [
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'HUGEINT',
  'UHUGEINT',
  'BIGNUM',
  'FLOAT',
  'DOUBLE',
  'VARCHAR',
  'JSON',
  'BLOB',
  'BIT',
  'UUID',
  'GEOMETRY',
  'VARIANT',
  'DATE',
  'TIME',
  'TIME_NS',
  'TIME_TZ',
  'TIMESTAMP',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
  'TIMESTAMP_TZ',
  'INTERVAL',
  'SQLNULL',
] as const

/** What a VARIANT is read as: the two parts of its Parquet encoding (§Variant Data Type). */
export const variantFields: readonly EngineField[] = [
  { name: 'metadata', type: { name: 'BLOB' } },
  { name: 'value', type: { name: 'BLOB' } },
]

/** DuckDB's spelling in SQL where it is not the name. */
const spellings: Partial<Record<string, string>> = {
  TIME_TZ: 'TIME WITH TIME ZONE',
  TIMESTAMP_TZ: 'TIMESTAMP WITH TIME ZONE',
  SQLNULL: '"NULL"',
}

/** Delta's type for each simple type that has one. Unsigned types widen; 128-bit integers are decimals. */
const deltaTypes: Partial<Record<SimpleTypeName, DataType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'byte',
  SMALLINT: 'short',
  INTEGER: 'integer',
  BIGINT: 'long',
  UTINYINT: 'short',
  USMALLINT: 'integer',
  UINTEGER: 'long',
  UBIGINT: 'decimal(20,0)',
  HUGEINT: 'decimal(38,0)',
  UHUGEINT: 'decimal(38,0)',
  FLOAT: 'float',
  DOUBLE: 'double',
  VARCHAR: 'string',
  JSON: 'string',
  UUID: 'string',
  BLOB: 'binary',
  VARIANT: 'variant',
  DATE: 'date',
  TIMESTAMP: 'timestamp_ntz',
  TIMESTAMP_S: 'timestamp_ntz',
  TIMESTAMP_MS: 'timestamp_ntz',
  TIMESTAMP_NS: 'timestamp_ntz',
  TIMESTAMP_TZ: 'timestamp',
  SQLNULL: 'void',
}

/** Reads a logical type of the binding. A type of a later DuckDB reads as its number's name and is refused where it is used. */
export function readType(binding: Binding, type: LogicalType): EngineType {
  const name = binding.Type[binding.get_type_id(type)] as string
  switch (name) {
    case 'DECIMAL':
      return { name, width: binding.decimal_width(type), scale: binding.decimal_scale(type) }
    case 'ENUM': {
      const count = binding.enum_dictionary_size(type)
      return { name, values: Array.from({ length: count }, (_, index) => binding.enum_dictionary_value(type, index)) }
    }
    case 'LIST':
      return { name, child: readType(binding, binding.list_type_child_type(type)) }
    case 'ARRAY':
      return { name, child: readType(binding, binding.array_type_child_type(type)), size: binding.array_type_array_size(type) }
    case 'MAP':
      return {
        name,
        key: readType(binding, binding.map_type_key_type(type)),
        value: readType(binding, binding.map_type_value_type(type)),
      }
    case 'STRUCT': {
      const fields = Array.from({ length: binding.struct_type_child_count(type) }, (_, index) => ({
        name: binding.struct_type_child_name(type, index),
        type: readType(binding, binding.struct_type_child_type(type, index)),
      }))
      return { name, fields }
    }
    case 'UNION': {
      const fields = Array.from({ length: binding.union_type_member_count(type) }, (_, index) => ({
        name: binding.union_type_member_name(type, index),
        type: readType(binding, binding.union_type_member_type(type, index)),
      }))
      return { name, fields }
    }
    case 'VARCHAR':
      return { name: binding.logical_type_get_alias(type) === 'JSON' ? 'JSON' : 'VARCHAR' }
    default:
      return { name: name as SimpleTypeName }
  }
}

/**
 * Delta's type for a DuckDB type, nested too. A type that Delta lacks is named as DuckDB spells it; inside a nested
 * type the innermost one is named.
 */
export function toDataType(type: EngineType): DataType | Unsupported {
  switch (type.name) {
    case 'DECIMAL':
      return `decimal(${type.width},${type.scale})`
    case 'ENUM':
      return 'string'
    case 'LIST':
    case 'ARRAY': {
      const elementType = toDataType(type.child)
      return isUnsupported(elementType) ? elementType : ({ type: 'array', elementType, containsNull: true } satisfies ArrayType)
    }
    case 'MAP': {
      const keyType = toDataType(type.key)
      const valueType = toDataType(type.value)
      if (isUnsupported(keyType)) return keyType
      return isUnsupported(valueType) ? valueType : ({ type: 'map', keyType, valueType, valueContainsNull: true } satisfies MapType)
    }
    case 'STRUCT': {
      const fields: StructField[] = []
      for (const field of type.fields) {
        const fieldType = toDataType(field.type)
        if (isUnsupported(fieldType)) return fieldType
        fields.push({ name: field.name, type: fieldType, nullable: true, metadata: {} })
      }
      return { type: 'struct', fields } satisfies StructType
    }
    case 'UNION':
      return { unsupported: toSqlSpelling(type) }
    default:
      return deltaTypes[type.name] ?? { unsupported: toSqlSpelling(type) }
  }
}

/** The refusal of a type that nothing here reads and no cast reaches: one that a later DuckDB may bring. */
export function unreadable(type: EngineType): SchemaError {
  const name = toSqlSpelling(type)
  return new SchemaError('UNSUPPORTED_TYPE', `Values of the type ${name} cannot be read.`, {
    remedy: 'Cast the column in the query, for example to VARCHAR.',
    data: { type: name },
  })
}

/** Whether {@link toDataType} found no Delta type. */
function isUnsupported(type: DataType | Unsupported): type is Unsupported {
  return typeof type === 'object' && 'unsupported' in type
}

/** The type as DuckDB's SQL spells it, so that `CAST(x AS ...)` takes it. */
export function toSqlSpelling(type: EngineType): string {
  switch (type.name) {
    case 'DECIMAL':
      return `DECIMAL(${type.width},${type.scale})`
    case 'ENUM':
      return `ENUM(${type.values.map(quoteLiteral).join(', ')})`
    case 'LIST':
      return `${toSqlSpelling(type.child)}[]`
    case 'ARRAY':
      return `${toSqlSpelling(type.child)}[${type.size}]`
    case 'MAP':
      return `MAP(${toSqlSpelling(type.key)}, ${toSqlSpelling(type.value)})`
    case 'STRUCT':
    case 'UNION':
      return `${type.name}(${type.fields.map((field) => `${quoteIdentifier(field.name)} ${toSqlSpelling(field.type)}`).join(', ')})`
    default:
      return spellings[type.name] ?? type.name
  }
}
