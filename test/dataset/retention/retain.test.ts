/** Which versions a policy lets go of, what becomes of them, and what nobody may lose by it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryStore, type ObjectStore, type RetainOptions, Table } from '../../../src/index.ts'
import { commitKey } from '../../../src/log/paths.ts'
import { intercepted } from '../../support/stores/intercepted.ts'
import { killedAfter } from '../../support/stores/killed.ts'

const day = 86_400_000

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) }))
afterEach(() => {
  vi.useRealTimers()
})

const pass = (days: number) => vi.setSystemTime(Date.now() + days * day)

/** Version v has the one row v, in a file of its own: each version from 1 on replaces the row of the one before, a day later. */
async function replaced(store: ObjectStore, days: number, from = 0): Promise<Table> {
  const table = from > 0 ? await Table.open(store) : await Table.create(store, { schema: 'id BIGINT' })
  for (let id = from + 1; id <= days; id += 1) {
    pass(1)
    await table.overwrite([{ id }])
  }
  return table
}

async function idsAt(store: ObjectStore, version?: number): Promise<number[] | string> {
  try {
    const table = await Table.open(store)
    const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
    return (await snapshot.scan({ columns: ['id'] }).toArray()).map(({ id }) => Number(id))
  } catch (error) {
    return (error as { code: string }).code
  }
}

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

const dataOf = async (store: ObjectStore) => (await keysOf(store)).filter((key) => key.startsWith('part-'))

const putRecord = (store: ObjectStore, key: string, record: object) =>
  store.put(key, new TextEncoder().encode(`${JSON.stringify(record)}\n`))

test('what is young, recent, tagged, of an active run or held stays, and the plan says why', async () => {
  const store = memoryStore()
  const table = await replaced(store, 9)
  await table.tag('v1', { version: 1 })
  await putRecord(store, '_varve/runs/a/start.json', { version: 3 })
  await putRecord(store, '_varve/runs/b/start.json', { version: 4 })
  await putRecord(store, '_varve/runs/b/end.json', { status: 'failed' })
  await putRecord(store, '_varve/holds/x.json', { version: 5, why: 'pin of report' })
  const before = await keysOf(store)
  const policy: RetainOptions = { keepLast: 2, keepDays: 1, keepTags: true, keepRuns: 'active' }
  const plan = {
    kept: [
      { from: 1, to: 1, why: ['tag v1'] },
      { from: 3, to: 3, why: ['run a'] },
      { from: 5, to: 5, why: ['hold x (pin of report)'] },
      { from: 8, to: 9, why: ['one of the newest 2', 'the newest within the last day'] },
    ],
    versionsEnded: 5,
    ended: [
      { from: 0, to: 0 },
      { from: 2, to: 2 },
      { from: 4, to: 4 },
      { from: 6, to: 7 },
    ],
    files: 4,
    earliest: 1,
    archived: null,
  }
  expect(await table.retain({ ...policy, dryRun: true })).toMatchObject({ ...plan, dryRun: true, version: null })
  expect(await keysOf(store)).toEqual(before)
  const plans: unknown[] = []
  const result = await table.retain({ ...policy, onPlan: (one) => plans.push(one) })
  expect(result).toMatchObject({ ...plan, dryRun: false, version: 10 })
  expect(plans).toMatchObject([plan])
  for (const version of [1, 3, 5, 8, 9]) expect(await idsAt(store, version), `version ${version}`).toEqual([version])
  for (const version of [0, 2, 4, 6, 7]) expect(await idsAt(store, version), `version ${version}`).toBe('VERSION_ENDED')
  expect(await idsAt(store)).toEqual([9])
  expect(await dataOf(store)).toHaveLength(5)
  await expect(table.asOf(4)).rejects.toMatchObject({
    message: expect.stringContaining('let go by the retention policy on 2026-01-10'),
    data: { asked: 4, earliest: 1, latest: 10, archive: null },
  })
  for await (const entry of table.history({ limit: 1 }))
    expect(entry).toMatchObject({
      operation: 'RETAIN',
      parameters: { policy: 'keep-last 2, keep-days 1, keep-tags, keep-runs active', ended: '0, 2, 4, 6 to 7' },
      metrics: { numVersionsEnded: 5, numDeletedFiles: 4 },
    })
})

test('a policy is given once, obeyed without options, changed by an option, and none is an error', async () => {
  const store = memoryStore()
  const table = await replaced(store, 4)
  await expect(table.retain()).rejects.toMatchObject({ code: 'NO_POLICY' })
  for (const wrong of [{ keepLast: 0 }, { keepLast: 1.5 }, { keepDays: -1 }, { keepRuns: 'none' as 'active' }])
    await expect(table.retain(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await table.retain({ keepLast: 9 })).toMatchObject({ versionsEnded: 0, version: 5 })
  // The same again is no change, and the version that records it is none of the newest.
  expect(await table.retain()).toMatchObject({ versionsEnded: 0, version: null })
  expect(await table.retain({ keepLast: 3 })).toMatchObject({ ended: [{ from: 0, to: 1 }], version: 6 })
  const { properties } = await (await table.latest()).describe()
  expect(properties).toMatchObject({ 'varve.retain.keepLast': '3', 'varve.retain.keepTags': 'true', 'varve.retain.keepRuns': 'active' })
  expect(await (await Table.open(store)).retain()).toMatchObject({
    versionsEnded: 0,
    version: null,
    policy: { keepLast: 3, keepDays: null },
  })
  await table.overwrite([{ id: 7 }])
  expect(await table.retain()).toMatchObject({ ended: [{ from: 2, to: 2 }], version: 8 })
  for (const version of [3, 4, 5, 6]) expect(await idsAt(store, version)).toEqual([Math.min(version, 4)])
  await table.alter({ set: { 'varve.retain.keepDays': 'many' } })
  await expect(table.retain()).rejects.toMatchObject({ code: 'INVALID_PROPERTY', data: { property: 'varve.retain.keepDays' } })
})

test('tags that the policy does not keep go with their versions, and say why', async () => {
  const store = memoryStore()
  const table = await replaced(store, 3)
  await table.tag('v1', { version: 1 })
  await table.tag('v3', { version: 3 })
  expect(await table.retain({ keepLast: 1, keepTags: false })).toMatchObject({ ended: [{ from: 0, to: 2 }] })
  expect((await table.tags()).map(({ name }) => name)).toEqual(['v3'])
  await expect(table.asOf({ tag: 'v1' })).rejects.toMatchObject({ code: 'TAG_NOT_FOUND' })
  const record = JSON.parse(new TextDecoder().decode((await store.get('_varve/tags/v1/2.json')).bytes))
  expect(record).toMatchObject({ version: 1, removed: true, reason: 'let go by the retention policy' })
})

describe('an archive', () => {
  test('has the versions that ended, by their numbers, and is gone on with', async () => {
    const [store, archive] = [memoryStore(), memoryStore()]
    const table = await replaced(store, 6)
    await table.tag('v2', { version: 2 })
    const told: number[] = []
    const first = await table.retain({ keepLast: 2, archive, onArchived: (files) => told.push(files) })
    expect(told).toEqual([3])
    expect(first).toMatchObject({ versionsEnded: 4, files: 3, archived: { location: archive.root, files: 3 } })
    for (const version of [0, 1, 3, 4]) {
      expect(await idsAt(archive, version), `version ${version}`).toEqual(version === 0 ? [] : [version])
      await expect(table.asOf(version)).rejects.toMatchObject({ code: 'VERSION_ENDED', data: { archive: archive.root } })
    }
    expect(await idsAt(store, 2)).toEqual([2])
    await expect((await Table.open(archive)).asOf(2)).rejects.toMatchObject({ code: 'VERSION_ENDED', data: { archive: store.root } })
    // What was held ends later, and comes into the same archive.
    await table.untag('v2')
    await replaced(store, 9, 7)
    const second = await (await Table.open(store)).retain({ archive })
    expect(second).toMatchObject({
      ended: [
        { from: 2, to: 2 },
        { from: 5, to: 7 },
      ],
    })
    for (const version of [1, 2, 3, 4, 5, 6]) expect(await idsAt(archive, version), `version ${version}`).toEqual([version])
    expect((await (await Table.open(archive)).verify(2, { deep: true })).ok).toBe(true)
  })

  test('that cannot be one is refused, and nothing goes', async () => {
    const store = memoryStore()
    const table = await replaced(store, 3)
    const other = memoryStore()
    await replaced(other, 1)
    const behind = memoryStore()
    for (const key of ['_delta_log/00000000000000000000.json']) await behind.put(key, (await store.get(key)).bytes)
    const changed = memoryStore()
    await changed.put(commitKey(0), new TextEncoder().encode(`${new TextDecoder().decode((await store.get(commitKey(0))).bytes)}\n`))
    // The same table, one of whose commits was written another way.
    const archived = memoryStore()
    for (const version of [0, 1, 2]) {
      const text = new TextDecoder().decode((await store.get(commitKey(version))).bytes)
      await archived.put(
        commitKey(version),
        new TextEncoder().encode(version === 2 ? text.replace('"operation":"WRITE"', '"operation":"WRITES"') : text),
      )
    }
    const before = await keysOf(store)
    for (const [archive, why] of [
      [store, 'is, or lies in, the folder'],
      [other, 'its version 1 is another'],
      [changed, 'its version 0 is another'],
    ] as const)
      await expect(table.retain({ keepLast: 1, archive })).rejects.toMatchObject({
        code: 'ARCHIVE_UNFIT',
        message: expect.stringContaining(why),
      })
    expect(await keysOf(store)).toEqual(before)
    await table.vacuum({ olderThan: '0d' })
    await replaced(store, 5, 3)
    await expect(table.retain({ keepLast: 1, archive: behind })).rejects.toMatchObject({
      code: 'ARCHIVE_UNFIT',
      message: expect.stringContaining('in neither'),
    })
    // An archive whose last version this log no longer has, and does not go on from.
    const stranger = memoryStore()
    for (const version of [0, 1, 2]) await stranger.put(commitKey(version), (await archived.get(commitKey(version))).bytes)
    await expect(table.retain({ keepLast: 1, archive: stranger })).rejects.toMatchObject({
      code: 'ARCHIVE_UNFIT',
      message: expect.stringContaining('does not go on from its version 2'),
    })
    // Where the log begins later, so does the archive's.
    const fresh = memoryStore()
    await table.retain({ keepLast: 1, archive: fresh })
    expect([await idsAt(fresh, 3), await idsAt(fresh, 4), await idsAt(store, 5)]).toEqual([[3], [4], [5]])
  })

  test('that has gone from its place is missed, and no other one begun', async () => {
    const [store, archive] = [memoryStore(), memoryStore('moved')]
    await (await replaced(store, 3)).retain({ keepLast: 1, archive })
    await replaced(store, 5, 4)
    await expect((await Table.open(store)).retain({ archive: memoryStore('moved') })).rejects.toMatchObject({
      code: 'ARCHIVE_UNFIT',
      message: expect.stringContaining('versions 0 to 2'),
    })
    // It goes on in its new place, with all that it has.
    const place = memoryStore('new place')
    for (const key of await keysOf(archive)) await place.put(key, (await archive.get(key)).bytes)
    expect(await (await Table.open(store)).retain({ archive: place })).toMatchObject({ ended: [{ from: 3, to: 4 }] })
    for (const version of [1, 2, 3]) expect(await idsAt(place, version)).toEqual([version])
  })

  test('takes no file that is not what was written', async () => {
    const [store, archive] = [memoryStore(), memoryStore()]
    const table = await replaced(store, 3)
    const before = await keysOf(store)
    const lying = intercepted(archive, {
      async putIfAbsent(key, body, options) {
        if (!key.startsWith('part-')) return archive.putIfAbsent(key, body, options)
        return archive.putIfAbsent(key, new Uint8Array([1, 2, 3]), options)
      },
    })
    await expect(table.retain({ keepLast: 1, archive: lying })).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' })
    let part = ''
    for await (const { path } of (await table.asOf(1)).files()) part = path
    const bytes = (await store.get(part)).bytes
    await store.put(part, bytes.with(10, bytes[10]! ^ 1))
    await expect(table.retain({ keepLast: 1, archive })).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', data: { path: part } })
    await store.delete([part])
    await expect(table.retain({ keepLast: 1, archive })).rejects.toMatchObject({ code: 'DATA_FILE_MISSING', data: { path: part } })
    await store.put(part, bytes)
    expect((await keysOf(store)).filter((key) => !key.startsWith('_varve/'))).toEqual(before)
    await table.retain({ keepLast: 1, archive })
    for (const version of [1, 2]) expect(await idsAt(archive, version)).toEqual([version])
  })
})

describe('beside others', () => {
  /** Runs something as soon as a record is made that versions end. */
  function whenEnding(store: ObjectStore, when: 'before' | 'after', work: () => Promise<unknown>): ObjectStore {
    let once = false
    return intercepted(store, {
      async putIfAbsent(key, body, options) {
        const mine = !once && key.startsWith('_varve/ended/')
        if (mine) once = true
        if (mine && when === 'before') await work()
        const put = await store.putIfAbsent(key, body, options)
        if (mine && when === 'after') await work()
        return put
      },
    })
  }

  test('a tag made before it is said that versions end keeps its version; one made after is taken back', async () => {
    const store = memoryStore()
    await replaced(store, 4)
    const before = await dataOf(store)
    const early = whenEnding(store, 'before', async () => (await Table.open(store)).tag('early', { version: 2 }))
    await expect((await Table.open(early)).retain({ keepLast: 1 })).rejects.toMatchObject({ code: 'HELD_MEANWHILE', data: { version: 2 } })
    expect(await dataOf(store)).toEqual(before)
    for (const version of [1, 2, 3, 4]) expect(await idsAt(store, version)).toEqual([version])
    let late: unknown
    const slow = whenEnding(store, 'after', async () => {
      late = await (await Table.open(store)).tag('late', { version: 3 }).catch((error: unknown) => error)
    })
    const result = await (await Table.open(slow)).retain({ keepLast: 1 })
    expect(late).toMatchObject({ code: 'VERSION_ENDED' })
    expect(result.ended).toEqual([
      { from: 0, to: 1 },
      { from: 3, to: 3 },
    ])
    expect(await idsAt(store, 2)).toEqual([2])
  })

  test('a tag that is on its way is not missed, wherever it is', async () => {
    const store = memoryStore()
    await replaced(store, 4)
    // The record of the tag is there, and its maker has not looked yet when all of a retention runs.
    const tagging = intercepted(store, {
      async putIfAbsent(key, body, options) {
        const put = await store.putIfAbsent(key, body, options)
        if (key.startsWith('_varve/tags/')) await (await Table.open(store)).retain({ keepLast: 1 })
        return put
      },
    })
    await (await Table.open(tagging)).tag('v2', { version: 2 })
    expect([await idsAt(store, 1), await idsAt(store, 2), await idsAt(store, 3)]).toEqual(['VERSION_ENDED', [2], 'VERSION_ENDED'])
  })

  test('an append, and rows that are restored meanwhile, are kept', async () => {
    const store = memoryStore()
    await replaced(store, 4)
    const restoring = whenEnding(store, 'before', async () => (await Table.open(store)).restore(2))
    await (await Table.open(restoring)).retain({ keepLast: 1 })
    expect(await idsAt(store)).toEqual([2])
    const appending = whenEnding(store, 'after', async () => (await Table.open(store)).append([{ id: 9 }]))
    await (await Table.open(appending)).retain({ keepLast: 1 })
    expect(((await idsAt(store)) as number[]).sort()).toEqual([2, 9])
    expect([await idsAt(store, 4), await idsAt(store, 5)]).toEqual(['VERSION_ENDED', [2]])
  })

  test('whoever still knows a version as the newest hears that it ended where its files are gone', async () => {
    const store = memoryStore()
    const behind = await replaced(store, 4)
    const files = await Table.open(store)
    expect(await (await files.asOf(4)).query('SELECT id FROM t', { name: 't' }).toArray()).toEqual([{ id: 4n }])
    const ahead = await replaced(store, 5, 4)
    expect(await ahead.retain({ keepLast: 1 })).toMatchObject({ ended: [{ from: 0, to: 4 }] })
    for (const table of [behind, files]) {
      const snapshot = await table.asOf(4)
      await expect(snapshot.scan().toArray()).rejects.toMatchObject({ code: 'VERSION_ENDED', data: { asked: 4 } })
    }
  })

  /** A table whose version 4 the next retention lets go of, and what runs that retention right before a key is put. */
  async function retainedBefore(key: string): Promise<{ readonly store: ObjectStore; readonly slow: ObjectStore }> {
    const store = memoryStore()
    const table = await replaced(store, 4)
    await table.retain({ keepLast: 1 })
    await table.overwrite([{ id: 6 }])
    let once = false
    const slow = intercepted(store, {
      async putIfAbsent(put, body, options) {
        if (put.startsWith(key) && !once) {
          once = true
          await (await Table.open(store)).retain()
        }
        return store.putIfAbsent(put, body, options)
      },
    })
    return { store, slow }
  }

  test('a restore that has read a version before it ended does not bring it back without its files', async () => {
    const { store, slow } = await retainedBefore('_varve/holds/')
    await expect((await Table.open(slow)).restore(4)).rejects.toMatchObject({ code: 'VERSION_ENDED' })
    expect(await idsAt(store)).toEqual([6])
  })

  test('a version that a restore is about to bring back does not end, and can be restored once the retention is done', async () => {
    const { store, slow } = await retainedBefore(commitKey(7))
    await expect((await Table.open(slow)).restore(4)).rejects.toMatchObject({ code: 'CONCURRENT_APPEND', data: { version: 7 } })
    await (await Table.open(slow)).restore(4)
    expect(await idsAt(store)).toEqual([4])
  })

  test('two at once let go of the same, and of nothing else', async () => {
    const [store, archive] = [memoryStore(), memoryStore()]
    const table = await replaced(store, 5)
    await table.tag('v2', { version: 2 })
    await table.retain({ keepLast: 9, archive })
    const tables = await Promise.all([Table.open(store), Table.open(store), Table.open(store)])
    const results = await Promise.allSettled(tables.map((one) => one.retain({ archive, keepLast: 2 })))
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'METADATA_CHANGED' })
    await (await Table.open(store)).retain({ archive })
    for (const version of [2, 4, 5]) expect(await idsAt(store, version)).toEqual([version])
    for (const version of [1, 3]) expect([await idsAt(store, version), await idsAt(archive, version)]).toEqual(['VERSION_ENDED', [version]])
  })
})

test('a version that was let go and comes back from a remote can be read again', async () => {
  const [store, remote] = [memoryStore(), memoryStore()]
  const table = await replaced(store, 4)
  await table.tag('v1', { version: 1 })
  await table.push(remote)
  await table.retain({ keepLast: 1 })
  await table.push(remote)
  expect([await idsAt(store, 1), await idsAt(store, 2), await idsAt(store, 3)]).toEqual([[1], 'VERSION_ENDED', 'VERSION_ENDED'])
  await Table.pull(store, { from: remote, history: true })
  expect([await idsAt(store, 1), await idsAt(store, 2), await idsAt(store, 3)]).toEqual([[1], [2], [3]])
  // And is let go again.
  expect(await (await Table.open(store)).retain()).toMatchObject({ ended: [{ from: 2, to: 3 }], files: 2 })
})

test('a restore keeps the policy, which is of the table and not of a version', async () => {
  const store = memoryStore()
  const table = await replaced(store, 2)
  await table.retain({ keepLast: 5 })
  await table.restore(1)
  expect(await table.retain()).toMatchObject({ policy: { keepLast: 5 }, versionsEnded: 0, version: null })
})

test('killed at any step, what stays can be read, what ended is there or in the archive, and the next run finishes it', {
  timeout: 120_000,
}, async () => {
  const first = memoryStore()
  await (await replaced(first, 5)).tag('v2', { version: 2 })
  for (let survived = false, at = 0; !survived; at += 5) {
    const [store, archive] = [memoryStore(), memoryStore()]
    for (const key of await keysOf(first)) await store.put(key, (await first.get(key)).bytes)
    survived = await killedAfter(at, async (mortal) => (await Table.open(mortal(store))).retain({ keepLast: 2, archive: mortal(archive) }))
    for (const version of [2, 4, 5]) expect(await idsAt(store, version), `step ${at}`).toEqual([version])
    for (const version of [1, 3]) {
      const here = await idsAt(store, version)
      expect(here === 'VERSION_ENDED' ? await idsAt(archive, version) : here, `step ${at}, version ${version}`).toEqual([version])
    }
    if (at % 4 === 0) await (await Table.open(store)).append([{ id: 8 }])
    await (await Table.open(store)).retain({ keepLast: 2, archive })
    expect(await idsAt(store), `step ${at}`).toEqual(at % 4 === 0 ? [5, 8] : [5])
    expect(await idsAt(store, 2)).toEqual([2])
    for (const version of [1, 3]) {
      expect([await idsAt(store, version), await idsAt(archive, version)], `step ${at}`).toEqual(['VERSION_ENDED', [version]])
    }
    const records: string[] = []
    for await (const { operation } of (await Table.open(store)).history()) if (operation === 'RETAIN') records.push(operation)
    // What was added meanwhile has another version end.
    expect(records.length, `step ${at}`).toBeLessThanOrEqual(at % 4 === 0 ? 2 : 1)
    // Files: of version 2, and of those that stay.
    expect(await dataOf(store), `step ${at}`).toHaveLength(3)
    if (survived) expect(at).toBeGreaterThan(20)
  }
})
