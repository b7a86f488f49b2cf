/**
 * Which versions stay by a policy, and why each does.
 *
 * A version that is nothing but the record of a retention has the rows of the one before it, so it does not count as one of the newest: else
 * each run would push another version out.
 */
import { commitInfoOf, type DeltaLog, readCommitIfThere, type VersionSpan } from '../../log/index.ts'
import { divided, newestSince, type Retained, versionsThere } from '../../operations/vacuum/retained.ts'
import type { Hold } from '../../refs/holds.ts'
import type { RetentionPolicy } from './policy.ts'

/** The operation of a version that records a retention. */
export const retainOperation = 'RETAIN'

const day = 86_400_000

/** Versions that stay, and why. */
export interface KeptVersions extends VersionSpan {
  readonly why: readonly string[]
}

/** What stays and what ends. */
export interface Division extends Retained {
  readonly kept: readonly KeptVersions[]
}

/** Divides the versions of a table; `now` is the store's time in milliseconds. @throws LogError HELD_VERSION_MISSING */
export async function divideVersions(
  log: DeltaLog,
  { keepLast, keepDays }: RetentionPolicy,
  holds: readonly Hold[],
  now: number,
  signal?: AbortSignal,
): Promise<Division> {
  const range = await versionsThere(log, holds, signal)
  const recent = await firstOfLast(log, range, keepLast ?? 1, signal)
  const young = keepDays === null ? range.latest : await newestSince(log, range, now - keepDays * day, signal)
  const division = divided(range, holds, Math.min(recent, young))
  const reasons = [
    { from: recent, why: keepLast === null || keepLast === 1 ? 'the newest' : `one of the newest ${keepLast}` },
    ...(keepDays === null
      ? []
      : [{ from: young, why: `the newest within ${keepDays === 1 ? 'the last day' : `the last ${keepDays} days`}` }]),
  ].sort((one, other) => one.from - other.from)
  const kept: KeptVersions[] = division.held.map((version) => ({
    from: version,
    to: version,
    why: holds.filter((hold) => hold.version === version).map(({ by }) => by),
  }))
  for (const [place, { from }] of reasons.entries()) {
    const to = (reasons[place + 1]?.from ?? range.latest + 1) - 1
    if (from <= to) kept.push({ from, to, why: reasons.slice(0, place + 1).map(({ why }) => why) })
  }
  return { ...division, kept }
}

/** The first of so many of the newest versions. */
async function firstOfLast(
  log: DeltaLog,
  { earliest, latest }: { readonly earliest: number; readonly latest: number },
  count: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let left = count
  for (let version = latest; version > earliest; version -= 1) {
    const commit = await readCommitIfThere(log.store, version, signal)
    if (commit !== undefined && commitInfoOf(commit).operation === retainOperation) continue
    left -= 1
    if (left === 0) return version
  }
  return earliest
}
