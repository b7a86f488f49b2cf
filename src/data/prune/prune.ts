/**
 * Choosing the files of a version that may hold rows for which a predicate is true, from partition values and statistics in the log.
 *
 * For each file and each part of the predicate two questions are answered: may it be true for some row, may it be false for some row.
 * NOT swaps the answers, so three-valued logic comes out right, and "may" is always the answer where the log says nothing.
 */
import type { Parameters } from '../../engine/index.ts'
import type { DeletionVectorDescriptor } from '../../log/actions.ts'
import type { ScanFile } from '../../log/file-list.ts'
import { canonicalPath } from '../../log/paths.ts'
import { type ColumnPath, type Comparison, type Constant, choosesNothing, columnsOf, type Predicate, timeOfText } from './predicate.ts'
import { compareBytes, type FileSource, nullsAll, nullsNone, type Zone, type ZoneTable, zoneKey, zonesOf } from './prune-zones.ts'

export type { FileSource, ZoneTable } from './prune-zones.ts'

/** Bits of an answer. */
const mayBeTrue = 1
const mayBeFalse = 2
const either = mayBeTrue | mayBeFalse

/** A file that was chosen. */
export type ChosenFile = Omit<ScanFile, 'stats' | 'modificationTime'>

/** Up to so many files a list is kept as objects, so that choosing from it again asks the engine nothing. */
const keptAsObjects = 50_000

const entries = new WeakMap<FileSource, Promise<readonly ChosenFile[] | undefined>>()

/**
 * The files that may hold a row for which the predicate is true; all files without one.
 * @returns files in the order of the list; `skipped` counts those left out
 */
export async function chooseFiles(
  files: FileSource,
  table: ZoneTable,
  predicate: Predicate | undefined,
  signal?: AbortSignal,
): Promise<readonly ChosenFile[]> {
  const may = predicate === undefined ? undefined : await mayContain(files, table, predicate)
  const kept = await entriesOf(files)
  if (kept !== undefined) return may === undefined ? kept : kept.filter((_, index) => may[index] !== 0)
  if (may === undefined) return readFiles(files, '', undefined, signal)
  const chosen: number[] = []
  may.forEach((answer, index) => {
    if (answer !== 0) chosen.push(index)
  })
  return readFiles(files, 'WHERE place IN (SELECT unnest($1::BIGINT[]))', [chosen], signal)
}

/** All files as objects, or `undefined` where there are too many. */
function entriesOf(files: FileSource): Promise<readonly ChosenFile[] | undefined> {
  let kept = entries.get(files)
  if (kept === undefined) {
    // What others wait for too is not given up when one of them is aborted.
    kept = readFiles(files, `LIMIT ${keptAsObjects + 1}`, undefined, undefined).then((list) =>
      list.length > keptAsObjects ? undefined : list,
    )
    entries.set(files, kept)
    kept.catch(() => entries.delete(files))
  }
  return kept
}

async function readFiles(
  files: FileSource,
  rest: string,
  parameters: Parameters | undefined,
  signal: AbortSignal | undefined,
): Promise<ChosenFile[]> {
  // The order of the list's own table, which the zones have too.
  const rows = await files.connection.all(
    `SELECT path, size, partition_values, num_records, deletion_vector
     FROM (SELECT *, row_number() OVER () - 1 AS place FROM ${files.relation}) ${rest}`,
    parameters,
    { signal },
  )
  return rows.map((row) => {
    const vector = row.deletion_vector as DeletionVectorDescriptor | null
    return {
      path: canonicalPath(String(row.path)),
      size: Number(row.size),
      partitionValues: Object.fromEntries((row.partition_values as Map<string, string | null> | null) ?? []),
      numRecords: row.num_records === null ? undefined : Number(row.num_records),
      deletionVector: vector?.storageType ? vector : undefined,
    }
  })
}

/** Whether each file, in the order of the list, may hold a row for which the predicate is true. */
export async function mayContain(files: FileSource, table: ZoneTable, predicate: Predicate): Promise<Uint8Array | undefined> {
  if (choosesNothing(predicate)) return undefined
  const zones = await zonesOf(files, table, columnsOf(predicate))
  const count = zones.values().next().value?.nulls.length
  if (count === undefined) return undefined
  const answers = answer(predicate, zones, count)
  for (let i = 0; i < count; i++) answers[i] = answers[i]! & mayBeTrue
  return answers
}

function answer(predicate: Predicate, zones: ReadonlyMap<string, Zone>, count: number): Uint8Array {
  switch (predicate.op) {
    case 'and':
    case 'or':
      return combine(
        predicate.terms.map((term) => answer(term, zones, count)),
        predicate.op === 'and',
        count,
      )
    case 'not': {
      const inner = answer(predicate.term, zones, count)
      for (let i = 0; i < count; i++) inner[i] = ((inner[i]! & mayBeTrue) << 1) | (inner[i]! >> 1)
      return inner
    }
    case 'literal':
      return new Uint8Array(count).fill(predicate.value === null ? 0 : predicate.value ? mayBeTrue : mayBeFalse)
    case 'unknown':
      return new Uint8Array(count).fill(either)
    default: {
      const zone = zones.get(zoneKey(predicate.column.path))
      if (zone === undefined) return new Uint8Array(count).fill(either)
      if (predicate.op === 'is-null') return isNull(zone)
      if (predicate.op === 'starts-with') return startsWith(zone, predicate.prefix)
      if (predicate.op === 'compare') return compare(zone, predicate.column, predicate.comparison, predicate.value)
      const { column } = predicate
      return combine(
        predicate.values
          .map((value) => (value?.kind === 'text' && zone.family !== 'text' ? undefined : value))
          .map((value) => compare(zone, column, '=', value)),
        false,
        count,
      )
    }
  }
}

/** AND may be true where all may be, and false where one may be; OR the other way round. */
function combine(parts: readonly Uint8Array[], isAnd: boolean, count: number): Uint8Array {
  const result = new Uint8Array(count).fill(isAnd ? mayBeTrue : mayBeFalse)
  const all = isAnd ? mayBeTrue : mayBeFalse
  const any = isAnd ? mayBeFalse : mayBeTrue
  for (const part of parts) for (let i = 0; i < count; i++) result[i] = (result[i]! & part[i]! & all) | ((result[i]! | part[i]!) & any)
  return result
}

function isNull({ nulls }: Zone): Uint8Array {
  return nulls.map((known) => (known === nullsNone ? mayBeFalse : known === nullsAll ? mayBeTrue : either))
}

function compare(zone: Zone, column: ColumnPath, comparison: Comparison, value: Constant): Uint8Array {
  const { nulls } = zone
  if (value === null) return new Uint8Array(nulls.length)
  const decide =
    zone.family === 'text'
      ? value?.kind === 'text'
        ? textDecision(zone, comparison, value.value)
        : undefined
      : numberDecision(zone, column, comparison, value)
  return nulls.map((known, i) => (known === nullsAll ? 0 : (decide?.(i) ?? either)))
}

type Decision = (file: number) => number

const dayMicros = 86_400_000_000

function numberDecision(zone: Zone, column: ColumnPath, comparison: Comparison, value: Constant): Decision | undefined {
  const constant = toNumber(zone, column.day === true, value)
  if (constant === undefined || Number.isNaN(constant)) return undefined
  if (column.day && zone.family !== 'time') return undefined
  const cut = column.day ? (bound: number) => Math.floor(bound / dayMicros) * dayMicros : (bound: number) => bound
  const { low, high, exact } = zone
  return (i) => decideNumber(comparison, cut(low[i]!), cut(high[i]!), constant, exact)
}

/** Every comparison with an unknown bound, which is NaN, must come out as "may": so each is asked as "not surely not". */
function decideNumber(comparison: Comparison, low: number, high: number, constant: number, exact: boolean): number {
  switch (comparison) {
    case '=':
      return answerOf(!(low > constant) && !(high < constant), !(exact && low === constant && high === constant))
    case '<>':
      return answerOf(!(exact && low === constant && high === constant), !(low > constant) && !(high < constant))
    case '<':
      return answerOf(!(low >= constant), !(high < constant))
    case '<=':
      return answerOf(!(low > constant), !(high <= constant))
    case '>':
      return answerOf(!(high <= constant), !(low > constant))
    case '>=':
      return answerOf(!(high < constant), !(low >= constant))
  }
}

/** The constant as the number that the column is compared by; a text is read as the column's type where its form leaves no doubt. */
function toNumber(zone: Zone, day: boolean, value: Constant): number | undefined {
  if (value === null || value === undefined) return undefined
  if (value.kind === 'text') return numberOfText(zone, day, value.value)
  if (value.kind === 'boolean') return zone.family === 'boolean' ? Number(value.value) : undefined
  return value.kind === zone.family ? (value.value as number) : undefined
}

function numberOfText({ type, family }: Zone, day: boolean, text: string): number | undefined {
  if (family === 'number') return /^(long|integer|short|byte)$/.test(String(type)) && /^-?\d{1,18}$/.test(text) ? Number(text) : undefined
  if (family !== 'time') return undefined
  return (type === 'date' || day) && text.length !== 10 ? undefined : timeOfText(text)
}

function textDecision({ lowText, highText, exact }: Zone, comparison: Comparison, value: string): Decision {
  const constant = new TextEncoder().encode(value)
  return (i) => {
    const low = lowText!.at(i)
    const high = highText!.at(i)
    // A bound below, at or above the constant as -1, 0, 1; NaN where it is unknown. An upper bound may be cut and made greater.
    const below = low === undefined ? Number.NaN : Math.sign(compareBytes(low, constant))
    const above = high === undefined ? Number.NaN : Math.sign(compareBytes(high, constant))
    return decideNumber(comparison, below, above, 0, exact)
  }
}

function startsWith({ nulls, family, lowText, highText }: Zone, prefix: string): Uint8Array {
  const bytes = new TextEncoder().encode(prefix)
  return nulls.map((known, i) => {
    if (known === nullsAll) return 0
    if (family !== 'text') return either
    const low = lowText!.at(i)
    const high = highText!.at(i)
    const above = low !== undefined && compareBytes(low.subarray(0, bytes.length), bytes) > 0
    const below = high !== undefined && compareBytes(high, bytes) < 0
    return answerOf(!above && !below, true)
  })
}

function answerOf(mayTrue: boolean, mayFalse: boolean): number {
  return (mayTrue ? mayBeTrue : 0) | (mayFalse ? mayBeFalse : 0)
}
