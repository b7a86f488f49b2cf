/**
 * The rows that a verb takes away, and what becomes of each file that holds some: it goes as a whole where no row is left, it gets a vector,
 * or the rows that stay are written into other files, where vectors are off or would leave a large file mostly dead.
 */

import { RowSet } from '../../data/vectors/row-set.ts'
import { RowSets } from '../../data/vectors/row-sets.ts'
import type { Connection, Value } from '../../engine/index.ts'
import { QueryError } from '../../errors/index.ts'
import type { LiveFile } from '../../log/index.ts'
import type { RowStatement, StoredFile } from '../../query/index.ts'
import type { FileChange } from '../../transaction/index.ts'
import type { Written } from './write-rows.ts'

/** A file, the rows of it that go, and what becomes of it. */
export interface TakenRows extends FileChange {
  /** The same file to read from. */
  readonly stored: StoredFile
  /** The rows that go; `all` that are left of the file. */
  readonly taken: RowSet | 'all'
}

/** A file with at least so many rows is not left mostly dead: what is dead costs every reader. */
const worthRewriting = 10_000

const placesTable = 'varve_places'

/** Up to so many rows of files their places are kept in memory at once, were all of them to go: sixteen bytes each. */
const heldAtOnce = 8_000_000

/**
 * Gathers the rows that a statement gives, whose two columns are the place of a file and the number of a row. Where they could be many they are
 * kept in a table on the way: streamed, each piece of a file that holds a few of them would be a chunk of its own. @returns the rows by place
 */
export async function gatherRows(statement: RowStatement, signal: AbortSignal | undefined): Promise<ReadonlyMap<number, RowSet>> {
  const { connection, files } = statement
  if (files.rows !== undefined && files.rows <= heldAtOnce) {
    return statement.run((sql, values) => gather(connection, `SELECT COLUMNS(*)::DOUBLE FROM (${sql})`, values, signal, files.pinned.paths))
  }
  await statement.keep(placesTable, 'COLUMNS(*)::DOUBLE')
  try {
    return await gather(connection, `FROM ${placesTable}`, undefined, signal)
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${placesTable}`)
  }
}

/** The same of a query of our own; of one that reads `files` the result is held at once. */
export async function gather(
  connection: Connection,
  sql: string,
  values: Readonly<Record<string, Value>> | undefined,
  signal: AbortSignal | undefined,
  files?: readonly string[],
): Promise<ReadonlyMap<number, RowSet>> {
  const sets = new RowSets()
  const atOnce = files !== undefined
  for await (const batch of await connection.stream(sql, values, { signal, files, whole: atOnce, small: atOnce })) {
    const column = (index: number): BatchData => batch.getChildAt(index)!.data[0]!
    const [files, rows] = [column(0), column(1)]
    if (files.nullCount > 0 || rows.nullCount > 0) {
      throw new QueryError('SQL_ERROR', 'The engine gave a row without its place in a file.', { remedy: 'Report the statement.' })
    }
    sets.add(files.values, rows.values, batch.numRows)
  }
  return new Map(sets.sets())
}

interface BatchData {
  readonly values: Float64Array
  readonly nullCount: number
}

/** What becomes of the files whose rows are taken. `live`: the files as the log has them, by path; `rewriteDead`: also where they would be mostly dead. */
export function decideFiles(
  stored: readonly StoredFile[],
  taken: ReadonlyMap<number, RowSet>,
  live: ReadonlyMap<string, LiveFile>,
  { vectors, rewriteDead }: { readonly vectors: boolean; readonly rewriteDead: boolean },
): TakenRows[] {
  return [...taken].map(([place, rows]) => {
    const file = stored[place]!
    const known = { ...live.get(file.path)!, numRecords: file.numRecords ?? live.get(file.path)!.numRecords }
    const before = Number(file.deletionVector?.cardinality ?? 0)
    const total = known.numRecords
    if (total !== undefined && before + rows.size >= total) return { file: known, stored: file, rows: 'all', taken: 'all' }
    const mostlyDead = rewriteDead && total !== undefined && total >= worthRewriting && before + rows.size > total / 2
    if (vectors && !mostlyDead) return { file: known, stored: file, rows, taken: rows }
    return { file: known, stored: file, rows: 'replaced', taken: rows }
  })
}

/** A file with the rows of it that stay. */
export function staying({ stored, taken }: TakenRows): StoredFile {
  const before = stored.rows !== undefined && 'allBut' in stored.rows ? stored.rows.allBut : undefined
  if (taken === 'all') return { ...stored, rows: { only: RowSet.empty } }
  return { ...stored, rows: { allBut: before === undefined ? taken : before.union(taken) } }
}

/** A file with the rows of it that go. */
export function takenAlone({ stored, taken }: TakenRows): StoredFile {
  return taken === 'all' ? stored : { ...stored, rows: { only: taken } }
}

/** What happened to files, under the names of Spark's history; `fresh`: rows of the files written that are no copies. */
export function takenMetrics(files: readonly FileChange[], { files: added, changeFiles }: Written, fresh: number): Record<string, number> {
  const gone = files.filter(({ rows }) => typeof rows === 'string')
  return {
    numRemovedFiles: gone.length,
    numRemovedBytes: sum(gone.map(({ file }) => file.add.size)),
    numDeletionVectorsAdded: files.length - gone.length,
    numAddedFiles: added.length,
    numAddedBytes: sum(added.map(({ size }) => size)),
    numCopiedRows: sum(added.map(({ numRecords }) => numRecords)) - fresh,
    numAddedChangeFiles: changeFiles.length,
  }
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
