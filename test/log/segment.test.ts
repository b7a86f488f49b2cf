/** Which files of the log are read for a version, and how little of it is listed to know them. */
import { expect, test } from 'vitest'
import { readListing } from '../../src/log/listing.ts'
import { checkpointKey, commitKey } from '../../src/log/paths.ts'
import { findSegment } from '../../src/log/segment.ts'
import { memoryStore, type ObjectStore } from '../../src/storage/index.ts'
import { countingStore } from '../support/stores/counting-store.ts'
import { add, putLog } from './tools.ts'

const full = new TextEncoder().encode('PAR1')
const part = (version: number, at: number, of: number) =>
  `_delta_log/${String(version).padStart(20, '0')}.checkpoint.${String(at).padStart(10, '0')}.${String(of).padStart(10, '0')}.parquet`

async function log(versions: number): Promise<ReturnType<typeof memoryStore>> {
  const store = memoryStore()
  await putLog(
    store,
    Array.from({ length: versions }, (_, i) => [add(`f${i}`)]),
  )
  return store
}

/** The store, and how many names its listings have given. */
function telling(store: ObjectStore): { store: ObjectStore; listed: () => number } {
  let names = 0
  const list: ObjectStore['list'] = async function* (...args) {
    for await (const entry of store.list(...args)) {
      names += 1
      yield entry
    }
  }
  const told = new Proxy(store, {
    get: (target, name) => {
      const value = target[name as keyof ObjectStore] as unknown
      return name === 'list' ? list : typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { store: told, listed: () => names }
}

test('a listing ends at the version asked for', async () => {
  const { store, listed } = telling(await log(300))
  expect((await findSegment(store, 7)).commits).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(listed()).toBe(9)
})

test('behind a checkpoint that is hinted at, few commits are taken without a listing, and of many only their names are listed', async () => {
  const inner = await log(300)
  await inner.put(checkpointKey(40), full)
  const counted = countingStore(inner)
  const near = await findSegment(counted, 140, { hint: { version: 40 } })
  expect([near.checkpoint?.version, near.commits.length, counted.count('list')]).toEqual([40, 100, 0])
  const { store, listed } = telling(inner)
  const distant = await findSegment(store, 250, { hint: { version: 40 } })
  expect([distant.checkpoint?.version, distant.commits.length]).toEqual([40, 210])
  expect(listed()).toBeLessThan(220)
})

test('a newer checkpoint than the one hinted at is found behind it, where it is whole', async () => {
  const store = await log(300)
  await store.put(checkpointKey(40), full)
  await store.put(checkpointKey(200), new Uint8Array())
  for (const at of [1, 3]) await store.put(part(190, at, 3), full)
  for (const at of [1, 2]) await store.put(part(180, at, 2), full)
  const segment = await findSegment(store, 290, { hint: { version: 40 } })
  expect([segment.checkpoint?.version, segment.checkpoint?.keys, segment.commits[0]]).toEqual([
    180,
    [part(180, 1, 2), part(180, 2, 2)],
    181,
  ])
  await store.put(part(190, 2, 3), full)
  expect((await findSegment(store, 290, { hint: { version: 40 } })).checkpoint?.version).toBe(190)
})

test.each([
  ['nowhere', { version: 50 }],
  ['behind the version asked for', { version: 100 }],
  ['at another folder', { version: 40, path: '../00000000000000000040.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json' }],
  ['at a file of another version', { version: 40, path: '00000000000000000041.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json' }],
])('a hint that leads %s is no hint', async (_, hint) => {
  const store = await log(60)
  await store.put(checkpointKey(40), full)
  expect((await findSegment(store, 59, { hint })).checkpoint?.keys).toEqual([checkpointKey(40)])
})

test('a hole after the checkpoint is an error, one before it is not', async () => {
  const store = await log(60)
  await store.put(checkpointKey(40), full)
  await store.delete([commitKey(12), commitKey(40)])
  expect((await findSegment(store, 59)).commits[0]).toBe(41)
  await store.delete([commitKey(41)])
  await expect(findSegment(store, 59)).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 41 } })
  await expect(findSegment(store, 30)).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 12 } })
})

test('names that are none of the log are passed over', async () => {
  const store = await log(3)
  for (const name of [
    '.tmp/00000000000000000003.json',
    '_staged_commits/00000000000000000003.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json',
    '00003.json',
    '00000000000000000003.json.s3-optimization-0',
    '99999999999999999999.json',
    '00000000000000000001.99999999999999999999.compacted.json',
    '00000000000000000002.checkpoint.0000000001.parquet',
  ])
    await store.put(`_delta_log/${name}`, full)
  const listing = await readListing(store)
  expect([[...listing.commits], listing.checkpoints, listing.compactions]).toEqual([[0, 1, 2], [], []])
})
