/**
 * Per-file statistics (§Per-file Statistics) as the JSON text that an `add` carries: numRecords, minValues, maxValues, nullCount, in
 * the shape of the schema, under physical names. Both ways of writing give their minima, maxima and counts as
 * {@link LeafStatistics}; what is left out and how values are spelt is decided here alone, so that both give the same text.
 *
 * A bound may be wider than the data, never narrower; what JSON cannot say (NaN, an infinity) is left out.
 */
import { decimalParts } from '../../schema/sql-type.ts'
import type { StatisticsLeaf, StatisticsPlan } from '../../schema/statistics-plan.ts'
import type { PrimitiveType } from '../../schema/types.ts'

/**
 * A bound: integers as bigint, floats as number, decimals as text, dates as days and timestamps as microseconds since 1970 (bigint),
 * strings as text.
 */
export type Bound = bigint | number | string

/** What is known of a leaf column of a file. What is absent is not known. */
export interface LeafStatistics {
  readonly nullCount?: number | undefined
  readonly min?: Bound | undefined
  readonly max?: Bound | undefined
  /** A float that is NaN is among the values (it is greater than all others, and in neither bound). */
  readonly hasNan?: boolean | undefined
}

/** The text of `add.stats`. `lookup` gives what is known of a leaf. */
export function spellStatistics(
  plan: StatisticsPlan,
  numRecords: number,
  lookup: (leaf: StatisticsLeaf) => LeafStatistics | undefined,
): string {
  const minima = new Tree()
  const maxima = new Tree()
  const nulls = new Tree()
  for (const leaf of plan.leaves) {
    const known = lookup(leaf)
    if (known === undefined) continue
    if (known.nullCount !== undefined) nulls.set(leaf.path, String(known.nullCount))
    if (!leaf.bounded) continue
    const min = known.min === undefined ? undefined : spellMin(leaf.type as PrimitiveType, known.min)
    const max = known.max === undefined || known.hasNan ? undefined : spellMax(leaf.type as PrimitiveType, known.max)
    if (min !== undefined) minima.set(leaf.path, min)
    if (max !== undefined) maxima.set(leaf.path, max)
  }
  const tight = plan.tightBounds ? ',"tightBounds":true' : ''
  return `{"numRecords":${numRecords},"minValues":${minima.text()},"maxValues":${maxima.text()},"nullCount":${nulls.text()}${tight}}`
}

/** Compares strings by the bytes of their UTF-8 form, as every reader of statistics does; JavaScript's `<` orders UTF-16. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a === b) continue
    // Units of a pair stand for code points above all others.
    const aHigh = a >= 0xd800 && a <= 0xdfff
    const bHigh = b >= 0xd800 && b <= 0xdfff
    return aHigh === bHigh ? a - b : aHigh ? 1 : -1
  }
  return left.length - right.length
}

/** JSON objects within objects, keys in the order of their first mention. A Map, so that a key `__proto__` is a key. */
class Tree {
  readonly #children = new Map<string, Tree | string>()

  set(path: readonly string[], value: string): void {
    const [first, ...rest] = path as [string, ...string[]]
    if (rest.length === 0) {
      this.#children.set(first, value)
      return
    }
    let child = this.#children.get(first)
    if (!(child instanceof Tree)) {
      child = new Tree()
      this.#children.set(first, child)
    }
    child.set(rest, value)
  }

  text(): string {
    const parts = Array.from(this.#children, ([key, value]) => `${JSON.stringify(key)}:${value instanceof Tree ? value.text() : value}`)
    return `{${parts.join(',')}}`
  }
}

const prefixLength = 32
/** The greatest code point: above every other character of a string that was cut. */
const lastCodePoint = 0x10ffff
/** Years that ISO text and every reader can hold. */
const firstDay = -719162n
const lastDay = 2932896n
const dayMicros = 86_400_000_000n

function spellMin(type: PrimitiveType, value: Bound): string | undefined {
  if (typeof value === 'string') return type === 'string' ? spellText(cut(value).prefix) : value
  if (typeof value === 'number') return spellFloat(type, value === 0 ? -0 : value)
  return spellWhole(type, value, (micros) => floorDiv(micros, 1000n))
}

function spellMax(type: PrimitiveType, value: Bound): string | undefined {
  if (typeof value === 'string') return type === 'string' ? spellMaxText(value) : value
  if (typeof value === 'number') return spellFloat(type, value === 0 ? 0 : value)
  // Milliseconds is all that other engines read: up, so that the bound holds the value.
  return spellWhole(type, value, (micros) => -floorDiv(-micros, 1000n))
}

function spellWhole(type: PrimitiveType, value: bigint, toMillis: (micros: bigint) => bigint): string | undefined {
  switch (type) {
    case 'date':
      return value < firstDay || value > lastDay ? undefined : `"${isoText(value * 86_400_000n).slice(0, 10)}"`
    case 'timestamp':
    case 'timestamp_ntz': {
      const millis = toMillis(value)
      if (millis < firstDay * 86_400_000n || millis >= (lastDay + 1n) * 86_400_000n) return undefined
      const text = isoText(millis)
      return type === 'timestamp' ? `"${text}"` : `"${text.slice(0, -1)}"`
    }
    default:
      return value.toString()
  }
}

function isoText(millis: bigint): string {
  return new Date(Number(millis)).toISOString()
}

function spellFloat(type: PrimitiveType, value: number): string | undefined {
  if (!Number.isFinite(value)) return undefined
  const text = Object.is(value, -0) ? '-0' : type === 'float' ? shortestFloat(value) : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** The shortest decimal that reads as this 32-bit float. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 9; digits += 1) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return String(Number(text))
  }
  return String(Number(value.toPrecision(9)))
}

function spellMaxText(value: string): string | undefined {
  const { prefix, next } = cut(value)
  if (next === undefined) return spellText(prefix)
  if (next >= lastCodePoint) return undefined
  return spellText(prefix + String.fromCodePoint(next < 0x7f ? 0x7f : lastCodePoint))
}

/** The first characters of a text, and the one after them where there is one. */
function cut(value: string): { prefix: string; next: number | undefined } {
  if (value.length <= prefixLength) return { prefix: value, next: undefined }
  let end = 0
  for (let count = 0; count < prefixLength && end < value.length; count += 1) end += value.codePointAt(end)! > 0xffff ? 2 : 1
  return { prefix: value.slice(0, end), next: value.codePointAt(end) }
}

function spellText(value: string): string {
  return JSON.stringify(value)
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

/** Bounds as DuckDB spells them in statistics of a file. `undefined` for what has no such bound: years beyond four digits, infinity. */
export function readBound(type: PrimitiveType, text: string): Bound | undefined {
  switch (type) {
    case 'string':
      return text
    case 'float':
    case 'double':
      return readFloat(text)
    case 'date':
    case 'timestamp':
    case 'timestamp_ntz':
      return readTime(type, text)
    default:
      // DuckDB leaves the zero before the point out where all digits are behind it, which JSON does not take.
      return decimalParts(type) === undefined ? BigInt(text) : text.replace(/^(-?)\./, '$10.')
  }
}

/**
 * DuckDB prints a few numbers wrongly, 2^81 as 2^82 and 2^91 as 2^92 among them, and one with a letter for its first digit: what reads as
 * one of these could be either, and is no bound.
 */
function readFloat(text: string): number | undefined {
  if (text === 'inf') return Number.POSITIVE_INFINITY
  if (text === '-inf') return Number.NEGATIVE_INFINITY
  const value = Number(text)
  return Number.isNaN(value) || Math.abs(value) === 2 ** 82 || Math.abs(value) === 2 ** 92 ? undefined : value
}

function readTime(type: PrimitiveType, text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?)?$/.exec(text)
  if (match === null) return undefined
  const [, date, time = '00:00:00', fraction = ''] = match
  const millis = BigInt(Date.parse(`${date}T${time}Z`))
  return type === 'date' ? (millis * 1000n) / dayMicros : millis * 1000n + BigInt(fraction.padEnd(6, '0'))
}
