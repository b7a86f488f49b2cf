/**
 * The changed files of a range, some at a time, in the order of the versions. A window is what one query reads: as many files as are
 * read well together, of as many versions as they belong to; a version of many files is several windows.
 */
import { type ChangedFile, changesOf } from '../../log/changes.ts'
import { parseActions } from '../../log/commit.ts'
import type { CommitTimes } from '../../log/history.ts'
import type { Survey } from './survey.ts'

/** A changed file, and when it was changed. */
export interface TimedFile extends ChangedFile {
  readonly version: number
  /** Milliseconds since the epoch. */
  readonly time: number
}

/** Files of a window. */
const mostFiles = 1000

/** Bytes of a window's files, unless it is one file. */
const mostBytes = 64 * 2 ** 20

/** The same where it holds several versions: their rows must be sorted, which is not worth it for many. */
const mostSorted = 4 * 2 ** 20

/** The windows of a range; none where nothing changed. */
export async function* windowsOf(
  survey: Survey,
  times: CommitTimes,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly TimedFile[]> {
  let window: TimedFile[] = []
  let bytes = 0
  for await (const commit of survey.commits()) {
    const { version } = commit
    const { files, info } = changesOf(version, parseActions(commit))
    if (files.length === 0) continue
    const time = await times.of(commit, signal, info)
    for (const file of files) {
      const most = window[0]?.version === version ? mostBytes : mostSorted
      if (window.length === mostFiles || (window.length > 0 && bytes + file.size > most)) {
        yield window
        window = []
        bytes = 0
      }
      window.push({ ...file, version, time })
      bytes += file.size
    }
  }
  if (window.length > 0) yield window
}
