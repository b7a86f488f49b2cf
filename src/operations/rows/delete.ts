/**
 * DELETE: takes rows away for which a predicate is true; one for which it gives NULL stays.
 *
 *   predicate ─ files that the log knows to fulfil it as a whole: removed unopened
 *             ─ files that may hold such rows: the rows' numbers ─ vectors, or files rewritten (`taken-rows.ts`) ─ one commit
 *
 * What happened is told by removes and vectors themselves. Only where a file is rewritten does the change feed need files of its own, and
 * they then tell all that the version deleted.
 */
import type { Parameters } from '../../engine/index.ts'
import type { DeltaLog, LiveFile } from '../../log/index.ts'
import { RowStatement, storedFiles, zonesOf } from '../../query/index.ts'
import type { FileChange, FileChanges, Reads } from '../../transaction/index.ts'
import type { CommitResult, WritingOptions } from '../written.ts'
import { commitVerb, takeBack } from './commit-verb.ts'
import { decideFiles, gatherRows, staying, sum, type TakenRows, takenAlone, takenMetrics } from './taken-rows.ts'
import { beginVerb, unchanged, type VerbGround } from './verb.ts'
import { type Written, writeStaying, writeStoredChanges } from './write-rows.ts'

/** Options of a delete. */
export interface DeleteOptions extends WritingOptions {
  /** Which rows, as an expression in DuckDB's SQL. Default: all. A row for which it gives NULL stays. */
  readonly where?: string | undefined
  /** Values for the parameters of `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
}

const operation = 'DELETE'

/** What is to go. */
export interface Deletion {
  readonly files: readonly FileChange[]
  readonly taken: readonly TakenRows[]
  readonly reads: Reads
  readonly written: Written
}

/**
 * Deletes rows. Where none fulfils the predicate and there is no transaction id to record, no version is made.
 * @throws QueryError SQL_ERROR, SQL_REFUSED for the predicate; ConflictError; UsageError APPEND_ONLY; what `append` throws besides
 */
export async function deleteRows(log: DeltaLog, options: DeleteOptions = {}): Promise<CommitResult> {
  const begun = await beginVerb(log, operation, options)
  if ('result' in begun) return begun.result
  const { ground } = begun
  const { where } = options
  const deletion = where === undefined ? await everything(ground) : await matching(ground, where, options)
  const { files, taken, reads, written } = deletion
  const metrics = metricsOf(files, taken, written)
  if (files.length === 0 && !ground.txn) return unchanged(ground.state, operation, false, metrics)
  const parameters = { predicate: JSON.stringify(where === undefined ? [] : [where]) }
  // What change files tell of deleted rows must be so, whatever others delete meanwhile.
  const changes = { files, mayBeGone: written.changeFiles.length === 0, dataChange: true }
  const measure = (rebased: FileChanges) => metricsOf(rebased.files, taken, written)
  return commitVerb(ground, { operation, parameters, metrics, measure, changes, reads, isBlindAppend: false }, written, options)
}

/** All rows: every file goes as a whole. */
export async function everything({ log, state, target }: VerbGround): Promise<Deletion> {
  const files = await (await log.files(state)).liveFiles()
  const reads = { rows: { predicate: undefined, table: zonesOf(target) }, deletesMatter: false }
  return { files: files.map((file) => ({ file, rows: 'all' })), taken: [], reads, written: { files: [], changeFiles: [] } }
}

/** The rows for which a predicate is true. What is written for them is the caller's to take back. */
export async function matching(ground: VerbGround, where: string, { params, signal }: DeleteOptions): Promise<Deletion> {
  const { log, state, target, name, self, vectors, changeFeed } = ground
  const statement = await RowStatement.prepare(
    async ({ expression, table, file, row, select }) => select([file, row], table, await expression(where, 'The predicate')),
    { target, alias: name, others: [self], params, takeWholeFiles: vectors || !changeFeed, signal },
  )
  const written: Written = { files: [], changeFiles: [] }
  try {
    const rows = statement.files.files.length === 0 ? new Map() : await gatherRows(statement, signal)
    const list = await log.files(state)
    const stored = await storedFiles(statement.files, (place) => rows.has(place))
    const paths = [...[...rows.keys()].map((place) => stored[place]!.path), ...statement.wholeFiles]
    const live = new Map((await list.liveFiles(paths, signal)).map((file) => [file.path, file]))
    const taken = decideFiles(stored, rows, live, { vectors, rewriteDead: !changeFeed })
    const replaced = taken.filter((one) => one.rows === 'replaced')
    await writeStaying(ground, replaced.map(staying), written, signal)
    if (changeFeed && replaced.length > 0) await writeStoredChanges(ground, taken.map(takenAlone), 'delete', written, signal)
    const whole = [...statement.wholeFiles].map((path): FileChange => ({ file: live.get(path)!, rows: 'all' }))
    return {
      files: [...whole, ...taken],
      taken,
      reads: statement.reads,
      written,
    }
  } catch (error) {
    await takeBack(ground, written)
    throw error
  } finally {
    await statement.release()
  }
}

/** Counts under the names of Spark's history. */
function metricsOf(files: readonly FileChange[], taken: readonly TakenRows[], written: Written): Record<string, number> {
  const rowsOf = new Map(taken.map(({ file, taken: rows }) => [file.path, rows]))
  const deleted = files.map(({ file, rows }) => {
    if (typeof rows !== 'string') return rows.size
    const some = rows === 'replaced' ? rowsOf.get(file.path) : 'all'
    return some === undefined || some === 'all' ? liveRows(file) : some.size
  })
  const known = deleted.filter((rows) => rows !== undefined)
  return { ...(known.length === deleted.length ? { numDeletedRows: sum(known) } : {}), ...takenMetrics(files, written, 0) }
}

/** Rows of a file that are not deleted; `undefined` where the log does not say. */
export function liveRows({ numRecords, add }: LiveFile): number | undefined {
  return numRecords === undefined ? undefined : numRecords - Number(add.deletionVector?.cardinality ?? 0)
}
