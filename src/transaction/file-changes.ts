/**
 * The actions of files that lose rows: a remove of the file as it was, and where rows are left, an add of it with a vector (§Deletion
 * Vectors). One vector file holds the vectors of a commit.
 */
import { readVector } from '../data/vectors/read-vector.ts'
import type { RowSet } from '../data/vectors/row-set.ts'
import { type WrittenVectors, writeVectors } from '../data/vectors/write-vector.ts'
import { LogError } from '../errors/index.ts'
import type { Action, Add, LiveFile, Remove } from '../log/index.ts'
import { withJsonFields } from '../schema/json.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { FileChange, FileChanges } from './prepared.ts'

/** The changes as actions, with the vectors that they name. */
export interface StagedChanges {
  readonly actions: readonly Action[]
  readonly vectors: WrittenVectors | undefined
}

/** Vectors read at a time. */
const together = 16

/** Makes the actions of changes, as of the version that holds their files. @throws DataFileError VECTOR_CORRUPT, DATA_FILE_MISSING */
export async function stageChanges(
  store: ObjectStore,
  changes: FileChanges,
  version: number,
  now: number,
  signal?: AbortSignal,
): Promise<StagedChanges> {
  const { files, dataChange, withoutStats = false } = changes
  const partly = files.flatMap(({ file, rows }) => (typeof rows === 'string' ? [] : [{ file, rows }]))
  const deleted: RowSet[] = []
  for (let i = 0; i < partly.length; i += together) {
    const some = partly.slice(i, i + together).map(async ({ file, rows }) => {
      const before = await deletedRows(store, file, version, signal)
      return before === undefined ? rows : before.union(rows)
    })
    deleted.push(...(await Promise.all(some)))
  }
  const isLeft = partly.map(({ file }, i) => deleted[i]!.size < rowsOf(file))
  const vectors = isLeft.includes(true)
    ? writeVectors(
        store,
        deleted.filter((_, i) => isLeft[i]),
        signal,
      )
    : undefined
  const actions: Action[] = []
  let [place, vector] = [0, 0]
  for (const { file, rows } of files) {
    actions.push({ remove: removeOf(withoutStats ? { ...file.add, stats: null } : file.add, dataChange, now) })
    if (typeof rows === 'string') continue
    if (isLeft[place]) {
      const { stats } = file.add
      actions.push({
        add: { ...file.add, dataChange, stats: looseBounds(stats, rowsOf(file)), deletionVector: vectors!.descriptors[vector++]! },
      })
    }
    place += 1
  }
  return { actions, vectors }
}

/** The rows that a file's vector deletes; `undefined` where it has none. */
export async function deletedRows(
  store: ObjectStore,
  { path, add, numRecords }: LiveFile,
  version: number,
  signal?: AbortSignal,
): Promise<RowSet | undefined> {
  if (!add.deletionVector) return undefined
  return readVector(store, add.deletionVector, { path, version, rows: numRecords, signal })
}

/** The tombstone of a file (§Add File and Remove File). */
function removeOf(add: Add, dataChange: boolean, now: number): Remove {
  const { path, partitionValues, size, stats, tags, deletionVector, baseRowId, defaultRowCommitVersion } = add
  return {
    path,
    deletionTimestamp: now,
    dataChange,
    extendedFileMetadata: true,
    partitionValues,
    size,
    ...(stats ? { stats } : {}),
    ...(tags ? { tags } : {}),
    ...(deletionVector ? { deletionVector } : {}),
    ...(baseRowId === undefined ? {} : { baseRowId }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
  }
}

/** The physical rows of a file that loses some. */
function rowsOf({ path, numRecords }: FileChange['file']): number {
  if (numRecords !== undefined) return numRecords
  throw new LogError('LOG_CORRUPT', `The log does not say how many rows the file ${path} has.`, {
    remedy: 'Rewrite the file with optimize.',
    data: { path },
  })
}

/** Statistics of a file that has lost rows: its bounds may be wider than what is left (§Per-file Statistics), and its rows are counted. */
function looseBounds(stats: string | null | undefined, numRecords: number): string {
  try {
    if (stats) return withJsonFields(stats, { numRecords, tightBounds: false })
  } catch {
    // Statistics that nobody can read say nothing.
  }
  return JSON.stringify({ numRecords, tightBounds: false })
}
