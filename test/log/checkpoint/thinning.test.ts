/** Thinning leaves few checkpoints, and no version farther from one than it is from the newest. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { thinCheckpoints, toDrop } from '../../../src/log/checkpoint/thinning.ts'
import { DeltaLog } from '../../../src/log/delta-log.ts'
import type { CheckpointPart } from '../../../src/log/listing.ts'
import { commitKey, logFolder } from '../../../src/log/paths.ts'
import { memoryStore, type ObjectStore } from '../../../src/storage/index.ts'
import { add, putCommit, putLog, remove } from '../tools.ts'
import { putCheckpoint } from './checkpoint-shapes.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) }))
afterEach(() => {
  vi.useRealTimers()
})

const whole = (version: number): CheckpointPart => ({ key: `${version}`, version, encoding: 'parquet', part: 1, of: 1 })
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const below = (versions: readonly number[], version: number) => Math.max(-1, ...versions.filter((each) => each <= version))

test('a table that lives on keeps few checkpoints, none farther from a version than the newest is', () => {
  const steps = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 120 })
  fc.assert(
    fc.property(steps, fc.uniqueArray(fc.nat(120), { maxLength: 3 }), (gaps, chosen) => {
      const all: number[] = []
      let kept: number[] = []
      const held = new Set<number>()
      for (const [index, gap] of gaps.entries()) {
        const newest = (all.at(-1) ?? 0) + gap
        all.push(newest)
        kept.push(newest)
        if (chosen.includes(index)) held.add(newest)
        const dropped = toDrop({ commits: new Set(numbers(newest + 1)), checkpoints: kept.map(whole), compactions: [] }, held)
        kept = kept.filter((version) => !dropped.includes(version))
      }
      const newest = all.at(-1)!
      expect(kept.slice(-3)).toEqual(all.slice(-3))
      expect([...held].every((version) => kept.includes(version))).toBe(true)
      expect(kept[0]).toBe(all[0])
      for (let version = all[0]!; version <= newest; version += 7) {
        const near = version - below(kept, version)
        expect(near).toBeLessThanOrEqual(Math.max(version - below(all, version), newest - version))
      }
      // Two of each doubling at most, but for those that are held.
      expect(kept.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(newest + 1)) + 4 + 2 * held.size)
    }),
    { numRuns: 60 },
  )
})

test('what lies behind a hole keeps its checkpoint, and an incomplete one counts for nothing', () => {
  const commits = new Set(numbers(100))
  const checkpoints = numbers(10).map((i) => whole(i * 10))
  const kept = (parts: readonly CheckpointPart[], there: ReadonlySet<number>) => {
    const dropped = toDrop({ commits: there, checkpoints: parts, compactions: [] }, new Set())
    return [...new Set(parts.map(({ version }) => version))].filter((version) => !dropped.includes(version))
  }
  expect(kept(checkpoints, new Set(numbers(100)))).toEqual([0, 10, 50, 70, 80, 90])
  // From 60 on everything stands on the checkpoint of 60.
  commits.delete(55)
  expect(kept(checkpoints, commits)).toEqual([0, 30, 60, 70, 80, 90])
  const half = checkpoints.map((part) => (part.version === 50 ? { ...part, of: 2 } : part))
  expect(kept(half, new Set(numbers(100)))).toEqual([0, 30, 50, 60, 70, 80, 90])
})

async function namesIn(store: ObjectStore, pattern: RegExp): Promise<string[]> {
  const names: string[] = []
  for await (const { key } of store.list(`${logFolder}/`)) if (pattern.test(key)) names.push(key)
  return names
}

test('sidecars go with the last checkpoint that names them, once they are a day old', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a'), add('b')]])
  for (let version = 1; version <= 8; version += 1) {
    await putCommit(store, version, [add(`f${version}`), ...(version === 4 ? [remove('a')] : [])])
    await putCheckpoint(store, (await DeltaLog.open(store))!, version, 'ours V2')
  }
  const sidecars = await namesIn(store, /_sidecars/)
  await thinCheckpoints(store, new Set([2]), Date.now())
  expect(await namesIn(store, /_sidecars/)).toEqual(sidecars)
  expect((await namesIn(store, /checkpoint\..*json/)).map((key) => Number(key.slice(11, 31)))).toEqual([1, 2, 4, 6, 7, 8])
  await thinCheckpoints(store, new Set(), Date.now() + 2 * 86_400_000)
  expect((await namesIn(store, /_sidecars/)).length).toBeLessThan(sidecars.length)
  expect((await namesIn(store, /checkpoint\..*json/)).map((key) => Number(key.slice(11, 31)))).toEqual([1, 4, 6, 7, 8])
  // Every checkpoint that is left stands alone, and the others' versions are read from the one before.
  const log = (await DeltaLog.open(store))!
  const filesAt = async (version: number) => (await (await log.files(await log.stateAt(version))).select()).map(({ path }) => path)
  for (const version of [5, 3]) {
    const added = numbers(version).map((i) => `f${i + 1}`)
    expect(await filesAt(version)).toEqual([...(version < 4 ? ['a'] : []), 'b', ...added])
  }
  await store.delete(numbers(8).map(commitKey))
  expect(await (await log.files((await DeltaLog.open(store))!.latest)).select()).toHaveLength(9)
})
