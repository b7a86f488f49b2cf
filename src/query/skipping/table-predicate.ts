/** What a query's conditions say of one of its tables, once its parameters have values. */
import { type ColumnPath, type Constant, mapPredicate, type Predicate, type PredicateOf } from '../../data/prune/predicate.ts'
import type { Value } from '../../engine/index.ts'
import { QueryError, ValueError } from '../../errors/index.ts'
import type { Node } from '../sql/ast.ts'
import { evaluateConstant } from '../sql/constants.ts'
import { computedConstant, type FilterValue, literalConstant, parameterConstant } from './values.ts'

/** The conditions on a table as one predicate over constants; `undefined` where there are none. `literals`: texts by the names that stand for them. */
export async function predicateWith(
  filters: readonly PredicateOf<ColumnPath, FilterValue>[],
  values: Readonly<Record<string, Value>>,
  literals: ReadonlyMap<string, string>,
): Promise<Predicate | undefined> {
  if (filters.length === 0) return undefined
  const all = { op: 'and', terms: filters } as const
  const expressions = expressionsOf.get(filters) ?? expressionsIn(all)
  expressionsOf.set(filters, expressions)
  const computed = new Map<FilterValue, Constant>()
  await Promise.all(
    expressions.map(async (value) => {
      computed.set(value, await computedOrUnknown(value.node, values))
    }),
  )
  return mapPredicate<ColumnPath, FilterValue, ColumnPath, Constant>(all, asColumn, (value) => {
    if (value.kind === 'constant') return value.constant
    if (value.kind === 'expression') return computed.get(value)
    const literal = literals.get(value.name)
    return literal === undefined ? parameterConstant(values[value.name]) : literalConstant(literal)
  })
}

type Expression = Extract<FilterValue, { kind: 'expression' }>

const expressionsOf = new WeakMap<readonly PredicateOf<ColumnPath, FilterValue>[], readonly Expression[]>()

function expressionsIn(predicate: PredicateOf<ColumnPath, FilterValue>): Expression[] {
  const expressions: Expression[] = []
  mapPredicate<ColumnPath, FilterValue, ColumnPath, void>(predicate, asColumn, (value) => {
    if (value.kind === 'expression') expressions.push(value)
  })
  return expressions
}

const asColumn = (column: ColumnPath) => ({ kind: 'column', column }) as const

/** What cannot be computed chooses nothing; the query itself says what is wrong with it. */
async function computedOrUnknown(node: Node, values: Readonly<Record<string, Value>>): Promise<Constant> {
  try {
    const { type, text } = await evaluateConstant(node, values)
    return computedConstant(type, text)
  } catch (error) {
    if (error instanceof QueryError || error instanceof ValueError) return undefined
    throw error
  }
}
