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

test('a merge counts what it inserts into partitions', async () => {
  const table = await Table.create(memoryStore(), { schema: 'k BIGINT, p VARCHAR', partitionBy: ['p'] })
  await table.alter([{ identity: { name: 'i', start: 100, step: -10 } }])
  await table.append([{ k: 1, p: 'a' }])
  await table.upsert(
    [
      { k: 1, p: 'b' },
      { k: 2, p: 'a' },
      { k: 3, p: null },
    ],
    { key: 'k' },
  )
  const rows = await (await table.latest()).query('SELECT k, p, i FROM t ORDER BY i', { name: 't' }).toArray()
  expect(rows.map(({ i }) => Number(i))).toEqual([80, 90, 100])
  expect(rows[2]).toEqual({ k: 1n, p: 'b', i: 100n })
})
