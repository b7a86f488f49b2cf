/** The handle, as its user meets it: time travel, refreshing, several tables, a table that is moved. */
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { localStore, memoryStore, openSession, Table } from '../../src/index.ts'
import { commitKey } from '../../src/log/paths.ts'
import { countingStore } from '../support/stores/counting-store.ts'

const root = await mkdtemp(join(tmpdir(), 'varve-table-'))
afterAll(() => rm(root, { recursive: true }))

async function loaded(location: string | ReturnType<typeof memoryStore> = memoryStore(), loads = 4): Promise<Table> {
  const table = await Table.create(location, { schema: 'id BIGINT, load INTEGER' })
  for (let load = 1; load <= loads; load += 1) await table.append([0, 1].map((i) => ({ id: 10 * load + i, load })))
  return table
}

const idsOf = async (table: Table, point: Parameters<Table['asOf']>[0]) =>
  (await (await table.asOf(point)).scan({ columns: ['id'] }).toArray()).map((row) => Number(row.id)).sort((a, b) => a - b)

test('every version is read by its number, its time, and the time just before the next', async () => {
  const table = await loaded()
  const times = new Map<number, Date>()
  for await (const entry of table.history()) times.set(entry.version, entry.timestamp)
  for (let version = 0; version <= 4; version += 1) {
    const expected = [10, 11, 20, 21, 30, 31, 40, 41].slice(0, 2 * version)
    expect(await idsOf(table, version)).toEqual(expected)
    expect(await idsOf(table, { version })).toEqual(expected)
    expect(await idsOf(table, { timestamp: times.get(version)! })).toEqual(expected)
    expect(await idsOf(table, { timestamp: times.get(version)!.toISOString() })).toEqual(expected)
    const next = times.get(version + 1)
    if (next) expect(await idsOf(table, { timestamp: new Date(next.getTime() - 1) })).toEqual(expected)
    expect(await (await table.asOf(version)).timestamp()).toEqual(times.get(version))
  }
})

test('a folder that is copied or moved is the same table', async () => {
  const folder = join(root, 'here')
  const table = await loaded(folder)
  const before = await (await table.latest()).describe()
  await cp(folder, join(root, 'copy'), { recursive: true })
  await rename(folder, join(root, 'there'))
  for (const place of ['copy', 'there']) {
    const moved = await Table.open(join(root, place))
    expect(await (await moved.latest()).describe()).toEqual(before)
    expect(await idsOf(moved, 2)).toEqual([10, 11, 20, 21])
    expect(await idsOf(moved, { timestamp: before.timestamp })).toHaveLength(8)
    expect(await moved.append([{ id: 1 }])).toMatchObject({ version: 5 })
  }
})

test('a handle sees what others wrote, and reads each commit once', async () => {
  const inner = memoryStore()
  const writer = await loaded(inner, 2)
  const store = countingStore(inner)
  const reader = await Table.open(store)
  expect(await (await reader.latest()).rowCount()).toBe(4)
  await writer.append([{ id: 30, load: 3 }])
  await writer.append([{ id: 40, load: 4 }])
  store.reset()
  expect(await reader.version()).toBe(4)
  const read = store.requests.filter((request) => request.operation === 'get').map((request) => request.key)
  expect(read).toEqual([commitKey(3), commitKey(4), commitKey(5)])
  expect(await idsOf(reader, 4)).toHaveLength(6)
})

test('several appends through one handle at once all land', async () => {
  const table = await loaded(memoryStore(), 0)
  const results = await Promise.all(Array.from({ length: 12 }, (_, i) => table.append([{ id: i }])))
  expect(results.map((result) => result.version).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
  expect(await idsOf(table, 12)).toEqual(Array.from({ length: 12 }, (_, i) => i))
})

test('SQL over several tables, each at its own point', async () => {
  const folder = join(root, 'orders')
  const orders = await loaded(folder)
  const others = await loaded(memoryStore(), 1)
  const session = await openSession({ orders, old: `${folder}@1`, others: await others.latest() })
  const [row] = await session
    .query(
      `SELECT (SELECT count(*) FROM orders) AS now, (SELECT count(*) FROM orders o AT (VERSION => 2)) AS two, (SELECT count(*) FROM old) AS one,
       (SELECT count(*) FROM "orders@3") AS three, (SELECT count(*) FROM orders JOIN others USING (id)) AS both`,
    )
    .toArray()
  expect(row).toEqual({ now: 8n, two: 4n, one: 2n, three: 6n, both: 2n })
  await orders.append([{ id: 99, load: 9 }])
  expect(await session.query('SELECT count(*) AS n FROM orders').toArray()).toEqual([{ n: 9n }])
  await session.close()
})

test('checkpoints come by themselves, and time travel goes through them', async () => {
  const folder = join(root, 'long')
  const table = await loaded(folder, 205)
  const names: string[] = []
  for await (const { key } of localStore(folder).list('_delta_log/')) if (key.endsWith('.checkpoint.parquet')) names.push(key)
  expect(names).toEqual([100, 200].map((version) => commitKey(version).replace('.json', '.checkpoint.parquet')))
  const fresh = await Table.open(folder)
  for (const version of [205, 200, 199, 150, 100, 1]) {
    expect(await (await fresh.asOf(version)).rowCount()).toBe(2 * version)
    const [row] = await (await fresh.asOf(version))
      .query('SELECT count(*) AS n, max(load) AS last FROM t WHERE load >= 0', { name: 't' })
      .toArray()
    expect(row).toEqual({ n: BigInt(2 * version), last: version })
  }
  expect(await table.version()).toBe(205)
}, 60_000)

test('a point that is none is refused by name', async () => {
  const table = await loaded(memoryStore(), 1)
  for (const point of ['v1', null, undefined, true]) {
    await expect(table.asOf(point as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})

test('a snapshot whose files could not be listed once can be read when the cause is gone', async () => {
  const store = memoryStore()
  const table = await loaded(store, 2)
  const { bytes } = await store.get(commitKey(1))
  const snapshot = await table.latest()
  await store.delete([commitKey(1)])
  await expect(snapshot.scan().toArray()).rejects.toMatchObject({ code: 'LOG_GAP' })
  await store.put(commitKey(1), bytes)
  expect(await snapshot.scan().toArray()).toHaveLength(4)
})
