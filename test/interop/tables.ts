/**
 * The tables of the interop tests. What each load holds is said in DuckDB's SQL: another process of DuckDB runs the same text and
 * says which rows must come out, so that neither our writing nor our reading is its own judge.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import { type CanonicalRow, canonicalRows } from './peers/canonical.ts'
import { duckDelta } from './peers/peer.ts'

/** A table and its loads, one a version. */
export interface TableCase {
  readonly name: string
  /** DuckDB's column list. */
  readonly schema: string
  readonly partitionBy?: readonly string[]
  /** One query a load; the columns carry the names and types of the schema. */
  readonly loads: readonly string[]
  /** Predicates that every engine reads alike, to see that our statistics let nothing be skipped wrongly. */
  readonly where?: readonly string[]
}

/** A folder of the test's own, removed by `dispose`. */
export async function temporaryFolder(): Promise<{ path: string; dispose(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'varve-interop-'))
  return { path, dispose: () => rm(path, { recursive: true, force: true }) }
}

/** Writes a case: version 0 creates the table, each load is a version after it. */
export async function writeTable(path: string, table: TableCase, preset?: 'wide'): Promise<Table> {
  const handle = await Table.create(path, {
    schema: table.schema,
    ...(table.partitionBy && { partitionBy: [...table.partitionBy] }),
    ...(preset && { preset }),
  })
  for (const query of table.loads) await handle.append({ query })
  return handle
}

/** The rows that a version must hold: version 0 none, version n the first n loads. */
export async function expectedRows(table: TableCase, version: number, where?: string): Promise<CanonicalRow[]> {
  const loads = table.loads.slice(0, version)
  if (loads.length === 0) return []
  const all = loads.map((query) => `(SELECT * FROM (${query}))`).join(' UNION ALL BY NAME ')
  return duckDelta.canonical(`SELECT * FROM (${all})${where ? ` WHERE ${where}` : ''}`)
}

/** What Varve reads of a version. */
export async function varveRows(path: string, version?: number, where?: string): Promise<CanonicalRow[]> {
  const table = await Table.open(path)
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  return canonicalRows(snapshot.scan(where === undefined ? {} : { where }))
}

const flatSchema = `id BIGINT NOT NULL, b TINYINT, s SMALLINT, i INTEGER, l BIGINT, f FLOAT, d DOUBLE, flag BOOLEAN, n DECIMAL(38,10), m DECIMAL(5,2),
  t VARCHAR, bin BLOB, day DATE, ts TIMESTAMPTZ`

const flat = (
  values: string,
): string => `SELECT id::BIGINT AS id, b::TINYINT AS b, s::SMALLINT AS s, i::INTEGER AS i, l::BIGINT AS l, f::FLOAT AS f,
  d::DOUBLE AS d, flag::BOOLEAN AS flag, n::DECIMAL(38,10) AS n, m::DECIMAL(5,2) AS m, t::VARCHAR AS t, bin::BLOB AS bin, day::DATE AS day, ts::TIMESTAMPTZ AS ts
  FROM (VALUES ${values}) v(id, b, s, i, l, f, d, flag, n, m, t, bin, day, ts)`

/** Every flat type with its extremes, NULL beside the empty value, NaN, infinities, signed zero, times before the epoch. */
const flatTypes: TableCase = {
  name: 'flat types',
  schema: flatSchema,
  loads: [
    flat(`(1, -128, -32768, -2147483648, '-9223372036854775808', '-3.4e38', '-1.7976931348623157e308', true, '-9999999999999999999999999999.9999999999', '-999.99',
        '', ''::BLOB, '0001-01-01', '0001-01-01 00:00:00+00'),
      (2, 127, 32767, 2147483647, '9223372036854775807', '3.4e38', '1.7976931348623157e308', false, '9999999999999999999999999999.9999999999', '999.99',
        'ü€😀 "quoted" \\ ''x'' ', '\\x00\\xFF\\x80'::BLOB, '9999-12-31', '9999-12-31 23:59:59.999999+00')`),
    flat(`(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      (4, 0, 0, 0, '9007199254740993', '-0.0', '-0.0', true, '0.0000000001', '0.00', 'NULL', '\\x0A'::BLOB, '1969-12-31', '1969-12-31 23:59:59.999999+00'),
      (5, 1, 1, 1, '-9007199254740993', 'NaN', 'NaN', false, '1', '1.10', 'a' || chr(10) || 'b', '\\x22'::BLOB, '1582-10-10', '1883-11-18 12:00:00.000001+00')`),
    flat(`(6, 5, 5, 5, '5', 'Infinity', 'Infinity', true, '-0.5', '12.30', repeat('z', 40), repeat('\\xFF', 64)::BLOB, '1970-01-01', '1970-01-01 00:00:00+00'),
      (7, 6, 6, 6, '6', '-Infinity', '-Infinity', NULL, '12345678901234567890.1234567891', '-0.01', repeat('😀', 40), NULL, '2024-02-29', '2026-03-15 12:34:56.789123+00')`),
  ],
  where: [
    'id = 4',
    'l = 9007199254740993',
    'l < 0',
    `t = '${'z'.repeat(40)}'`,
    `t > 'y'`,
    'd > 1e300',
    'm = 12.30',
    'n < 0',
    `day = DATE '1969-12-31'`,
    't IS NULL',
    'flag',
    'i >= 2147483647',
  ],
}

/** Nested types, each with NULL at every level and empty beside NULL. */
const nestedTypes: TableCase = {
  name: 'nested types',
  schema: `id BIGINT, st STRUCT(a INTEGER, b VARCHAR, c STRUCT(x DOUBLE, y DECIMAL(10,2))), arr BIGINT[], arr2 VARCHAR[][], mp MAP(VARCHAR, INTEGER), ms STRUCT(k VARCHAR, ts TIMESTAMPTZ)[],
    deep MAP(INTEGER, STRUCT(tags VARCHAR[], blob BLOB))`,
  loads: [
    `SELECT 1::BIGINT AS id, {'a': 1::INTEGER, 'b': 'x', 'c': {'x': 'NaN'::DOUBLE, 'y': 1.50::DECIMAL(10,2)}} AS st, [1, NULL, 9007199254740993]::BIGINT[] AS arr,
       [['a', NULL], [], NULL]::VARCHAR[][] AS arr2, MAP {'b': 2, 'a': NULL}::MAP(VARCHAR, INTEGER) AS mp,
       [{'k': 'q', 'ts': TIMESTAMPTZ '1960-01-01 00:00:00.123456Z'}, NULL]::STRUCT(k VARCHAR, ts TIMESTAMPTZ)[] AS ms,
       MAP {1: {'tags': ['x', NULL], 'blob': '\\xFF'::BLOB}, 2: NULL}::MAP(INTEGER, STRUCT(tags VARCHAR[], "blob" BLOB)) AS deep`,
    `SELECT 2::BIGINT AS id, NULL::STRUCT(a INTEGER, b VARCHAR, c STRUCT(x DOUBLE, y DECIMAL(10,2))) AS st, NULL::BIGINT[] AS arr, NULL::VARCHAR[][] AS arr2,
       NULL::MAP(VARCHAR, INTEGER) AS mp, NULL::STRUCT(k VARCHAR, ts TIMESTAMPTZ)[] AS ms, NULL::MAP(INTEGER, STRUCT(tags VARCHAR[], "blob" BLOB)) AS deep
     UNION ALL SELECT 3, {'a': NULL::INTEGER, 'b': NULL::VARCHAR, 'c': NULL::STRUCT(x DOUBLE, y DECIMAL(10,2))}, []::BIGINT[], []::VARCHAR[][], MAP {}::MAP(VARCHAR, INTEGER),
       []::STRUCT(k VARCHAR, ts TIMESTAMPTZ)[], MAP {}::MAP(INTEGER, STRUCT(tags VARCHAR[], "blob" BLOB))`,
  ],
  where: ['id = 3', 'id IN (1, 2)'],
}

/** Local times: a table feature of its own, so never a table that old readers open. */
export const localTimes: TableCase = {
  name: 'timestamp_ntz',
  schema: 'id INTEGER, ntz TIMESTAMP',
  loads: [
    `SELECT * FROM (VALUES (1::INTEGER, TIMESTAMP '0001-01-01 00:00:00'), (2, TIMESTAMP '9999-12-31 23:59:59.999999'), (3, NULL)) v(id, ntz)`,
    `SELECT * FROM (VALUES (4::INTEGER, TIMESTAMP '1969-12-31 23:59:59.999999'), (5, TIMESTAMP '2026-03-29 02:30:00')) v(id, ntz)`,
  ],
  where: [`ntz = TIMESTAMP '1969-12-31 23:59:59.999999'`],
}

const oddTexts = [
  'a/b',
  'a%2Fb',
  '%',
  'ü😀',
  'e\u0301',
  ' ',
  'a b ',
  `q"uo'te`,
  'x=y',
  'a:b',
  '#?&',
  'null',
  'NULL',
  '__HIVE_DEFAULT_PARTITION__',
  'a\\b',
  '.',
  '..',
  '{}[]',
  '+',
  '*',
  '\t',
  'A',
  'a',
]
const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Partition values that need escaping somewhere: in paths, in URIs, in Hive's names. */
const oddPartitions: TableCase = {
  name: 'odd partition values',
  schema: 'id BIGINT, p VARCHAR',
  partitionBy: ['p'],
  loads: [
    `SELECT * FROM (VALUES ${oddTexts.map((text, i) => `(${i}::BIGINT, ${sqlText(text)})`).join(', ')}) v(id, p)`,
    `SELECT * FROM (VALUES (100::BIGINT, NULL::VARCHAR), (101, 'a/b'), (102, '%')) v(id, p)`,
  ],
  where: [`p = 'a/b'`, `p = 'a%2Fb'`, 'p IS NULL', `p = 'null'`, `p > 'a'`],
}

/** A partition column of each type that folders can carry. */
const typedPartitions: TableCase = {
  name: 'partitions of every type',
  schema: 'id BIGINT, day DATE, ts TIMESTAMPTZ, n DECIMAL(20,3), i INTEGER, l BIGINT, flag BOOLEAN, d DOUBLE',
  partitionBy: ['day', 'ts', 'n', 'i', 'l', 'flag', 'd'],
  loads: [
    `SELECT * FROM (VALUES
      (1::BIGINT, DATE '1969-12-31', TIMESTAMPTZ '1969-12-31 23:59:59.999999Z', 12.300::DECIMAL(20,3), -1::INTEGER, 9007199254740993::BIGINT, true, 0.1::DOUBLE),
      (2, DATE '2026-03-15', TIMESTAMPTZ '2026-03-15 12:00:00Z', -0.001, 0, -9223372036854775808, false, 1e300),
      (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) v(id, day, ts, n, i, l, flag, d)`,
    `SELECT * FROM (VALUES (4::BIGINT, DATE '0001-01-01', TIMESTAMPTZ '2026-03-15 12:00:00.120Z', 99999999999999999.999::DECIMAL(20,3), 2147483647::INTEGER,
      9223372036854775807::BIGINT, true, '-Infinity'::DOUBLE)) v(id, day, ts, n, i, l, flag, d)`,
  ],
  where: [`day = DATE '2026-03-15'`, 'l = 9007199254740993', 'n < 0', 'i IS NULL', 'flag'],
}

/** Column names that a path, a SQL text or a JavaScript object could trip over; no column mapping is needed for them. */
const oddNames: TableCase = {
  name: 'odd column names',
  schema:
    '"id" BIGINT, "__proto__" VARCHAR, "select" INTEGER, "a.b" INTEGER, "Größe" DOUBLE, "x""y" INTEGER, "back`tick" INTEGER, "it\'s" INTEGER, "constructor" VARCHAR, "😀" BOOLEAN',
  loads: [
    `SELECT 1::BIGINT AS "id", 'p' AS "__proto__", 2::INTEGER AS "select", 3::INTEGER AS "a.b", 4.5::DOUBLE AS "Größe", 5::INTEGER AS "x""y", 6::INTEGER AS "back\`tick", 7::INTEGER AS "it's",
      'c' AS "constructor", true AS "😀"`,
    `SELECT 2::BIGINT AS "id", NULL::VARCHAR AS "__proto__", NULL::INTEGER AS "select", 4::INTEGER AS "a.b", NULL::DOUBLE AS "Größe", 6::INTEGER AS "x""y", 7::INTEGER AS "back\`tick", 8::INTEGER AS "it's",
      NULL::VARCHAR AS "constructor", false AS "😀"`,
  ],
  where: ['id = 2'],
}

/** All of them. */
export const tableCases: readonly TableCase[] = [flatTypes, nestedTypes, localTimes, oddPartitions, typedPartitions, oddNames]
