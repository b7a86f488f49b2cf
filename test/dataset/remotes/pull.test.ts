/** Pull: a folder becomes the table at a version, with the files that it needs and no others; what comes from a stranger stays within the table. */
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localStore, memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { withRetries } from '../../../src/storage/index.ts'
import { faultyStore } from '../../support/stores/faulty-store.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-pull-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const commitName = (version: number) => `_delta_log/${String(version).padStart(20, '0')}.json`
const rowsFrom = (first: bigint) => [0n, 1n, 2n, 3n].map((i) => ({ id: first + i, city: `city ${first + i}` }))

/** Three appends (1 to 3), a delete by vectors (4), all folded into one file (5). */
async function events(store: ObjectStore | string = memoryStore()): Promise<{ table: Table; store: ObjectStore | string }> {
  const table = await Table.create(store, { schema: 'id BIGINT, city VARCHAR' })
  for (const n of [0n, 10n, 20n]) await table.append(rowsFrom(n))
  await table.delete({ where: 'id % 3 = 0' })
  await table.optimize()
  return { table, store }
}

async function ids(table: Table, version: number): Promise<unknown[]> {
  const rows = await (await table.asOf(version)).query('SELECT id FROM t ORDER BY id', { name: 't' }).toArray()
  return rows.map(({ id }) => id)
}

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

describe('a pull', () => {
  it('brings the newest version alone, says which are whole, and with history all', async () => {
    const { table, store: remote } = await events()
    await table.tag('v1', { version: 2 })
    const local = memoryStore()
    const pulled = await Table.pull(local, { from: remote })
    expect(pulled).toMatchObject({ version: 5, versions: 6, files: 1, skipped: 0, records: 1 })
    expect(pulled.complete).toEqual([
      { from: 0, to: 0 },
      { from: 5, to: 5 },
    ])
    const copy = await Table.open(local)
    expect(await ids(copy, 5)).toEqual(await ids(table, 5))
    expect((await copy.tags()).map(({ name }) => name)).toEqual(['v1'])
    await expect(ids(copy, 3)).rejects.toMatchObject({ code: 'DATA_FILE_MISSING', remedy: expect.stringContaining('varve pull --history') })
    expect(await copy.verify()).toMatchObject({ ok: true })

    expect(await Table.pull(local, { from: remote })).toMatchObject({ versions: 0, files: 0, bytes: 0, skipped: 1, records: 0 })
    const all = await Table.pull(local, { from: remote, history: true })
    expect(all).toMatchObject({ versions: 0, skipped: 1, complete: [{ from: 0, to: 5 }] })
    for (let version = 0; version <= 5; version += 1) expect(await ids(copy, version)).toEqual(await ids(table, version))
  })

  it('goes on from what is here, and refuses what has another history', async () => {
    const { table, store: remote } = await events()
    const local = memoryStore()
    await Table.pull(local, { from: remote })
    await table.append(rowsFrom(30n))
    expect(await Table.pull(local, { from: remote })).toMatchObject({ version: 6, versions: 1, files: 1, skipped: 1 })
    const copy = await Table.open(local)
    expect(await ids(copy, 6)).toEqual(await ids(table, 6))
    await copy.append(rowsFrom(50n))
    expect(await Table.pull(local, { from: remote })).toMatchObject({ versions: 0, warnings: [expect.stringContaining('ahead')] })
    await table.append(rowsFrom(40n))
    await expect(Table.pull(local, { from: remote })).rejects.toMatchObject({ code: 'REMOTE_DIVERGED', data: { commonVersion: 6 } })
    await expect(Table.pull(memoryStore(), { from: memoryStore() })).rejects.toMatchObject({ code: 'REMOTE_EMPTY' })
  })

  it('of a log that was cut off begins where it begins there, with all of its checkpoint', async () => {
    const path = join(folder, 'cut')
    const { table } = await events(path)
    await table.alter({ set: { 'delta.checkpointPolicy': 'v2' } })
    await table.append(rowsFrom(30n))
    await table.vacuum({ olderThan: '0d' })
    await table.append(rowsFrom(40n))
    const local = join(folder, 'cut-copy')
    expect(await Table.pull(local, { from: path })).toMatchObject({
      version: 8,
      versions: 2,
      complete: [{ from: 7, to: 8 }],
      recorded: true,
    })
    const copy = await Table.open(local)
    for (const version of [7, 8]) expect(await ids(copy, version)).toEqual(await ids(table, version))
    expect(await copy.verify()).toMatchObject({ ok: true })
    expect((await copy.remotes.list()).map(({ name, url }) => [name, url])).toEqual([['origin', localStore(path).root]])
  })

  it('that was interrupted at any request goes on, and hashes what has arrived', async () => {
    const { table, store: remote } = await events()
    for (let skip = 0; ; skip += 2) {
      const inner = memoryStore()
      const faulty = faultyStore(inner, { faults: [{ kind: 'drop', operation: 'putIfAbsent', skip, times: 1 }] })
      await Table.pull(faulty, { from: remote, history: skip % 4 === 0 }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' })
      })
      if (faulty.spoilt.length === 0) break
      await Table.pull(inner, { from: remote })
      expect(await ids(await Table.open(inner), 5)).toEqual(await ids(table, 5))
    }
  })

  it('with history does not bring back what was erased here', async () => {
    const { table, store: remote } = await events()
    const local = memoryStore()
    await Table.pull(local, { from: remote, history: true })
    const copy = await Table.open(local)
    await copy.erase({ where: 'id = 11', everywhere: true, confirm: true })
    // The remote still has what was there before.
    await copy.push(remote as ObjectStore)
    const before = await keysOf(local, 'part-')
    expect(await Table.pull(local, { from: remote, history: true })).toMatchObject({ files: 0, versions: 0 })
    expect(await keysOf(local, 'part-')).toEqual(before)
    await expect((await Table.open(local)).asOf(2)).rejects.toMatchObject({ code: 'VERSION_ENDED' })
    expect(await ids(await Table.open(local), 1)).toEqual(await ids(table, 1))
  })

  it('through a bad network brings what was written: a byte that was turned on the way is asked for again', async () => {
    const { table, store: remote } = await events()
    for (const seed of [1, 2, 3]) {
      const kinds = ['flip', 'short', 'reset', 'throttled'] as const
      const faulty = faultyStore(remote as ObjectStore, {
        seed,
        faults: kinds.map((kind) => ({ kind, operation: 'get', key: /\.parquet$/, probability: 0.2, times: 3 })),
      })
      const local = memoryStore()
      await Table.pull(local, { from: withRetries(faulty, { firstPauseMs: 1, longestPauseMs: 2 }), history: true })
      expect(faulty.spoilt.length).toBeGreaterThan(0)
      const copy = await Table.open(local)
      for (let version = 0; version <= 5; version += 1) expect(await ids(copy, version)).toEqual(await ids(table, version))
      expect(await copy.verify()).toMatchObject({ ok: true })
    }
  })

  it('refuses a file that is damaged there, and one that lies here with other bytes', async () => {
    const { table, store } = await events()
    const remote = store as ObjectStore
    const [file] = await filesOf(table)
    const { bytes } = await remote.get(file!.path)
    const damaged = Uint8Array.from(bytes)
    damaged[100] = damaged[100]! ^ 1
    await remote.put(file!.path, damaged)
    const local = memoryStore()
    await expect(Table.pull(local, { from: remote })).rejects.toMatchObject({ code: 'DATA_FILE_CORRUPT', data: { path: file!.path } })
    expect(await keysOf(local)).toEqual([])
    await remote.put(file!.path, bytes)
    await local.put(file!.path, damaged)
    await expect(Table.pull(local, { from: remote })).rejects.toMatchObject({ code: 'DATA_FILE_DIFFERS' })
    await local.put(file!.path, bytes)
    expect(await Table.pull(local, { from: remote })).toMatchObject({ files: 0, skipped: 1 })
  })
})

describe('a remote that is a stranger’s', () => {
  const hostile = [
    ['../outside.parquet', 'PATH_OUTSIDE_ROOT'],
    ['a/../../outside.parquet', 'PATH_OUTSIDE_ROOT'],
    ['%2E%2E/outside.parquet', 'PATH_OUTSIDE_ROOT'],
    ['/etc/outside.parquet', 'PATH_OUTSIDE_ROOT'],
    ['file:///etc/outside.parquet', 'PATH_OUTSIDE_ROOT'],
    ['s3://other/outside.parquet', 'PATH_OUTSIDE_ROOT'],
    [commitName(9), 'PATH_RESERVED'],
    ['_DELTA_LOG/x.parquet', 'PATH_RESERVED'],
    ['_varve/tags/v9/1.json', 'PATH_RESERVED'],
    ['a\\b.parquet', 'INVALID_KEY'],
  ] as const

  it.each(hostile)('that names %s brings nothing', async (path, code) => {
    for (const kind of ['add', 'remove', 'cdc'] as const) {
      const remote = memoryStore()
      await Table.create(remote, { schema: 'id BIGINT' })
      const file = { path, partitionValues: {}, size: 3, modificationTime: 1, dataChange: kind !== 'cdc', deletionTimestamp: 1 }
      await remote.put(commitName(1), Buffer.from(`${JSON.stringify({ [kind]: file })}\n`))
      await remote.put('outside.parquet', Buffer.from('abc'))
      const local = memoryStore()
      await expect(Table.pull(local, { from: remote, history: kind === 'cdc' })).rejects.toMatchObject({ code })
      expect(await keysOf(local)).toEqual([])
    }
  })

  it('whose commits were changed is found out, before one of them is put here', async () => {
    const { store } = await events()
    const remote = store as ObjectStore
    const { bytes } = await remote.get(commitName(2))
    await remote.put(commitName(2), Buffer.concat([bytes, Buffer.from('\n')]))
    const local = memoryStore()
    await expect(Table.pull(local, { from: remote })).rejects.toMatchObject({ code: 'LOG_CORRUPT', data: { version: 3 } })
    expect(await keysOf(local)).toEqual([])
  })

  it('writes through no link that leads out of the folder', async () => {
    const path = join(folder, 'links')
    const table = await Table.create(path, { schema: 'id BIGINT, city VARCHAR', partitionBy: ['city'] })
    await table.append([{ id: 1n, city: 'Oslo' }])
    const local = join(folder, 'links-copy')
    const outside = join(folder, 'links-outside')
    await Table.create(local, { schema: 'id BIGINT' })
    await rm(join(local, '_delta_log'), { recursive: true })
    await Table.create(outside, { schema: 'id BIGINT' })
    const before = await readdir(outside)
    await symlink(outside, join(local, 'city=Oslo'))
    await expect(Table.pull(local, { from: path })).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
    expect(await readdir(outside)).toEqual(before)
    // Nor does it read through one at the remote.
    const [file] = await filesOf(table)
    await writeFile(join(folder, 'secret.parquet'), 'secret')
    await rm(join(path, file!.path))
    await symlink(join(folder, 'secret.parquet'), join(path, file!.path))
    await expect(Table.pull(join(folder, 'links-second'), { from: path })).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
  })
})

async function filesOf(table: Table): Promise<{ path: string }[]> {
  const files: { path: string }[] = []
  for await (const file of (await table.latest()).files()) files.push(file)
  return files
}
