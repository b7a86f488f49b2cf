/** One plan for texts that differ in literals: the same as if each text were planned by itself. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mapPredicate } from '../../../src/data/prune/predicate.ts'
import { fillIn, planQuery, planStatement, type QueryPlan } from '../../../src/query/plan.ts'
import type { NamedColumn, NamedPredicate } from '../../../src/query/skipping/conditions.ts'
import { type FilterValue, literalConstant } from '../../../src/query/skipping/values.ts'
import { parseQuery, withParser } from '../../../src/query/sql/parse.ts'

const options = { allowFiles: false }

/** The plan of a text that was never seen before, by its own tree alone. */
function planAlone(sql: string): Promise<QueryPlan> {
  return withParser(async (connection) => {
    const { statement, explain } = await parseQuery(connection, sql)
    return planStatement(connection, statement, { ...options, explain })
  })
}

/** What a plan says, without what is new each time. */
function said(plan: QueryPlan) {
  const { tables, names, conditions: known, parameters, allParameters, bindable, growing, counts } = plan
  const text = fillIn(
    plan,
    tables.map(({ name }) => `FROM "${name}"`),
    [],
  )
  const plain = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (key, one) =>
        key === 'query_location' ? 0 : one instanceof Set ? [...one] : typeof one === 'bigint' ? `${one}n` : one,
      ),
    )
  const put = (predicate: NamedPredicate) =>
    mapPredicate<NamedColumn, FilterValue, NamedColumn, FilterValue>(
      predicate,
      (column) => ({ kind: 'column', column }),
      (value) => {
        const literal = value.kind === 'parameter' ? plan.literals.get(value.name) : undefined
        return literal === undefined ? value : { kind: 'constant', constant: literalConstant(literal) }
      },
    )
  const conditions = known.selects.flatMap(({ filters, from }) =>
    filters.map(({ predicate, targets }) => JSON.stringify(plain([put(predicate), from.items.map(({ name }) => name), targets.size]))),
  )
  const token = /varve_[0-9a-f]{32}/g
  return JSON.parse(
    JSON.stringify(plain([text, conditions.sort(), [names, parameters, allParameters], bindable, growing, counts])).replace(token, 'token'),
  )
}

/** Expects the second text's plan to be as if it were planned by itself; returns whether it is the first one's. */
async function expectAlike(first: string, second: string): Promise<boolean> {
  const { token } = await planQuery(first, options)
  const plan = await planQuery(second, options)
  expect(said(plan)).toEqual(said(await planAlone(second)))
  return plan.token === token && first !== second
}

const number = fc.oneof(
  fc.constantFrom('0', '1', '7', '2147483647', '2147483648', '9007199254740993', '999999999999999999', '9223372036854775807'),
  fc.constantFrom('007', '1_000', '1.5', '1e3', '9223372036854775808', '-5', '- 5', '+5', '1::BIGINT', '0x1F', '.5', '5.'),
  fc.nat().map(String),
)
const text = fc.oneof(
  fc.constantFrom("''", "'a'", "'it''s'", "E'a\\n'", "'x'::VARCHAR", "DATE '2026-01-01'", '$$a$$', "'a'\n'b'", "'ü'", "'\\'", "X'00'"),
  fc.string({ maxLength: 6 }).map((one) => `'${one.replaceAll('\0', '').replaceAll("'", "''")}'`),
)

/** Two of a thing, alike or not: one for each of two texts. */
type Pair = readonly [string, string]

const plainNumber = fc.nat().map(String)
const plainText = fc.string({ maxLength: 6 }).map((one) => `'${one.replaceAll(/[\0'\\]/g, '')}'`)
const literal: fc.Arbitrary<Pair> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(plainNumber, plainNumber) },
  { weight: 6, arbitrary: fc.tuple(plainText, plainText) },
  { weight: 2, arbitrary: fc.oneof(number, text).map((one): Pair => [one, one]) },
  { weight: 1, arbitrary: fc.tuple(fc.oneof(number, text), fc.oneof(number, text)) },
)
const column = fc.constantFrom('a', 't.b', '"c 5"', '"it\'s 5"', 'lower(a)')

/** A text of each of two literals and more. */
function both(pairs: readonly Pair[], write: (...literals: readonly string[]) => string): Pair {
  return [write(...pairs.map(([one]) => one)), write(...pairs.map(([, other]) => other))]
}

const comparison = fc
  .tuple(column, fc.constantFrom('=', '<>', '<', '<=', '>', '>=', '!='), literal, fc.boolean())
  .map(([left, operator, right, swapped]) => both([right], (one) => (swapped ? `${one} ${operator} ${left}` : `${left}${operator}${one}`)))
const rare = fc.oneof(
  fc.tuple(column, literal).map(([one, pattern]) => both([pattern], (x) => `${one} LIKE ${x}`)),
  fc.tuple(column, literal).map(([one, n]) => both([n], (x) => `${one} > (SELECT max(x) FROM u WHERE x < ${x})`)),
  fc.tuple(column, literal, literal).map(([one, n, m]) => both([n, m], (x, y) => `${one} /* ${x} ' */ = ${y} -- 5 '\n`)),
  fc.tuple(column, literal).map(([one, n]) => both([n], (x) => `(${one}, a) = (${x}, 5)`)),
)
const condition = fc.oneof(
  { weight: 4, arbitrary: comparison },
  {
    weight: 2,
    arbitrary: fc.tuple(column, literal, literal).map(([one, low, high]) => both([low, high], (x, y) => `${one} BETWEEN ${x} AND ${y}`)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(column, fc.array(literal, { minLength: 1, maxLength: 3 }))
      .map(([one, list]) => both(list, (...values) => `${one} IN (${values.join(', ')})`)),
  },
  { weight: 1, arbitrary: rare },
)
const query = fc
  .record({
    shown: fc.constantFrom('*', 'a, 5', "a > 5, 'x'", 'count(*)'),
    conditions: fc.array(fc.tuple(fc.constantFrom(' AND ', ' OR ', ' AND NOT '), condition), { minLength: 1, maxLength: 3 }),
    rest: fc.constantFrom('', ' ORDER BY 1', ' LIMIT 5', ' GROUP BY ALL', " ORDER BY a LIMIT 5 OFFSET 1 -- '"),
    before: fc.oneof({ weight: 8, arbitrary: fc.constant('') }, fc.constantFrom('EXPLAIN ', 'WITH u AS (SELECT 5 AS x) ')),
  })
  .map(({ shown, conditions, rest, before }): Pair => {
    const where = conditions.map(([joint, pair], index) => pair.map((one) => (index === 0 ? one : joint + one)))
    return both(where as unknown as Pair[], (...terms) => `${before}SELECT ${shown} FROM t WHERE ${terms.join('')}${rest}`)
  })

/** The text with another literal wherever one seems to stand, be it one or not. */
function changed(sql: string): string {
  let next = 0
  return sql.replace(/'[^']*'|\d+/g, (one) => (next++ % 2 === 0 ? (one.startsWith("'") ? "'p'" : '11') : one))
}

describe('literals', () => {
  test('a text that differs in literals of its conditions is planned as by itself, and not parsed', async () => {
    const sql = (low: number | string, high: number | string, user: string) =>
      `SELECT a, 5 FROM t WHERE a BETWEEN ${low} AND ${high} AND (b = '${user}' OR b IN ('x', 'y')) AND c <> 12 LIMIT 7`
    expect(await expectAlike(sql(1, 20, 'u-1'), sql(3_000, 0, ''))).toBe(true)
    expect(await expectAlike(sql(1, 20, 'u-1'), sql(3_000, 4, 'say "a" -- 5'))).toBe(true)
    expect(await expectAlike(sql(1, 5_000_000_000, 'u-1'), sql(3_000, '9007199254740993', '/*'))).toBe(true)
    // Of another kind, or not plain enough.
    expect(await expectAlike(sql(1, 20, 'u-1'), sql(3_000, 5_000_000_000, 'u-1'))).toBe(false)
    expect(await expectAlike(sql(1, 20, 'u-1'), sql(1, 20, "u''1"))).toBe(false)
  })

  test.each([
    ['SELECT a > 5 FROM t WHERE a > 5', 'SELECT a > 6 FROM t WHERE a > 6'],
    ['SELECT a FROM t WHERE a > 5 ORDER BY 1', 'SELECT a FROM t WHERE a > 5 ORDER BY 2'],
    ['SELECT a FROM t WHERE a > 5 LIMIT 1', 'SELECT a FROM t WHERE a > 6 LIMIT 2'],
    ['SELECT a FROM t WHERE "a 5" > 5', 'SELECT a FROM t WHERE "a 6" > 5'],
    ["SELECT a FROM t WHERE a > 5 -- 'x'", "SELECT a FROM t WHERE a > 6 -- 'y'"],
    ["SELECT a FROM t WHERE a = 'x' /* 'y' */", "SELECT a FROM t WHERE a = 'y' /* 'z' */"],
    ["SELECT a FROM t AT (VERSION => 5) WHERE a = 'x'", "SELECT a FROM t AT (VERSION => 6) WHERE a = 'y'"],
    [
      'SELECT a FROM t WHERE a > 5 UNION ALL SELECT a FROM t WHERE a > 6',
      'SELECT a FROM t WHERE a > 6 UNION ALL SELECT a FROM t WHERE a > 7',
    ],
    ['EXPLAIN SELECT a FROM t WHERE a > 5', 'EXPLAIN SELECT a FROM t WHERE a > 6'],
    ['SELECT a FROM t WHERE a = $1 AND b > 5', 'SELECT a FROM t WHERE a = $2 AND b > 6'],
    ['SELECT a FROM t WHERE a = ? AND b > 5', 'SELECT a FROM t WHERE a = ? AND b > 6'],
    ['SELECT a FROM t WHERE (a, b) = (5, 6)', 'SELECT a FROM t WHERE (a, b) = (7, 8)'],
    ['SELECT a FROM t WHERE a = 5 AND #1 > 5', 'SELECT a FROM t WHERE a = 6 AND #2 > 6'],
  ])('%s, then %s', async (first, second) => {
    await expectAlike(first, second)
  })

  test('any two texts of one shape', { timeout: 60_000 }, async () => {
    let alike = 0
    await fc.assert(
      fc.asyncProperty(query, async ([first, other]) => {
        if (!(await isQuery(first))) return
        for (const second of [other, changed(first)]) {
          if (!(await isQuery(second))) await expect(planQuery(second, options)).rejects.toThrow()
          else if (await expectAlike(first, second)) alike++
        }
      }),
      { numRuns: 400 },
    )
    expect(alike).toBeGreaterThan(150)
  })
})

async function isQuery(sql: string): Promise<boolean> {
  return (await planAlone(sql).catch(() => undefined)) !== undefined
}
