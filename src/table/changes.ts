/** From the points that a change feed is asked for to the versions that they name. */

import { UsageError, VersionNotFoundError } from '../errors/index.ts'
import { type DeltaLog, versionAt } from '../log/index.ts'
import { moveBookmark, readBookmark } from '../operations/bookmarks.ts'
import { type AsOf, stateAsOf } from '../query/as-of.ts'
import { type AskedRange, ChangeFeed, earliestCommit, type FeedOptions, firstWithFeed, openFeed, parseInstant } from '../query/index.ts'
import { checkName } from '../refs/names.ts'

/** Which changes are wanted. */
export interface ChangesOptions extends FeedOptions {
  /**
   * The first version whose changes are wanted, or an instant: the first version committed at or after it. Beside `sinceLast`: where the
   * bookmark begins when it is used for the first time; default there: the first version from which on the feed is on.
   */
  readonly from?: AsOf | undefined
  /** The last version whose changes are wanted, or an instant: the last version committed at or before it. Default: the newest. */
  readonly to?: AsOf | undefined
  /** The name of a bookmark: what came since this reader's last time. It moves by `feed.commit()`. */
  readonly sinceLast?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** The feed of a table's changes. Nothing is read before the feed is. @throws UsageError INVALID_ARGUMENT, INVALID_NAME */
export function changesOfTable(log: DeltaLog, options: ChangesOptions): ChangeFeed {
  const { from, to, sinceLast: name, columns, signal } = options
  if (from === undefined && name === undefined) {
    throw new UsageError('INVALID_ARGUMENT', 'Where the changes begin is missing.', {
      remedy: 'Give from, a version or an instant, or sinceLast, the name of a bookmark.',
    })
  }
  if (columns?.length === 0)
    throw new UsageError('INVALID_ARGUMENT', 'No column is named.', { remedy: 'Name columns, or leave them out for all.' })
  if (name === undefined) {
    const open = async (own: AbortSignal) => openFeed(log, await rangeOf(log, from!, to, own), options, own)
    return new ChangeFeed({ open }, signal)
  }
  checkName(name, 'bookmark')
  let stood: number | undefined
  const open = async (own: AbortSignal) => {
    stood = await readBookmark(log.store, name, own)
    return openFeed(log, await rangeSince(log, stood, { ...options, sinceLast: name }, own), options, own)
  }
  return new ChangeFeed({ open, moveBookmark: (range) => moveBookmark(log.store, name, stood, range) }, signal)
}

async function rangeOf(log: DeltaLog, from: AsOf, to: AsOf | undefined, signal: AbortSignal): Promise<AskedRange> {
  const latest = await log.update(signal)
  const first = await firstVersion(log, from, signal)
  const last = to === undefined ? latest.version : (await stateAsOf(log, to, signal)).version
  if (first <= last) return { from: first, to: last }
  // Between two instants there may be no version, which is no mistake.
  if (isInstant(from) && to !== undefined && isInstant(to) && instantOf(from) <= instantOf(to)) return { emptyAt: last }
  throw new UsageError('INVALID_ARGUMENT', `The changes would begin at version ${first} and end before it, at version ${last}.`, {
    remedy: 'Give a from that is not later than to.',
    data: { from: first, to: last },
  })
}

/** From where the bookmark stands; where that is behind the end, there is nothing new. */
async function rangeSince(
  log: DeltaLog,
  stood: number | undefined,
  { from, to, sinceLast: name }: ChangesOptions,
  signal: AbortSignal,
): Promise<AskedRange> {
  if (stood === undefined && from !== undefined) return rangeOf(log, from, to, signal)
  const latest = await log.update(signal)
  if (stood !== undefined && stood > latest.version + 1) {
    throw new VersionNotFoundError(
      'VERSION_NOT_FOUND',
      `The bookmark ${name} of ${log.store.root} stands behind version ${stood - 1}, and the newest version is ${latest.version}: the table is not the one that was read.`,
      { remedy: 'Begin again with a bookmark of another name.', data: { bookmark: name!, stood, latest: latest.version } },
    )
  }
  const last = to === undefined ? latest.version : (await stateAsOf(log, to, signal)).version
  const first = stood ?? (await firstWithFeed(log, last, signal))
  return first <= last ? { from: first, to: last } : { emptyAt: last }
}

async function firstVersion(log: DeltaLog, from: AsOf, signal: AbortSignal): Promise<number> {
  const { latest } = log
  if (!isInstant(from)) {
    const version = typeof from === 'number' ? from : 'version' in from ? from.version : (await stateAsOf(log, from, signal)).version
    if (Number.isSafeInteger(version) && version >= 0 && version <= latest.version) return version
    throw await log.versionNotFound(version, signal)
  }
  const instant = instantOf(from)
  const before = await versionAt(log.store, latest, instant - 1, signal)
  const first = before === undefined ? ((await earliestCommit(log.store, signal)) ?? latest.version) : before + 1
  if (first <= latest.version) return first
  throw await log.versionNotFound(`A version committed at or after ${new Date(instant).toISOString()}`, signal)
}

type Instant = Extract<AsOf, { readonly timestamp: unknown }>

function isInstant(point: AsOf): point is Instant {
  return typeof point === 'object' && point !== null && 'timestamp' in point
}

/** @throws UsageError INVALID_TIMESTAMP */
function instantOf({ timestamp }: Instant): number {
  const instant = typeof timestamp === 'string' ? parseInstant(timestamp) : timestamp
  if (instant instanceof Date && !Number.isNaN(instant.getTime())) return instant.getTime()
  throw new UsageError('INVALID_TIMESTAMP', `${String(timestamp)} is no timestamp.`, { remedy: 'Pass a Date, or ISO text with a zone.' })
}
