/**
 * Queries that need no row of their one table, but numbers of rows, counts, minima and maxima, and values of partition columns: all of
 * it the log may know. Such a query is written again over groups of rows in place of the table: `count(*)` becomes the sum of the
 * groups' numbers of rows, `min(a)` the least of their least, and everything around stays as it was.
 */
import { asciiLower, columnRef, isNode, type Node, nodesOf, textOf, textsOf } from '../sql/ast.ts'

/** An aggregate of the query, and the column of the groups that stands for it. */
export interface Aggregate {
  readonly of: 'rows' | 'count' | 'min' | 'max'
  /** The column as it was written; none for `rows`. */
  readonly names?: readonly string[]
  readonly placeholder: string
}

/** A query over groups of rows. */
export interface AggregateQuery {
  /** The statement: a copy, in which the table's placeholder stands for the groups. */
  readonly statement: Node
  readonly aggregates: readonly Aggregate[]
  /** Columns that are named outside aggregates: partition columns, or names that the query gives its own columns. */
  readonly plain: readonly (readonly string[])[]
  /** Those names, in lower case. */
  readonly aliases: ReadonlySet<string>
  /** The columns that DuckDB names after what they compute, by their place, with that expression. */
  readonly unnamed: ReadonlyMap<number, Node>
}

/** Functions besides operators that take values to a value, whatever the rows. */
const scalars =
  /^(abs|ceil|ceiling|coalesce|concat|date_diff|date_part|date_trunc|datediff|datepart|datetrunc|day|floor|format|greatest|hour|if|ifnull|least|left|length|lower|month|nullif|printf|quarter|replace|right|round|sign|strftime|substr|substring|trim|trunc|upper|week|year)$/i

class NotOfTheLog extends Error {}

/** The query over groups that a statement comes to, after its walk; `undefined` where it needs rows. `token` begins the names of the groups' columns. */
export function aggregateQuery(statement: Node, token: string): AggregateQuery | undefined {
  const select = isNode(statement.node) ? statement.node : {}
  const table = isNode(select.from_table) ? select.from_table : {}
  const simple =
    select.type === 'SELECT_NODE' &&
    table.type === 'BASE_TABLE' &&
    !isNode(table.sample) &&
    textsOf(table.column_name_alias).length === 0 &&
    !isNode(select.sample) &&
    !isNode(select.qualify) &&
    nodesOf(isNode(select.cte_map) ? select.cte_map.map : []).length === 0 &&
    nodesOf(select.modifiers).every(
      ({ type, distinct_on_targets: targets }) => type !== 'DISTINCT_MODIFIER' || nodesOf(targets).length === 0,
    )
  if (!simple || !mayAggregate(select)) return undefined
  const rewriter = new Rewriter(token)
  try {
    const list = nodesOf(select.select_list)
    const unnamed = new Map(
      list.flatMap((item, index) => (textOf(item.alias) === '' && item.class === 'FUNCTION' ? [[index, item] as const] : [])),
    )
    if (list.some((item) => textOf(item.alias) === '' && item.class !== 'COLUMN_REF' && !isAggregate(item))) return undefined
    const copy: Node = { ...select, where_clause: null }
    for (const field of ['select_list', 'group_expressions', 'having', 'modifiers']) copy[field] = rewriter.copy(select[field])
    const grouped = nodesOf(select.group_expressions).length > 0 || select.aggregate_handling === 'FORCE_AGGREGATES'
    const distinct = nodesOf(select.modifiers).some(({ type }) => type === 'DISTINCT_MODIFIER')
    if (!grouped && !distinct && rewriter.aggregates.length === 0) return undefined
    return {
      statement: { ...statement, node: copy },
      aggregates: rewriter.aggregates,
      plain: rewriter.plain,
      aliases: new Set(list.map(({ alias }) => asciiLower(textOf(alias))).filter((alias) => alias !== '')),
      unnamed,
    }
  } catch (error) {
    if (error instanceof NotOfTheLog) return undefined
    throw error
  }
}

/** Names the columns that DuckDB would name after what they compute. */
export function nameColumns({ statement, unnamed }: AggregateQuery, names: ReadonlyMap<number, string>): Node {
  const select = statement.node as Node
  const list = nodesOf(select.select_list).map((item, index) => (unnamed.has(index) ? { ...item, alias: names.get(index)! } : item))
  return { ...statement, node: { ...select, select_list: list } }
}

/** A look at the list alone, so that queries for rows cost nothing. */
function mayAggregate({ select_list: list, group_expressions: groups, aggregate_handling: handling, modifiers }: Node): boolean {
  const items = nodesOf(list)
  if (items.some((item) => item.class === 'STAR' || item.class === 'SUBQUERY' || item.class === 'WINDOW')) return false
  return (
    items.some((item) => item.class !== 'COLUMN_REF') ||
    nodesOf(groups).length > 0 ||
    handling === 'FORCE_AGGREGATES' ||
    nodesOf(modifiers).some(({ type }) => type === 'DISTINCT_MODIFIER')
  )
}

function isAggregate({ class: kind, function_name: name }: Node): boolean {
  return kind === 'FUNCTION' && /^(count_star|count|min|max)$/i.test(textOf(name))
}

class Rewriter {
  readonly aggregates: Aggregate[] = []
  readonly plain: (readonly string[])[] = []
  readonly #token: string

  constructor(token: string) {
    this.#token = token
  }

  /** A copy of what lies in a field, aggregates rewritten. @throws NotOfTheLog for what needs rows */
  copy(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.copy(item))
    if (!isNode(value)) return value
    if (typeof value.class === 'string') return this.#expression(value)
    return this.#fields(value)
  }

  #fields(node: Node): Node {
    return Object.fromEntries(Object.entries(node).map(([name, field]) => [name, this.copy(field)]))
  }

  #expression(node: Node): Node {
    switch (node.class) {
      case 'CONSTANT':
      case 'PARAMETER':
        return { ...node }
      case 'BETWEEN':
      case 'CASE':
      case 'CAST':
      case 'COMPARISON':
      case 'CONJUNCTION':
      case 'OPERATOR':
        return this.#fields(node)
      case 'COLUMN_REF':
        this.plain.push(textsOf(node.column_names))
        return { ...node }
      case 'FUNCTION':
        return this.#call(node)
      default:
        throw new NotOfTheLog()
    }
  }

  #call(node: Node): Node {
    const name = textOf(node.function_name)
    if (textOf(node.schema) !== '' || textOf(node.catalog) !== '') throw new NotOfTheLog()
    if (isAggregate(node)) return this.#aggregate(node)
    if (node.is_operator !== true && !scalars.test(name)) throw new NotOfTheLog()
    return this.#fields(node)
  }

  #aggregate(node: Node): Node {
    const name = textOf(node.function_name).toLowerCase()
    const [child, ...more] = nodesOf(node.children)
    const ordered = isNode(node.order_bys) && nodesOf(node.order_bys.orders).length > 0
    const extreme = name === 'min' || name === 'max'
    if (more.length > 0 || isNode(node.filter) || ordered || (node.distinct === true && !extreme)) throw new NotOfTheLog()
    const placeholder = `${this.#token}_a${this.aggregates.length}`
    const column = columnRef(placeholder)
    if (child === undefined) {
      if (extreme) throw new NotOfTheLog()
      this.aggregates.push({ of: 'rows', placeholder })
    } else {
      if (child.type !== 'COLUMN_REF') throw new NotOfTheLog()
      const of = name === 'min' ? 'min' : name === 'max' ? 'max' : 'count'
      this.aggregates.push({ of, names: textsOf(child.column_names), placeholder })
    }
    if (extreme) return { ...node, children: [column], distinct: false }
    // A sum of counts has a wider type, and is NULL where there are none.
    const sum = { ...node, alias: '', function_name: 'sum', children: [column] }
    const zero = {
      class: 'CONSTANT',
      type: 'VALUE_CONSTANT',
      alias: '',
      value: { type: { id: 'INTEGER', type_info: null }, is_null: false, value: 0 },
    }
    const counted = { class: 'OPERATOR', type: 'OPERATOR_COALESCE', alias: '', children: [sum, zero] }
    return {
      class: 'CAST',
      type: 'OPERATOR_CAST',
      alias: textOf(node.alias),
      child: counted,
      cast_type: { id: 'BIGINT', type_info: null },
      try_cast: false,
    }
  }
}
