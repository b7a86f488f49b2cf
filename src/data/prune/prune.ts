/**
 * Choosing the files of a version that may hold rows for which a predicate is true, from partition values and statistics in the log.
 * What it may be for the rows of each is decided in `decide.ts`, and "it may" is always the answer where the log says nothing.
 */
import type { Parameters } from '../../engine/index.ts'
import type { DeletionVectorDescriptor } from '../../log/actions.ts'
import type { ScanFile } from '../../log/file-list.ts'
import { canonicalPath } from '../../log/paths.ts'
import { decide, mayBeTrue } from './decide.ts'
import { choosesNothing, columnsOf, type Predicate } from './predicate.ts'
import { type FileSource, type ZoneTable, zonesOf } from './prune-zones.ts'

export type { FileSource, ZoneTable } from './prune-zones.ts'

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
  if (predicate !== undefined && isNeverTrue(predicate)) return []
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
  const answers = await decideFiles(files, table, predicate)
  for (let i = 0; i < (answers?.length ?? 0); i++) answers![i] = answers![i]! & mayBeTrue
  return answers
}

/** What the predicate may be for the rows of each file, in the order of the list (`decide.ts`); `undefined` where that is everything for each. */
export async function decideFiles(files: FileSource, table: ZoneTable, predicate: Predicate): Promise<Uint8Array | undefined> {
  if (choosesNothing(predicate)) return undefined
  const zones = await zonesOf(files, table, columnsOf(predicate))
  const count = zones.values().next().value?.nulls.length
  return count === undefined ? undefined : decide(predicate, zones, count)
}

/** Whether a predicate over constants alone is true for no row. */
function isNeverTrue(predicate: Predicate): boolean {
  return columnsOf(predicate).length === 0 && (decide(predicate, new Map(), 1)[0]! & mayBeTrue) === 0
}
