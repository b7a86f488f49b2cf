/** Which versions of a table have all of their files: after a pull of one version others lack theirs. */
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { type Add, type DeltaLog, decodePath, parseActions, readableRange, type VersionSpan } from '../../log/index.ts'
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
  const lives = new Lives()
  for (const { add } of await liveFilesOf(log, earliest, signal)) lives.begin(add, earliest)
  for await (const commit of commitsOf(store, earliest + 1, latest, signal)) {
    const actions = [...parseActions(commit)]
    // What a commit adds is there, whatever it removes of the same name.
    for (const action of actions) if ('remove' in action) lives.end(action.remove, commit.version)
    for (const action of actions) if ('add' in action) lives.begin(action.add, commit.version)
  }
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

/** From which version to which each file is one of a version's. */
class Lives {
  readonly spans = new Map<string, { readonly from: number; to: number | undefined }[]>()

  begin(add: Pick<Add, 'path' | 'deletionVector'>, version: number): void {
    for (const key of keysOf(add)) {
      const spans = this.spans.get(key) ?? []
      this.spans.set(key, spans)
      // One that goes on, as a file that only gets another vector, is no new one.
      const last = spans.at(-1)
      if (last !== undefined && last.to === undefined) continue
      if (last?.to === version - 1) last.to = undefined
      else spans.push({ from: version, to: undefined })
    }
  }

  end(remove: Pick<Add, 'path' | 'deletionVector'>, version: number): void {
    for (const key of keysOf(remove)) {
      const last = this.spans.get(key)?.at(-1)
      if (last !== undefined && last.to === undefined) last.to = version - 1
    }
  }
}

function keysOf({ path, deletionVector }: Pick<Add, 'path' | 'deletionVector'>): string[] {
  const vector = deletionVector ? vectorPath(deletionVector) : undefined
  return [decodePath(path), ...(vector === undefined ? [] : [vector])]
}
