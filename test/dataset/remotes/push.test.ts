/** Push: a remote becomes the same table, whatever comes in between; and what does not fit is refused before anything moves. */
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localStore, memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { withRetries } from '../../../src/storage/index.ts'
import { setTime } from '../../support/file-times.ts'
import { countingStore } from '../../support/stores/counting-store.ts'
import { faultyStore } from '../../support/stores/faulty-store.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-push-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A table of three appends, one delete by vectors, and a change feed. */
async function events(store: ObjectStore | string = memoryStore()): Promise<Table> {
  const table = await Table.create(store, { schema: 'id BIGINT, city VARCHAR', properties: { 'delta.enableChangeDataFeed': 'true' } })
  for (const n of [0n, 10n, 20n]) await table.append(rowsFrom(n))
  await table.delete({ where: 'id % 3 = 0' })
  return table
}

const rowsFrom = (first: bigint) => [0n, 1n, 2n, 3n].map((i) => ({ id: first + i, city: `city ${first + i}` }))

const ids = async (table: Table, version?: number): Promise<unknown[]> => {
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  const rows = await snapshot.query('SELECT id FROM t ORDER BY id', { name: 't' }).toArray()
  return rows.map(({ id }) => id)
}

/** Every version of one table has the rows that it has in the other. */
async function expectSame(one: Table, other: ObjectStore | string, from = 0): Promise<void> {
  const copy = await Table.open(other)
  expect(await copy.version()).toBe(await one.version())
  for (let version = from; version <= (await one.version()); version += 1) expect(await ids(copy, version)).toEqual(await ids(one, version))
}

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

describe('what moves', () => {
  it('is everything to an empty remote, and then only what is new', async () => {
    const table = await events()
    await table.tag('v1', { version: 2 })
    const remote = memoryStore()
    const first = await table.push(remote)
    expect(first).toMatchObject({ version: 4, versions: 5, skipped: 0, records: 1, missing: 0, warnings: [] })
    await expectSame(table, remote)
    const copy = await Table.open(remote)
    expect((await copy.tags()).map(({ name, version }) => [name, version])).toEqual([['v1', 2]])
    const gone = async (of: Table) =>
      (await of.changes({ from: 4, columns: ['id', '_change_type'] }).toArray()).map(({ id }) => Number(id)).sort()
    expect(await gone(copy)).toEqual(await gone(table))
    expect(await copy.verify(undefined, { deep: true })).toMatchObject({ ok: true, chainFrom: 0 })

    expect(await table.push(remote)).toMatchObject({ versions: 0, files: 0, bytes: 0, skipped: 0 })
    await table.append(rowsFrom(30n))
    const more = await table.push(remote)
    expect(more).toMatchObject({ version: 5, versions: 1, files: 1, skipped: 0 })
    expect(more.bytes).toBeLessThan(first.bytes / 2)
    await expectSame(table, remote)
  })

  it('is the new vector alone of a file whose rows are deleted, and does not read the file again', async () => {
    const table = await events()
    const remote = countingStore(memoryStore())
    await table.push(remote)
    await table.delete({ where: 'id = 1' })
    remote.reset()
    expect(await table.push(remote)).toMatchObject({ versions: 1, skipped: 1 })
    expect(remote.requests.filter(({ operation, key }) => operation !== 'head' && key.endsWith('.parquet'))).toEqual([])
    await expectSame(table, remote)
  })
})

describe('files', () => {
  const many = `SELECT i AS id, md5(i::VARCHAR) AS text FROM range(60000) t(i)`

  it('that are large are copied, hashed where they arrive, and refused where they are not what was written', async () => {
    const path = join(folder, 'large')
    const table = await Table.create(path, { schema: 'id BIGINT, text VARCHAR' })
    await table.append({ query: many })
    const [file] = await filesOf(table)
    expect((await stat(join(path, file!.path))).size).toBeGreaterThan(1 << 20)
    for (const remote of [join(folder, 'large-remote'), memoryStore()]) {
      expect(await table.push(remote)).toMatchObject({ versions: 2, files: 1, recorded: typeof remote === 'string' })
      expect(await (await Table.open(remote)).verify()).toMatchObject({ ok: true, notKnown: 0 })
    }
    const again = memoryStore()
    await again.put(file!.path, (await localStore(path).get(file!.path)).bytes)
    expect(await table.push(again)).toMatchObject({ files: 0, skipped: 1 })
    const bytes = await readFile(join(path, file!.path))
    bytes[bytes.length - 100] = bytes[bytes.length - 100]! ^ 1
    await writeFile(join(path, file!.path), bytes)
    const damaged = { code: 'DATA_FILE_CORRUPT', data: { path: file!.path } }
    for (const remote of [join(folder, 'large-damaged'), memoryStore()]) await expect(table.push(remote)).rejects.toMatchObject(damaged)
    await rm(join(path, file!.path))
    await expect(table.push(memoryStore())).rejects.toMatchObject({ code: 'DATA_FILE_MISSING', data: { missing: [file!.path] } })
  })

  it('whose hash no log has are compared with what was read, and go by their decoded names', async () => {
    const store = memoryStore()
    const table = await Table.create(store, { schema: 'id BIGINT, city VARCHAR', partitionBy: ['city'] })
    await table.append([{ id: 1n, city: 'Åbo %20 /x=y' }])
    const key = '_delta_log/00000000000000000001.json'
    const text = Buffer.from((await store.get(key)).bytes).toString()
    await store.put(key, Buffer.from(text.replaceAll('varve.sha256', 'other')))
    const foreign = await Table.open(store)
    const remote = memoryStore()
    expect(await foreign.push(remote)).toMatchObject({ versions: 2, files: 1 })
    await expectSame(foreign, remote)
    expect(await foreign.push(remote)).toMatchObject({ versions: 0, files: 0 })
  })

  it('stay where they are when the caller gives up, and no commit comes without them', async () => {
    const table = await events()
    const remote = memoryStore()
    const stop = new AbortController()
    await expect(table.push(remote, { onProgress: () => stop.abort(), signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    await expectReadable(remote)
    expect((await table.push(remote)).version).toBe(4)
    await expectSame(table, remote)
  })
})

describe('what does not fit', () => {
  it('is refused with where the histories differ, and nothing is moved', async () => {
    const store = memoryStore()
    const table = await events(store)
    const remote = memoryStore()
    await table.push(remote)
    const other = await Table.open(remote)
    await other.append(rowsFrom(40n))
    await expect(table.push(remote)).rejects.toMatchObject({ code: 'REMOTE_AHEAD', data: { version: 4, remoteVersion: 5 } })
    await table.append(rowsFrom(50n))
    await table.append(rowsFrom(60n))
    const before = await keysOf(remote)
    await expect(table.push(remote)).rejects.toMatchObject({
      code: 'REMOTE_DIVERGED',
      message: expect.stringContaining('from version 5 on'),
      data: { commonVersion: 4 },
    })
    const stranger = memoryStore()
    await Table.create(stranger, { schema: 'id BIGINT' })
    await expect(table.push(stranger)).rejects.toMatchObject({ code: 'REMOTE_DIVERGED', message: expect.stringContaining('another table') })
    await expect(table.push(store)).rejects.toMatchObject({ code: 'REMOTE_IS_TABLE' })
    expect(await keysOf(remote)).toEqual(before)
  })

  it('is a tag that stands for another version there', async () => {
    const table = await events()
    const remote = memoryStore()
    await table.push(remote)
    await (await Table.open(remote)).tag('v1', { version: 1 })
    await table.tag('v1', { version: 2 })
    await table.append(rowsFrom(30n))
    await expect(table.push(remote)).rejects.toMatchObject({ code: 'REMOTE_TAG_DIVERGED', data: { tags: ['v1'] } })
    expect(await (await Table.open(remote)).version()).toBe(4)
  })

  it('is a table that names files elsewhere', async () => {
    const path = join(folder, 'shallow')
    const table = await events(path)
    const store = localStore(path)
    const [first] = await filesOf(table, 1)
    const foreign = intercepted(store, {
      get: async (key, options) => {
        const { bytes, meta } = await store.get(key, options)
        if (!key.endsWith('1.json')) return { bytes, meta }
        return { bytes: Buffer.from(Buffer.from(bytes).toString().replace(first!.path, `/elsewhere/${first!.path}`)), meta }
      },
    })
    expect(await table.version()).toBe(4)
    const remote = memoryStore()
    await expect((await Table.open(foreign)).push(remote)).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
    expect(await keysOf(remote)).toEqual([])
  })
})

describe('what goes wrong on the way', () => {
  it('is gone on from: what has arrived is not moved again, whatever request fails', async () => {
    const table = await events()
    for (let skip = 0; ; skip += 3) {
      const inner = memoryStore()
      const faulty = faultyStore(inner, { faults: [{ kind: 'drop', operation: 'putIfAbsent', skip, times: 1 }] })
      const failed = await table.push(faulty).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (faulty.spoilt.length === 0) break
      expect(failed).toMatchObject({ code: 'STORE_UNREACHABLE' })
      await expectReadable(inner)
      const arrived = (await keysOf(inner)).filter((key) => key.endsWith('.parquet') || key.endsWith('.bin')).length
      const named = (await Table.open(inner).catch(() => undefined)) ? undefined : arrived
      const again = await table.push(inner)
      if (named !== undefined) expect(again.skipped).toBe(named)
      await expectSame(table, inner)
    }
  })

  it('is tried again where the network is bad, and nothing is doubled or lost', async () => {
    const table = await events()
    const kinds = ['drop', 'lost-response', 'lands-late', 'throttled', 'reset', 'short'] as const
    for (const seed of [1, 2]) {
      const inner = memoryStore()
      const faulty = faultyStore(inner, { seed, faults: kinds.map((kind) => ({ kind, probability: 0.05, times: 40 })) })
      const remote = withRetries(faulty, { tries: 12, firstPauseMs: 1, longestPauseMs: 4 })
      expect(await table.push(remote)).toMatchObject({ versions: expect.any(Number) })
      await faulty.landed()
      await expectSame(table, inner)
    }
  })

  it('is a file that is not what was written: it is named, and no commit that needs it arrives', async () => {
    const path = join(folder, 'damaged')
    const table = await events(path)
    const [first] = await filesOf(table, 1)
    await truncate(join(path, first!.path), 100)
    const remote = memoryStore()
    await expect(table.push(remote)).rejects.toMatchObject({ code: 'DATA_FILE_CORRUPT', data: { path: first!.path } })
    expect(await keysOf(remote, '_delta_log/')).toEqual([])
  })

  it('is a file that a vacuum takes meanwhile: it is named, and no commit that needs it arrives', async () => {
    const path = join(folder, 'vacuumed')
    const table = await events(path)
    await table.optimize()
    const store = localStore(path)
    const paths: string[] = []
    for await (const file of (await table.asOf(3)).files()) paths.push(file.path)
    const racing = intercepted(store, {
      get: async (key, options) => {
        if (paths.includes(key)) await table.vacuum({ olderThan: '0d' })
        return store.get(key, options)
      },
    })
    const remote = memoryStore()
    await expect((await Table.open(racing)).push(remote)).rejects.toMatchObject({
      code: 'DATA_FILE_MISSING',
      data: { missing: expect.arrayContaining(paths) },
    })
    expect(await keysOf(remote, '_delta_log/')).toEqual([])
    // What is left is pushed then: the log from where it begins, with a checkpoint.
    expect(await table.push(remote)).toMatchObject({ missing: 0 })
    await expectSame(table, remote, await table.version())
    expect(await (await Table.open(remote)).verify()).toMatchObject({ ok: true })
  })

  it('is another file under the name: it is not overwritten', async () => {
    const table = await events()
    const remote = memoryStore()
    const [{ path } = { path: '' }] = await filesOf(table)
    await remote.put(path, Buffer.from('mine'))
    await expect(table.push(remote)).rejects.toMatchObject({ code: 'DATA_FILE_DIFFERS', data: { path } })
    expect(Buffer.from((await remote.get(path)).bytes).toString()).toBe('mine')
  })
})

describe('old versions', () => {
  it('that lost their files push what there is, and those that are held must be whole', async () => {
    const path = join(folder, 'held')
    const table = await events(path)
    await table.optimize()
    await table.tag('first', { version: 1 })
    await table.append(rowsFrom(30n))
    await table.vacuum({ olderThan: '0d' })
    const remote = join(folder, 'held-remote')
    const pushed = await table.push(remote)
    expect(pushed.missing).toBeGreaterThan(0)
    expect(await ids(await Table.open(remote), 1)).toEqual(await ids(table, 1))
    await expectSame(table, remote, await table.version())
    // The tag holds its version there, too.
    await (await Table.open(remote)).vacuum({ olderThan: '0d' })
    expect(await ids(await Table.open(remote), 1)).toEqual(await ids(table, 1))
    const [file] = await filesOf(table, 1)
    await rm(join(path, file!.path))
    await expect(table.push(memoryStore())).rejects.toMatchObject({ code: 'DATA_FILE_MISSING', data: { missing: [file!.path] } })
  })

  it('keep their times where those are the times of files, or it is said that they cannot', async () => {
    const path = join(folder, 'wide')
    const table = await Table.create(path, { schema: 'id BIGINT', preset: 'wide' })
    await table.append([{ id: 1n }])
    await table.append([{ id: 2n }])
    const days = ['2026-01-01', '2026-02-01', '2026-03-01'].map((day) => new Date(`${day}T00:00:00.123Z`))
    for (const [version, day] of days.entries()) setTime(join(path, '_delta_log', `${String(version).padStart(20, '0')}.json`), day)
    const remote = join(folder, 'wide-remote')
    expect((await (await Table.open(path)).push(remote)).warnings).toEqual([])
    const copy = await Table.open(remote)
    const times: Date[] = []
    for await (const { timestamp } of copy.history()) times.unshift(timestamp)
    expect(times).toEqual(days)
    expect(await ids(await Table.open(remote), 1)).toEqual([1n])
    const back = join(folder, 'wide-back')
    expect((await Table.pull(back, { from: remote })).warnings).toEqual([])
    expect((await (await Table.open(back)).asOf({ timestamp: '2026-02-02T00:00:00Z' })).version).toBe(1)
    expect((await copy.asOf({ timestamp: '2026-02-02T00:00:00Z' })).version).toBe(1)
    const { warnings } = await (await Table.open(path)).push(memoryStore())
    expect(warnings).toEqual([expect.stringContaining('3 commits')])
  })
})

describe('the remotes of a table', () => {
  it('have names; the first place that is pushed to is origin', async () => {
    const path = join(folder, 'named')
    const table = await events(path)
    await expect(table.push()).rejects.toMatchObject({ code: 'NO_REMOTE' })
    await expect(table.push('orgin')).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' })
    const place = join(folder, 'named-remote')
    expect(await table.push(place)).toMatchObject({ recorded: true })
    expect(await table.push()).toMatchObject({ remote: 'origin', recorded: false, versions: 0 })
    await table.remotes.add('Backup', join(folder, 'other'))
    await expect(table.remotes.add('backup', place)).rejects.toMatchObject({ code: 'REMOTE_EXISTS' })
    await expect(table.remotes.add('a/b', place)).rejects.toMatchObject({ code: 'INVALID_NAME' })
    await expect(table.remotes.add('secret', 'file://me:pass@host/x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(table.remotes.add('self', path)).rejects.toMatchObject({ code: 'REMOTE_IS_TABLE' })
    expect((await table.remotes.list()).map(({ name, url }) => [name, url])).toEqual([
      ['Backup', localStore(join(folder, 'other')).root],
      ['origin', localStore(place).root],
    ])
    await table.remotes.remove('BACKUP')
    await expect(table.remotes.remove('backup')).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' })
    expect((await table.remotes.list()).map(({ name }) => name)).toEqual(['origin'])
    expect(await keysOf(localStore(place), '_varve/remotes/')).toEqual([])
  })
})

async function filesOf(table: Table, version?: number): Promise<{ path: string }[]> {
  const files: { path: string }[] = []
  for await (const file of (version === undefined ? await table.latest() : await table.asOf(version)).files()) files.push(file)
  return files
}

/** Whatever is there of a log is a table whose every version can be read. */
async function expectReadable(store: ObjectStore): Promise<void> {
  if ((await keysOf(store, '_delta_log/')).length === 0) return
  const table = await Table.open(store)
  for (let version = 0; version <= (await table.version()); version += 1) await ids(table, version)
}
