/** Cleanup of the log after a checkpoint, on tables that have it on: what the retention says, and never what is still needed. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { checksumKey, commitKey } from '../../../src/log/paths.ts'

const day = 86_400_000
const begin = Date.UTC(2026, 0, 1, 10)

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: begin }))
afterEach(() => {
  vi.useRealTimers()
})

const cleaning = {
  'delta.enableExpiredLogCleanup': 'true',
  'delta.logRetentionDuration': 'interval 2 days',
  'delta.checkpointInterval': '2',
}

/** One append at ten in the morning of each day: version v on the day v. A `retention` of another engine stands in the log as it is. */
async function daily(store: ObjectStore, properties: Record<string, string>, days: number, retention?: string): Promise<Table> {
  await Table.create(store, { schema: 'id BIGINT', properties })
  if (retention !== undefined) {
    const text = new TextDecoder().decode((await store.get(commitKey(0))).bytes)
    await store.put(commitKey(0), new TextEncoder().encode(text.replaceAll('interval 2 days', retention)))
    await store.delete([checksumKey(0)])
  }
  const table = await Table.open(store)
  for (let id = 1; id <= days; id += 1) {
    vi.setSystemTime(begin + id * day)
    expect((await table.append([{ id }])).warnings).toEqual([])
  }
  return table
}

async function versionsIn(store: ObjectStore, end: string): Promise<number[]> {
  const found: number[] = []
  for await (const { key } of store.list('_delta_log/0')) if (key.endsWith(end)) found.push(Number(key.slice(11, 31)))
  return found
}

test('entries older than the retention go, up to a checkpoint that stays', async () => {
  const store = memoryStore()
  const table = await daily(store, cleaning, 8)
  // Two days before the eighth is the sixth: its midnight is after version 5, and the checkpoint before that is of version 4.
  expect(await versionsIn(store, '.json')).toEqual([4, 5, 6, 7, 8])
  expect(await versionsIn(store, '.checkpoint.parquet')).toEqual([4, 6, 8])
  expect(await versionsIn(store, '.crc')).toEqual([4, 5, 6, 7, 8])
  for (const version of [4, 5, 8]) expect(await (await (await Table.open(store)).asOf(version)).rowCount()).toBe(version)
  await expect(table.asOf(3)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', data: { earliest: 4, latest: 8 } })
})

test('the newest checkpoint stays, however old all is', async () => {
  const store = memoryStore()
  await daily(store, cleaning, 3)
  vi.setSystemTime(begin + 500 * day)
  const table = await Table.open(store)
  await table.append([{ id: 4 }])
  expect(await versionsIn(store, '.checkpoint.parquet')).toEqual([2, 4])
  expect(await versionsIn(store, '.json')).toEqual([2, 3, 4])
  vi.setSystemTime(begin + 900 * day)
  await table.append([{ id: 5 }])
  await table.append([{ id: 6 }])
  expect(await versionsIn(store, '.json')).toEqual([4, 5, 6])
  expect(await (await (await Table.open(store)).latest()).rowCount()).toBe(6)
})

test('what something holds stays, with the checkpoint that it is read from', async () => {
  const store = memoryStore()
  await store.put('_varve/tags/v1/1.json', new TextEncoder().encode('{"version":3}'))
  await daily(store, cleaning, 8)
  expect(await versionsIn(store, '.json')).toEqual([2, 3, 4, 5, 6, 7, 8])
  expect(await (await (await Table.open(store)).asOf(3)).rowCount()).toBe(3)
})

test('a record that cannot be understood leaves the log as it is, and the append says so', async () => {
  const store = memoryStore()
  const table = await daily(store, cleaning, 3)
  await store.put('_varve/holds/x.json', new TextEncoder().encode('{"until":"2030"}'))
  vi.setSystemTime(begin + 30 * day)
  const { version, warnings } = await table.append([{ id: 4 }])
  expect({ version, warnings }).toEqual({ version: 4, warnings: [expect.stringContaining('_varve/holds/x.json')] })
  expect(await versionsIn(store, '.json')).toEqual([0, 1, 2, 3, 4])
})

test.each([
  ['off, as in new tables', { 'delta.logRetentionDuration': 'interval 2 days', 'delta.checkpointInterval': '2' }, undefined],
  ['on, with a retention that cannot be read', cleaning, 'interval 1 month'],
])('%s: nothing goes', async (_, properties, retention) => {
  const store = memoryStore()
  await daily(store, properties, 6, retention)
  expect(await versionsIn(store, '.json')).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(await versionsIn(store, '.checkpoint.parquet')).toEqual([2, 4, 6])
})
