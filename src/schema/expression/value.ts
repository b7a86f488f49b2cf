/** Values on their way into DuckDB's SQL: a type, the SQL, and the conversions between types that all engines make alike. */
import { decimalParts, decimalType, toSqlType } from '../sql-type.ts'
import type { DataType, PrimitiveType } from '../types.ts'
import { dateText, duckdbLiteral, timestampText } from './literals.ts'
import { Refusal } from './refusal.ts'
import type { Literal } from './syntax.ts'

/** A part of an expression in DuckDB's SQL. */
export interface Value {
  readonly type: DataType
  readonly sql: string
  /** Whether it can stop the statement for some row, so that it may only be looked at where Spark would look. */
  readonly fails: boolean
  readonly literal?: Literal | undefined
}

/** How a value that engines do not agree on stops the statement: SQL that fails with the reason. */
export type Fail = (reason: string) => string

/** What types are brought together for. Of a `result` the type itself counts; a comparison may be made in any type that tells the values apart. */
export type Purpose = 'comparison' | 'result'

const integerDigits: Readonly<Record<string, number>> = { byte: 3, short: 5, integer: 10, long: 20 }
const longestSql = 100_000

/** Makes a value. @throws Refusal where its SQL grows too long: conditions that guard repeat what they guard. */
export function value(type: DataType, sql: string, ...parts: readonly Value[]): Value {
  if (sql.length > longestSql) throw new Refusal('it is too complex')
  return { type, sql, fails: parts.some((part) => part.fails) }
}

/** The same value, which can stop the statement. */
export function failing(one: Value): Value {
  return { ...one, fails: true, literal: undefined }
}

/** The value of a constant. */
export function constant(literal: Literal): Value {
  return { type: literal.type, sql: duckdbLiteral(literal), fails: false, literal }
}

/** Whether a type is one of the four integers. */
export function isInteger(type: DataType): boolean {
  return typeof type === 'string' && type in integerDigits
}

/** Whether a type is one of the two that hold fractions in binary. */
export function isFloating(type: DataType): boolean {
  return type === 'float' || type === 'double'
}

/** Whether a type is a number's. */
export function isNumber(type: DataType): boolean {
  return isInteger(type) || isFloating(type) || decimalParts(type) !== undefined
}

/** A type in Spark's words, for messages. */
export function describe(type: DataType): string {
  return typeof type === 'string' ? (type === 'void' ? 'NULL' : type) : type.type
}

/** The type that values are compared in, or that all have as branches of one. @throws Refusal where engines do not agree on one. */
export function commonType(values: readonly Value[], purpose: Purpose): PrimitiveType {
  let found: Value | undefined
  for (const each of values) {
    if (typeof each.type !== 'string' || each.type === 'variant') throw new Refusal(`a ${describe(each.type)} is compared or chosen`)
    if (each.type === 'void') continue
    found = found === undefined ? each : { ...each, type: pairType(found, each, purpose), literal: found.literal && each.literal }
  }
  return (found?.type as PrimitiveType | undefined) ?? 'void'
}

function pairType(left: Value, right: Value, purpose: Purpose): PrimitiveType {
  const [a, b] = [left.type as PrimitiveType, right.type as PrimitiveType]
  if (a === b) return a
  if (isInteger(a) && isInteger(b)) return integerDigits[a]! >= integerDigits[b]! ? a : b
  if (isNumber(a) && isNumber(b)) {
    if (isFloating(a) || isFloating(b)) return floatingType(left, right, purpose)
    return widerDecimal(decimalOf(left), decimalOf(right))
  }
  const times = new Set<PrimitiveType>([a, b])
  if (times.has('date') && (times.has('timestamp') || times.has('timestamp_ntz'))) return a === 'date' ? b : a
  if (times.has('timestamp') && times.has('timestamp_ntz') && purpose === 'comparison') return 'timestamp'
  if (purpose === 'comparison' && times.has('string')) {
    const [text, other] = a === 'string' ? [left, b] : [right, a]
    if (spelled(text, other) !== undefined) return other
  }
  throw new Refusal(`${describe(a)} and ${describe(b)} are brought together, which engines do in different ways; write a CAST`)
}

function floatingType(left: Value, right: Value, purpose: Purpose): PrimitiveType {
  const other = isFloating(left.type) ? right : left
  if (isInteger(other.type) && (left.type === 'float' || right.type === 'float')) {
    // With ANSI rules Spark takes a double for the two, without them a float.
    const exact = other.type === 'byte' || other.type === 'short' || (other.literal && Math.abs(Number(other.literal.text)) <= 2 ** 24)
    if (!exact || purpose === 'result') throw new Refusal('an integer and a float are brought together; write a CAST')
  }
  return 'double'
}

function decimalOf(one: Value): { precision: number; scale: number } {
  if (!isInteger(one.type)) return decimalParts(one.type)!
  const digits = one.literal ? one.literal.text.replace('-', '').length : integerDigits[one.type as string]!
  return { precision: digits, scale: 0 }
}

/** The decimal that a number is taken for beside another. */
export const asDecimal = decimalOf

function widerDecimal(a: { precision: number; scale: number }, b: { precision: number; scale: number }): PrimitiveType {
  const scale = Math.max(a.scale, b.scale)
  const whole = Math.max(a.precision - a.scale, b.precision - b.scale)
  if (whole + scale > 38) throw new Refusal('its decimals have more than 38 digits together')
  return decimalType(whole + scale, scale)
}

/** The text of a constant as a value of a type of time, where it is spelt as all engines read it. */
function spelled(text: Value, type: PrimitiveType): string | undefined {
  if (text.literal?.type !== 'string') return undefined
  if (type === 'date') return dateText(text.literal.text)
  return type === 'timestamp' || type === 'timestamp_ntz' ? timestampText(text.literal.text) : undefined
}

/** A value in the type that {@link commonType} gave. */
export function widened(one: Value, type: PrimitiveType): Value {
  if (one.type === type) return one
  const text = spelled(one, type)
  if (text !== undefined) return constant({ type, text })
  if (one.literal !== undefined && decimalParts(one.type) !== undefined && type === 'double')
    return constant({ type: 'double', text: one.literal.text })
  if (one.literal === undefined && type === 'double') checkExactDecimal(one.type)
  return value(type, `CAST(${one.sql} AS ${toSqlType(type)})`, one)
}

/** A decimal of more digits than a double holds may become another double elsewhere. @throws Refusal */
function checkExactDecimal(type: DataType): void {
  const decimal = decimalParts(type)
  if (decimal !== undefined && decimal.precision > 15) throw new Refusal('a decimal of more than 15 digits becomes a double')
}

/** CAST, as far as Spark's ANSI rules, its older ones and DuckDB agree; where they do not for some values, those stop the statement. @throws Refusal */
export function cast(one: Value, to: PrimitiveType, fail: Fail): Value {
  const from = one.type
  if (from === to) return one
  const sqlType = toSqlType(to)
  const plain = value(to, `CAST(${one.sql} AS ${sqlType})`, one)
  if (from === 'void') return plain
  if (typeof from !== 'string') throw new Refusal(`a ${describe(from)} is converted`)
  const wide = decimalParts(to)
  if (isInteger(from)) {
    if (isInteger(to)) return integerDigits[to]! > integerDigits[from]! ? plain : failing(plain)
    if (isFloating(to) || to === 'string' || to === 'boolean') return plain
    if (wide) return wide.precision - wide.scale >= integerDigits[from]! ? plain : failing(plain)
  }
  const narrow = decimalParts(from)
  if (narrow) {
    if (isInteger(to)) return failing(value(to, `CAST(trunc(${one.sql}) AS ${sqlType})`, one))
    if (wide) return failing(plain)
    if (to === 'double') return widened(one, to)
    if (to === 'string' && narrow.scale <= 6) return plain
  }
  if (isFloating(from)) {
    if (to === 'double') return plain
    if (to === 'float') return failing(plain)
    if (isInteger(to)) return failing(value(to, `CAST(trunc(${one.sql}) AS ${sqlType})`, one))
  }
  if (from === 'boolean' && (isInteger(to) || to === 'string')) return plain
  if (from === 'string') return fromText(one, to, fail)
  if (from === 'date' && (to === 'timestamp' || to === 'timestamp_ntz')) return plain
  if (to === 'date' && from === 'timestamp') return value(to, `CAST(CAST(${one.sql} AS TIMESTAMP) AS DATE)`, one)
  if (to === 'date' && from === 'timestamp_ntz') return plain
  if (to === 'timestamp' && from === 'timestamp_ntz') return plain
  if (to === 'timestamp_ntz' && from === 'timestamp') return plain
  if (to === 'string' && (from === 'date' || from === 'timestamp_ntz' || from === 'timestamp')) {
    const shown = from === 'timestamp' ? `CAST(CAST(${one.sql} AS TIMESTAMP) AS VARCHAR)` : plain.sql
    return inCommonYears(one, value('string', shown, one), fail)
  }
  throw new Refusal(`a ${describe(from)} is converted to ${describe(to)}, which engines do in different ways`)
}

function fromText(one: Value, to: PrimitiveType, fail: Fail): Value {
  const text = spelled(one, to)
  if (text !== undefined) return constant({ type: to, text })
  const pattern = isInteger(to) ? '[+-]?[0-9]{1,18}' : to === 'date' ? '[0-9]{4}-[0-9]{2}-[0-9]{2}' : undefined
  if (pattern === undefined) throw new Refusal(`a text is converted to ${describe(to)}, which engines do in different ways`)
  const plain = `CAST(${one.sql} AS ${toSqlType(to)})`
  const guarded = `CASE WHEN NOT regexp_full_match(${one.sql}, '${pattern}') THEN ${fail(`a text is no ${describe(to)}`)} ELSE ${plain} END`
  return failing(value(to, guarded, one))
}

/** A value made of a day, which stops the statement outside the years 1 to 9999: engines spell others differently. */
export function inCommonYears(day: Value, made: Value, fail: Fail): Value {
  const year = `year(${day.type === 'timestamp' ? `CAST(${day.sql} AS TIMESTAMP)` : day.sql})`
  return failing(
    value(made.type, `CASE WHEN ${year} NOT BETWEEN 1 AND 9999 THEN ${fail('a year is outside 1 to 9999')} ELSE ${made.sql} END`, made),
  )
}
