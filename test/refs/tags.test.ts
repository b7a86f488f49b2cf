/** Tags: names that resolve everywhere, are given once, leave a trace, and keep their version from vacuum. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConflictError, memoryStore, openSession, Table, TagExistsError, UsageError, VersionNotFoundError } from '../../src/index.ts'
import { putRecord } from '../../src/log/records.ts'
import { intercepted } from '../support/stores/intercepted.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-tags-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A table with `versions` appends of one row after version 0. */
async function counters(location: string | ReturnType<typeof memoryStore>, versions: number): Promise<Table> {
  const table = await Table.create(location, { schema: 'id BIGINT' })
  for (let id = 1; id <= versions; id += 1) await table.append([{ id: BigInt(id) }])
  return table
}

it('names its version in references, in SQL, in history and for restore', async () => {
  const table = await counters(join(folder, 'events'), 3)
  const tag = await table.tag('v2.0', { version: 2, message: 'two rows', author: 'Ada' })
  const { fingerprints } = await (await table.asOf(2)).describe()
  expect(tag).toMatchObject({ name: 'v2.0', version: 2, rows: 2, message: 'two rows', author: 'Ada', replaces: null })
  expect(tag.fingerprints.id).toBe(fingerprints.id)
  expect(fingerprints.id).toMatch(/^[0-9a-f]{64}$/)
  expect((await table.asOf({ tag: 'V2.0' })).version).toBe(2)
  const path = join(folder, 'events')
  const session = await openSession({ events: table, old: `${path}@v2.0` })
  const [row] = await session
    .query(`SELECT (SELECT count(*) FROM events) AS latest, (SELECT count(*) FROM events AT (VERSION => 'v2.0')) AS at,
      (SELECT count(*) FROM "events@v2.0") AS quoted, (SELECT count(*) FROM old) AS opened`)
    .toArray()
  expect(row).toEqual({ latest: 3n, at: 2n, quoted: 2n, opened: 2n })
  expect((await (await table.asOf(2)).describe()).tags).toEqual(['v2.0'])
  expect((await (await table.latest()).describe()).tags).toEqual([])
  const tags = []
  for await (const entry of table.history()) tags.push([entry.version, entry.tags])
  expect(tags).toEqual([
    [3, []],
    [2, ['v2.0']],
    [1, []],
    [0, []],
  ])
  expect(await table.restore({ tag: 'v2.0' })).toMatchObject({ version: 4, restored: 2 })
})

it('is given once: moving needs force, and what was stays on record', async () => {
  const table = await counters(memoryStore(), 2)
  await table.tag('gold', { version: 1 })
  await expect(table.tag('Gold', { version: 2 })).rejects.toMatchObject({ code: 'TAG_EXISTS', data: { version: 1 } })
  expect((await table.tag('gold', { force: true })).replaces).toBe(1)
  await table.tag('alpha', { asOf: { timestamp: new Date() } })
  await table.tag('first', { version: 0 })
  expect((await table.tags()).map(({ name, version }) => [name, version])).toEqual([
    ['first', 0],
    ['alpha', 2],
    ['gold', 2],
  ])
  expect((await table.untag('GOLD')).version).toBe(2)
  await expect(table.untag('gold')).rejects.toThrow(VersionNotFoundError)
  await expect(table.asOf({ tag: 'gold' })).rejects.toMatchObject({ code: 'TAG_NOT_FOUND' })
  expect((await table.tag('gold', { version: 0 })).replaces).toBeNull()
  await expect(table.tag('v9', { version: 9 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', data: { latest: 2 } })
  await expect(table.tag('v1', { version: 1, asOf: 0 })).rejects.toThrow(UsageError)
})

it.each(['', '7', '2026-03-15', 'a/b', 'a@b', '-x', 'x.lock', 'a..b', 'a b', 'x'.repeat(201)])('refuses the name %j', async (name) => {
  const table = await counters(memoryStore(), 0)
  await expect(table.tag(name)).rejects.toMatchObject({ code: 'INVALID_NAME' })
  await expect(table.untag(name)).rejects.toMatchObject({ code: 'TAG_NOT_FOUND' })
})

it('of many who race for a name one wins, and the others are told', async () => {
  const store = memoryStore()
  const table = await counters(store, 8)
  const handles = await Promise.all(Array.from({ length: 8 }, () => Table.open(store)))
  const made = await Promise.allSettled(handles.map((handle, at) => handle.tag('prize', { version: at + 1 })))
  const won = made.filter(({ status }) => status === 'fulfilled')
  expect(won).toHaveLength(1)
  for (const each of made) if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(TagExistsError)
  expect(await table.tags()).toEqual([(won[0] as PromiseFulfilledResult<unknown>).value])
  const moved = await Promise.allSettled(handles.map((handle, at) => handle.tag('prize', { version: at + 1, force: true })))
  for (const each of moved) if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(ConflictError)
  expect(moved.some(({ status }) => status === 'fulfilled')).toBe(true)
})

it('settles by reading whether a record of unknown outcome was made', async () => {
  const store = memoryStore()
  let lost = true
  const vague = intercepted(store, {
    putIfAbsent: async (key, body, options) => {
      const put = await store.putIfAbsent(key, body, options)
      if (!lost) return put
      lost = false
      return { outcome: 'unknown', cause: new Error('the line broke') }
    },
  })
  expect(await putRecord(vague, '_varve/x/1.json', { a: 1 })).toBe(true)
  expect(await putRecord(vague, '_varve/x/1.json', { a: 2 })).toBe(false)
})

it('keeps its version from vacuum, until it is removed', async () => {
  const table = await counters(memoryStore(), 2)
  await table.overwrite([{ id: 9n }])
  await table.tag('keep', { version: 1 })
  await table.vacuum({ olderThan: '0d' })
  expect(await (await table.asOf({ tag: 'keep' })).scan().toArray()).toEqual([{ id: 1n }])
  await table.untag('keep')
  await table.vacuum({ olderThan: '0d' })
  await expect(table.asOf(1)).rejects.toThrow(VersionNotFoundError)
})

it('does not stay on a version that a vacuum ended meanwhile', async () => {
  const store = memoryStore()
  const table = await counters(store, 2)
  const slow = intercepted(store, {
    putIfAbsent: async (key, body, options) => {
      if (key === '_varve/tags/late/1.json') await table.vacuum({ olderThan: '0d' })
      return store.putIfAbsent(key, body, options)
    },
  })
  await expect((await Table.open(slow)).tag('late', { version: 1 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  expect(await table.tags()).toEqual([])
})

it('stands where it stood, when a vacuum ends the version that it is moved to', async () => {
  const store = memoryStore()
  const table = await counters(store, 3)
  const before = await table.tag('moving', { version: 1, message: 'the first' })
  const slow = intercepted(store, {
    putIfAbsent: async (key, body, options) => {
      if (key === '_varve/tags/moving/2.json') await table.vacuum({ olderThan: '0d' })
      return store.putIfAbsent(key, body, options)
    },
  })
  await expect((await Table.open(slow)).tag('moving', { version: 0, force: true })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  expect(await table.tags()).toEqual([before])
  await table.vacuum({ olderThan: '0d' })
  expect(await (await table.asOf({ tag: 'moving' })).rowCount()).toBe(1)
})

it('computes the id from the beginning where no commit of ours is near', async () => {
  const store = memoryStore()
  const table = await counters(store, 0)
  const line = (version: number) => JSON.stringify({ commitInfo: { operation: 'WRITE', inCommitTimestamp: 4e12 + version } })
  for (let version = 1; version <= 120; version += 1) {
    await store.put(`_delta_log/${String(version).padStart(20, '0')}.json`, new TextEncoder().encode(`${line(version)}\n`))
  }
  const far = await table.latest()
  expect((await far.describe()).fingerprints.id).toBeNull()
  const { fingerprints } = await table.tag('far')
  const chain = execFileSync(
    process.execPath,
    [
      '-e',
      `const { createHash } = require('crypto'); let id = '0'
    for (const bytes of JSON.parse(require('fs').readFileSync(0))) id = createHash('sha256').update(id).update(bytes).digest('hex')
    process.stdout.write(id)`,
    ],
    {
      input: JSON.stringify([
        new TextDecoder().decode((await store.get(`_delta_log/${'0'.repeat(20)}.json`)).bytes),
        ...Array.from({ length: 120 }, (_, at) => `${line(at + 1)}\n`),
      ]),
      encoding: 'utf8',
    },
  )
  expect(fingerprints.id).toBe(chain)
})
