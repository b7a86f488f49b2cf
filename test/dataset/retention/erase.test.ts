/** What is erased is in no file any more that a version names, here and in archives; what stays reads as it did; and what is not reached is said. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { machineCache } from '../../../src/dataset/cache/file-cache.ts'
import { trustedEngine } from '../../../src/engine/index.ts'
import { cache, localStore, memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { commitKey } from '../../../src/log/paths.ts'
import { hashBytes } from '../../../src/storage/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'
import { killedAfter } from '../../support/stores/killed.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-erase-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

/** The ids of all rows that lie in Parquet files of a table, whatever names them and whatever vectors say. */
async function idsLying(store: ObjectStore): Promise<number[]> {
  const keys = (await keysOf(store)).filter((key) => key.endsWith('.parquet') && !key.startsWith('_delta_log/'))
  if (keys.length === 0) return []
  const pinned = await store.materialise(keys)
  const connection = await (await trustedEngine()).connect()
  try {
    const list = pinned.paths.map((path) => `'${path}'`).join(', ')
    const rows = await connection.all(`SELECT DISTINCT id FROM read_parquet([${list}], union_by_name = true) ORDER BY id`)
    return rows.map(({ id }) => Number(id))
  } finally {
    await connection.close()
    await pinned.release()
  }
}

async function idsAt(store: ObjectStore, version?: number): Promise<number[] | string> {
  try {
    const table = await Table.open(store)
    const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
    return (await snapshot.scan({ columns: ['id'] }).toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b)
  } catch (error) {
    return (error as { code: string }).code
  }
}

const putRecord = (store: ObjectStore, key: string, record: object) => store.put(key, new TextEncoder().encode(JSON.stringify(record)))
const recordAt = async (store: ObjectStore, key: string) => JSON.parse(new TextDecoder().decode((await store.get(key)).bytes))
const rows = (...ids: number[]) => ids.map((id) => ({ id, name: `name ${id}` }))

describe('the newest version', () => {
  test('has not a byte of the rows in its files, deleted ones neither, and says nothing of them', async () => {
    const store = memoryStore()
    const table = await Table.create(store, { schema: 'id BIGINT, name VARCHAR' })
    await table.append(rows(1, 2, 3, 42))
    await table.append(rows(4, 43))
    await table.append(rows(42))
    await table.delete({ where: 'id = 43' })
    const result = await table.erase({ where: 'id IN ($a, 43)', params: { a: 42 } })
    expect(result).toMatchObject({ version: 5, operation: 'ERASE', metrics: { numDeletedRows: 2, numRemovedFiles: 3 }, everywhere: null })
    const snapshot = await table.latest()
    const named = memoryStore()
    for await (const { path } of snapshot.files()) await named.put(path, (await store.get(path)).bytes)
    expect(await idsLying(named)).toEqual([1, 2, 3, 4])
    expect(await idsAt(store)).toEqual([1, 2, 3, 4])
    const commit = new TextDecoder().decode((await store.get(commitKey(5))).bytes)
    expect(commit).not.toMatch(/name 4[23]|\bid\\*":4[23]|predicate/)
    // Where there is nothing, no version is made.
    expect(await table.erase({ where: 'id = 42' })).toMatchObject({ version: 5, metrics: { numDeletedRows: 0 } })
    expect((await table.verify(undefined, { deep: true })).ok).toBe(true)
  })

  test('tells its changes without holding what went', async () => {
    const table = await withHistory(memoryStore())
    const { version } = await table.erase({ where: 'id = 5 OR id = 2' })
    const net = new Map<number, number>()
    for (const { id, _change_type } of await table.changes({ from: version, to: version }).toArray())
      net.set(Number(id), (net.get(Number(id)) ?? 0) + (_change_type === 'insert' ? 1 : -1))
    expect([...net].filter(([, count]) => count !== 0).sort()).toEqual([
      [2, -1],
      [5, -1],
    ])
  })

  test('is asked for by a condition alone, and what is confirmed must have been said', async () => {
    const store = memoryStore()
    const table = await Table.append(store, rows(1), { create: true }).then(() => Table.open(store))
    await expect(table.erase({ where: ' ' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(table.erase({ where: 'true', confirm: true })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(table.erase({ where: 'nothing = 1' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })
})

/** Versions 0 to 7 of a table with a change feed: row 42 comes with 2, is hidden by a vector at 4, and its change file is of 4. */
async function withHistory(store: ObjectStore): Promise<Table> {
  const table = await Table.create(store, {
    schema: 'id BIGINT, name VARCHAR',
    properties: { 'delta.enableChangeDataFeed': 'true', 'delta.enableDeletionVectors': 'false' },
  })
  await table.append(rows(1, 2))
  await table.append(rows(3, 42), { txn: { appId: 'etl', version: 1 } })
  await table.append(rows(4))
  await table.delete({ where: 'id = 42' })
  await table.append(rows(5))
  await table.delete({ where: 'id = 1' })
  return table
}

describe('everywhere', () => {
  test('it tells what holds the rows, and on confirmation that ends, and nothing else', async () => {
    const store = memoryStore()
    const table = await withHistory(store)
    await table.tag('good', { version: 1 })
    await table.tag('v2', { version: 2 })
    await table.tag('v3', { version: 3 })
    await putRecord(store, '_varve/runs/a/start.json', { version: 3 })
    await putRecord(store, '_varve/runs/b/start.json', { version: 5 })
    await putRecord(store, '_varve/holds/x.json', { version: 2, why: 'pin of report' })
    await table.remotes.add('origin', join(folder, 'elsewhere'))
    const before = await keysOf(store)
    const expected = {
      versionsEnded: 2,
      ended: [{ from: 2, to: 3 }],
      changeFeeds: [4],
      tags: ['v2', 'v3'],
      runs: ['a'],
      holds: ['pin of report'],
      archives: [],
      earliest: 0,
      shown: [
        { version: 2, shows: ['statistics', 'transaction id'] },
        { version: 4, shows: ['statistics', 'condition'] },
      ],
      elsewhere: [
        'pin of report: what it has of its own',
        expect.stringMatching(/^the remote origin \(file:.*elsewhere\): erase there too$/),
        expect.stringContaining('backups'),
      ],
    }
    expect(await table.erase({ where: 'id = 42', everywhere: true })).toMatchObject({
      version: 6,
      everywhere: { ...expected, confirmed: false },
    })
    expect(await keysOf(store)).toEqual(before)
    expect(await idsAt(store, 2)).toEqual([1, 2, 3, 42])
    const { everywhere } = await table.erase({ where: 'id = 42', everywhere: true, confirm: true, message: 'request 17' })
    expect(everywhere).toMatchObject({ ...expected, confirmed: true })
    expect(await idsLying(store)).toEqual([1, 2, 3, 4, 5])
    expect([await idsAt(store, 1), await idsAt(store, 2), await idsAt(store, 3), await idsAt(store, 4)]).toEqual([
      [1, 2],
      'VERSION_ENDED',
      'VERSION_ENDED',
      [1, 2, 3, 4],
    ])
    expect(await idsAt(store)).toEqual([2, 3, 4, 5])
    expect((await table.tags()).map(({ name }) => name)).toEqual(['good'])
    expect(await recordAt(store, '_varve/tags/v2/2.json')).toMatchObject({
      removed: true,
      reason: 'the version held rows that were erased',
    })
    expect(await recordAt(store, '_varve/runs/a/erased.json')).toMatchObject({ versions: [3], message: expect.stringContaining('erased') })
    for await (const entry of table.history({ limit: 1 }))
      expect(entry).toMatchObject({ version: 7, operation: 'ERASE', parameters: { ended: '2 to 3' }, message: 'request 17' })
    // What the feed says of all other versions is there, and who lets go of old versions later meets nothing that is missing.
    expect(await table.changes({ from: 5, to: 6 }).toArray()).toHaveLength(2)
    await expect(table.changes({ from: 4, to: 4 }).toArray()).rejects.toMatchObject({ code: 'DATA_FILE_MISSING' })
    expect((await table.vacuum({ olderThan: '0d' })).held.map(({ version }) => version)).toEqual([1, 5])
    expect(await table.erase({ where: 'id = 42', everywhere: true, confirm: true })).toMatchObject({
      everywhere: { versionsEnded: 0, files: 0, shown: [] },
    })
  })

  test('a version in which a vector hides the row holds it, and the log is cut where the first versions held it', async () => {
    const store = memoryStore()
    const table = await Table.append(store, rows(1, 2, 42), { create: true }).then(() => Table.open(store))
    await table.delete({ where: 'id = 42' })
    await table.append(rows(3))
    await table.checkpoint()
    const { version, everywhere } = await table.erase({ where: 'id = 42', everywhere: true, confirm: true })
    expect(version).toBe(3)
    expect(everywhere).toMatchObject({ ended: [{ from: 0, to: 2 }], earliest: 3, shown: [] })
    expect(await idsLying(store)).toEqual([1, 2, 3])
    expect((await keysOf(store, '_delta_log/')).filter((key) => /\/0{19}[012]\./.test(key))).toEqual([])
    expect(await idsAt(store)).toEqual([1, 2, 3])
    expect(await idsAt(store, 1)).toBe('VERSION_ENDED')
  })

  test('rows that come again while it looks are erased too', async () => {
    const store = memoryStore()
    await withHistory(store)
    let once = false
    const appending = intercepted(store, {
      async putIfAbsent(key, body, options) {
        const put = await store.putIfAbsent(key, body, options)
        if (key === commitKey(7) && !once) {
          once = true
          await (await Table.open(store)).append(rows(5, 6))
        }
        return put
      },
    })
    const { everywhere } = await (await Table.open(appending)).erase({ where: 'id = 5', everywhere: true, confirm: true })
    expect(everywhere).toMatchObject({
      ended: [
        { from: 5, to: 6 },
        { from: 8, to: 8 },
      ],
    })
    expect(await idsAt(store)).toEqual([2, 3, 4, 6])
    expect(await idsLying(store)).not.toContain(5)
  })

  test('what was archived is erased there too', async () => {
    const store = localStore(join(folder, 'events'))
    const archive = join(folder, 'archive')
    const table = await Table.append(store, rows(1), { create: true }).then(() => Table.open(store))
    await table.append(rows(42))
    await table.overwrite(rows(2))
    await table.append(rows(3))
    await table.retain({ keepLast: 1, archive })
    expect(await idsAt(localStore(archive), 1)).toEqual([1, 42])
    const asked = await table.erase({ where: 'id = 42', everywhere: true })
    expect(asked.everywhere).toMatchObject({
      versionsEnded: 0,
      archives: [{ ended: [{ from: 1, to: 1 }], shown: [{ version: 1 }, { version: 2 }] }],
    })
    expect(await idsAt(localStore(archive), 1)).toEqual([1, 42])
    await table.erase({ where: 'id = 42', everywhere: true, confirm: true })
    expect(await idsLying(localStore(archive))).toEqual([1, 2])
    expect([await idsAt(localStore(archive), 0), await idsAt(localStore(archive), 1), await idsAt(localStore(archive), 2)]).toEqual([
      [1],
      'VERSION_ENDED',
      [2],
    ])
    // The archive goes on.
    await table.append(rows(4))
    await table.retain()
    expect(await idsAt(localStore(archive), 3)).toEqual([2, 3])
  })

  test('copies in the cache of this machine go, and a pull does not bring the version back', async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
    const [store, remote] = [memoryStore(), memoryStore()]
    const table = await withHistory(store)
    await table.push(remote)
    for await (const { path } of (await table.asOf(3)).files()) {
      const { bytes } = await store.get(path)
      await writeFile(join(folder, 'copy'), bytes)
      expect(await machineCache().keep(hashBytes(bytes), join(folder, 'copy'))).toBe(true)
    }
    expect((await table.erase({ where: 'id = 42', everywhere: true })).everywhere).toMatchObject({ cached: 1 })
    expect((await table.erase({ where: 'id = 42', everywhere: true, confirm: true })).everywhere).toMatchObject({ cached: 1 })
    expect((await table.erase({ where: 'id = 42', everywhere: true })).everywhere).toMatchObject({ cached: 0 })
    expect((await cache.show()).files).toBe(2)
    await Table.pull(store, { from: remote, history: true }).catch(() => undefined)
    expect(await idsAt(store, 3)).toBe('VERSION_ENDED')
    vi.unstubAllEnvs()
  })

  test('columns that old versions do not have as the condition means them are refused, and nothing ends', async () => {
    const store = memoryStore()
    const table = await Table.append(store, rows(1, 42), { create: true }).then(() => Table.open(store))
    await table.overwrite([{ id: 'forty-two' }], { overwriteSchema: true })
    await expect(table.erase({ where: "id = 'x'", everywhere: true, confirm: true })).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
    expect(await idsLying(store)).toHaveLength(3)
  })

  test('killed at any step, and run again, nothing holds the rows and what stays is whole', { timeout: 120_000 }, async () => {
    const first = memoryStore()
    await (await withHistory(first)).tag('v2', { version: 2 })
    await putRecord(first, '_varve/runs/a/start.json', { version: 3 })
    for (let survived = false, at = 0; !survived; at += 3) {
      const store = memoryStore()
      for (const key of await keysOf(first)) await store.put(key, (await first.get(key)).bytes)
      survived = await killedAfter(at, async (mortal) =>
        (await Table.open(mortal(store))).erase({ where: 'id IN (5, 42)', everywhere: true, confirm: true }),
      )
      if (survived) expect(at).toBeGreaterThan(10)
      expect(['VERSION_ENDED', JSON.stringify([1, 2, 3, 42])], `step ${at}`).toContain(
        ((v) => (typeof v === 'string' ? v : JSON.stringify(v)))(await idsAt(store, 2)),
      )
      expect(await idsAt(store, 1), `step ${at}`).toEqual([1, 2])
      expect([JSON.stringify([2, 3, 4, 5]), JSON.stringify([2, 3, 4])], `step ${at}`).toContain(JSON.stringify(await idsAt(store)))
      await (await Table.open(store)).erase({ where: 'id IN (5, 42)', everywhere: true, confirm: true })
      expect(await idsLying(store), `step ${at}`).toEqual([1, 2, 3, 4])
      expect(await idsAt(store), `step ${at}`).toEqual([2, 3, 4])
      expect(await idsAt(store, 4), `step ${at}`).toEqual([1, 2, 3, 4])
      expect([await idsAt(store, 2), await idsAt(store, 6)], `step ${at}`).toEqual(['VERSION_ENDED', 'VERSION_ENDED'])
      expect(await (await Table.open(store)).tags(), `step ${at}`).toEqual([])
      expect(await recordAt(store, '_varve/runs/a/erased.json'), `step ${at}`).toMatchObject({ versions: [3] })
      const records: string[] = []
      for await (const { operation, parameters } of (await Table.open(store)).history())
        if (operation === 'ERASE' && 'ended' in parameters) records.push(String(parameters.ended))
      expect(records, `step ${at}`).toHaveLength(1)
    }
  })
})

test('over random histories, versions end that have a file with such a row, and all others stay as they were', {
  timeout: 120_000,
}, async () => {
  const change = fc.record({ what: fc.constantFrom('append', 'append', 'delete', 'update', 'optimize'), id: fc.nat(6) })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 3, maxLength: 6 }), fc.boolean(), async (changes, vectors) => {
      const store = memoryStore()
      const table = await Table.create(store, {
        schema: 'id BIGINT, n BIGINT',
        properties: { 'delta.enableDeletionVectors': String(vectors) },
      })
      for (const { what, id } of changes) {
        if (what === 'append')
          await table.append([
            { id, n: 1 },
            { id: (id + 3) % 7, n: 2 },
          ])
        else if (what === 'delete') await table.delete({ where: `id = ${id}` })
        else if (what === 'update') await table.update({ set: { id: `${id}` }, where: `id = ${(id + 1) % 7}` })
        else await table.optimize()
      }
      const latest = await table.version()
      const before = new Map<number, number[] | string>()
      const holding: number[] = []
      for (let version = 0; version <= latest; version += 1) {
        before.set(version, await idsAt(store, version))
        const named = memoryStore()
        for await (const { path } of (await table.asOf(version)).files()) await named.put(path, (await store.get(path)).bytes)
        if ((await idsLying(named)).includes(3)) holding.push(version)
      }
      const { everywhere } = await table.erase({ where: 'id = 3', everywhere: true, confirm: true })
      expect(everywhere!.ended.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))).toEqual(holding)
      expect(await idsLying(store)).not.toContain(3)
      for (const [version, ids] of before)
        expect(await idsAt(store, version), `version ${version}`).toEqual(holding.includes(version) ? 'VERSION_ENDED' : ids)
      expect(await idsAt(store)).toEqual((before.get(latest) as number[]).filter((id) => id !== 3))
    }),
    { numRuns: 5 },
  )
})
