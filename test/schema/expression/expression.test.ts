import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { trustedEngine } from '../../../src/engine/index.ts'
import type { UnsupportedFeatureError } from '../../../src/errors/index.ts'
import { type ExpressionOptions, readExpression } from '../../../src/schema/expression/expression.ts'
import { field, struct } from '../../../src/schema/schema-json.ts'
import type { Canonical } from '../../interop/peers/canonical.ts'
import { evaluate, listed, rowsSql, schema } from './listed.ts'
import { expressions } from './random.ts'

const answers = JSON.parse(readFileSync(new URL('./answers.json', import.meta.url), 'utf8')) as Record<string, Canonical[]>

describe('an expression of the list', () => {
  test.each(listed)('%s gives for every row what Spark gives, or stops', async (text) => {
    const ours = await evaluate(text)
    const theirs = answers[text]!
    expect(ours.map((value, row) => (value === 'failed' ? theirs[row] : value))).toEqual(theirs)
  })
})

describe('what is not on the list is refused, with the reason', () => {
  const refused = (text: string, options: Partial<ExpressionOptions> = {}): unknown => {
    try {
      return readExpression(text, { schema, what: 'the CHECK constraint "c"', ...options }).duckdb
    } catch (error) {
      expect(error).toMatchObject({ code: 'UNSUPPORTED_EXPRESSION', data: { expression: text, what: 'the CHECK constraint "c"' } })
      return (error as UnsupportedFeatureError).data.reason
    }
  }

  test.each([
    ["read_text('/etc/passwd') = 'x'", 'the function read_text is not known'],
    ['i > (SELECT 1)', '"SELECT" stands where it means nothing'],
    ['i > 0; DROP TABLE t', 'the character ";" means nothing here'],
    ['i > 0 -- comment', 'a comment'],
    ['missing > 0', 'there is no column "missing"'],
    ['st.z = 1', 'there is no column "st.z"'],
    ['p / 2.0 > 1', 'decimals are divided'],
    ["i = '1'", 'write a CAST'],
    ['CAST(t AS DOUBLE) > 1', 'a text is converted to double'],
    ["ts IN ('2020-01-01')", 'looked for among texts'],
    ["day > '2020-1-1'", 'brought together'],
    ["DATE'2020-02-30' < day", 'not spelt as all engines read it'],
    ["'a''b' = t", 'doubled quote'],
    ["t = 'a' 'b'", 'side by side'],
    ["t RLIKE 'a'", 'stands where it means nothing'],
    ['i = j = 1', 'compares a comparison'],
    ['st = st', 'a struct is compared'],
    ['i AND ok', 'a integer is taken for a condition'],
    ['rand() > 0.5', 'the function rand'],
    ['day < current_date()', 'allowed in a default alone'],
    ['round(d, 2) = d', 'differs between engines'],
    ["substring(t, -1) = 'a'", 'a count is no constant'],
    ["date_format(day, 'EEE') = 'Mon'", 'the format "EEE"'],
    ['CAST(l AS DECIMAL(38,0)) * p > 1', 'more than 38 digits'],
    [`${'('.repeat(200)}i${')'.repeat(200)} > 0`, 'nested too deeply'],
    [`i${' / j'.repeat(40)} > 0`, 'too complex'],
    [`${'-'.repeat(3)} i > 0`, 'a comment'],
    [`${'- '.repeat(100)}i > 0`, 'nested too deeply'],
    ['i >', 'stands where it means nothing'],
    [`i${' + i'.repeat(300)}`, 'more than 500 words'],
    ['', 'stands where it means nothing'],
    ["x'0'", 'no constant'],
  ])('case %#', (text, reason) => {
    expect(refused(text)).toContain(reason)
  })

  test.each([
    ['dayofweek(day) = 1', 'means one thing to DuckDB'],
    ["t LIKE 'a\\%'", 'backslash'],
    ['CAST(i AS DECIMAL) > 1', 'needs its digits'],
    ['CAST(i AS DECIMAL(', ') is missing'],
    ['i > CAST(i AS DECIMAL(3,', ') is missing'],
  ])('of what a user types, %j', (text, reason) => {
    expect(refused(text, { spelling: 'any' })).toContain(reason)
  })
})

test.each([
  ["\"n\" >= 0 AND t::VARCHAR <> 'it''s'", "(n >= 0) AND (CAST(t AS STRING) <> 'it\\'s')"],
  ['i // 2 = 1', '(i DIV 2) = 1'],
  ['i IS NOT DISTINCT FROM j', 'i <=> j'],
  ["ts < TIMESTAMPTZ '2020-01-01 00:00:00'", "ts < TIMESTAMP'2020-01-01 00:00:00Z'"],
  ['"st"."In ner"."y" != \'x\'', "st.`In ner`.y <> 'x'"],
  ["`day` > DATE '2020-01-01'", "`day` > DATE'2020-01-01'"],
  ['i + 1 > -2 and not ok', '((i + 1) > -2) AND (NOT ok)'],
  ['l BETWEEN 1 AND 5000000000', 'l BETWEEN 1 AND 5000000000L'],
  ["CASE WHEN ok THEN 'a' END LIKE 'a%'", "(CASE WHEN ok THEN 'a' END) LIKE 'a%'"],
])('%s of a user is stored as %s, and means the same', async (typed, stored) => {
  const read = readExpression(typed, { schema, what: 'it', spelling: 'any' })
  expect(read.spark).toBe(stored)
  const again = readExpression(stored, { schema, what: 'it' })
  expect({ ...again, columns: [] }).toEqual({ ...read, columns: [] })
  expect(await evaluate(stored)).not.toContain('failed')
})

test('a long expression is evaluated', async () => {
  expect(await evaluate(`i${' + 1'.repeat(80)}`)).toContain('int:80')
  expect(await evaluate(`ok${' AND (i / j > 0'.repeat(40)}${')'.repeat(40)}`)).toHaveLength(8)
})

test('the letters that are taken to another case become what Java makes of them', async () => {
  const letters = Array.from({ length: 0xa000 }, (_, code) => code).filter(
    (code) => code !== 0x27 && (code < 0xd800 || code > 0xdfff) && code > 0,
  )
  const connection = await (await trustedEngine()).connect()
  const one = struct(field('t', 'string'))
  const of = (name: string) => readExpression(`${name}(t)`, { schema: one, what: 'it', fail: () => "'?'" }).duckdb
  const rows = await connection.all(
    `SELECT ${of('upper')} AS up, ${of('lower')} AS low FROM (SELECT unnest([${letters.map((code) => `chr(${code})`).join(', ')}]) AS t)`,
  )
  await connection.close()
  let taken = 0
  for (const [at, row] of rows.entries()) {
    const letter = String.fromCodePoint(letters[at]!)
    if (row.up === '?') continue
    taken += 1
    expect([row.up, row.low]).toEqual([letter.toUpperCase(), letter.toLowerCase()])
  }
  expect(taken).toBeGreaterThan(20_000)
})

test('random expressions are refused, or have the type that is said, and are the same in the spelling that is stored', async () => {
  const connection = await (await trustedEngine()).connect()
  const drawn = [...new Set(fc.sample(expressions, { numRuns: 150 }))]
  const read = (text: string) => {
    try {
      return readExpression(text, { schema, what: 'it' })
    } catch (error) {
      expect(error, text).toMatchObject({ code: 'UNSUPPORTED_EXPRESSION' })
      return undefined
    }
  }
  let taken = 0
  for (const text of drawn) {
    const found = read(text)
    if (found === undefined || typeof found.type !== 'string') continue
    taken += 1
    const again = read(found.spark)
    expect([again?.duckdb, again?.type, again?.spark], text).toEqual([found.duckdb, found.type, found.spark])
    // What has no result whatever the row is found out before any row is looked at.
    const described = await connection.describe(`SELECT ${found.duckdb} AS v FROM (${rowsSql('duckdb')})`).catch((error: unknown) => {
      expect(error, text).toMatchObject({ code: 'VALUE_OUT_OF_RANGE' })
      return [{ type: found.type }]
    })
    if (found.type !== 'void') expect(described[0]!.type, text).toBe(found.type)
  }
  await connection.close()
  expect(taken).toBeGreaterThan(drawn.length / 2)
})
