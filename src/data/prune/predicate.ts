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
 * A constant as far as it can be compared with statistics: numbers of every SQL type as the nearest double, dates and timestamps as
 * microseconds since 1970 in UTC, text as it is. `null` is SQL's NULL, `undefined` a value that is not understood.
 */
export type Constant =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'time'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | null
  | undefined

/** A column of the table, or a field in a struct of it: names as the schema spells them. `day`: the value cut to its day (a CAST to DATE). */
export interface ColumnPath {
  readonly path: readonly string[]
  readonly day?: boolean
}

/** A predicate over columns `Column` and constants `Value`. */
export type PredicateOf<Column, Value> =
  | { readonly op: 'and' | 'or'; readonly terms: readonly PredicateOf<Column, Value>[] }
  | { readonly op: 'not'; readonly term: PredicateOf<Column, Value> }
  | { readonly op: 'compare'; readonly column: Column; readonly comparison: Comparison; readonly value: Value }
  | { readonly op: 'in'; readonly column: Column; readonly values: readonly Value[] }
  | { readonly op: 'starts-with'; readonly column: Column; readonly prefix: string }
  | { readonly op: 'is-null'; readonly column: Column }
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
      return choosesNothing(predicate.term)
    default:
      return false
  }
}

/** The same predicate with other columns and values. A column that `column` does not know makes its part `unknown`. */
export function mapPredicate<A, B, C, D>(
  predicate: PredicateOf<A, B>,
  column: (column: A) => C | undefined,
  value: (value: B) => D,
): PredicateOf<C, D> {
  switch (predicate.op) {
    case 'and':
    case 'or':
      return { op: predicate.op, terms: predicate.terms.map((term) => mapPredicate(term, column, value)) }
    case 'not':
      return { op: 'not', term: mapPredicate(predicate.term, column, value) }
    case 'literal':
    case 'unknown':
      return predicate
    default: {
      const mapped = column(predicate.column)
      if (mapped === undefined) return unknownPredicate
      if (predicate.op === 'compare') return { ...predicate, column: mapped, value: value(predicate.value) }
      if (predicate.op === 'in') return { ...predicate, column: mapped, values: predicate.values.map(value) }
      return { ...predicate, column: mapped }
    }
  }
}

/** All columns that a predicate looks at. */
export function columnsOf<Column, Value>(predicate: PredicateOf<Column, Value>): Column[] {
  switch (predicate.op) {
    case 'and':
    case 'or':
      return predicate.terms.flatMap(columnsOf)
    case 'not':
      return columnsOf(predicate.term)
    case 'literal':
    case 'unknown':
      return []
    default:
      return [predicate.column]
  }
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
