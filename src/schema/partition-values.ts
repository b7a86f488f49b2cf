/**
 * Partition values as the log holds them (§Partition Value Serialization): text, or null. Each form stands twice, in JavaScript and
 * as an SQL expression, and both give the same. The SQL expects a connection whose TimeZone is UTC.
 *
 * - An empty string, and empty bytes, are null: the protocol has no other text for them.
 * - Timestamps are written in UTC with a `Z`; text without a zone is read as UTC.
 * - Bytes are their UTF-8 text, as Spark and the Delta kernel have it; bytes that are no text cannot be a partition value.
 * - NaN and the infinities are spelled as Java reads them. A float has the digits of the double that it is: the shorter text of
 *   floats differs from engine to engine.
 */
import { SchemaError, ValueError } from '../errors/index.ts'
import { doubleText, formatDecimal } from './number-text.ts'
import { refusal, toBytes, toDays, toDecimal, toDouble, toFloat, toInteger, toLong, toMicros, toText } from './rows/coerce.ts'
import { decimalParts, toSqlType } from './sql-type.ts'
import { formatDate, formatInstant } from './temporal.ts'
import type { DataType } from './types.ts'

/**
 * A value as `add.partitionValues` holds it. Takes what a row takes for that type.
 * @throws ValueError `INVALID_VALUE` or `VALUE_OUT_OF_RANGE` for a value that is none of the type; SchemaError `UNSUPPORTED_TYPE` for nested types.
 */
export function serializePartitionValue(value: unknown, type: DataType, column = 'partition'): string | null {
  if (value === null || value === undefined) return null
  const text = textOf(value, type)
  if (text === undefined) throw refusal(value, type, { column })
  return text === '' ? null : text
}

/**
 * The value of a text in `add.partitionValues`, in the form that rows take: bigint for long and for the microseconds of a timestamp,
 * Date for a date, text for a decimal.
 * @throws ValueError `INVALID_VALUE` where the text is none of the type.
 */
export function parsePartitionValue(text: string | null | undefined, type: DataType, column = 'partition'): unknown {
  if (text === null || text === undefined || text === '') return null
  const value = readText(text, type)
  if (value === undefined) throw refusal(text, type, { column })
  return value
}

/** SQL that gives {@link serializePartitionValue} of an expression of that type. */
export function partitionValueToText(sqlExpr: string, type: DataType): string {
  const text = `CAST(${sqlExpr} AS VARCHAR)`
  switch (type) {
    case 'string':
      return `nullif(${sqlExpr}, '')`
    case 'binary':
      return `nullif(decode(${sqlExpr}), '')`
    case 'float':
    case 'double':
      // Not as VARCHAR: DuckDB's own text of three powers of two, 2^81 among them, is another number.
      return `CASE WHEN isfinite(${sqlExpr}) THEN CAST(to_json(CAST(${sqlExpr} AS DOUBLE)) AS VARCHAR) WHEN isnan(${sqlExpr}) THEN 'NaN' WHEN ${sqlExpr} > 0 THEN 'Infinity' WHEN ${sqlExpr} < 0 THEN '-Infinity' END`
    case 'date':
      return dateText(sqlExpr)
    case 'timestamp':
      return `${instantText(sqlExpr, 'T')} || 'Z'`
    case 'timestamp_ntz':
      return instantText(sqlExpr, ' ')
    default: {
      if (typeof type !== 'string' || type === 'variant' || type === 'void') throw unsupported(type)
      const decimal = decimalParts(type)
      // DuckDB leaves out the zero before the point where the type has no digit for it.
      return decimal?.precision === decimal?.scale && decimal !== undefined ? `regexp_replace(${text}, '^(-?)[.]', '\\10.')` : text
    }
  }
}

/** SQL that gives {@link parsePartitionValue} of a VARCHAR expression, typed. */
export function partitionValueFromText(sqlExpr: string, type: DataType): string {
  const text = `nullif(${sqlExpr}, '')`
  if (type === 'string') return text
  if (type === 'binary') return `encode(${text})`
  if (typeof type !== 'string' || type === 'variant' || type === 'void') throw unsupported(type)
  // DuckDB reads years beyond 9999 without the sign that ISO 8601 gives them.
  const years = type === 'date' || type === 'timestamp' || type === 'timestamp_ntz' ? `ltrim(${text}, '+')` : text
  return `CAST(${years} AS ${toSqlType(type)})`
}

function textOf(value: unknown, type: DataType): string | undefined {
  switch (type) {
    case 'string':
      return toText(value)
    case 'long':
      return toLong(value)?.toString()
    case 'integer':
      return toInteger(value, 32)?.toString()
    case 'short':
      return toInteger(value, 16)?.toString()
    case 'byte':
      return toInteger(value, 8)?.toString()
    case 'float':
      return floatingText(toFloat(value))
    case 'double':
      return floatingText(toDouble(value))
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : undefined
    case 'binary':
      return bytesText(toBytes(value))
    case 'date': {
      const days = toDays(value)
      return days === undefined ? undefined : formatDate(days)
    }
    case 'timestamp':
    case 'timestamp_ntz': {
      const micros = toMicros(value, type === 'timestamp')
      if (micros === undefined) return undefined
      return type === 'timestamp' ? `${formatInstant(micros, 'T')}Z` : formatInstant(micros, ' ')
    }
    default: {
      const decimal = decimalParts(type)
      if (decimal === undefined) throw unsupported(type)
      const unscaled = toDecimal(value, decimal.precision, decimal.scale)
      return unscaled === undefined ? undefined : formatDecimal(unscaled, decimal.scale)
    }
  }
}

function readText(text: string, type: DataType): unknown {
  switch (type) {
    case 'string':
      return text
    case 'long':
      return /^[+-]?\d+$/.test(text) ? toLong(BigInt(text.replace('+', ''))) : undefined
    case 'integer':
      return /^[+-]?\d+$/.test(text) ? toInteger(Number(text), 32) : undefined
    case 'short':
      return /^[+-]?\d+$/.test(text) ? toInteger(Number(text), 16) : undefined
    case 'byte':
      return /^[+-]?\d+$/.test(text) ? toInteger(Number(text), 8) : undefined
    case 'float':
    case 'double': {
      const number = /^[+-]?inf(inity)?$/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text)
      if (Number.isNaN(number) && !/^[+-]?nan$/i.test(text)) return undefined
      return type === 'float' ? Math.fround(number) : number
    }
    case 'boolean':
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined
    case 'binary':
      return new TextEncoder().encode(text)
    case 'date': {
      const days = toDays(text)
      return days === undefined ? undefined : new Date(days * 86_400_000)
    }
    case 'timestamp':
    case 'timestamp_ntz':
      return toMicros(text, type === 'timestamp')
    default: {
      const decimal = decimalParts(type)
      if (decimal === undefined) throw unsupported(type)
      const unscaled = toDecimal(text, decimal.precision, decimal.scale)
      return unscaled === undefined ? undefined : formatDecimal(unscaled, decimal.scale)
    }
  }
}

function floatingText(value: number | undefined): string | undefined {
  if (value === undefined) return undefined
  return Number.isFinite(value) ? doubleText(value) : String(value)
}

function bytesText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new ValueError('INVALID_VALUE', 'Bytes that are not UTF-8 text cannot be a partition value.', {
      remedy: 'Partition by another column, or by the bytes as hexadecimal text.',
      cause,
    })
  }
}

/** `+10000-01-31` and `-0044-01-31` as {@link formatDate} writes them; DuckDB's own text would say `(BC)`. */
function dateText(sqlExpr: string): string {
  const year = `date_part('year', ${sqlExpr})`
  return `(CASE WHEN ${year} BETWEEN 0 AND 9999 THEN printf('%04d', ${year}) WHEN ${year} > 9999 THEN '+' || ${year} ELSE '-' || printf('%04d', -${year}) END || strftime(${sqlExpr}, '-%m-%d'))`
}

/** `make_timestamp` of the microseconds is the instant in UTC, whatever zone the connection has. */
function instantText(sqlExpr: string, separator: 'T' | ' '): string {
  const instant = `make_timestamp(epoch_us(${sqlExpr}))`
  return `${dateText(instant)} || strftime(${instant}, '${separator}%H:%M:%S.%f')`
}

function unsupported(type: DataType): SchemaError {
  const name = toSqlType(type)
  return new SchemaError('UNSUPPORTED_TYPE', `A column of the type ${name} cannot be a partition column.`, {
    remedy: 'Partition by a column of a plain type.',
    data: { type: name },
  })
}
