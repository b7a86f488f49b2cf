/**
 * Files that were written before rows were tracked get ids when that begins (§Row Tracking): they are added again, as they are, and the
 * commit gives each the next ids. No row changes by it.
 */
import { UnsupportedFeatureError } from '../../errors/index.ts'
import type { Action, DeltaLog, TableState } from '../../log/index.ts'

/**
 * The actions that give ids to all files of a version that have none.
 * @throws UnsupportedFeatureError where the log does not say how many rows a file has, which decides how many ids it takes
 */
export async function backfill(log: DeltaLog, state: TableState, signal?: AbortSignal): Promise<Action[]> {
  const files = await (await log.files(state)).liveFiles(undefined, signal)
  return files
    .filter(({ add }) => add.baseRowId === undefined || add.baseRowId === null)
    .map(({ add, path, numRecords }) => {
      if (numRecords === undefined) throw uncounted(log.store.root, path)
      return { add: { ...add, dataChange: false } }
    })
}

function uncounted(root: string, path: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    'UNSUPPORTED_FEATURE',
    `Rows of ${root} cannot be tracked: the log does not say how many the file ${path} has.`,
    {
      remedy: 'Write the file anew with an engine that keeps statistics, and run it again.',
      data: { feature: 'rowTracking', root, path },
    },
  )
}
