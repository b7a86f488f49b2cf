/** Data files as other writers leave them. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Session } from '../../src/query/index.ts'
import { makeTarget, rowsOf, schemaOf, tableFolder, tableOf } from './tools.ts'

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
