/**
 * What a JavaScript value means in a column of some type. One function a type, each giving the value in its stored form or
 * `undefined` where it does not fit; `refusal` then says why. Nothing is rounded or guessed, but for doubles that go into a float.
 */
import { ValueError } from '../../errors/index.ts'
import { describeType } from '../compare.ts'
import { parseDecimal } from '../number-text.ts'
import { decimalParts } from '../sql-type.ts'
import { parseDate, parseInstant } from '../temporal.ts'
import type { DataType } from '../types.ts'

const int64Max = 2n ** 63n - 1n
const microsPerDay = 86_400_000_000n
const isWellFormed = (String.prototype as { isWellFormed?: () => boolean }).isWellFormed

/** Where a value stands, for messages: the path of its column, and its row counted from one. */
export interface Place {
  readonly column: string
  readonly row?: number
}

/** byte, short and integer: an integer number or bigint within the bits. */
export function toInteger(value: unknown, bits: 8 | 16 | 32): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  const limit = 2 ** (bits - 1)
  return typeof number === 'number' && Number.isInteger(number) && number >= -limit && number < limit ? number : undefined
}

/** long: a bigint, or an integer number that is certain to be what was meant (beyond 2^53 a number may have been another). */
export function toLong(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'bigint' && value <= int64Max && value >= -int64Max - 1n ? value : undefined
}

/** double: a number, NaN and the infinities included, or a bigint that a double holds exactly. */
export function toDouble(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'bigint') return undefined
  const number = Number(value)
  return Number.isFinite(number) && BigInt(number) === value ? number : undefined
}

/** float: as double, rounded to 32 bits; a finite number that would become infinite does not fit. */
export function toFloat(value: unknown): number | undefined {
  const number = toDouble(value)
  if (number === undefined) return undefined
  const rounded = Math.fround(number)
  return Number.isFinite(number) && !Number.isFinite(rounded) ? undefined : rounded
}

/** decimal: text, bigint or a number whose printed digits fit; the unscaled integer. */
export function toDecimal(value: unknown, precision: number, scale: number): bigint | undefined {
  const unscaled = unscaledOf(value, scale)
  if (unscaled === undefined) return undefined
  const limit = 10n ** BigInt(precision)
  return unscaled < limit && unscaled > -limit ? unscaled : undefined
}

/** date: a Date at midnight UTC, `2020-01-31`, or a bigint of microseconds at a midnight; days since 1970. */
export function toDays(value: unknown): number | undefined {
  if (typeof value === 'string') return parseDate(value)
  if (isDate(value)) return daysFrom(value.getTime() / 86_400_000)
  return typeof value === 'bigint' && value % microsPerDay === 0n ? daysFrom(Number(value / microsPerDay)) : undefined
}

/**
 * timestamp and timestamp_ntz: a Date, ISO text, or a bigint of microseconds. Text without a zone is taken as UTC in a timestamp; in
 * a timestamp_ntz, whose values have no zone, a text may say `Z` and no other.
 */
export function toMicros(value: unknown, withZone: boolean): bigint | undefined {
  let micros: bigint | undefined
  if (typeof value === 'bigint') micros = value
  else if (isDate(value)) micros = Number.isNaN(value.getTime()) ? undefined : BigInt(value.getTime()) * 1000n
  else if (typeof value === 'string') {
    const parsed = parseInstant(value)
    micros = withZone || !parsed?.zoned || /z$/i.test(value) ? parsed?.micros : undefined
  }
  return micros !== undefined && micros <= int64Max && micros >= -int64Max - 1n ? micros : undefined
}

/** string: text of whole characters. */
export function toText(value: unknown): string | undefined {
  return typeof value === 'string' && isWhole(value) ? value : undefined
}

/** binary: a Uint8Array, Node's Buffer included. */
export function toBytes(value: unknown): Uint8Array | undefined {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]' ? (value as Uint8Array) : undefined
}

/** Whether a value is a Date, from whichever realm. */
export function isDate(value: unknown): value is Date {
  return value instanceof Date || (typeof value === 'object' && Object.prototype.toString.call(value) === '[object Date]')
}

/** Whether a text has no half surrogate pair, which UTF-8 could not hold. */
export function isWhole(text: string): boolean {
  return isWellFormed === undefined ? !/\p{Surrogate}/u.test(text) : isWellFormed.call(text)
}

/** The error for a value that does not fit, saying which column, row and type, and what would. */
export function refusal(value: unknown, type: DataType, place: Place): ValueError {
  const sqlType = describeType(type)
  const where = `${place.row === undefined ? 'Column' : `Row ${place.row}, column`} ${JSON.stringify(place.column)}`
  const data = { column: place.column, ...(place.row === undefined ? {} : { row: place.row }), type: sqlType }
  if (value === null || value === undefined) {
    return new ValueError('NOT_NULL_VIOLATED', `${where}: NULL where the column takes none.`, {
      remedy: 'Give a value, or make the column nullable.',
      data,
    })
  }
  const numeric = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  const tooBig =
    (numeric && isNumeric(type)) ||
    (decimalParts(type) !== undefined && typeof value === 'string' && unscaledOf(value, decimalParts(type)!.scale) !== undefined)
  if (tooBig || (type === 'float' && typeof value === 'number')) {
    return new ValueError('VALUE_OUT_OF_RANGE', `${where}: ${show(value)} does not fit ${sqlType}.`, {
      remedy: remedyFor(value, type),
      data,
    })
  }
  return new ValueError('INVALID_VALUE', `${where}: ${show(value)} is not a value of ${sqlType}.`, { remedy: remedyFor(value, type), data })
}

function unscaledOf(value: unknown, scale: number): bigint | undefined {
  if (typeof value === 'bigint') return value * 10n ** BigInt(scale)
  if (typeof value === 'string') return parseDecimal(value, scale)
  if (typeof value !== 'number' || !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return undefined
  return parseDecimal(String(value), scale)
}

function daysFrom(days: number): number | undefined {
  return Number.isInteger(days) && Math.abs(days) < 2 ** 31 ? days : undefined
}

function isNumeric(type: DataType): boolean {
  return decimalParts(type) !== undefined || ['long', 'integer', 'short', 'byte', 'float', 'double'].includes(type as string)
}

function remedyFor(value: unknown, type: DataType): string {
  if (type === 'long' && typeof value === 'number' && Number.isInteger(value))
    return 'Give integers beyond 2^53 as BigInt: a number may have lost digits.'
  if (type === 'date' && isDate(value))
    return "Give a Date at midnight UTC, or text such as '2020-01-31': the day of another instant depends on the zone."
  if (type === 'timestamp' || type === 'timestamp_ntz')
    return 'Give a Date, ISO text with at most six fractional digits, or microseconds as BigInt.'
  if (decimalParts(type) !== undefined) return "Give text such as '12.30' with no more digits than the type has, or round first."
  if (type === 'string' && typeof value === 'string')
    return 'The text holds half a surrogate pair; repair it, for example with toWellFormed().'
  return `Convert it first, or write it to a column that is not ${describeType(type)}.`
}

/** A value as messages show it: short, and never a whole object. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : `the Date ${value.toISOString()}`
  if (typeof value !== 'object' || value === null) return String(value)
  const kind = Object.prototype.toString.call(value).slice(8, -1)
  return kind === 'Object' ? 'an object' : `${/^[AEIO]/.test(kind) ? 'an' : 'a'} ${kind}`
}
