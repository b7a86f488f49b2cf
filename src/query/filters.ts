/**
 * The conditions of a SELECT that can choose files: those of its WHERE clause, and of its joins' ON clauses, turned into predicates
 * over columns as they were written. Which table a column is of is settled later, when the tables' schemas are known
 * (`bindFilter`); in doubt it is of none, and the condition chooses nothing.
 *
 * A condition may thin out a table before the joins only where a row that fails it can never show in the result: on both sides of
 * inner joins, on the side of an outer join that is kept whole, never below a sample, nor where joins go by position or by nearest.
 */
import { type ColumnPath, mapPredicate, type PredicateOf } from '../data/prune/predicate.ts'
import type { StructType } from '../schema/types.ts'
import { asciiLower, isNode, type Node, textOf, textsOf } from './ast.ts'
import { conjuncts, type NamedColumn, type NamedPredicate, predicateOf } from './conditions.ts'
import type { FilterValue } from './values.ts'

/** A condition of one SELECT. */
export interface Filter {
  readonly predicate: NamedPredicate
  /** What stands in FROM, left to right. */
  readonly items: readonly FromItem[]
  /** The tables that the condition may thin out. */
  readonly targets: ReadonlySet<Node>
  /** Columns that a USING clause made one, where the leftmost table's value is the one that counts. */
  readonly merged: ReadonlySet<string>
}

/** One thing in FROM that columns can be of. */
interface FromItem {
  /** The alias, or the name, in lower case. */
  readonly name: string
  readonly node: Node
}

/** The conditions of a SELECT node, before the walk has changed it. */
export function filtersOfSelect(select: Node): Filter[] {
  if (isNode(select.sample) || !isNode(select.from_table)) return []
  const items: FromItem[] = []
  const using: Using = { merged: new Set(), plain: true }
  collect(select.from_table, items, using)
  const merged = using.plain ? using.merged : new Set<string>()
  const filters: Filter[] = []
  const add = (condition: unknown, targets: ReadonlySet<Node>) => {
    if (!isNode(condition) || targets.size === 0) return
    for (const term of conjuncts(condition)) {
      const predicate = predicateOf(term)
      if (predicate.op !== 'unknown') filters.push({ predicate, items, targets, merged })
    }
  }
  add(select.where_clause, new Set(keptWhole(select.from_table)))
  for (const join of joins(select.from_table)) add(join.condition, new Set(thinnedByOn(join)))
  return filters
}

/** The predicate over the columns of one table, or `undefined` where the condition says nothing of it. `schemaOf` gives the tables' schemas. */
export function bindFilter(
  filter: Filter,
  target: Node,
  schemaOf: (node: Node) => StructType | undefined,
): PredicateOf<ColumnPath, FilterValue> | undefined {
  if (!filter.targets.has(target)) return undefined
  let bound = false
  const predicate = mapPredicate(
    filter.predicate,
    (column) => {
      const path = resolveColumn(filter, column, target, schemaOf)
      bound ||= path !== undefined
      return path && { kind: 'column', column: { path } }
    },
    (value) => value,
  )
  return bound ? predicate : undefined
}

function resolveColumn(
  filter: Filter,
  { names }: NamedColumn,
  target: Node,
  schemaOf: (node: Node) => StructType | undefined,
): readonly string[] | undefined {
  const [first = '', second] = names
  const named = filter.items.filter((item) => item.name === asciiLower(first))
  if (second !== undefined && named.length > 0) {
    const schema = named.length === 1 && named[0]!.node === target ? schemaOf(target) : undefined
    // A column that has the table's name as well could be meant instead.
    if (schema === undefined || fieldOf(schema, first) !== undefined) return undefined
    return pathOf(schema, names.slice(1))
  }
  const owners: Node[] = []
  for (const { node } of filter.items) {
    const schema = schemaOf(node)
    if (schema === undefined) return undefined
    if (fieldOf(schema, first) !== undefined) owners.push(node)
  }
  if (owners[0] !== target || (owners.length > 1 && !filter.merged.has(asciiLower(first)))) return undefined
  return pathOf(schemaOf(target)!, names)
}

function pathOf(schema: StructType, names: readonly string[]): readonly string[] | undefined {
  const [first, ...rest] = names
  if (first === undefined) return []
  const field = fieldOf(schema, first)
  if (field === undefined) return undefined
  if (rest.length === 0) return [field.name]
  if (typeof field.type === 'string' || field.type.type !== 'struct') return undefined
  const inner = pathOf(field.type, rest)
  return inner === undefined ? undefined : [field.name, ...inner]
}

function fieldOf(schema: StructType, name: string) {
  return schema.fields.find((field) => asciiLower(field.name) === asciiLower(name))
}

interface Using {
  readonly merged: Set<string>
  /** Whether every join is inner or left, so that the leftmost table has the value of a merged column. */
  plain: boolean
}

function collect(table: Node, items: FromItem[], using: Using): void {
  if (textOf(table.type) !== 'JOIN') {
    items.push({ name: asciiLower(textOf(table.alias) || textOf(table.table_name)), node: table })
    return
  }
  if (isNode(table.left)) collect(table.left, items, using)
  // What a semi or an anti join looks up is not in scope behind it.
  if (isNode(table.right)) collect(table.right, items, using)
  for (const name of textsOf(table.using_columns)) using.merged.add(asciiLower(name))
  using.plain &&= ['INNER', 'LEFT'].includes(textOf(table.join_type)) && ['REGULAR', 'CROSS'].includes(textOf(table.ref_type))
}

function* joins(table: Node): Generator<Node> {
  if (textOf(table.type) !== 'JOIN') return
  yield table
  if (isNode(table.left)) yield* joins(table.left)
  if (isNode(table.right)) yield* joins(table.right)
}

/** The tables whose rows show in the result only as themselves: a WHERE clause may thin them out first. */
function keptWhole(table: unknown): Node[] {
  if (!isNode(table)) return []
  if (textOf(table.type) !== 'JOIN') return isPlainTable(table) ? [table] : []
  const { left, right } = sides(table)
  return [...(left ? keptWhole(table.left) : []), ...(right ? keptWhole(table.right) : [])]
}

function sides(join: Node): { left: boolean; right: boolean } {
  const type = textOf(join.join_type)
  const ref = textOf(join.ref_type)
  if (ref === 'ASOF') return { left: type === 'INNER' || type === 'LEFT', right: false }
  if (!['REGULAR', 'CROSS', 'NATURAL'].includes(ref)) return { left: false, right: false }
  return { left: ['INNER', 'LEFT', 'SEMI', 'ANTI'].includes(type), right: type === 'INNER' || type === 'RIGHT' }
}

/** The tables that a join's own ON clause may thin out: a row that fails it finds no partner, and is not kept without one. */
function thinnedByOn(join: Node): Node[] {
  if (textOf(join.ref_type) !== 'REGULAR') return []
  const type = textOf(join.join_type)
  const left = ['INNER', 'RIGHT', 'SEMI'].includes(type) ? keptWhole(join.left) : []
  const right = ['INNER', 'LEFT', 'SEMI', 'ANTI'].includes(type) ? keptWhole(join.right) : []
  return [...left, ...right]
}

function isPlainTable(table: Node): boolean {
  return textOf(table.type) === 'BASE_TABLE' && !isNode(table.sample) && textsOf(table.column_name_alias).length === 0
}
