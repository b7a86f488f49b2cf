import { expect, test } from 'vitest'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { checksumKey, commitKey } from '../../src/log/paths.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { memoryStore } from '../../src/storage/index.ts'
import { countingStore } from '../support/stores/counting-store.ts'
import { add, putCommit } from './tools.ts'

async function tableOf(versions: number) {
  const store = memoryStore()
  const { log } = await create(store, { schema: 'id BIGINT' })
  for (let i = 1; i < versions; i += 1) await append(log, [{ id: i }, { id: -i }], { txn: { appId: 'load', version: i } })
  return store
}

test('the checksum of every version says what a replay says', async () => {
  const store = await tableOf(12)
  const log = (await DeltaLog.open(store))!
  for (let version = 0; version < 12; version += 1) {
    const state = await log.stateAt(version)
    expect(state.counts).toEqual(await (await log.files(state)).counts())
    expect(state.counts?.rows).toBe(2 * version)
    expect(state.txns.get('load')?.version).toBe(version === 0 ? undefined : version)
  }
})

test.each([
  ['missing', undefined],
  ['torn', (text: string) => text.slice(0, text.length / 2)],
  ['empty', () => ''],
  ['of something else', () => '{"numFiles":3}'],
])('a checksum that is %s is passed over', async (_, damage) => {
  const store = await tableOf(5)
  const { bytes } = await store.get(checksumKey(4))
  await store.delete([checksumKey(4)])
  if (damage) await store.put(checksumKey(4), new TextEncoder().encode(damage(new TextDecoder().decode(bytes))))
  const { latest } = (await DeltaLog.open(store))!
  expect(latest.counts).toEqual({ files: 4, bytes: expect.any(Number), rows: 8 })
  expect(latest.txns.get('load')?.version).toBe(4)
})

test('no checksum is made on a count that is not known', async () => {
  const store = await tableOf(3)
  await putCommit(store, 3, [add('theirs')])
  const log = (await DeltaLog.open(store))!
  await append(log, [{ id: 9 }])
  expect(await store.head(checksumKey(4))).toBeUndefined()
  await log.files(log.latest)
  await append(log, [{ id: 10 }])
  expect((await log.stateAt(5)).counts).toEqual(await (await log.files(await log.stateAt(5))).counts())
  expect(await store.head(checksumKey(5))).toBeDefined()
})

test('old checksums are thinned, and every version is still reached by a few commits', async () => {
  const store = await tableOf(401)
  const kept: number[] = []
  for await (const { key } of store.list('_delta_log/')) if (key.endsWith('.crc')) kept.push(Number(key.slice(11, 31)))
  expect(kept.slice(0, 4)).toEqual([0, 10, 20, 30])
  expect(kept.length).toBeLessThan(240)
  const counted = countingStore(store)
  const log = (await DeltaLog.open(counted))!
  counted.reset()
  expect((await log.stateAt(137)).counts?.rows).toBe(2 * 137)
  expect(counted.count('list')).toBe(0)
  expect(counted.count()).toBeLessThan(15)
}, 60_000)

test('large checksums are thinned to one in a hundred', async () => {
  const store = memoryStore()
  const columns = Array.from({ length: 120 }, (_, i) => `a_column_of_a_wide_table_${i} BIGINT`)
  const { log } = await create(store, { schema: ['id BIGINT', ...columns].join(', ') })
  for (let i = 1; i <= 300; i += 1) await append(log, [], { txn: { appId: 'load', version: i } })
  const kept: number[] = []
  for await (const { key } of store.list('_delta_log/')) if (key.endsWith('.crc')) kept.push(Number(key.slice(11, 31)))
  expect(kept.slice(0, 4)).toEqual([0, 100, 200, 201])
  expect((await (await DeltaLog.open(store))!.stateAt(173)).txns.get('load')?.version).toBe(173)
}, 60_000)

test('an append costs its puts, its checksum, one look for news and one at what it stands on', async () => {
  const store = countingStore(await tableOf(6))
  const log = (await DeltaLog.open(store))!
  await append(log, [{ id: 1 }])
  store.reset()
  await append(log, [{ id: 2 }])
  const asked = store.requests.map((request) => `${request.operation} ${request.key.replace(/part-.*/, 'part')}`)
  expect(asked.sort()).toEqual(
    [`get ${commitKey(7)}`, `head ${commitKey(5)}`, 'put part', `putIfAbsent ${checksumKey(7)}`, `putIfAbsent ${commitKey(7)}`].sort(),
  )
})
