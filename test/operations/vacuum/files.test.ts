/** Files of every kind through vacuum: deletion vectors, change files, files that a log names by absolute path. */
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryStore, type Snapshot, Table } from '../../../src/index.ts'
import { column, HandTable, metaData, protocol } from '../../support/hand-table.ts'

const digest = async (snapshot: Snapshot): Promise<unknown> =>
  (await snapshot.query('SELECT count(*) AS rows, sum(hash(id, label)) AS sum FROM t', { name: 't' }).toArray())[0]

let folder: string
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) })
  folder = await mkdtemp(join(tmpdir(), 'varve-vacuum-'))
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

test('vectors and change files stay with the versions that name them', async () => {
  const store = memoryStore()
  const table = await Table.create(store, {
    schema: 'id BIGINT, label VARCHAR',
    properties: { 'delta.enableChangeDataFeed': 'true' },
  })
  await table.append({ query: "SELECT i AS id, 'a' || i AS label FROM range(20000) t(i)" })
  await table.delete({ where: 'hash(id) % 20 = 0' })
  await table.delete({ where: 'hash(id) % 20 = 1' })
  await table.update({ set: { label: "'b'" }, where: 'hash(id) % 20 = 2' })
  await table.delete({ where: 'hash(id) % 20 = 3' })
  const there = async (pattern: RegExp): Promise<number> => {
    let count = 0
    for await (const { key } of store.list('')) if (pattern.test(key)) count += 1
    return count
  }
  const fed = async (version: number): Promise<number> =>
    (await (await Table.open(store)).changes({ from: version, to: version }).toArray()).length
  expect(await there(/deletion_vector_/)).toBe(4)
  const changeFiles = await there(/^_change_data\//)
  expect(changeFiles).toBeGreaterThan(0)
  const [second, fourth, latest] = [
    await digest(await table.asOf(2)),
    await digest(await table.asOf(4)),
    await digest(await table.latest()),
  ]
  const changes = await fed(4)
  await store.put('_varve/tags/v1/1.json', new TextEncoder().encode('{"version":2}'))
  await store.put('_varve/tags/v2/1.json', new TextEncoder().encode('{"version":4}'))
  vi.setSystemTime(Date.now() + 3_600_000)

  expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ files: 1, earliest: 2 })
  expect(await there(/deletion_vector_/)).toBe(3)
  expect(await there(/^_change_data\//)).toBe(changeFiles)
  const again = await Table.open(store)
  expect(await digest(await again.asOf(2))).toEqual(second)
  expect(await digest(await again.asOf(4))).toEqual(fourth)
  expect(await digest(await again.latest())).toEqual(latest)
  expect(await fed(4)).toBe(changes)

  for (const tag of ['v1', 'v2']) await store.put(`_varve/tags/${tag}/2.json`, new TextEncoder().encode('{"removed":true}'))
  expect(await again.vacuum({ olderThan: '0d' })).toMatchObject({ files: 2 + changeFiles, earliest: 5 })
  expect([await there(/deletion_vector_/), await there(/^_change_data\//)]).toEqual([1, 0])
  expect(await digest(await (await Table.open(store)).latest())).toEqual(latest)
})

test('a shallow clone keeps to its folder, and its own files under whatever path', async () => {
  const origin = new HandTable(join(folder, 'origin'))
  const clone = new HandTable(join(folder, 'clone'))
  await symlink(clone.folder, join(folder, 'alias'))
  const label = `'x' AS label`
  const theirs = await origin.file(`SELECT 1::BIGINT AS id, ${label}`, { path: 'theirs.parquet' })
  await origin.file(`SELECT 0::BIGINT AS id, ${label}`, { path: 'gone.parquet' })
  // A file of the same name lies in the clone, and is none of its files.
  await clone.file(`SELECT 4::BIGINT AS id, ${label}`, { path: 'theirs.parquet' })
  await clone.file(`SELECT 2::BIGINT AS id, ${label}`, { path: 'ours.parquet' })
  const dropped = await clone.file(`SELECT 3::BIGINT AS id, ${label}`, { path: 'dropped.parquet' })
  const fields = [column('id', 'long'), column('label', 'string')]
  const absolute = (table: HandTable, path: string) => table.add(path).valueOf() as { add: { path: string } }
  const theirAdd = { add: { ...absolute(origin, theirs).add, path: join(origin.folder, theirs) } } as never
  const goneAdd = { add: { ...absolute(origin, 'gone.parquet').add, path: join(origin.folder, 'gone.parquet') } } as never
  const ourAdd = { add: { ...absolute(clone, 'ours.parquet').add, path: `file://${join(folder, 'alias', 'ours.parquet')}` } } as never
  clone.commit([protocol(), metaData(fields), theirAdd, goneAdd, ourAdd, clone.add(dropped)])
  clone.commit([clone.remove(dropped), clone.remove(join(origin.folder, 'gone.parquet'))])
  const options = { allowPaths: [origin.folder, join(folder, 'alias')] }
  const table = await Table.open(clone.folder, options)
  expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ files: 1, versionsEnded: 1 })
  expect((await readdir(clone.folder)).filter((name) => name.endsWith('.parquet')).sort()).toEqual(['ours.parquet', 'theirs.parquet'])
  expect((await readdir(origin.folder)).filter((name) => name.endsWith('.parquet')).sort()).toEqual(['gone.parquet', 'theirs.parquet'])
  const rows = await (await (await Table.open(clone.folder, options)).latest()).scan({ columns: ['id'] }).toArray()
  expect(rows.map(({ id }) => Number(id)).sort()).toEqual([1, 2])
})
