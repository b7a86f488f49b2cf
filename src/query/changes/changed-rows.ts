/**
 * Changed files as a relation takes them: which rows of each are meant, out of the deletion vectors that the log names, and the values of
 * partition columns where the table is partitioned otherwise than it was when a file was written.
 */

import { readVector } from '../../data/vectors/read-vector.ts'
import type { RowSelection } from '../../data/vectors/row-selection.ts'
import type { Connection } from '../../engine/index.ts'
import { DataFileError, ObjectNotFoundError } from '../../errors/index.ts'
import type { ChangedFile } from '../../log/changes.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { quoteValue } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructType } from '../../schema/types.ts'
import { materialisePlaces, placeOf } from '../../storage/index.ts'
import type { ObjectStore, Pinned } from '../../storage/object-store.ts'
import { withRowCounts } from '../relation/live-rows.ts'
import type { RelationFile } from '../relation/relation.ts'

/** What of a changed file says which rows are meant. */
export type SelectedFile = Pick<ChangedFile, 'path' | 'size' | 'numRecords' | 'partitionValues' | 'rows'> & {
  /** The version that says so. */
  readonly version: number
}

/** Vectors read at a time. */
const together = 16

/**
 * The files on the local disk, until they are released. @param otherwise The remedy where one is gone for good
 * @throws DataFileError DATA_FILE_MISSING, PATH_OUTSIDE_ROOT
 */
export async function pinSelected(
  store: ObjectStore,
  files: readonly SelectedFile[],
  otherwise: string,
  signal: AbortSignal | undefined,
): Promise<Pinned & { readonly folders: readonly string[] }> {
  try {
    return await materialisePlaces(
      files.map(({ path }) => placeOf(store, path)),
      { signal },
    )
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error
    const key = String(error.data.key ?? '')
    const { path = key, version = -1 } = files.find((file) => file.path === key || placeOf(store, file.path).key === key) ?? {}
    throw new DataFileError('DATA_FILE_MISSING', `The file ${path} with changes of version ${version} of ${store.root} is missing.`, {
      remedy: `A vacuum may have taken it, as it takes files that the newest versions do not need; get it from a remote (varve pull --history), or restore it from a copy. ${otherwise}`,
      data: { path, version, table: store.root },
      cause: error,
    })
  }
}

/** The files with their rows, in their order; `paths` are the local ones. @throws DataFileError VECTOR_CORRUPT, DATA_FILE_MISSING, PATH_OUTSIDE_ROOT */
export async function withSelectedRows(
  store: ObjectStore,
  files: readonly SelectedFile[],
  paths: readonly string[],
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<readonly RelationFile[]> {
  const bare = files.map(({ path, size, numRecords, partitionValues = {} }) => ({
    path,
    size,
    numRecords,
    partitionValues,
    deletionVector: undefined,
  }))
  const masked = new Set(bare.filter((_, index) => isMasked(files[index]!)))
  const counted = await withRowCounts(bare, paths, connection, (file) => masked.has(file))
  const found: RelationFile[] = []
  for (let start = 0; start < files.length; start += together) {
    const some = files.slice(start, start + together).map(async (file, at): Promise<RelationFile> => {
      const one = counted[start + at]!
      return { ...one, rows: await selection(store, file, one.numRecords, signal) }
    })
    found.push(...(await Promise.all(some)))
  }
  return found
}

/** Partition columns as constants of a file, by the values that it says itself; those that it does not name are in it. */
export function partitionConstants(
  schema: StructType,
  properties: Readonly<Record<string, string>>,
  partitionValues: Readonly<Record<string, string | null>>,
): ReadonlyMap<string, string> {
  const constants = new Map<string, string>()
  const naming = columnNaming(properties)
  for (const field of schema.fields) {
    const name = physicalName(field, naming)
    if (!Object.hasOwn(partitionValues, name)) continue
    const text = partitionValues[name] ?? ''
    constants.set(field.name, text === '' ? `CAST(NULL AS ${toSqlType(field.type)})` : partitionValueFromText(quoteValue(text), field.type))
  }
  return constants
}

function isMasked({ rows }: SelectedFile): boolean {
  return !('allBut' in rows) || rows.allBut !== undefined
}

async function selection(
  store: ObjectStore,
  { rows, path, version }: SelectedFile,
  numRecords: number | undefined,
  signal: AbortSignal | undefined,
): Promise<RowSelection | undefined> {
  const read = (vector: Parameters<typeof readVector>[1]) => readVector(store, vector, { path, version, rows: numRecords, signal })
  if ('allBut' in rows) return rows.allBut === undefined ? undefined : { allBut: await read(rows.allBut) }
  const [only, except] = await Promise.all([read(rows.only), rows.except === undefined ? undefined : read(rows.except)])
  return { only: except === undefined ? only : only.difference(except) }
}
