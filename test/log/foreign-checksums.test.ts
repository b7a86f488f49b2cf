/** Checksums that other engines wrote, right and wrong, and ours when a bit of them has flipped. */
import { describe, expect, test } from 'vitest'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { checksumKey, commitKey } from '../../src/log/paths.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { memoryStore, type ObjectStore } from '../../src/storage/index.ts'
import { countingStore } from '../support/stores/counting-store.ts'
import { add, metadata, protocol, putLog, remove } from './tools.ts'

const ground = { ...(metadata() as { metaData: object }), ...(protocol as { protocol: object }) }

/** A checksum as Spark writes it. */
function sparkChecksum(numFiles: number, changes: Record<string, unknown> = {}): Uint8Array {
  const file = {
    tableSizeBytes: 10 * numFiles,
    numFiles,
    numMetadata: 1,
    numProtocol: 1,
    setTransactions: [{ appId: 'x', version: 4 }],
    domainMetadata: [],
    metadata: ground.metaData,
    protocol: ground.protocol,
    fileSizeHistogram: { sortedBinBoundaries: [0], fileCounts: [numFiles], totalBytes: [10 * numFiles] },
    ...changes,
  }
  return new TextEncoder().encode(JSON.stringify(file))
}

async function sparkTable(): Promise<ReturnType<typeof memoryStore>> {
  const store = memoryStore()
  await putLog(store, [[add('a'), { txn: { appId: 'x', version: 4 } }], [add('b')], [add('c'), remove('a')], [add('d')]])
  for (const [version, files] of [1, 2, 2, 3].entries()) await store.put(checksumKey(version), sparkChecksum(files))
  return store
}

async function commitsRead(store: ObjectStore): Promise<{ log: DeltaLog; versions: number[] }> {
  const counted = countingStore(store)
  const log = (await DeltaLog.open(counted))!
  const read = counted.requests.filter((each) => each.operation === 'get' && each.key.endsWith('.json'))
  return { log, versions: [...new Set(read.map((each) => Number(each.key.slice(11, 31))))] }
}

test('one that fits the one before and the commit between answers without a replay', async () => {
  const { log, versions } = await commitsRead(await sparkTable())
  expect(versions).toEqual([3])
  expect(log.latest.txns.get('x')?.version).toBe(4)
  // Its counts may be wrong together with those before it, and ours must be exact.
  expect(log.latest.counts).toBeUndefined()
  expect(await (await log.files(log.latest)).counts()).toEqual({ files: 3, bytes: 30, rows: 9 })
})

const other = { ...ground.metaData, schemaString: '{"type":"struct","fields":[]}' }

describe.each([
  ['another number of files', { numFiles: 7 }],
  ['another size', { tableSizeBytes: 31 }],
  ['other metadata', { metadata: other }],
  ['another protocol', { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [], writerFeatures: [] } }],
  ['a number that is text', { numFiles: '3' }],
  ['no transactions', { setTransactions: null }],
])('one with %s', (_, changes) => {
  test('is passed over, and nothing is written that builds on it', async () => {
    const store = await sparkTable()
    await store.put(checksumKey(3), sparkChecksum(3, changes))
    const { log } = await commitsRead(store)
    expect(log.latest).toMatchObject({ protocol: ground.protocol, metadata: ground.metaData })
    expect(log.latest.txns.get('x')?.version).toBe(4)
    expect(await (await log.files(log.latest)).counts()).toEqual({ files: 3, bytes: 30, rows: 9 })
    await append(log, [{ id: 1 }])
    const fresh = (await DeltaLog.open(store))!
    expect(fresh.latest.counts).toEqual(await (await fresh.files(fresh.latest)).counts())
  })
})

test('an append on a table of another engine writes no checksum before the files were counted', async () => {
  const store = await sparkTable()
  await append((await DeltaLog.open(store))!, [{ id: 1 }])
  expect(await store.head(checksumKey(4))).toBeUndefined()
})

test('one of ours in which a digit flipped is passed over', async () => {
  const store = memoryStore()
  const { log } = await create(store, { schema: 'id BIGINT' })
  await append(log, [{ id: 1 }, { id: 2 }])
  const { bytes } = await store.get(checksumKey(1))
  const text = new TextDecoder().decode(bytes)
  for (const [from, to] of [
    ['"numFiles":1', '"numFiles":2'],
    ['"rows":2', '"rows":3'],
    ['"minWriterVersion":7', '"minWriterVersion":6'],
    ['"sum":"', '"sum":"0'],
  ] as const) {
    expect(text).toContain(from)
    await store.put(checksumKey(1), new TextEncoder().encode(text.replace(from, to)))
    const fresh = (await DeltaLog.open(store))!
    expect(fresh.latest.counts).toMatchObject({ files: 1, rows: 2 })
    expect(fresh.latest.protocol.minWriterVersion).toBe(7)
  }
})

test('one that answers does not hide a hole from whoever reads the files', async () => {
  const store = await sparkTable()
  await store.delete([commitKey(1)])
  const log = (await DeltaLog.open(store))!
  await expect(log.files(log.latest)).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 1 } })
})
