/**
 * The walk through a query: every node is visited, with the names that CTEs hide in scope. What it makes of the tree:
 *
 * - each base table becomes a placeholder name, its old name kept as alias and its AT clause taken off; the placeholders are replaced
 *   in the text that DuckDB writes of the tree (`plan.ts`);
 * - functions that reach beyond their arguments are refused (`functions.ts`), and so is every kind of node that is not listed here:
 *   what is unknown never passes through;
 * - what is learned on the way: the tables, the columns that are named, the parameters, and the conditions that choose files.
 */

import { filtersOfSelect } from '../skipping/filters.ts'
import type { DerivedTable } from '../skipping/pushdown.ts'
import { asciiLower, holdsOnlyConstants, isNode, type Node, nodesOf, textOf, textsOf } from './ast.ts'
import { isAllowedTableFunction, isFileFunction } from './functions.ts'
import {
  anyExpression,
  anyTable,
  expressionKinds,
  type FieldKind,
  type Fields,
  fields,
  modifierKinds,
  queryKinds,
  tableKinds,
} from './node-kinds.ts'
import { asList, asNode, checkFunction, kindOf, refused, unknownKind } from './refusals.ts'
import type { WalkResult } from './walk-result.ts'

/** What a walk is to do. */
export interface WalkOptions {
  /** Names a base table's placeholder; `undefined`: the table stays as it is (it is a placeholder already). @throws for a table that may not be named */
  readonly placeholder: (name: string) => string | undefined
  /** Whether table functions may open the files they name. */
  readonly allowFiles: boolean
}

/** Walks a statement and changes it. @throws QueryError SQL_REFUSED, SQL_UNKNOWN_TABLE */
export function walkStatement(statement: Node, options: WalkOptions): WalkResult {
  const walker = new Walker(options)
  walker.statement(statement, undefined)
  return walker.result
}

interface Scope {
  readonly hidden: string
  /** What the name means; `undefined` where a query reads itself. */
  readonly means: DerivedTable | undefined
  readonly outer: Scope | undefined
}

class Walker {
  readonly result: WalkResult = {
    tables: [],
    files: [],
    names: new Set(),
    lone: new Set(),
    everyColumn: false,
    describes: false,
    grows: false,
    parameters: new Set(),
    selects: [],
    derived: new Map(),
  }
  readonly #options: WalkOptions

  constructor(options: WalkOptions) {
    this.#options = options
  }

  /** `{ node, named_param_map }`: a whole statement, or a subquery. */
  statement(statement: Node, scope: Scope | undefined): void {
    this.#fields(statement, { node: 'query', named_param_map: 'data' }, 'statement', scope)
  }

  #query(node: Node, outer: Scope | undefined): void {
    const kind = textOf(node.type)
    const known = kindOf(queryKinds, kind, 'query')
    const scope = this.#ctes(node.cte_map, outer)
    if (kind !== 'SELECT_NODE') this.result.grows = true
    const inner =
      kind === 'RECURSIVE_CTE_NODE' ? { hidden: asciiLower(this.#cteName(textOf(node.cte_name))), means: undefined, outer: scope } : scope
    const select = kind === 'SELECT_NODE' ? filtersOfSelect(node) : undefined
    if (select !== undefined) this.result.selects.push(select)
    this.#fields(node, { ...known, type: 'data', cte_map: 'data', modifiers: 'modifiers' }, kind, inner)
  }

  /** A CTE sees those before it, and the query sees all. One that reads itself is a node of its own kind. */
  #ctes(map: unknown, outer: Scope | undefined): Scope | undefined {
    let scope = outer
    for (const entry of nodesOf(isNode(map) ? map.map : [])) {
      const cte = isNode(entry.value) ? entry.value : {}
      const name = this.#cteName(textOf(entry.key))
      this.#fields(cte, { query: 'statement', key_targets: 'expressions', aliases: 'data', materialized: 'data' }, 'WITH', scope)
      const query = isNode(cte.query) && isNode(cte.query.node) ? cte.query.node : undefined
      scope = { hidden: asciiLower(name), means: query && { query, names: textsOf(cte.aliases) }, outer: scope }
    }
    return scope
  }

  #cteName(name: string): string {
    // DuckDB takes a table's name that it does not know for a file's: no such name may be mistaken for a CTE's.
    if (/[./\\:*?[\]]/.test(name))
      throw refused(`The name ${JSON.stringify(name)} of a WITH query looks like a file's.`, 'Give it a plain name.')
    return name
  }

  #table(node: Node, scope: Scope | undefined): void {
    const kind = textOf(node.type)
    const known = kindOf(tableKinds, kind, 'table')
    if (kind === 'BASE_TABLE') this.#baseTable(node, scope)
    if (kind === 'TABLE_FUNCTION') this.#tableFunction(node, scope)
    if (kind === 'SUBQUERY' && isNode(node.subquery) && isNode(node.subquery.node)) {
      this.result.derived.set(node, { query: node.subquery.node, names: textsOf(node.column_name_alias) })
    }
    if (kind === 'SHOW_REF') this.result.describes = true
    if (kind === 'TABLE_FUNCTION' || kind === 'PIVOT' || kind === 'JOIN') this.result.grows = true
    if (kind === 'PIVOT' || textOf(node.ref_type) === 'NATURAL') this.result.everyColumn = true
    if (kind === 'SHOW_REF' && !isNode(node.query)) {
      throw refused(`SHOW ${textOf(node.table_name) || 'TABLES'} is not supported.`, 'DESCRIBE a table or a query instead.')
    }
    for (const name of [...textsOf(node.using_columns), ...textsOf(node.groups)]) this.result.names.add(asciiLower(name))
    this.#fields(node, { ...anyTable, ...known }, kind, scope)
  }

  #baseTable(node: Node, scope: Scope | undefined): void {
    const name = textOf(node.table_name)
    const at = isNode(node.at_clause) ? node.at_clause : undefined
    const qualifiers = [textOf(node.catalog_name), textOf(node.schema_name)].filter((part) => part !== '')
    const hiding = qualifiers.length === 0 ? hidingScope(name, scope) : undefined
    if (hiding !== undefined) {
      if (at !== undefined) throw refused(`${name} is a WITH query and has no history.`, 'Write AT behind a table.')
      this.#readsWith(node, hiding.means)
      return
    }
    const placeholder = this.#options.placeholder([...qualifiers, name].join('.'))
    if (placeholder === undefined && at === undefined) return
    if (textsOf(node.column_name_alias).length > 0) this.result.everyColumn = true
    const expression = at !== undefined && isNode(at.expr) ? at.expr : undefined
    if (expression !== undefined) this.#constant(expression)
    this.result.tables.push({
      name,
      placeholder: placeholder ?? name,
      at: expression === undefined ? undefined : { unit: textOf(at?.unit), expression },
      node,
    })
    if (textOf(node.alias) === '') node.alias = name
    node.catalog_name = ''
    node.schema_name = ''
    node.table_name = placeholder ?? name
    node.at_clause = null
  }

  #readsWith(node: Node, means: DerivedTable | undefined): void {
    if (means === undefined) return
    const own = textsOf(node.column_name_alias)
    this.result.derived.set(node, { query: means.query, names: [...own, ...means.names.slice(own.length)] })
  }

  /** The expression of an AT clause: it is evaluated before there is any table. */
  #constant(expression: Node): void {
    const names = new Set(this.result.names)
    this.#expression(expression, undefined)
    if (!holdsOnlyConstants(expression))
      throw refused('AT takes a constant, a parameter, or a computation of such.', 'Bind the version as a parameter.')
    this.result.names.clear()
    for (const name of names) this.result.names.add(name)
  }

  #tableFunction(node: Node, scope: Scope | undefined): void {
    const call = isNode(node.function) ? node.function : {}
    const name = textOf(call.function_name)
    if (isFileFunction(name)) {
      if (!this.#options.allowFiles) {
        throw refused(`${name} opens files outside the tables.`, 'Name tables only, or allow external files for the session.', name)
      }
      this.result.files.push({ functionName: name, call })
    } else if (!isAllowedTableFunction(name)) {
      throw refused(
        `The table function ${name} may not be called in a query.`,
        'Use tables, subqueries, range, generate_series or unnest.',
        name,
      )
    }
    if (textOf(call.class) !== 'FUNCTION') throw refused('A table function of an unknown form.', 'Write the query in a plainer way.')
    this.#fields(call, { ...anyExpression, ...expressionKinds.FUNCTION }, name, scope)
  }

  #expression(node: Node, scope: Scope | undefined): void {
    const kind = textOf(node.class)
    const known = kindOf(expressionKinds, kind, 'expression')
    const { names } = this.result
    if (kind === 'FUNCTION' || kind === 'WINDOW') {
      checkFunction(textOf(node.function_name))
      if (/^(unnest|regexp_split_to_table|generate_subscripts)$/i.test(textOf(node.function_name))) this.result.grows = true
      // `a.b.upper()` calls upper on the column b of a.
      for (const name of [textOf(node.catalog), textOf(node.schema)]) if (name !== '') names.add(asciiLower(name))
    }
    if (kind === 'COLUMN_REF') {
      const parts = textsOf(node.column_names).map(asciiLower)
      for (const name of parts) names.add(name)
      if (parts.length === 1) this.result.lone.add(parts[0]!)
    }
    if (kind === 'STAR') this.result.everyColumn = true
    if (kind === 'PARAMETER') this.result.parameters.add(textOf(node.identifier))
    this.#fields(node, { ...anyExpression, ...known }, kind, scope)
  }

  #modifier(node: Node, scope: Scope | undefined): void {
    const kind = textOf(node.type)
    this.#fields(node, { type: 'data', ...kindOf(modifierKinds, kind, 'clause') }, kind, scope)
  }

  /** Visits each field by its kind. @throws QueryError SQL_REFUSED for a field that the kind of node is not known to have */
  #fields(node: Node, known: Fields, kind: string, scope: Scope | undefined): void {
    for (const [name, value] of Object.entries(node)) {
      const field = Object.hasOwn(known, name) ? known[name] : undefined
      if (field === undefined) throw unknownKind(`${kind}.${name}`)
      if (value !== null && field !== 'data') this.#field(field, value, `${kind}.${name}`, scope)
    }
  }

  #field(field: FieldKind, value: unknown, where: string, scope: Scope | undefined): void {
    switch (field) {
      case 'expression':
        this.#expression(asNode(value, where), scope)
        return
      case 'query':
        this.#query(asNode(value, where), scope)
        return
      case 'statement':
        this.statement(asNode(value, where), scope)
        return
      case 'table':
        this.#table(asNode(value, where), scope)
        return
      case 'expressions':
        for (const item of asList(value, where)) this.#expression(asNode(item, where), scope)
        return
      case 'rows':
        for (const row of asList(value, where)) this.#field('expressions', row, where, scope)
        return
      case 'modifiers':
        for (const item of Array.isArray(value) ? value : [value]) this.#modifier(asNode(item, where), scope)
        return
      case 'orders':
        this.#records(value, { type: 'data', null_order: 'data', expression: 'expression' }, where, scope)
        return
      case 'cases':
        this.#records(value, fields('expression', 'when_expr then_expr'), where, scope)
        return
      case 'pairs':
        this.#records(value, { key: 'data', value: 'expression' }, where, scope)
        return
      case 'pivots':
        this.#pivots(value, where, scope)
        return
      case 'empty':
        if (asList(value, where).length > 0) throw unknownKind(where)
    }
  }

  #records(value: unknown, known: Fields, where: string, scope: Scope | undefined): void {
    for (const item of asList(value, where)) this.#fields(asNode(item, where), known, where, scope)
  }

  #pivots(value: unknown, where: string, scope: Scope | undefined): void {
    for (const item of asList(value, where)) {
      const { entries, ...pivot } = asNode(item, where)
      if (textOf(pivot.pivot_enum) !== '') throw refused('PIVOT over a type is not supported.', 'Name the values with IN (...).')
      this.#fields(pivot, { pivot_expressions: 'expressions', unpivot_names: 'data', pivot_enum: 'data' }, where, scope)
      this.#records(entries ?? [], { values: 'data', star_expr: 'expression', alias: 'data' }, where, scope)
    }
  }
}

function hidingScope(name: string, scope: Scope | undefined): Scope | undefined {
  for (let at = scope; at !== undefined; at = at.outer) if (at.hidden === asciiLower(name)) return at
  return undefined
}
