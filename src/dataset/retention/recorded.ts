/**
 * The version that records an ending which was interrupted afterwards: whoever goes on with it records it no second time.
 *
 * An ending is said first, recorded in the history then, and its files go last. So its record is younger than what was said, tells of these versions, and
 * comes after all of them.
 */
import {
  commitInfoOf,
  type DeltaLog,
  type Ender,
  type Ending,
  readCommitIfThere,
  spansOfText,
  type VersionSpan,
  withoutSpans,
} from '../../log/index.ts'

/** What an ending is known by. */
export interface EndingKind {
  readonly by: Ender
  readonly archive: string | null
  /** The operation of versions that record such endings. */
  readonly operation: string
}

/** The version that records that these versions end; `undefined` where none does, or they are not what an ending was interrupted at. @throws LogError; storage errors */
export async function recordOfInterrupted(
  log: DeltaLog,
  ended: readonly VersionSpan[],
  endings: readonly Ending[],
  { by, archive, operation }: EndingKind,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const last = ended.at(-1)
  const begun = endings.filter(
    (one) => !one.done && one.by === by && one.archive === archive && withoutSpans(ended, one.spans).length === 0,
  )
  if (last === undefined || begun.length === 0) return undefined
  const since = Math.min(...begun.map(({ time }) => time.getTime()))
  for (let version = log.latest.version; version > last.to; version -= 1) {
    const commit = await readCommitIfThere(log.store, version, signal)
    if (commit === undefined) return undefined
    const info = commitInfoOf(commit)
    const time = info.inCommitTimestamp ?? info.timestamp ?? Number.NEGATIVE_INFINITY
    const recorded = info.operation === operation && time >= since ? spansOfText(info.operationParameters?.ended ?? '') : []
    // What went with the log's beginning before the interruption is in the record alone.
    if (withoutSpans(ended, recorded).length === 0) return version
  }
  return undefined
}
