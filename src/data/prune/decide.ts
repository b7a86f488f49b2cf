/**
 * What a predicate can be for the rows of each file: true, false or NULL, as far as the bounds of its operands say. Every combination of
 * the three is possible; what is not in the answer is the case for no row of the file. So a file without `mayBeTrue` can be left out, and
 * one with nothing else has no row that is.
 */
import {
  answerOf,
  answersFor,
  anything,
  joinAnswers,
  mayBeFalse,
  mayBeNull,
  mayBeTrue,
  negated,
  replaceAnswers,
  valued,
} from './answers.ts'
import type { ColumnPath, Comparison, Constant, Predicate, PredicateOf } from './predicate.ts'
import { compareBytes, nullsAll, nullsNone, type Zone, zoneKey } from './prune-zones.ts'
import { aligned, mayBeNull as mayBeNullValue, mayBeValue, numberOfText, type Range, rangeOf } from './range.ts'

/** The answers for files 0 to `count`. `zones`: those of the predicate's columns, by their keys. */
export function decide(predicate: Predicate, zones: ReadonlyMap<string, Zone>, count: number): Uint8Array {
  switch (predicate.op) {
    case 'and':
    case 'or': {
      const [first, ...others] = predicate.terms
      if (first === undefined) return answersFor(count).fill(predicate.op === 'and' ? mayBeTrue : mayBeFalse)
      const answers = decide(first, zones, count)
      for (const term of others) joinAnswers(answers, decide(term, zones, count), predicate.op)
      return answers
    }
    case 'not':
      return replaceAnswers(decide(predicate.term, zones, count), negated)
    case 'is': {
      const wanted = predicate.value === null ? mayBeNull : predicate.value ? mayBeTrue : mayBeFalse
      return replaceAnswers(decide(predicate.term, zones, count), (part) => answerOf((part & wanted) !== 0, (part & ~wanted) !== 0))
    }
    case 'literal':
      return answersFor(count).fill(predicate.value === null ? mayBeNull : predicate.value ? mayBeTrue : mayBeFalse)
    case 'unknown':
      return answersFor(count).fill(anything)
    default: {
      const answers = answersFor(count)
      if (predicate.op === 'compare' && comparedPlainly(predicate, zones, answers)) return answers
      const decideFile = decision(predicate, zones)
      for (let i = 0; i < count; i++) answers[i] = decideFile(i)
      return answers
    }
  }
}

type Leaf = Extract<PredicateOf<ColumnPath, Constant>, { op: 'compare' | 'in' | 'starts-with' | 'is-null' }>
type Decision = (file: number) => number

function decision(leaf: Leaf, zones: ReadonlyMap<string, Zone>): Decision {
  if (leaf.op === 'compare') return compared(rangeOf(leaf.left, zones), leaf.comparison, rangeOf(leaf.right, zones))
  const range = rangeOf(leaf.operand, zones)
  switch (leaf.op) {
    case 'is-null':
      return (i) => answerOf((range.may(i) & mayBeNullValue) !== 0, (range.may(i) & mayBeValue) !== 0)
    case 'starts-with':
      return withNulls(range, startsWith(range, leaf))
    case 'in':
      return listed(range, leaf)
  }
}

/** A decision about values, and NULL for NULL. */
function withNulls(range: Range, decideValue: Decision): Decision {
  return (i) => {
    const may = range.may(i)
    return (may & mayBeValue ? decideValue(i) : 0) | (may & mayBeNullValue ? mayBeNull : 0)
  }
}

function compared(left: Range, comparison: Comparison, right: Range): Decision {
  const pair = aligned(left, right)
  const decideValue = pair === undefined ? () => valued : decideOrder(comparison, ...order(...pair))
  return (i) => {
    const [l, r] = [left.may(i), right.may(i)]
    return (l & r & mayBeValue ? decideValue(i) : 0) | ((l | r) & mayBeNullValue ? mayBeNull : 0)
  }
}

type Order = (file: number) => number

/** The order of the left's lower bound and the right's upper one, and of the left's upper and the right's lower: negative, 0, positive; NaN where unknown. */
function order(left: Range, right: Range): readonly [Order, Order] {
  if (left.family === 'text') {
    const compare = (a: Uint8Array | undefined, b: Uint8Array | undefined) =>
      a === undefined || b === undefined ? Number.NaN : compareBytes(a, b)
    return [(i) => compare(left.lowText(i), right.highText(i)), (i) => compare(left.highText(i), right.lowText(i))]
  }
  // Not by subtraction: two infinities are equal.
  const compare = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN)
  return [(i) => compare(left.low(i), right.high(i)), (i) => compare(left.high(i), right.low(i))]
}

/** What is unknown must come out as "may": so each is asked as "not surely not". Bounds that meet on both sides are one value. */
function decideOrder(comparison: Comparison, lowest: Order, highest: Order): Decision {
  switch (comparison) {
    case '=':
      return (i) => answerOf(!(lowest(i) > 0) && !(highest(i) < 0), !(lowest(i) === 0 && highest(i) === 0))
    case '<>':
      return (i) => answerOf(!(lowest(i) === 0 && highest(i) === 0), !(lowest(i) > 0) && !(highest(i) < 0))
    case '<':
      return (i) => answerOf(!(lowest(i) >= 0), !(highest(i) < 0))
    case '<=':
      return (i) => answerOf(!(lowest(i) > 0), !(highest(i) <= 0))
    case '>':
      return (i) => answerOf(!(highest(i) <= 0), !(lowest(i) > 0))
    case '>=':
      return (i) => answerOf(!(highest(i) < 0), !(lowest(i) >= 0))
  }
}

/**
 * What {@link compared} decides, for a column of numbers or times and a constant, as most conditions are: from the bounds where they lie,
 * without a call for each, since this is done for every file. `false`, and nothing is decided, where the operands are others.
 */
function comparedPlainly(
  { left, comparison, right }: Extract<Leaf, { op: 'compare' }>,
  zones: ReadonlyMap<string, Zone>,
  answers: Uint8Array,
): boolean {
  const zone = left.kind === 'column' ? zones.get(zoneKey(left.column.path)) : undefined
  if (zone === undefined || zone.family === 'text' || right.kind !== 'value') return false
  const [, constant] = aligned(rangeOf(left, zones), rangeOf(right, zones)) ?? []
  if (constant === undefined || constant.may(0) !== mayBeValue) return false
  const [least, greatest] = [constant.low(0), constant.high(0)]
  if (comparison === '=' || comparison === '<>') decideEqual(zone, least, greatest, comparison === '<>', answers)
  else decideBelow(zone, least, greatest, comparison[0] === '>', comparison === '<' || comparison === '>=', answers)
  return true
}

/** Whether values equal one from `least` to `greatest`, or `not`. A bound that is unknown is NaN, of which nothing is sure. */
function decideEqual({ low, high, nulls }: Zone, least: number, greatest: number, not: boolean, answers: Uint8Array): void {
  const [yes, no] = not ? [mayBeFalse, mayBeTrue] : [mayBeTrue, mayBeFalse]
  for (let i = 0; i < answers.length; i++) {
    const apart = low[i]! > greatest || high[i]! < least
    const same = low[i]! === greatest && high[i]! === least
    answers[i] = withNull(nulls[i]!, (apart ? 0 : yes) | (same ? 0 : no))
  }
}

/** Whether values are below one from `least` to `greatest`, or equal to it where not `strict`; or `not`. */
function decideBelow(
  { low, high, nulls }: Zone,
  least: number,
  greatest: number,
  not: boolean,
  strict: boolean,
  answers: Uint8Array,
): void {
  const [yes, no] = not ? [mayBeFalse, mayBeTrue] : [mayBeTrue, mayBeFalse]
  for (let i = 0; i < answers.length; i++) {
    const above = low[i]! > greatest || (strict && low[i] === greatest)
    const below = high[i]! < least || (!strict && high[i] === least)
    answers[i] = withNull(nulls[i]!, (above ? 0 : yes) | (below ? 0 : no))
  }
}

function withNull(nulls: number, answer: number): number {
  if (nulls === nullsNone) return answer
  return nulls === nullsAll ? mayBeNull : answer | mayBeNull
}

function startsWith(range: Range, { from, to, whole }: { readonly from: string; readonly to: string; readonly whole: boolean }): Decision {
  if (range.family !== 'text') return () => valued
  const [first, last] = [new TextEncoder().encode(from), new TextEncoder().encode(to)]
  const head = (text: Uint8Array) => text.subarray(0, first.length)
  return (i) => {
    const low = range.lowText(i)
    const high = range.highText(i)
    const above = low !== undefined && compareBytes(head(low), last) > 0
    const below = high !== undefined && compareBytes(high, first) < 0
    const surely =
      whole && low !== undefined && high !== undefined && compareBytes(head(low), first) === 0 && compareBytes(head(high), first) === 0
    return answerOf(!above && !below, !surely)
  }
}

/** One of many constants: they are sorted, so that a file is decided by a search for the first that is not below it. */
function listed(range: Range, { values, contains, list }: Extract<Leaf, { op: 'in' }>): Decision {
  const all = values.flatMap((value) => (value !== null && value?.kind === 'list' ? value.values : [value]))
  if (list && values.some((value) => value === null || value?.kind !== 'list')) return () => anything
  const some = all.filter((value) => value !== null)
  const hits = range.family === 'text' ? amongTexts(range, some) : amongNumbers(range, some)
  if (hits === undefined) return () => anything
  const miss = some.length < all.length && !contains ? mayBeNull : mayBeFalse
  // Not even NULL is in an empty list.
  const ofNull = all.length === 0 ? mayBeNull | mayBeFalse : mayBeNull
  return (i) => {
    const may = range.may(i)
    const hit = may & mayBeValue ? hits(i) : 0
    return (hit & mayBeTrue) | (hit & mayBeFalse ? miss : 0) | (may & mayBeNullValue ? ofNull : 0)
  }
}

function amongNumbers(range: Range, values: readonly Constant[]): Decision | undefined {
  const numbers: number[] = []
  let error = 0
  for (const value of values) {
    if (value === null || value === undefined || value.kind === 'list') return undefined
    const number = value.kind === 'text' ? numberInList(range, value.value) : value.kind === range.family ? Number(value.value) : undefined
    if (number === undefined || Number.isNaN(number)) return undefined
    if (value.kind === 'number') error = Math.max(error, value.error ?? 0)
    numbers.push(number)
  }
  numbers.sort((a, b) => a - b)
  return (i) => {
    const [low, high] = [range.low(i), range.high(i)]
    const first = firstNotBelow(numbers.length, (at) => numbers[at]! < low - error)
    const found = numbers[first]
    const among = found !== undefined && !(found - error > high)
    return answerOf(among, !(among && error === 0 && low === high && found === low))
  }
}

/** Where a list is of texts alone DuckDB reads the texts as the column's type; else it may compare texts: they are taken where both come to the same. */
function numberInList({ family, type }: Range, text: string): number | undefined {
  if (family === 'number') return /^(?:0|-?[1-9]\d*)$/.test(text) ? numberOfText(family, type, text) : undefined
  return type === 'date' ? numberOfText(family, type, text) : undefined
}

function amongTexts(range: Range, values: readonly Constant[]): Decision | undefined {
  const texts: Uint8Array[] = []
  for (const value of values) {
    if (value?.kind !== 'text') return undefined
    texts.push(new TextEncoder().encode(value.value))
  }
  texts.sort(compareBytes)
  return (i) => {
    const [low, high] = [range.lowText(i), range.highText(i)]
    const first = low === undefined ? 0 : firstNotBelow(texts.length, (at) => compareBytes(texts[at]!, low) < 0)
    const found = texts[first]
    const among = found !== undefined && !(high !== undefined && compareBytes(found, high) > 0)
    const only =
      low !== undefined && high !== undefined && found !== undefined && compareBytes(low, high) === 0 && compareBytes(found, low) === 0
    return answerOf(among, !only)
  }
}

function firstNotBelow(length: number, below: (at: number) => boolean): number {
  let [from, to] = [0, length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (below(middle)) from = middle + 1
    else to = middle
  }
  return from
}
