/**
 * MERGE as one SELECT: source and target joined, and for each pair of rows (or row without a partner) the first clause that fits it and
 * the values that the clause assigns. A value is computed only for rows of its own clause.
 */
import { QueryError } from '../../errors/index.ts'
import { conjuncts } from '../skipping/conditions.ts'
import { columnRef, integerConstant, isNode, type Node, nodesOf, textOf, textsOf } from '../sql/ast.ts'
import type { StatementParts } from './row-statement.ts'

/** The names of source and target in expressions. */
export const mergeAliases = { target: 'target', source: 'source' } as const

/** Which rows a clause is for. */
export type MergeSide = 'matched' | 'not matched' | 'not matched by source'

/** A clause, its expressions as text. */
export interface MergeClauseText {
  readonly side: MergeSide
  readonly condition: string | undefined
  readonly values: readonly string[]
}

/** What the statement is made from. */
export interface MergeStatementOptions {
  readonly on: string
  readonly clauses: readonly MergeClauseText[]
  /** The target's columns that are wanted, by their numbers, and the fields of `_metadata`. */
  readonly columns: ReadonlyMap<number, string>
  readonly ids: readonly string[]
  /** A column of the source relation that no row has NULL in. */
  readonly present: string
  /** Gives a further condition on the target for pairs of equal columns, as text. */
  restrict(target: string, source: string): Promise<string | undefined>
}

/**
 * The statement. Its columns: `f` and `r`, where the target's row lies (NULL without one); `k`, the number of the clause from 0 on (NULL where
 * none fits); `id0`...; `o<number>`, the target's columns; `n<clause>_<value>`.
 */
export async function mergeStatement(parts: StatementParts, options: MergeStatementOptions): Promise<Node> {
  const { expression, table, source, file, row, column, select } = parts
  const { clauses } = options
  const on = await expression(options.on, 'The condition of the join')
  refuseChance(on, options.on)
  const conditions = await Promise.all(
    clauses.map(async ({ condition }) => {
      if (condition === undefined) return undefined
      const node = await expression(condition, 'The condition of a clause')
      refuseChance(node, condition)
      return node
    }),
  )
  const values = await Promise.all(clauses.map(({ values: texts }) => Promise.all(texts.map((text) => expression(text, 'The value')))))
  const isPresent = { target: isNotNull(file), source: isNotNull(columnRef(mergeAliases.source, options.present)) }
  const clause = clauseNode(clauses, conditions, isPresent)
  const sides = new Set(clauses.map(({ side }) => side))
  const joined = sides.has('not matched by source') ? on : and([on, ...(await restrictions(on, parts, options))])
  const from = {
    type: 'JOIN',
    alias: '',
    sample: null,
    left: source,
    right: table,
    condition: joined,
    join_type: joinType(sides),
    ref_type: 'REGULAR',
    using_columns: [],
    delim_flipped: false,
    duplicate_eliminated_columns: [],
  }
  const named = (nodes: readonly Node[], prefix: string) => nodes.map((node, index) => ({ ...node, alias: `${prefix}${index}` }))
  return select(
    [
      { ...file, alias: 'f' },
      { ...row, alias: 'r' },
      { ...clause, alias: 'k' },
      ...named(
        options.ids.map((id) => column('_metadata', id)),
        'id',
      ),
      ...[...options.columns].map(([number, name]) => ({ ...column(name), alias: `o${number}` })),
      ...values.flatMap((nodes, index) =>
        named(
          nodes.map((node) => caseNode([[equals(clause, index), node]])),
          `n${index}_`,
        ),
      ),
    ],
    from,
  )
}

function joinType(sides: ReadonlySet<MergeSide>): string {
  const [source, target] = [sides.has('not matched'), sides.has('not matched by source')]
  return source ? (target ? 'FULL' : 'LEFT') : target ? 'RIGHT' : 'INNER'
}

/** The number of the first clause that fits a row. */
function clauseNode(
  clauses: readonly MergeClauseText[],
  conditions: readonly (Node | undefined)[],
  isPresent: Record<'target' | 'source', Node>,
): Node {
  const of = (side: MergeSide): Node => {
    const checks = clauses.flatMap((clause, index): [Node, Node][] => {
      if (clause.side !== side) return []
      return [[conditions[index] ?? trueNode, integerConstant(index)]]
    })
    return checks.length === 0 ? nullNode : caseNode(checks)
  }
  return caseNode(
    [
      [and([isPresent.target, isPresent.source]), of('matched')],
      [isPresent.source, of('not matched')],
    ],
    of('not matched by source'),
  )
}

/** Where columns are equal, the source's values say which of the target's can be meant. */
async function restrictions(on: Node, { expression }: StatementParts, { restrict }: MergeStatementOptions): Promise<Node[]> {
  const found: Node[] = []
  for (const [target, source] of equalColumns(on)) {
    const text = await restrict(target, source)
    if (text !== undefined) found.push(await expression(text, 'The range of the keys'))
  }
  return found
}

/** The pairs of columns that a condition holds to be equal: the target's and the source's. */
function equalColumns(on: Node): [target: string, source: string][] {
  return conjuncts(on).flatMap((term): [string, string][] => {
    if (textOf(term.type) !== 'COMPARE_EQUAL' || !isNode(term.left) || !isNode(term.right)) return []
    const [left, right] = [qualified(term.left), qualified(term.right)]
    if (left?.of === 'target' && right?.of === 'source') return [[left.name, right.name]]
    return left?.of === 'source' && right?.of === 'target' ? [[right.name, left.name]] : []
  })
}

function qualified(node: Node): { of: string; name: string } | undefined {
  const [of = '', name, ...more] = textsOf(node.column_names)
  return textOf(node.class) === 'COLUMN_REF' && name !== undefined && more.length === 0 ? { of: of.toLowerCase(), name } : undefined
}

/** Which clause a row belongs to is computed more than once, so it must come out the same. */
function refuseChance(node: Node, text: string): void {
  const names = functionsOf(node)
  const chance = names.find((name) => /^(random|uuid|gen_random_uuid|uuidv4|uuidv7|nextval|currval|setseed)$/i.test(name))
  if (chance === undefined) return
  throw new QueryError('SQL_REFUSED', `The condition ${JSON.stringify(text)} of a merge depends on chance (${chance}).`, {
    remedy: 'Compute the value in the source, or leave it out.',
    data: { function: chance },
  })
}

function functionsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(functionsOf)
  if (!isNode(value)) return []
  return [...(textOf(value.class) === 'FUNCTION' ? [textOf(value.function_name)] : []), ...Object.values(value).flatMap(functionsOf)]
}

function caseNode(checks: readonly (readonly [Node, Node])[], otherwise: Node = nullNode): Node {
  const cases = checks.map(([when_expr, then_expr]) => ({ when_expr, then_expr }))
  return { class: 'CASE', type: 'CASE_EXPR', alias: '', case_checks: cases, else_expr: otherwise }
}

function isNotNull(node: Node): Node {
  return { class: 'OPERATOR', type: 'OPERATOR_IS_NOT_NULL', alias: '', children: [node] }
}

function and(nodes: readonly Node[]): Node {
  if (nodes.length === 1) return nodes[0]!
  return {
    class: 'CONJUNCTION',
    type: 'CONJUNCTION_AND',
    alias: '',
    children: nodes.flatMap((node) => (node.type === 'CONJUNCTION_AND' ? nodesOf(node.children) : [node])),
  }
}

function equals(left: Node, value: number): Node {
  return { class: 'COMPARISON', type: 'COMPARE_EQUAL', alias: '', left, right: integerConstant(value) }
}

const nullNode: Node = {
  class: 'CONSTANT',
  type: 'VALUE_CONSTANT',
  alias: '',
  value: { type: { id: 'NULL', type_info: null }, is_null: true },
}

const trueNode: Node = {
  class: 'CONSTANT',
  type: 'VALUE_CONSTANT',
  alias: '',
  value: { type: { id: 'BOOLEAN', type_info: null }, is_null: false, value: true },
}
