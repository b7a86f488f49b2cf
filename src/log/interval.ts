/**
 * Lengths of time as a table's properties spell them, in Spark's words: `interval 30 days`, `1 week 12 hours`. Months and years have no
 * fixed length, so Delta takes neither. What cannot be read is `undefined`: whoever would delete by it must not guess.
 */
import type { TableState } from './state.ts'

const units: Readonly<Record<string, number>> = {
  week: 604_800_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
  microsecond: 0.001,
}

/** Milliseconds of an interval; `undefined` for what is none, negative ones and those with months or years. */
export function parseInterval(text: string): number | undefined {
  const words = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, '')
    .replaceAll("'", ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length === 0 || words.length % 2 !== 0) return undefined
  let milliseconds = 0
  for (let i = 0; i < words.length; i += 2) {
    const unit = units[words[i + 1]!.replace(/s$/, '')]
    if (unit === undefined || !/^\+?\d+(\.\d+)?$/.test(words[i]!)) return undefined
    milliseconds += Number(words[i]) * unit
  }
  return Number.isFinite(milliseconds) ? milliseconds : undefined
}

/** What a table that says nothing keeps, as Spark does. */
const defaults = {
  'delta.deletedFileRetentionDuration': 'interval 7 days',
  'delta.logRetentionDuration': 'interval 30 days',
} as const

/** How long a table keeps deleted files, or its log, in milliseconds; `undefined` where its property cannot be read. */
export function retentionOf({ metadata }: Pick<TableState, 'metadata'>, property: keyof typeof defaults): number | undefined {
  return parseInterval(metadata.configuration[property] ?? defaults[property])
}
