/** What a walk through a query found (`walk.ts`). */

import type { SelectFilters } from '../skipping/filters.ts'
import type { DerivedTable } from '../skipping/pushdown.ts'
import type { Node } from './ast.ts'

/** A base table as the query names it. */
export interface TableUse {
  /** The name in the query: a table of the session, or a quoted reference. */
  readonly name: string
  /** The name that stands for it in the tree. */
  readonly placeholder: string
  /** The AT clause, as it was written. */
  readonly at: { readonly unit: string; readonly expression: Node } | undefined
  /** The node in the tree. */
  readonly node: Node
}

/** A table function that opens files. */
export interface FileUse {
  readonly functionName: string
  /** The call: its first argument names the files. */
  readonly call: Node
}

/** What a walk found. */
export interface WalkResult {
  readonly tables: TableUse[]
  readonly files: FileUse[]
  /** Names that occur anywhere in the query where a column could be meant, in lower case. */
  readonly names: Set<string>
  /** Those of them that stand alone, and so may mean a whole row of a table. */
  readonly lone: Set<string>
  /** Whether columns are meant that are not named: a star, a natural join, a pivot, columns renamed by place. */
  everyColumn: boolean
  /** Whether something is described or summarised. */
  describes: boolean
  /** Whether rows can come from elsewhere than from tables: table functions, lists taken apart, recursion. */
  grows: boolean
  readonly parameters: Set<string>
  /** The conditions of each SELECT. */
  readonly selects: SelectFilters[]
  /** The queries in FROM clauses, those of WITH included, by the node that stands there. */
  readonly derived: Map<Node, DerivedTable>
}
