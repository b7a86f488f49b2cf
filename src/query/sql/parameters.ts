/** Parameters of a query: all are bound by name, positional ones as `p1`, `p2`..., and each statement gets those that stand in it. */
import type { Parameters, Value } from '../../engine/index.ts'
import { QueryError } from '../../errors/index.ts'
import { asciiLower, isNode, type Node, textOf } from './ast.ts'

/** `$1` and `?` as names, since named parameters can be bound in part. */
export function parameterName(identifier: string): string {
  return /^\d+$/.test(identifier) ? `p${identifier}` : identifier
}

/** Gives positional parameters of a tree their names. */
export function nameParameters(node: Node): void {
  if (node.class === 'PARAMETER') node.identifier = parameterName(textOf(node.identifier))
  // The tree names them a second time, with their places, which DuckDB finds again.
  if (Array.isArray(node.named_param_map)) node.named_param_map = []
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? value.flat() : [value]) if (isNode(item)) nameParameters(item)
  }
}

/** The values of all parameters by name. @throws QueryError SQL_ERROR where one is missing or has no place */
export function namedValues(names: ReadonlySet<string>, params: Parameters = {}): Readonly<Record<string, Value>> {
  const given = new Map<string, Value>(
    isList(params) ? params.map((value, index) => [parameterName(String(index + 1)), value]) : Object.entries(params),
  )
  const values: Record<string, Value> = Object.create(null)
  const shown = (name: string) => `$${isList(params) || /^p\d+$/.test(name) ? name.replace(/^p/, '') : name}`
  for (const name of names) {
    const key = given.has(name) ? name : [...given.keys()].find((one) => asciiLower(one) === asciiLower(name))
    if (key === undefined) {
      throw new QueryError('SQL_ERROR', `The parameter ${shown(name)} has no value.`, {
        remedy: 'Give it one.',
        data: { parameter: shown(name) },
      })
    }
    values[name] = given.get(key)!
    given.delete(key)
  }
  for (const name of given.keys()) {
    throw new QueryError('SQL_ERROR', `The SQL has no parameter ${shown(name)}.`, {
      remedy: 'Name the parameter in the SQL, or leave its value out.',
      data: { parameter: shown(name) },
    })
  }
  return values
}

function isList(params: Parameters): params is readonly Value[] {
  return Array.isArray(params)
}
