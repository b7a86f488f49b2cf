/** What a query may not hold is refused by name; so is every node whose kind, or whose shape, is not known. */
import { QueryError } from '../../errors/index.ts'
import { isNode, type Node } from './ast.ts'
import { isAllowedFunction, nearestFunction } from './functions.ts'
import type { Fields } from './node-kinds.ts'

/** @throws QueryError SQL_REFUSED for a function that a query may not call */
export function checkFunction(name: string): void {
  if (isAllowedFunction(name)) return
  const near = nearestFunction(name)
  throw refused(
    `The function ${name} does not exist, or may not be called in a query.`,
    near === undefined ? 'Use functions that compute from their arguments.' : `Did you mean ${near}?`,
    name,
  )
}

/** The fields of a kind of node. @throws QueryError SQL_REFUSED for a kind that is not known */
export function kindOf(kinds: Readonly<Record<string, Fields>>, kind: string, what: string): Fields {
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (known === undefined) throw unknownKind(`${what} ${kind}`)
  return known
}

/** @throws QueryError SQL_REFUSED for what is no node */
export function asNode(value: unknown, where: string): Node {
  if (!isNode(value)) throw unknownKind(where)
  return value
}

/** @throws QueryError SQL_REFUSED for what is no list */
export function asList(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw unknownKind(where)
  return value
}

/** The refusal of what is not known. */
export function unknownKind(what: string): QueryError {
  return refused(`The query holds something that is not known here: ${what}.`, 'Write the query in a plainer way.')
}

/** A refusal; `name`: the function that is refused. */
export function refused(message: string, remedy: string, name?: string): QueryError {
  return new QueryError('SQL_REFUSED', message, name === undefined ? { remedy } : { remedy, data: { function: name } })
}
