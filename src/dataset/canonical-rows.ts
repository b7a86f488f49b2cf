/**
 * The canonical text of columns and rows, of which spec/fingerprint.md is the definition: here as SQL that gives it for the rows of a relation.
 * Everything about it is a promise: a change would give the same rows another digest.
 */
import { createHash } from 'node:crypto'
import { quoteIdentifier, quoteLiteral } from '../schema/quoting.ts'
import { decimalParts } from '../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../schema/types.ts'

/** The text of a schema's columns: names and types in their order. */
export function columnsText(schema: StructType): string {
  return schema.fields.map((field) => `${sized(field.name)} ${typeText(field.type)},`).join('')
}

/** What the rows' digest of a version without rows is: SHA-256 of its columns, as a number. */
export function columnsDigest(schema: StructType): bigint {
  return BigInt(
    `0x${createHash('sha256')
      .update(`varve rows 1\n${columnsText(schema)}`)
      .digest('hex')}`,
  )
}

/** A text behind its length in bytes, so that nothing in it can be taken for what follows. */
export function sized(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`
}

/** Whether values of the type have a canonical text; variants have none. */
export function isCanonical(type: DataType): boolean {
  if (typeof type === 'string') return type !== 'variant'
  switch (type.type) {
    case 'array':
      return isCanonical(type.elementType)
    case 'map':
      return isCanonical(type.keyType) && isCanonical(type.valueType)
    case 'struct':
      return type.fields.every((field) => isCanonical(field.type))
  }
}

/** SQL of the text of one row: of `relation`, an alias, the columns of a schema whose types are canonical. */
export function rowText(schema: StructType, relation: string): string {
  const column = ({ name }: StructField) => `${quoteIdentifier(relation)}.${quoteIdentifier(name)}`
  return `concat(${schema.fields.flatMap((field) => [...valueParts(column(field), field.type, 0), "','"]).join(', ')})`
}

function typeText(type: DataType): string {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'array':
      return `array<${typeText(type.elementType)}>`
    case 'map':
      return `map<${typeText(type.keyType)},${typeText(type.valueType)}>`
    case 'struct':
      return `struct<${columnsText(type)}>`
  }
}

/** Arguments of `concat` that give a value's text. `concat` takes NULL for an empty text, which no value has. */
function valueParts(sql: string, type: DataType, depth: number): readonly string[] {
  if (typeof type !== 'string') return [nestedText(sql, type, depth)]
  switch (type) {
    case 'string':
      return [`strlen(${sql})`, sizeMark(sql), sql]
    case 'binary':
      return [`octet_length(${sql})`, sizeMark(sql), `hex(${sql})`]
    case 'float':
    case 'double':
      return [bitsOf(sql, type)]
    case 'date':
      return [`(${sql} - DATE '1970-01-01')`]
    case 'timestamp':
    case 'timestamp_ntz':
      return [`epoch_us(${sql})`]
    case 'void':
      return ["''"]
    default:
      return [decimalText(sql, type)]
  }
}

/** NULL leaves the colon out, with the text it belongs to. */
function sizeMark(sql: string): string {
  return `CASE WHEN ${sql} IS NOT NULL THEN ':' END`
}

/** The bits as a signed integer; zero has one sign and NaN one form, since writers of Parquet files keep neither. */
function bitsOf(sql: string, type: 'float' | 'double'): string {
  const [name, whole] = type === 'float' ? ['FLOAT', 'INTEGER'] : ['DOUBLE', 'BIGINT']
  return `CASE WHEN isnan(${sql}) THEN 'nan' WHEN ${sql} = 0 THEN '0' ELSE CAST(CAST(CAST(${sql} AS ${name}) AS BIT) AS ${whole})::VARCHAR END`
}

/** DuckDB leaves out the zero before the dot where the type has no digits there. */
function decimalText(sql: string, type: DataType): string {
  const parts = decimalParts(type)
  if (parts === undefined || parts.precision !== parts.scale) return sql
  return `regexp_replace(CAST(${sql} AS VARCHAR), '^(-?)[.]', '\\10.')`
}

function nestedText(sql: string, type: Exclude<DataType, string>, depth: number): string {
  const item = `v${depth}`
  const inner = (of: string, innerType: DataType) => valueParts(of, innerType, depth + 1)
  switch (type.type) {
    case 'array':
      return listText(sql, `lambda ${item}: concat(${[...inner(item, type.elementType), "','"].join(', ')})`, '[]')
    case 'map': {
      const key = inner(`struct_extract(${item}, 'key')`, type.keyType)
      const value = inner(`struct_extract(${item}, 'value')`, type.valueType)
      return listText(`map_entries(${sql})`, `lambda ${item}: concat(${[...key, "'='", ...value, "','"].join(', ')})`, '<>', 'list_sort')
    }
    case 'struct': {
      const fields = type.fields.flatMap((field) => [
        ...valueParts(`struct_extract(${sql}, ${quoteLiteral(field.name)})`, field.type, depth),
        "','",
      ])
      return `CASE WHEN ${sql} IS NOT NULL THEN concat(${["'{'", ...fields, "'}'"].join(', ')}) END`
    }
  }
}

/** `||` and not `concat`: of no list there is no text. */
function listText(list: string, each: string, [open, close]: string, order = ''): string {
  return `(${quoteLiteral(open!)} || array_to_string(${order}(list_transform(${list}, ${each})), '') || ${quoteLiteral(close!)})`
}
