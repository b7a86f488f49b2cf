/**
 * Conditions and other expressions that users write outside a query: `where` of a scan, predicates of verbs. A text is one expression,
 * whatever brackets, commas, comments or statements it tries to bring along; it is then walked like a query's own.
 */
import type { Connection } from '../../engine/index.ts'
import { QueryError } from '../../errors/index.ts'
import { isNode, type Node, nodesOf, textOf } from './ast.ts'
import { parseQuery } from './parse.ts'

/** Parses a text as one expression. @throws QueryError SQL_ERROR where it is none, or more than one */
export async function parseExpression(connection: Connection, text: string, what = 'The condition'): Promise<Node> {
  // As the only element of a list it can neither close what is around it nor stand beside something else.
  const { statement } = await parseQuery(connection, `SELECT [\n${text}\n]`).catch((error: unknown) => {
    throw error instanceof QueryError ? notOneExpression(text, what, error) : error
  })
  const select = isNode(statement.node) ? statement.node : {}
  const [list, ...others] = nodesOf(select.select_list)
  const elements = list !== undefined && list.function_name === 'list_value' ? nodesOf(list.children) : []
  const [expression] = elements
  const alone =
    others.length === 0 &&
    elements.length === 1 &&
    select.type === 'SELECT_NODE' &&
    isNode(select.from_table) &&
    select.from_table.type === 'EMPTY' &&
    ['where_clause', 'having', 'sample', 'qualify'].every((field) => !isNode(select[field])) &&
    [select.modifiers, select.group_expressions].every((field) => nodesOf(field).length === 0) &&
    nodesOf(isNode(select.cte_map) ? select.cte_map.map : []).length === 0
  if (!alone || expression === undefined || textOf(list?.alias) !== '' || textOf(expression.alias) !== '')
    throw notOneExpression(text, what)
  return expression
}

function notOneExpression(text: string, what: string, cause?: QueryError): QueryError {
  const { line, column } = cause?.data ?? {}
  const place = typeof line === 'number' && typeof column === 'number' ? { line: line - 1, column } : {}
  const why = cause === undefined ? 'It is not one expression.' : cause.message
  return new QueryError('SQL_ERROR', `${what} ${JSON.stringify(text)} cannot be read: ${why}`, {
    remedy: "Write one condition in DuckDB's SQL, as after WHERE.",
    data: place,
    cause,
  })
}
