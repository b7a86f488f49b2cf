/** Quantities as people read them. */
import type { VersionSpan } from '../../index.ts'

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `1,234,567`. */
export function quantity(count: number | bigint): string {
  return count.toLocaleString('en-US')
}

/** `1 file`, `1,234 files`. */
export function counted(count: number, noun: string): string {
  return `${quantity(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `512 B`, `13.4 MB`: powers of a thousand, as disks are sold. */
export function byteSize(bytes: number): string {
  let size = bytes
  let unit = 0
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000
    unit++
  }
  return `${unit === 0 || size >= 99.95 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`
}

/** `0.42 s`, `12 s`, `3 min 5 s`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

/** An instant to the second, in UTC: `2026-03-15 10:00:00Z`. */
export function instant(time: Date | string): string {
  const date = new Date(time)
  // A log can hold a number that no calendar has a day for.
  if (Number.isNaN(date.getTime())) return '?'
  return date
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

/** The first digits of a digest in hex, enough to tell it by; nothing where there is none. */
export function shortDigest(digest: string | null): string {
  return digest?.slice(0, 12) ?? ''
}

/** Ranges of versions: `0, 3 to 7`. */
export function spansText(spans: readonly VersionSpan[]): string {
  return spans.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ')
}
