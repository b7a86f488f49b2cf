/** From a point in a table's history to the state of the version that it names. */
import { UsageError, VersionNotFoundError } from '../errors/index.ts'
import { CommitTimes, type DeltaLog, readCommit, type TableState, versionAt } from '../log/index.ts'
import { versionOfTag } from '../refs/tags.ts'
import { parseInstant } from './point.ts'

/** A point in a table's history: a version, the last commit at or before an instant, or a tag. */
export type AsOf = number | { readonly version: number } | { readonly timestamp: Date | string } | { readonly tag: string }

/**
 * The state at a point.
 * @throws VersionNotFoundError with the range that can be read, VERSION_ENDED where it was let go, or TAG_NOT_FOUND; UsageError
 * INVALID_TIMESTAMP, INVALID_ARGUMENT
 */
export async function stateAsOf(log: DeltaLog, point: AsOf, signal?: AbortSignal): Promise<TableState> {
  const at = typeof point === 'number' ? { version: point } : point
  if (typeof at !== 'object' || at === null) {
    throw new UsageError('INVALID_ARGUMENT', `${String(point)} is no point in a table's history.`, {
      remedy: 'Pass a version as a number, or one of { version }, { timestamp } and { tag }.',
    })
  }
  if ('tag' in at) return stateOf(log, await versionOfTag(log.store, at.tag, signal), signal)
  if ('version' in at) {
    if (!Number.isSafeInteger(at.version) || at.version < 0) throw await log.versionNotFound(at.version, signal)
    return stateOf(log, at.version, signal)
  }
  const instant = typeof at.timestamp === 'string' ? parseInstant(at.timestamp) : at.timestamp
  if (!(instant instanceof Date) || Number.isNaN(instant.getTime())) {
    throw new UsageError('INVALID_TIMESTAMP', `${String(at.timestamp)} is no timestamp.`, {
      remedy: 'Pass a Date, or ISO text with a zone.',
    })
  }
  const latest = await log.update(signal)
  const version = await versionAt(log.store, latest, instant.getTime(), signal)
  if (version === undefined) throw await tooEarly(log, latest, instant, signal)
  return stateOf(log, version, signal)
}

/** The error for an instant before all versions, with the time of the first that can be read. */
async function tooEarly(log: DeltaLog, latest: TableState, instant: Date, signal: AbortSignal | undefined): Promise<VersionNotFoundError> {
  const asked = instant.toISOString()
  const { code, message, remedy, data } = await log.versionNotFound(`The version at ${asked}`, signal)
  const first = await readCommit(log.store, Number(data.earliest), signal).catch(() => undefined)
  if (first === undefined) return new VersionNotFoundError(code, message, { remedy, data })
  const since = new Date(await new CommitTimes(log.store, latest).of(first, signal)).toISOString()
  return new VersionNotFoundError(code, `${message} The first of them was committed at ${since}.`, {
    remedy: `Ask for a version from ${data.earliest} to ${data.latest}, or for an instant from ${since} on.`,
    data: { ...data, asked, since },
  })
}

/** The log may still tell of a version whose files are gone. */
async function stateOf(log: DeltaLog, version: number, signal: AbortSignal | undefined): Promise<TableState> {
  const state = log.stateAt(version, signal)
  // Both ask the store, so they do it side by side; that the version ended says more than what cannot be read of it.
  state.catch(() => undefined)
  await log.checkNotEnded(version, signal)
  return state
}
