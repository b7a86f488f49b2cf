/**
 * Several writers commit to one log over links that fail in every way. Each reads what is there, takes the next name, and goes on
 * only when it knows how its last attempt ended. Nothing may be there twice, nothing that was reported may be missing. The two naive
 * readings of a failure must fail the same soak: else it would prove nothing.
 */
import { expect, test } from 'vitest'
import { ObjectNotFoundError } from '../../src/errors/index.ts'
import { memoryStore, type ObjectStore, type PutOutcome, withRetries } from '../../src/storage/index.ts'
import { bytesOf, textOf } from '../support/bytes.ts'
import type { Fault } from '../support/stores/fault-plan.ts'
import { faultyStore } from '../support/stores/faulty-store.ts'

const writers = 6
const commitsEach = 40

/** How a writer puts a commit under a name: ours or a naive way. */
type Put = (store: ObjectStore, key: string, body: Uint8Array) => Promise<PutOutcome>

const faults: readonly Fault[] = (
  [
    ['drop', 0.06],
    ['lost-response', 0.06],
    ['lands-late', 0.06],
    ['reset', 0.05],
    ['short', 0.05],
    ['stall', 0.02],
    ['throttled', 0.05],
  ] as const
).map(([kind, probability]) => ({ kind, probability, times: Number.POSITIVE_INFINITY, retryAfterMs: 1, lateMs: 8 }))

const policy = { tries: 4, firstPauseMs: 1, longestPauseMs: 4, requestSeconds: 0.02, seconds: 5 }

/** Once an outcome was unknown, the same bytes go under the same name again, and "there already" is settled by reading. */
const careful: Put = async (store, key, body) => {
  const link = withRetries(store, policy)
  const first = await link.putIfAbsent(key, body)
  if (first.outcome !== 'unknown') return first
  for (;;) {
    const again = await link.putIfAbsent(key, body)
    if (again.outcome === 'created') return again
    const there = await link.get(key).catch(() => undefined)
    if (there) return Buffer.compare(there.bytes, body) === 0 ? { outcome: 'created', meta: there.meta } : { outcome: 'exists' }
  }
}

/** Tries again, and takes "there already" at its word. */
const takesItAtItsWord: Put = async (store, key, body) => {
  for (;;) {
    try {
      const result = await inTime(store.putIfAbsent(key, body))
      if (result.outcome !== 'unknown') return result
    } catch {}
  }
}

/** Takes a failure for "it did not happen", and goes on to the next name. */
const takesFailureAtItsWord: Put = async (store, key, body) => {
  try {
    return await inTime(store.putIfAbsent(key, body))
  } catch {
    return { outcome: 'exists' }
  }
}

function inTime<T>(result: Promise<T>): Promise<T> {
  return Promise.race([result, new Promise<T>((_, reject) => setTimeout(reject, 20, new Error('no answer')))])
}

const name = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

async function soak(put: Put, seed: number): Promise<{ twice: number; lost: number; holes: number; versions: number }> {
  const shared = memoryStore()
  const links = Array.from({ length: writers }, (_, i) => faultyStore(shared, { faults, seed: seed * 100 + i }))
  await Promise.all(
    links.map(async (link, writer) => {
      let version = 0
      for (let commit = 0; commit < commitsEach; commit++) {
        const body = bytesOf(`${seed}/${writer}/${commit}`)
        for (;;) {
          const result = await put(link, name(version), body)
          // While the outcome is unknown, no other name is tried.
          if (result.outcome === 'unknown') continue
          version++
          if (result.outcome === 'created') break
        }
      }
    }),
  )
  await Promise.all(links.map((link) => link.landed()))
  const bodies = new Map<string, number>()
  const keys: string[] = []
  for await (const { key } of shared.list('_delta_log/')) keys.push(key)
  for (const key of keys) {
    const body = textOf((await shared.get(key)).bytes)
    bodies.set(body, (bodies.get(body) ?? 0) + 1)
  }
  return {
    twice: [...bodies.values()].filter((count) => count > 1).length,
    lost: writers * commitsEach - bodies.size,
    holes: keys.filter((key, version) => key !== name(version)).length,
    versions: keys.length,
  }
}

test('over faulty links nothing is there twice and nothing is lost', async () => {
  for (const seed of [1, 2]) {
    expect(await soak(careful, seed)).toEqual({ twice: 0, lost: 0, holes: 0, versions: writers * commitsEach })
  }
})

test('the naive reading of "there already" fails the same soak', async () => {
  const { twice, versions } = await soak(takesItAtItsWord, 1)
  expect(twice).toBeGreaterThan(0)
  expect(versions).toBeGreaterThan(writers * commitsEach)
})

test('so does the naive reading of a failure', async () => {
  expect((await soak(takesFailureAtItsWord, 1)).twice).toBeGreaterThan(0)
})

test('a reader over a faulty link reads every commit to the byte', async () => {
  const shared = memoryStore()
  const bodies = Array.from({ length: 150 }, (_, i) => `${i} `.repeat(i))
  for (const [i, body] of bodies.entries()) await shared.put(name(i), bytesOf(body))
  const link = faultyStore(shared, { faults, seed: 7 })
  const store = withRetries(link, { ...policy, tries: 12 })
  const read: string[] = []
  for await (const { key } of store.list('_delta_log/')) read.push(textOf((await store.get(key)).bytes))
  expect(read).toEqual(bodies)
  await expect(store.get('nothing')).rejects.toThrow(ObjectNotFoundError)
  expect(new Set(link.spoilt.map(({ kind }) => kind)).size).toBeGreaterThan(4)
})
