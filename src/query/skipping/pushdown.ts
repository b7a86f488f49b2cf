/**
 * What the conditions of a query say about each of its tables. A condition is asked of what stands in the FROM clause of its own SELECT;
 * from there it goes on:
 *
 * - into a query in FROM, and into a WITH query, as a condition on the rows that it reads, where nothing in between looks at other rows
 *   (`outputs.ts`). A WITH query that is read several times keeps what any of its readers may want.
 * - to the other side of a join, where it is about a column that equals one there.
 *
 * What cannot be carried over is unknown in the condition on the other side, so that it only ever gets weaker.
 */
import { type ColumnPath, columnsOf, mapOperand, mapPredicate, type Operand, type PredicateOf } from '../../data/prune/predicate.ts'
import type { DataType, StructType } from '../../schema/types.ts'
import { asciiLower, isNode, type Node, textOf, textsOf } from '../sql/ast.ts'
import type { NamedColumn, NamedOperand } from './conditions.ts'
import type { EqualColumn, SelectFilters } from './filters.ts'
import { fieldOf, type ItemColumn, pathIn, sameColumn } from './item-columns.ts'
import { ItemFields, isPlainSetOperation, letsConditionsThrough, type Output, outputsOf } from './outputs.ts'
import type { FilterValue } from './values.ts'

/** A query in FROM, or a WITH query that is read there. */
export interface DerivedTable {
  readonly query: Node
  /** Names that its columns are given. */
  readonly names: readonly string[]
}

/** The SELECTs of a query, and the queries in their FROM clauses by the node that stands there. */
export interface QueryConditions {
  readonly selects: readonly SelectFilters[]
  readonly derived: ReadonlyMap<Node, DerivedTable>
}

type ItemPredicate = PredicateOf<ItemColumn, FilterValue>

/** Two columns that are equal, and the items that a condition on the other side thins out. */
interface ResolvedEquality {
  readonly left: ItemColumn
  readonly right: ItemColumn
  readonly targets: ReadonlySet<Node>
}

interface EqualPair {
  readonly here: ItemColumn
  readonly there: ItemColumn
}

const asIs = (value: FilterValue) => value
const fieldsOfSchemas = new WeakMap<StructType, ItemFields>()

/** Carries the conditions of a query to its tables. */
export class Pushdown {
  readonly #conditions: QueryConditions
  readonly #schemas: ReadonlyMap<Node, StructType>
  readonly #fields = new Map<Node, ItemFields | undefined>()
  readonly #outputs = new Map<Node, readonly Output[] | undefined>()
  readonly #direct = new Map<Node, readonly ItemPredicate[]>()
  readonly #predicates = new Map<Node, readonly PredicateOf<ColumnPath, FilterValue>[]>()
  readonly #equalities = new Map<SelectFilters, readonly ResolvedEquality[]>()
  /** The set operation that a query is a side of. */
  readonly #above = new Map<Node, Node>()

  constructor(conditions: QueryConditions, schemas: ReadonlyMap<Node, StructType>) {
    this.#conditions = conditions
    this.#schemas = schemas
    for (const { query } of conditions.derived.values()) this.#linkSides(query)
  }

  /** Whether these are the schemas of the tables. */
  isOver(schemas: ReadonlyMap<Node, StructType>): boolean {
    if (schemas.size !== this.#schemas.size) return false
    for (const [table, schema] of schemas) if (this.#schemas.get(table) !== schema) return false
    return true
  }

  /** What the conditions say of a table; it holds for every row that the query needs. */
  predicatesOf(table: Node): readonly PredicateOf<ColumnPath, FilterValue>[] {
    const schema = this.#schemas.get(table)
    if (schema === undefined) return []
    const known = this.#predicates.get(table)
    if (known !== undefined) return known
    const predicates = this.#all(table).map((predicate) => mapPredicate(predicate, (column) => pathIn(schema, column), asIs))
    this.#predicates.set(table, predicates)
    return predicates
  }

  #linkSides(query: Node): void {
    if (query.type !== 'SET_OPERATION_NODE') return
    for (const side of [query.left, query.right]) {
      if (!isNode(side)) continue
      this.#above.set(side, query)
      this.#linkSides(side)
    }
  }

  #selectOf(item: Node): SelectFilters | undefined {
    return this.#conditions.selects.find(({ from }) => from.items.some(({ node }) => node === item))
  }

  /** The conditions on an item, those that equal columns bring from others included; `visited`: items that are asked already, on other ways. */
  #all(item: Node, visited = new Set([item])): readonly ItemPredicate[] {
    const within = this.#selectOf(item)
    if (within === undefined) return []
    const direct = this.#directly(item, within)
    if (within.equalities.length === 0) return direct
    const neighbours = new Map<Node, EqualPair[]>()
    for (const { left, right, targets } of this.#equalPairs(within)) {
      if (!targets.has(item) || (left.node === item) === (right.node === item)) continue
      const pair = left.node === item ? { here: left, there: right } : { here: right, there: left }
      if (!visited.has(pair.there.node)) neighbours.set(pair.there.node, [...(neighbours.get(pair.there.node) ?? []), pair])
    }
    for (const node of neighbours.keys()) visited.add(node)
    const carried: ItemPredicate[] = []
    for (const [node, pairs] of neighbours) {
      for (const predicate of this.#all(node, visited)) {
        for (const { here, there } of pairs) {
          const only = (column: ItemColumn) => (sameColumn(column, there) ? ({ kind: 'column', column: here } as const) : undefined)
          const moved = mapPredicate<ItemColumn, FilterValue, ItemColumn, FilterValue>(predicate, only, asIs)
          if (columnsOf(moved).length > 0) carried.push(moved)
        }
      }
    }
    return [...direct, ...carried]
  }

  /** The equal columns of a SELECT. Values of one type alone are equal to the letter. */
  #equalPairs(within: SelectFilters): readonly ResolvedEquality[] {
    const known = this.#equalities.get(within)
    if (known !== undefined) return known
    const pairs = within.equalities.flatMap(({ left, right, targets }) => {
      const [one, other] = [this.#resolve(within, left), this.#resolve(within, right)]
      if (one === undefined || other === undefined) return []
      const type = this.#typeOf(one)
      return typeof type === 'string' && type === this.#typeOf(other) ? [{ left: one, right: other, targets }] : []
    })
    this.#equalities.set(within, pairs)
    return pairs
  }

  /** The conditions on an item that stand in its own SELECT, or come from the queries around. */
  #directly(item: Node, within: SelectFilters): readonly ItemPredicate[] {
    const known = this.#direct.get(item)
    if (known !== undefined) return known
    const only = (column: ItemColumn | undefined): Operand<ItemColumn, FilterValue> | undefined =>
      column?.node === item ? { kind: 'column', column } : undefined
    const own = within.filters
      .filter(({ targets }) => targets.has(item))
      .map(({ predicate }) =>
        about(
          predicate,
          mapPredicate(predicate, (column) => only(this.#resolve(within, column)), asIs),
        ),
      )
    const outer = within.kept.has(item)
      ? this.#fromOutside(within).map((predicate) => about(predicate, mapPredicate(predicate, only, asIs)))
      : []
    const all = [...own, ...outer].filter((predicate) => predicate !== undefined)
    this.#direct.set(item, all)
    return all
  }

  /** The conditions of the queries around a SELECT, over the columns of its own items. */
  #fromOutside(within: SelectFilters): readonly ItemPredicate[] {
    const { select } = within
    if (this.#conditions.derived.size === 0 || !letsConditionsThrough(select)) return []
    let top = select
    let inSetOperation = false
    for (let above = this.#above.get(top); above !== undefined; above = this.#above.get(top)) {
      if (!isPlainSetOperation(above)) return []
      inSetOperation = true
      top = above
    }
    const readers = [...this.#conditions.derived].filter(([, { query }]) => query === top).map(([node]) => this.#all(node))
    if (readers.length === 0 || readers.some((predicates) => predicates.length === 0)) return []
    const [first = [], ...others] = readers
    const wanted: readonly ItemPredicate[] =
      others.length === 0 ? first : [{ op: 'or', terms: readers.map((terms) => ({ op: 'and', terms }) as const) }]
    const outputs = this.#outputsOf(within)
    if (outputs === undefined) return []
    const types = inSetOperation ? this.#fieldsOfQuery(top) : undefined
    return wanted.map((predicate) =>
      mapPredicate<ItemColumn, FilterValue, ItemColumn, FilterValue>(
        predicate,
        ({ index, fields }) => {
          // Sides of unlike types are cast to another.
          if (inSetOperation && (fields.length > 0 || typeof types?.list[index]?.type !== 'string')) return undefined
          return this.#operandOf(outputs[index], within, fields)
        },
        asIs,
      ),
    )
  }

  #operandOf(output: Output | undefined, within: SelectFilters, fields: readonly string[]): Operand<ItemColumn, FilterValue> | undefined {
    const from = output?.from
    if (from === undefined) return undefined
    if (from.kind === 'item') return { kind: 'column', column: { node: from.node, index: from.index, fields } }
    if (fields.length > 0 && from.kind !== 'column') return undefined
    return mapOperand(
      from,
      (named: NamedColumn) => {
        const column = this.#resolve(within, named)
        return column && { kind: 'column', column: { ...column, fields: [...column.fields, ...fields] } }
      },
      asIs,
    )
  }

  #outputsOf(within: SelectFilters): readonly Output[] | undefined {
    const { select, from } = within
    if (!this.#outputs.has(select)) {
      const outputs =
        from.starIsPlain || !holdsStar(select) ? outputsOf(select, from.items, from.merged, (node) => this.#fieldsOf(node)) : undefined
      this.#outputs.set(select, outputs)
    }
    return this.#outputs.get(select)
  }

  #fieldsOf(item: Node): ItemFields | undefined {
    if (!this.#fields.has(item)) this.#fields.set(item, this.#readFields(item))
    return this.#fields.get(item)
  }

  #readFields(item: Node): ItemFields | undefined {
    const derived = this.#conditions.derived.get(item)
    if (derived !== undefined) return this.#fieldsOfQuery(derived.query)?.renamed(derived.names)
    const schema = this.#schemas.get(item)
    if (schema === undefined) return undefined
    const fields = fieldsOfSchemas.get(schema) ?? new ItemFields(schema.fields)
    fieldsOfSchemas.set(schema, fields)
    return fields.renamed(textsOf(item.column_name_alias))
  }

  #fieldsOfQuery(query: Node): ItemFields | undefined {
    if (query.type === 'SET_OPERATION_NODE') {
      const left = isPlainSetOperation(query) && isNode(query.left) ? this.#fieldsOfQuery(query.left) : undefined
      const right = left !== undefined && isNode(query.right) ? this.#fieldsOfQuery(query.right) : undefined
      if (left === undefined || right?.list.length !== left.list.length) return undefined
      return new ItemFields(left.list.map(({ name, type }, index) => ({ name, type: commonType(type, right.list[index]!.type) })))
    }
    const within = this.#conditions.selects.find(({ select }) => select === query)
    const outputs = within === undefined ? undefined : this.#outputsOf(within)
    if (within === undefined || outputs === undefined) return undefined
    return new ItemFields(outputs.map(({ name, from }) => ({ name, type: this.#typeOfOutput(from, within) })))
  }

  #typeOfOutput(from: Output['from'], within: SelectFilters): DataType | undefined {
    if (from === undefined) return undefined
    if (from.kind === 'item') return this.#fieldsOf(from.node)?.list[from.index]?.type
    if (from.kind === 'value') return typeOfConstant(from)
    const column = from.kind === 'column' ? this.#resolve(within, from.column) : undefined
    return column && this.#typeOf(column)
  }

  #typeOf({ node, index, fields }: ItemColumn): DataType | undefined {
    let type = this.#fieldsOf(node)?.list[index]?.type
    for (const name of fields) type = typeof type === 'object' && type.type === 'struct' ? fieldOf(type, name)?.type : undefined
    return type
  }

  /** The column that a name means; `undefined` where it is none of the items', or that cannot be told. */
  #resolve({ from }: SelectFilters, { names, among }: EqualColumn): ItemColumn | undefined {
    const [first = '', second] = names
    const named = among === undefined && second !== undefined ? from.items.filter(({ name }) => name === asciiLower(first)) : []
    if (second !== undefined && named.length > 0) {
      const [{ node } = { node: {} }, ...others] = named
      const fields = others.length === 0 ? this.#fieldsOf(node) : undefined
      // A column that has the table's name as well could be meant instead.
      const index = fields?.place(first) === -1 ? fields.place(second) : undefined
      return index === undefined || index < 0 ? undefined : { node, index, fields: names.slice(2) }
    }
    let found: ItemColumn | undefined
    for (const { node } of from.items) {
      if (among !== undefined && !among.has(node)) continue
      const index = this.#fieldsOf(node)?.place(first)
      if (index === undefined) return undefined
      if (index < 0) continue
      if (found !== undefined && !from.merged.has(asciiLower(first))) return undefined
      found ??= { node, index, fields: names.slice(1) }
    }
    return found
  }
}

/** What is left of a predicate, if it still says something: columns are named in it, or none ever were. */
function about<Column>(predicate: PredicateOf<Column, FilterValue>, left: ItemPredicate): ItemPredicate | undefined {
  return columnsOf(left).length > 0 || columnsOf(predicate).length === 0 ? left : undefined
}

function holdsStar({ select_list: list }: Node): boolean {
  return (
    Array.isArray(list) &&
    list.some((expression) => isNode(expression) && expression.class === 'STAR' && textOf(expression.relation_name) === '')
  )
}

function commonType(one: DataType | undefined, other: DataType | undefined): DataType | undefined {
  if (one === 'void') return other
  return other === 'void' || one === other ? one : undefined
}

/** Constants of one kind have one type: whole numbers come out of a UNION as they went in. */
function typeOfConstant({ value }: Extract<NamedOperand, { kind: 'value' }>): DataType | undefined {
  if (value.kind !== 'constant') return undefined
  const { constant } = value
  if (constant === null) return 'void'
  if (constant?.kind === 'text') return 'string'
  if (constant?.kind === 'boolean') return 'boolean'
  return constant?.kind === 'number' && constant.error === undefined && Number.isInteger(constant.value) ? 'integer' : undefined
}
