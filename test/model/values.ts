/** Columns of the tables that live at random, with values that are easily got wrong, and conditions on them; all as DuckDB's SQL. */
import { quoteIdentifier, quoteLiteral } from '../../src/schema/quoting.ts'
import type { Random } from '../fuzz/random.ts'

/** A kind of column. */
export interface Kind {
  readonly type: string
  readonly literals: readonly string[]
  /** Whether a table can be partitioned by such a column. */
  readonly partitions: boolean
  /** Whether such columns have statistics and an order. */
  readonly ordered: boolean
  /** Conditions beside comparisons, `?` stands for the column. */
  readonly conditions?: readonly string[]
}

/** A column of a table. */
export interface Column {
  readonly name: string
  readonly kind: KindName
  /** Its type as it is, which may be wider than the kind's. */
  readonly type: string
}

const texts = [
  '',
  'a',
  'ab',
  'é',
  '日本',
  '😀',
  "it's",
  'say "x"',
  'a/b',
  'x=y',
  '%41',
  '100%',
  ' ',
  '..',
  'back\\slash',
  'NULL',
  'x'.repeat(40),
]
const strings = texts.map(quoteLiteral)
const times = [
  '1969-12-31 23:59:59.999999',
  '1970-01-01 00:00:00',
  '1900-01-01 00:00:00.000001',
  '2020-05-05 05:05:05.123456',
  '2020-05-05 05:05:05.123',
]

const kindsByName = {
  long: {
    type: 'BIGINT',
    literals: ['0', '-1', '9007199254740992', '9007199254740993', '-9007199254740993', '9223372036854775807', '-9223372036854775807'],
    partitions: true,
    ordered: true,
  },
  integer: { type: 'INTEGER', literals: ['0', '1', '2', '3', '-2147483648'], partitions: true, ordered: true, conditions: ['? % 2 = 0'] },
  decimal: {
    type: 'DECIMAL(20,2)',
    literals: ['0.00', '-0.01', '1.10', '123456789012345678.91', '-123456789012345678.92'],
    partitions: true,
    ordered: true,
  },
  wide: {
    type: 'DECIMAL(38,10)',
    literals: ['0', '1.0000000001', '-1234567890123456789012345678.0123456789'],
    partitions: false,
    ordered: true,
  },
  string: {
    type: 'VARCHAR',
    literals: strings,
    partitions: true,
    ordered: true,
    conditions: ["? LIKE 'a%'", "? LIKE '%é%'", "starts_with(?, 'x')", 'length(?) = 1', "? ILIKE 'IT%'"],
  },
  double: {
    type: 'DOUBLE',
    literals: ["'NaN'::DOUBLE", '0.0::DOUBLE', "'-0.0'::DOUBLE", "'-Infinity'::DOUBLE", '1.5::DOUBLE', '1e300::DOUBLE'],
    partitions: false,
    ordered: true,
    conditions: ['isnan(?)'],
  },
  boolean: { type: 'BOOLEAN', literals: ['true', 'false'], partitions: true, ordered: true, conditions: ['?', 'NOT ?'] },
  date: {
    type: 'DATE',
    literals: ["DATE '1969-12-31'", "DATE '1582-10-15'", "DATE '2020-05-05'", "DATE '9999-12-31'"],
    partitions: true,
    ordered: true,
    conditions: ['year(?) < 1970'],
  },
  timestamp: { type: 'TIMESTAMPTZ', literals: times.map((time) => `TIMESTAMPTZ '${time}+00'`), partitions: true, ordered: true },
  ntz: { type: 'TIMESTAMP', literals: times.map((time) => `TIMESTAMP '${time}'`), partitions: true, ordered: true },
  blob: { type: 'BLOB', literals: ["''::BLOB", "'\\x00\\xFF'::BLOB", "'abc'::BLOB"], partitions: false, ordered: false },
  struct: {
    type: 'STRUCT(x BIGINT, y VARCHAR)',
    literals: ["{'x': 1, 'y': 'a'}", "{'x': NULL, 'y': ''}", "{'x': 9007199254740993, 'y': NULL}", "{'x': NULL, 'y': NULL}"],
    partitions: false,
    ordered: false,
    conditions: ['?.x > 0', "?.y = 'a'", '?.x IS NULL'],
  },
  list: {
    type: 'VARCHAR[]',
    literals: ['[]', "['a', NULL, '']", "['it''s', '日本']", '[NULL]'],
    partitions: false,
    ordered: false,
    conditions: ['len(?) > 1', "list_contains(?, 'a')"],
  },
  map: {
    type: 'MAP(VARCHAR, INTEGER)',
    literals: ['MAP {}', "MAP {'a': 1, '': NULL}", "MAP {'é': 2}"],
    partitions: false,
    ordered: false,
    conditions: ["?['a'] = 1", 'cardinality(?) = 0'],
  },
  nested: {
    type: 'STRUCT(n INTEGER, tags STRUCT(k VARCHAR, v DOUBLE)[])[]',
    literals: ['[]', "[{'n': 1, 'tags': [{'k': 'a', 'v': 'NaN'::DOUBLE}]}]", "[NULL, {'n': NULL, 'tags': NULL}]"],
    partitions: false,
    ordered: false,
    conditions: ['?[1].n = 1'],
  },
} satisfies Record<string, Kind>

export type KindName = keyof typeof kindsByName
export const kinds: Readonly<Record<KindName, Kind>> = kindsByName
export const kindNames = Object.keys(kindsByName) as KindName[]

/** Names that need nothing of a table, and names that need column mapping. */
export const plainNames = ['plain', "q'uote", 'say"x"', 'ünï', 'select', 'dotted.name', 'UPPER', '$1', 'a-b', '日本']
export const oddNames = [...plainNames, 'with space', 'semi;colon', 'comma,', 'br(ack)et', 'eq=ual', 'b{race}']

/** A value of a column, cast to its type. */
export function value({ kind, type }: Pick<Column, 'kind' | 'type'>, random: Random): string {
  return random.below(5) === 0 ? `NULL::${type}` : `(${random.of(kinds[kind].literals)})::${type}`
}

/** A condition on a row, which may be true, false or NULL. */
export function condition(columns: readonly Column[], highest: number, random: Random, prefix = '', depth = 0): string {
  const deeper = () => condition(columns, highest, random, prefix, depth + 1)
  const dice = random.below(depth > 1 ? 12 : 16)
  if (dice >= 12) {
    const [one, other] = [deeper(), deeper()]
    return random.of([`(${one} AND ${other})`, `(${one} OR ${other})`, `(NOT ${one})`])
  }
  const uid = `${prefix}uid`
  if (dice === 0) return random.of(['true', 'false', 'NULL', `${uid} >= 0`, `${uid} < 0`])
  if (dice < 5) {
    const some = () => random.below(highest + 2)
    return random.of([
      `${uid} = ${some()}`,
      `${uid} % ${2 + random.below(4)} = ${random.below(2)}`,
      `${uid} < ${some()}`,
      `${uid} IN (${some()}, ${some()}, ${some()})`,
      `${uid} BETWEEN ${some()} AND ${some()}`,
    ])
  }
  const column = random.of(columns)
  const { ordered, conditions = [] } = kinds[column.kind] as Kind
  const name = `${prefix}${quoteIdentifier(column.name)}`
  const special = conditions.map((text) => text.replaceAll('?', name))
  if (special.length > 0 && random.below(3) === 0) return `(${random.of(special)})`
  if (!ordered || random.below(4) === 0) return random.of([`${name} IS NULL`, `${name} IS NOT NULL`])
  const other = () => value(column, random)
  return random.of([
    `${name} ${random.of(['=', '<>', '<', '<=', '>', '>='])} ${other()}`,
    `${name} IN (${other()}, ${other()})`,
    `${name} IS NOT DISTINCT FROM ${other()}`,
    `${name} BETWEEN ${other()} AND ${other()}`,
  ])
}

/** An expression over a row for a column: a value, the column itself, another one of its type, something made of it. */
export function expression(column: Column, columns: readonly Column[], random: Random, prefix = ''): string {
  const name = `${prefix}${quoteIdentifier(column.name)}`
  const alike = columns.filter(({ type }) => type === column.type)
  const made: Partial<Record<KindName, string>> = {
    string: `${name} || 'é'`,
    integer: `-(${name} % 10)`,
    long: `${name} // 2`,
    double: `-${name}`,
    boolean: `NOT ${name}`,
    date: `(${name} - INTERVAL 1 DAY)::DATE`,
    timestamp: `${name} + INTERVAL 1 MICROSECOND`,
    list: `list_append(${name}, 'z')`,
    struct: `{'x': ${name}.x, 'y': 'new'}`,
  }
  const choices = [
    value(column, random),
    value(column, random),
    `${prefix}${quoteIdentifier(random.of(alike).name)}`,
    made[column.kind] ?? name,
  ]
  const chosen = random.of(choices)
  return random.below(4) === 0 ? `CASE WHEN ${prefix}uid % 2 = 0 THEN ${chosen} ELSE ${name} END` : chosen
}
