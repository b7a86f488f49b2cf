import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileCache, machineCache } from '../../../src/dataset/cache/file-cache.ts'
import { noteUse } from '../../../src/dataset/cache/known-projects.ts'
import { readPin } from '../../../src/dataset/pins/pin-file.ts'
import { cache, Table } from '../../../src/index.ts'
import { hashBytes } from '../../../src/storage/index.ts'

let root: string
let files: FileCache
const before = process.env.XDG_CACHE_HOME

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'varve-cache-')))
  process.env.XDG_CACHE_HOME = root
  files = machineCache()
})
afterEach(() => rm(root, { recursive: true, force: true }))
afterAll(() => {
  process.env.XDG_CACHE_HOME = before
})

async function kept(text: string): Promise<string> {
  const sha256 = hashBytes(Buffer.from(text))
  await writeFile(join(root, 'source'), text)
  expect(await files.keep(sha256, join(root, 'source'))).toBe(true)
  return sha256
}

describe('a file', () => {
  test('is kept once, read-only, and placed as one that may be written', async () => {
    const sha256 = await kept('rows')
    await kept('rows')
    expect(await files.has(sha256)).toBe(true)
    expect((await stat(files.pathOf(sha256))).mode & 0o777).toBe(0o444 & ~process.umask())
    expect(await files.place(sha256, join(root, 'target'))).toBe(true)
    await writeFile(join(root, 'target'), 'changed')
    expect(await readFile(files.pathOf(sha256), 'utf8')).toBe('rows')
    expect(await readdir(join(files.folder, 'begun'))).toEqual([])
  })

  test('is read where it is what it should be, and thrown away where it is not', async () => {
    const sha256 = await kept('rows')
    expect(Buffer.from(files.read(sha256)!).toString()).toBe('rows')
    expect(files.read(hashBytes(Buffer.from('other')))).toBeUndefined()
    await chmod(files.pathOf(sha256), 0o644)
    await writeFile(files.pathOf(sha256), 'r0ws')
    expect(files.read(sha256)).toBeUndefined()
    expect(await files.has(sha256)).toBe(false)
  })

  test('is for nobody else where the user wants it so', async () => {
    const mask = process.umask(0o077)
    try {
      const sha256 = await kept('rows')
      await files.place(sha256, join(root, 'target'))
      expect((await stat(files.pathOf(sha256))).mode & 0o777).toBe(0o400)
      expect((await stat(join(root, 'target'))).mode & 0o777).toBe(0o600)
    } finally {
      process.umask(mask)
    }
  })

  test('that is asked for shares its bytes', async () => {
    const sha256 = await kept('rows')
    expect(await files.place(sha256, join(root, 'target'), { link: true })).toBe(true)
    expect((await stat(join(root, 'target'))).ino).toBe((await stat(files.pathOf(sha256))).ino)
  })

  test('that is not what it should be is thrown away, and nothing is placed', async () => {
    const sha256 = await kept('rows')
    await chmod(files.pathOf(sha256), 0o644)
    await writeFile(files.pathOf(sha256), 'r0ws')
    for (const link of [true, false]) {
      expect(await files.place(sha256, join(root, 'target'), { link })).toBe(false)
      await expect(stat(join(root, 'target'))).rejects.toThrow('ENOENT')
      expect(await files.has(sha256)).toBe(false)
      await kept('rows')
      await chmod(files.pathOf(sha256), 0o644)
      await writeFile(files.pathOf(sha256), 'r0ws')
    }
  })

  test('is not placed over another, nor where there is no folder; one that is not there is none', async () => {
    const sha256 = await kept('rows')
    await writeFile(join(root, 'target'), 'mine')
    await expect(files.place(sha256, join(root, 'target'))).rejects.toThrow('EEXIST')
    expect(await readFile(join(root, 'target'), 'utf8')).toBe('mine')
    await expect(files.place(sha256, join(root, 'none/target'))).rejects.toThrow('ENOENT')
    expect(await files.place(hashBytes(Buffer.from('other')), join(root, 'x'))).toBe(false)
  })

  test('cannot be kept where the cache cannot be, and that is no failure', async () => {
    await writeFile(join(root, 'source'), 'rows')
    await writeFile(join(root, 'in-the-way'), '')
    const nowhere = new FileCache(join(root, 'in-the-way', 'cache'))
    expect(await nowhere.keep(hashBytes(Buffer.from('rows')), join(root, 'source'))).toBe(false)
    expect(await nowhere.has(hashBytes(Buffer.from('rows')))).toBe(false)
    expect(await noteUse(nowhere, root, { fingerprints: { id: 'a'.repeat(64), files: null, rows: null } })).toBe(false)
  })
})

test('the cache lies where the machine says, which must be an absolute path', () => {
  expect(machineCache({ XDG_CACHE_HOME: '/x' }).folder).toBe('/x/varve')
  expect(machineCache({ XDG_CACHE_HOME: 'x' }).folder).toMatch(/^\/.*\.cache\/varve$/)
  expect(machineCache({}).folder).toMatch(/\.cache\/varve$/)
})

describe('gc', () => {
  /** A project with a table of two versions, the first pinned; the cache has the files of both. */
  async function project(name: string): Promise<{ folder: string; table: Table; old: string; late: string }> {
    const folder = join(root, name)
    const table = await Table.create(join(folder, 'events'), { schema: 'id BIGINT' })
    await table.append([{ id: 1n }])
    await table.append([{ id: BigInt(name.length) }])
    await table.pin({ asOf: 1, file: join(folder, 'events.varve') })
    const found: Record<string, string> = {}
    for await (const { path } of (await table.latest()).files()) {
      const bytes = await readFile(join(folder, 'events', path))
      found[path] = hashBytes(bytes)
      await files.keep(found[path], join(folder, 'events', path))
    }
    const first: string[] = []
    for await (const { path } of (await table.asOf(1)).files()) first.push(path)
    const old = found[first[0]!]!
    return { folder, table, old, late: Object.values(found).find((hash) => hash !== old)! }
  }

  test('takes what no pin needs, from the table that lies here, and says so before', async () => {
    const one = await project('one')
    const stray = await kept('stray')
    const told = await cache.gc({ dryRun: true })
    expect(told).toMatchObject({ dryRun: true, files: 2, keptFiles: 1, inDoubt: [] })
    expect(await files.has(stray)).toBe(true)
    expect(await cache.gc()).toEqual({ ...told, dryRun: false })
    expect([await files.has(one.old), await files.has(one.late), await files.has(stray)]).toEqual([true, false, false])
    expect(await cache.show()).toMatchObject({ folder: files.folder, files: 1, bytes: told.keptBytes, projects: [one.folder] })
  })

  test('keeps what was noted where the table is gone, and everything where nothing was', async () => {
    const one = await project('one')
    await rename(join(one.folder, 'events'), join(root, 'aside'))
    await rm(join(files.folder, 'versions'), { recursive: true })
    expect(await cache.gc()).toMatchObject({
      files: 0,
      keptFiles: 2,
      inDoubt: [{ file: join(one.folder, 'events.varve'), why: expect.stringContaining('pulled') }],
    })
    await noteUse(files, one.folder, await readPin(join(one.folder, 'events.varve')), [one.old])
    expect(await cache.gc()).toMatchObject({ files: 1, keptFiles: 1, inDoubt: [] })
    expect(await files.has(one.old)).toBe(true)
  })

  test('keeps what a project used whose folder is gone, until it is forgotten', async () => {
    const one = await project('one')
    await rename(one.folder, join(root, 'unmounted'))
    expect(await cache.gc()).toMatchObject({ files: 1, keptFiles: 1 })
    await expect(cache.gc({ forget: [join(root, 'none')] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await cache.gc({ forget: [one.folder] })).toMatchObject({ files: 1, keptFiles: 0 })
    expect((await cache.show()).projects).toEqual([])
  })

  test('a project is known for as long as it has a pin, whichever that is', async () => {
    const one = await project('one')
    await one.table.pin({ asOf: 2, file: join(one.folder, 'events.varve') })
    expect(await cache.gc()).toMatchObject({ files: 0, keptFiles: 2 })
    await rm(join(one.folder, 'events.varve'))
    expect(await cache.gc()).toMatchObject({ files: 2, keptFiles: 0 })
    expect(await cache.show()).toMatchObject({ files: 0, projects: [] })
  })

  test('a pin that cannot be read keeps everything', async () => {
    const one = await project('one')
    await writeFile(join(one.folder, 'other.varve'), '<<<<<<< HEAD\n')
    expect(await cache.gc()).toMatchObject({ files: 0, inDoubt: [{ why: expect.stringContaining('merge') }] })
  })

  test('clears away what was begun long ago', async () => {
    await mkdir(join(files.folder, 'begun'), { recursive: true })
    for (const name of ['old', 'new']) await writeFile(join(files.folder, 'begun', name), '')
    const longAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000)
    await utimes(join(files.folder, 'begun/old'), longAgo, longAgo)
    await cache.gc()
    expect(await readdir(join(files.folder, 'begun'))).toEqual(['new'])
  })
})
