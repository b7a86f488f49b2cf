/**
 * Rows where they lie: which rows of some files fulfil a condition, deleted by a vector or not, for their bytes are there all the same.
 */
import type { RowSet } from '../../data/vectors/row-set.ts'
import type { Parameters } from '../../engine/index.ts'
import { gatherRows } from '../../operations/rows/taken-rows.ts'
import {
  type ListedFile,
  type QueryTarget,
  RowStatement,
  type SessionTable,
  type StoredFile,
  storedFiles,
  withWrittenFiles,
} from '../../query/index.ts'
import { asciiLower, isNode, textOf, textsOf } from '../../query/sql/ast.ts'
import { parseExpression } from '../../query/sql/expression.ts'
import { withParser } from '../../query/sql/parse.ts'

/** What is looked for. */
export interface Condition {
  /** An expression in DuckDB's SQL, in the columns of the target. */
  readonly where: string
  readonly params?: Parameters | undefined
  /** The table's name in it, and the table as its subqueries see it. */
  readonly name: string
  readonly self: SessionTable
}

/** Rows of a file. */
export interface MatchingFile {
  readonly stored: StoredFile
  readonly rows: RowSet
}

/**
 * Runs work on the files that hold such rows, which can be read meanwhile, each with its number of rows.
 * @throws QueryError SQL_ERROR, SQL_REFUSED; DataFileError for one that cannot be read
 */
export async function withMatchingFiles<T>(
  target: QueryTarget,
  files: readonly ListedFile[],
  { where, params, name, self }: Condition,
  work: (matching: readonly MatchingFile[], reads: RowStatement['reads']) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return withWrittenFiles(target, files, async (listed) => {
    const statement = await RowStatement.prepare(
      async ({ expression, table, file, row, select }) => select([file, row], table, await expression(where, 'The predicate')),
      { target: listed, alias: name, others: [self], params, signal },
    )
    try {
      const rows = statement.files.files.length === 0 ? new Map<number, RowSet>() : await gatherRows(statement, signal)
      const stored = await storedFiles(statement.files, (place) => rows.has(place))
      const matching = [...rows].map(([place, found]) => ({ stored: stored[place]!, rows: found }))
      return await work(matching, statement.reads)
    } finally {
      await statement.release()
    }
  })
}

/** The paths of the files that hold such rows. @throws what {@link withMatchingFiles} throws */
export function matchingPaths(
  target: QueryTarget,
  files: readonly ListedFile[],
  condition: Condition,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  return withMatchingFiles(target, files, condition, async (matching) => new Set(matching.map(({ stored }) => stored.path)), signal)
}

/** The names that a condition may mean columns by, in lower case. @throws QueryError SQL_ERROR */
export async function columnsOf(where: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item)
    if (!isNode(value)) return
    if (textOf(value.class) === 'COLUMN_REF') for (const name of textsOf(value.column_names)) names.add(asciiLower(name))
    for (const field of Object.values(value)) walk(field)
  }
  walk(await withParser((connection) => parseExpression(connection, where, 'The predicate')))
  return names
}
