/** Which versions of a table have all of their files: after a pull of one version others lack theirs. */
import { type DeltaLog, readableRange, type VersionSpan } from '../../log/index.ts'
import { FileLives } from './file-lives.ts'
import { commitsOf, liveFilesOf } from './plan.ts'
import type { Presence } from './presence.ts'

/**
 * The versions from the earliest to the newest whose files are all there, as spans. Files are looked for by their names alone; `presence` is of
 * the table's store.
 * @throws LogError; storage errors
 */
export async function completeVersions(log: DeltaLog, presence: Presence, signal?: AbortSignal): Promise<VersionSpan[]> {
  const { store } = log
  const latest = log.latest.version
  const earliest = (await readableRange(store, signal))?.earliest ?? latest
  const lives = new FileLives(await liveFilesOf(log, earliest, signal), earliest)
  for await (const commit of commitsOf(store, earliest + 1, latest, signal)) lives.follow(commit)
  const absent = await presence.absentOf(lives.spans.keys(), signal)
  // Ends before beginnings: how many missing files each version has.
  const steps = new Map<number, number>()
  const step = (version: number, by: number) => steps.set(version, (steps.get(version) ?? 0) + by)
  for (const key of absent) {
    for (const { from, to } of lives.spans.get(key) ?? []) {
      step(from, 1)
      step((to ?? latest) + 1, -1)
    }
  }
  return wholeSpans(earliest, latest, steps)
}

/** The spans in which nothing is missing. */
function wholeSpans(earliest: number, latest: number, steps: ReadonlyMap<number, number>): VersionSpan[] {
  const spans: VersionSpan[] = []
  let missing = 0
  let begun: number | undefined = steps.has(earliest) ? undefined : earliest
  for (const version of [...steps.keys()].sort((a, b) => a - b)) {
    missing += steps.get(version)!
    if (missing > 0 && begun !== undefined) {
      if (version > begun) spans.push({ from: begun, to: version - 1 })
      begun = undefined
    } else if (missing === 0) begun ??= version
  }
  if (begun !== undefined && begun <= latest) spans.push({ from: begun, to: latest })
  return spans
}
