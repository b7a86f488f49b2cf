import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../src/index.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

const rows = async (table: Table, where?: string) => (await table.latest()).scan(where === undefined ? {} : { where }).toArray()

test('numbers that DuckDB prints wrongly are found by their value', async () => {
  const odd = [2 ** 81, 2 ** 82, 2 ** 91, 2 ** 92, 8.535058474086213e242, -(2 ** 81)]
  const table = await Table.create(memoryStore(), { schema: 'v DOUBLE' })
  for (const value of odd) await table.append({ query: 'SELECT $v::DOUBLE AS v', params: { v: value } })
  for (const value of odd) {
    expect(await (await table.latest()).scan({ where: 'v = $v', params: { v: value } }).toArray()).toEqual([{ v: value }])
  }
})

test('an append without rows makes no version, unless it has a number to record', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  expect(await table.append([])).toMatchObject({ version: 0, metrics: { numOutputRows: 0 } })
  expect(await table.append([], { txn: { appId: 'etl', version: 1 } })).toMatchObject({ version: 1, alreadyApplied: false })
  expect(await table.append([{ id: 1 }], { txn: { appId: 'etl', version: 1 } })).toMatchObject({ version: 1, alreadyApplied: true })
  expect(await rows(table)).toEqual([])
})

test('columns are added by mergeSchema alone, and older rows have NULL there', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT, s STRUCT(a INTEGER)' })
  await table.append([{ id: 1, s: { a: 1 } }])
  await expect(table.append([{ id: 2, city: 'Oslo' }])).rejects.toMatchObject({ code: 'UNKNOWN_COLUMN' })
  await table.append({ query: "SELECT 2::BIGINT AS id, {a: 2, b: 'new'} AS s, 'Oslo' AS city" }, { mergeSchema: true })
  expect(await rows(table, 'true')).toEqual(
    expect.arrayContaining([
      { id: 1n, s: { a: 1, b: null }, city: null },
      { id: 2n, s: { a: 2, b: 'new' }, city: 'Oslo' },
    ]),
  )
  expect(Object.keys((await (await table.asOf(1)).scan().toArray())[0]!)).toEqual(['id', 's'])
})

test('rows for an old schema are refused as a conflict when it changes meanwhile', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  const other = await Table.open(store)
  async function* slow() {
    yield { id: 1 }
    await other.append([{ id: 2, city: 'Oslo' }], { mergeSchema: true })
    yield { id: 3 }
  }
  await expect(table.append(slow())).rejects.toMatchObject({ code: 'METADATA_CHANGED', data: { version: 1 } })
  expect(await rows(other)).toEqual([{ id: 2n, city: 'Oslo' }])
  const left: string[] = []
  for await (const { key } of store.list('part-')) left.push(key)
  expect(left).toHaveLength(1)
})

test('an aborted append leaves nothing', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  const controller = new AbortController()
  async function* endless() {
    for (let id = 0; ; id += 1) {
      if (id === 1000) controller.abort()
      yield { id }
    }
  }
  await expect(table.append(endless(), { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  expect(await table.version()).toBe(0)
  expect(await table.append([{ id: 1 }])).toMatchObject({ version: 1 })
})

test('what came along with a load stands in the history', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  await table.append([{ id: 1 }], { message: 'first load', source: 'crm', txn: { appId: 'etl', version: 7 } })
  const [newest] = [(await table.history({ limit: 1 }).next()).value]
  expect(newest).toMatchObject({
    version: 1,
    operation: 'WRITE',
    parameters: { mode: 'Append', partitionBy: '[]' },
    metrics: { numFiles: 1, numOutputRows: 1 },
    txn: { appId: 'etl', version: 7 },
    message: 'first load',
    source: 'crm',
    engine: `Varve/${version}`,
  })
})

test('an append does not disturb a snapshot taken before', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  await table.append([{ id: 1 }])
  const before = await table.latest()
  await table.append([{ id: 2 }])
  expect(await before.rowCount()).toBe(1)
  expect(await before.scan().toArray()).toEqual([{ id: 1n }])
  expect(before.version).toBe(1)
})

test('a new column brings the feature that its type needs, and its mapping where columns are mapped', async () => {
  const wide = await Table.create(memoryStore(), { schema: 'id BIGINT', preset: 'wide' })
  await wide.append({ query: "SELECT 1 AS id, TIMESTAMP '2026-01-01 00:00:00' AS at_local" }, { mergeSchema: true })
  expect((await wide.latest()).protocol).toMatchObject({
    minReaderVersion: 3,
    readerFeatures: ['timestampNtz'],
    writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'],
  })
  const mapped = await Table.create(memoryStore(), { schema: '"a b" INTEGER' })
  await mapped.append([{ 'a b': 1, 'c d': { 'e f': 'x' } }], { mergeSchema: true })
  const { schema, properties } = await mapped.latest()
  const ids = [...JSON.stringify(schema).matchAll(/"delta.columnMapping.id":(\d+)/g)].map((match) => Number(match[1]))
  expect([...ids].sort()).toEqual([1, 2, 3])
  expect(properties['delta.columnMapping.maxColumnId']).toBe('3')
  expect(await rows(mapped)).toEqual([{ 'a b': 1, 'c d': { 'e f': 'x' } }])
})
