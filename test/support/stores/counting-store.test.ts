import { expect, test } from 'vitest'
import { memoryStore } from '../../../src/storage/index.ts'
import { bytesOf } from '../bytes.ts'
import { countingStore } from './counting-store.ts'
import { faultyStore } from './faulty-store.ts'

test('requests are counted by operation and by the start of their key', async () => {
  const store = countingStore(memoryStore())
  await store.put('data/a', bytesOf('12345'))
  await store.putIfAbsent('_delta_log/0', bytesOf('1'))
  await store.get('data/a')
  await store.getTail('data/a', 2)
  await store.get('nothing').catch(() => {})
  await store.head('_delta_log/1')
  await store.materialise(['data/a', '_delta_log/0'])
  await store.delete(['data/a', 'data/b'])
  expect(store.count()).toBe(10)
  expect(store.count('get')).toBe(2)
  expect(store.count('delete', 'data/')).toBe(2)
  expect(store.count(undefined, '_delta_log/')).toBe(3)
  expect(store.requests.find(({ operation }) => operation === 'getTail')).toEqual({ operation: 'getTail', key: 'data/a', bytes: 2 })
  store.reset()
  expect(store.count()).toBe(0)
})

test('a listing is a request for each thousand names, and those not asked for cost nothing', async () => {
  const inner = memoryStore()
  for (let i = 0; i < 2001; i++) await inner.put(`a/${String(i).padStart(4, '0')}`, bytesOf(''))
  const store = countingStore(inner)
  let seen = 0
  for await (const _ of store.list('a/')) seen++
  expect([seen, store.count('list')]).toEqual([2001, 3])
  for await (const _ of store.list('a/')) break
  expect(store.count('list')).toBe(4)
})

test('a plan of faults counts what fits and lets the rest through', async () => {
  const store = faultyStore(memoryStore(), { faults: [{ kind: 'drop', operation: 'put', key: /^a/, skip: 1, times: 2 }] })
  const ends: string[] = []
  for (const key of ['a1', 'b', 'a2', 'a3', 'a4'])
    ends.push(
      await store.put(key, bytesOf('x')).then(
        () => key,
        () => '-',
      ),
    )
  expect(ends).toEqual(['a1', 'b', '-', '-', 'a4'])
  expect(store.spoilt.map(({ key }) => key)).toEqual(['a2', 'a3'])
})

test('the same seed gives the same faults', async () => {
  const run = async (seed: number) => {
    const store = faultyStore(memoryStore(), { faults: [{ kind: 'drop', probability: 0.5, times: Number.POSITIVE_INFINITY }], seed })
    for (let i = 0; i < 40; i++) await store.head(`k${i}`).catch(() => {})
    return store.spoilt.map(({ key }) => key)
  }
  expect(await run(5)).toEqual(await run(5))
  expect(await run(5)).not.toEqual(await run(6))
})
