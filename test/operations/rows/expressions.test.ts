import { expect, test } from 'vitest'
import { memoryStore, type Row, Table } from '../../../src/index.ts'

const rowsOf = async (table: Table): Promise<Row[]> => (await table.latest()).query('SELECT * FROM t ORDER BY ALL', { name: 't' }).toArray()

async function numbers(): Promise<Table> {
  const table = await Table.create(memoryStore(), { schema: 'a BIGINT, b BIGINT' })
  await table.append([
    { a: 1, b: 10 },
    { a: 2, b: 20 },
  ])
  return table
}

const on = 'target.a = source.a'
const severalValues = ['unnest([1, 2])', 'generate_subscripts([7, 8], 1)', "regexp_split_to_table('1,2', ',')::BIGINT", 'COLUMNS(*)', '#1']

test.each([...severalValues, 'abs(unnest([1, 2]))', 'sum(a) OVER ()'])('%s is no value of one row', async (value) => {
  const table = await numbers()
  const refused = { code: 'SQL_REFUSED' }
  await expect(table.update({ set: { b: value } })).rejects.toMatchObject(refused)
  await expect(table.merge([{ a: 1 }], { on, whenMatched: [{ update: { b: value } }] })).rejects.toMatchObject(refused)
  await expect(table.merge([{ a: 9 }], { on, whenNotMatched: [{ insert: { a: value } }] })).rejects.toMatchObject(refused)
  await expect(table.delete({ where: `${value} = 1` })).rejects.toMatchObject(refused)
  expect(await rowsOf(table)).toHaveLength(2)
})

test('a subquery may have what a value may not', async () => {
  const table = await numbers()
  await table.update({
    set: { b: '(SELECT sum(x) OVER () FROM (SELECT unnest([a, 5]) AS x) LIMIT 1)' },
    where: 'EXISTS (SELECT * FROM range(a - 1))',
  })
  expect(await rowsOf(table)).toEqual([
    { a: 1n, b: 10n },
    { a: 2n, b: 7n },
  ])
})

test.each(['f', 'r', 'k', 'o1', 'n0', 'n0_0'])('the name %s means a column of the table alone', async (name) => {
  const table = await numbers()
  const unknown = { code: 'SQL_ERROR' }
  await expect(table.update({ set: { b: name } })).rejects.toMatchObject(unknown)
  await expect(table.update({ set: { b: '0' }, where: `${name} >= 0` })).rejects.toMatchObject(unknown)
  await expect(table.merge([{ a: 1 }], { on, whenMatched: [{ if: `${name} >= 0`, delete: true }] })).rejects.toMatchObject(unknown)
  await expect(table.merge([{ a: 1 }], { on, whenMatched: [{ update: { b: name } }] })).rejects.toMatchObject(unknown)
})

test('columns may have the names that the statements of verbs use', async () => {
  const table = await Table.create(memoryStore(), { schema: 'f BIGINT, r BIGINT, k BIGINT, o0 BIGINT, n0 BIGINT, n0_0 BIGINT, a0 BIGINT' })
  await table.append([
    { f: 1, r: 2, k: 3, o0: 4, n0: 5, n0_0: 6, a0: 7 },
    { f: 2, r: 2, k: 3, o0: 4, n0: 5, n0_0: 6, a0: 7 },
  ])
  await table.update({ set: { f: 'r + k', r: 'f + 100', n0: 'o0 * 2', o0: 'n0_0' }, where: 'f = 1 AND r = 2' })
  const set = { r: 'source.r', k: 'target.a0', n0_0: 'target.f' }
  await table.merge([{ f: 2, r: 50, k: 60 }], { on: 'target.f = source.f', whenMatched: [{ if: 'target.k = 3', update: set }] })
  expect((await rowsOf(table)).map((row) => Object.values(row))).toEqual([
    [2n, 50n, 7n, 4n, 5n, 2n, 7n],
    [5n, 101n, 3n, 6n, 8n, 6n, 7n],
  ])
})

test('a value that does not fit is told with the column that it was for', async () => {
  const table = await numbers()
  const misfit = (column: string) => ({ code: 'VALUE_OUT_OF_RANGE', message: expect.stringMatching(`"${column}".*'x'`), data: { column } })
  await expect(table.update({ set: { a: '1', b: "'x'" } })).rejects.toMatchObject(misfit('b'))
  const clauses = { whenMatched: [{ update: { b: '1' } }], whenNotMatched: [{ insert: { b: '1', a: "source.c || ''" } }] }
  await expect(table.merge([{ a: 9, c: 'x' }], { on, ...clauses })).rejects.toMatchObject(misfit('a'))
})
