/** The files that a predicate names as a whole: what an optimize is kept to. */
import type { Parameters } from '../../engine/index.ts'
import { UsageError } from '../../errors/index.ts'
import { RowStatement, storedFiles } from '../../query/index.ts'
import { gatherRows } from '../rows/taken-rows.ts'
import type { VerbGround } from '../rows/verb.ts'

/**
 * The paths of files of which every row fulfils a predicate. What the log does not decide is looked up in the files.
 * @throws UsageError INVALID_ARGUMENT where the predicate is true for some rows of a file and not for others; QueryError
 */
export async function wholeFiles(
  { target, name, self, state, log }: VerbGround,
  where: string,
  params: Parameters | undefined,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const statement = await RowStatement.prepare(
    async ({ expression, table, file, row, select }) => select([file, row], table, await expression(where, 'The predicate')),
    { target, alias: name, others: [self], params, takeWholeFiles: true, signal },
  )
  try {
    const rows = statement.files.files.length === 0 ? new Map() : await gatherRows(statement, signal)
    const stored = await storedFiles(statement.files, (place) => rows.has(place))
    const paths = new Set(statement.wholeFiles)
    for (const [place, { size }] of rows) {
      const { path, numRecords, deletionVector } = stored[place]!
      if (size < numRecords! - Number(deletionVector?.cardinality ?? 0)) throw parted(path, where, state.version, log.store.root)
      paths.add(path)
    }
    return paths
  } finally {
    await statement.release()
  }
}

function parted(path: string, where: string, version: number, root: string): UsageError {
  return new UsageError(
    'INVALID_ARGUMENT',
    `The predicate ${where} is true for some rows of the file ${path} of version ${version} of ${root} and not for others, so it names no files to optimize.`,
    { remedy: 'Use partition columns in it, or bounds that no file crosses.', data: { path, version, table: root } },
  )
}
