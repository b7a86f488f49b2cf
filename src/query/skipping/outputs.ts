/**
 * The columns that a query inside another gives, as far as each is a column of what stands in its own FROM clause, or computed from one so
 * that order is kept, or a constant; and where a condition on them can be asked of the rows before: not behind what looks at other
 * rows (windows, LIMIT, DISTINCT ON, samples).
 */
import type { DataType } from '../../schema/types.ts'
import { asciiLower, isNode, type Node, nodesOf, textOf, textsOf } from '../sql/ast.ts'
import { columnOf, type NamedOperand, operandOf } from './conditions.ts'
import type { FromItem } from './joins.ts'

/** A column of what stands in a FROM clause. */
export interface ItemField {
  /** `undefined`: a name that DuckDB makes from the expression. */
  readonly name: string | undefined
  /** `undefined` where it is not known. */
  readonly type: DataType | undefined
}

/** One column that a SELECT gives. */
export interface Output {
  readonly name: string | undefined
  /** How it comes from the items in FROM; by names, or as the column of one item. */
  readonly from: NamedOperand | { readonly kind: 'item'; readonly node: Node; readonly index: number } | undefined
}

/** Whether a condition on the columns that a SELECT gives can be asked of the rows that it reads. */
export function letsConditionsThrough(select: Node): boolean {
  return (
    select.type === 'SELECT_NODE' &&
    !isNode(select.sample) &&
    !isNode(select.qualify) &&
    onlyOrders(select) &&
    (!Array.isArray(select.group_sets) || select.group_sets.length <= 1) &&
    !nodesOf(select.select_list).some(holdsWindow)
  )
}

/** Whether a condition on the columns that a UNION, EXCEPT or INTERSECT gives can be asked of both sides. */
export function isPlainSetOperation(node: Node): boolean {
  return node.type === 'SET_OPERATION_NODE' && /^(UNION|EXCEPT|INTERSECT)$/.test(textOf(node.setop_type)) && onlyOrders(node)
}

function onlyOrders({ modifiers }: Node): boolean {
  return nodesOf(modifiers).every(
    ({ type, distinct_on_targets: targets }) =>
      type === 'ORDER_MODIFIER' || (type === 'DISTINCT_MODIFIER' && nodesOf(targets).length === 0),
  )
}

function holdsWindow(expression: Node): boolean {
  if (expression.class === 'WINDOW') return true
  return Object.values(expression).some((value) =>
    (Array.isArray(value) ? value.flat() : [value]).some((item) => isNode(item) && holdsWindow(item)),
  )
}

/** The columns that a SELECT gives, in order; `undefined` where they cannot be told. `fieldsOf` gives those of an item in FROM. */
export function outputsOf(
  select: Node,
  items: readonly FromItem[],
  merged: ReadonlySet<string>,
  fieldsOf: (node: Node) => ItemFields | undefined,
): readonly Output[] | undefined {
  const outputs: Output[] = []
  const list = nodesOf(select.select_list)
  for (const expression of list) {
    if (expression.class === 'STAR') {
      const columns = starOf(expression, items, merged, fieldsOf)
      if (columns === undefined) return undefined
      outputs.push(...columns)
    } else if (expression.class === 'FUNCTION' && /^unnest$/i.test(textOf(expression.function_name))) {
      return undefined
    } else {
      outputs.push({ name: nameOf(expression), from: aliasBefore(expression, list) ? undefined : operandOf(expression) })
    }
  }
  return outputs
}

function nameOf(expression: Node): string | undefined {
  const alias = textOf(expression.alias)
  return alias !== '' ? alias : expression.type === 'COLUMN_REF' ? textsOf(expression.column_names).at(-1) : undefined
}

/** `SELECT f(a) AS b, b`: the second may mean the first. */
function aliasBefore(expression: Node, list: readonly Node[]): boolean {
  const [name] = columnOf(expression)?.names ?? []
  return name !== undefined && list.some((other) => other !== expression && asciiLower(textOf(other.alias)) === asciiLower(name))
}

function starOf(
  star: Node,
  items: readonly FromItem[],
  merged: ReadonlySet<string>,
  fieldsOf: (node: Node) => ItemFields | undefined,
): Output[] | undefined {
  const { columns, expr, rename_list: renamed, qualified_exclude_list: qualified } = star
  if (columns === true || isNode(expr) || !isEmpty(renamed) || !isEmpty(qualified)) return undefined
  const relation = asciiLower(textOf(star.relation_name))
  const meant = items.filter(({ name, hidden }) => (relation === '' ? !hidden : name === relation))
  if (relation !== '' && meant.length !== 1) return undefined
  const left = new Set(textsOf(star.exclude_list).map(asciiLower))
  const replaced = new Map(nodesOf(star.replace_list).map(({ key, value }) => [asciiLower(textOf(key)), value]))
  const outputs: Output[] = []
  const seen = new Set<string>()
  for (const { node } of meant) {
    const fields = fieldsOf(node)
    if (fields === undefined) return undefined
    for (const [index, { name }] of fields.list.entries()) {
      const key = asciiLower(name ?? '')
      if (left.has(key) || (relation === '' && merged.has(key) && seen.has(key))) continue
      seen.add(key)
      outputs.push({ name, from: replaced.has(key) ? operandOf(replaced.get(key)) : { kind: 'item', node, index } })
    }
  }
  return outputs
}

function isEmpty(list: unknown): boolean {
  return !Array.isArray(list) || list.length === 0
}

/** The columns of what stands in a FROM clause, found by name. */
export class ItemFields {
  readonly list: readonly ItemField[]
  readonly #places = new Map<string, number>()
  readonly #unnamed: boolean
  readonly #repeated: boolean

  constructor(list: readonly ItemField[]) {
    this.list = list
    let named = 0
    for (const [index, { name }] of list.entries()) {
      if (name === undefined) continue
      const key = asciiLower(name)
      this.#places.set(key, this.#places.has(key) ? Number.NaN : index)
      named += 1
    }
    this.#unnamed = named < list.length
    this.#repeated = this.#places.size < named
  }

  /** Where a name stands, -1 where it does not; `undefined` where that cannot be told. */
  place(name: string): number | undefined {
    const place = this.#places.get(asciiLower(name)) ?? -1
    const made = this.#unnamed && !/^[a-z_]\w*$/i.test(name)
    // DuckDB numbers names that occur twice.
    const numbered = this.#repeated && /_\d+$/.test(name)
    return Number.isNaN(place) || made || numbered ? undefined : place
  }

  /** The same where the columns are given names behind an alias. */
  renamed(names: readonly string[]): ItemFields {
    return names.length === 0 ? this : new ItemFields(this.list.map((field, index) => ({ ...field, name: names[index] ?? field.name })))
  }
}
