/** Verify finds each bad or missing file by its name, and tells damage from what nobody knows and from what could not be looked at. */
import { mkdtemp, open, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { localStore, StoreDeniedError, Table } from '../../../src/index.ts'
import { hashFile, hashFiles } from '../../../src/storage/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-verify-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A table of three files, one of them with deleted rows. */
async function events(name: string): Promise<{ table: Table; path: string; paths: string[] }> {
  const path = join(folder, name)
  const table = await Table.create(path, { schema: 'id BIGINT, city VARCHAR' })
  for (const n of [0, 1, 2])
    await table.append({ query: `SELECT i AS id, 'city ' || i AS city FROM range(${n * 500}, ${n * 500 + 500}) t(i)` })
  await table.delete({ where: 'id < 500 AND hash(id) % 2 = 0' })
  const paths: string[] = []
  for await (const file of (await table.latest()).files()) paths.push(file.path)
  return { table, path, paths }
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
  await file.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, at)
  await file.close()
}

it('finds nothing where nothing is wrong, at every version', async () => {
  const { table } = await events('right')
  const nothing = { ok: true, damaged: [], unreadable: [], notKnown: 0, chainFrom: 0 }
  expect(await table.verify()).toMatchObject({ ...nothing, version: 4, files: 3, vectors: 1, rows: 'not asked' })
  expect(await table.verify(1)).toMatchObject({ ...nothing, version: 1, files: 1, vectors: 0 })
  const snapshot = await table.latest()
  expect(await snapshot.verify({ deep: true })).toMatchObject({ ...nothing, rows: 'not known' })
  await snapshot.fingerprints()
  expect(await snapshot.verify({ deep: true })).toMatchObject({ ...nothing, rows: 'same' })
})

it('names a flipped byte, a short file, a missing one and a damaged vector', async () => {
  const { table, path, paths } = await events('wrong')
  await flipByte(join(path, paths[0]!), 200)
  await truncate(join(path, paths[1]!), 100)
  await rename(join(path, paths[2]!), join(path, 'elsewhere'))
  const vector = (await readdir(path)).find((name) => name.startsWith('deletion_vector_'))!
  await flipByte(join(path, vector), 20)
  const result = await (await Table.open(path)).verify(undefined, { deep: true })
  expect(result).toMatchObject({ ok: false, unreadable: [], rows: 'not computed' })
  const found = result.damaged.map(({ path: of, problem }) => [of.replace(/ at \d+$/, ''), problem])
  expect(found.sort()).toEqual(
    [
      [paths[0], 'hash'],
      [paths[1], 'size'],
      [paths[2], 'missing'],
      [vector, 'checksum'],
    ].sort(),
  )
  for (const { remedy } of result.damaged) expect(remedy).toContain('copy')
  expect((await table.verify(0)).ok).toBe(true)
})

it('finds a commit that was rewritten, by the chain and by a tag', async () => {
  const { table, path } = await events('rewritten')
  await table.tag('v1', { version: 1 })
  const commit = join(path, '_delta_log', `${'1'.padStart(20, '0')}.json`)
  const file = await open(commit, 'a')
  await file.write('\n')
  await file.close()
  const later = await (await Table.open(path)).verify()
  expect(later.damaged).toMatchObject([{ path: `_delta_log/${'1'.padStart(20, '0')}.json`, problem: 'chain' }])
  expect((await (await Table.open(path)).verify(1)).damaged).toMatchObject([{ path: 'id', problem: 'digest' }])
})

it('finds other rows in files that nobody hashed, by a digest that a tag has', async () => {
  const path = join(folder, 'deep')
  const table = await Table.create(path, { schema: 'id BIGINT' })
  await table.append([{ id: 1n }])
  await (await table.latest()).fingerprints()
  await table.tag('v1')
  await rm(join(path, '_varve/digests'), { recursive: true })
  const tag = join(path, '_varve/tags/v1')
  const record = { ...(await table.tags())[0]!, fingerprints: { id: null, files: null, rows: '0'.repeat(64) } }
  await writeFile(join(tag, '2.json'), JSON.stringify(record))
  expect(await table.verify(undefined, { deep: true })).toMatchObject({
    ok: false,
    rows: 'different',
    damaged: [{ path: 'rows', problem: 'digest' }],
  })
})

it('tells what it could not look at, and what is not known, from damage', async () => {
  const { path, paths } = await events('denied')
  const store = localStore(path)
  const denied = intercepted(store, {
    head: (key, options) => {
      if (key === paths[0]) throw new StoreDeniedError('STORE_DENIED', 'no', { remedy: 'ask' })
      return store.head(key, options)
    },
  })
  const result = await (await Table.open(denied)).verify()
  expect(result).toMatchObject({ ok: false, damaged: [], unreadable: [{ path: paths[0], problem: 'unreadable', remedy: 'ask' }] })
})

it('hashes on threads what is large, as one thread would', async () => {
  const paths = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name, at) => {
      const path = join(folder, name)
      await writeFile(path, Buffer.alloc(3_000_000 * at + 5, name))
      return path
    }),
  )
  const expected = await Promise.all(paths.map((path) => hashFile(path)))
  const asked = [...paths, join(folder, 'missing')]
  for (const bytes of [1, 1 << 30]) {
    const found = await hashFiles(asked, bytes)
    expect(found.slice(0, 4)).toEqual(expected)
    expect(found[4]).toMatchObject({ error: { code: 'ENOENT' } })
  }
})
