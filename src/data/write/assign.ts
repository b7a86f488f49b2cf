/**
 * Which value may be stored in a column of another type, and how surely: the rules of an assignment. Widening is free, narrowing is
 * checked value by value, and nothing is parsed from text or turned into it.
 */
import { decimalParts } from '../../schema/sql-type.ts'
import type { PrimitiveType } from '../../schema/types.ts'

/**
 * - `same`: as it is
 * - `cast`: every value fits (a decimal becomes the nearest double)
 * - `exact`: a value fits if it comes back unchanged
 * - `range`: a value is rounded, and fits unless it is too large
 */
export type Assignment = 'same' | 'cast' | 'exact' | 'range'

/** How a value of `from` is stored as `to`; `undefined` where it may not be. */
export function assignment(from: PrimitiveType, to: PrimitiveType): Assignment | undefined {
  if (from === to) return 'same'
  if (from === 'void') return 'cast'
  const digits = integerDigits[from]
  if (digits !== undefined) return fromInteger(digits, to)
  const decimal = decimalParts(from)
  if (decimal !== undefined) return fromDecimal(decimal, to)
  switch (from) {
    case 'float':
      return to === 'double' ? 'cast' : decimalParts(to) ? 'exact' : undefined
    case 'double':
      return to === 'float' ? 'range' : decimalParts(to) ? 'exact' : undefined
    case 'date':
      return to === 'timestamp' || to === 'timestamp_ntz' ? 'cast' : undefined
    case 'timestamp':
      return to === 'timestamp_ntz' ? 'cast' : undefined
    case 'timestamp_ntz':
      return to === 'timestamp' ? 'cast' : undefined
    default:
      return undefined
  }
}

const integerDigits: Readonly<Record<string, number>> = { byte: 3, short: 5, integer: 10, long: 19 }

function fromInteger(digits: number, to: PrimitiveType): Assignment | undefined {
  const toDigits = integerDigits[to]
  if (toDigits !== undefined) return toDigits >= digits ? 'cast' : 'exact'
  if (to === 'double') return digits <= 10 ? 'cast' : 'exact'
  if (to === 'float') return digits <= 5 ? 'cast' : 'exact'
  const decimal = decimalParts(to)
  if (decimal === undefined) return undefined
  return decimal.precision - decimal.scale >= digits ? 'cast' : 'exact'
}

function fromDecimal(from: { precision: number; scale: number }, to: PrimitiveType): Assignment | undefined {
  if (to === 'double' || to === 'float') return 'cast'
  if (integerDigits[to] !== undefined) return 'exact'
  const decimal = decimalParts(to)
  if (decimal === undefined) return undefined
  return decimal.scale >= from.scale && decimal.precision - decimal.scale >= from.precision - from.scale ? 'cast' : 'exact'
}
