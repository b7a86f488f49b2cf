/**
 * The part of the log that gives a version: the nearest usable checkpoint at or below it, and after that every commit, or compactions
 * that stand for some of them.
 *
 * A hint at a checkpoint is believed only where the file is there and not empty; else one listing finds the newest complete one
 * (§Checkpoints: a set of parts counts only when all are there). Where many commits lie behind a hinted checkpoint, the names from it on
 * are listed, for newer checkpoints and for compactions. What turned out to be damaged is passed over by asking again without it: an
 * older checkpoint, or the commits alone, serve as well. A hole after the checkpoint is an error, one before it is not.
 */
import { LogError } from '../errors/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { gap } from './commit.ts'
import { type Checkpoint, type Compaction, newestComplete, readListing } from './listing.ts'
import { checkpointKey, logFolder, parseLogName } from './paths.ts'

/** What must be read for a version: the checkpoint, then the compactions and the commits for which none of them stands. */
export interface Segment {
  readonly version: number
  readonly checkpoint: Checkpoint | undefined
  /** Versions of the commits to read, ascending. */
  readonly commits: readonly number[]
  /** Compactions that stand for the other commits after the checkpoint, ascending. Their actions are those of their last version. */
  readonly compactions: readonly Compaction[]
}

/** A checkpoint that is said to be there. */
export interface CheckpointHint {
  readonly version: number
  /** The name of its file in the log folder, where it is not the classic one. */
  readonly path?: string | undefined
}

/** How a segment is looked for. */
export interface SegmentOptions {
  readonly hint?: CheckpointHint | undefined
  /** Keys of checkpoints and compactions that turned out to be unusable. */
  readonly without?: ReadonlySet<string>
  /** `false`: commits alone, whatever compactions there are. */
  readonly compactions?: boolean
  readonly signal?: AbortSignal | undefined
}

/** So many commits behind a hinted checkpoint are read without looking for anything better. */
const fewCommits = 100

/** Finds the segment of a version. @throws LogError LOG_GAP, or LOG_INCOMPLETE where the beginning of the log is gone. */
export async function findSegment(store: ObjectStore, version: number, options: SegmentOptions = {}): Promise<Segment> {
  const { signal } = options
  const hinted = await hintedCheckpoint(store, version, options)
  if (hinted && version - hinted.version <= fewCommits) {
    return { version, checkpoint: hinted, commits: range(hinted.version + 1, version), compactions: [] }
  }
  const listing = await readListing(store, { from: hinted ? hinted.version : 0, until: version, signal })
  const without = new Set(options.without)
  let checkpoint = newestComplete(listing.checkpoints, version, without)
  while (checkpoint && !(await areFilled(store, checkpoint.keys, signal))) {
    for (const key of checkpoint.keys) without.add(key)
    checkpoint = newestComplete(listing.checkpoints, version, without)
  }
  if (hinted && (!checkpoint || checkpoint.version < hinted.version)) checkpoint = hinted
  const first = (checkpoint?.version ?? -1) + 1
  for (let v = first; v <= version; v += 1) {
    if (listing.commits.has(v)) continue
    if (first === 0 && !listing.commits.has(0)) throw incomplete(store, version)
    throw gap(store, v)
  }
  const usable = options.compactions === false ? [] : listing.compactions.filter(({ key }) => !without.has(key))
  return { version, checkpoint, ...(await cover(store, first, version, usable, signal)) }
}

/**
 * The fewest files that tell of the versions `first` to `version`: compactions, and commits where none helps. Compactions may overlap,
 * since each tells the newest state of what it speaks of; of those that go on from where the last one ends the farthest is taken.
 */
export async function cover(
  store: ObjectStore,
  first: number,
  version: number,
  compactions: readonly Compaction[],
  signal?: AbortSignal,
): Promise<Pick<Segment, 'commits' | 'compactions'>> {
  const usable = compactions.filter((each) => each.first >= first && each.last <= version && each.last > each.first)
  for (;;) {
    const chosen = covering(first, version, usable)
    const filled = await Promise.all(chosen.compactions.map(({ key }) => areFilled(store, [key], signal)))
    const empty = chosen.compactions.filter((_, index) => !filled[index])
    if (empty.length === 0) return chosen
    for (const each of empty) usable.splice(usable.indexOf(each), 1)
  }
}

/** As `cover`, of compactions ascending by their first version. */
function covering(first: number, version: number, ascending: readonly Compaction[]): Pick<Segment, 'commits' | 'compactions'> {
  const commits: number[] = []
  const compactions: Compaction[] = []
  let next = 0
  let farthest: Compaction | undefined
  for (let at = first; at <= version; ) {
    for (; next < ascending.length && ascending[next]!.first <= at; next += 1) {
      if (!farthest || ascending[next]!.last > farthest.last) farthest = ascending[next]
    }
    if (farthest && farthest.last > at) {
      compactions.push(farthest)
      at = farthest.last + 1
    } else {
      commits.push(at)
      at += 1
    }
  }
  return { commits, compactions }
}

async function hintedCheckpoint(store: ObjectStore, version: number, options: SegmentOptions): Promise<Checkpoint | undefined> {
  const { hint, without, signal } = options
  if (hint === undefined || hint.version < 0 || hint.version > version) return undefined
  const named = hint.path === undefined ? undefined : parseLogName(hint.path)
  const encoding = named?.kind === 'checkpoint' && named.form === 'v2' && named.version === hint.version ? named.encoding : undefined
  const candidates: Checkpoint[] = [{ version: hint.version, keys: [checkpointKey(hint.version)], encoding: 'parquet' }]
  if (encoding) candidates.unshift({ version: hint.version, keys: [`${logFolder}/${hint.path}`], encoding })
  for (const candidate of candidates) {
    if (candidate.keys.some((key) => without?.has(key))) continue
    if (await areFilled(store, candidate.keys, signal)) return candidate
  }
  return undefined
}

/** Whether files are all there, and none is empty. */
async function areFilled(store: ObjectStore, keys: readonly string[], signal?: AbortSignal): Promise<boolean> {
  for (const key of keys) if (!(await store.head(key, { signal }))?.size) return false
  return true
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
}

function incomplete(store: ObjectStore, version: number): LogError {
  return new LogError(
    'LOG_INCOMPLETE',
    `The log of ${store.root} does not begin at version 0 and has no checkpoint at or before version ${version}.`,
    {
      remedy: 'Read a later version, or restore the beginning of the log from a backup.',
      data: { root: store.root, version },
    },
  )
}
