/**
 * Work over the segment of a version that does not give up at the first damaged file.
 *
 * Compactions and checkpoints are derived data: what cannot be read of them is passed over, first the compactions, for the commits that
 * they stand for, then a checkpoint, for an older one or the commits alone. A commit is not: where one is missing or damaged the error
 * names it, found by reading the commits one by one.
 */
import { DataFileError, LogError, ObjectNotFoundError, QueryError, ValueError } from '../errors/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { gap, parseActions, readCommit } from './commit.ts'
import { unreconciled } from './compaction.ts'
import type { Checkpoint } from './listing.ts'
import { findSegment, type Segment, type SegmentOptions } from './segment.ts'

/** Gives `use` the segment of a version, and again without its compactions or its checkpoint where they turn out to be damaged. @throws LogError */
export async function overSegment<T>(
  store: ObjectStore,
  version: number,
  options: SegmentOptions,
  use: (segment: Segment) => Promise<T>,
): Promise<T> {
  const without = new Set(options.without)
  let { compactions = true } = options
  let damaged: { checkpoint: Checkpoint; cause: unknown } | undefined
  for (;;) {
    const segment = await findSegment(store, version, { ...options, without, compactions }).catch((error: unknown) => {
      throw damaged ? damagedCheckpoint(damaged.checkpoint, damaged.cause) : error
    })
    const compacted = segment.compactions.length > 0
    try {
      const unfit = compacted ? await unreconciled(store, segment.compactions) : []
      for (const { key } of unfit) without.add(key)
      if (unfit.length > 0) continue
      return await (compacted ? use(segment) : diagnosing(store, segment, () => use(segment)))
    } catch (error) {
      if (!isDamage(error)) throw error
      if (compacted) {
        compactions = false
        continue
      }
      if (!segment.checkpoint) throw error
      damaged = { checkpoint: segment.checkpoint, cause: error }
      for (const key of segment.checkpoint.keys) without.add(key)
    }
  }
}

/** Runs `work` over a segment; where it fails by a commit, the error is that commit's. */
export async function diagnosing<T>(store: ObjectStore, segment: Segment, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    for (const version of segment.commits) {
      const commit = await readCommit(store, version).catch((error: unknown) => {
        throw error instanceof ObjectNotFoundError ? gap(store, version) : error
      })
      for (const action of parseActions(commit)) void action
    }
    if (segment.checkpoint || !(failure instanceof QueryError)) throw failure
    throw unreadable(store, segment.version, failure)
  }
}

/** The engine is stricter than the protocol asks where it reads JSON: it takes no half of a surrogate pair, for one. */
function unreadable(store: ObjectStore, version: number, cause: QueryError): LogError {
  return new LogError('LOG_CORRUPT', `The commits of ${store.root} up to version ${version} cannot be replayed: ${cause.message}`, {
    remedy: 'Restore the commit that is named from a backup or a remote.',
    data: { root: store.root, version },
    cause,
  })
}

/**
 * Whether a failure may lie in a file's bytes, and not in the store or the caller. A checkpoint that reads well and lacks protocol or
 * metadata is no such case: it claims to stand alone, and older commits may say something else.
 */
export function isDamage(failure: unknown): boolean {
  if (failure instanceof QueryError && failure.code === 'OUT_OF_MEMORY') return false
  return [DataFileError, QueryError, ValueError, ObjectNotFoundError].some((kind) => failure instanceof kind)
}

function damagedCheckpoint(checkpoint: Checkpoint, cause: unknown): LogError {
  const file = checkpoint.keys[0] ?? ''
  return new LogError(
    'LOG_CORRUPT',
    `The checkpoint of version ${checkpoint.version} is damaged, and the log does not reach back before it.`,
    {
      remedy: `Restore ${file} from a backup.`,
      data: { version: checkpoint.version, file },
      cause,
    },
  )
}
