/**
 * The log of a table from one store to another: commits one after the other, each put only if its name is free, and what is derived from them.
 *
 * - The files that a commit names are there before it; a commit appears only after the one before it, so whatever moment this is interrupted the
 *   target is a table at an earlier version. Syncs overlap: only the names wait for one another.
 * - A name that is taken by the same bytes is as good as ours: another push was there first. By other bytes: the histories diverged.
 * - Where commit times are the times of the files (no in-commit timestamps), those are kept, or it is said that they could not be.
 * - Checkpoints and checksums are derived data. A checkpoint is moved where the log begins at it, and the newest one, so that readers there
 *   need not read all commits. The protocol's hint moves with it; hints of our own and compactions are left to those who write there.
 */
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { AbortedError, DataFileError, ObjectNotFoundError, QueryError, RemoteError, UnknownOutcomeError } from '../../errors/index.ts'
import {
  type Commit,
  checkpointFiles,
  checksumKey,
  commitKey,
  lastCheckpointKey,
  newestComplete,
  readCommitIfThere,
  readLastCheckpoint,
  readListing,
} from '../../log/index.ts'
import { systemFailure } from '../../storage/failures.ts'
import type { Body, ObjectStore, Staging } from '../../storage/index.ts'
import type { FileToMove } from './files-to-move.ts'
import { type Moved, moveFiles } from './move-files.ts'

/** Where a log comes from and goes to. */
export interface MoveLogOptions {
  readonly from: ObjectStore
  readonly to: ObjectStore
  /** Whether the commit time of a version is that of its file. */
  readonly isTimedByFile: (version: number) => boolean
  readonly signal?: AbortSignal | undefined
}

/** What became of commits. */
export interface MovedCommits {
  /** Those that were not there. */
  commits: number
  bytes: number
  /** Times of files that should have been kept, and that the target could not keep. */
  timesLost: number
}

/** Commits on their way together. */
const atOnce = 32

/** How often a put of which nobody knows whether it landed is tried. */
const tries = 6

/**
 * Puts commits into a log, in their order. What was moved is added to `moved` as it lands.
 * @throws RemoteError REMOTE_DIVERGED where a name is taken by another commit; UnknownOutcomeError COMMIT_UNKNOWN; AbortedError; storage errors
 */
export async function moveCommits(commits: readonly Commit[], options: MoveLogOptions, moved: MovedCommits): Promise<void> {
  const put = new CommitPut(options, moved)
  let before: Promise<void> = Promise.resolve()
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  try {
    for (const commit of commits) {
      if (running.size >= atOnce) await Promise.race(running)
      if (failures.length > 0) break
      if (options.signal?.aborted) throw new AbortedError('Moving commits', options.signal.reason)
      const after = before
      before = new Promise((stored, failed) => {
        const work: Promise<void> = put
          .one(commit, after, stored)
          .catch((error: unknown) => {
            failed(error)
            failures.push(error)
          })
          .finally(() => running.delete(work))
        running.add(work)
      })
      before.catch(() => undefined)
    }
  } finally {
    await Promise.all(running)
    await put.end()
  }
  if (failures.length > 0) throw failures[0]
}

/**
 * Moves a log's beginning: the checkpoint of its earliest version, without which the commits after it say nothing.
 * @throws LogError, DataFileError where it cannot be read; storage errors
 */
export async function moveFirstCheckpoint(version: number, options: MoveLogOptions, moved: Moved): Promise<void> {
  const { checkpoints } = await readListing(options.from, { from: version, until: version, signal: options.signal })
  const first = newestComplete(checkpoints, version)
  if (first !== undefined) await moveLogFiles(await checkpointFiles(options.from, first, options.signal), options, moved)
  await moveHint(options, version)
}

/** Moves what spares readers work, as far as it can be had: the newest checkpoint up to a version, and that version's checksum. */
export async function moveDerived(version: number, options: MoveLogOptions, moved: Moved): Promise<void> {
  const { from, to, signal } = options
  try {
    const hinted = (await readLastCheckpoint(from, signal))?.version ?? 0
    const own = newestComplete(
      (await readListing(from, { from: hinted > version ? 0 : hinted, until: version, signal })).checkpoints,
      version,
    )
    if (own !== undefined) {
      const theirs = newestComplete((await readListing(to, { from: own.version, until: own.version, signal })).checkpoints, version)
      if (theirs === undefined) await moveLogFiles(await checkpointFiles(from, own, signal), options, moved)
      await moveHint(options, own.version)
    }
    const { bytes } = await from.get(checksumKey(version), { signal })
    const { outcome } = await to.putIfAbsent(checksumKey(version), bytes, { durable: false, signal })
    if (outcome !== 'exists') moved.bytes += bytes.length
  } catch (error) {
    // One that is damaged, or that a cleanup takes just now, is passed over by readers as well.
    if (!(error instanceof ObjectNotFoundError || error instanceof DataFileError || error instanceof QueryError)) throw error
  }
}

async function moveLogFiles(keys: readonly string[], { from, to, signal }: MoveLogOptions, moved: Moved): Promise<void> {
  const own: Moved = { files: 0, bytes: 0, skipped: 0, near: 0 }
  for (const key of keys) {
    const file: FileToMove = { key, size: undefined, sha256: undefined, vectors: [], version: 0, wasThere: true }
    // One after the other: what names others comes after them.
    await moveFiles([file], { from, to, moved: own, onFile: () => undefined, signal })
  }
  moved.bytes += own.bytes
}

/** Moves the protocol's hint, where the source's leads to a checkpoint that was moved, and the target's is not ahead. */
async function moveHint({ from, to, signal }: MoveLogOptions, version: number): Promise<void> {
  const [own, theirs] = await Promise.all([readLastCheckpoint(from, signal), readLastCheckpoint(to, signal)])
  if (own?.version !== version || (theirs?.version ?? -1) >= version) return
  const { bytes } = await from.get(lastCheckpointKey, { signal })
  await to.put(lastCheckpointKey, bytes, { durable: false, signal })
}

class CommitPut {
  readonly #options: MoveLogOptions
  readonly #moved: MovedCommits
  #staging: Promise<Staging> | undefined

  constructor(options: MoveLogOptions, moved: MovedCommits) {
    this.#options = options
    this.#moved = moved
  }

  async one(commit: Commit, after: Promise<void>, stored: () => void): Promise<void> {
    const { to, isTimedByFile, signal } = this.#options
    const { version, bytes } = commit
    const timed = isTimedByFile(version)
    let cause: unknown
    for (let attempt = 0; attempt < tries; attempt += 1) {
      const body = timed ? await this.#timedBody(commit) : bytes
      const result = await to.putIfAbsent(commitKey(version), body, { after, onStored: stored, signal })
      if (result.outcome === 'unknown') cause = result.cause
      const there = result.outcome === 'created' ? undefined : await readCommitIfThere(to, version, signal)
      if (result.outcome === 'created' || there !== undefined) {
        if (there !== undefined && Buffer.compare(there.bytes, bytes) !== 0) throw taken(to, version)
        const modified = result.outcome === 'created' ? result.meta.modified.getTime() : there!.modified
        if (timed && modified !== commit.modified) this.#moved.timesLost += 1
        if (result.outcome !== 'exists' || cause !== undefined) {
          this.#moved.commits += 1
          this.#moved.bytes += bytes.length
        }
        stored()
        return
      }
    }
    throw new UnknownOutcomeError('COMMIT_UNKNOWN', `It could not be found out whether version ${version} arrived at ${to.root}.`, {
      remedy: 'Run it again once the store answers: what has arrived is not moved again.',
      data: { root: to.root, version },
      cause,
    })
  }

  async end(): Promise<void> {
    const staging = await this.#staging?.catch(() => undefined)
    await staging?.dispose()
  }

  /** A file that has the time of the commit before it gets its name. */
  async #timedBody({ bytes, modified, version }: Commit): Promise<Body> {
    const { to } = this.#options
    this.#staging ??= to.stage()
    const path = join((await this.#staging).folder, uuid())
    // Half a millisecond more: engines cut the time to whole ones, and a time loses a little on the way to the disk.
    const seconds = (modified + 0.5) / 1000
    try {
      await writeFile(path, bytes)
      await utimes(path, seconds, seconds)
    } catch (error) {
      throw systemFailure(error, 'write', commitKey(version), to.root)
    }
    return { path, size: bytes.length }
  }
}

function taken({ root }: ObjectStore, version: number): RemoteError {
  return new RemoteError(
    'REMOTE_DIVERGED',
    `Another process made another version ${version} of ${root} meanwhile. Commits before it have arrived.`,
    {
      remedy: 'Pull what is there into an empty folder, and apply there what this table has besides.',
      data: { root, version, commonVersion: version - 1 },
    },
  )
}
