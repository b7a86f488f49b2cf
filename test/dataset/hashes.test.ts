/** Hashes that the log does not carry: not known until somebody asks, then computed, remembered, and not believed where they are no longer right. */
import { expect, it } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../src/index.ts'

const commit = (version: number) => `_delta_log/${String(version).padStart(20, '0')}.json`
const text = async (store: ObjectStore, key: string) => new TextDecoder().decode((await store.get(key)).bytes)

/** A copy of a store's table, its log without the hashes. */
async function foreignCopy(store: ObjectStore): Promise<ObjectStore> {
  const copy = memoryStore()
  for await (const { key } of store.list('')) {
    if (key.startsWith('_varve/') || key.endsWith('.crc')) continue
    const { bytes } = await store.get(key)
    const plain = key.startsWith('_delta_log/')
      ? new TextEncoder().encode(new TextDecoder().decode(bytes).replace(/,"tags":\{[^}]*\}/g, ''))
      : bytes
    await copy.put(key, plain)
  }
  return copy
}

it('files without a tag and vectors are hashed when asked, and remembered', async () => {
  const store = memoryStore()
  const ours = await Table.create(store, { schema: 'id BIGINT' })
  await ours.append({ query: 'SELECT i AS id FROM range(1000) t(i)' })
  await ours.delete({ where: 'id < 3' })
  expect(await text(store, commit(1))).toContain('varve.sha256')
  const expected = (await (await ours.latest()).fingerprints()).files
  const copied = await foreignCopy(store)
  expect(await text(copied, commit(1))).not.toContain('varve.sha256')
  const theirs = await Table.open(copied)
  expect((await (await theirs.latest()).describe()).fingerprints.files).toBeNull()
  expect((await (await theirs.latest()).fingerprints()).files).toBe(expected)
  const records: string[] = []
  for await (const { key } of copied.list('_varve/hashes/')) records.push(await text(copied, key))
  expect(records).toHaveLength(1)
  expect(JSON.parse(records[0]!)).toMatchObject({ files: [{ sha256: expect.any(String) }], vectors: [{ sha256: expect.any(String) }] })
  // Another handle, and another version with the same files: nothing is hashed again.
  await theirs.delete({ where: 'id = 500' })
  await theirs.append([{ id: 1n }])
  expect((await (await Table.open(copied)).latest()).version).toBe(4)
  await (await theirs.latest()).fingerprints()
  const again = []
  for await (const { key } of copied.list('_varve/hashes/')) again.push(JSON.parse(await text(copied, key)))
  expect(again).toHaveLength(2)
  expect(again.filter(({ files }) => files.length > 0)).toHaveLength(1)
})

it('what was computed is shown from then on, goes into tags, and counts for its own version alone', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  await table.append([{ id: 1n }])
  const snapshot = await table.latest()
  expect((await snapshot.describe()).fingerprints).toMatchObject({ id: expect.any(String), files: null, rows: null })
  const computed = (await snapshot.describe({ fingerprints: true })).fingerprints
  expect((await snapshot.describe()).fingerprints).toEqual(computed)
  expect((await table.tag('v1')).fingerprints).toEqual(computed)
  await table.append([{ id: 2n }])
  expect((await (await table.latest()).describe()).fingerprints.rows).toBeNull()
  // A record of a table that was here before.
  await store.put('_varve/digests/2.json', new TextEncoder().encode(JSON.stringify({ version: 2, ...computed })))
  expect((await (await table.latest()).describe()).fingerprints.rows).toBeNull()
  expect((await (await table.latest()).fingerprints()).rows).not.toBe(computed.rows)
})
