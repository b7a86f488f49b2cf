/** Versions of one handle share what was read of their files, and a name may stand for another column in each of them. */
import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'

const idsAt = async (table: Table, version: number, where: string): Promise<number[]> => {
  const rows = await (await table.asOf(version)).query(`SELECT id FROM t WHERE ${where} ORDER BY id`, { name: 't' }).toArray()
  return rows.map(({ id }) => Number(id))
}

test('a name that another column had before chooses by the column that has it', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id INTEGER, a INTEGER, b INTEGER' })
  for (const id of [1, 2, 3]) await table.append([{ id, a: id, b: 100 * id }])
  const before = await table.version()
  expect(await idsAt(table, before, 'a = 2')).toEqual([2])
  await table.alter([{ rename: { name: 'a', to: 'c' } }])
  await table.alter([{ rename: { name: 'b', to: 'a' } }])
  const after = await table.version()
  expect(await idsAt(table, after, 'a = 200')).toEqual([2])
  expect(await idsAt(table, after, 'a >= 200 AND c < 3')).toEqual([2])
  expect(await idsAt(table, before, 'a >= 2')).toEqual([2, 3])
})

test('bounds are read anew where a type is wider than it was', async () => {
  const table = await Table.create(memoryStore(), {
    schema: 'id INTEGER, d DATE',
    properties: { 'delta.enableTypeWidening': 'true' },
  })
  await table.append([{ id: 1, d: '2026-03-14' }])
  await table.alter([{ widen: { name: 'd', type: 'TIMESTAMP' } }])
  await table.append({ query: "SELECT 2 AS id, TIMESTAMP '2026-03-15 12:00:00' AS d" })
  const last = await table.version()
  // The handle has the later files when an earlier version, whose column is a date, is the first to be asked.
  await (await table.asOf(last)).query('SELECT * FROM t', { name: 't' }).toArray()
  expect(await idsAt(table, 1, "d >= DATE '2026-03-14'")).toEqual([1])
  expect(await idsAt(table, last, "d > TIMESTAMP '2026-03-15 11:00:00'")).toEqual([2])
})
