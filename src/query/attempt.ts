/**
 * Running a prepared statement in one form after the other, and telling its failures in the user's words.
 *
 * Where a statement that names few columns is wrong, it is put again with all of them, so that DuckDB can say what is there. One whose
 * result is small, so that it fails here or not at all, is first put with the files read as they are written.
 */
import type { Value } from '../engine/index.ts'
import { DataFileError, QueryError, ValueError } from '../errors/index.ts'
import { damageOf, type ListedFile } from './relation/damaged-files.ts'
import type { QueryTarget } from './target.ts'

/** When lists of files are bound. */
export type BindPaths = 'always' | 'never' | 'with parameters'

/** A table of a query that runs, as far as a failure of one of its files needs to know it. */
export interface ReadTable {
  readonly target: Pick<QueryTarget, 'store' | 'version'>
  readonly files: readonly ListedFile[]
  /** Local paths of the files, in their order. */
  readonly pinned: { readonly paths: readonly string[] }
}

/** What can be put in several forms. */
export interface Attempted {
  /**
   * Its text and its parameters. `everyColumn` names all columns of the tables, for DuckDB's messages to know them; `bindPaths` binds the
   * lists of files, always, never, or beside other parameters: DuckDB opens a file twice where it can plan a statement before it has
   * its parameters. `asWritten` reads a file by its own schema where that is plain, which fails where the file lacks a column.
   */
  statement(form: { readonly everyColumn: boolean; readonly bindPaths: BindPaths; readonly asWritten?: boolean }): {
    readonly sql: string
    readonly values: Readonly<Record<string, Value>>
  }
  /** Whether the result is surely small. */
  readonly small: boolean
  /** Whether `everyColumn` makes a difference. */
  readonly narrowed: boolean
}

/** Runs the first form of a statement that is right. @throws the last failure */
export async function attempt<T>(
  query: Attempted,
  bindPaths: BindPaths,
  run: (sql: string, values: Readonly<Record<string, Value>>) => Promise<T>,
): Promise<T> {
  let failed: { readonly sql: string; readonly error: unknown } | undefined
  for (const form of formsOf(query, bindPaths)) {
    if (form.everyColumn && !(failed?.error instanceof QueryError && failed.error.code === 'SQL_ERROR')) break
    const { sql, values } = query.statement(form)
    if (sql === failed?.sql) continue
    try {
      return await run(sql, values)
    } catch (error) {
      if (!(error instanceof QueryError || error instanceof ValueError)) throw error
      failed = { sql, error }
    }
  }
  throw failed?.error
}

function formsOf({ small, narrowed }: Attempted, bindPaths: BindPaths) {
  const plain = { everyColumn: false, bindPaths }
  return [
    ...(small && bindPaths !== 'never' ? [{ ...plain, asWritten: true }] : []),
    plain,
    ...(narrowed ? [{ ...plain, everyColumn: true }] : []),
  ]
}

/** A failure in the user's words: a data file by its key and version, and no place in a text that the user did not write. */
export async function explained(error: unknown, query: { readonly tables: readonly ReadTable[] }): Promise<unknown> {
  if (error instanceof DataFileError) return damageOf(error, query.tables)
  if (error instanceof QueryError && 'line' in error.data) {
    const { line, column, ...data } = error.data
    return new QueryError(error.code, error.message, { remedy: error.remedy, data, cause: error.cause })
  }
  return error
}
