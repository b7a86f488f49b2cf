import { expect, test } from 'vitest'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { findLatestFrom } from '../../src/log/latest.ts'
import { commitKey, headKey, lastCheckpointKey } from '../../src/log/paths.ts'
import { memoryStore } from '../../src/storage/index.ts'
import { countingStore } from '../support/stores/counting-store.ts'
import { add, putCommit, putLog } from './tools.ts'

const text = (value: string) => new TextEncoder().encode(value)

async function log(versions: number) {
  const store = memoryStore()
  await putLog(
    store,
    Array.from({ length: versions }, (_, i) => [add(`f${i}`)]),
  )
  return store
}

test('an empty folder holds no log', async () => {
  expect(await DeltaLog.open(memoryStore())).toBeUndefined()
})

test.each([1, 2, 3, 17, 64, 65])('the newest of %d versions is found, with and without a hint', async (versions) => {
  const store = await log(versions)
  expect((await DeltaLog.open(store))?.latest.version).toBe(versions - 1)
  for (let hint = 0; hint < versions; hint += 1) {
    await store.put(headKey, text(`{"version":${hint}}`))
    expect((await DeltaLog.open(store))?.latest.version).toBe(versions - 1)
  }
})

test.each(['', '{"version":', 'null', '{"version":-3}', '{"version":"seven"}', '{"version":1e300}', '{"version":999}'])(
  'a hint %j is passed over',
  async (hint) => {
    const store = await log(5)
    await store.put(headKey, text(hint))
    await store.put(lastCheckpointKey, text(hint))
    expect((await DeltaLog.open(store))?.latest.version).toBe(4)
  },
)

test('a hole behind the hint is seen and never filled', async () => {
  const store = await log(8)
  await store.put(headKey, text('{"version":2}'))
  await store.delete([commitKey(5)])
  await expect(DeltaLog.open(store)).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 5 } })
})

test.each([5, 9, 40])('a hole of %d versions at the end is seen on opening', async (width) => {
  const store = await log(10)
  for (let version = 10 + width; version < 10 + 2 * width + 2; version += 1) await putCommit(store, version, [add('late')])
  await store.put(headKey, text('{"version":3}'))
  await expect(DeltaLog.open(store)).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 10 } })
})

test('a handle sees a hole before it goes on writing', async () => {
  const store = await log(3)
  const handle = (await DeltaLog.open(store))!
  await putLog(
    store,
    Array.from({ length: 7 }, (_, i) => [add(`f${i}`)]),
  )
  await store.delete([commitKey(4)])
  await expect(handle.update()).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 4 } })
})

test('opening by a hint lists nothing, and a poll for news is one request', async () => {
  const store = countingStore(await log(30))
  await store.put(headKey, text('{"version":28}'))
  await store.delete([lastCheckpointKey])
  store.reset()
  const handle = await DeltaLog.open(store)
  expect(handle?.latest.version).toBe(29)
  store.reset()
  await handle!.update()
  expect(store.count()).toBe(1)
})

test('names that appear while they are looked for are no hole', async () => {
  const inner = await log(4)
  const asked: string[] = []
  const store = new Proxy(inner, {
    get(target, name) {
      if (name !== 'head') {
        const value = target[name as keyof typeof target] as unknown
        return typeof value === 'function' ? value.bind(target) : value
      }
      return async (key: string) => {
        const found = await target.head(key)
        asked.push(key)
        // Two more commits land right after the first of them was found missing.
        if (key === commitKey(4) && !found) for (const version of [4, 5]) await putCommit(target, version, [add(`late${version}`)])
        return found
      }
    },
  })
  expect(await findLatestFrom(store, 3)).toBe(5)
  expect(asked).toContain(commitKey(4))
})
