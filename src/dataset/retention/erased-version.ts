/**
 * The newest version without some rows: the files that they lie in are written anew, so that not a byte of them is left, of rows that a vector
 * deleted either.
 *
 * The version tells its changes by the files alone: a change file would hold the very rows. It says nothing of what they were: neither the condition,
 * which often names a person, nor the statistics of the files that go.
 */
import type { DeltaLog, LiveFile } from '../../log/index.ts'
import { commitVerb, takeBack } from '../../operations/rows/commit-verb.ts'
import { takenMetrics } from '../../operations/rows/taken-rows.ts'
import { beginVerb, unchanged, type VerbGround } from '../../operations/rows/verb.ts'
import { type Written, writeStaying } from '../../operations/rows/write-rows.ts'
import type { CommitResult, WritingOptions } from '../../operations/written.ts'
import type { StoredFile } from '../../query/index.ts'
import { deletedRows, type FileChange } from '../../transaction/index.ts'
import { type Condition, type MatchingFile, withMatchingFiles } from './matching-files.ts'

/** The operation of a version that erases. */
export const eraseOperation = 'ERASE'

/** Erases rows from the newest version. Where it has none, no version is made. @throws what `delete` throws */
export async function eraseFromNewest(
  log: DeltaLog,
  { where, params, ...options }: WritingOptions & Pick<Condition, 'where' | 'params'>,
): Promise<CommitResult> {
  const begun = await beginVerb(log, eraseOperation, options)
  if ('result' in begun) return begun.result
  const { ground } = begun
  const { state, target, name, self } = ground
  const live = await (await log.files(state)).liveFiles(undefined, options.signal)
  const files = live.map((file) => ({ ...file.add, path: file.path, numRecords: file.numRecords, stats: file.add.stats ?? undefined }))
  return withMatchingFiles(
    target,
    files,
    { where, params, name, self },
    async (matching, reads) => {
      const written: Written = { files: [], changeFiles: [] }
      try {
        const taken = await takenFiles(ground, matching, new Map(live.map((file) => [file.path, file])), options.signal)
        await writeStaying(ground, taken.staying, written, options.signal)
        const metrics = { numDeletedRows: taken.rows, ...takenMetrics(taken.files, written, 0) }
        if (taken.files.length === 0 && !ground.txn) return unchanged(state, eraseOperation, false, metrics)
        // Rows that were deleted already are no change to anyone.
        const dataChange = taken.rows > 0
        const changes = { files: taken.files, mayBeGone: false, dataChange, withoutStats: true }
        const verb = { operation: eraseOperation, parameters: {}, metrics, changes, reads, isBlindAppend: false, dataChange }
        return await commitVerb(ground, verb, written, options)
      } catch (error) {
        await takeBack(ground, written)
        throw error
      }
    },
    options.signal,
  )
}

interface Taken {
  readonly files: readonly FileChange[]
  /** The files with the rows that stay. */
  readonly staying: readonly StoredFile[]
  /** Rows that the version had and loses. */
  readonly rows: number
}

async function takenFiles(
  { log, state }: VerbGround,
  matching: readonly MatchingFile[],
  live: ReadonlyMap<string, LiveFile>,
  signal: AbortSignal | undefined,
): Promise<Taken> {
  const files: FileChange[] = []
  const staying: StoredFile[] = []
  let gone = 0
  for (const { stored, rows } of matching) {
    const numRecords = stored.numRecords
    const file = { ...live.get(stored.path)!, numRecords }
    const before = await deletedRows(log.store, file, state.version, signal)
    const all = before === undefined ? rows : before.union(rows)
    gone += all.size - (before?.size ?? 0)
    const isEmpty = all.size >= (numRecords ?? Number.POSITIVE_INFINITY)
    files.push({ file, rows: isEmpty ? 'all' : 'replaced' })
    if (!isEmpty) staying.push({ ...stored, rows: { allBut: all } })
  }
  return { files, staying, rows: gone }
}
