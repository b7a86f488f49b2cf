/**
 * Conditions of a query as predicates over columns as they were written. Only what bounds of values can decide is understood; the rest
 * is unknown, which decides nothing.
 */
import { type Comparison, type Operand, type PredicateOf, unknownPredicate } from '../../data/prune/predicate.ts'
import { truncationUnit } from '../../data/prune/range.ts'
import { isNode, type Node, nodesOf, textOf, textsOf } from '../sql/ast.ts'
import { type FilterValue, filterValue } from './values.ts'

/** A column as the query names it: `a`, `t.a`, `t.a.field`. */
export interface NamedColumn {
  readonly names: readonly string[]
}

/** A condition over columns by their names. */
export type NamedPredicate = PredicateOf<NamedColumn, FilterValue>

/** An operand of a condition over columns by their names. */
export type NamedOperand = Operand<NamedColumn, FilterValue>

/** The terms that a condition joins by AND. */
export function conjuncts(condition: Node): Node[] {
  return textOf(condition.type) === 'CONJUNCTION_AND' ? nodesOf(condition.children).flatMap(conjuncts) : [condition]
}

const comparisons: Readonly<Record<string, Comparison>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
}

/** An expression as a predicate; what is not understood is unknown. */
export function predicateOf(expression: Node): NamedPredicate {
  const children = nodesOf(expression.children)
  switch (textOf(expression.type)) {
    case 'CONJUNCTION_AND':
    case 'CONJUNCTION_OR':
      return { op: textOf(expression.type) === 'CONJUNCTION_AND' ? 'and' : 'or', terms: children.map(predicateOf) }
    case 'OPERATOR_NOT':
      return children.length === 1 ? { op: 'not', term: predicateOf(children[0]!) } : unknownPredicate
    case 'OPERATOR_IS_NULL':
      return isNull(children[0])
    case 'OPERATOR_IS_NOT_NULL':
      return { op: 'not', term: isNull(children[0]) }
    case 'COMPARE_BETWEEN': {
      const { input, lower, upper } = expression
      return { op: 'and', terms: [compare(input, '>=', lower), compare(input, '<=', upper)] }
    }
    case 'COMPARE_IN':
      return inList(children)
    case 'COMPARE_NOT_IN':
      return { op: 'not', term: inList(children) }
    case 'COMPARE_NOT_DISTINCT_FROM':
      return notDistinct(expression.left, expression.right)
    case 'COMPARE_DISTINCT_FROM':
      return { op: 'not', term: notDistinct(expression.left, expression.right) }
    case 'SUBQUERY':
      return anyOf(expression)
    case 'FUNCTION':
      return isMethod(expression) ? unknownPredicate : call(textOf(expression.function_name).toLowerCase(), children)
    case 'COLUMN_REF':
    case 'ARRAY_EXTRACT':
    case 'STRUCT_EXTRACT':
      return isTrue(expression)
    case 'OPERATOR_CAST':
      return castToBoolean(expression) ?? literal(expression)
    case 'VALUE_CONSTANT':
      return literal(expression)
    default: {
      const comparison = comparisons[textOf(expression.type)]
      return comparison === undefined ? unknownPredicate : compare(expression.left, comparison, expression.right)
    }
  }
}

/** An expression as an operand: a column, a constant, or a column in functions that keep the order. */
export function operandOf(expression: unknown): NamedOperand | undefined {
  if (!isNode(expression)) return undefined
  const column = columnOf(expression)
  if (column !== undefined) return { kind: 'column', column }
  const value = filterValue(expression)
  if (value !== undefined) return { kind: 'value', value }
  if (textOf(expression.class) === 'CAST') {
    const of = operandOf(expression.child)
    const type = isNode(expression.cast_type) ? textOf(expression.cast_type.id) : ''
    return of && { kind: 'apply', apply: { kind: 'cast', type, orNull: expression.try_cast === true }, of }
  }
  return textOf(expression.class) === 'FUNCTION' && !isMethod(expression) ? computed(expression) : undefined
}

/** `a.upper()` calls upper on the column a. */
function isMethod({ schema, catalog }: Node): boolean {
  return textOf(schema) !== '' || textOf(catalog) !== ''
}

function computed(expression: Node): NamedOperand | undefined {
  const name = textOf(expression.function_name).toLowerCase()
  const [first, second, ...more] = nodesOf(expression.children)
  if (first === undefined || more.length > 0) return undefined
  if (name === 'year' && second === undefined) return applied({ kind: 'year' }, first)
  if (second === undefined) return undefined
  if (/^(date_part|datepart)$/.test(name))
    return /^(year|years|y|yr|yrs)$/i.test(textLiteral(first) ?? '') ? applied({ kind: 'year' }, second) : undefined
  if (/^(date_trunc|datetrunc)$/.test(name)) {
    const unit = truncationUnit(textLiteral(first) ?? '')
    return unit === undefined ? undefined : applied({ kind: 'truncate', unit }, second)
  }
  if (name !== '+' && name !== '-') return undefined
  const value = filterValue(second)
  const of = value === undefined ? undefined : operandOf(first)
  if (of !== undefined && value !== undefined) return { kind: 'plus', of, value, sign: name === '+' ? 1 : -1 }
  const before = name === '+' ? filterValue(first) : undefined
  const behind = before === undefined ? undefined : operandOf(second)
  return before === undefined || behind === undefined ? undefined : { kind: 'plus', of: behind, value: before, sign: 1 }
}

function applied(apply: Extract<NamedOperand, { kind: 'apply' }>['apply'], argument: Node): NamedOperand | undefined {
  const of = operandOf(argument)
  return of && { kind: 'apply', apply, of }
}

/** A column, or a field in one: `a.b`, `a['b']`, `struct_extract(a, 'b')`. */
export function columnOf(expression: Node): NamedColumn | undefined {
  const type = textOf(expression.type)
  if (type === 'COLUMN_REF') return { names: textsOf(expression.column_names) }
  const extract = type === 'ARRAY_EXTRACT' || type === 'STRUCT_EXTRACT' || expression.function_name === 'struct_extract'
  const [struct, field] = extract ? nodesOf(expression.children) : []
  const name = field === undefined ? undefined : textLiteral(field)
  const outer = struct === undefined || name === undefined ? undefined : columnOf(struct)
  return outer === undefined || name === undefined ? undefined : { names: [...outer.names, name] }
}

function textLiteral(expression: Node): string | undefined {
  const value = filterValue(expression)
  return value?.kind === 'constant' && value.constant?.kind === 'text' ? value.constant.value : undefined
}

function compare(left: unknown, comparison: Comparison, right: unknown): NamedPredicate {
  if (isNode(left) && isNode(right) && isRow(left) && isRow(right)) return comparison === '=' ? rowsEqual(left, right) : unknownPredicate
  const one = operandOf(left)
  const other = one === undefined ? undefined : operandOf(right)
  if (one === undefined || other === undefined) return unknownPredicate
  return { op: 'compare', left: one, comparison, right: other }
}

function isRow(expression: Node): boolean {
  return textOf(expression.class) === 'FUNCTION' && expression.function_name === 'row'
}

/** Rows are equal as values are, field by field: NULL equals NULL in them. */
function rowsEqual(left: Node, right: Node): NamedPredicate {
  const [one, other] = [nodesOf(left.children), nodesOf(right.children)]
  if (one.length !== other.length || one.length === 0) return unknownPredicate
  return { op: 'and', terms: one.map((field, index) => notDistinct(field, other[index])) }
}

function notDistinct(left: unknown, right: unknown): NamedPredicate {
  const truth = isNode(right) ? literal(right) : unknownPredicate
  const tested = isNode(left) && truth.op === 'literal' ? castToBoolean(left) : undefined
  if (tested !== undefined && truth.op === 'literal') return { op: 'is', term: tested, value: truth.value }
  const equal = compare(left, '=', right)
  if (equal.op !== 'compare') return unknownPredicate
  const bothNull = {
    op: 'and',
    terms: [
      { op: 'is-null', operand: equal.left },
      { op: 'is-null', operand: equal.right },
    ],
  } as const
  return { op: 'or', terms: [{ op: 'is', term: equal, value: true }, bothNull] }
}

/** `(condition)::BOOLEAN`, as DuckDB writes `condition IS TRUE`. */
function castToBoolean({ class: kind, cast_type: type, child, try_cast: orNull }: Node): NamedPredicate | undefined {
  if (kind !== 'CAST' || !isNode(type) || type.id !== 'BOOLEAN' || orNull === true || !isNode(child)) return undefined
  return /^(CONSTANT|PARAMETER)$/.test(textOf(child.class)) ? undefined : predicateOf(child)
}

function isTrue(expression: Node): NamedPredicate {
  const column = columnOf(expression)
  if (column === undefined) return unknownPredicate
  const value = { kind: 'constant', constant: { kind: 'boolean', value: true } } as const
  return { op: 'compare', left: { kind: 'column', column }, comparison: '=', right: { kind: 'value', value } }
}

function isNull(child: Node | undefined): NamedPredicate {
  if (child === undefined) return unknownPredicate
  const operand = operandOf(child)
  if (operand !== undefined) return { op: 'is-null', operand }
  const term = predicateOf(child)
  return term.op === 'unknown' ? term : { op: 'is', term, value: null }
}

function inList([input, ...list]: readonly Node[]): NamedPredicate {
  if (input === undefined || list.length === 0) return unknownPredicate
  if (isRow(input)) return { op: 'or', terms: list.map((row) => (isRow(row) ? rowsEqual(input, row) : unknownPredicate)) }
  return among(input, list)
}

function among(input: Node, list: readonly Node[], form: { readonly contains?: boolean; readonly list?: boolean } = {}): NamedPredicate {
  const operand = operandOf(input)
  if (operand === undefined || operand.kind === 'value') return unknownPredicate
  const values: FilterValue[] = []
  for (const item of list) {
    const value = filterValue(item)
    if (value === undefined) return unknownPredicate
    values.push(value)
  }
  return { op: 'in', operand, values, ...form }
}

/** A column among the elements of a list that is written out, or of a parameter that is one. */
function amongElements(input: Node, list: Node | undefined, contains: boolean): NamedPredicate {
  if (list?.class === 'PARAMETER') return among(input, [list], { contains, list: true })
  const written = list?.class === 'FUNCTION' && list.function_name === 'list_value' ? nodesOf(list.children) : []
  return written.length === 0 ? unknownPredicate : among(input, written, { contains })
}

/** `column = ANY (list)`, and `column IN (SELECT unnest(list))`. */
function anyOf({ subquery_type: kind, comparison_type: comparison, child, subquery }: Node): NamedPredicate {
  const select = isNode(subquery) && isNode(subquery.node) ? subquery.node : {}
  const [output, ...more] = nodesOf(select.select_list)
  const plain =
    kind === 'ANY' &&
    comparison === 'COMPARE_EQUAL' &&
    more.length === 0 &&
    output?.function_name === 'unnest' &&
    isNode(select.from_table) &&
    select.from_table.type === 'EMPTY' &&
    nodesOf(select.modifiers).length === 0 &&
    ['where_clause', 'having', 'qualify', 'sample'].every((clause) => !isNode(select[clause]))
  const [list, ...options] = plain ? nodesOf(output.children) : []
  return options.length > 0 || !isNode(child) ? unknownPredicate : amongElements(child, list, false)
}

function call(name: string, children: readonly Node[]): NamedPredicate {
  const [first, second, ...more] = children
  if (first === undefined || second === undefined || more.length > 0) return unknownPredicate
  if (/^(list_contains|list_has|array_contains|array_has|contains)$/.test(name)) return amongElements(second, first, true)
  if (name === 'struct_extract') return isTrue({ class: 'FUNCTION', function_name: name, children: [...children] })
  const negative = name.startsWith('!~~')
  if (!negative && !/^(~~\*?|prefix|starts_with|\^@)$/.test(name)) return unknownPredicate
  const operand = operandOf(first)
  const pattern = textLiteral(second)
  if (operand === undefined || pattern === undefined) return unknownPredicate
  const predicate = name.includes('~~') ? like(operand, pattern, name.endsWith('*')) : beginsWith(operand, pattern, true)
  return negative ? { op: 'not', term: predicate } : predicate
}

function like(operand: NamedOperand, pattern: string, anyCase: boolean): NamedPredicate {
  const [prefix] = /^[^%_]*/.exec(pattern)!
  if (!anyCase) {
    if (prefix !== pattern) return beginsWith(operand, prefix, pattern === `${prefix}%`)
    const value = { kind: 'constant', constant: { kind: 'text', value: pattern } } as const
    const text = { kind: 'apply', apply: { kind: 'cast', type: 'VARCHAR', orNull: false }, of: operand } as const
    return { op: 'compare', left: text, comparison: '=', right: { kind: 'value', value } }
  }
  // Letters of other scripts fold to i and k, and a folded text may be longer than it was.
  const [plain] = /^(?:(?![ikIK])[ -~])*/.exec(prefix)!
  if (plain === '') return unknownPredicate
  // Between the capitals and the small letters lie more texts than are meant, but none that are meant lie outside.
  return { op: 'starts-with', operand, from: plain.toUpperCase(), to: plain.toLowerCase(), whole: false }
}

function beginsWith(operand: NamedOperand, prefix: string, whole: boolean): NamedPredicate {
  return prefix === '' ? unknownPredicate : { op: 'starts-with', operand, from: prefix, to: prefix, whole }
}

function literal(expression: Node): NamedPredicate {
  const value = filterValue(expression)
  if (value?.kind !== 'constant') return unknownPredicate
  if (value.constant === null) return { op: 'literal', value: null }
  return value.constant?.kind === 'boolean' ? { op: 'literal', value: value.constant.value } : unknownPredicate
}
