import * as arrow from 'apache-arrow'
import { expect, test } from 'vitest'
import { DeltaLog } from '../../src/log/index.ts'
import { type CreateOptions, create, createOrAppend } from '../../src/operations/create.ts'
import { parseSchema } from '../../src/schema/schema-json.ts'
import { memoryStore } from '../../src/storage/index.ts'

async function made(options: CreateOptions) {
  const { log } = await create(memoryStore(), options)
  const { protocol, metadata } = log.latest
  return { protocol, metadata, schema: parseSchema(metadata.schemaString) }
}

test('a new table has vectors and in-commit timestamps together, and keeps its history', async () => {
  const { protocol, metadata } = await made({ schema: 'id BIGINT' })
  expect(protocol).toMatchObject({ minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors', 'v2Checkpoint'] })
  expect(protocol.writerFeatures).toEqual(expect.arrayContaining(['deletionVectors', 'inCommitTimestamp', 'v2Checkpoint']))
  expect(metadata.configuration).toMatchObject({
    'delta.enableDeletionVectors': 'true',
    'delta.enableInCommitTimestamps': 'true',
    'delta.enableExpiredLogCleanup': 'false',
    'delta.logRetentionDuration': 'interval 36500 days',
  })
})

test('a wide table asks of others as little as possible', async () => {
  expect((await made({ schema: 'id BIGINT', preset: 'wide' })).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
  expect((await made({ schema: 'a TIMESTAMP', preset: 'wide' })).protocol).toMatchObject({
    minReaderVersion: 3,
    readerFeatures: ['timestampNtz'],
  })
  expect((await made({ schema: '"a b" INT', preset: 'wide' })).protocol).toEqual({ minReaderVersion: 2, minWriterVersion: 5 })
})

test('every feature of the reader stands among the writer’s', async () => {
  for (const schema of ['a TIMESTAMP', '"a b" STRUCT("c d" TIMESTAMP[])', 'a VARIANT']) {
    const { protocol } = await made({ schema })
    for (const feature of protocol.readerFeatures ?? []) expect(protocol.writerFeatures).toContain(feature)
  }
})

test('names that other engines refuse bring column mapping, ids unique through all levels', async () => {
  const { metadata, schema } = await made({ schema: '"a b" STRUCT(x INT, y STRUCT(z INT)[]), c INT' })
  expect(metadata.configuration).toMatchObject({ 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '5' })
  const text = JSON.stringify(schema)
  const ids = [...text.matchAll(/"delta.columnMapping.id":(\d+)/g)].map((match) => Number(match[1]))
  expect(ids.sort()).toEqual([1, 2, 3, 4, 5])
})

test('columns in DuckDB’s words, NOT NULL and nested types included', async () => {
  const { schema } = await made({
    schema: 'id BIGINT NOT NULL, "x""; DROP TABLE t; --" DECIMAL(10,2), tags MAP(VARCHAR, INTEGER[]), "__proto__" UTINYINT',
  })
  expect(schema.fields.map((field) => [field.name, field.nullable])).toEqual([
    ['id', false],
    ['x"; DROP TABLE t; --', true],
    ['tags', true],
    ['__proto__', true],
  ])
  expect(schema.fields[3]?.type).toBe('short')
})

test.each([
  ['id BIGINT, x', 'INVALID_SCHEMA'],
  ['id BIGINT); CREATE TABLE other (x INT', 'INVALID_SCHEMA'],
  ["id BIGINT); COPY (SELECT 1) TO '/tmp/varve-escaped.csv'; --", 'INVALID_SCHEMA'],
  ['id BIGINT DEFAULT 3', 'INVALID_SCHEMA'],
  ['id BIGINT CHECK (id > 0)', 'INVALID_SCHEMA'],
  ['id BIGINT PRIMARY KEY', 'INVALID_SCHEMA'],
  ['id INTERVAL', 'UNSUPPORTED_TYPE'],
  ['t TIME', 'UNSUPPORTED_TYPE'],
  ['id BIGINT, ID INT', /INVALID_SCHEMA|DUPLICATE_COLUMN/],
])('%j is refused before anything is written', async (schema, code) => {
  const store = memoryStore()
  await expect(create(store, { schema })).rejects.toMatchObject({ code: expect.stringMatching(code) })
  expect(await DeltaLog.open(store)).toBeUndefined()
})

test('a feature that is not built is refused by its property', async () => {
  await expect(made({ schema: 'id BIGINT', properties: { 'delta.enableIcebergCompatV2': 'true' } })).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
  })
})

test('rows can be tracked from the beginning, each under an id of its own', async () => {
  const { log } = await createOrAppend(memoryStore(), [{ id: 1 }, { id: 2 }], { properties: { 'delta.enableRowTracking': 'true' } })
  const { protocol, metadata, domains } = log.latest
  expect(protocol.writerFeatures).toEqual(expect.arrayContaining(['rowTracking', 'domainMetadata']))
  expect(protocol.readerFeatures).not.toContain('rowTracking')
  expect(Object.keys(metadata.configuration)).toEqual(
    expect.arrayContaining(['delta.rowTracking.materializedRowIdColumnName', 'delta.rowTracking.materializedRowCommitVersionColumnName']),
  )
  expect(domains.get('delta.rowTracking')?.configuration).toBe('{"rowIdHighWaterMark":1}')
})

test('constraints come with the table, in the spelling of every engine, and columns bring the features that they say', async () => {
  const { protocol, metadata } = await made({
    schema: {
      type: 'struct',
      fields: [
        { name: 'id', type: 'long', nullable: true, metadata: {} },
        { name: 'n', type: 'long', nullable: true, metadata: { CURRENT_DEFAULT: '1' } },
      ],
    },
    properties: { 'delta.constraints.Positive': '"id">0' },
  })
  expect(metadata.configuration['delta.constraints.positive']).toMatch(/^\(?`?id`? > 0\)?$/)
  expect(protocol.writerFeatures).toEqual(expect.arrayContaining(['checkConstraints', 'allowColumnDefaults']))
  expect((await made({ schema: 'id INT', preset: 'wide', properties: { 'delta.constraints.a': 'id > 0' } })).protocol).toEqual({
    minReaderVersion: 1,
    minWriterVersion: 3,
  })
  for (const [name, value, code] of [
    ['delta.constraints.a', 'id', 'TYPE_MISMATCH'],
    ['delta.constraints.a', 'other > 0', 'UNSUPPORTED_EXPRESSION'],
    ['delta.constraints.a', 'read_csv(id) > 0', 'UNSUPPORTED_EXPRESSION'],
    ['delta.enableDeletionVectors', 'yes', 'INVALID_PROPERTY'],
    ['delta.enableDeletionVector', 'true', 'INVALID_PROPERTY'],
  ] as const)
    await expect(made({ schema: 'id BIGINT', properties: { [name]: value } })).rejects.toMatchObject({ code })
})

test('of racing creates one wins, and the others say so or take the winner’s table', async () => {
  const store = memoryStore()
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => create(store, { schema: 'id BIGINT' })))
  const failed = results.filter((result) => result.status === 'rejected')
  expect(failed).toHaveLength(7)
  for (const { reason } of failed as PromiseRejectedResult[]) expect(reason).toMatchObject({ code: 'TABLE_EXISTS' })
  const again = await create(store, { schema: 'other INT', ifNotExists: true })
  expect(again.created).toBe(false)
  expect(parseSchema(again.log.latest.metadata.schemaString).fields[0]?.name).toBe('id')
})

test('of racing appends that would create the table, one creates and all rows are there', async () => {
  for (let round = 0; round < 10; round += 1) {
    const store = memoryStore()
    const results = await Promise.all(Array.from({ length: 6 }, (_, i) => createOrAppend(store, [{ id: i, name: `n${i}` }], {})))
    expect(results.filter((result) => result.created)).toHaveLength(1)
    const { latest } = (await DeltaLog.open(store))!
    expect(latest.counts?.rows).toBe(6)
    const named = await Promise.all(results.map(async ({ log }) => (await log.files(await log.update())).select()))
    let data = 0
    for await (const { key } of store.list('part-')) data += key ? 1 : 0
    expect(data).toBe(named[0]?.length)
  }
})

test('a load with a transaction id creates the table once', async () => {
  const store = memoryStore()
  const load = () => createOrAppend(store, [{ id: 1 }], { txn: { appId: 'etl', version: 0 } })
  const results = await Promise.all([load(), load(), load()])
  expect(results.filter(({ result }) => result.alreadyApplied)).toHaveLength(2)
  expect((await DeltaLog.open(store))?.latest.counts?.rows).toBe(1)
})

test('what nobody could read again is not written', async () => {
  const store = memoryStore()
  const nested = (levels: number, inner: unknown) => Array.from({ length: levels }).reduce((value) => ({ o: value }), inner)
  const itself: Record<string, unknown> = {}
  itself.o = itself
  for (const rows of [[nested(150, 1)], [itself], [nested(98, [[[1]]])]])
    await expect(createOrAppend(store, rows as never, {})).rejects.toMatchObject({
      code: expect.stringMatching(/^(UNSUPPORTED_TYPE|INVALID_SCHEMA)$/),
    })
  const deep = `a ${'STRUCT(o '.repeat(120)}INT${')'.repeat(120)}`
  await expect(create(store, { schema: deep })).rejects.toMatchObject({ code: 'INVALID_SCHEMA' })
  const nothing = new arrow.Table({ c: arrow.vectorFromArray([null, null], new arrow.Null()) })
  await expect(createOrAppend(store, nothing, {})).rejects.toMatchObject({ code: 'INVALID_SCHEMA' })
  expect(await DeltaLog.open(store)).toBeUndefined()
  const { log } = await createOrAppend(store, [nested(97, [[1]])] as never, {})
  expect((await DeltaLog.open(store))?.latest.version).toBe(log.latest.version)
})

test('columns of nothing but NULL have no type yet, and a stream without rows has columns', async () => {
  const store = memoryStore()
  const columns = { c: arrow.vectorFromArray([null, null], new arrow.Null()), d: arrow.vectorFromArray([1, 2], new arrow.Int32()) }
  await createOrAppend(store, new arrow.Table(columns), {})
  await expect(createOrAppend(store, [{ d: 3 }], {})).resolves.toMatchObject({ result: { version: 1 } })
  const list = arrow.vectorFromArray([[1]], new arrow.List(new arrow.Field('item', new arrow.Int32(), true)))
  const empty = new arrow.RecordBatch(new arrow.Table({ list }).schema, arrow.makeData({ type: new arrow.Struct([]), length: 0 }))
  const { log } = await createOrAppend(memoryStore(), [empty], {})
  expect(parseSchema(log.latest.metadata.schemaString).fields.map(({ name }) => name)).toEqual(['list'])
})
