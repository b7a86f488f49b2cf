/** Data files as other writers leave them. */
import { writeFileSync } from 'node:fs'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table } from '../../../src/index.ts'
import { Session } from '../../../src/query/index.ts'
import type { DataType, StructField, StructType } from '../../../src/schema/types.ts'
import { column, HandTable, metaData, protocol } from '../../support/hand-table.ts'
import { codeOf, makeTarget, rowsOf, schemaOf, tableFolder, tableOf } from '../tools.ts'

let folder: Awaited<ReturnType<typeof tableFolder>>
beforeAll(async () => {
  folder = await tableFolder()
})
afterAll(() => folder.remove())

let count = 0

/** All rows of a table of these files, ordered by the column `i`. */
async function rows(...[schema, files, options]: Parameters<typeof makeTarget> extends [string, ...infer Rest] ? Rest : never) {
  count += 1
  const target = await makeTarget(`${folder.path}/${count}`, schema, files, options)
  return rowsOf(new Session([tableOf('t', target)], {}), 'FROM t ORDER BY i')
}

it('reads text that a file does not mark as such beside text that one does', async () => {
  const files = [
    { sql: `SELECT 1 AS i, encode('zwölf') AS t, [encode('ü')] AS l`, stats: null },
    { sql: `SELECT 2 AS i, 'dreizehn' AS t, ['ä'] AS l`, stats: null },
  ]
  const schema = schemaOf({ i: 'integer', t: 'string', l: { type: 'array', elementType: 'string', containsNull: true } })
  expect(await rows(schema, files)).toEqual([
    { i: 1, t: 'zwölf', l: ['ü'] },
    { i: 2, t: 'dreizehn', l: ['ä'] },
  ])
})

it('keeps bytes as they are, also those of a table that has text', async () => {
  const files = [{ sql: `SELECT 1 AS i, 'x' AS t, '\\xFF\\x41'::BLOB AS b`, stats: null }]
  const bytes = Buffer.from([0xff, 0x41])
  expect(await rows(schemaOf({ i: 'integer', t: 'string', b: 'binary' }), files)).toEqual([{ i: 1, t: 'x', b: new Uint8Array(bytes) }])
  expect(await rows(schemaOf({ i: 'integer', b: 'binary' }), files)).toEqual([{ i: 1, b: new Uint8Array(bytes) }])
})

it('reads text that a file does not mark as such where bytes are read too', async () => {
  const element = (type: DataType): DataType => ({ type: 'array', elementType: type, containsNull: true })
  const files = [
    {
      sql: `SELECT 1 AS i, encode('zwölf \\x41') AS t, [encode('ü'), NULL] AS l, {'x': encode('ß'), 'y': '\\xFF'::BLOB} AS s, '\\xFE'::BLOB AS b`,
      stats: null,
    },
    { sql: `SELECT 2 AS i, 'drei\\xC3\\x41zehn' AS t, ['ä'] AS l, {'x': 'x', 'y': NULL::BLOB} AS s, 'x'::BLOB AS b`, stats: null },
    { sql: `SELECT 3 AS i, 'é' AS t, [encode('û')] AS l, {'x': encode('î')} AS s`, stats: null },
  ]
  const schema = schemaOf({ i: 'integer', t: 'string', l: element('string'), s: schemaOf({ x: 'string', y: 'binary' }), b: 'binary' })
  expect(await rows(schema, files)).toEqual([
    { i: 1, t: 'zwölf \\x41', l: ['ü', null], s: { x: 'ß', y: new Uint8Array([0xff]) }, b: new Uint8Array([0xfe]) },
    { i: 2, t: 'drei\\xC3\\x41zehn', l: ['ä'], s: { x: 'x', y: null }, b: new Uint8Array([0x78]) },
    { i: 3, t: 'é', l: ['û'], s: { x: 'î', y: null }, b: null },
  ])
})

it('reads variants that a file marks as such beside those that it does not, and refuses shredded ones without the mark', async () => {
  const value = `{'a': 1::BIGINT, 'b': 'x'}::VARIANT`
  const parts = `variant_to_parquet_variant(${value})`
  const files = [
    { sql: `SELECT 1 AS i, ${value} AS v, {'v': ${parts}} AS s`, stats: null },
    { sql: `SELECT 2 AS i, ${parts} AS v, {'v': ${parts}} AS s`, stats: null },
    { sql: `SELECT 3 AS i`, stats: null },
  ]
  const schema = schemaOf({ i: 'integer', v: 'variant', s: schemaOf({ v: 'variant' }) })
  count += 1
  const target = await makeTarget(`${folder.path}/${count}`, schema, files)
  const session = new Session([tableOf('t', target)], {})
  const text = '{"a":1,"b":"x"}'
  expect(await rowsOf(session, 'SELECT i, v::JSON::VARCHAR AS v, s.v::JSON::VARCHAR AS sv FROM t WHERE i < 3 ORDER BY i')).toEqual([
    { i: 1, v: text, sv: text },
    { i: 2, v: text, sv: text },
  ])
  expect(await rowsOf(session, 'SELECT count(v) AS n, count(i) AS i FROM t')).toEqual([{ n: 2n, i: 3n }])
  const shredded = [{ sql: `SELECT 1 AS i, {'metadata': ''::BLOB, 'value': NULL::BLOB, 'typed_value': 5} AS v, NULL AS s`, stats: null }]
  const other = new Session([tableOf('t', await makeTarget(`${folder.path}/${count}-shredded`, schema, shredded))], {})
  expect(await codeOf(other, 'SELECT v FROM t')).toBe('UNSUPPORTED_FEATURE')
  expect(await rowsOf(other, 'SELECT i FROM t')).toEqual([{ i: 1 }])
})

it('widens columns and fills in those that a file lacks, at every depth', async () => {
  const inner = (type: 'integer' | 'long') => schemaOf({ a: type, b: 'string' })
  const files = [
    { sql: `SELECT 1 AS i, {'a': 1::SMALLINT} AS s, [{'a': 2::TINYINT}, NULL] AS l, NULL AS m`, stats: null },
    { sql: `SELECT 2 AS i, NULL AS s, NULL AS l, MAP {'k': {'b': 'x'}} AS m`, stats: null },
  ]
  const schema = schemaOf({
    i: 'long',
    s: inner('integer'),
    l: { type: 'array', elementType: inner('long'), containsNull: true },
    m: { type: 'map', keyType: 'string', valueType: inner('integer'), valueContainsNull: true },
  })
  expect(await rows(schema, files)).toEqual([
    { i: 1n, s: { a: 1, b: null }, l: [{ a: 2n, b: null }, null], m: null },
    { i: 2n, s: null, l: null, m: new Map([['k', { a: null, b: 'x' }]]) },
  ])
})

describe('with columns mapped by id', () => {
  const mapped = (name: string, id: number, type: DataType) => ({
    name,
    type,
    nullable: true,
    metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `p${id}` },
  })
  const struct = (...fields: StructField[]): StructType => ({ type: 'struct', fields })
  const schema = struct(
    mapped('i', 1, 'integer'),
    mapped('s', 2, struct(mapped('a', 3, 'long'), mapped('b', 4, struct(mapped('c', 5, 'string'))))),
    mapped('l', 6, { type: 'array', elementType: struct(mapped('x', 7, 'integer')), containsNull: true }),
    mapped('m', 8, { type: 'map', keyType: 'string', valueType: struct(mapped('y', 9, 'integer')), valueContainsNull: true }),
  )

  /** A file's SELECT, and the ids of its fields. */
  const files = [
    {
      sql: `SELECT 1::INTEGER AS p1, {'p3': 10, 'p4': {'p5': 'ours'}} AS p2, [{'p7': 1}] AS p6, MAP {'k': {'p9': 2}} AS p8`,
      ids: '{p1: 1, p2: {__duckdb_field_id: 2, p3: 3, p4: {__duckdb_field_id: 4, p5: 5}}, p6: {__duckdb_field_id: 6, element: {__duckdb_field_id: 60, p7: 7}}, p8: {__duckdb_field_id: 8, key: 80, value: {__duckdb_field_id: 81, p9: 9}}}',
    },
    {
      // The names of a and b are those of other fields, as a writer that knows no physical names may have them.
      sql: `SELECT 2::INTEGER AS id, {'p4': 20, 'p3': {'text': 'other'}} AS whole, [{'what': 3}, NULL] AS list, MAP {'k': {'it': 4}} AS pairs`,
      ids: '{id: 1, whole: {__duckdb_field_id: 2, p4: 3, p3: {__duckdb_field_id: 4, text: 5}}, list: {__duckdb_field_id: 6, element: {__duckdb_field_id: 60, what: 7}}, pairs: {__duckdb_field_id: 8, key: 80, value: {__duckdb_field_id: 81, it: 9}}}',
    },
    {
      // A physical name under another id is not the field.
      sql: `SELECT 3::INTEGER AS p1, {'p3': 30, 'p4': {'p5': 'there'}} AS p2`,
      ids: '{p1: 1, p2: {__duckdb_field_id: 2, p3: 33, p4: {__duckdb_field_id: 4, p5: 5}}}',
    },
  ]

  const specs = files.map(({ sql, ids }) => ({ sql, stats: null, copyOptions: `FIELD_IDS ${ids}` }))
  const first = { i: 1, s: { a: 10n, b: { c: 'ours' } }, l: [{ x: 1 }], m: new Map([['k', { y: 2 }]]) }

  it.each(['id', 'name'])('finds fields at every depth by %s alone', async (mode) => {
    const found = await rows(schema, specs, { properties: { 'delta.columnMapping.mode': mode } })
    const byId = [
      first,
      { i: 2, s: { a: 20n, b: { c: 'other' } }, l: [{ x: 3 }, null], m: new Map([['k', { y: 4 }]]) },
      { i: 3, s: { a: null, b: { c: 'there' } }, l: null, m: null },
    ]
    const byName = [first, { i: 3, s: { a: 30n, b: { c: 'there' } }, l: null, m: null }, { i: null, s: null, l: null, m: null }]
    expect(found).toEqual(mode === 'id' ? byId : byName)
  })

  it.each(['id', 'name'])('keeps a struct of which all fields were dropped and others added, by %s', async (mode) => {
    const sql = `SELECT 0::INTEGER AS p1, {'p11': 'x'} AS p2, [{'p12': {'deep': 1}}, NULL] AS p6, NULL::MAP(VARCHAR, STRUCT(p9 INTEGER)) AS p8
      UNION ALL SELECT 2, NULL, NULL, NULL`
    const ids = '{p1: 1, p2: {__duckdb_field_id: 2, p11: 11}, p6: {__duckdb_field_id: 6, element: {p12: 12}}}'
    const properties = { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '12' }
    expect(await rows(schema, [{ sql, stats: null, copyOptions: `FIELD_IDS ${ids}` }, ...specs.slice(0, 1)], { properties })).toEqual([
      { i: 0, s: { a: null, b: null }, l: [{ x: null }, null], m: null },
      first,
      { i: 2, s: null, l: null, m: null },
    ])
  })
})

it('refuses a file whose codec is not read by what it lacks, and reads the columns that are otherwise', async () => {
  const hand = new HandTable(`${folder.path}/codec`)
  const columnData = [
    { name: 'i', data: [1, 2], type: 'INT32' as const },
    { name: 'v', data: [3, 4], type: 'INT32' as const, codec: 'LZO' as const },
  ]
  const compressors = { LZO: (bytes: Uint8Array) => bytes }
  writeFileSync(`${hand.folder}/lzo.parquet`, Buffer.from(parquetWriteBuffer({ columnData, compressors })))
  hand.commit([protocol(), metaData([column('i', 'integer'), column('v', 'integer')]), hand.add('lzo.parquet')])
  const snapshot = await (await Table.open(hand.folder)).latest()
  const refused = { code: 'UNSUPPORTED_FEATURE', data: { feature: 'Parquet' }, message: expect.stringContaining('LZO') }
  await expect(snapshot.scan().toArray()).rejects.toMatchObject(refused)
  await expect(snapshot.query('SELECT sum(v) FROM t', { name: 't' }).toArray()).rejects.toMatchObject(refused)
  expect(await snapshot.query('SELECT i FROM t WHERE i > 1', { name: 't' }).toArray()).toEqual([{ i: 2 }])
})
