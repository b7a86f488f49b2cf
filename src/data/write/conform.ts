/**
 * Rows of one schema as rows of a table's: columns matched by name without regard to case, nested ones too, values assigned by the
 * rules of `assign.ts`, NOT NULL checked at every level. The result is SQL over the columns of the source; where nothing has to
 * change it says so, and then rows can be written without SQL.
 */
import { SchemaError } from '../../errors/index.ts'
import { type ColumnNaming, physicalName } from '../../schema/physical.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { ArrayType, DataType, MapType, PrimitiveType, StructField, StructType } from '../../schema/types.ts'
import { fromText, type TextRules, textType } from '../input/text-values.ts'
import { assignment } from './assign.ts'
import { checked, notNull } from './value-check.ts'

/** How one column of the table is made from the source. */
export interface ProjectedColumn {
  /** The table's column. */
  readonly field: StructField
  /** Its name in files, partition values and statistics. */
  readonly physicalName: string
  /** The source's column, where it has one. */
  readonly source: StructField | undefined
  /** SQL over the source's columns, with checks inside except {@link checkNulls}. */
  readonly sql: string
  /** The column is NOT NULL and `sql` does not check it: whoever writes has its NULLs counted anyway. */
  readonly checkNulls: boolean
  /** The source's values are the table's values. */
  readonly unchanged: boolean
}

/** The columns of a table, in its order, made from a source. Columns of the type void have no values and are left out. */
export type Projection = readonly ProjectedColumn[]

/**
 * Matches a source to a table.
 * @throws SchemaError `UNKNOWN_COLUMN`, `MISSING_COLUMN` (a NOT NULL column without a source), `TYPE_MISMATCH`, `DUPLICATE_COLUMN`
 * where two source columns have one name. The data has `column`, and `from` and `to` where types differ.
 * @param filled Columns that somebody fills in where the source lacks them. Here they are NULL then.
 */
export function conform(
  source: StructType,
  target: StructType,
  naming: ColumnNaming,
  filled: ReadonlySet<StructField> = new Set(),
): Projection {
  const context: Context = { naming, depth: 0, text: undefined }
  const matched = match(source, target, '')
  return target.fields
    .filter((field) => field.type !== 'void' || matched.has(field))
    .map((field): ProjectedColumn => {
      const from = matched.get(field)
      const name = physicalName(field, naming)
      if (from === undefined) {
        const isFilled = filled.has(field)
        const sql = isFilled ? nullOf(field, naming) : missing(field, field.name, naming)
        return { field, physicalName: name, source: from, sql, checkNulls: isFilled && !field.nullable, unchanged: false }
      }
      const base = quoteIdentifier(from.name)
      const value = convert(base, from.type, field.type, field.name, context)
      // The writer counts the NULLs of plain columns; of nested ones it sees only the leaves.
      const counted = typeof field.type === 'string' && field.type !== 'variant'
      const sql = field.nullable || counted ? value : notNull(value, field.name)
      return { field, physicalName: name, source: from, sql, checkNulls: !field.nullable && counted, unchanged: value === base }
    })
    .filter((column) => column.field.type !== 'void')
}

/**
 * SQL of a value from SQL of its text, `textType(type)`: for formats that hold text. NULL constraints are not checked here.
 * @param guessed The type was inferred from a sample of the texts.
 */
export function convertText(value: string, type: DataType, column: string, guessed: boolean): string {
  return convert(value, textType(type), type, column, { naming: { mapped: false, byId: false }, depth: 0, text: { guessed } })
}

interface Context {
  readonly naming: ColumnNaming
  readonly depth: number
  /** Texts are read as values. */
  readonly text: TextRules | undefined
}

function match(source: StructType, target: StructType, parent: string): Map<StructField, StructField> {
  const byName = new Map(target.fields.map((field) => [field.name.toLowerCase(), field]))
  const matched = new Map<StructField, StructField>()
  for (const from of source.fields) {
    const to = byName.get(from.name.toLowerCase())
    const column = parent + from.name
    if (to === undefined) {
      throw new SchemaError('UNKNOWN_COLUMN', `The table has no column ${JSON.stringify(column)}.`, {
        remedy: `Leave it out, or add it to the table (--merge-schema). The columns are: ${target.fields.map((field) => field.name).join(', ')}.`,
        data: { column, columns: target.fields.map((field) => field.name) },
      })
    }
    if (matched.has(to)) {
      throw new SchemaError('DUPLICATE_COLUMN', `The input has the column ${JSON.stringify(column)} twice.`, {
        remedy: 'Names are compared without regard to case: rename or leave out one of them.',
        data: { column },
      })
    }
    matched.set(to, from)
  }
  return matched
}

function missing(field: StructField, column: string, naming: ColumnNaming): string {
  if (!field.nullable) throw missingColumn(column)
  return nullOf(field, naming)
}

function nullOf(field: StructField, naming: ColumnNaming): string {
  return `CAST(NULL AS ${toSqlType(renamed(field.type, naming))})`
}

/** The error of a NOT NULL column that the input does not have. */
export function missingColumn(column: string): SchemaError {
  return new SchemaError('MISSING_COLUMN', `The column ${JSON.stringify(column)} is NOT NULL, and the input does not have it.`, {
    remedy: 'Add the column to the input.',
    data: { column },
  })
}

/** SQL of `to` from SQL of `from`; `value` itself where nothing changes. */
function convert(value: string, from: DataType, to: DataType, column: string, context: Context): string {
  if (from === 'void') return to === 'void' ? value : `CAST(NULL AS ${physicalSqlType(to, context)})`
  if (to === 'variant' && isEncodedVariant(from)) return value
  if (typeof from === 'string' && typeof to === 'string') return convertPrimitive(value, from, to, column, context)
  if (typeof from === 'object' && typeof to === 'object') {
    if (from.type === 'struct' && to.type === 'struct') return convertStruct(value, from, to, column, context)
    if (from.type === 'array' && to.type === 'array') return convertArray(value, from, to, column, context)
    if (from.type === 'map' && to.type === 'map') return convertMap(value, from, to, column, context)
  }
  throw mismatch(from, to, column)
}

function convertPrimitive(value: string, from: PrimitiveType, to: PrimitiveType, column: string, context: Context): string {
  if (context.text !== undefined && from === 'string')
    return to === 'variant' ? `CAST(${value} AS VARIANT)` : fromText(value, to, column, context.text)
  // Left to itself DuckDB shreds a variant, which the protocol allows only with a feature of its own.
  if (from === 'variant' && to === 'variant') return `CASE WHEN ${value} IS NULL THEN NULL ELSE variant_to_parquet_variant(${value}) END`
  const type = toSqlType(to)
  switch (assignment(from, to)) {
    case 'same':
      return value
    case 'cast':
      return `CAST(${value} AS ${type})`
    case 'exact': {
      const tried = `TRY_CAST(${value} AS ${type})`
      const bad = `TRY_CAST(${tried} AS ${toSqlType(from)}) IS DISTINCT FROM ${value}`
      return checked(bad, value, tried, column, deltaName(from), deltaName(to))
    }
    case 'range': {
      const tried = `TRY_CAST(${value} AS ${type})`
      const bad = `${value} IS NOT NULL AND (${tried} IS NULL OR (isinf(${tried}) AND NOT isinf(${value})))`
      return checked(bad, value, tried, column, deltaName(from), deltaName(to))
    }
    case undefined:
      throw mismatch(from, to, column)
  }
}

function convertStruct(value: string, from: StructType, to: StructType, column: string, context: Context): string {
  const matched = match(from, to, `${column}.`)
  let unchanged = from.fields.length === to.fields.length
  const parts = to.fields.map((field, index) => {
    const path = `${column}.${field.name}`
    const name = physicalName(field, context.naming)
    const source = matched.get(field)
    if (source === undefined) {
      unchanged = false
      return `${quoteIdentifier(name)} := ${missing(field, path, context.naming)}`
    }
    const base = `struct_extract(${value}, ${quoteLiteral(source.name)})`
    const converted = convert(base, source.type, field.type, path, context)
    const sql = field.nullable ? converted : notNull(converted, path)
    if (sql !== base || source.name !== name || from.fields[index] !== source) unchanged = false
    return `${quoteIdentifier(name)} := ${sql}`
  })
  return unchanged ? value : `CASE WHEN ${value} IS NULL THEN NULL ELSE struct_pack(${parts.join(', ')}) END`
}

function convertArray(value: string, from: ArrayType, to: ArrayType, column: string, context: Context): string {
  const element = `_e${context.depth}`
  const path = `${column}.element`
  const converted = convert(element, from.elementType, to.elementType, path, { ...context, depth: context.depth + 1 })
  const sql = to.containsNull ? converted : notNull(converted, path)
  return sql === element ? value : `list_transform(${value}, lambda ${element}: ${sql})`
}

function convertMap(value: string, from: MapType, to: MapType, column: string, context: Context): string {
  const entry = `_e${context.depth}`
  const deeper = { ...context, depth: context.depth + 1 }
  const key = `struct_extract(${entry}, 'key')`
  const item = `struct_extract(${entry}, 'value')`
  const convertedKey = convert(key, from.keyType, to.keyType, `${column}.key`, deeper)
  const convertedItem = convert(item, from.valueType, to.valueType, `${column}.value`, deeper)
  const checkedItem = to.valueContainsNull ? convertedItem : notNull(convertedItem, `${column}.value`)
  if (convertedKey === key && checkedItem === item) return value
  const entries = `list_transform(map_entries(${value}), lambda ${entry}: struct_pack("key" := ${convertedKey}, "value" := ${checkedItem}))`
  // map_entries(NULL) is an empty list, which would make a NULL map an empty one.
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE map_from_entries(${entries}) END`
}

function mismatch(from: DataType, to: DataType, column: string): SchemaError {
  const data = { column, from: deltaName(from), to: deltaName(to) }
  return new SchemaError('TYPE_MISMATCH', `The column ${JSON.stringify(column)} is ${data.to}, and the input has ${data.from} there.`, {
    remedy: 'Convert the column in the input, for example with a query and CAST.',
    data,
  })
}

/** A type in a few words for messages, in Delta's names. */
export function deltaName(type: DataType): string {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'array':
      return `array<${deltaName(type.elementType)}>`
    case 'map':
      return `map<${deltaName(type.keyType)}, ${deltaName(type.valueType)}>`
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${deltaName(field.type)}`).join(', ')}>`
  }
}

/** A variant as its two parts, which is what files hold and what Arrow carries. */
const encodedVariant: StructType = {
  type: 'struct',
  fields: ['metadata', 'value'].map((name) => ({ name, type: 'binary', nullable: true, metadata: {} })),
}

/** The type of what batches hold for a type: variants as their two parts. */
export function inBatches(type: StructType): StructType {
  return renamed(type, { mapped: false, byId: false }) as StructType
}

function isEncodedVariant(type: DataType): boolean {
  if (typeof type !== 'object' || type.type !== 'struct' || type.fields.length !== 2) return false
  return type.fields.every((field, index) => field.name === encodedVariant.fields[index]!.name && field.type === 'binary')
}

/** The SQL type of a value as files hold it: with physical names inside. */
function physicalSqlType(type: DataType, context: Context): string {
  return toSqlType(renamed(type, context.naming))
}

function renamed(type: DataType, naming: ColumnNaming): DataType {
  if (type === 'variant') return encodedVariant
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'array':
      return { ...type, elementType: renamed(type.elementType, naming) }
    case 'map':
      return { ...type, keyType: renamed(type.keyType, naming), valueType: renamed(type.valueType, naming) }
    case 'struct':
      return {
        ...type,
        fields: type.fields.map((field) => ({ ...field, name: physicalName(field, naming), type: renamed(field.type, naming) })),
      }
  }
}
