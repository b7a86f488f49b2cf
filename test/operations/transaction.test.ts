import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore, type ObjectStore, type Row, Table, type Transaction } from '../../src/index.ts'

const sorted = 'SELECT * FROM t ORDER BY ALL'
const rowsOf = async (table: Pick<Table, 'latest'>): Promise<Row[]> => (await table.latest()).query(sorted, { name: 't' }).toArray()
const ids = (...numbers: readonly number[]): Row[] => numbers.map((id) => ({ id: BigInt(id), n: 0 }))
const idsOf = async (table: Pick<Table, 'latest'>) => (await rowsOf(table)).map(({ id }) => Number(id))

const keysOf = async (store: ObjectStore): Promise<string[]> => {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}

async function make(properties: Record<string, string> = {}) {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT, n INTEGER', properties })
  await table.append(ids(1, 2, 3, 4))
  return { store, table, other: await Table.open(store) }
}

test('several verbs are one version, each sees what those before did, and nobody else does', async () => {
  const { store, table, other } = await make()
  const result = await table.transaction(
    async (tx) => {
      await tx.delete({ where: 'id = 1' })
      await tx.append(ids(5))
      expect(await idsOf(tx)).toEqual([2, 3, 4, 5])
      expect(await idsOf(other)).toEqual([1, 2, 3, 4])
      await tx.update({ set: { n: 'n + 1' }, where: 'id >= 4' })
      await tx.append(ids(6))
      await tx.delete({ where: 'id IN (2, 6)' })
    },
    { message: 'all at once' },
  )
  expect(result).toMatchObject({ version: 2, operation: 'TRANSACTION', alreadyApplied: false })
  const expected = [
    { id: 3n, n: 0 },
    { id: 4n, n: 1 },
    { id: 5n, n: 1 },
  ]
  for (const seen of [table, other, await Table.open(store)]) expect(await rowsOf(seen)).toEqual(expected)
  expect(await (await (await Table.open(store)).latest()).rowCount()).toBe(3)
  expect(await (await table.asOf(1)).rowCount()).toBe(4)
  const [entry] = [(await table.history({ limit: 1 }).next()).value]
  expect(entry).toMatchObject({ operation: 'TRANSACTION', message: 'all at once' })
  expect(JSON.parse(String(entry!.parameters.operations))).toEqual(['DELETE', 'WRITE', 'UPDATE', 'WRITE', 'DELETE'])
  // What vanished inside is gone, and what the version names is there.
  const named: { path: string }[] = []
  for (const snapshot of [await table.latest(), await table.asOf(1)]) for await (const file of snapshot.files()) named.push(file)
  expect((await keysOf(store)).filter((key) => key.startsWith('part-'))).toEqual([...new Set(named.map(({ path }) => path))].sort())
  await table.append(ids(7))
  expect(await idsOf(table)).toEqual([3, 4, 5, 7])
})

test('where the function throws, or does nothing in the end, nothing is left', async () => {
  const { store, table } = await make()
  const before = await keysOf(store)
  const failed = table.transaction(async (tx) => {
    await tx.append(ids(9))
    await tx.delete({ where: 'id = 2' })
    throw new Error('no')
  })
  await expect(failed).rejects.toThrow('no')
  expect(await keysOf(store)).toEqual(before)
  const nothing = await table.transaction(async (tx) => {
    await tx.append(ids(9))
    await tx.delete({ where: 'id = 9' })
  })
  expect(nothing).toMatchObject({ version: 1 })
  expect(await keysOf(store)).toEqual(before)
  expect(await idsOf(table)).toEqual([1, 2, 3, 4])
})

test('a load with a number is the whole of it, exactly once', async () => {
  const { table } = await make()
  const txn = { appId: 'etl', version: 1 }
  const load = (tx: Transaction) => tx.append(ids(9))
  expect(await table.transaction(load, { txn })).toMatchObject({ version: 2, operation: 'WRITE', metrics: { numOutputRows: 1 } })
  let calls = 0
  expect(await table.transaction(async () => (calls += 1), { txn })).toMatchObject({ version: 2, alreadyApplied: true })
  expect(calls).toBe(0)
  await expect(table.transaction((tx) => tx.append(ids(1), { txn: { appId: 'b', version: 1 } }))).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
  await expect(table.transaction((tx) => (tx as Table).transaction(load))).rejects.toMatchObject({ code: 'NESTED_TRANSACTION' })
  await expect(table.transaction((tx) => (tx as Table).optimize())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  let late: Transaction | undefined
  await table.transaction(async (tx) => {
    late = tx
  })
  await expect(late!.append(ids(1))).rejects.toMatchObject({ code: 'TRANSACTION_OVER' })
  expect(await table.version()).toBe(2)
})

test('what others commit meanwhile is judged as for one verb', async () => {
  const { store, table, other } = await make()
  await table.transaction(async (tx) => {
    await tx.delete({ where: 'id = 1' })
    await tx.append(ids(5))
    await other.append(ids(6))
    await other.delete({ where: 'id = 2' })
  })
  expect(await idsOf(table)).toEqual([3, 4, 5, 6])
  const before = await keysOf(store)
  const during = async (meanwhile: () => Promise<unknown>, verb: (tx: Transaction) => Promise<unknown>) =>
    table.transaction(async (tx) => {
      await tx.append(ids(50))
      await verb(tx)
      await meanwhile()
    })
  await expect(
    during(
      () => other.update({ set: { n: '7' }, where: 'id = 3' }),
      (tx) => tx.update({ set: { n: '8' }, where: 'id = 3' }),
    ),
  ).rejects.toMatchObject({ code: expect.stringMatching(/^CONCURRENT_/) })
  await expect(
    during(
      () => other.delete({ where: 'id = 4' }),
      (tx) => rowsOf(tx),
    ),
  ).rejects.toMatchObject({ code: 'CONCURRENT_DELETE_READ' })
  await expect(
    during(
      () => other.alter({ set: { owner: 'x' } }),
      (tx) => tx.delete({ where: 'id = 6' }),
    ),
  ).rejects.toMatchObject({ code: 'METADATA_CHANGED' })
  expect(await idsOf(table)).toEqual([3, 5, 6])
  const left = (await keysOf(store)).filter((key) => key.startsWith('part-') && !before.includes(key))
  expect(left.length).toBeLessThanOrEqual(1)
})

test('columns change inside too, and ids of rows stay', async () => {
  const { table, other } = await make({ 'delta.enableRowTracking': 'true' })
  const tracked = async () =>
    (await table.latest())
      .query('SELECT id, _metadata.row_id AS row_id, _metadata.row_commit_version AS version FROM t ORDER BY id', { name: 't' })
      .toArray()
  await table.transaction(async (tx) => {
    await tx.append(ids(5, 6))
    await tx.alter({ add: { name: 'city', type: 'VARCHAR' } })
    await tx.update({ set: { city: "'Oslo'" }, where: 'id IN (2, 5)' })
    await tx.append([{ id: 7, n: 1, city: 'Turku' }])
  })
  expect((await rowsOf(table)).map(({ city }) => city)).toEqual([null, 'Oslo', null, null, 'Oslo', null, 'Turku'])
  const rows = await tracked()
  expect(new Set(rows.map(({ row_id }) => row_id)).size).toBe(7)
  expect(rows.map(({ version }) => Number(version))).toEqual([1, 2, 1, 1, 2, 2, 2])
  await expect(
    table.transaction(async (tx) => {
      await tx.append(ids(8))
      await other.append(ids(9))
    }),
  ).rejects.toMatchObject({ code: 'DOMAIN_CHANGED' })
})

test('on disk nothing is seen of it but its one commit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'varve-transaction-'))
  try {
    const properties = { 'delta.enableDeletionVectors': 'false', 'delta.enableChangeDataFeed': 'true', 'delta.checkpointInterval': '2' }
    const table = await Table.create(folder, { schema: 'id BIGINT, n INTEGER', partitionBy: ['n'], properties })
    await table.append(ids(1, 2, 3, 4))
    const log = () => readdir(join(folder, '_delta_log'))
    const before = await log()
    await table.transaction(async (tx) => {
      await tx.update({ set: { id: 'id + 10' }, where: 'id < 3' })
      await tx.append(ids(5))
      await tx.delete({ where: 'id = 3' })
      await tx.overwrite([{ id: 9n, n: 1 }], { dynamic: true })
      expect(await log()).toEqual(before)
    })
    expect(await idsOf(await Table.open(folder))).toEqual([4, 5, 9, 11, 12])
    expect((await log()).filter((name) => name.endsWith('.json'))).toHaveLength(3)
    const changes = await table.changes({ from: 2, to: 2 }).toArray()
    expect(changes.map(({ id, _change_type }) => `${_change_type} ${id}`).sort()).toEqual([
      'delete 3',
      'insert 5',
      'insert 9',
      'update_postimage 11',
      'update_postimage 12',
      'update_preimage 1',
      'update_preimage 2',
    ])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

type Step = (table: Transaction) => Promise<unknown>

const number = fc.integer({ min: 0, max: 9 })
const step: fc.Arbitrary<[string, Step]> = fc.oneof(
  fc.array(number, { maxLength: 4 }).map((some): [string, Step] => [`append ${some}`, (table) => table.append(ids(...some))]),
  number.map((id): [string, Step] => [`delete ${id}`, (table) => table.delete({ where: `id % 5 = ${id}` })]),
  number.map((id): [string, Step] => [
    `update ${id}`,
    (table) => table.update({ set: { n: 'n + 1', id: 'id + 1' }, where: `id % 3 = ${id}` }),
  ]),
  fc
    .uniqueArray(number, { minLength: 1, maxLength: 3 })
    .map((some): [string, Step] => [
      `merge ${some}`,
      (table) =>
        table.merge(ids(...some), { on: 'target.id = source.id', whenMatched: [{ delete: true }], whenNotMatched: [{ insert: 'all' }] }),
    ]),
  number.map((id): [string, Step] => [`overwrite ${id}`, (table) => table.overwrite(ids(id), { where: `id = ${id}` })]),
)

test('verbs in a transaction come to what the same verbs one by one do, and the change feed tells it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), fc.boolean(), fc.boolean(), async (steps, vectors, tracked) => {
      const properties = {
        'delta.enableDeletionVectors': String(vectors),
        'delta.enableChangeDataFeed': 'true',
        ...(tracked ? { 'delta.enableRowTracking': 'true' } : {}),
      }
      const [whole, apart] = [await make(properties), await make(properties)]
      const before = await rowsOf(whole.table)
      const { version } = await whole.table.transaction(async (tx) => {
        for (const [, run] of steps) await run(tx)
      })
      for (const [, run] of steps) await run(apart.table)
      const after = await rowsOf(whole.table)
      expect(after).toEqual(await rowsOf(apart.table))
      expect(await rowsOf(await Table.open(whole.store))).toEqual(after)
      if (version === 1) return
      expect(version).toBe(2)
      const counts = new Map<string, number>()
      const count = (row: Row, by: number) => {
        const key = `${row.id}/${row.n}`
        counts.set(key, (counts.get(key) ?? 0) + by)
      }
      for (const row of await whole.table.changes({ from: 2, to: 2 }).toArray())
        count(row, /insert|postimage/.test(String(row._change_type)) ? 1 : -1)
      for (const row of before) count(row, 1)
      for (const row of after) count(row, -1)
      expect([...counts.values()].filter((left) => left !== 0)).toEqual([])
    }),
    { numRuns: 5 },
  )
})
