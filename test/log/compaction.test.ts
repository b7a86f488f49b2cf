/** Log compaction files: what stands for which commits, which of them are written, and which are believed. */
import { expect, test } from 'vitest'
import { dueCompaction, writeCompaction } from '../../src/log/compaction.ts'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { checksumKey, commitKey, compactionKey } from '../../src/log/paths.ts'
import { findSegment } from '../../src/log/segment.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { stringifyJson } from '../../src/schema/json.ts'
import { memoryStore, type ObjectStore } from '../../src/storage/index.ts'
import { countingStore } from '../support/stores/counting-store.ts'
import { add, metadata, protocol, putCommit, putLog, remove } from './tools.ts'

const text = (value: string) => new TextEncoder().encode(value)

async function linesOf(store: ObjectStore, first: number, last: number): Promise<Record<string, Record<string, unknown>>[]> {
  const { bytes } = await store.get(compactionKey(first, last))
  return new TextDecoder()
    .decode(bytes)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function paths(store: ObjectStore, version?: number): Promise<string[]> {
  const log = (await DeltaLog.open(store))!
  const list = await log.files(version === undefined ? log.latest : await log.stateAt(version))
  return (await list.select()).map((file) => file.path)
}

test('holds the newest of everything, removals and removed domains too, and no commitInfo and no changes', async () => {
  const store = memoryStore()
  const vector = { storageType: 'u' as const, pathOrInlineDv: 'ab', offset: 4, sizeInBytes: 10, cardinality: 2 }
  const domain = (removed: boolean, configuration = '') => ({ domainMetadata: { domain: 'd', configuration, removed } })
  await putLog(store, [
    [add('z')],
    [{ commitInfo: {} }, add('a'), add('b'), { txn: { appId: 'x', version: 1 } }, domain(false, '{"n":1}')],
    [
      remove('a'),
      add('a', { deletionVector: vector }),
      { cdc: { path: 'c', partitionValues: {}, size: 1, dataChange: false } },
      metadata({ k: 'v' }),
    ],
  ])
  await putCommit(store, 3, [
    '{"add":{"path":"b","partitionValues":{"p":null},"size":9007199254740993,"modificationTime":2,"dataChange":true,"unknown":[1.50]}}',
    remove('z'),
    { txn: { appId: 'x', version: 2 } },
    domain(true),
  ])
  await writeCompaction(store, { first: 1, last: 3 })
  const lines = await linesOf(store, 1, 3)
  expect(lines.map((line) => Object.keys(line)[0]).sort()).toEqual(['add', 'add', 'domainMetadata', 'metaData', 'remove', 'remove', 'txn'])
  expect(lines.find((line) => line.txn)?.txn).toEqual({ appId: 'x', version: 2 })
  expect(lines.find((line) => line.domainMetadata)?.domainMetadata).toMatchObject({ removed: true })
  // Lines are the commits' own, to the byte.
  expect(new TextDecoder().decode((await store.get(compactionKey(1, 3))).bytes)).toContain(
    '"size":9007199254740993,"modificationTime":2,"dataChange":true,"unknown":[1.50]}}\n',
  )
})

test('stands for its commits: files, transactions, domains and metadata are those of a plain replay', async () => {
  const store = memoryStore()
  await putLog(store, [
    [add('a')],
    [add('b'), { txn: { appId: 'x', version: 7 } }],
    [remove('a'), metadata({ k: 'v' })],
    [add('c')],
    [add('d')],
  ])
  const plain = (await DeltaLog.open(store))!
  const counted = countingStore(store)
  await writeCompaction(store, { first: 0, last: 3 })
  const segment = await findSegment(store, 4)
  expect(segment.compactions.map(({ first, last }) => [first, last])).toEqual([[0, 3]])
  expect(segment.commits).toEqual([4])
  const log = (await DeltaLog.open(counted))!
  const unlike = { counts: undefined, checkpoint: undefined }
  expect({ ...log.latest, ...unlike }).toEqual({ ...plain.latest, ...unlike })
  expect(await (await log.files(log.latest)).select()).toEqual(await (await plain.files(plain.latest)).select())
  expect(counted.requests.filter((each) => each.operation === 'get' && each.key === commitKey(1))).toEqual([])
})

test('of overlapping ones the fewest are read, and none that reaches over the version or the checkpoint', async () => {
  const store = memoryStore()
  await putLog(
    store,
    Array.from({ length: 21 }, (_, i) => [add(`f${i}`)]),
  )
  for (const [first, last] of [
    [0, 5],
    [3, 9],
    [6, 10],
    [6, 15],
    [14, 18],
    [19, 19],
    [20, 30],
  ] as const) {
    const files = Array.from({ length: last - first + 1 }, (_, i) => `${stringifyJson(add(`f${first + i}`))}\n`)
    await store.put(
      compactionKey(first, last),
      text((first === 0 ? [protocol, metadata()].map((each) => `${stringifyJson(each)}\n`) : []).concat(files).join('')),
    )
  }
  const segment = await findSegment(store, 20)
  expect(segment.compactions.map(({ first, last }) => [first, last])).toEqual([
    [0, 5],
    [6, 15],
    [14, 18],
  ])
  expect(segment.commits).toEqual([19, 20])
  expect(await paths(store)).toHaveLength(21)
  expect((await findSegment(store, 9)).compactions.map(({ last }) => last)).toEqual([5, 9])
})

test.each([
  ['empty', ''],
  ['cut short', '{"add":{"path":"nonsense","partition'],
  ['no JSON', 'PAR1'],
  ['not reconciled', `${[add('x'), remove('x'), add('c')].map(stringifyJson).join('\n')}\n`],
])('one that is %s is passed over for its commits', async (_, content) => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')], [remove('a'), add('c')], [add('d')]])
  await store.put(compactionKey(1, 2), text(content))
  expect(await paths(store)).toEqual(['b', 'c', 'd'])
})

test('a commit that is damaged is named, though a compaction is damaged too', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')], [add('c')], [add('d')]])
  await store.put(compactionKey(1, 2), text('{"add":'))
  await putCommit(store, 3, ['{"add":{"path":'])
  await expect(paths(store)).rejects.toMatchObject({ code: 'LOG_CORRUPT', data: { version: 3 } })
})

test('one with a range such as ours does not speak of a version before its end', async () => {
  const store = memoryStore()
  const { log } = await create(store, { schema: 'id BIGINT', properties: { 'delta.checkpointInterval': '1000000' } })
  for (let i = 1; i <= 205; i += 1) await append(log, [], { txn: { appId: 'load', version: i } })
  const names: string[] = []
  for await (const { key } of store.list('_delta_log/')) if (key.includes('compacted')) names.push(key)
  expect(names).toEqual([compactionKey(1, 100), compactionKey(101, 200)])
  for await (const { key } of store.list('_delta_log/')) if (key.endsWith('.crc')) await store.delete([key])
  const fresh = (await DeltaLog.open(store))!
  for (const version of [1, 99, 100, 101, 150, 200, 205]) {
    expect((await fresh.stateAt(version)).txns.get('load')?.version).toBe(version)
  }
  const segment = await findSegment(store, 205)
  expect([segment.compactions.length, segment.commits]).toEqual([2, [0, 201, 202, 203, 204, 205]])
  await store.delete([checksumKey(205)])
}, 60_000)

test.each([
  [100, -1, [1, 100]],
  [150, -1, undefined],
  [1000, -1, [1, 1000]],
  [2000, 1500, [1901, 2000]],
  [3000, 1500, [2001, 3000]],
  [10_000, 0, [1, 10_000]],
  [10_000, 9900, [9901, 10_000]],
  [10_000, 10_000, undefined],
  [200, 150, undefined],
] as const)('version %d after a checkpoint at %d gets the range %j', (version, at, range) => {
  const due = dueCompaction({ version, checkpoint: { version: at, holds: 0, since: 0 } })
  expect(due && [due.first, due.last]).toEqual(range)
})

test('larger ones are made of smaller ones, and say the same as those made of commits', async () => {
  const store = memoryStore()
  await putLog(
    store,
    Array.from({ length: 1001 }, (_, i) => [add(`f${i % 7}`, { size: i }), ...(i % 3 === 0 ? [remove(`f${(i + 3) % 7}`)] : [])]),
  )
  for (let last = 100; last <= 1000; last += 100) await writeCompaction(store, { first: last - 99, last })
  const counted = countingStore(store)
  await writeCompaction(counted, { first: 1, last: 1000 })
  expect(counted.count('get')).toBe(0)
  const plain = memoryStore()
  for (let v = 0; v <= 1000; v += 1) await plain.put(commitKey(v), (await store.get(commitKey(v))).bytes)
  await writeCompaction(plain, { first: 1, last: 1000 })
  expect(await linesOf(store, 1, 1000)).toEqual(await linesOf(plain, 1, 1000))
}, 60_000)
