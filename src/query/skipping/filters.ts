/**
 * What the conditions of a SELECT say about what stands in its FROM clause: those of its WHERE clause, and of its joins' ON clauses, as
 * predicates over columns as they were written, each with the items that it may thin out; and the columns that are held to be equal, by
 * which a condition on one holds for the other. Which item a column is of is settled later, when the tables' schemas are known
 * (`pushdown.ts`); in doubt it is of none, and the condition chooses nothing.
 */
import { isNode, type Node } from '../sql/ast.ts'
import { columnOf, conjuncts, type NamedColumn, type NamedPredicate, predicateOf } from './conditions.ts'
import { type FromClause, fromClause, itemsUnder, keptWhole, thinnedByOn } from './joins.ts'

/** A condition of one SELECT. */
export interface Filter {
  readonly predicate: NamedPredicate
  /** The items that the condition may thin out. */
  readonly targets: ReadonlySet<Node>
}

/** Two columns that are equal in every row that counts, each among some items only; a condition on one thins out the other's item. */
export interface Equality {
  readonly left: EqualColumn
  readonly right: EqualColumn
  readonly targets: ReadonlySet<Node>
}

/** One side of an equality. `among`: the items that it can be of; default: all. */
export interface EqualColumn extends NamedColumn {
  readonly among?: ReadonlySet<Node>
}

/** A SELECT and its conditions. */
export interface SelectFilters {
  readonly select: Node
  readonly from: FromClause
  /** The items that a condition on the result of the joins may thin out. */
  readonly kept: ReadonlySet<Node>
  readonly filters: readonly Filter[]
  readonly equalities: readonly Equality[]
  /** Whether the filters are all that the WHERE clause says. */
  readonly complete: boolean
}

/** The conditions of a SELECT node, `undefined` where it has no FROM clause. */
export function filtersOfSelect(select: Node): SelectFilters | undefined {
  const table = select.from_table
  if (!isNode(table) || table.type === 'EMPTY') return undefined
  const from = fromClause(table)
  const filters: Filter[] = []
  const equalities: Equality[] = []
  // What is drawn from the rows is drawn before the WHERE clause.
  if (isNode(select.sample)) return { select, from, kept: new Set(), filters, equalities, complete: false }
  const kept = new Set(keptWhole(table))
  let complete = from.joins.length === 0
  const add = (condition: unknown, targets: ReadonlySet<Node>) => {
    if (!isNode(condition)) return
    if (targets.size === 0) {
      complete = false
      return
    }
    for (const term of conjuncts(condition)) {
      const predicate = predicateOf(term)
      if (predicate.op === 'unknown') complete = false
      else filters.push({ predicate, targets })
      const equal = from.items.length > 1 ? equalColumns(term) : undefined
      if (equal !== undefined) equalities.push({ ...equal, targets })
    }
  }
  add(select.where_clause, kept)
  for (const join of from.joins) add(join.condition, new Set(thinnedByOn(join)))
  for (const { name, join } of from.using) {
    const side = (part: unknown) => ({ names: [name], among: new Set(itemsUnder(part)) })
    equalities.push({ left: side(join.left), right: side(join.right), targets: new Set(thinnedByOn(join)) })
  }
  return { select, from, kept, filters, equalities, complete }
}

function equalColumns({ type, left, right }: Node): { readonly left: NamedColumn; readonly right: NamedColumn } | undefined {
  if (type !== 'COMPARE_EQUAL' || !isNode(left) || !isNode(right)) return undefined
  const [one, other] = [columnOf(left), columnOf(right)]
  return one === undefined || other === undefined ? undefined : { left: one, right: other }
}
