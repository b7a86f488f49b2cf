import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'

test('each clause of a merge that inserts counts on where the one before ended', async () => {
  const table = await Table.create(memoryStore(), { schema: 'k BIGINT, d BIGINT' })
  await table.alter([{ identity: 'i' }])
  await table.append([{ k: 1 }])
  const whenNotMatched = [{ if: 'source.k < 52', insert: { k: 'source.k' } }, { insert: { k: 'source.k', d: '0' } }]
  await table.merge([{ k: 50 }, { k: 51 }, { k: 52 }, { k: 53 }], { on: 'target.k = source.k', whenNotMatched })
  await table.append([{ k: 2 }])
  const rows = await (await table.latest()).query('SELECT i FROM t ORDER BY i', { name: 't' }).toArray()
  expect(rows.map(({ i }) => Number(i))).toEqual([1, 2, 3, 4, 5, 6])
})
