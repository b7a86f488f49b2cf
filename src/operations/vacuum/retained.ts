/**
 * Which versions stay: the newest, those that were the newest at some time since the age, and those that something holds. A version ends,
 * so to say, when the next one is committed: as of any instant since then the table stays readable.
 */
import { LogError } from '../../errors/index.ts'
import { type DeltaLog, readableRange, spansOf, type VersionSpan, versionAt, withoutSpans } from '../../log/index.ts'
import type { Hold } from '../../refs/holds.ts'

/** What stays, and what ends. */
export interface Retained {
  /** The oldest version that could be read before. */
  readonly earliest: number
  readonly latest: number
  /** All versions from this one on stay. */
  readonly young: number
  /** Older ones that stay, ascending. */
  readonly held: readonly number[]
  /** The log is needed from this version on. */
  readonly cut: number
  readonly ended: readonly VersionSpan[]
}

/**
 * Decides. Files of versions that were over before `files`, and log entries of those before `log` (milliseconds), are no longer needed for
 * their age. @throws LogError HELD_VERSION_MISSING
 */
export async function retainedVersions(
  log: DeltaLog,
  holds: readonly Hold[],
  before: { readonly files: number; readonly log: number },
  signal: AbortSignal | undefined,
): Promise<Retained> {
  const range = await versionsThere(log, holds, signal)
  const young = await newestSince(log, range, before.files, signal)
  const byAge = before.log === before.files ? young : Math.min(young, await newestSince(log, range, before.log, signal))
  return divided(range, holds, young, byAge)
}

/** Divides versions by the first that is young enough to stay for itself; `logFrom`: the first whose log entry is needed for its age. */
export function divided({ earliest, latest }: VersionRange, holds: readonly Hold[], young: number, logFrom = young): Retained {
  const held = [...new Set(holds.map(({ version }) => version).filter((version) => version < young))].sort((a, b) => a - b)
  const ended = young > earliest ? withoutSpans([{ from: earliest, to: young - 1 }], spansOf(held)) : []
  return { earliest, latest, young, held, cut: Math.min(logFrom, held[0] ?? logFrom), ended }
}

/** The versions that the log can give. */
export interface VersionRange {
  readonly earliest: number
  readonly latest: number
}

/** The readable versions, every held one among them. @throws LogError HELD_VERSION_MISSING */
export async function versionsThere(log: DeltaLog, holds: readonly Hold[], signal: AbortSignal | undefined): Promise<VersionRange> {
  const { store } = log
  const { version: latest } = await log.update(signal)
  const earliest = Math.min(latest, (await readableRange(store, signal))?.earliest ?? latest)
  const missing = holds.find(({ version }) => version < earliest || version > latest)
  if (missing) throw missingVersion(store.root, missing, earliest, latest)
  return { earliest, latest }
}

/** The version that was the newest at an instant (milliseconds), or the oldest that can be read. */
export async function newestSince(
  log: DeltaLog,
  { earliest, latest }: VersionRange,
  time: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const version = await versionAt(log.store, log.latest, time, signal)
  return Math.min(latest, Math.max(earliest, version ?? earliest))
}

function missingVersion(root: string, { version, by }: Hold, earliest: number, latest: number): LogError {
  return new LogError(
    'HELD_VERSION_MISSING',
    `Version ${version} of ${root} is held by ${by}, and cannot be read: versions ${earliest} to ${latest} can. Nothing was deleted.`,
    {
      remedy: 'Restore the log from a backup, or remove what holds the version.',
      data: { root, version, by, earliest, latest },
    },
  )
}
