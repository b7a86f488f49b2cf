/**
 * Literals taken out of a query's text, so that one plan serves all texts that differ in nothing else.
 *
 * A literal is taken out only where DuckDB's own parser said that it stands: a constant that is compared in the outermost WHERE clause,
 * at a place of the text that holds exactly that constant, as a plain whole number or a plain quoted text. A second text is the same query
 * where it is the same, character by character, but for such a literal of the same kind in each of those places. What stands before
 * a place decides how it is read, what stands behind ends it, and DuckDB's grammar has one token for every literal of a kind: so the second
 * text has the first one's tree with other constants. Back they go into the text that DuckDB wrote, as literals: a parameter would
 * have a type of its own, a literal adapts to what it is compared with.
 *
 * Literals elsewhere stay as they are: `ORDER BY 1`, `LIMIT 1` and the names of columns depend on them.
 */
import { isNode, type Node, nodesOf, textOf } from './ast.ts'

/** A literal in a text: whole numbers of 32 bits, of 64 bits, and texts are kinds of their own to DuckDB. */
interface Literal {
  readonly start: number
  readonly text: string
}

/** A text, apart from what may be literals in it. */
export interface SplitText {
  /** The text with the kind of each literal in its place. */
  readonly shape: string
  readonly literals: readonly Literal[]
}

/** A literal that can be taken out: its place among those of the text, and the constant in the tree. */
export interface Lifted {
  readonly index: number
  readonly constant: Node
}

const candidate = /'[\x20-\x26\x28-\x5b\x5d-\x7e]*'|(?<![\w$.'])(?:0|[1-9]\d{0,17})(?![\w$.'])/g

/** The text apart from its literals; `undefined` where it holds none, or characters that leave doubt about where things stand. */
export function splitText(sql: string): SplitText | undefined {
  if (!/^[\t\n\r\x20-\x7e]*$/.test(sql)) return undefined
  const literals: Literal[] = []
  const shape = sql.replace(candidate, (text, start: number) => {
    literals.push({ start, text })
    return text.startsWith("'") ? '\u0001t' : Number(text) <= 0x7fffffff ? '\u0001i' : '\u0001l'
  })
  return literals.length === 0 ? undefined : { shape, literals }
}

/** Whether two texts of one shape differ at most in literals that were taken out of the first. */
export function differsOnlyIn(lifted: readonly Lifted[], { literals }: SplitText, other: SplitText): boolean {
  const places = new Set(lifted.map(({ index }) => index))
  return literals.every(({ text }, index) => places.has(index) || text === other.literals[index]!.text)
}

/** The literals that can be taken out of a statement. */
export function liftable(statement: Node, { literals }: SplitText): Lifted[] {
  const select = isNode(statement.node) ? statement.node : {}
  if (select.type !== 'SELECT_NODE' || !isNode(select.where_clause)) return []
  const places = new Map(literals.map(({ start }, index) => [start, index]))
  return comparedConstants(select.where_clause).flatMap((constant) => {
    const index = places.get(Number(constant.query_location ?? -1))
    return index !== undefined && isLiteral(constant, literals[index]!.text) ? [{ index, constant }] : []
  })
}

/** Lets a named parameter stand for a constant. */
export function hide(constant: Node, name: string): void {
  for (const field of Object.keys(constant)) delete constant[field]
  Object.assign(constant, { class: 'PARAMETER', type: 'VALUE_PARAMETER', alias: '', identifier: name })
}

/** Whether a parameter stands by itself in what DuckDB wrote, so that a literal in its place is one. */
export function standsAlone(sql: string, name: string): boolean {
  const [before, behind, ...more] = sql.split(`$${name}`)
  return behind !== undefined && more.length === 0 && /[ (]$/.test(before!) && /^[ ),]/.test(behind)
}

function comparedConstants(condition: Node): Node[] {
  const { children, left, right, input, lower, upper } = condition
  switch (textOf(condition.class)) {
    case 'CONJUNCTION':
      return nodesOf(children).flatMap(comparedConstants)
    case 'COMPARISON':
      return [left, right].filter(isConstant)
    case 'BETWEEN':
      return [input, lower, upper].filter(isConstant)
    case 'OPERATOR':
      if (condition.type === 'OPERATOR_NOT') return nodesOf(children).flatMap(comparedConstants)
      return condition.type === 'COMPARE_IN' || condition.type === 'COMPARE_NOT_IN' ? nodesOf(children).filter(isConstant) : []
    default:
      return []
  }
}

function isConstant(value: unknown): value is Node {
  return isNode(value) && value.class === 'CONSTANT'
}

function isLiteral({ alias, value: constant }: Node, text: string): boolean {
  if (textOf(alias) !== '' || !isNode(constant) || constant.is_null !== false || !isNode(constant.type)) return false
  const { value, type } = constant
  if (text.startsWith("'")) return type.id === 'VARCHAR' && value === text.slice(1, -1)
  return type.id === (Number(text) <= 0x7fffffff ? 'INTEGER' : 'BIGINT') && typeof value !== 'string' && String(value) === text
}
