/** Logs that other engines wrote: fields left out, nulls written out, checkpoints of another shape, checksums of another commit. */
import { expect, test } from 'vitest'
import { trustedEngine } from '../../src/engine/index.ts'
import { writeCheckpoint } from '../../src/log/checkpoint/checkpoint.ts'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { checkpointKey, checksumKey, commitKey } from '../../src/log/paths.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { memoryStore, type ObjectStore } from '../../src/storage/index.ts'
import { Table } from '../../src/table/table.ts'
import { add, metadata, protocol, putCommit, putLog, remove } from './tools.ts'

const vector = { storageType: 'u' as const, pathOrInlineDv: 'ab', sizeInBytes: 10, cardinality: 2 }

async function filesOf(store: ObjectStore) {
  const log = (await DeltaLog.open(store))!
  return (await log.files(log.latest)).select()
}

/** Puts the result of a query as a checkpoint. */
async function putCheckpoint(store: ObjectStore, version: number, sql: string): Promise<void> {
  const connection = await (await trustedEngine()).connect()
  const staging = await store.stage()
  try {
    const path = `${staging.folder}/checkpoint.parquet`
    await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`)
    const [row] = await connection.all(`SELECT size FROM read_blob('${path}')`)
    await store.put(checkpointKey(version), { path, size: Number(row?.size) })
  } finally {
    await connection.close()
    await staging.dispose()
  }
}

const schemaString = '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}'
const shortGround = `SELECT {'minReaderVersion': 1, 'minWriterVersion': 2} AS protocol,
  {'id': 't', 'format': {'provider': 'parquet'}, 'schemaString': '${schemaString}'} AS "metaData"`

test('actions that are null beside the one of the line are not there', async () => {
  const store = memoryStore()
  const nulls = { add: null, remove: null, txn: null, commitInfo: null, metaData: null, protocol: null, cdc: null, domainMetadata: null }
  await putLog(store, [[]])
  await putCommit(store, 1, [
    { ...nulls, ...add('a') },
    { ...nulls, txn: { appId: 'x', version: 4 } },
  ])
  const log = (await DeltaLog.open(store))!
  expect(log.latest.txns.get('x')?.version).toBe(4)
  expect((await filesOf(store)).map((file) => file.path)).toEqual(['a'])
})

test.each([
  ['/plain/path', 'file:/plain/path'],
  ['/plain/path', 'file:///plain/path'],
  ['/with%20space/p@%23h', 'file:/with%20space/p@%23h'],
  ['file:///with%20space/p@%23h', '/with%20space/p@%23h'],
])('%s and %s are one file, also of a table that has no schema yet', async (one, other) => {
  const store = memoryStore()
  await putCommit(store, 0, [protocol, { metaData: { id: 't', format: { provider: 'parquet' } } }, add(one)])
  await putCommit(store, 1, [remove(other)])
  await putCommit(store, 2, [add(one), add('another')])
  const table = await Table.open(store)
  expect((await table.asOf(0)).schema.fields).toEqual([])
  expect(await Promise.all([0, 1, 2].map(async (version) => (await table.asOf(version)).fileCount()))).toEqual([1, 0, 2])
  await expect((await table.latest()).scan().toArray()).rejects.toMatchObject({ code: 'NO_COLUMNS' })
})

test('metadata without configuration and partition columns has none', async () => {
  const bare = { id: 't', format: { provider: 'parquet' }, schemaString }
  const commits = memoryStore()
  await putCommit(commits, 0, [protocol, { metaData: bare }])
  const checkpoint = memoryStore()
  await putCheckpoint(checkpoint, 3, shortGround)
  await putCommit(checkpoint, 3, [{ commitInfo: {} }])
  for (const store of [commits, checkpoint]) {
    const log = (await DeltaLog.open(store))!
    expect(log.latest.metadata).toMatchObject({ configuration: {}, partitionColumns: [] })
    expect(await append(log, [{ id: 1 }])).toMatchObject({ warnings: [] })
    expect(await filesOf(store)).toHaveLength(1)
  }
})

test('a checkpoint whose vectors have fewer fields, more, or another order', async () => {
  const shapes = [
    `{'storageType': 'u', 'pathOrInlineDv': 'ab', 'sizeInBytes': 10, 'cardinality': 2::BIGINT}`,
    `{'cardinality': 2::BIGINT, 'maxRowIndex': 7, 'pathOrInlineDv': 'ab', 'offset': NULL::INTEGER, 'sizeInBytes': 10, 'storageType': 'u'}`,
  ]
  for (const shape of shapes) {
    const store = memoryStore()
    const file = `{'path': 'a', 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR), 'size': 10::BIGINT, 'modificationTime': 1::BIGINT, 'dataChange': false,
      'stats': '{"numRecords":3}', 'deletionVector': ${shape}}`
    await putCheckpoint(store, 3, `${shortGround} UNION ALL BY NAME SELECT ${file} AS add`)
    await putCommit(store, 3, [{ commitInfo: {} }])
    expect(await filesOf(store)).toMatchObject([{ path: 'a', deletionVector: vector }])
    await putCommit(store, 4, [remove('a', { deletionVector: vector }), add('b')])
    expect((await filesOf(store)).map((each) => each.path)).toEqual(['b'])
  }
})

test('statistics that are no JSON are not known', async () => {
  const store = memoryStore()
  await putLog(store, [
    [
      add('a', { stats: '{"numRecords":' }),
      add('b', { stats: '' }),
      add('c', { stats: null }),
      add('d', { partitionValues: null as never }),
    ],
  ])
  const log = (await DeltaLog.open(store))!
  expect((await filesOf(store)).map((file) => file.numRecords)).toEqual([undefined, undefined, undefined, 3])
  expect(await (await log.files(log.latest)).counts()).toEqual({ files: 4, bytes: 40, rows: undefined })
})

test('a removal without a size makes the counts unknown, never wrong', async () => {
  const store = memoryStore()
  await putLog(store, [
    [add('a'), add('b')],
    [{ commitInfo: { varve: { parent: null } } }, remove('a', { size: null, stats: null })],
  ])
  const log = (await DeltaLog.open(store))!
  expect(log.latest.counts).toBeUndefined()
  await log.files(log.latest)
  expect(log.latest.counts).toEqual({ files: 1, bytes: 10, rows: 3 })
})

test('a path is one file however it is escaped, in the list and in the log', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a+b%20c%25d%2Fe'), add('100%/x%zz'), add('%FF'), add('ü%C3%BC')]])
  expect((await filesOf(store)).map((file) => file.path)).toEqual(['%FF', '100%/x%zz', 'a+b c%d/e', 'üü'].sort())
})

test('the time of a version is known where only its checkpoint tells the state, so the next one is later', async () => {
  const store = memoryStore()
  const { log } = await create(store, { schema: 'id BIGINT' })
  await append(log, [{ id: 1 }])
  const { inCommitTimestamp, txnId } = await writeCheckpoint(store, log.latest, 0)
  await store.delete([checksumKey(0), checksumKey(1), commitKey(0)])
  expect((await DeltaLog.open(store))!.latest).toMatchObject({ inCommitTimestamp, txnId })
})

test('a checksum that another commit of that number left behind is passed over', async () => {
  const store = memoryStore()
  const { log } = await create(store, { schema: 'id BIGINT' })
  await append(log, [{ id: 1 }, { id: 2 }], { txn: { appId: 'lost', version: 1 } })
  await store.delete([commitKey(1)])
  await putCommit(store, 1, [{ commitInfo: { txnId: 'theirs', inCommitTimestamp: Date.now() } }, add('theirs')])
  const { latest } = (await DeltaLog.open(store))!
  expect([latest.counts, latest.txns.size]).toEqual([undefined, 0])
})

test('a checksum of Spark, which may leave out what it does not know, does not stand for a version', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [{ commitInfo: {} }, { txn: { appId: 'x', version: 9007199254740993n } }, add('b')]])
  const crc = { tableSizeBytes: 20, numFiles: 2, numMetadata: 1, numProtocol: 1, setTransactions: null, domainMetadata: null, allFiles: [] }
  const ground = { metadata: (metadata() as { metaData: object }).metaData, protocol: (protocol as { protocol: object }).protocol }
  await store.put(checksumKey(1), new TextEncoder().encode(JSON.stringify({ ...crc, ...ground })))
  expect((await DeltaLog.open(store))!.latest.txns.get('x')?.version).toBe(9007199254740993n)
})

test('a protocol that goes up, and down again, is that of each version', async () => {
  const store = memoryStore()
  const modern = {
    protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors'] },
  }
  const foreign = { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['strange'], writerFeatures: ['strange'] } }
  await putLog(store, [[add('a')], [modern], [foreign], [protocol], [add('b')]])
  const log = (await DeltaLog.open(store))!
  expect(log.latest.protocol.minReaderVersion).toBe(1)
  expect((await log.stateAt(1)).protocol.minReaderVersion).toBe(3)
  await expect(log.stateAt(2)).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE', data: { feature: 'strange' } })
  expect(await append(log, [{ id: 1 }])).toMatchObject({ version: 5 })
})

test.each([
  [1, 2, true],
  [1, 3, true],
  [2, 5, true],
  [2, 6, true],
])('the legacy protocol %d, %d is appended to', async (minReaderVersion, minWriterVersion) => {
  const store = memoryStore()
  await putCommit(store, 0, [{ protocol: { minReaderVersion, minWriterVersion } }, metadata({ 'delta.appendOnly': 'true' })])
  expect(await append((await DeltaLog.open(store))!, [{ id: 1 }])).toMatchObject({ version: 1, warnings: [] })
})

test('a domain that is removed is gone, also from the next checkpoint', async () => {
  const store = memoryStore()
  const domain = (name: string, removed: boolean) => ({ domainMetadata: { domain: name, configuration: '{}', removed } })
  await putLog(store, [
    [domain('a', false), domain('b', false)],
    [domain('a', true), add('f')],
  ])
  const log = (await DeltaLog.open(store))!
  await writeCheckpoint(store, log.latest, 0)
  await store.delete([commitKey(0)])
  expect([...(await DeltaLog.open(store))!.latest.domains.keys()]).toEqual(['b'])
})

test('a line longer than the engine reads by itself is read', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b', { tags: { long: 'x'.repeat(17 << 20) } })]])
  expect((await filesOf(store)).map((file) => file.path)).toEqual(['a', 'b'])
})
