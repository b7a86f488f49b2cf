/** A handle whose table changed underneath it in ways that no commit tells: deleted, made anew, cleaned up, moved away. */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DeltaLog, writeCheckpoint } from '../../src/log/index.ts'
import { commitKey } from '../../src/log/paths.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { localStore, memoryStore, type ObjectStore } from '../../src/storage/index.ts'

const root = await mkdtemp(join(tmpdir(), 'varve-stale-'))
afterAll(() => rm(root, { recursive: true }))

async function loaded(store: ObjectStore, versions: number): Promise<DeltaLog> {
  const { log } = await create(store, { schema: 'id BIGINT' })
  for (let id = 1; id <= versions; id += 1) await append(log, [{ id }])
  return log
}

async function clear(store: ObjectStore): Promise<void> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  await store.delete(keys)
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}

test.each([0, 2, 5, 9])(
  'a table deleted and made again with %d versions is not appended to by a handle on the old one',
  async (versions) => {
    const store = memoryStore()
    const stale = await loaded(store, 5)
    await clear(store)
    const fresh = await loaded(store, versions)
    const before = await keysOf(store)
    await expect(append(stale, [{ id: 99 }])).rejects.toMatchObject({ code: 'TABLE_REPLACED' })
    expect(await keysOf(store)).toEqual(before)
    expect(await fresh.update()).toMatchObject({ version: versions })
  },
)

test('a table that is gone is not begun in the middle', async () => {
  const folder = join(root, 'here')
  const stale = await loaded(localStore(folder), 3)
  await rename(folder, join(root, 'there'))
  await expect(append(stale, [{ id: 99 }])).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' })
  expect((await DeltaLog.open(localStore(join(root, 'there'))))?.latest.version).toBe(3)
  expect(await DeltaLog.open(localStore(folder))).toBeUndefined()
})

test('a handle left behind by a cleanup does not write into the hole, and goes on when it is used again', async () => {
  const store = memoryStore()
  await loaded(store, 2)
  const [stale, writer] = [(await DeltaLog.open(store))!, (await DeltaLog.open(store))!]
  await stale.files(stale.latest)
  for (let id = 3; id <= 8; id += 1) await append(writer, [{ id }])
  await writeCheckpoint(store, writer.latest, 0)
  await store.delete([0, 1, 2, 3, 4, 5, 6, 7].map(commitKey))
  expect(await append(stale, [{ id: 9 }])).toMatchObject({ version: 9 })
  expect(await (await stale.files(stale.latest)).counts()).toMatchObject({ files: 9, rows: 9 })
})

test('a commit that is copied back byte by byte is the same table', async () => {
  const store = memoryStore()
  const log = await loaded(store, 2)
  await store.put(commitKey(2), (await store.get(commitKey(2))).bytes)
  expect(await append(log, [{ id: 3 }])).toMatchObject({ version: 3 })
})
