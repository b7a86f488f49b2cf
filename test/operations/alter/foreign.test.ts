/** Tables of others that are altered: odd protocols, mapping by id, annotations that mean nothing, clustering, invariants, unknown features. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'
import { column, HandTable, mapped, metaData, protocol } from '../../support/hand-table.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-alter-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rowsOf = async (table: Table) => (await table.latest()).scan().toArray()

test.each([
  ['legacy', { minReaderVersion: 1, minWriterVersion: 5 }],
  ['writer alone', { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['columnMapping'] }],
])(
  'mapping that the protocol has for writers alone (%s) is switched on for readers, whatever the annotations say',
  async (name, versions) => {
    const hand = new HandTable(join(folder, name))
    const path = await hand.file('SELECT 1::BIGINT AS id, 7::BIGINT AS n')
    const fields = [column('id', 'long', mapped(9, 'nowhere')), column('n', 'long')]
    const configuration = { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '9' }
    hand.commit([{ protocol: versions }, metaData(fields, { configuration }), hand.add(path)])
    const table = await Table.open(hand.folder)
    expect(await rowsOf(table)).toEqual([{ id: 1n, n: 7n }])
    await table.alter([{ rename: { name: 'id', to: 'key' } }, { drop: 'n' }, { add: { name: 'n', type: 'BIGINT' } }])
    expect(await rowsOf(table)).toEqual([{ key: 1n, n: null }])
    const { protocol: now, properties } = await table.latest()
    expect(now).toMatchObject({
      minReaderVersion: 3,
      readerFeatures: ['columnMapping'],
      writerFeatures: expect.arrayContaining(['columnMapping']),
    })
    expect(properties['delta.columnMapping.maxColumnId']).toBe('12')
  },
)

test('columns that are mapped by id stay so, and new ones get ids', async () => {
  const table = await Table.create(memoryStore(), {
    schema: 'id BIGINT, s STRUCT(a INTEGER)',
    properties: { 'delta.columnMapping.mode': 'id' },
  })
  await table.append([{ id: 1, s: { a: 1 } }])
  expect(
    await table.alter([
      { rename: { name: 'id', to: 'key' } },
      { rename: { name: 's.a', to: 'b' } },
      { add: { name: 's.a', type: 'INTEGER' } },
    ]),
  ).toMatchObject({
    features: [],
  })
  await table.append([{ key: 2, s: { a: 3, b: 2 } }])
  expect(await (await table.latest()).query('SELECT * FROM t ORDER BY key', { name: 't' }).toArray()).toEqual([
    { key: 1n, s: { b: 1, a: null } },
    { key: 2n, s: { b: 2, a: 3 } },
  ])
  await table.alter({ drop: 's.b' })
  expect(await (await table.latest()).query('SELECT s FROM t ORDER BY key', { name: 't' }).toArray()).toEqual([
    { s: { a: null } },
    { s: { a: 3 } },
  ])
})

test('columns that clustering or an invariant names stay; a clustered one may be renamed, since files go on calling it so', async () => {
  const hand = new HandTable(join(folder, 'clustered'))
  const path = await hand.file('SELECT 1::BIGINT AS "c-1", 2::BIGINT AS "c-2", 3::BIGINT AS "c-3"')
  const invariant = JSON.stringify({ expression: { expression: 'b > 0' } })
  const fields = [
    column('a', 'long', mapped(1, 'c-1')),
    column('b', 'long', { metadata: { ...mapped(2, 'c-2').metadata, 'delta.invariants': invariant } }),
    column('c', 'long', mapped(3, 'c-3')),
  ]
  hand.commit([
    protocol({ writerFeatures: ['columnMapping', 'deletionVectors', 'typeWidening', 'clustering', 'domainMetadata', 'invariants'] }),
    metaData(fields, { configuration: { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '3' } }),
    { domainMetadata: { domain: 'delta.clustering', configuration: '{"clusteringColumns":[["c-1"]]}', removed: false } },
    hand.add(path),
  ])
  const table = await Table.open(hand.folder)
  await expect(table.alter({ drop: 'a' })).rejects.toMatchObject({ code: 'COLUMN_IN_USE', data: { column: 'a' } })
  await expect(table.alter({ rename: { name: 'b', to: 'x' } })).rejects.toMatchObject({ code: 'COLUMN_IN_USE' })
  await table.alter([{ rename: { name: 'a', to: 'z' } }, { drop: 'c' }])
  expect(await rowsOf(table)).toEqual([{ z: 1n, b: 2n }])
  await expect(table.alter({ drop: 'z' })).rejects.toMatchObject({ code: 'COLUMN_IN_USE' })
})

test('a table with a feature for writers that is not known is refused by its name', async () => {
  const hand = new HandTable(join(folder, 'unknown'))
  hand.commit([
    { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['icebergCompatV2'] } },
    metaData([column('id', 'long')]),
  ])
  const table = await Table.open(hand.folder)
  await expect(table.alter({ add: { name: 'n', type: 'BIGINT' } })).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
    data: { feature: 'icebergCompatV2' },
  })
  expect(await table.version()).toBe(0)
})
