/**
 * What a listing of the log folder tells: commits, checkpoints and compactions, by their names alone.
 *
 * A listing begins where a hint allows and ends at the version asked for, so that a long log is not read to its end for a version at
 * its beginning. Names that are none of the log's are passed over.
 */
import type { ObjectStore } from '../storage/object-store.ts'
import { logFolder, parseLogName, versionPrefix } from './paths.ts'

/** A file of a checkpoint: all of it, or one of several parts. */
export interface CheckpointPart {
  readonly key: string
  readonly version: number
  readonly encoding: 'parquet' | 'json'
  readonly part: number
  readonly of: number
}

/** A complete checkpoint: the files of which it is made. The top file of a V2 checkpoint may name sidecars, which are not in here. */
export interface Checkpoint {
  readonly version: number
  readonly keys: readonly string[]
  readonly encoding: 'parquet' | 'json'
}

/** A log compaction file: it stands for the commits `first` to `last` (§Log Compaction Files). */
export interface Compaction {
  readonly key: string
  readonly first: number
  readonly last: number
}

/** The log's files in a range of versions. Compactions are ascending by their first version. */
export interface Listing {
  readonly commits: ReadonlySet<number>
  readonly checkpoints: readonly CheckpointPart[]
  readonly compactions: readonly Compaction[]
}

/** Where a listing begins and ends: files of version `from` on, those that begin behind `until` left out. */
export interface ListingRange {
  readonly from?: number | undefined
  readonly until?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Lists the log. */
export async function readListing(store: ObjectStore, range: ListingRange = {}): Promise<Listing> {
  const { from = 0, until = Number.POSITIVE_INFINITY, signal } = range
  const commits = new Set<number>()
  const checkpoints: CheckpointPart[] = []
  const compactions: Compaction[] = []
  const startAfter = from > 0 ? { startAfter: versionPrefix(from) } : {}
  for await (const { key } of store.list(`${logFolder}/`, { delimiter: '/', signal, ...startAfter })) {
    const name = parseLogName(key.slice(logFolder.length + 1))
    if (!name) continue
    if (name.version > until) break
    if (name.kind === 'commit') commits.add(name.version)
    else if (name.kind === 'compaction') compactions.push({ key, first: name.version, last: name.end })
    else if (name.kind === 'checkpoint') {
      const whole = { key, version: name.version, encoding: 'parquet' as const, part: 1, of: 1 }
      if (name.form === 'parts') checkpoints.push({ ...whole, part: name.part, of: name.of })
      else checkpoints.push(name.form === 'v2' ? { ...whole, encoding: name.encoding } : whole)
    }
  }
  return { commits, checkpoints, compactions }
}

/**
 * The newest complete checkpoint at a version or below it, none of whose files is in `without`; `undefined` where there is none. Of
 * one version whole files come before sets of parts.
 */
export function newestComplete(parts: readonly CheckpointPart[], version: number, without?: ReadonlySet<string>): Checkpoint | undefined {
  const sets = new Map<string, CheckpointPart[]>()
  for (const part of parts) {
    if (part.version > version || without?.has(part.key)) continue
    const name = `${part.version}/${part.of === 1 ? part.key : part.of}`
    const set = sets.get(name)
    if (set) set.push(part)
    else sets.set(name, [part])
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

/** Versions that have a complete checkpoint, ascending. */
export function completeVersions(parts: readonly CheckpointPart[]): number[] {
  const byVersion = new Map<number, CheckpointPart[]>()
  for (const part of parts) {
    const same = byVersion.get(part.version)
    if (same) same.push(part)
    else byVersion.set(part.version, [part])
  }
  return [...byVersion]
    .filter(([version, same]) => newestComplete(same, version))
    .map(([version]) => version)
    .sort((one, other) => one - other)
}

/**
 * Versions that can be read, from the log's listing: from version 0, or from the oldest complete checkpoint after which no commit is
 * missing, to the newest commit or checkpoint. `undefined` where there is neither.
 */
export async function readableRange(store: ObjectStore, signal?: AbortSignal): Promise<{ earliest: number; latest: number } | undefined> {
  const { commits, checkpoints } = await readListing(store, { signal })
  const complete = completeVersions(checkpoints)
  const latest = Math.max(maximum(commits), maximum(complete))
  if (latest < 0) return undefined
  let first = latest
  while (commits.has(first)) first -= 1
  if (first === -1) return { earliest: 0, latest }
  const reachable = complete.filter((version) => version >= first)
  return { earliest: reachable.length > 0 ? Math.min(...reachable) : latest, latest }
}

function maximum(values: Iterable<number>): number {
  let result = -1
  for (const value of values) if (value > result) result = value
  return result
}
