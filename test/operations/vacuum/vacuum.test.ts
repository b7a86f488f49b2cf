/** What vacuum must never do: take what something holds, what a writer is about to commit, or anything when it could not look. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { checkpointKey, commitKey, headKey, lastCheckpointKey } from '../../../src/log/paths.ts'
import { intercepted } from '../../support/stores/intercepted.ts'
import { killedAfter } from '../../support/stores/killed.ts'

const day = 86_400_000

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) }))
afterEach(() => {
  vi.useRealTimers()
})

const pass = (days: number) => vi.setSystemTime(Date.now() + days * day)

/** A table that gets one row a day: version v has the rows 1 to v, each in a file of its own. */
async function daily(store: ObjectStore, days: number): Promise<Table> {
  const table = await Table.create(store, { schema: 'id BIGINT' })
  for (let id = 1; id <= days; id += 1) {
    pass(1)
    await table.append([{ id }])
  }
  return table
}

/** Takes one file out of the newest version, as another engine's delete does. */
async function removeFile(store: ObjectStore, version: number, id: number): Promise<void> {
  const commit = new TextDecoder().decode((await store.get(commitKey(id))).bytes)
  const { add } = JSON.parse(commit.split('\n').find((line) => line.startsWith('{"add"'))!)
  const info = { commitInfo: { timestamp: Date.now(), inCommitTimestamp: Date.now(), operation: 'DELETE' } }
  const remove = { remove: { path: add.path, deletionTimestamp: Date.now(), dataChange: true, size: add.size } }
  await store.put(commitKey(version), new TextEncoder().encode(`${JSON.stringify(info)}\n${JSON.stringify(remove)}\n`))
}

/** Five days of rows; on the sixth row 1 is deleted, on the seventh row 2: versions 0 to 7. */
async function withDeletes(store: ObjectStore): Promise<Table> {
  const table = await daily(store, 5)
  pass(1)
  await removeFile(store, 6, 1)
  pass(1)
  await removeFile(store, 7, 2)
  pass(1)
  return table
}

const expected = [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5], [3, 4, 5]]

async function idsAt(store: ObjectStore, version?: number): Promise<number[]> {
  const table = await Table.open(store)
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  return (await snapshot.scan({ columns: ['id'] }).toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b)
}

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

async function copyOf(store: ObjectStore): Promise<ObjectStore> {
  const copy = memoryStore()
  const now = Date.now()
  for await (const { key, meta } of store.list('', { meta: true })) {
    vi.setSystemTime(meta!.modified)
    await copy.put(key, (await store.get(key)).bytes)
  }
  vi.setSystemTime(now)
  return copy
}

const putRecord = (store: ObjectStore, key: string, record: unknown) =>
  store.put(key, new TextEncoder().encode(typeof record === 'string' ? record : JSON.stringify(record)))

test('versions end by when the next one came, and the error for one that ended says what can be read', async () => {
  const store = memoryStore()
  const table = await withDeletes(store)
  // Version 5 was the newest until two days ago.
  expect(await table.vacuum({ olderThan: '51h' })).toMatchObject({ versionsEnded: 5, files: 0, earliest: 5 })
  expect(await table.vacuum({ olderThan: '36h' })).toMatchObject({ ended: [{ from: 5, to: 5 }], files: 1, earliest: 6 })
  expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ ended: [{ from: 6, to: 6 }], files: 1, earliest: 7 })
  for (const version of [0, 5, 6]) {
    const error = { code: 'VERSION_NOT_FOUND', data: { earliest: 7, latest: 7 } }
    await expect(table.asOf(version)).rejects.toMatchObject(error)
    await expect((await Table.open(store)).asOf(version)).rejects.toMatchObject(error)
  }
  await table.append([{ id: 8 }])
  expect(await idsAt(store)).toEqual([3, 4, 5, 8])
})

test('without an age the table keeps its history, and what a writer left behind goes after seven days', async () => {
  const store = memoryStore()
  const table = await withDeletes(store)
  await store.put('part-left.parquet', new Uint8Array(10))
  pass(6)
  expect(await table.vacuum()).toMatchObject({ files: 0, versionsEnded: 0, earliest: 0 })
  pass(2)
  const seen: string[] = []
  expect(await table.vacuum({ onFile: ({ path }) => void seen.push(path) })).toMatchObject({ files: 1, bytes: 10, versionsEnded: 0 })
  expect(seen).toEqual(['part-left.parquet'])
  for (const [version, ids] of expected.entries()) expect(await idsAt(store, version)).toEqual(ids)
})

describe('what something holds', () => {
  test('stays readable, with its files and its log', async () => {
    const store = memoryStore()
    const table = await withDeletes(store)
    await putRecord(store, '_varve/tags/v1/1.json', { version: 4 })
    await putRecord(store, '_varve/tags/v1/2.json', { version: 2 })
    await putRecord(store, '_varve/tags/old/1.json', { version: 1 })
    await putRecord(store, '_varve/tags/old/2.json', { removed: true })
    await putRecord(store, '_varve/runs/a/start.json', { version: 3 })
    await putRecord(store, '_varve/runs/a/end.json', { status: 'finished' })
    await putRecord(store, '_varve/runs/b/start.json', { version: 1 })
    await putRecord(store, '_varve/runs/b/end.json', { status: 'failed' })
    await putRecord(store, '_varve/runs/c/start.json', { version: 1 })
    await putRecord(store, '_varve/runs/c/retired.json', {})
    await putRecord(store, '_varve/holds/x.json', { version: 6, why: 'pin of report' })
    await putRecord(store, '_varve/holds/y.json', { version: 1 })
    await putRecord(store, '_varve/holds/y.released.json', {})
    const held = [
      { version: 2, by: 'tag v1' },
      { version: 3, by: 'run a' },
      { version: 6, by: 'hold x (pin of report)' },
    ]
    const ended = [
      { from: 0, to: 1 },
      { from: 4, to: 5 },
    ]
    expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ files: 0, ended, earliest: 2, held })
    for (const version of [2, 3, 6, 7]) expect(await idsAt(store, version)).toEqual(expected[version])
    await expect(table.asOf(1)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', data: { earliest: 2 } })
    // Once nothing holds them they end.
    await putRecord(store, '_varve/tags/v1/3.json', { removed: true })
    await putRecord(store, '_varve/runs/a/retired.json', {})
    expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ files: 1, earliest: 6 })
    for (const version of [6, 7]) expect(await idsAt(store, version)).toEqual(expected[version])
  })

  test.each([
    ['a record that is no JSON', '_varve/tags/v1/1.json', 'oops'],
    ['a record that says no version', '_varve/holds/a.json', { reason: 'clone' }],
    ['a name that is not known', '_varve/runs/a/started.json', { version: 1 }],
    ['a run without its start', '_varve/runs/a/end.json', { status: 'finished' }],
    ['a version that is not there', '_varve/tags/v1/1.json', { version: 70 }],
  ])('%s ends it with nothing deleted', async (_, key, record) => {
    const store = memoryStore()
    const table = await withDeletes(store)
    await putRecord(store, key, record)
    const before = await keysOf(store)
    await expect(table.vacuum({ olderThan: '0d' })).rejects.toMatchObject({
      code: expect.stringMatching(/^HOLD_CORRUPT$|^HELD_VERSION_MISSING$/),
    })
    expect(await keysOf(store)).toEqual(before)
  })

  test('a tag made while it runs ends it', async () => {
    const store = memoryStore()
    await withDeletes(store)
    const slow = intercepted(store, {
      async *list(prefix, options) {
        if (prefix === '') await putRecord(store, '_varve/tags/v1/1.json', { version: 2 })
        yield* store.list(prefix, options)
      },
    })
    await expect((await Table.open(slow)).vacuum({ olderThan: '0d' })).rejects.toMatchObject({
      code: 'HELD_MEANWHILE',
      data: { version: 2 },
    })
    for (const [version, ids] of expected.entries()) expect(await idsAt(store, version)).toEqual(ids)
  })
})

describe('writers meanwhile', () => {
  test('a file that is not committed yet stays, whatever the age', async () => {
    const store = memoryStore()
    await withDeletes(store)
    let written = () => {}
    const isWritten = new Promise<void>((resolve) => {
      written = resolve
    })
    let go = () => {}
    const mayGo = new Promise<void>((resolve) => {
      go = resolve
    })
    const late = intercepted(store, {
      async putIfAbsent(key, body, options) {
        if (key !== commitKey(8)) return store.putIfAbsent(key, body, options)
        await options?.after
        written()
        await mayGo
        return store.putIfAbsent(key, body)
      },
    })
    const appending = (await Table.open(late)).append([{ id: 8 }])
    await isWritten
    pass(6)
    expect(await (await Table.open(store)).vacuum({ olderThan: '0d' })).toMatchObject({ files: 2 })
    go()
    await appending
    expect(await idsAt(store)).toEqual([3, 4, 5, 8])
  })

  test('commits that come at any moment lose nothing', async () => {
    for (const moment of ['list', 'checkpoint', 'delete'] as const) {
      const store = memoryStore()
      await withDeletes(store)
      const other = await Table.open(store)
      let appended = false
      const append = async (now: boolean) => {
        if (!now || appended) return
        appended = true
        await other.append([{ id: 8 }])
      }
      const watched = intercepted(store, {
        async *list(prefix, options) {
          yield* store.list(prefix, options)
          await append(moment === 'list' && prefix === '')
        },
        async putIfAbsent(key, body, options) {
          await append(moment === 'checkpoint' && key === checkpointKey(7))
          return store.putIfAbsent(key, body, options)
        },
        async delete(keys) {
          await append(moment === 'delete' && !keys[0]!.includes('clock'))
          return store.delete(keys)
        },
      })
      await (await Table.open(watched)).vacuum({ olderThan: '0d' })
      expect(appended, moment).toBe(true)
      expect(await idsAt(store), moment).toEqual([3, 4, 5, 8])
    }
  })

  test('a file that comes back in a commit meanwhile stays', async () => {
    const store = memoryStore()
    await withDeletes(store)
    const add = new TextDecoder()
      .decode((await store.get(commitKey(1))).bytes)
      .split('\n')
      .find((line) => line.startsWith('{"add"'))!
    const watched = intercepted(store, {
      async putIfAbsent(key, body, options) {
        if (key === checkpointKey(7)) {
          const info = { commitInfo: { timestamp: Date.now(), inCommitTimestamp: Date.now(), operation: 'RESTORE' } }
          await putRecord(store, commitKey(8), `${JSON.stringify(info)}\n${add}\n`)
        }
        return store.putIfAbsent(key, body, options)
      },
    })
    expect(await (await Table.open(watched)).vacuum({ olderThan: '0d' })).toMatchObject({ files: 1 })
    expect(await idsAt(store)).toEqual([1, 3, 4, 5])
  })
})

describe('where it cannot go on', () => {
  test('it is killed at any step, and every version that stays can be read', { timeout: 120_000 }, async () => {
    const first = memoryStore()
    await withDeletes(first)
    const early = await copyOf(first)
    await early.delete([5, 6, 7].map(commitKey))
    await (await Table.open(early)).checkpoint()
    await first.put(checkpointKey(4), (await early.get(checkpointKey(4))).bytes)
    await putRecord(first, headKey, { version: 2 })
    await putRecord(first, '_varve/tags/v1/1.json', { version: 5 })
    // Of any two steps one, in an odd stride, so that each of the questions below meets each kind of step.
    for (let survived = false, at = 0; !survived; at += at % 3 === 0 ? 1 : 2) {
      const store = await copyOf(first)
      survived = await killedAfter(at, async (mortal) => (await Table.open(mortal(store))).vacuum({ olderThan: '0d' }))
      for (const version of [5, 7]) expect(await idsAt(store, version), `step ${at}`).toEqual(expected[version])
      // What is below is whole, or gone.
      const below = at % 2 === 0 ? 2 : 4
      const rows = await idsAt(store, below).catch((error: { code: string }) => error.code)
      expect([expected[below], 'VERSION_NOT_FOUND'], `step ${at}, version ${below}`).toContainEqual(rows)
      expect(await (await Table.open(store)).vacuum({ olderThan: '0d' }), `step ${at}`).toMatchObject({ earliest: 5 })
      expect(await keysOf(store, '_delta_log/0'), `step ${at}`).toHaveLength(5)
      if (at % 4 === 0) await (await Table.open(store)).append([{ id: 8 }])
      expect(await idsAt(store), `step ${at}`).toEqual(at % 4 === 0 ? [3, 4, 5, 8] : [3, 4, 5])
      if (survived) expect(at).toBeGreaterThan(15)
    }
  })

  test('a folder that cannot be listed, and a commit that cannot be read, end it with nothing deleted', async () => {
    for (const what of ['list', 'commit'] as const) {
      const store = memoryStore()
      await withDeletes(store)
      const before = await keysOf(store)
      let fails = false
      const failing = intercepted(store, {
        async *list(prefix, options) {
          for await (const entry of store.list(prefix, options)) {
            if (fails && what === 'list' && prefix === '' && entry.key.startsWith('part-')) throw new Error('the store does not answer')
            yield entry
          }
        },
        async get(key, options) {
          if (fails && what === 'commit' && key === commitKey(1)) throw new Error('the store does not answer')
          return store.get(key, options)
        },
      })
      const table = await Table.open(failing)
      fails = true
      await expect(table.vacuum({ olderThan: '30h' }), what).rejects.toThrow('does not answer')
      expect(await keysOf(store)).toEqual(before)
    }
  })

  test('a checkpoint at the cut that lacks a file is seen before anything goes', async () => {
    const store = memoryStore()
    const table = await withDeletes(store)
    // The checkpoint of another version, which reads well.
    await (await Table.open(store)).checkpoint()
    await store.put(checkpointKey(6), (await store.get(checkpointKey(7))).bytes)
    const before = (await keysOf(store)).filter((key) => key !== lastCheckpointKey)
    await expect(table.vacuum({ olderThan: '30h' })).rejects.toMatchObject({ code: 'CHECKPOINT_UNFIT', data: { version: 6 } })
    expect((await keysOf(store)).filter((key) => key !== lastCheckpointKey)).toEqual(before)
  })

  test('another table in the same folder is left alone', async () => {
    const store = memoryStore()
    const table = await withDeletes(store)
    await store.delete(await keysOf(store, '_delta_log/'))
    await daily(store, 8)
    const before = await keysOf(store)
    await expect(table.vacuum({ olderThan: '0d' })).rejects.toMatchObject({ code: 'TABLE_REPLACED' })
    expect(await keysOf(store)).toEqual(before)
  })

  test.each(['30', '1m', '-1d', 'interval 1 month', 'soon', ''])('%j is no age', async (olderThan) => {
    const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
    await expect(table.vacuum({ olderThan })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('a retention that cannot be read is not guessed', async () => {
    const store = memoryStore()
    const table = await Table.create(store, { schema: 'id BIGINT' })
    const text = new TextDecoder().decode((await store.get(commitKey(0))).bytes)
    const { metaData } = JSON.parse(text.split('\n').find((line) => line.startsWith('{"metaData"'))!)
    const configuration = { ...metaData.configuration, 'delta.deletedFileRetentionDuration': 'interval 1 month' }
    await putRecord(store, commitKey(1), `${JSON.stringify({ metaData: { ...metaData, configuration } })}\n`)
    await expect(table.vacuum()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', data: { value: 'interval 1 month' } })
    expect(await table.vacuum({ olderThan: 'interval 1 week 2 days' })).toMatchObject({ files: 0 })
  })

  test('a feature for writers that is not known is refused by name', async () => {
    const store = memoryStore()
    const table = await Table.create(store, { schema: 'id BIGINT' })
    const { protocol } = await table.latest()
    const more = { ...protocol, writerFeatures: [...protocol.writerFeatures!, 'rubberStamp'] }
    await putRecord(store, commitKey(1), `${JSON.stringify({ protocol: more })}\n`)
    await expect(table.vacuum()).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE', data: { feature: 'rubberStamp', verb: 'write' } })
  })
})
