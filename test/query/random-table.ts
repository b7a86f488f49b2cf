/** Random tables of many types of columns, with deleted rows, columns by other names and of narrower types in the files; and conditions on them. */
import { join } from 'node:path'
import fc from 'fast-check'
import type { Connection } from '../../src/engine/index.ts'
import { openSession, type QueryTarget, type Session } from '../../src/query/index.ts'
import { quoteIdentifier, quoteLiteral } from '../../src/schema/quoting.ts'
import type { DataType, StructField, StructType } from '../../src/schema/types.ts'
import { type FileSpec, makeTarget, schemaOf, tableOf, watched } from './tools.ts'

/** The columns of a random table. */
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
  j: 'integer',
  st: {
    type: 'struct',
    fields: [
      { name: 'x', type: 'long', nullable: true, metadata: {} },
      { name: 'y', type: 'string', nullable: true, metadata: {} },
    ],
  },
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
  j: fc.constantFrom('0', '1', '42', '16777217', '-1000000000', '2000000000'),
  st: fc.constantFrom("{'x': 1, 'y': 'a'}", "{'x': NULL, 'y': 'abc'}", "{'x': 42, 'y': NULL}", "{'x': -1, 'y': 'z'}"),
  p: fc.constantFrom('a', 'b', 'é', 'a%b', "it's").map(quoteLiteral),
  q: fc.constantFrom('1', '2', '-3'),
}
const named = Object.keys(literals).filter((name) => name !== 'st')

const cell = (name: string) => fc.oneof({ weight: 5, arbitrary: literals[name]! }, { weight: 1, arbitrary: fc.constant('NULL') })
const ownColumns = Object.keys(columns).filter((name) => name !== 'id' && !partitionColumns.includes(name))
/** One file of a random table: few distinct values, so that its bounds tell it from others. */
export const randomFile = fc.record({
  rows: fc.array(fc.tuple(...ownColumns.map(cell)), { minLength: 1, maxLength: 3 }),
  p: fc.constantFrom<string | null>('a', 'b', 'é', 'a%b', "it's", null),
  q: fc.constantFrom<string | null>('1', '2', '-3', null),
  stats: fc.boolean(),
  /** How many of the first rows are deleted. */
  deleted: fc.constantFrom(0, 0, 1, 2),
  tight: fc.boolean(),
})
type RandomFile = typeof randomFile extends fc.Arbitrary<infer T> ? T : never

const comparison = fc.constantFrom('=', '<>', '<', '<=', '>', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM')
const comparisons = ['=', '<>', '<', '<=', '>', '>=']
const patterns = ['a%', 'x%', 'é%', '日%', `${'x'.repeat(33)}%`, '%a', 'a_', 'ab', '😀%', 'A%', 'AB', '', '%', 'Z%', 'it%']
/** Conditions that are no comparison of a column with a value. */
const special: Readonly<Record<string, readonly fc.Arbitrary<string>[]>> = {
  b: [fc.constantFrom('b', 'b IS TRUE', 'b IS NOT TRUE', 'b IS FALSE', 'b IS NOT FALSE', 'b = (i > 0)')],
  s: [
    fc
      .tuple(fc.constantFrom('LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE'), fc.constantFrom(...patterns))
      .map(([op, pattern]) => `s ${op} ${quoteLiteral(pattern)}`),
    fc.constantFrom(
      "starts_with(s, 'x')",
      "s ^@ 'é'",
      "prefix(s, 'ab')",
      's > p',
      "s::VARCHAR >= 'b'",
      's = st.y',
      "s IN ['a', 'z', NULL]",
    ),
  ],
  p: [
    fc
      .tuple(fc.constantFrom('LIKE', 'NOT LIKE', 'ILIKE'), fc.constantFrom(...patterns))
      .map(([op, pattern]) => `p ${op} ${quoteLiteral(pattern)}`),
    fc.constantFrom("(p, q) = ('a', 1)", "(p, q) IN (('a', 1), ('b', NULL))", "p || 'x' = 'ax'", 'p = s'),
  ],
  ts: [
    fc.constantFrom(...comparisons).map((op) => `ts::DATE ${op} DATE '2020-05-05'`),
    fc
      .tuple(
        fc.constantFrom('millisecond', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'decade', 'century', 'nonsense'),
        fc.constantFrom(...comparisons),
        fc.constantFrom('2020-05-05', '2020-04-01', '1969-12-29', '2020-05-04', '1960-01-01', '2000-01-01', '2020-05-05 05:00:00'),
      )
      .map(([unit, op, value]) => `date_trunc('${unit}', ts) ${op} TIMESTAMPTZ '${value}+00'`),
    fc.tuple(fc.constantFrom(...comparisons), fc.constantFrom('1969', '2020', '1', '9999')).map(([op, year]) => `year(ts) ${op} ${year}`),
    fc.constantFrom(
      "ts = '2020-05-05 05:05:05.123456'",
      "ts < '2020-05-05 05:05:05.123456'",
      'ts > n',
      'ts::TIMESTAMP <= n',
      'ts::DATE = day',
    ),
  ],
  n: [
    fc.constantFrom(...comparisons).map((op) => `n ${op} '2020-05-05 05:05:05.123456'`),
    fc.constantFrom(
      "n < DATE '2020-05-05' + INTERVAL 1 DAY",
      "n >= DATE '2020-05-05' + INTERVAL 1 DAY",
      'n >= day',
      'extract(year FROM n) = 2020',
    ),
    fc.constantFrom("date_trunc('day', n) = DATE '2020-05-05'", "CAST(n AS DATE) + 1 > DATE '2020-05-05'", 'TRY_CAST(n AS DATE) IS NULL'),
  ],
  i: [
    fc.constantFrom('i < 1.5', "i = '42'", 'j + 1 > 43', 'i > 1e18', 'i >= 40 + 2', 'abs(i) = 1', '(i > 5) IS NULL', '(i > 5) IS NOT TRUE'),
    fc.constantFrom('i - 1 = 41', '1 + j <= 1', 'i = 9007199254740992::DOUBLE', 'i = j', 'i > j', 'i <> j', 'i < f', 'i = j - 42'),
    fc.constantFrom(
      'TRY_CAST(i AS INTEGER) > 0',
      'TRY_CAST(i AS INTEGER) IS NULL',
      'CAST(i AS DOUBLE) >= 42',
      'i IN [1, 42]',
      'i = ANY([42, NULL])',
    ),
    fc.constantFrom(
      'i < 42.00000000000000000001',
      'i IN (42.00000000000000000001, 1)',
      'i IN (SELECT unnest([1, 100]))',
      'i::HUGEINT <> 1',
    ),
    fc
      .tuple(fc.constantFrom('IN', 'NOT IN'), fc.array(fc.integer({ min: -50, max: 150 }), { minLength: 20, maxLength: 60 }))
      .map(([op, list]) => `i ${op} (${list.join(', ')})`),
  ],
  j: [
    fc.constantFrom(
      'j = 16777216::FLOAT',
      'j > 16777216::FLOAT',
      'j + 0.5 > 42',
      'j::FLOAT = 16777216',
      'j = f',
      'j >= g',
      'j::DECIMAL(20,2) = d',
    ),
    fc.constantFrom('j IN (16777216::FLOAT)', 'j NOT IN (16777216::FLOAT)', '(i, j) = (42, 42)', '(j, b) IN ((1, true), (0, NULL))'),
  ],
  day: [
    fc.constantFrom("day = '2020-05-05'", "day >= TIMESTAMP '2020-05-05 12:00:00'", "day IN ('2020-05-05', '1969-12-31')", 'day + 1 > day'),
    fc.constantFrom(
      "day + 1 = DATE '2020-05-06'",
      "day - 2 < DATE '2020-05-04'",
      "1 + day = '2020-05-06'",
      "date_trunc('month', day) < DATE '2020-05-01'",
    ),
    fc.constantFrom('day = n', 'day < ts', 'year(day) = 1969', "day IS DISTINCT FROM DATE '2020-05-05'", "day NOT IN ('2020-05-05', NULL)"),
  ],
  d: [
    fc.constantFrom(
      'd = 1.1',
      'd > 0.1::DOUBLE',
      'TRY_CAST(d AS INTEGER) = 1',
      'd::DOUBLE < 99.99',
      'd = i',
      'd + 1 > 100',
      'd < 0.1::FLOAT',
      'd <> i',
    ),
  ],
  f: [
    fc.constantFrom(
      'f > g',
      'f = i',
      'f + 1 < 1',
      'isnan(f)',
      'TRY_CAST(f AS INTEGER) = 2',
      'f IN (0, 1.5)',
      'f < 0.1::FLOAT',
      'f IS NOT DISTINCT FROM g',
    ),
  ],
  g: [fc.constantFrom('g = 0.1', 'g <> 0.1', 'g + 1 < 0', 'g::DOUBLE > 0.1', 'g IN (0.1, 0.3)')],
}
const nested = fc.constantFrom(
  'st.x = 1',
  'st.x > 1',
  'st.x IS NULL',
  'st.x IS NOT NULL',
  "st['y'] LIKE 'a%'",
  "struct_extract(st, 'y') < 'b'",
  'NOT (st.x < 42)',
  'st IS NULL',
  't.st.x IN (1, 42)',
  'st.x = i',
  "st.y IS DISTINCT FROM 'a'",
)
const leaf: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: fc.constantFrom('NULL', 'true', 'false', '1 = 1', "'a' > 'b'", 'NULL::INTEGER = 1', 'NOT NULL') },
  {
    weight: 12,
    arbitrary: fc.constantFrom(...named).chain((name) => {
      const value = cell(name)
      return fc.oneof(
        fc.tuple(comparison, value).map(([op, v]) => `${name} ${op} ${v}`),
        fc.tuple(comparison, value).map(([op, v]) => `${v} ${op} ${name}`),
        fc.tuple(fc.constantFrom('', 'NOT '), value, value).map(([not, a, b]) => `${name} ${not}BETWEEN ${a} AND ${b}`),
        value.map((v) => `${v} BETWEEN ${name} AND ${name}`),
        fc
          .tuple(fc.constantFrom('IN', 'NOT IN'), fc.array(value, { minLength: 1, maxLength: 3 }))
          .map(([op, v]) => `${name} ${op} (${v.join(', ')})`),
        fc.constantFrom(`${name} IS NULL`, `${name} IS NOT NULL`),
        ...(special[name] ?? []).flatMap((one) => [one, one]),
      )
    }),
  },
)
/** A condition on a random table, called t. */
export const condition = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: fc.tuple(tie('any'), fc.constantFrom('AND', 'OR'), tie('any')).map(([a, op, b]) => `(${a}) ${op} (${b})`) },
    { weight: 1, arbitrary: tie('any').map((inner) => `NOT (${inner})`) },
  ),
})).any

const sqlTypes: Record<string, string> = {
  long: 'BIGINT',
  string: 'VARCHAR',
  timestamp: 'TIMESTAMPTZ',
  timestamp_ntz: 'TIMESTAMP',
  double: 'DOUBLE',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  date: 'DATE',
  integer: 'INTEGER',
  short: 'SMALLINT',
  'decimal(20,2)': 'DECIMAL(20,2)',
}

/** What a random table is besides its rows. */
export interface RandomTable {
  readonly folder: string
  readonly name: string
  /** Whether columns have other names in the files. */
  readonly mapped: boolean
}

/** A table of random files, called t, and the same rows in a table of DuckDB's own. `onOpen` is told how many files are opened. */
export async function randomTable(
  connection: Connection,
  files: readonly RandomFile[],
  { folder, name, mapped }: RandomTable,
  onOpen: (count: number) => void,
): Promise<Session> {
  const physical = (column: string) => (mapped ? `c-${column}` : column)
  let id = 0
  const oracle: string[] = []
  const specs = files.map(({ rows, p, q, stats, deleted, tight }): FileSpec => {
    const types = { ...columns, ...narrower(rows) }
    const row = (values: readonly string[], at: Record<string, DataType>, nameOf: (column: string) => string, number: number) =>
      `SELECT ${number}::INTEGER AS ${quoteIdentifier(nameOf('id'))}, ${values.map((value, index) => `${typed(value, at[ownColumns[index]!]!, nameOf)} AS ${quoteIdentifier(nameOf(ownColumns[index]!))}`).join(', ')}`
    const numbers = rows.map(() => id++)
    const live = rows.flatMap((values, index) => (index < deleted ? [] : [row(values, columns, (column) => column, numbers[index]!)]))
    const text = (value: string | null, type: string) => (value === null ? `NULL::${type}` : `${quoteLiteral(value)}::${type}`)
    oracle.push(...live.map((select) => `SELECT *, ${text(p, 'VARCHAR')} AS p, ${text(q, 'INTEGER')} AS q FROM (${select})`))
    return {
      sql: rows.map((values, index) => row(values, types, physical, numbers[index]!)).join(' UNION ALL '),
      partition: { [physical('p')]: p, [physical('q')]: q },
      schema: renamed(schemaOf(types), physical),
      deleted: rows.map((_, index) => index).slice(0, deleted),
      tight,
      ...(!stats && { stats: null }),
    }
  })
  const none = Object.entries(columns).map(([column, type]) => `${typed('NULL', type, (one) => one)} AS ${column}`)
  await connection.run(
    `CREATE OR REPLACE TABLE ${name} AS ${[`SELECT ${none.join(', ')} WHERE false`, ...oracle].join(' UNION ALL BY NAME ')}`,
  )
  const target: QueryTarget = await makeTarget(join(folder, name), schemaOf(columns), specs, {
    partitionColumns,
    ...(mapped && { properties: { 'delta.columnMapping.mode': 'name' } }),
  })
  const store = watched(target.store, (keys) => onOpen(keys.length))
  return openSession([tableOf('t', { ...target, store, schema: mapped ? annotated(schemaOf(columns), physical) : target.schema })])
}

/** Types that a file may have in place of the table's wider ones, by the values in it. */
function narrower(rows: readonly (readonly string[])[]): Record<string, DataType> {
  const values = (column: string) => rows.map((row) => row[ownColumns.indexOf(column)]!).filter((value) => value !== 'NULL')
  const fits = (column: string, limit: number) => values(column).every((value) => Math.abs(Number(value)) < limit)
  const days = values('n').every((value) => value.endsWith("00:00:00'"))
  return { ...(fits('i', 2 ** 31) && { i: 'integer' }), ...(fits('j', 2 ** 15) && { j: 'short' }), ...(days && { n: 'date' }) }
}

function typed(value: string, type: DataType, nameOf: (column: string) => string): string {
  if (typeof type !== 'object' || type.type !== 'struct') return `(${value})::${sqlTypes[String(type)]}`
  const struct = `(${value})::STRUCT(${type.fields.map(({ name, type: inner }) => `${name} ${sqlTypes[String(inner)]}`).join(', ')})`
  const fields = type.fields.map(
    ({ name, type: inner }) => `${quoteIdentifier(nameOf(name))} := (${struct}).${name}::${sqlTypes[String(inner)]}`,
  )
  return `CASE WHEN ${struct} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`
}

function mapFields(schema: StructType, map: (field: StructField) => StructField): StructType {
  return {
    ...schema,
    fields: schema.fields.map((field) =>
      map({ ...field, type: typeof field.type === 'object' && field.type.type === 'struct' ? mapFields(field.type, map) : field.type }),
    ),
  }
}

function renamed(schema: StructType, nameOf: (column: string) => string): StructType {
  return mapFields(schema, (field) => ({ ...field, name: nameOf(field.name) }))
}

function annotated(schema: StructType, nameOf: (column: string) => string): StructType {
  return mapFields(schema, (field) => ({ ...field, metadata: { 'delta.columnMapping.physicalName': nameOf(field.name) } }))
}
