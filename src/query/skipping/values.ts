/**
 * Constants of a query as values that files are chosen by: literals at once, parameters when they are bound, everything else that
 * holds only constants when the engine has computed it.
 */
import { type Constant, timeOfText } from '../../data/prune/predicate.ts'
import type { Value } from '../../engine/index.ts'
import { holdsOnlyConstants, isNode, type Node, textOf } from '../sql/ast.ts'
import { isSteadyFunction } from '../sql/functions.ts'
import { parameterName } from '../sql/parameters.ts'

/** A value that a condition compares a column with. */
export type FilterValue =
  | { readonly kind: 'constant'; readonly constant: Constant }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'expression'; readonly node: Node }

/** The value of an expression, or `undefined` where it depends on rows, differs from one evaluation to the next, or is compared in its own way. */
export function filterValue(expression: Node): FilterValue | undefined {
  if (textOf(expression.type) === 'VALUE_PARAMETER') return { kind: 'parameter', name: parameterName(textOf(expression.identifier)) }
  const constant = literalOf(expression)
  if (constant !== undefined) return { kind: 'constant', constant }
  return holdsOnlyConstants(expression) && isSteady(expression) ? { kind: 'expression', node: expression } : undefined
}

/** A bound parameter as a constant. */
export function parameterConstant(value: Value | undefined): Constant {
  if (value === null) return null
  if (Array.isArray(value)) return { kind: 'list', values: value.map(parameterConstant) }
  switch (typeof value) {
    case 'number':
      return { kind: 'number', value }
    case 'bigint':
      return numberConstant(String(value), 'HUGEINT')
    case 'string':
      return { kind: 'text', value }
    case 'boolean':
      return { kind: 'boolean', value }
    default:
      return value instanceof Date ? { kind: 'time', value: value.getTime() * 1000 } : undefined
  }
}

/** A literal that was taken out of a text. */
export function literalConstant(text: string): Constant {
  return text.startsWith("'") ? { kind: 'text', value: text.slice(1, -1) } : numberConstant(text, 'BIGINT')
}

/** A value that the engine computed, from the name of its type and its text. */
export function computedConstant(type: string, text: string | null): Constant {
  if (text === null) return null
  if (/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/.test(type)) return numberConstant(text, type)
  if (type === 'VARCHAR') return { kind: 'text', value: text }
  if (type === 'BOOLEAN') return { kind: 'boolean', value: text === 'true' }
  if (/^(DATE|TIMESTAMP|TIMESTAMP WITH TIME ZONE)$/.test(type)) return timeConstant(text)
  return undefined
}

function timeConstant(text: string): Constant {
  const value = timeOfText(text)
  return value === undefined ? undefined : { kind: 'time', value }
}

/** A literal, and a literal text that is cast to a date or a timestamp. */
function literalOf(expression: Node): Constant {
  if (textOf(expression.class) === 'CAST' && isNode(expression.child) && isNode(expression.cast_type)) {
    const text = literalOf(expression.child)
    const type = textOf(expression.cast_type.id)
    if (text?.kind !== 'text') return undefined
    if (type === 'BOOLEAN' && /^[tf]$/.test(text.value)) return { kind: 'boolean', value: text.value === 't' }
    if (type === 'DATE' && /^\d{4}-\d{2}-\d{2}$/.test(text.value)) return timeConstant(text.value)
    return /^TIMESTAMP( WITH TIME ZONE)?$/.test(type) && !/Z|\+/.test(text.value) ? timeConstant(text.value) : undefined
  }
  if (textOf(expression.type) !== 'VALUE_CONSTANT' || !isNode(expression.value)) return undefined
  const { type, is_null, value } = expression.value
  if (is_null === true) return null
  const id = isNode(type) ? textOf(type.id) : ''
  if (id === 'BOOLEAN' && typeof value === 'boolean') return { kind: 'boolean', value }
  if (id === 'VARCHAR' && typeof value === 'string') return { kind: 'text', value }
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  if (id === 'DECIMAL') {
    const scale = isNode(type) && isNode(type.type_info) ? Number(type.type_info.scale ?? 0) : 0
    return numberConstant(`${value}e-${scale}`, 'DECIMAL')
  }
  return /^(U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE)$/.test(id) ? numberConstant(String(value), id) : undefined
}

/** A number from its text. DuckDB compares with a FLOAT in so few digits, and with other numbers in more than a double has. */
function numberConstant(text: string, type: string): Constant {
  const value = toNumber(text)
  if (type === 'DOUBLE') return { kind: 'number', value }
  if (type === 'FLOAT') return { kind: 'number', value, error: Math.abs(value) * 2 ** -22 }
  const exact = Number.isSafeInteger(value) && text.replace(/e.*$/, '').length <= 15
  return exact ? { kind: 'number', value } : { kind: 'number', value, error: Math.abs(value) * 2 ** -52 }
}

/** A collation changes how the value is compared, and a constant keeps none. */
function isSteady(expression: Node): boolean {
  if (/^(COLUMN_REF|COLLATE)$/.test(textOf(expression.class))) return false
  if (textOf(expression.class) === 'FUNCTION' && !isSteadyFunction(textOf(expression.function_name))) return false
  return Object.values(expression).every((value) =>
    (Array.isArray(value) ? value : [value]).every((item) => !isNode(item) || isSteady(item)),
  )
}

function toNumber(text: string): number {
  const named: Record<string, number> = { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, nan: Number.NaN }
  return named[text] ?? Number(text)
}
