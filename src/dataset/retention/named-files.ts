/** The files that some versions name: data files, files of deletion vectors, and the change files of their commits. */
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { type Add, type DeltaLog, decodePath, parseActions, readCommitIfThere, type VersionSpan } from '../../log/index.ts'

/** A file, with what the log says of it: of a file of vectors neither. */
export interface NamedFile {
  /** A key relative to the table's root, or an absolute local path. */
  readonly path: string
  readonly bytes: number | undefined
  readonly sha256: string | undefined
}

/** The files by their paths. @throws LogError, storage errors where the log of the versions cannot be read */
export async function filesOfVersions(
  log: DeltaLog,
  spans: readonly VersionSpan[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, NamedFile>> {
  const files = new Map<string, NamedFile>()
  const take = (path: string, { size, tags, deletionVector }: Pick<Add, 'size' | 'tags' | 'deletionVector'>) => {
    const known = files.get(path)
    files.set(path, { path, bytes: size, sha256: tags?.['varve.sha256'] ?? known?.sha256 })
    const vector = deletionVector ? vectorPath(deletionVector) : undefined
    if (vector !== undefined) files.set(vector, { path: vector, bytes: undefined, sha256: undefined })
  }
  for (const { from, to } of spans) {
    const list = await log.files(await log.stateAt(from, signal))
    for (const { path, add } of await list.liveFiles(undefined, signal)) take(path, add)
    for (let version = from; version <= to; version += 1) {
      const commit = await readCommitIfThere(log.store, version, signal)
      // Only the commit that the log begins with may be gone, and its checkpoint tells of its files.
      if (commit === undefined) continue
      for (const action of parseActions(commit)) {
        if ('add' in action && version > from) take(decodePath(action.add.path), action.add)
        if ('cdc' in action) take(decodePath(action.cdc.path), action.cdc)
      }
    }
  }
  return files
}
