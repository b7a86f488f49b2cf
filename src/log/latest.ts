/**
 * Finding the newest version without listing the log.
 *
 * Two hints say where to begin: the protocol's `_last_checkpoint` and our `_varve/head`. A hint is believed only where the commit of
 * its version is still there; where neither holds, one listing decides. From there names are probed forward in growing steps, and a
 * few beyond the end, so that a hole is seen and never filled. A store where a request costs a round trip lists from the hint instead.
 */
import type { ObjectStore } from '../storage/object-store.ts'
import { type LastCheckpoint, readHint, readLastCheckpoint, validVersion } from './checkpoint/last-checkpoint.ts'
import { gap } from './commit.ts'
import { readableRange } from './listing.ts'
import { commitKey, headKey, logFolder, parseLogName } from './paths.ts'

/** The hints of a table, unchecked. */
export interface Hints {
  readonly checkpoint: LastCheckpoint | undefined
  readonly head: number | undefined
}

/** How far beyond the last version found names are probed: a step after every move, and once, on opening, as far as a wide hole. */
const near = [2, 3, 4]
const far = [...near, 8, 16, 32, 64, 128, 256, 512, 1024]

/** Reads both hints; a missing or damaged one is none. */
export async function readHints(store: ObjectStore, signal?: AbortSignal): Promise<Hints> {
  const [checkpoint, head] = await Promise.all([readLastCheckpoint(store, signal), readHint(store, headKey, signal)])
  return { checkpoint, head: validVersion(head?.version) }
}

/** The newest version at or after the hints, or `undefined` where there is neither a commit nor a complete checkpoint. @throws LogError LOG_GAP */
export async function findLatest(store: ObjectStore, hints: Hints, signal?: AbortSignal): Promise<number | undefined> {
  const start = Math.max(hints.checkpoint?.version ?? -1, hints.head ?? -1)
  if (start >= 0 && (await exists(store, start, signal))) return findLatestFrom(store, start, signal, far)
  return (await readableRange(store, signal))?.latest
}

/** The newest version, given one that is known to be there. */
export async function findLatestFrom(
  store: ObjectStore,
  known: number,
  signal?: AbortSignal,
  beyond: readonly number[] = near,
): Promise<number> {
  if (store.kind !== 'local' && store.kind !== 'memory') return (await listCommits(store, signal, known)).at(-1) ?? known
  let there = known
  let step = 1
  while (await exists(store, there + step, signal)) {
    there += step
    step *= 2
  }
  for (let missing = there + step; missing - there > 1; ) {
    const middle = Math.floor((there + missing) / 2)
    if (await exists(store, middle, signal)) there = middle
    else missing = middle
  }
  const found = await Promise.all(beyond.map((ahead) => exists(store, there + ahead, signal)))
  if (!found.includes(true)) return there
  // Other writers may have written both names since the first was looked for; only one that is still missing now is a hole.
  if (await exists(store, there + 1, signal)) return findLatestFrom(store, there + 1, signal, beyond)
  throw gap(store, there + 1)
}

/** All versions with a commit in the log, ascending. @throws LogError LOG_GAP is left to whoever reads them. */
export async function listCommits(store: ObjectStore, signal?: AbortSignal, after?: number): Promise<number[]> {
  const versions: number[] = []
  const startAfter = after === undefined ? {} : { startAfter: commitKey(after) }
  for await (const entry of store.list(`${logFolder}/`, { ...startAfter, delimiter: '/', signal })) {
    const name = parseLogName(entry.key.slice(logFolder.length + 1))
    if (name?.kind === 'commit') versions.push(name.version)
  }
  return versions
}

async function exists(store: ObjectStore, version: number, signal?: AbortSignal): Promise<boolean> {
  return (await store.head(commitKey(version), { signal })) !== undefined
}
