/**
 * What one commit changed, as files to read rows from (§Add CDC File, §Change Data Files).
 *
 * Where a version has change files, they alone tell its changes. Else its adds are inserted rows and its removes deleted ones, but for
 * those that say that they change no data. A file that is removed and added in one version stays what it is: only the rows by which its
 * two deletion vectors differ have changed. The order of the actions means nothing.
 */
import { LogError } from '../errors/index.ts'
import { parseJson } from '../schema/json.ts'
import { isOn } from '../schema/switches.ts'
import type { Action, Add, Cdc, CommitInfo, DeletionVectorDescriptor, Metadata, Protocol, Remove } from './actions.ts'
import { decodePath } from './paths.ts'
import { features } from './protocol.ts'

/** Which rows of a file are meant: all, all but those of a vector, or those of one vector that are not in another. */
export type ChangedRows =
  | { readonly allBut: DeletionVectorDescriptor | undefined }
  | { readonly only: DeletionVectorDescriptor; readonly except: DeletionVectorDescriptor | undefined }

/** A file that changes are read from. */
export interface ChangedFile {
  /** Decoded: a key relative to the table's root, or an absolute local path. */
  readonly path: string
  readonly size: number
  /** By the columns' names in files; `undefined` where the log does not say. */
  readonly partitionValues: Readonly<Record<string, string | null>> | undefined
  /** Physical rows, `undefined` where the statistics do not say. */
  readonly numRecords: number | undefined
  /** What happened to all its rows; `undefined` for a change file, in which each row says so itself. */
  readonly change: 'insert' | 'delete' | undefined
  readonly rows: ChangedRows
}

/** What a commit says to readers of changes. */
export interface CommitChanges {
  readonly info: CommitInfo
  /** The metadata that holds from this version on, where it is set. */
  readonly metadata: Metadata | undefined
  readonly protocol: Protocol | undefined
  /** Deleted rows come before inserted ones. */
  readonly files: readonly ChangedFile[]
}

/** Whether commits of a table tell their changes: the property counts only where the protocol supports it (§Table Features). */
export function hasChangeFeed(protocol: Protocol, metadata: Metadata): boolean {
  return features(protocol).writer.has('changeDataFeed') && isOn(metadata.configuration, 'delta.enableChangeDataFeed')
}

/** The changes that the actions of a commit tell. @throws LogError LOG_CORRUPT, DataFileError PATH_OUTSIDE_ROOT */
export function changesOf(version: number, actions: Iterable<Action>): CommitChanges {
  let info: CommitInfo = {}
  let metadata: Metadata | undefined
  let protocol: Protocol | undefined
  const cdc: Cdc[] = []
  const added = new Map<string, FileState>()
  const removed = new Map<string, FileState>()
  for (const action of actions) {
    if ('cdc' in action) cdc.push(action.cdc)
    else if ('add' in action) {
      if (action.add.dataChange !== false) put(added, action.add, version)
    } else if ('remove' in action) {
      if (action.remove.dataChange !== false) put(removed, action.remove, version)
    } else if ('metaData' in action) metadata = action.metaData
    else if ('protocol' in action) protocol = action.protocol
    else if ('commitInfo' in action) info = action.commitInfo
  }
  const files = cdc.length > 0 ? cdc.map(changeFile) : [...fileChanges(removed, added)]
  return { info, metadata, protocol, files }
}

/** What is kept of an add or a remove: a commit may have a million. */
type FileState = Pick<ChangedFile, 'size' | 'partitionValues' | 'numRecords'> & { readonly vector: DeletionVectorDescriptor | undefined }

/** One file has one state in a version: what is said twice must be the same. */
function put(files: Map<string, FileState>, action: Add | Remove, version: number): void {
  const path = decodePath(action.path)
  const vector = action.deletionVector ?? undefined
  const known = files.get(path)
  if (known !== undefined && !sameVector(known.vector, vector)) {
    throw new LogError('LOG_CORRUPT', `Version ${version} has the file ${path} twice, with two deletion vectors.`, {
      remedy: 'Ask whoever wrote this log; the changes of other versions can be read.',
      data: { version, path },
    })
  }
  files.set(path, {
    size: action.size ?? 0,
    partitionValues: action.partitionValues ?? undefined,
    // Only where rows are left out must their number be known.
    numRecords: vector === undefined ? undefined : recordsOf(action),
    vector,
  })
}

function* fileChanges(removed: ReadonlyMap<string, FileState>, added: ReadonlyMap<string, FileState>): Generator<ChangedFile> {
  for (const [path, remove] of removed) {
    const add = added.get(path)
    if (add === undefined) yield changed(path, remove, 'delete', { allBut: remove.vector })
    else if (add.vector !== undefined && !sameVector(remove.vector, add.vector))
      yield changed(path, add, 'delete', { only: add.vector, except: remove.vector })
  }
  for (const [path, add] of added) {
    const remove = removed.get(path)
    if (remove === undefined) yield changed(path, add, 'insert', { allBut: add.vector })
    else if (remove.vector !== undefined && !sameVector(remove.vector, add.vector))
      yield changed(path, add, 'insert', { only: remove.vector, except: add.vector })
  }
}

function changed(path: string, { vector, ...file }: FileState, change: 'insert' | 'delete', rows: ChangedRows): ChangedFile {
  return { path, ...file, change, rows }
}

function changeFile({ path, partitionValues, size }: Cdc): ChangedFile {
  return {
    path: decodePath(path),
    size: size ?? 0,
    partitionValues: partitionValues ?? undefined,
    numRecords: undefined,
    change: undefined,
    rows: { allBut: undefined },
  }
}

/** Physical rows of a file as its statistics say; `undefined` where they do not. */
export function recordsOf({ stats }: Add | Remove): number | undefined {
  try {
    const records = stats ? (parseJson(stats) as { numRecords?: unknown } | null)?.numRecords : undefined
    return typeof records === 'number' && records >= 0 ? records : undefined
  } catch {
    return undefined
  }
}

function sameVector(one: DeletionVectorDescriptor | undefined, other: DeletionVectorDescriptor | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return vectorKey(one) === vectorKey(other)
}

function vectorKey({ storageType, pathOrInlineDv, offset }: DeletionVectorDescriptor): string {
  return `${storageType}${pathOrInlineDv}@${offset ?? ''}`
}
