/** Changes of a table's properties: what is checked, which features they bring, and what they change for readers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

const made = (more: object = {}) => Table.create(memoryStore(), { schema: 'id BIGINT, name VARCHAR', ...more })
const propertiesOf = async (table: Table) => (await table.latest()).properties

test('properties come and go, and each version has its own', async () => {
  const table = await made()
  const result = await table.alter({ set: { owner: 'ops', 'varve.compact': 'auto', 'delta.checkpointInterval': '10' } })
  expect(result).toMatchObject({ version: 1, operation: 'SET TBLPROPERTIES', features: [] })
  expect(await table.alter({ unset: ['owner', 'never-there'] })).toMatchObject({ version: 2, operation: 'UNSET TBLPROPERTIES' })
  expect(await propertiesOf(table)).toMatchObject({ 'varve.compact': 'auto', 'delta.checkpointInterval': '10' })
  expect(await propertiesOf(table)).not.toHaveProperty('owner')
  expect((await table.asOf(1)).properties).toMatchObject({ owner: 'ops' })
  const parameters = []
  for await (const entry of table.history({ limit: 2 })) parameters.push(entry.parameters)
  expect(parameters).toEqual([
    { properties: '["owner","never-there"]', ifExists: 'true' },
    { properties: '{"owner":"ops","varve.compact":"auto","delta.checkpointInterval":"10"}' },
  ])
})

test.each([
  ['delta.appendOnly', 'yes', 'INVALID_PROPERTY'],
  ['delta.enableChangeDataFed', 'true', 'INVALID_PROPERTY'],
  ['delta.checkpointInterval', '0', 'INVALID_PROPERTY'],
  ['delta.logRetentionDuration', 'interval 1 month', 'INVALID_PROPERTY'],
  ['delta.columnMapping.mode', 'id', 'INVALID_PROPERTY'],
  ['delta.columnMapping.maxColumnId', '9', 'INVALID_PROPERTY'],
  ['delta.inCommitTimestampEnablementVersion', '3', 'INVALID_PROPERTY'],
  ['delta.minReaderVersion', '3', 'INVALID_PROPERTY'],
  ['delta.enableIcebergCompatV2', 'true', 'UNSUPPORTED_FEATURE'],
  ['delta.constraints.positive', 'id > 0', /UNSUPPORTED_FEATURE|INVALID_PROPERTY/],
])('%s=%s is refused', async (name, value, code) => {
  const table = await made()
  await expect(table.alter({ set: { [name]: value } })).rejects.toMatchObject({
    code: expect.stringMatching(code),
    data: { property: name },
  })
  expect(await table.version()).toBe(0)
})

test('columns are mapped by request, and then stay so', async () => {
  const table = await made()
  await table.append([{ id: 1, name: 'a' }])
  expect(await table.alter({ set: { 'delta.columnMapping.mode': 'name' } })).toMatchObject({ features: ['columnMapping'] })
  await table.append([{ id: 2, name: 'b' }])
  expect(await (await table.latest()).scan({ where: 'id > 0' }).toArray()).toEqual(
    expect.arrayContaining([
      { id: 1n, name: 'a' },
      { id: 2n, name: 'b' },
    ]),
  )
  for (const change of [
    { set: { 'delta.columnMapping.mode': 'none' } },
    { set: { 'delta.columnMapping.mode': 'id' } },
    { unset: 'delta.columnMapping.mode' },
  ])
    await expect(table.alter(change)).rejects.toMatchObject({ code: 'INVALID_PROPERTY' })
})

test('commits that carry their own time from some version on are found by it, and earlier ones by the times of their files', async () => {
  const inner = memoryStore()
  const table = await Table.create(inner, { schema: 'id BIGINT', preset: 'wide' })
  await table.append([{ id: 1 }])
  await sleep(5)
  const between = new Date()
  await sleep(5)
  expect(await table.alter({ set: { 'delta.enableInCommitTimestamps': 'true' } })).toMatchObject({
    version: 2,
    features: ['inCommitTimestamp'],
  })
  await table.append([{ id: 2 }])
  const properties = await propertiesOf(table)
  expect(properties['delta.inCommitTimestampEnablementVersion']).toBe('2')
  const enabled = Number(properties['delta.inCommitTimestampEnablementTimestamp'])
  expect((await (await table.asOf(2)).timestamp()).getTime()).toBe(enabled)
  expect((await table.asOf({ timestamp: between })).version).toBe(1)
  expect((await table.asOf({ timestamp: new Date(enabled) })).version).toBe(2)
  expect((await table.asOf({ timestamp: new Date(enabled + 3_600_000) })).version).toBe(3)
  const off = await table.alter({ set: { 'delta.enableInCommitTimestamps': 'false' } })
  expect(off.warnings).toHaveLength(1)
  expect(Object.keys(await propertiesOf(table)).filter((name) => name.includes('Enablement'))).toEqual([])
  await table.alter({ set: { 'delta.enableInCommitTimestamps': 'true' } })
  expect((await propertiesOf(table))['delta.inCommitTimestampEnablementVersion']).toBe('5')
})

test('the first time of a commit’s own is later than the file before it, whatever clock that is from', async () => {
  const inner = memoryStore()
  const future = Date.now() + 60_000
  const store = intercepted(inner, {
    head: async (key, options) => {
      const meta = await inner.head(key, options)
      return meta && { ...meta, modified: new Date(future) }
    },
  })
  const table = await Table.create(store, { schema: 'id BIGINT', preset: 'wide' })
  await table.alter({ set: { 'delta.enableInCommitTimestamps': 'true' } })
  expect(Number((await propertiesOf(table))['delta.inCommitTimestampEnablementTimestamp'])).toBe(future + 1)
})

test('a change feed begins where it is switched on', async () => {
  const table = await made()
  await table.append([{ id: 1, name: 'a' }])
  expect(await table.alter({ set: { 'delta.enableChangeDataFeed': 'true' } })).toMatchObject({ version: 2, features: ['changeDataFeed'] })
  await table.append([{ id: 2, name: 'b' }])
  const rows = await table.changes({ from: 2 }).toArray()
  expect(rows.map(({ id, _change_type }) => [id, _change_type])).toEqual([[2n, 'insert']])
  await expect(table.changes({ from: 1 }).toArray()).rejects.toMatchObject({ code: 'CHANGE_FEED_OFF' })
  await expect(table.alter({ add: { name: '_change_type', type: 'VARCHAR' } })).rejects.toMatchObject({ code: 'INVALID_PROPERTY' })
})

test('a table with a change feed has no column of a name that the feed needs, however one would come', async () => {
  const properties = { 'delta.enableChangeDataFeed': 'true' }
  const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: 'INVALID_PROPERTY' })
  await refused(Table.create(memoryStore(), { schema: 'id BIGINT, _Commit_Version BIGINT', properties }))
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT', properties })
  const rows = [{ id: 1n, _change_type: 'x' }]
  await refused(table.append(rows, { mergeSchema: true }))
  await refused(table.upsert(rows, { key: 'id', mergeSchema: true }))
  await refused(table.overwrite(rows, { overwriteSchema: true }))
  await refused(table.alter({ rename: { name: 'id', to: '_commit_timestamp' } }))
  expect(await table.version()).toBe(0)
})

test('vectors alone are warned about, and an old protocol becomes the lists that it stands for', async () => {
  const table = await made({ preset: 'wide' })
  const result = await table.alter({ set: { 'delta.enableDeletionVectors': 'true', 'delta.appendOnly': 'true' } })
  expect(result.features).toEqual(['deletionVectors'])
  expect(result.warnings.join('\n')).toMatch(/VACUUM/)
  expect((await table.latest()).protocol).toEqual({
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['deletionVectors'],
    writerFeatures: ['appendOnly', 'invariants', 'deletionVectors'],
  })
})
