/**
 * What an expression of a verb may be: one value of one row. What gives several rows or columns, or looks at other rows, would change how many
 * rows the verb writes, or depend on which of them it reads. Subqueries are queries of their own, and may have all of it.
 */
import { QueryError } from '../../errors/index.ts'
import { isNode, type Node, textOf } from '../sql/ast.ts'

const severalRows = /^(unnest|generate_subscripts|regexp_split_to_table)$/i

/** Makes sure that an expression has one value for each row. @throws QueryError SQL_REFUSED naming `what` */
export function checkRowExpression(node: Node, what: string): void {
  const found = refusedPart(node)
  if (found === undefined) return
  throw new QueryError('SQL_REFUSED', `${what} may not have ${found}: it must be one value, of one row.`, {
    remedy: 'Compute it in a subquery, or in the source of a merge.',
    data: { part: found },
  })
}

function refusedPart(node: Node): string | undefined {
  switch (textOf(node.class)) {
    case 'STAR':
      return 'several columns at once (*, COLUMNS)'
    case 'POSITIONAL_REFERENCE':
      return 'a column by its number'
    case 'WINDOW':
      return `a window function (${textOf(node.function_name)})`
    case 'FUNCTION':
      if (severalRows.test(textOf(node.function_name))) return `a function that gives several rows (${textOf(node.function_name)})`
  }
  for (const [field, value] of Object.entries(node)) {
    if (field === 'subquery') continue
    for (const item of Array.isArray(value) ? value.flat() : [value]) {
      const found = isNode(item) ? refusedPart(item) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}
