/**
 * The Delta schema as the protocol writes it (§Schema Serialization Format): what `metaData.schemaString` parses to, used as it
 * is throughout. A table's schema is a {@link StructType}; nothing else describes columns.
 */

/** Primitive type names of the protocol; a decimal is `decimal(p,s)`. */
export type PrimitiveType =
  | 'string'
  | 'long'
  | 'integer'
  | 'short'
  | 'byte'
  | 'float'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'
  | 'variant'
  | 'void'
  | `decimal(${number},${number})`

/** Any type of a column or of a value inside one. */
export type DataType = PrimitiveType | StructType | ArrayType | MapType

/** A struct, and the schema of a table. Field names are unique without regard to case. */
export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly StructField[]
}

/** One field of a struct. Unknown metadata is kept. */
export interface StructField {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

/** An array. */
export interface ArrayType {
  readonly type: 'array'
  readonly elementType: DataType
  readonly containsNull: boolean
}

/** A map; keys are never null. */
export interface MapType {
  readonly type: 'map'
  readonly keyType: DataType
  readonly valueType: DataType
  readonly valueContainsNull: boolean
}
