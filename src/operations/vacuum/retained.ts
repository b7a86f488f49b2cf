/**
 * Which versions stay: the newest, those that were the newest at some time since the age, and those that something holds. A version ends,
 * so to say, when the next one is committed: as of any instant since then the table stays readable.
 */
import { LogError } from '../../errors/index.ts'
import { type DeltaLog, readableRange, versionAt } from '../../log/index.ts'
import type { Hold } from '../../refs/holds.ts'

/** A range of versions, both meant. */
export interface VersionSpan {
  readonly from: number
  readonly to: number
}

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
  const { store } = log
  const state = await log.update(signal)
  const latest = state.version
  const earliest = Math.min(latest, (await readableRange(store, signal))?.earliest ?? latest)
  const missing = holds.find(({ version }) => version < earliest || version > latest)
  if (missing) throw missingVersion(store.root, missing, earliest, latest)
  const oldestSince = async (time: number): Promise<number> => {
    const version = await versionAt(store, state, time, signal)
    return Math.min(latest, Math.max(earliest, version ?? earliest))
  }
  const young = await oldestSince(before.files)
  const held = [...new Set(holds.map(({ version }) => version).filter((version) => version < young))].sort((a, b) => a - b)
  const byAge = before.log === before.files ? young : Math.min(young, await oldestSince(before.log))
  return { earliest, latest, young, held, cut: Math.min(byAge, held[0] ?? byAge), ended: endedSpans(earliest, young, held) }
}

/** The versions from `earliest` to before `young` that are not held. */
function endedSpans(earliest: number, young: number, held: readonly number[]): VersionSpan[] {
  const spans: VersionSpan[] = []
  let from = earliest
  for (const version of [...held, young]) {
    if (version > from) spans.push({ from, to: version - 1 })
    from = version + 1
  }
  return spans
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
