/** The same rows with and without choosing files, over random data and conditions. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'
import { openSession, type QueryTarget, type Session } from '../../src/query/index.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import type { DataType } from '../../src/schema/types.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { type FileSpec, makeTarget, schemaOf, tableFolder, tableOf } from './tools.ts'

const columns: Record<string, DataType> = {
  id: 'integer',
  i: 'long',
  d: 'decimal(20,2)',
  s: 'string',
  ts: 'timestamp',
  n: 'timestamp_ntz',
  f: 'double',
  g: 'float',
  b: 'boolean',
  day: 'date',
  p: 'string',
  q: 'integer',
}
const partitionColumns = ['p', 'q']

const texts = [
  '',
  'a',
  'ab',
  'abc',
  'é',
  'z',
  'ÿ',
  '日本',
  '😀',
  '\u{10ffff}',
  'x'.repeat(32),
  `${'x'.repeat(32)}é`,
  `${'x'.repeat(40)}`,
  `${'é'.repeat(33)}`,
  '\uffff',
  "it's",
]
const literals: Record<string, fc.Arbitrary<string>> = {
  i: fc.constantFrom(
    '0',
    '1',
    '-1',
    '42',
    '9007199254740992',
    '9007199254740993',
    '-9007199254740993',
    '9223372036854775807',
    '-9223372036854775807',
    '100',
  ),
  d: fc.constantFrom('0.00', '1.10', '-1.10', '99.99', '123456789012345678.91', '123456789012345678.92', '-0.01', '42'),
  s: fc.constantFrom(...texts).map(quoteLiteral),
  ts: fc
    .constantFrom(
      '1969-12-31 23:59:59.999999',
      '1970-01-01 00:00:00',
      '2020-05-05 05:05:05.123456',
      '2020-05-05 05:05:05.123',
      '2020-05-05 05:05:05.1239',
      '0001-01-01 00:00:00',
      '9999-12-31 23:59:59.999999',
    )
    .map((text) => `TIMESTAMPTZ '${text}+00'`),
  n: fc
    .constantFrom('1969-12-31 23:59:59.999999', '2020-05-05 05:05:05.123456', '2020-05-05 05:05:05.1239', '2020-05-06 00:00:00')
    .map((text) => `TIMESTAMP '${text}'`),
  f: fc.constantFrom("'NaN'::DOUBLE", "'Infinity'::DOUBLE", "'-Infinity'::DOUBLE", '0.0', '-0.0::DOUBLE', '1.5', '-1.5', '0.1', '1e300'),
  g: fc.constantFrom("'NaN'::FLOAT", "'-Infinity'::FLOAT", '0.1::FLOAT', '0.3::FLOAT', '-2.5'),
  b: fc.constantFrom('true', 'false'),
  day: fc.constantFrom('1969-12-31', '2020-05-05', '2020-05-06', '1582-10-15').map((text) => `DATE '${text}'`),
  p: fc.constantFrom('a', 'b', 'é', 'a%b', "it's").map(quoteLiteral),
  q: fc.constantFrom('1', '2', '-3'),
}
const named = Object.keys(literals)

const cell = (name: string) => fc.oneof({ weight: 5, arbitrary: literals[name]! }, { weight: 1, arbitrary: fc.constant('NULL') })
const ownColumns = Object.keys(columns).filter((name) => name !== 'id' && !partitionColumns.includes(name))
// Few distinct values in a file, so that their bounds tell files apart.
const file = fc.record({
  rows: fc.array(fc.tuple(...ownColumns.map(cell)), { minLength: 1, maxLength: 3 }),
  p: fc.constantFrom<string | null>('a', 'b', 'é', 'a%b', "it's", null),
  q: fc.constantFrom<string | null>('1', '2', '-3', null),
  stats: fc.boolean(),
})

const comparison = fc.constantFrom('=', '<>', '<', '<=', '>', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM')
const leaf: fc.Arbitrary<string> = fc.constantFrom(...named).chain((name) => {
  const value = cell(name)
  return fc.oneof(
    fc.tuple(comparison, value).map(([op, v]) => `${name} ${op} ${v}`),
    fc.tuple(comparison, value).map(([op, v]) => `${v} ${op} ${name}`),
    fc.tuple(value, value).map(([a, b]) => `${name} BETWEEN ${a} AND ${b}`),
    fc
      .tuple(fc.constantFrom('IN', 'NOT IN'), fc.array(value, { minLength: 1, maxLength: 3 }))
      .map(([op, v]) => `${name} ${op} (${v.join(', ')})`),
    fc.constantFrom(`${name} IS NULL`, `${name} IS NOT NULL`),
    ...(name === 'b' ? [fc.constant('b')] : []),
    ...(name === 's' || name === 'p'
      ? [
          fc
            .tuple(
              fc.constantFrom('LIKE', 'NOT LIKE'),
              fc.constantFrom('a%', 'x%', 'é%', '日%', `${'x'.repeat(33)}%`, '%a', 'a_', 'ab', '😀%'),
            )
            .map(([op, pattern]) => `${name} ${op} '${pattern}'`),
          fc.constantFrom(`starts_with(${name}, 'x')`, `${name} ^@ 'é'`),
        ]
      : []),
    ...(name === 'ts' || name === 'n'
      ? [
          fc.constantFrom('=', '<', '>=').map((op) => `${name}::DATE ${op} DATE '2020-05-05'`),
          fc.constantFrom('<', '>', '=').map((op) => `${name} ${op} '2020-05-05 05:05:05.123456'`),
          fc.constantFrom('<', '>=').map((op) => `${name} ${op} DATE '2020-05-05' + INTERVAL 1 DAY`),
        ]
      : []),
    ...(name === 'i' ? [fc.constantFrom('i < 1.5', "i = '42'", 'i + 1 > 0', 'i > 1e18', 'i >= 40 + 2', 'abs(i) = 1')] : []),
    ...(name === 'day' ? [fc.constantFrom("day = '2020-05-05'", "day >= TIMESTAMP '2020-05-05 12:00:00'")] : []),
  )
})
const condition = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: fc.tuple(tie('any'), fc.constantFrom('AND', 'OR'), tie('any')).map(([a, op, b]) => `(${a}) ${op} (${b})`) },
    { weight: 1, arbitrary: tie('any').map((inner) => `NOT (${inner})`) },
  ),
})).any

let folder: Awaited<ReturnType<typeof tableFolder>>
let connection: Connection
beforeAll(async () => {
  folder = await tableFolder()
  connection = await (await trustedEngine()).connect()
})
afterAll(async () => {
  await connection.close()
  await folder.remove()
})

/** A table of random files, and the same rows in one table of DuckDB's own. */
async function build(
  files: readonly { rows: string[][]; p: string | null; q: string | null; stats: boolean }[],
  name: string,
  onOpen: (count: number) => void,
): Promise<Session> {
  const declared = (column: string) =>
    ({ decimal: 'DECIMAL(20,2)' })[String(columns[column]).split('(')[0]!] ?? sqlTypes[String(columns[column])]!
  let id = 0
  const specs: FileSpec[] = files.map(({ rows, p, q, stats }) => {
    const selects = rows.map(
      (row) =>
        `SELECT ${id++}::INTEGER AS id, ${row.map((value, at) => `(${value})::${declared(ownColumns[at]!)} AS ${ownColumns[at]}`).join(', ')}`,
    )
    return { sql: selects.join(' UNION ALL '), partition: { p, q }, ...(!stats && { stats: null }) }
  })
  const text = (value: string | null, type: string) => (value === null ? `NULL::${type}` : `${quoteLiteral(value)}::${type}`)
  await connection.run(
    `CREATE OR REPLACE TABLE ${name} AS ${specs.map(({ sql, partition }) => `SELECT *, ${text(partition!.p!, 'VARCHAR')} AS p, ${text(partition!.q!, 'INTEGER')} AS q FROM (${sql})`).join(' UNION ALL ')}`,
  )
  const target: QueryTarget = await makeTarget(join(folder.path, name), schemaOf(columns), specs, { partitionColumns })
  const materialise: ObjectStore['materialise'] = (keys, options) => {
    onOpen(keys.length)
    return target.store.materialise(keys, options)
  }
  const store = Object.create(target.store, { root: { value: target.store.root }, materialise: { value: materialise } }) as ObjectStore
  return openSession([tableOf('t', { ...target, store })])
}
const sqlTypes: Record<string, string> = {
  long: 'BIGINT',
  string: 'VARCHAR',
  timestamp: 'TIMESTAMPTZ',
  timestamp_ntz: 'TIMESTAMP',
  double: 'DOUBLE',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  date: 'DATE',
}

test('choosing files never changes the rows', async () => {
  let queries = 0
  let opened = 0
  let there = 0
  const tables = fc.sample(fc.array(file, { minLength: 8, maxLength: 14 }), { numRuns: 4, seed: 20_260_315 })
  for (const [index, files] of tables.entries()) {
    const name = `oracle_${index}`
    const before = queries
    const session = await build(files as never, name, (count) => {
      opened += count
    })
    await fc.assert(
      fc.asyncProperty(condition, async (where) => {
        const expected = await connection.all(`SELECT id FROM ${name} WHERE ${where} ORDER BY id`).catch((error: unknown) => error)
        if (expected instanceof Error) return
        const actual = await session.query(`SELECT id FROM t WHERE ${where} ORDER BY id`).toArray()
        expect(actual, where).toEqual(expected)
        queries += 1
      }),
      { numRuns: 60, seed: 7 + index },
    )
    there += files.length * (queries - before)
  }
  // Enough conditions hold to compare, and enough files are left out for the comparison to mean something.
  expect(queries).toBeGreaterThan(150)
  expect(opened / there).toBeLessThan(0.75)
}, 60_000)
