/**
 * `column IS DISTINCT FROM constant` in conditions. Beside an OR, DuckDB looks in the statistics of a Parquet file's row groups whether a
 * row can fulfil it, and takes a group of nothing but NULLs for one without such a row, although NULL is distinct from any value. Put as
 * a CASE it is not asked of row groups. `NOT (column IS NOT DISTINCT FROM constant)` comes to the same.
 */
import { holdsOnlyConstants, isNode, type Node } from './ast.ts'

/** Puts what may be taken so as a CASE, in the conditions of a statement and of its subqueries. The tree is changed. */
export function guardDistinctFrom(statement: Node): void {
  for (const field of ['where_clause', 'having', 'qualify', 'condition'] as const) {
    const condition = statement[field]
    if (isNode(condition)) statement[field] = guarded(condition, false)
  }
  eachNode(statement, guardDistinctFrom)
}

/** An expression of a condition; `negated`: below a NOT. */
function guarded(expression: Node, negated: boolean): Node {
  const { type, left, right } = expression
  const turned = negated || type === 'OPERATOR_NOT'
  for (const [field, value] of Object.entries(expression)) {
    if (Array.isArray(value)) expression[field] = value.map((item) => (isExpression(item) ? guarded(item, turned) : item))
    else if (isExpression(value)) expression[field] = guarded(value, turned)
  }
  const differs = type === 'COMPARE_DISTINCT_FROM'
  if (!differs && !(negated && type === 'COMPARE_NOT_DISTINCT_FROM')) return expression
  if (![left, right].some((side) => isNode(side) && holdsOnlyConstants(side))) return expression
  const same: Node = { ...expression, type: 'COMPARE_NOT_DISTINCT_FROM' }
  const cases = [{ when_expr: same, then_expr: truth(!differs) }]
  return { class: 'CASE', type: 'CASE_EXPR', alias: '', case_checks: cases, else_expr: truth(differs) }
}

function isExpression(value: unknown): value is Node {
  return isNode(value) && typeof value.class === 'string'
}

function truth(value: boolean): Node {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    value: { type: { id: 'BOOLEAN', type_info: null }, is_null: false, value },
  }
}

function eachNode(node: Node, see: (child: Node) => void): void {
  for (const value of Object.values(node)) for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) see(item)
}
