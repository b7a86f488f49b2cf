/**
 * The order in which versions end, whoever ends them: it is said first, then what holds them is looked at once more, and only then anything
 * is deleted.
 */
import { ConflictError } from '../../errors/index.ts'
import { type Ender, type Ending, endedBy, isInSpans, type VersionSpan, withoutSpans } from '../../log/index.ts'
import { beginEnding, finishEnding, withdrawEnding } from '../../refs/endings.ts'
import { type Hold, readHolds } from '../../refs/holds.ts'
import type { ObjectStore } from '../../storage/object-store.ts'

/** Versions that end alike. */
export interface EndingGroup {
  readonly by: Ender
  readonly spans: readonly VersionSpan[]
  /** The location of the archive that has them; `null`: they are dropped. */
  readonly archive: string | null
}

/** Versions that end. */
export interface EndingPlan {
  /** Those that are not said to have ended for good. */
  readonly groups: readonly EndingGroup[]
  /** All that do not stay: none of them may have come to be held. */
  readonly notHeld: readonly VersionSpan[]
  /** Whether a hold on them counts. Default: every one does. */
  readonly counts?: ((hold: Hold) => boolean) | undefined
}

/**
 * Versions that do not stay, without those that have ended for good: what another ender was interrupted at, or is at work on, stays as it began, since
 * its files may be gone, or be in its archive; the rest is the first group.
 */
export function endingGroups(
  notStaying: readonly VersionSpan[],
  endings: readonly Ending[],
  own: Omit<EndingGroup, 'spans'>,
): [EndingGroup, ...EndingGroup[]] {
  const ended = withoutSpans(
    notStaying,
    endedBy(endings, ({ done }) => done),
  )
  const begun = endings.filter(({ done, by, archive }) => !done && !(by === own.by && archive === own.archive))
  const others = begun.map(({ by, archive, spans }) => ({ by, archive, spans: withoutSpans(ended, withoutSpans(ended, spans)) }))
  return [{ ...own, spans: withoutSpans(ended, endedBy(begun)) }, ...others]
}

/**
 * Ends versions. `prepare` deletes nothing yet: where it fails, or something has come to hold one of the versions, all is as it was. `work` deletes;
 * where it fails, the versions have ended, and a later ending goes on with them.
 * @throws ConflictError HELD_MEANWHILE, ENDINGS_CHANGED; what `prepare` and `work` throw; storage errors
 */
export async function endVersions<T>(
  store: ObjectStore,
  plan: EndingPlan,
  prepare: () => Promise<void>,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const ids: string[] = []
  try {
    for (const group of plan.groups) if (group.spans.length > 0) ids.push(await beginEnding(store, group, signal))
    await checkHolds(store, plan, signal)
    await prepare()
  } catch (error) {
    for (const id of ids) await withdrawEnding(store, id)
    throw error
  }
  const result = await work()
  for (const id of ids) await finishEnding(store, id)
  return result
}

/** A hold made since on a version that ends. @throws ConflictError HELD_MEANWHILE */
async function checkHolds(store: ObjectStore, { notHeld, counts }: EndingPlan, signal: AbortSignal | undefined): Promise<void> {
  const hold = (await readHolds(store, signal)).find((one) => isInSpans(notHeld, one.version) && (counts?.(one) ?? true))
  if (!hold) return
  throw new ConflictError(
    'HELD_MEANWHILE',
    `Version ${hold.version} of ${store.root} has come to be held by ${hold.by}; nothing was deleted.`,
    {
      remedy: 'Run it again: the version will be kept.',
      data: { root: store.root, version: hold.version, by: hold.by },
    },
  )
}
