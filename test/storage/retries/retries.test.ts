import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  AbortedError,
  ObjectCorruptError,
  ObjectNotFoundError,
  StoreDeniedError,
  StoreThrottledError,
  StoreTimeoutError,
  StoreUnreachableError,
} from '../../../src/errors/index.ts'
import { localStore, memoryStore, type ObjectStore, type RetryPolicy, withRetries } from '../../../src/storage/index.ts'
import { bytesOf, textOf } from '../../support/bytes.ts'
import { countingStore } from '../../support/stores/counting-store.ts'
import type { Fault } from '../../support/stores/fault-plan.ts'
import { faultyStore } from '../../support/stores/faulty-store.ts'

/** A clock that only pauses move. */
function clock(random = 0.5): { policy: RetryPolicy; pauses: number[] } {
  const pauses: number[] = []
  let time = 0
  const sleep = async (ms: number) => {
    pauses.push(ms)
    time += ms
  }
  return { pauses, policy: { now: () => time, random: () => random, sleep } }
}

/** A memory store, a faulty link to it, what reaches the link counted, and retries above. */
function linked(faults: readonly Fault[], policy: RetryPolicy = clock().policy, seed = 1) {
  const inner = memoryStore()
  const link = faultyStore(inner, { faults, seed })
  const counted = countingStore(link)
  return { inner, link, counted, store: withRetries(counted, policy) }
}

/** A store of which some operations are replaced. */
function instead(store: ObjectStore, replaced: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const own = replaced[name as keyof ObjectStore] ?? target[name as keyof ObjectStore]
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
}

const always = Number.POSITIVE_INFINITY
const large = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 7) & 255)

test('pauses grow with full jitter up to the longest, and end with the tries', async () => {
  const { policy, pauses } = clock(0.5)
  const { store, counted } = linked([{ kind: 'drop', times: always }], { ...policy, tries: 6, firstPauseMs: 100, longestPauseMs: 500 })
  await expect(store.get('a')).rejects.toThrow(StoreUnreachableError)
  expect(pauses).toEqual([50, 100, 200, 250, 250])
  expect(counted.count('get')).toBe(6)
})

test('the budget in seconds ends it before the tries do', async () => {
  const { policy, pauses } = clock(0.999)
  const { store } = linked([{ kind: 'drop', times: always }], {
    ...policy,
    tries: 1000,
    seconds: 2,
    firstPauseMs: 400,
    longestPauseMs: 400,
  })
  await expect(store.head('a')).rejects.toThrow(StoreUnreachableError)
  expect(pauses.length).toBe(5)
})

test('a pause that the store asks for is obeyed, or ends it when there is no time for it', async () => {
  const { policy, pauses } = clock(0)
  const { store, inner } = linked([{ kind: 'throttled', times: 2, retryAfterMs: 1500 }], { ...policy, seconds: 10 })
  await inner.put('a', bytesOf('x'))
  expect(textOf((await store.get('a')).bytes)).toBe('x')
  expect(pauses).toEqual([1500, 1500])
  const hasty = linked([{ kind: 'throttled', retryAfterMs: 20_000 }], { ...clock().policy, seconds: 10 })
  await expect(hasty.store.putIfAbsent('a', bytesOf('x'))).rejects.toThrow(StoreThrottledError)
})

test('what another try cannot mend is told at once', async () => {
  const denied = new StoreDeniedError('STORE_DENIED', 'No.', { remedy: 'Ask.' })
  const { store, counted } = linked([])
  await expect(store.get('a')).rejects.toThrow(ObjectNotFoundError)
  expect(counted.requests).toHaveLength(1)
  const refusing = withRetries(instead(memoryStore(), { putIfAbsent: () => Promise.reject(denied) }))
  await expect(refusing.putIfAbsent('a', bytesOf('x'))).rejects.toBe(denied)
})

test.each(['reset', 'short'] as const)('a read that ends early (%s) goes on at the byte reached', async (kind) => {
  const { inner, counted, store } = linked([{ kind, operation: ['get', 'getRange'], times: 3 }])
  await inner.put('a', large)
  expect(Buffer.compare((await store.get('a')).bytes, large)).toBe(0)
  const moved = counted.requests.reduce((sum, { bytes }) => sum + bytes, 0)
  expect(counted.count('get')).toBe(1)
  expect(counted.count('getRange')).toBe(3)
  // Nothing comes twice; what a reset had given is not in the count.
  if (kind === 'short') expect(moved).toBe(large.length)
  else expect(moved).toBeLessThan(large.length)
})

test.each(['reset', 'short', 'drop'] as const)('a range and a tail that end early (%s) are whole in the end', async (kind) => {
  const { inner, store } = linked([{ kind, operation: ['getRange', 'getTail'], probability: 0.5, times: always }], {
    ...clock().policy,
    tries: 40,
  })
  await inner.put('a', large)
  for (let i = 0; i < 20; i++) {
    expect(Buffer.compare(await store.getRange('a', i * 100, 40_000), large.subarray(i * 100, 40_000))).toBe(0)
    expect(Buffer.compare(await store.getTail('a', 1000 + i), large.subarray(-1000 - i))).toBe(0)
  }
  expect(await store.getTail('a', 60_000)).toHaveLength(50_000)
})

test('a read never joins two objects', async () => {
  const inner = memoryStore()
  await inner.put('a', large)
  const link = faultyStore(inner, { faults: [{ kind: 'reset', operation: 'get' }], seed: 3 })
  const other = new Uint8Array(large.length).fill(1)
  const replacing = instead(link, {
    get: async (key, options) => {
      try {
        return await link.get(key, options)
      } catch (error) {
        await inner.put('a', other)
        throw error
      }
    },
  })
  expect(Buffer.compare((await withRetries(replacing, clock().policy).get('a')).bytes, other)).toBe(0)
})

test('a stalled read ends by its time limit, and with the caller', async () => {
  const { inner, store } = linked([{ kind: 'stall', times: 1 }], { ...clock().policy, requestSeconds: 0.03 })
  await inner.put('a', bytesOf('x'))
  expect(textOf((await store.get('a')).bytes)).toBe('x')
  for (const operation of ['get', 'getRange', 'list', 'head'] as const) {
    const dead = linked([{ kind: 'stall', operation, times: always }], { ...clock().policy, requestSeconds: 0.01, tries: 2 }).store
    const call = {
      get: () => dead.get('a'),
      getRange: () => dead.getRange('a', 0, 1),
      head: () => dead.head('a'),
      list: () => listed(dead),
    }
    await expect(call[operation](), operation).rejects.toThrow(StoreTimeoutError)
  }
  const slow = linked([{ kind: 'stall', times: always }]).store
  await expect(slow.get('a', { signal: AbortSignal.timeout(20) })).rejects.toThrow(AbortedError)
})

test('a listing that breaks goes on behind the last name', async () => {
  const { inner, store } = linked([{ kind: 'reset', operation: 'list', times: always, probability: 0.9 }], { ...clock().policy, tries: 60 })
  const keys = Array.from({ length: 60 }, (_, i) => `p${i % 7}/${String(i).padStart(3, '0')}`).sort()
  for (const key of keys) await inner.put(key, bytesOf(key))
  expect(await listed(store)).toEqual(keys)
  expect(await listed(store, '/')).toEqual(['p0/', 'p1/', 'p2/', 'p3/', 'p4/', 'p5/', 'p6/'])
})

test.each(['lost-response', 'stall', 'lands-late', 'drop', 'reset'] as const)(
  'a create whose answer is missing (%s) is told apart from another writer',
  async (kind) => {
    for (let seed = 0; seed < 6; seed++) {
      const policy = { requestSeconds: 0.04, firstPauseMs: 1 }
      const ours = linked([{ kind, operation: 'putIfAbsent', lateMs: 3 }], policy, seed)
      expect((await ours.store.putIfAbsent('a', bytesOf('ours'))).outcome).toBe('created')
      await ours.link.landed()
      expect(textOf((await ours.inner.get('a')).bytes)).toBe('ours')
      const theirs = linked([{ kind, operation: 'putIfAbsent' }], policy, seed)
      await theirs.inner.put('a', bytesOf('their'))
      expect((await theirs.store.putIfAbsent('a', bytesOf('ours'))).outcome).toBe('exists')
      await theirs.link.landed()
      expect(textOf((await theirs.inner.get('a')).bytes)).toBe('their')
    }
  },
)

test('a plain "there already" costs no read', async () => {
  const { store, inner, counted } = linked([])
  await inner.put('a', bytesOf('same'))
  expect((await store.putIfAbsent('a', bytesOf('same'))).outcome).toBe('exists')
  expect(counted.requests).toHaveLength(1)
})

test('what cannot be found out is unknown', async () => {
  // Lost, and unreadable ever after.
  const unreadable = linked([
    { kind: 'lost-response', operation: 'putIfAbsent' },
    { kind: 'drop', operation: 'get', times: always },
  ])
  expect((await unreadable.store.putIfAbsent('a', bytesOf('x'))).outcome).toBe('unknown')
  // Never answered: nothing is there, but it may still land.
  const silent = linked([{ kind: 'drop', operation: 'putIfAbsent', times: always }])
  const outcome = await silent.store.putIfAbsent('a', bytesOf('x'))
  expect(outcome).toMatchObject({ outcome: 'unknown', cause: expect.any(StoreUnreachableError) })
  // Refused for good after an attempt that may have arrived.
  const denied = new StoreDeniedError('STORE_DENIED', 'No.', { remedy: 'Ask.' })
  let calls = 0
  const turned = instead(memoryStore(), {
    putIfAbsent: () =>
      Promise.reject(calls++ === 0 ? new StoreUnreachableError('STORE_UNREACHABLE', 'Gone.', { remedy: 'Wait.' }) : denied),
  })
  expect(await withRetries(turned, clock().policy).putIfAbsent('a', bytesOf('x'))).toEqual({ outcome: 'unknown', cause: denied })
})

test('an abort once a byte may have left is unknown, and never "aborted"', async () => {
  const { store } = linked([{ kind: 'stall', operation: 'putIfAbsent', times: always }])
  expect((await store.putIfAbsent('a', bytesOf('x'), { signal: AbortSignal.timeout(10) })).outcome).toBe('unknown')
  // During the pause after a lost answer.
  const lost = linked([{ kind: 'lost-response', times: always }], { firstPauseMs: 60_000, random: () => 0.9, seconds: 1000 })
  expect((await lost.store.putIfAbsent('a', bytesOf('x'), { signal: AbortSignal.timeout(10) })).outcome).toBe('unknown')
  // Refused so far, so nothing can be there.
  const busy = linked([{ kind: 'throttled', times: always }], { firstPauseMs: 60_000, random: () => 0.9, seconds: 1000 })
  await expect(busy.store.putIfAbsent('a', bytesOf('x'), { signal: AbortSignal.timeout(10) })).rejects.toThrow(AbortedError)
  await expect(busy.store.get('a', { signal: AbortSignal.timeout(10) })).rejects.toThrow(AbortedError)
})

test('a turned bit on the way in is caught by the hash and sent again', async () => {
  const { inner, store } = linked([{ kind: 'flip', operation: ['put', 'putIfAbsent'], times: 2 }])
  const { createHash } = await import('node:crypto')
  const sha256 = createHash('sha256').update(large).digest('hex')
  expect((await store.putIfAbsent('a', large, { sha256 })).outcome).toBe('created')
  expect(Buffer.compare((await inner.get('a')).bytes, large)).toBe(0)
  const dead = linked([{ kind: 'flip', times: always }]).store
  await expect(dead.put('a', large, { sha256 })).rejects.toThrow(ObjectCorruptError)
})

test('a file that was handed over survives a lost answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-retries-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'body')
  for (const [operation, kind] of [
    ['put', 'lost-response'],
    ['putIfAbsent', 'lost-response'],
    ['put', 'drop'],
    ['putIfAbsent', 'drop'],
  ] as const) {
    writeFileSync(path, `${operation} ${kind}`)
    const inner = localStore(join(folder, operation + kind))
    const store = withRetries(faultyStore(inner, { faults: [{ kind, operation }] }), clock().policy)
    const body = { path, size: operation.length + kind.length + 1 }
    const result = await store[operation]('x/a', body)
    if ('outcome' in result) expect(result.outcome).toBe('created')
    expect(existsSync(path)).toBe(false)
    expect(textOf((await inner.get('x/a')).bytes)).toBe(`${operation} ${kind}`)
  }
})

test('only the keys that failed are deleted again', async () => {
  const { inner, store } = linked([{ kind: 'lost-response', operation: 'delete' }])
  await inner.put('a', bytesOf('x'))
  expect(await store.delete(['a', 'b'])).toEqual([{ key: 'a' }, { key: 'b' }])
  const failing = new StoreUnreachableError('STORE_UNREACHABLE', 'Gone.', { remedy: 'Wait.' })
  const asked: (readonly string[])[] = []
  const half = instead(memoryStore(), {
    delete: async (keys) => {
      asked.push(keys)
      return keys.map((key) => (asked.length === 1 && key === 'b' ? { key, error: failing } : { key }))
    },
  })
  expect(await withRetries(half, clock().policy).delete(['a', 'b', 'c'])).toEqual([{ key: 'a' }, { key: 'b' }, { key: 'c' }])
  expect(asked).toEqual([['a', 'b', 'c'], ['b']])
})

async function listed(store: ObjectStore, delimiter?: '/'): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('', { delimiter })) keys.push(key)
  return keys
}
