/**
 * The files by which two versions differ: those that one has and the other has not, and of a file that both have with other deletion
 * vectors, the rows that only one of the vectors deletes. What both have alike is never looked at.
 */
import { vectorId } from '../../data/vectors/descriptor.ts'
import type { ChangedFile } from '../../log/changes.ts'
import type { FileList, ScanFile } from '../../log/files/file-list.ts'

/** Files, or rows of them, that one version has and the other has not. */
export type DifferingFile = Omit<ChangedFile, 'change'>

/** What two versions do not have in common. */
export interface DifferingFiles {
  /** Of the first version alone. */
  readonly gone: readonly DifferingFile[]
  /** Of the second version alone. */
  readonly come: readonly DifferingFile[]
}

/** What makes a file of one version the same as one of another, as SQL over the columns of a list. */
const identity = `[path::VARCHAR, coalesce(deletion_vector.storageType, ''), coalesce(deletion_vector.pathOrInlineDv, ''),
  coalesce(deletion_vector."offset"::VARCHAR, ''), coalesce(list_sort(map_entries(partition_values))::VARCHAR, '')]`

/** Compares two versions. The lists are compared in the engine; only the files that differ become objects. @throws LogError, DataFileError */
export async function differingFiles(first: FileList, second: FileList, signal: AbortSignal | undefined): Promise<DifferingFiles> {
  const alone = (list: FileList, other: FileList) =>
    other.use(({ relation }) => list.select(`${identity} NOT IN (SELECT ${identity} FROM ${relation})`, undefined, signal))
  return paired(await alone(first, second), await alone(second, first))
}

/** Brings together what lies at one path: only some rows of it may differ, or none, where the lists spell the path in two ways. */
function paired(ofFirst: readonly ScanFile[], ofSecond: readonly ScanFile[]): DifferingFiles {
  const left = new Map(ofFirst.map((file) => [file.path, file]))
  const [gone, come]: [DifferingFile[], DifferingFile[]] = [[], []]
  for (const now of ofSecond) {
    const was = left.get(now.path)
    if (was === undefined || !samePartition(was, now)) {
      come.push(wholeFile(now))
      continue
    }
    left.delete(now.path)
    if (sameVector(was, now)) continue
    const [before, after] = [was.deletionVector, now.deletionVector]
    if (after !== undefined) gone.push({ ...wholeFile(was), rows: { only: after, except: before } })
    if (before !== undefined) come.push({ ...wholeFile(now), rows: { only: before, except: after } })
  }
  gone.push(...[...left.values()].map(wholeFile))
  return { gone, come }
}

/** A file with all rows that its vector leaves. */
export function wholeFile({ path, size, partitionValues, numRecords, deletionVector }: ScanFile): DifferingFile {
  return { path, size, partitionValues, numRecords, rows: { allBut: deletionVector } }
}

function sameVector({ deletionVector: one }: ScanFile, { deletionVector: other }: ScanFile): boolean {
  return (one && vectorId(one)) === (other && vectorId(other))
}

function samePartition({ partitionValues: one }: ScanFile, { partitionValues: other }: ScanFile): boolean {
  const text = (values: ScanFile['partitionValues']) => JSON.stringify(Object.entries(values).sort())
  return text(one) === text(other)
}
