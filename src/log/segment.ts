/**
 * The part of the log that gives a version: the nearest usable checkpoint at or below it, and every commit after that.
 *
 * A hint at a checkpoint is believed only where the file is there and not empty; else one listing finds the newest complete one
 * (§Checkpoints: a set of parts counts only when all are there). A checkpoint that turned out to be damaged is passed over by asking
 * again without it: an older one, or the commits alone, serve as well. A hole after the checkpoint is an error, one before it is not.
 */
import { LogError } from '../errors/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { gap } from './commit.ts'
import { checkpointKey, logFolder, parseLogName } from './paths.ts'

/** A complete checkpoint: the files of which it is made. The top file of a V2 checkpoint may name sidecars, which are not in here. */
export interface Checkpoint {
  readonly version: number
  readonly keys: readonly string[]
  readonly encoding: 'parquet' | 'json'
}

/** What must be read for a version. `commits` is ascending and without holes. */
export interface Segment {
  readonly version: number
  readonly checkpoint: Checkpoint | undefined
  readonly commits: readonly number[]
}

/** How a segment is looked for. */
export interface SegmentOptions {
  /** A version that is said to have a classic checkpoint. */
  readonly hint?: number | undefined
  /** Checkpoints (their first key) that turned out to be unusable. */
  readonly without?: ReadonlySet<string>
  readonly signal?: AbortSignal | undefined
}

/** Finds the segment of a version. @throws LogError LOG_GAP, or LOG_INCOMPLETE where the beginning of the log is gone. */
export async function findSegment(store: ObjectStore, version: number, options: SegmentOptions = {}): Promise<Segment> {
  const hinted = await hintedCheckpoint(store, version, options)
  if (hinted) return { version, checkpoint: hinted, commits: range(hinted.version + 1, version) }
  const listing = await readListing(store, options.signal)
  const checkpoint = newestComplete(listing.checkpoints, version, options.without)
  const first = (checkpoint?.version ?? -1) + 1
  for (let v = first; v <= version; v += 1) {
    if (listing.commits.has(v)) continue
    if (first === 0 && !listing.commits.has(0)) throw incomplete(store, version)
    throw gap(store, v)
  }
  return { version, checkpoint, commits: range(first, version) }
}

/**
 * Versions that can be read, from the log's listing: from version 0, or from the oldest complete checkpoint after which no commit is
 * missing, to the newest commit or checkpoint. `undefined` where there is neither.
 */
export async function readableRange(store: ObjectStore, signal?: AbortSignal): Promise<{ earliest: number; latest: number } | undefined> {
  const { commits, checkpoints } = await readListing(store, signal)
  const complete = checkpoints.map((part) => part.version).filter((version) => newestComplete(checkpoints, version)?.version === version)
  const latest = Math.max(maximum(commits), maximum(complete))
  if (latest < 0) return undefined
  let first = latest
  while (commits.has(first)) first -= 1
  if (first === -1) return { earliest: 0, latest }
  const reachable = complete.filter((version) => version >= first)
  return { earliest: reachable.length > 0 ? Math.min(...reachable) : latest, latest }
}

interface CheckpointPart {
  readonly key: string
  readonly version: number
  readonly encoding: 'parquet' | 'json'
  readonly part: number
  readonly of: number
  readonly size: number | undefined
}

async function readListing(store: ObjectStore, signal?: AbortSignal): Promise<{ commits: Set<number>; checkpoints: CheckpointPart[] }> {
  const commits = new Set<number>()
  const checkpoints: CheckpointPart[] = []
  for await (const { key, meta } of store.list(`${logFolder}/`, { delimiter: '/', signal })) {
    const name = parseLogName(key.slice(logFolder.length + 1))
    if (name?.kind === 'commit') commits.add(name.version)
    if (name?.kind !== 'checkpoint') continue
    const whole = { key, version: name.version, encoding: 'parquet' as const, part: 1, of: 1, size: meta?.size }
    if (name.form === 'parts') checkpoints.push({ ...whole, part: name.part, of: name.of })
    else checkpoints.push(name.form === 'v2' ? { ...whole, encoding: name.encoding } : whole)
  }
  return { commits, checkpoints }
}

async function hintedCheckpoint(store: ObjectStore, version: number, options: SegmentOptions): Promise<Checkpoint | undefined> {
  const { hint, without, signal } = options
  if (hint === undefined || hint < 0 || hint > version) return undefined
  const key = checkpointKey(hint)
  if (without?.has(key)) return undefined
  const meta = await store.head(key, { signal })
  return meta && meta.size > 0 ? { version: hint, keys: [key], encoding: 'parquet' } : undefined
}

/** Whole files come before sets of parts of the same version. */
function newestComplete(parts: readonly CheckpointPart[], version: number, without?: ReadonlySet<string>): Checkpoint | undefined {
  const usable = parts.filter((part) => part.version <= version && part.size !== 0 && !without?.has(part.key))
  const sets = new Map<string, CheckpointPart[]>()
  for (const part of usable) {
    const name = `${part.version}/${part.of === 1 ? part.key : part.of}`
    sets.set(name, [...(sets.get(name) ?? []), part])
  }
  let best: Checkpoint | undefined
  for (const set of sets.values()) {
    const { version: at, of, encoding } = set[0]!
    if (set.length !== of || (best && (best.version > at || (best.version === at && best.keys.length <= of)))) continue
    const keys = set.toSorted((a, b) => a.part - b.part).map((part) => part.key)
    best = { version: at, keys, encoding }
  }
  return best
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
}

function maximum(values: Iterable<number>): number {
  let result = -1
  for (const value of values) if (value > result) result = value
  return result
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
