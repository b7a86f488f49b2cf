/** Row tracking that begins midway: every row gets an id, none twice, and nothing else changes. */
import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'
import { DeltaLog } from '../../../src/log/index.ts'
import { alter } from '../../../src/operations/alter/alter.ts'

const ids = async (table: Table) =>
  (await table.latest())
    .query('SELECT id, _metadata.row_id AS row_id, _metadata.row_commit_version AS version FROM t ORDER BY id', { name: 't' })
    .toArray()

test('files that were there get ids, counts stay, and rows go on from there', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  await table.append({ query: 'SELECT i AS id FROM range(10) t(i)' })
  await table.append({ query: 'SELECT 10 + i AS id FROM range(5) t(i)' })
  await table.delete({ where: 'id IN (3, 12)' })
  const before = await table.latest()
  const counted = [await before.rowCount(), await before.fileCount()]
  const result = await table.alter({ set: { 'delta.enableRowTracking': 'true' } })
  expect(result.features).toEqual(['rowTracking', 'domainMetadata'])
  const after = await table.latest()
  expect([await after.rowCount(), await after.fileCount()]).toEqual(counted)
  await table.append([{ id: 100 }])
  const rows = await ids(table)
  expect(rows.map(({ id }) => Number(id))).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 100])
  expect(new Set(rows.map(({ row_id }) => row_id)).size).toBe(14)
  expect(rows.at(-1)).toMatchObject({ row_id: 15n, version: BigInt(result.version + 1) })
  const stable = new Map(rows.map(({ id, row_id }) => [id, row_id]))
  await table.delete({ where: 'id = 5' })
  for (const { id, row_id } of await ids(table)) expect(row_id).toBe(stable.get(id))
  // Another reader counts from the log what this one counted while it wrote.
  const again = await (await Table.open(store)).latest()
  expect([await again.rowCount(), await again.fileCount()]).toEqual([13, 3])
  expect(await table.alter({ set: { 'delta.enableRowTracking': 'true' } })).toMatchObject({ changes: [] })
  await table.alter({ unset: 'delta.enableRowTracking' })
  await table.append([{ id: 101 }])
  await table.alter({ set: { 'delta.enableRowTracking': 'true' } })
  expect((await ids(table)).at(-1)).toMatchObject({ id: 101n, row_id: 16n })
})

test('a file that goes while its ids are given does not come back', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  await table.append([{ id: 1 }])
  await table.append([{ id: 2 }])
  const log = (await DeltaLog.open(store))!
  let meanwhile = async () => {
    meanwhile = async () => undefined
    await table.delete({ where: 'id = 1' })
  }
  // The other one commits between the look at the files and the commit.
  const files = log.files.bind(log)
  log.files = async (state) => {
    const list = await files(state)
    await meanwhile()
    return list
  }
  await alter(log, { set: { 'delta.enableRowTracking': 'true' } })
  expect(await ids(table)).toEqual([{ id: 2n, row_id: expect.anything(), version: expect.anything() }])
  expect(await (await table.latest()).fileCount()).toBe(1)
})
