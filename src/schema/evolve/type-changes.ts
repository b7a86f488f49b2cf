/**
 * Changes of a column's type that old data files may still hold the earlier side of (§Type Widening): those that the protocol lists are
 * widened when they are read, and a table with another one is refused.
 */
import { UnsupportedFeatureError } from '../../errors/index.ts'
import { decimalParts } from '../sql-type.ts'
import type { PrimitiveType } from '../types.ts'

const integers = ['byte', 'short', 'integer', 'long']
/** The digits that a decimal needs for each; writers make narrower ones of bytes and shorts than the protocol's text has. */
const digits = [3, 5, 10, 20]

/** Whether a column of the first type may have become one of the second without a value being lost. */
export function isWidening(from: string, to: string): boolean {
  if (from === to) return true
  const [left, right] = [integers.indexOf(from), integers.indexOf(to)]
  if (left >= 0 && right >= 0) return left < right
  if (to === 'double') return from === 'float' || (left >= 0 && from !== 'long')
  if (to === 'timestamp_ntz') return from === 'date'
  const target = decimalParts(to as PrimitiveType)
  const source = left >= 0 ? { precision: digits[left]!, scale: 0 } : decimalParts(from as PrimitiveType)
  if (target === undefined || source === undefined) return false
  const more = target.scale - source.scale
  return more >= 0 && target.precision - source.precision >= more
}

/**
 * Whether the protocol lets a writer make the change. Bytes and shorts then become decimals that would hold any INTEGER, though narrower
 * ones are read.
 */
export function isWritableWidening(from: string, to: string): boolean {
  const whole = decimalParts(to as PrimitiveType)
  const narrow = from === 'byte' || from === 'short'
  return from !== to && isWidening(whole !== undefined && narrow ? 'integer' : from, to)
}

/** Checks what `delta.typeChanges` of a field lists. @throws UnsupportedFeatureError for a change that nobody promised */
export function checkTypeChanges(column: string, changes: unknown): void {
  for (const change of Array.isArray(changes) ? changes : [changes]) {
    const { fromType, toType } = (typeof change === 'object' && change !== null ? change : {}) as Record<string, unknown>
    if (typeof fromType === 'string' && typeof toType === 'string' && isWidening(plain(fromType), plain(toType))) continue
    throw new UnsupportedFeatureError(
      'UNSUPPORTED_FEATURE',
      `The column ${column} was changed from ${text(fromType)} to ${text(toType)} (typeWidening), which the protocol does not list.`,
      {
        remedy: 'Read the table with the engine that changed it, or an earlier version.',
        data: { feature: 'typeWidening', column, from: text(fromType), to: text(toType) },
      },
    )
  }
}

function plain(type: string): string {
  return type.replaceAll(' ', '')
}

function text(type: unknown): string {
  return typeof type === 'string' ? type : JSON.stringify(type ?? null)
}
