/**
 * What an operand of a predicate can be in each file: a value between two bounds, NULL, or either. Columns have the bounds of their
 * zones, constants their own, and a function that never decreases has those that it makes of its argument's. A bound may be too wide
 * and never too narrow; one that is not known is NaN, or no text.
 */
import type { DataType } from '../../schema/types.ts'
import { type ColumnPath, type Constant, type Monotone, type Operand, timeOfText } from './predicate.ts'
import { nullsAll, nullsNone, type Zone, type ZoneFamily, zoneKey } from './prune-zones.ts'

/** Bits of what an operand may be. */
export const mayBeValue = 1
export const mayBeNull = 2

/** An operand in each file. */
export interface Range {
  /** `undefined`: nothing is known but NULLs. */
  readonly family: ZoneFamily | undefined
  /** The type, where it is known: by it a text is read that the operand is compared with. */
  readonly type: DataType | undefined
  readonly low: (file: number) => number
  readonly high: (file: number) => number
  readonly lowText: (file: number) => Uint8Array | undefined
  readonly highText: (file: number) => Uint8Array | undefined
  readonly may: (file: number) => number
  /** The text that the operand is, where it is a constant. */
  readonly text?: string
}

const unknownBound = () => Number.NaN
const unknownText = () => undefined
const unknown: Range = {
  family: undefined,
  type: undefined,
  low: unknownBound,
  high: unknownBound,
  lowText: unknownText,
  highText: unknownText,
  may: () => mayBeValue | mayBeNull,
}

/** The range of an operand. */
export function rangeOf(operand: Operand<ColumnPath, Constant>, zones: ReadonlyMap<string, Zone>): Range {
  switch (operand.kind) {
    case 'column': {
      const zone = zones.get(zoneKey(operand.column.path))
      return zone === undefined ? unknown : zoneRange(zone)
    }
    case 'value':
      return constantRange(operand.value)
    case 'apply':
      return applied(operand.apply, rangeOf(operand.of, zones))
    case 'plus':
      return moved(rangeOf(operand.of, zones), operand.value, operand.sign)
  }
}

function zoneRange({ family, type, low, high, lowText, highText, nulls }: Zone): Range {
  return {
    family,
    type,
    low: (file) => low[file]!,
    high: (file) => high[file]!,
    lowText: (file) => lowText!.at(file),
    highText: (file) => highText!.at(file),
    may: (file) => (nulls[file] === nullsNone ? mayBeValue : nulls[file] === nullsAll ? mayBeNull : mayBeValue | mayBeNull),
  }
}

function constantRange(constant: Constant): Range {
  if (constant === undefined || constant?.kind === 'list') return unknown
  if (constant === null) return { ...unknown, may: () => mayBeNull }
  const may = () => mayBeValue
  if (constant.kind === 'text') {
    const bytes = new TextEncoder().encode(constant.value)
    return { ...unknown, family: 'text', lowText: () => bytes, highText: () => bytes, may, text: constant.value }
  }
  const value = Number(constant.value)
  const error = constant.kind === 'number' ? (constant.error ?? 0) : 0
  const [low, high] = [value - error, value + error]
  return { ...unknown, family: constant.kind, low: () => low, high: () => high, may }
}

/** Two ranges as they are compared: a text is read as the other's type where its form leaves no doubt. Nothing is known of what does not fit. */
export function aligned(left: Range, right: Range): readonly [Range, Range] | undefined {
  if (left.family === undefined || right.family === undefined) return undefined
  if (left.family === right.family) return [left, right]
  if (right.text !== undefined) {
    const read = readText(left, right)
    return read === undefined ? undefined : [left, read]
  }
  if (left.text !== undefined) {
    const read = readText(right, left)
    return read === undefined ? undefined : [read, right]
  }
  return undefined
}

function readText({ family, type }: Range, constant: Range): Range | undefined {
  const value = numberOfText(family, type, constant.text!)
  return value === undefined ? undefined : { ...constant, family, low: () => value, high: () => value }
}

/** A text as a number of a type. */
export function numberOfText(family: ZoneFamily | undefined, type: DataType | undefined, text: string): number | undefined {
  if (family === 'number') return isInteger(type) && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
  if (family !== 'time' || type === undefined || (type === 'date' && text.length !== 10)) return undefined
  return timeOfText(text)
}

function isInteger(type: DataType | undefined): boolean {
  return type === 'long' || type === 'integer' || type === 'short' || type === 'byte'
}

/** So far a double, and a 32-bit float, may be from the number that it stands for, by that number. */
const doubleError = 2 ** -51
const floatError = 2 ** -22

function widened(range: Range, error: number): Range {
  return {
    ...range,
    low: (file) => range.low(file) - Math.abs(range.low(file)) * error,
    high: (file) => range.high(file) + Math.abs(range.high(file)) * error,
  }
}

function applied(apply: Monotone, range: Range): Range {
  if (range.family === undefined) return range
  switch (apply.kind) {
    case 'cast':
      return cast(range, apply.type, apply.orNull)
    case 'truncate': {
      const truncate = truncations[apply.unit]
      if (truncate === undefined || range.family !== 'time') return withoutBounds(range)
      return { ...range, type: 'timestamp_ntz', ...mapped(range, truncate) }
    }
    case 'year':
      return range.family === 'time' ? { ...range, family: 'number', type: 'integer', ...mapped(range, yearOf) } : withoutBounds(range)
  }
}

function mapped(range: Range, map: (bound: number) => number): Pick<Range, 'low' | 'high'> {
  return { low: (file) => map(range.low(file)), high: (file) => map(range.high(file)) }
}

function withoutBounds(range: Range): Range {
  return { ...unknown, may: range.may }
}

const integerTypes: Readonly<Record<string, DataType>> = { TINYINT: 'byte', SMALLINT: 'short', INTEGER: 'integer', BIGINT: 'long' }

function cast(range: Range, type: string, orNull: boolean): Range {
  // What does not fit is NULL for TRY_CAST, and an error else.
  const may = orNull ? (file: number) => range.may(file) | (range.may(file) & mayBeValue ? mayBeNull : 0) : range.may
  const known = castKnown(range, type)
  return known === undefined ? { ...unknown, may } : { ...known, may }
}

function castKnown(range: Range, type: string): Range | undefined {
  const { family } = range
  if (family === 'text') return type === 'VARCHAR' ? range : undefined
  if (family === 'boolean') return type === 'BOOLEAN' ? range : undefined
  if (family === 'time') {
    if (type === 'DATE') return { ...range, type: 'date', ...mapped(range, truncations.day!) }
    if (type === 'TIMESTAMP') return { ...range, type: 'timestamp_ntz' }
    return type === 'TIMESTAMP WITH TIME ZONE' ? { ...range, type: 'timestamp' } : undefined
  }
  if (type === 'DOUBLE') return { ...widened(range, doubleError), type: 'double' }
  if (type === 'FLOAT') return { ...widened(range, floatError), type: 'float' }
  if (!Object.hasOwn(integerTypes, type) && type !== 'HUGEINT' && type !== 'DECIMAL') return undefined
  // Rounding, to whichever side, never leaves the whole numbers around.
  const whole = isInteger(range.type)
  const rounded = whole
    ? range
    : { ...range, low: (file: number) => Math.floor(range.low(file)), high: (file: number) => Math.ceil(range.high(file)) }
  return { ...rounded, type: integerTypes[type] }
}

const dayMicros = 86_400_000_000

/** A column and a constant added: numbers but 32-bit floats, and days to a date. */
function moved(range: Range, constant: Constant, sign: 1 | -1): Range {
  if (constant === null) return { ...unknown, may: () => mayBeNull }
  if (constant?.kind !== 'number' || range.type === 'float') return withoutBounds(range)
  const { value, error = 0 } = constant
  // With a 32-bit float the sum is one.
  if (error > Math.abs(value) * doubleError) return withoutBounds(range)
  if (range.family === 'time') {
    if (range.type !== 'date' || !Number.isSafeInteger(value) || error !== 0) return withoutBounds(range)
    return { ...range, ...mapped(range, (bound) => bound + sign * value * dayMicros) }
  }
  if (range.family !== 'number') return withoutBounds(range)
  // DuckDB fails where a sum is too great for its type; else it is exact, or rounded as doubles are.
  const slack = (bound: number) => {
    const sum = bound + sign * value
    const exact = error === 0 && Number.isSafeInteger(bound) && Number.isSafeInteger(value) && Number.isSafeInteger(sum)
    return exact ? 0 : error + (Math.abs(bound) + Math.abs(value)) * doubleError
  }
  return {
    ...range,
    type: undefined,
    low: (file) => range.low(file) + sign * value - slack(range.low(file)),
    high: (file) => range.high(file) + sign * value + slack(range.high(file)),
  }
}

function yearOf(micros: number): number {
  const year = new Date(Math.floor(micros / 1000)).getUTCFullYear()
  // Years before the first are counted in more than one way.
  return year > 0 && year < 10_000 ? year : Number.NaN
}

const floorTo = (size: number) => (micros: number) => Math.floor(micros / size) * size

/** The first of so many years, or months, that hold a time. */
function floorToMonths(months: number): (micros: number) => number {
  return (micros) => {
    const year = yearOf(micros)
    if (Number.isNaN(year)) return year
    const month = new Date(Math.floor(micros / 1000)).getUTCMonth()
    const first = Math.floor((year * 12 + month) / months) * months
    const start = new Date(0)
    start.setUTCFullYear(Math.floor(first / 12), first % 12, 1)
    return first < 12 ? Number.NaN : start.getTime() * 1000
  }
}

const thursdayToMonday = 3 * dayMicros

/** What `date_trunc` makes of a time, by the names of units. */
const truncations: Readonly<Record<string, (micros: number) => number>> = {
  microsecond: (micros) => micros,
  millisecond: floorTo(1000),
  second: floorTo(1_000_000),
  minute: floorTo(60_000_000),
  hour: floorTo(3_600_000_000),
  day: floorTo(dayMicros),
  week: (micros) => Math.floor((micros + thursdayToMonday) / (7 * dayMicros)) * 7 * dayMicros - thursdayToMonday,
  month: floorToMonths(1),
  quarter: floorToMonths(3),
  year: floorToMonths(12),
  decade: floorToMonths(120),
  century: floorToMonths(1200),
  millennium: floorToMonths(12_000),
}

/** The unit of `date_trunc` that a text names. */
export function truncationUnit(name: string): string | undefined {
  const unit = name.toLowerCase().replace(/^(.*[^s])s$/, '$1')
  const known = { centurie: 'century', millennia: 'millennium' }[unit] ?? unit
  return Object.hasOwn(truncations, known) ? known : undefined
}
