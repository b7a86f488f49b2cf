/**
 * A point in a table's history, as a reference or SQL names it: a version, an instant with a zone, a date, a tag.
 */
import { UsageError } from '../errors/index.ts'

/** Where in a table's history to read. */
export type Point = { readonly version: number } | { readonly timestamp: Date } | { readonly tag: string }

const date = /^\d{4}-\d{2}-\d{2}$/
const instant = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(?:(Z)|([+-]\d{2})(?::?(\d{2}))?)?$/i

/**
 * Reads the text after an `@`: digits are a version, a date is its midnight in UTC, an instant needs a zone, everything else is a tag.
 * @throws UsageError INVALID_TIMESTAMP, INVALID_REFERENCE
 */
export function parsePoint(text: string): Point {
  if (/^\d+$/.test(text)) return { version: toVersion(text) }
  if (date.test(text) || instant.test(text)) return { timestamp: parseInstant(text) }
  if (text === '') {
    throw new UsageError('INVALID_REFERENCE', 'Nothing stands after the @ of the reference.', {
      remedy: 'Write a version, a timestamp with a zone, or a tag after it.',
    })
  }
  return { tag: text }
}

/** Reads an instant with a zone, or a date as its midnight in UTC; digits below milliseconds are cut. @throws UsageError INVALID_TIMESTAMP */
export function parseInstant(text: string): Date {
  if (date.test(text)) return checked(new Date(`${text}T00:00:00Z`), text, text)
  const [, day, minutes, seconds, utc, hours, rest] = instant.exec(text) ?? []
  if (day === undefined) throw notATimestamp(text)
  if (utc === undefined && hours === undefined) {
    throw new UsageError('INVALID_TIMESTAMP', `The timestamp ${text} has no zone.`, {
      remedy: `Add one: ${text}Z is UTC.`,
      data: { timestamp: text },
    })
  }
  const local = `${day}T${minutes}${(seconds ?? ':00').slice(0, 7)}`
  checked(new Date(`${local}Z`), day, text)
  return checked(new Date(`${local}${utc ? 'Z' : `${hours}:${rest ?? '00'}`}`), undefined, text)
}

/** A date that does not exist, such as February 30, would be moved to one that does. */
function checked(value: Date, day: string | undefined, text: string): Date {
  if (Number.isNaN(value.getTime()) || (day !== undefined && value.toISOString().slice(0, 10) !== day)) throw notATimestamp(text)
  return value
}

function notATimestamp(text: string): UsageError {
  return new UsageError('INVALID_TIMESTAMP', `${text} is not a timestamp.`, {
    remedy: 'Write it as 2026-03-15T00:00:00Z.',
    data: { timestamp: text },
  })
}

/** Checks a version number. @throws UsageError INVALID_REFERENCE */
export function toVersion(value: number | bigint | string): number {
  const version = Number(value)
  if (Number.isSafeInteger(version) && version >= 0) return version
  throw new UsageError('INVALID_REFERENCE', `${value} is not a version.`, {
    remedy: 'Versions are the whole numbers from 0 on.',
    data: { version: String(value) },
  })
}
