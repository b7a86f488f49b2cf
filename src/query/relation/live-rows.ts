/**
 * Which rows of its files a version has: the deletion vectors that its log names, read and checked before the query runs, and how many
 * rows a file has, which the log need not say.
 */
import type { ChosenFile } from '../../data/prune/prune.ts'
import { vectorId } from '../../data/vectors/descriptor.ts'
import { readVector } from '../../data/vectors/read-vector.ts'
import type { RowSet } from '../../data/vectors/row-set.ts'
import type { Connection } from '../../engine/index.ts'
import { UnsupportedFeatureError } from '../../errors/index.ts'
import type { DeletionVectorDescriptor } from '../../log/actions.ts'
import { quotePaths } from '../../schema/quoting.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { RelationFile } from './relation.ts'

/** The version that is read. */
interface Version {
  readonly store: ObjectStore
  readonly version: number
}

/** Vectors read at a time. */
const together = 16

/** Vectors are kept, so that asking a version again reads none, up to so many bytes of them. */
const keptBytes = 64 * 2 ** 20

/** A number of rows that the log gives is taken on trust where a bit for each needs no more memory than this, or than the file has. */
const trustedBytes = 2 ** 20

/** The rows that DuckDB can count in a mask. */
const mostRows = 2 ** 31 - 1

const kept = new Map<string, { readonly rows: Promise<RowSet>; readonly bytes: number }>()

/**
 * The files with their rows, in their order; `paths` are the local ones.
 * @throws DataFileError VECTOR_CORRUPT, DATA_FILE_MISSING, PATH_OUTSIDE_ROOT
 */
export async function withLiveRows(
  version: Version,
  files: readonly ChosenFile[],
  paths: readonly string[],
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<readonly RelationFile[]> {
  if (files.every(({ deletionVector }) => deletionVector === undefined)) return files
  const counted: RelationFile[] = [...(await withRowCounts(files, paths, connection, ({ deletionVector }) => deletionVector !== undefined))]
  const places = counted.flatMap(({ deletionVector }, place) => (deletionVector === undefined ? [] : [place]))
  for (let i = 0; i < places.length; i += together) {
    await Promise.all(
      places.slice(i, i + together).map(async (place) => {
        const file = counted[place]!
        const { deletionVector, path, numRecords } = file
        const rows = await deletedRows(version, deletionVector!, path, numRecords!, signal)
        // A vector without rows deletes none.
        counted[place] = rows.size === 0 ? { ...file, deletionVector: undefined } : { ...file, rows: { allBut: rows } }
      }),
    )
  }
  return counted
}

/**
 * Files with the number of their rows, where it is `wanted`, in their order: as the log has it, or from the file itself where it says
 * nothing or what would need too much memory. @throws UnsupportedFeatureError for more rows than can be told apart
 */
export async function withRowCounts<F extends ChosenFile>(
  files: readonly F[],
  paths: readonly string[],
  connection: Connection,
  wanted: (file: F) => boolean,
): Promise<readonly F[]> {
  const unknown = files.flatMap((file, place) => (wanted(file) && !isTrusted(file) ? [place] : []))
  if (unknown.length === 0) return files
  const footers = await connection.all(
    `SELECT file_name, num_rows FROM parquet_file_metadata(${quotePaths(unknown.map((place) => paths[place]!))})`,
  )
  const rows = new Map(footers.map(({ file_name, num_rows }) => [String(file_name), Number(num_rows)]))
  return files.map((file, place) => {
    const count = rows.get(paths[place]!)
    if (count === undefined) return file
    if (count > mostRows) throw tooManyRows(file.path, count)
    return { ...file, numRecords: count }
  })
}

function isTrusted({ numRecords, size }: ChosenFile): boolean {
  return numRecords !== undefined && numRecords >= 0 && numRecords / 8 <= Math.max(size, trustedBytes) && numRecords <= mostRows
}

function deletedRows(
  { store, version }: Version,
  descriptor: DeletionVectorDescriptor,
  path: string,
  rows: number,
  signal: AbortSignal | undefined,
): Promise<RowSet> {
  if (descriptor.storageType === 'i') return readVector(store, descriptor, { path, version, rows })
  const bytes = Number(descriptor.sizeInBytes)
  const key = JSON.stringify([store.root, vectorId(descriptor), bytes, String(descriptor.cardinality), rows])
  const known = kept.get(key)
  kept.delete(key)
  // What others wait for too is not given up when one of them is aborted.
  const read = known?.rows ?? readVector(store, descriptor, { path, version, rows })
  kept.set(key, { rows: read, bytes })
  if (known === undefined) {
    read.catch(() => kept.delete(key))
    forgetOldest()
  }
  signal?.throwIfAborted()
  return read
}

function forgetOldest(): void {
  let sum = 0
  for (const { bytes } of kept.values()) sum += bytes
  for (const [key, { bytes }] of kept) {
    if (sum <= keptBytes) return
    kept.delete(key)
    sum -= bytes
  }
}

function tooManyRows(path: string, rows: number): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    'UNSUPPORTED_FEATURE',
    `The file ${path} has ${rows} rows, some of them deleted by a deletion vector.`,
    {
      remedy: `Rewrite it as files of at most ${mostRows} rows with the engine that wrote it.`,
      data: { feature: 'deletionVectors', path },
    },
  )
}
