/**
 * Restore: a new version with the rows, schema and properties of an earlier one, made of actions of the log alone.
 *
 *   files of then and of now, by path and vector ─ what is missing? ─ the version is held ─ removes, adds, metadata, domains ─ one commit
 *
 * Nothing goes back that others may rely on: the protocol only grows (`restored-ground.ts`), ids of rows and columns are given once, and commit
 * times go on as they do. Anything that was committed meanwhile is a conflict.
 */
import { vectorId } from '../../data/vectors/descriptor.ts'
import {
  type Action,
  canonicalPath,
  type DeletionVectorDescriptor,
  type DeltaLog,
  type FileList,
  type LiveFile,
  type TableState,
  type Txn,
} from '../../log/index.ts'
import { type AsOf, stateAsOf } from '../../query/as-of.ts'
import { holdForNow } from '../../refs/hold-records.ts'
import { commitVerb } from '../rows/commit-verb.ts'
import { beginVerb, unchanged } from '../rows/verb.ts'
import type { CommitResult, WritingOptions } from '../written.ts'
import { checkNothingMissing } from './missing-files.ts'
import { restoredGround } from './restored-ground.ts'

/** Options of a restore. */
export interface RestoreOptions extends WritingOptions {
  /** Set the numbers of the applications whose loads are taken away back to the restored version's, so that they can be loaded again. Default `false`. */
  readonly resetTxn?: boolean | undefined
}

/** Loads that a restore took away. */
export interface RemovedLoad {
  readonly appId: string
  /** The highest number that the application had. */
  readonly version: number
  /** The highest that the restored version had; `null` where it had none. */
  readonly restoredVersion: number | null
}

/** What a restore did. */
export interface RestoreResult extends CommitResult {
  /** The version whose rows the table has. */
  readonly restored: number
  /** Applications some of whose loads are no longer in the table. */
  readonly removedLoads: readonly RemovedLoad[]
}

const operation = 'RESTORE'

/** The number that is recorded for an application that had none, below every load. */
const noLoad = -1

/**
 * Restores a version.
 * @throws DataFileError DATA_FILE_MISSING with nothing written; VersionNotFoundError; ConflictError; UsageError APPEND_ONLY; what `append` throws
 */
export async function restore(log: DeltaLog, point: AsOf, options: RestoreOptions = {}): Promise<RestoreResult> {
  const { signal, resetTxn = false } = options
  const begun = await beginVerb(log, operation, options)
  if ('result' in begun) return { ...begun.result, restored: begun.result.version, removedLoads: [] }
  const { ground } = begun
  const { state: now } = ground
  const then = await stateAsOf(log, point, signal)
  const removedLoads = removed(then, now)
  const { gone, back, files, bytes } = await differences(await log.files(then), await log.files(now), signal)
  const own = options.txn?.appId
  const resets = resetTxn ? removedLoads.filter(({ appId }) => appId !== own) : []
  const actions: Action[] = [
    ...restoredGround(then, now),
    ...resets.map(({ appId, restoredVersion }) => ({ txn: resetTo(then.txns.get(appId), appId, restoredVersion) })),
    ...back.map(({ add }) => ({ add: { ...add, dataChange: true } })),
  ]
  const metrics = {
    tableSizeAfterRestore: bytes,
    numOfFilesAfterRestore: files,
    numRemovedFiles: gone.length,
    numRestoredFiles: back.length,
    removedFilesSize: sizeOf(gone),
    restoredFilesSize: sizeOf(back),
  }
  const more = { restored: then.version, removedLoads }
  if (actions.length === 0 && gone.length === 0 && !ground.txn) return { ...unchanged(now, operation, false, metrics), ...more }
  // Files come back that only versions name which may end: theirs is held until the new one names them.
  await checkNothingMissing(log, then, back, signal)
  const release = back.length === 0 ? undefined : await holdForNow(log.store, then.version, 'a restore at work', signal)
  try {
    await log.checkNotEnded(then.version, signal)
    const result = await commitVerb(
      { ...ground, isolation: 'Serializable' },
      {
        operation,
        parameters: parametersOf(point, then),
        metrics,
        actions,
        changes: { files: gone.map((file) => ({ file, rows: 'all' })), mayBeGone: false, dataChange: true },
        reads: { rows: 'all', deletesMatter: true },
        // A commit since may say that the version ended whose files come back.
        alone: true,
        isBlindAppend: false,
        restored: { version: then.version, resetTxn },
        inputs: async () => [{ table: log.store.root, version: then.version, id: await log.idOf(then.version) }],
      },
      { files: [], changeFiles: [] },
      options,
    )
    return { ...result, ...more }
  } finally {
    await release?.()
  }
}

/** Applications whose numbers are higher now than then. */
function removed(then: TableState, now: TableState): RemovedLoad[] {
  return [...now.txns.values()].flatMap(({ appId, version }) => {
    const before = then.txns.get(appId)?.version
    if (Number(version) < 0 || (before !== undefined && before >= version)) return []
    return [{ appId, version: Number(version), restoredVersion: before === undefined || before < 0 ? null : Number(before) }]
  })
}

function resetTo(then: Txn | undefined, appId: string, version: number | null): Txn {
  return then ?? { appId, version: version ?? noLoad }
}

interface Differences {
  /** Files of now that then did not have, or with other rows deleted. */
  readonly gone: readonly LiveFile[]
  /** The other way round. */
  readonly back: readonly LiveFile[]
  /** Totals of then. */
  readonly files: number
  readonly bytes: number
}

/** Compares two lists by names and vectors; only files that differ are read whole. */
async function differences(then: FileList, now: FileList, signal: AbortSignal | undefined): Promise<Differences> {
  const [before, after] = [await vectorsOf(then, signal), await vectorsOf(now, signal)]
  const differing = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
    [...one].filter(([path, vector]) => other.get(path) !== vector).map(([path]) => path)
  const read = async (list: FileList, paths: readonly string[]) => (paths.length === 0 ? [] : list.liveFiles(paths, signal))
  const { files, bytes } = await then.counts()
  return { gone: await read(now, differing(after, before)), back: await read(then, differing(before, after)), files, bytes }
}

/** The vector of each file by its path, an empty text where it has none. */
async function vectorsOf(list: FileList, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
  const rows = await list.use(({ connection, relation }) =>
    connection.all(`SELECT path, deletion_vector AS vector FROM ${relation}`, undefined, { signal }),
  )
  return new Map(
    rows.map(({ path, vector }) => {
      const descriptor = vector as DeletionVectorDescriptor | null
      return [canonicalPath(String(path)), descriptor?.storageType ? vectorId(descriptor) : '']
    }),
  )
}

function parametersOf(point: AsOf, { version }: TableState): Record<string, string> {
  if (typeof point === 'number' || !('timestamp' in point)) return { version: String(version) }
  const { timestamp } = point
  return { version: String(version), timestamp: typeof timestamp === 'string' ? timestamp : timestamp.toISOString() }
}

function sizeOf(files: readonly LiveFile[]): number {
  return files.reduce((sum, { add }) => sum + add.size, 0)
}
