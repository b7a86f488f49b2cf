/** The shorthand for the merge that most loads are: by key, updating what is there and inserting what is not. */
import { UsageError } from '../../errors/index.ts'
import { mergeAliases } from '../../query/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { MergeOptions } from './merge.ts'
import type { MergeClauses } from './merge-clauses.ts'

/** Options of an upsert. */
export interface UpsertOptions extends Omit<MergeOptions, keyof MergeClauses | 'params'> {
  /** The column, or the columns, whose values tell rows apart. Rows with NULL in one are always inserted. */
  readonly key: string | readonly string[]
}

/** The merge that an upsert by a key is. @throws UsageError INVALID_ARGUMENT */
export function upsertClauses(key: string | readonly string[]): MergeClauses {
  const columns = typeof key === 'string' ? [key] : key
  if (!Array.isArray(columns) || columns.length === 0 || !columns.every((name) => typeof name === 'string')) {
    throw new UsageError('INVALID_ARGUMENT', 'An upsert needs a key.', { remedy: "Give key: 'id', or the names of several columns." })
  }
  const { target, source } = mergeAliases
  const on = columns.map((name) => `${target}.${quoteIdentifier(name)} = ${source}.${quoteIdentifier(name)}`).join(' AND ')
  return { on, whenMatched: [{ update: 'all' }], whenNotMatched: [{ insert: 'all' }] }
}
