/** The functions that mean the same in Spark and in DuckDB, or that can be spelt so that they do. What is not here is not taken. */
import { decimalParts, decimalType, toSqlType } from '../sql-type.ts'
import { Refusal } from './refusal.ts'
import {
  cast,
  commonType,
  constant,
  describe,
  type Fail,
  failing,
  inCommonYears,
  isFloating,
  isInteger,
  isNumber,
  type Value,
  value,
  widened,
} from './value.ts'

/** What a function may need besides its arguments. */
export interface CallContext {
  readonly fail: Fail
  /** The moment that `current_timestamp` stands for: `yyyy-MM-dd HH:mm:ss[.ffffff]` in UTC; `undefined` where no moment may be asked for. */
  readonly now: string | undefined
}

/** One function of the list. */
export interface ListedFunction {
  readonly least: number
  /** `undefined`: any number. */
  readonly most: number | undefined
  /** DuckDB has one of the same name that means something else, so a user has to say which is meant. */
  readonly ambiguous?: boolean
  readonly build: (args: readonly Value[], context: CallContext) => Value
}

/** The function of that name in lower case; `undefined` where it is not on the list. */
export function listedFunction(name: string): ListedFunction | undefined {
  return functions.get(name)
}

const functions = new Map<string, ListedFunction>()

function define(names: string, least: number, most: number | undefined, build: ListedFunction['build'], ambiguous = false): void {
  for (const name of names.split(' ')) functions.set(name, { least, most, build, ambiguous })
}

// Choices
define('coalesce', 1, undefined, (args) => chosen('coalesce', args))
define('nvl ifnull', 2, 2, (args) => chosen('coalesce', args))
define('greatest', 2, undefined, (args) => chosen('greatest', args))
define('least', 2, undefined, (args) => chosen('least', args))
define('if', 3, 3, ([when, then, otherwise]) => choose(boolean(when!).sql, when!, then!, otherwise!))
define('nvl2', 3, 3, ([tested, then, otherwise]) => choose(`${tested!.sql} IS NOT NULL`, tested!, then!, otherwise!))
define('nullif', 2, 2, ([one, other]) => {
  const type = commonType([one!, other!], 'comparison')
  return value(
    one!.type,
    `CASE WHEN ${widened(one!, type).sql} = ${widened(other!, type).sql} THEN NULL ELSE ${one!.sql} END`,
    one!,
    other!,
  )
})
define('isnull', 1, 1, ([one]) => value('boolean', `(${one!.sql} IS NULL)`, one!))
define('isnotnull', 1, 1, ([one]) => value('boolean', `(${one!.sql} IS NOT NULL)`, one!))

// Numbers
define('isnan', 1, 1, ([one]) => value('boolean', `coalesce(isnan(${floating(one!).sql}), false)`, one!))
define('abs', 1, 1, ([one]) => {
  const made = value(number(one!).type, `abs(${one!.sql})`, one!)
  return isInteger(one!.type) ? failing(made) : made
})
define('floor', 1, 1, ([one]) => rounded('floor', one!))
define('ceil ceiling', 1, 1, ([one]) => rounded('ceil', one!))
define('round', 1, 2, ([one, digits]) => {
  const places = digits === undefined ? 0 : wholeLiteral(digits, 0, 38)
  const decimal = decimalParts(number(one!).type)
  if (decimal === undefined) {
    if (places !== 0 && !isInteger(one!.type)) throw new Refusal('round of a double to places behind the point differs between engines')
    // Spark makes a zero without a sign of what it rounds.
    return isInteger(one!.type) ? one! : value(one!.type, `(round(${one!.sql}) + CAST(0 AS ${toSqlType(one!.type)}))`, one!)
  }
  if (places >= decimal.scale) return one!
  const precision = decimal.precision - decimal.scale + places + 1
  return value(decimalType(precision, places), `CAST(round(${one!.sql}, ${places}) AS DECIMAL(${precision},${places}))`, one!)
})

// Days and times
for (const [names, part] of [
  ['year', 'year'],
  ['month', 'month'],
  ['day dayofmonth', 'day'],
  ['quarter', 'quarter'],
  ['dayofyear', 'dayofyear'],
  ['weekofyear', 'weekofyear'],
] as const)
  define(names, 1, 1, ([one]) => value('integer', `CAST(${part}(${day(one!).sql}) AS INTEGER)`, one!))
for (const part of ['hour', 'minute', 'second'])
  define(part, 1, 1, ([one]) => value('integer', `CAST(${part}(${local(one!)}) AS INTEGER)`, one!))
define('dayofweek', 1, 1, ([one]) => value('integer', `CAST(dayofweek(${day(one!).sql}) + 1 AS INTEGER)`, one!), true)
define('weekday', 1, 1, ([one]) => value('integer', `CAST(isodow(${day(one!).sql}) - 1 AS INTEGER)`, one!), true)
define('to_date', 1, 1, ([one], { fail }) => cast(one!, 'date', fail))
define('date_add dateadd', 2, 2, ([from, days]) => shifted(from!, days!, '+'), true)
define('date_sub', 2, 2, ([from, days]) => shifted(from!, days!, '-'), true)
define(
  'datediff',
  2,
  2,
  ([end, start]) => value('integer', `CAST(date_diff('day', ${day(start!).sql}, ${day(end!).sql}) AS INTEGER)`, end!, start!),
  true,
)
define('last_day', 1, 1, ([one]) => value('date', `last_day(${day(one!).sql})`, one!))
define('add_months', 2, 2, ([from, months]) => {
  if (!isInteger(months!.type) || months!.type === 'long') throw new Refusal('add_months wants a date and an integer')
  return failing(value('date', `CAST(${day(from!).sql} + to_months(CAST(${months!.sql} AS INTEGER)) AS DATE)`, from!, months!))
})
define('date_trunc', 2, 2, ([unit, one]) => {
  const part = unitOf(unit!, timestampUnits)
  return value('timestamp', `CAST(date_trunc('${part}', ${localOrDay(one!)}) AS TIMESTAMPTZ)`, one!)
})
define(
  'trunc',
  2,
  2,
  ([one, unit]) => value('date', `CAST(date_trunc('${unitOf(unit!, dateUnits)}', ${day(one!).sql}) AS DATE)`, one!),
  true,
)
define('date_format', 2, 2, ([one, pattern], { fail }) => {
  const formatted = `strftime(${localOrDay(one!)}, '${formatOf(pattern!)}')`
  return inCommonYears(one!, value('string', formatted, one!), fail)
})
define('current_timestamp now', 0, 0, (_, { now }) => constant({ type: 'timestamp', text: moment(now) }))
define('current_date curdate', 0, 0, (_, { now }) => constant({ type: 'date', text: moment(now).slice(0, 10) }))

// Texts
define('concat', 1, undefined, (args) => value('string', `CAST(${args.map((one) => text(one).sql).join(' || ')} AS VARCHAR)`, ...args))
define('upper ucase', 1, 1, ([one], { fail }) => letterCase('upper', one!, fail))
define('lower lcase', 1, 1, ([one], { fail }) => letterCase('lower', one!, fail))
define('length char_length character_length', 1, 1, ([one]) =>
  one!.type === 'binary'
    ? value('integer', `CAST(octet_length(${one!.sql}) AS INTEGER)`, one!)
    : value('integer', `CAST(length(${text(one!).sql}) AS INTEGER)`, one!),
)
define('trim', 1, 1, ([one]) => value('string', `trim(${text(one!).sql}, ' ')`, one!))
define('ltrim', 1, 1, ([one]) => value('string', `ltrim(${text(one!).sql}, ' ')`, one!))
define('rtrim', 1, 1, ([one]) => value('string', `rtrim(${text(one!).sql}, ' ')`, one!))
define('startswith', 2, 2, ([one, other]) => value('boolean', `starts_with(${text(one!).sql}, ${text(other!).sql})`, one!, other!))
define('endswith', 2, 2, ([one, other]) => value('boolean', `ends_with(${text(one!).sql}, ${text(other!).sql})`, one!, other!))
define('contains', 2, 2, ([one, other]) => value('boolean', `contains(${text(one!).sql}, ${text(other!).sql})`, one!, other!))
define('substring substr', 2, 3, ([one, from, length]) => {
  const start = Math.max(wholeLiteral(from!, 0, 2 ** 30), 1)
  const end = length === undefined ? '' : `, ${wholeLiteral(length, 0, 2 ** 30)}`
  return value('string', `substring(${text(one!).sql}, ${start}${end})`, one!)
})
define('left', 2, 2, ([one, count]) => value('string', `left(${text(one!).sql}, ${wholeLiteral(count!, 0, 2 ** 30)})`, one!))
define('right', 2, 2, ([one, count]) => value('string', `right(${text(one!).sql}, ${wholeLiteral(count!, 0, 2 ** 30)})`, one!))
define('replace', 3, 3, ([one, search, by]) => {
  if (search!.literal?.type !== 'string' || search!.literal.text === '') throw new Refusal('replace wants a constant to look for')
  return value('string', `replace(${text(one!).sql}, ${search!.sql}, ${text(by!).sql})`, one!, by!)
})
define('md5', 1, 1, ([one]) => value('string', `md5(${text(one!).sql})`, one!))

for (const [name, type] of [
  ['boolean', 'boolean'],
  ['tinyint', 'byte'],
  ['smallint', 'short'],
  ['int', 'integer'],
  ['bigint', 'long'],
  ['float', 'float'],
  ['double', 'double'],
  ['string', 'string'],
  ['date', 'date'],
  ['timestamp', 'timestamp'],
] as const)
  define(name, 1, 1, ([one], { fail }) => cast(one!, type, fail))

function chosen(name: string, args: readonly Value[]): Value {
  const type = commonType(args, 'result')
  return value(type, `${name}(${args.map((one) => widened(one, type).sql).join(', ')})`, ...args)
}

function choose(condition: string, tested: Value, then: Value, otherwise: Value): Value {
  const type = commonType([then, otherwise], 'result')
  return value(
    type,
    `CASE WHEN ${condition} THEN ${widened(then, type).sql} ELSE ${widened(otherwise, type).sql} END`,
    tested,
    then,
    otherwise,
  )
}

function rounded(name: 'floor' | 'ceil', one: Value): Value {
  const decimal = decimalParts(number(one).type)
  if (isInteger(one.type)) return cast(one, 'long', () => 'NULL')
  // Spark takes the nearest of what a long holds, and 0 for NaN; here such a number stops the statement.
  if (decimal === undefined) return failing(value('long', `CAST(${name}(${one.sql}) AS BIGINT)`, one))
  const precision = Math.min(decimal.precision - decimal.scale + 1, 38)
  return value(decimalType(precision, 0), `CAST(${name}(${one.sql}) AS DECIMAL(${precision},0))`, one)
}

function shifted(from: Value, days: Value, sign: '+' | '-'): Value {
  if (!isInteger(days.type) || days.type === 'long') throw new Refusal('days are added that are no integer')
  return failing(value('date', `(${day(from).sql} ${sign} CAST(${days.sql} AS INTEGER))`, from, days))
}

/** The day of a date or timestamp. */
function day(one: Value): Value {
  if (one.type === 'date') return one
  if (one.type === 'timestamp' || one.type === 'timestamp_ntz' || one.type === 'void') return cast(one, 'date', () => 'NULL')
  throw new Refusal(`a ${describe(one.type)} is taken for a date; write a CAST`)
}

/** A timestamp as the clock shows it in UTC. */
function local(one: Value): string {
  if (one.type === 'timestamp') return `CAST(${one.sql} AS TIMESTAMP)`
  if (one.type === 'timestamp_ntz') return one.sql
  throw new Refusal(`a ${describe(one.type)} is taken for a timestamp; write a CAST`)
}

function localOrDay(one: Value): string {
  return one.type === 'date' ? `CAST(${one.sql} AS TIMESTAMP)` : local(one)
}

const dateUnits: Readonly<Record<string, string>> = {
  year: 'year',
  yyyy: 'year',
  yy: 'year',
  quarter: 'quarter',
  month: 'month',
  mon: 'month',
  mm: 'month',
  week: 'week',
}
const timestampUnits: Readonly<Record<string, string>> = {
  ...dateUnits,
  day: 'day',
  dd: 'day',
  hour: 'hour',
  minute: 'minute',
  second: 'second',
  millisecond: 'milliseconds',
  microsecond: 'microseconds',
}

function unitOf(unit: Value, known: Readonly<Record<string, string>>): string {
  const name = unit.literal?.type === 'string' ? unit.literal.text.toLowerCase() : ''
  if (!Object.hasOwn(known, name)) throw new Refusal(`a date is cut to ${name === '' ? 'what is no constant' : JSON.stringify(name)}`)
  return known[name]!
}

const formatParts: Readonly<Record<string, string>> = { yyyy: '%Y', MM: '%m', dd: '%d', HH: '%H', mm: '%M', ss: '%S' }

/** A pattern of Java's letters in DuckDB's: whole, padded numbers and what stands between them. */
function formatOf(pattern: Value): string {
  const given = pattern.literal?.type === 'string' ? pattern.literal.text : ''
  const parts = given.match(/([A-Za-z])\1*|[-/:. _]/g) ?? []
  const known = parts.map((part) => (/^[A-Za-z]/.test(part) ? formatParts[part] : part))
  if (parts.length === 0 || parts.join('') !== given || known.includes(undefined))
    throw new Refusal(`the format ${JSON.stringify(given)} is used`)
  return known.join('')
}

/**
 * Letters whose other case is one letter, and the same to Java and to DuckDB: ASCII, Latin, Cyrillic, and scripts without case. Of the
 * others some become two letters, or depend on the language.
 */
const plainLetters =
  '[\\x00-\\x{B4}\\x{B6}-\\x{DE}\\x{E0}-\\x{12F}\\x{132}-\\x{148}\\x{14A}-\\x{17E}\\x{400}-\\x{45F}\\x{5D0}-\\x{5EA}\\x{620}-\\x{64A}\\x{3040}-\\x{30FF}\\x{4E00}-\\x{9FFF}]*'

function letterCase(name: 'upper' | 'lower', one: Value, fail: Fail): Value {
  const unlike = `NOT regexp_full_match(${text(one).sql}, '${plainLetters}', 's')`
  return failing(
    value(
      'string',
      `CASE WHEN ${unlike} THEN ${fail(`a text has letters whose ${name} case differs between engines`)} ELSE ${name}(${one.sql}) END`,
      one,
    ),
  )
}

function moment(now: string | undefined): string {
  if (now === undefined) throw new Refusal('it asks for the current time, which is allowed in a default alone')
  return now
}

function boolean(one: Value): Value {
  if (one.type !== 'boolean' && one.type !== 'void') throw new Refusal(`a ${describe(one.type)} is taken for a condition`)
  return one
}

function number(one: Value): Value {
  if (!isNumber(one.type)) throw new Refusal(`a ${describe(one.type)} is taken for a number; write a CAST`)
  return one
}

function floating(one: Value): Value {
  if (!isFloating(one.type)) throw new Refusal(`a ${describe(one.type)} is asked whether it is NaN`)
  return one
}

/** A text; integers in the place of one are spelt alike everywhere. */
function text(one: Value): Value {
  if (one.type === 'string') return one
  if (isInteger(one.type) || one.type === 'void') return cast(one, 'string', () => 'NULL')
  throw new Refusal(`a ${describe(one.type)} is taken for a text; write a CAST`)
}

function wholeLiteral(one: Value, least: number, most: number): number {
  const number = one.literal && isInteger(one.literal.type) ? Number(one.literal.text) : Number.NaN
  if (!(number >= least && number <= most)) throw new Refusal(`a count is no constant from ${least} to ${most}`)
  return number
}
