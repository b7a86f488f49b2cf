/**
 * What a WHERE clause says about the columns of one table, as far as files can be chosen by it. A predicate is written once from the
 * SQL (`query/`) with constants still to come, and read here with their values; what has no place in it is `unknown`, which chooses
 * nothing. It only ever decides which files may hold a row: the rows themselves are filtered by the engine.
 *
 * Truth has three values, as in SQL: a row counts where the predicate is true, and NULL is neither true nor false.
 */

/** How two values are compared. */
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='

/**
 * A constant as far as it can be compared with statistics: numbers of every SQL type as the nearest double, `error` away from the true
 * one at most; dates and timestamps as microseconds since 1970 in UTC, text as it is; a list of constants. `null` is SQL's NULL,
 * `undefined` a value that is not understood.
 */
export type Constant =
  | { readonly kind: 'number'; readonly value: number; readonly error?: number }
  | { readonly kind: 'time'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'list'; readonly values: readonly Constant[] }
  | null
  | undefined

/** A column of the table, or a field in a struct of it: names as the schema spells them. */
export interface ColumnPath {
  readonly path: readonly string[]
}

/**
 * A function that never decreases: a cast to a type, by DuckDB's name of it; a time cut to a unit, by the unit's name; the year of a time.
 */
export type Monotone =
  | { readonly kind: 'cast'; readonly type: string; readonly orNull: boolean }
  | { readonly kind: 'truncate'; readonly unit: string }
  | { readonly kind: 'year' }

/** What is compared: a column, a constant, or what is computed from one column so that order is kept. */
export type Operand<Column, Value> =
  | { readonly kind: 'column'; readonly column: Column }
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'apply'; readonly apply: Monotone; readonly of: Operand<Column, Value> }
  | { readonly kind: 'plus'; readonly of: Operand<Column, Value>; readonly value: Value; readonly sign: 1 | -1 }

/** A predicate over columns `Column` and constants `Value`. */
export type PredicateOf<Column, Value> =
  | { readonly op: 'and' | 'or'; readonly terms: readonly PredicateOf<Column, Value>[] }
  | { readonly op: 'not'; readonly term: PredicateOf<Column, Value> }
  /** Whether a term has a truth value; never NULL itself. */
  | { readonly op: 'is'; readonly term: PredicateOf<Column, Value>; readonly value: boolean | null }
  | {
      readonly op: 'compare'
      readonly left: Operand<Column, Value>
      readonly comparison: Comparison
      readonly right: Operand<Column, Value>
    }
  /** `contains`: as list_contains has it, which passes over a NULL in the list; else as IN has it. `list`: the one value must be a list. */
  | {
      readonly op: 'in'
      readonly operand: Operand<Column, Value>
      readonly values: readonly Value[]
      readonly contains?: boolean
      readonly list?: boolean
    }
  /** A text whose beginning lies between two texts of one length, both included; `whole`: and every such text is meant. */
  | {
      readonly op: 'starts-with'
      readonly operand: Operand<Column, Value>
      readonly from: string
      readonly to: string
      readonly whole: boolean
    }
  | { readonly op: 'is-null'; readonly operand: Operand<Column, Value> }
  | { readonly op: 'literal'; readonly value: boolean | null }
  | { readonly op: 'unknown' }

/** A predicate that is ready to choose files. */
export type Predicate = PredicateOf<ColumnPath, Constant>

/** The predicate that chooses nothing. */
export const unknownPredicate = { op: 'unknown' } as const

/** Whether a predicate can never leave out a file. */
export function choosesNothing(predicate: Predicate): boolean {
  switch (predicate.op) {
    case 'unknown':
      return true
    case 'and':
      return predicate.terms.every(choosesNothing)
    case 'or':
      return predicate.terms.some(choosesNothing)
    case 'not':
    case 'is':
      return choosesNothing(predicate.term)
    default:
      return false
  }
}

/** The same predicate with other operands for its columns, and other values. A column that `column` does not know makes its part `unknown`. */
export function mapPredicate<A, B, C, D>(
  predicate: PredicateOf<A, B>,
  column: (column: A) => Operand<C, D> | undefined,
  value: (value: B) => D,
): PredicateOf<C, D> {
  const mapped = (operand: Operand<A, B>) => mapOperand(operand, column, value)
  switch (predicate.op) {
    case 'and':
    case 'or':
      return { op: predicate.op, terms: predicate.terms.map((term) => mapPredicate(term, column, value)) }
    case 'not':
    case 'is':
      return { ...predicate, term: mapPredicate(predicate.term, column, value) }
    case 'literal':
    case 'unknown':
      return predicate
    case 'compare': {
      const left = mapped(predicate.left)
      const right = mapped(predicate.right)
      return left === undefined || right === undefined ? unknownPredicate : { ...predicate, left, right }
    }
    default: {
      const operand = mapped(predicate.operand)
      if (operand === undefined) return unknownPredicate
      return predicate.op === 'in' ? { ...predicate, operand, values: predicate.values.map(value) } : { ...predicate, operand }
    }
  }
}

/** An operand with another operand for its column, and another value; `undefined` where `column` does not know the column. */
export function mapOperand<A, B, C, D>(
  operand: Operand<A, B>,
  column: (column: A) => Operand<C, D> | undefined,
  value: (value: B) => D,
): Operand<C, D> | undefined {
  if (operand.kind === 'column') return column(operand.column)
  if (operand.kind === 'value') return { kind: 'value', value: value(operand.value) }
  const of = mapOperand(operand.of, column, value)
  if (of === undefined) return undefined
  return operand.kind === 'plus' ? { ...operand, of, value: value(operand.value) } : { ...operand, of }
}

/** All columns that a predicate looks at. */
export function columnsOf<Column, Value>(predicate: PredicateOf<Column, Value>): Column[] {
  switch (predicate.op) {
    case 'and':
    case 'or':
      return predicate.terms.flatMap(columnsOf)
    case 'not':
    case 'is':
      return columnsOf(predicate.term)
    case 'literal':
    case 'unknown':
      return []
    case 'compare':
      return [...columnOf(predicate.left), ...columnOf(predicate.right)]
    default:
      return columnOf(predicate.operand)
  }
}

function columnOf<Column, Value>(operand: Operand<Column, Value>): Column[] {
  if (operand.kind === 'column') return [operand.column]
  return operand.kind === 'value' ? [] : columnOf(operand.of)
}

const timeText = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?:Z|\+00(?::?00)?)?)?$/

/** Microseconds since 1970 of a date or a UTC timestamp written as text; `undefined` for any other text. */
export function timeOfText(text: string): number | undefined {
  const match = timeText.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  return exists ? date.getTime() * 1000 + Number((match[7] ?? '').padEnd(6, '0')) : undefined
}
