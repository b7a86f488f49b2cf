/**
 * What stands in a FROM clause, and which of it a condition may thin out before the joins: only what never shows in the result for a row
 * that fails the condition. That is so on both sides of inner joins and on the side of an outer join that is kept whole; never below a
 * sample, nor where joins go by position or by nearest.
 */
import { asciiLower, isNode, type Node, textOf, textsOf } from '../sql/ast.ts'

/** One thing in FROM that columns can be of. */
export interface FromItem {
  /** The alias, or the name, in lower case. */
  readonly name: string
  readonly node: Node
  /** Whether a join looks its rows up and shows none of them. */
  readonly hidden: boolean
}

/** A column that a USING clause makes one. */
export interface UsingColumn {
  readonly name: string
  readonly join: Node
}

/** A FROM clause, taken apart. */
export interface FromClause {
  /** Left to right. */
  readonly items: readonly FromItem[]
  readonly joins: readonly Node[]
  /** Columns that a USING clause made one, where the leftmost table's value is the one that counts; in lower case. */
  readonly merged: ReadonlySet<string>
  readonly using: readonly UsingColumn[]
  /** Whether `*` means the columns of each item in turn, without those of USING behind the first. */
  readonly starIsPlain: boolean
}

/** Takes a FROM clause apart. */
export function fromClause(table: Node): FromClause {
  const items: FromItem[] = []
  const joins: Node[] = []
  const using: UsingColumn[] = []
  let plain = true
  let named = true
  const visit = (node: Node, hidden: boolean): void => {
    if (textOf(node.type) !== 'JOIN') {
      items.push({ name: asciiLower(textOf(node.alias) || textOf(node.table_name)), node, hidden })
      return
    }
    joins.push(node)
    const type = textOf(node.join_type)
    if (isNode(node.left)) visit(node.left, hidden)
    if (isNode(node.right)) visit(node.right, hidden || type === 'SEMI' || type === 'ANTI')
    for (const name of textsOf(node.using_columns)) using.push({ name: asciiLower(name), join: node })
    plain &&= ['INNER', 'LEFT'].includes(type) && ['REGULAR', 'CROSS'].includes(textOf(node.ref_type))
    named &&= textOf(node.ref_type) !== 'NATURAL'
  }
  visit(table, false)
  const merged = new Set(plain ? using.map(({ name }) => name) : [])
  return { items, joins, merged, using, starIsPlain: named && (plain || using.length === 0) }
}

/** The items under a part of a FROM clause. */
export function itemsUnder(table: unknown): Node[] {
  if (!isNode(table)) return []
  return textOf(table.type) === 'JOIN' ? [...itemsUnder(table.left), ...itemsUnder(table.right)] : [table]
}

/** The items whose rows show in the result only as themselves: a WHERE clause may thin them out first. */
export function keptWhole(table: unknown): Node[] {
  if (!isNode(table) || isNode(table.sample)) return []
  if (textOf(table.type) !== 'JOIN') return ['BASE_TABLE', 'SUBQUERY'].includes(textOf(table.type)) ? [table] : []
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

/** The items that a join's own ON clause may thin out: a row that fails it finds no partner, and is not kept without one. */
export function thinnedByOn(join: Node): Node[] {
  if (textOf(join.ref_type) !== 'REGULAR') return []
  const type = textOf(join.join_type)
  const left = ['INNER', 'RIGHT', 'SEMI'].includes(type) ? keptWhole(join.left) : []
  const right = ['INNER', 'LEFT', 'SEMI', 'ANTI'].includes(type) ? keptWhole(join.right) : []
  return [...left, ...right]
}
