import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'

// Each file has one text, so that its statistics would decide all of it.
async function letters(): Promise<Table> {
  const table = await Table.create(memoryStore(), { schema: 's VARCHAR' })
  for (const s of ['A', 'b']) await table.append([{ s }])
  return table
}

const left = async (table: Table, where = 'true') =>
  (await (await table.latest()).query(`SELECT s FROM t WHERE ${where} ORDER BY s`, { name: 't' }).toArray()).map(({ s }) => s)

test.each([
  ["s = 'a' COLLATE NOCASE", ['A']],
  ["s = upper('a') COLLATE NOCASE", ['A']],
  ["s IN ('a' COLLATE NOCASE, 'c')", ['A']],
  ["s <> 'a' COLLATE NOCASE", ['b']],
  ["s > 'A' COLLATE NOCASE", ['b']],
  ["NOT (s = 'a' COLLATE NOCASE)", ['b']],
])('statistics know nothing of the collation in %s', async (where, found) => {
  const table = await letters()
  expect(await left(table, where)).toEqual(found)
  await table.delete({ where })
  expect(await left(table)).toEqual(['A', 'b'].filter((s) => !found.includes(s)))
})
