/** Files out of a list as objects: those that a scan names, and all of a list that is short. */
import type { Connection } from '../../engine/index.ts'
import type { DeletionVectorDescriptor } from '../../log/actions.ts'
import type { ScanFile } from '../../log/files/file-list.ts'
import { type FileRows, type ListPart, selectColumns } from '../../log/files/file-rows.ts'
import { canonicalPath } from '../../log/paths.ts'

/** A file that was chosen. */
export type ChosenFile = Omit<ScanFile, 'stats' | 'modificationTime'>

/** Up to so many files of a part are kept as objects, so that choosing from it again asks the engine nothing. */
export const keptAsObjects = 50_000

/** Roughly what one takes in memory. */
const objectBytes = 600

/** So many places are named one by one. */
const fewPlaces = 1_000

/** All files of a part, whatever version has them. */
export interface KeptFiles {
  readonly places: Float64Array
  readonly files: readonly ChosenFile[]
}

/** Of a part with more, so many that were chosen are kept. */
const keptChosen = 10_000

const chosenBefore = new WeakMap<FileRows, Map<number, ChosenFile>>()

const kept = new WeakMap<FileRows, Promise<KeptFiles | undefined>>()

/** All files of some rows as objects, or `undefined` where there are too many. */
export function keptFiles(connection: Connection, rows: FileRows): Promise<KeptFiles | undefined> {
  let files = kept.get(rows)
  if (files === undefined) {
    // What others wait for too is not given up when one of them is aborted.
    files = readKept(connection, rows)
    kept.set(rows, files)
    files.catch(() => kept.delete(rows))
  }
  return files
}

async function readKept(connection: Connection, rows: FileRows): Promise<KeptFiles | undefined> {
  if (rows.files !== undefined && rows.files > keptAsObjects) return undefined
  const found = await connection.all(`SELECT ${columnsOf(rows)} FROM ${rows.from} LIMIT ${keptAsObjects + 1}`, undefined, { small: true })
  if (found.length > keptAsObjects) return undefined
  rows.keep(found.length * objectBytes)
  const sorted = inOrder(found)
  return { places: Float64Array.from(sorted, (row) => Number(row.place)), files: sorted.map(toChosen) }
}

/** The files of a part at some places that a version has, or all that it has, in their order. */
export async function readChosen(
  connection: Connection,
  part: ListPart,
  places: readonly number[] | undefined,
  signal: AbortSignal | undefined,
): Promise<ChosenFile[]> {
  if (places === undefined || places.length > fewPlaces) return [...(await readPart(connection, part, places, signal)).values()]
  const before = chosenBefore.get(part.rows) ?? new Map<number, ChosenFile>()
  chosenBefore.set(part.rows, before)
  const missing = places.filter((place) => !before.has(place))
  const read = await readPart(connection, part, missing, signal)
  const chosen = places.map((place) => before.get(place) ?? read.get(place)!)
  if (before.size + read.size <= keptChosen) {
    for (const [place, file] of read) before.set(place, file)
    part.rows.keep(read.size * objectBytes)
  }
  return chosen
}

async function readPart(
  connection: Connection,
  { rows, where }: ListPart,
  places: readonly number[] | undefined,
  signal: AbortSignal | undefined,
): Promise<Map<number, ChosenFile>> {
  if (places?.length === 0) return new Map()
  const few = places !== undefined && places.length <= fewPlaces
  const all = `SELECT ${columnsOf(rows)} FROM ${rows.from}`
  let sql = all
  if (few) sql = `${all} AND ${rows.at(places)}`
  else if (places !== undefined) sql = `SELECT * FROM (${all}) WHERE place IN (SELECT unnest($1::BIGINT[]))`
  else if (where)
    sql = where.kind === 'rows' ? `${all} AND ${where.sql}` : `SELECT * FROM (${all}) ANTI JOIN (${where.sql}) AS gone USING (place)`
  const found = await connection.all(sql, few || places === undefined ? undefined : [places], { signal, small: few })
  return new Map(inOrder(found).map((row) => [Number(row.place), toChosen(row)]))
}

function inOrder(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.sort((one, other) => Number(one.place) - Number(other.place))
}

function columnsOf(rows: FileRows): string {
  return selectColumns(rows, ['place', 'path', 'size', 'partition_values', 'num_records', 'deletion_vector'])
}

function toChosen(row: Record<string, unknown>): ChosenFile {
  const vector = row.deletion_vector as DeletionVectorDescriptor | null
  return {
    path: canonicalPath(String(row.path)),
    size: Number(row.size),
    partitionValues: Object.fromEntries((row.partition_values as Map<string, string | null> | null) ?? []),
    numRecords: row.num_records === null ? undefined : Number(row.num_records),
    deletionVector: vector?.storageType ? vector : undefined,
  }
}
