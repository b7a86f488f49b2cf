/**
 * When versions were committed, and which version an instant names.
 *
 * With in-commit timestamps a commit says its own time, and instants are found by bisection, reading a handful of commits. Without,
 * the store's modification times count, made strictly monotonic (§In-Commit Timestamps): a time that is not
 * later than the one before becomes that one plus a millisecond. Where in-commit timestamps were enabled midway, commits before the
 * enablement version have the one kind of time and those from it on the other, and the two ranges never mix.
 */
import { ObjectNotFoundError } from '../errors/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { CommitInfo } from './actions.ts'
import { type Commit, commitInfoOf, readCommit } from './commit.ts'
import { logFolder, parseLogName } from './paths.ts'
import { hasInCommitTimestamps } from './protocol.ts'
import type { TableState } from './state.ts'

/** The first version whose commit carries its own time, or `undefined` where none does. */
function firstInCommitVersion(latest: TableState): number | undefined {
  if (!hasInCommitTimestamps(latest.protocol, latest.metadata)) return undefined
  const enabled = Number(latest.metadata.configuration['delta.inCommitTimestampEnablementVersion'] ?? 0)
  return Number.isSafeInteger(enabled) ? enabled : 0
}

/** Whether a version's commit time is the time of its file, which a copy must keep. `latest` is the newest state. */
export function isTimedByFile(latest: TableState, version: number): boolean {
  return version < (firstInCommitVersion(latest) ?? Number.POSITIVE_INFINITY)
}

/** Commit times of a table, in milliseconds since the epoch. File times, where they count, are listed once. */
export class CommitTimes {
  readonly #store: ObjectStore
  readonly #first: number | undefined
  #fileTimes: Promise<ReadonlyMap<number, number>> | undefined

  /** `latest` is the newest state: it says since when commits carry their own time. */
  constructor(store: ObjectStore, latest: TableState) {
    this.#store = store
    this.#first = firstInCommitVersion(latest)
  }

  /** The commit time of a version whose commit was read; `info` is its account of itself, where that was read too. */
  async of(commit: Commit, signal?: AbortSignal, info?: CommitInfo): Promise<number> {
    if (this.#first !== undefined && commit.version >= this.#first)
      return (info ?? commitInfoOf(commit)).inCommitTimestamp ?? commit.modified
    this.#fileTimes ??= fileTimes(this.#store, this.#first, signal).then((times) => new Map(times))
    return (await this.#fileTimes).get(commit.version) ?? commit.modified
  }
}

/**
 * The last version committed at or before an instant, or `undefined` where the instant lies before every readable version.
 * `latest` is the newest state.
 */
export async function versionAt(
  store: ObjectStore,
  latest: TableState,
  instant: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const first = firstInCommitVersion(latest)
  if (first !== undefined) {
    const version = await bisect(store, first, latest.version, instant, signal)
    if (version !== undefined || first === 0) return version
  }
  const times = await fileTimes(store, first, signal)
  return times.findLast(([, time]) => time <= instant)?.[0]
}

/** Versions with their file times made monotonic, ascending, up to the first that carries its own time. */
async function fileTimes(store: ObjectStore, before: number | undefined, signal?: AbortSignal): Promise<[number, number][]> {
  const times: [number, number][] = []
  let last = Number.NEGATIVE_INFINITY
  for await (const { key, meta } of store.list(`${logFolder}/`, { delimiter: '/', meta: true, signal })) {
    const name = parseLogName(key.slice(logFolder.length + 1))
    if (name?.kind !== 'commit' || (before !== undefined && name.version >= before) || !meta) continue
    last = Math.max(Math.floor(meta.modified.getTime()), last + 1)
    times.push([name.version, last])
  }
  return times
}

/** The last version in `[first, latest]` at or before the instant. Commits that a cleanup took lie before all that are there. */
async function bisect(
  store: ObjectStore,
  first: number,
  latest: number,
  instant: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  let low = first
  let found: number | undefined
  for (let high = latest; low <= high; ) {
    const middle = Math.floor((low + high) / 2)
    const time = await inCommitTime(store, middle, signal).catch((error: unknown) => {
      if (error instanceof ObjectNotFoundError) return undefined
      throw error
    })
    if (time !== undefined && time > instant) high = middle - 1
    else {
      if (time !== undefined) found = middle
      low = middle + 1
    }
  }
  return found
}

async function inCommitTime(store: ObjectStore, version: number, signal?: AbortSignal): Promise<number> {
  const commit = await readCommit(store, version, signal)
  return commitInfoOf(commit).inCommitTimestamp ?? commit.modified
}
