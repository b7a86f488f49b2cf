/** Pinning: the file, the hold in the table, what Git leaves out, and pinning again. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { formatPin, readPin } from '../../../src/dataset/pins/pin-file.ts'
import { holdForPin, holdPulled } from '../../../src/dataset/pins/pin-holds.ts'
import { localStore, memoryStore, StoreDeniedError, Table } from '../../../src/index.ts'
import { readHolds } from '../../../src/refs/holds.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

let root: string
let project: string
let table: Table
const cwd = process.cwd()

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'varve-pin-')))
})
beforeEach(async () => {
  project = await mkdtemp(join(root, 'project-'))
  table = await Table.create(join(project, 'data/events'), { schema: 'id BIGINT, city VARCHAR' })
  await table.append([{ id: 1n, city: 'Oslo' }])
  await table.append([{ id: 2n, city: 'Turku' }])
  process.chdir(project)
})
afterAll(async () => {
  process.chdir(cwd)
  await rm(root, { recursive: true, force: true })
})

const holds = async () => (await readHolds(localStore('data/events'))).map(({ version, by }) => ({ version, by: by.slice(0, 4) }))
const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: project, encoding: 'utf8' })

describe('a pin', () => {
  test('says what the version is, beside the table or elsewhere, and holds it', async () => {
    await table.tag('v1', { version: 1 })
    const { file, pin, changed } = await table.pin({ asOf: { tag: 'v1' } })
    expect({ file, changed }).toEqual({ file: 'events.varve', changed: true })
    expect(await readPin('events.varve')).toEqual(pin)
    const version = await table.asOf(1)
    const { bytes, rows, fingerprints } = await version.describe()
    expect(Object.values(fingerprints)).not.toContain(null)
    expect(pin).toMatchObject({ table: 'data/events', version: 1, tag: 'v1', rows, bytes, fingerprints, remote: null })
    expect((await holds()).filter(({ by }) => by === 'hold')).toEqual([{ version: 1, by: 'hold' }])
    await mkdir('models')
    expect((await table.pin({ asOf: 0, file: 'models/first.pin' })).pin).toMatchObject({
      table: '../data/events',
      version: 0,
      rows: 0,
      bytes: 0,
      tag: null,
    })
  })

  test('keeps its version from vacuum, until another takes its place', async () => {
    await table.append([{ id: 3n, city: 'Visby' }])
    await table.pin({ asOf: 1 })
    await table.vacuum({ olderThan: '0d' })
    expect(await (await table.asOf(1)).rowCount()).toBe(1)
    await table.pin({ asOf: 3 })
    expect((await readPin('events.varve')).version).toBe(3)
    expect(await holds()).toEqual([{ version: 3, by: 'hold' }])
    await table.vacuum({ olderThan: '0d' })
    await expect(table.asOf(1)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  })

  test('made again changes nothing; where its hold was released, it holds anew', async () => {
    const first = await table.pin()
    const text = await readFile('events.varve', 'utf8')
    expect(await table.pin()).toMatchObject({ changed: false, pin: first.pin })
    expect(await readFile('events.varve', 'utf8')).toBe(text)
    expect(await holds()).toEqual([{ version: 2, by: 'hold' }])
    await writeFile(`data/events/_varve/holds/${first.pin.hold}.released.json`, '{}')
    const again = await table.pin()
    expect(again.changed).toBe(true)
    expect(await holds()).toEqual([{ version: 2, by: 'hold' }])
  })

  test('lets go of what an earlier try left that was killed before it wrote the file, and of nothing else', async () => {
    const store = localStore('data/events')
    const hold = (id: string, version: number, why: string, time: string) =>
      writeFile(`data/events/_varve/holds/${id}.json`, JSON.stringify({ version, why, time }))
    const { pin } = await table.pin({ asOf: 2, file: 'other.varve' })
    await hold('00000001', 0, `pin ${join(project, 'events.varve')}`, '2020-01-01T00:00:00Z')
    // That of another process which is about to write the same file, and that of another file, which this one names.
    await holdForPin(store, 'events.varve', 1)
    await writeFile('events.varve', formatPin(pin))
    await table.pin({ asOf: 1 })
    expect((await holds()).map(({ version }) => version)).toEqual([1, 1, 2])
  })

  test('made by many at once holds what the file says in the end', async () => {
    const versions = [0, 1, 2, 0, 1, 2]
    await Promise.all(versions.map(async (version) => (await Table.open('data/events')).pin({ asOf: version })))
    const { version } = await readPin('events.varve')
    expect((await holds()).map((hold) => hold.version)).toContain(version)
  })

  test('of a version that a vacuum ended meanwhile is none, and holds nothing', async () => {
    const log = localStore('data/events')
    await table.append([{ id: 3n, city: 'Visby' }])
    // The vacuum has looked at what is held before the pin says so, and ends the version right after it.
    let vacuumed = false
    const late = intercepted(log, {
      async putIfAbsent(key, body, options) {
        if (!key.startsWith('_varve/holds/') || vacuumed) return log.putIfAbsent(key, body, options)
        vacuumed = true
        await table.vacuum({ olderThan: '0d' })
        return log.putIfAbsent(key, body, options)
      },
    })
    await expect((await Table.open(late)).pin({ asOf: 1 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
    await expect(readFile('events.varve')).rejects.toThrow('ENOENT')
    expect(await holds()).toEqual([])
  })

  test('of a version that is not there, or cannot be written, holds nothing', async () => {
    await expect(table.pin({ asOf: 9 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
    await mkdir('events.varve')
    await expect(table.pin()).rejects.toMatchObject({ code: expect.any(String), remedy: expect.any(String) })
    expect(await holds()).toEqual([])
    await rm('data/events', { recursive: true })
  })

  test('takes the place of a pin that Git could not merge, and of no other file', async () => {
    await table.pin({ asOf: 0 })
    const text = await readFile('events.varve', 'utf8')
    await writeFile('events.varve', text.replace('version: 0', '<<<<<<< HEAD\nversion: 0\n=======\nversion: 1\n>>>>>>> other'))
    await table.pin()
    expect((await readPin('events.varve')).version).toBe(2)
    for (const [other, code] of [
      ['outs:\n- path: x\n', 'PIN_INVALID'],
      [text.replace('varve-pin: 1', 'varve-pin: 2'), 'PIN_FORMAT_UNKNOWN'],
    ] as const) {
      await writeFile('events.varve', other)
      await expect(table.pin()).rejects.toMatchObject({ code })
      expect(await readFile('events.varve', 'utf8')).toBe(other)
    }
  })

  test('is not made inside the table, nor of a table in no folder', async () => {
    await expect(table.pin({ file: 'data/events/events.varve' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const nowhere = await Table.create(memoryStore(), { schema: 'id BIGINT' })
    await expect(nowhere.pin()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('of a table that may not be written to is made without a hold, on request', async () => {
    const store = localStore('data/events')
    const denied = async (key: string) => {
      throw new StoreDeniedError('STORE_DENIED', `no ${key}`, { remedy: 'none' })
    }
    const readOnly = await Table.open(intercepted(store, { putIfAbsent: denied, put: denied }))
    await expect(readOnly.pin()).rejects.toMatchObject({ code: 'STORE_DENIED', remedy: expect.stringContaining('--no-hold') })
    const { pin } = await readOnly.pin({ hold: false })
    expect(pin).toMatchObject({ version: 2, hold: null, rows: 2, fingerprints: { rows: expect.any(String) } })
    expect(await readOnly.pin({ hold: false })).toMatchObject({ changed: false, pin })
    expect(await holds()).toEqual([])
    expect((await table.pin()).pin.hold).not.toBeNull()
  })

  test('names the way through a link, where the caller came that way', async () => {
    await symlink('data', 'shared')
    expect((await table.pin({ path: 'shared/events' })).pin.table).toBe('shared/events')
    await expect(table.pin({ path: 'data' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('unpin', () => {
  test('deletes the file, and nothing holds the version any more', async () => {
    await table.tag('v1', { version: 1 })
    await table.pin({ asOf: 1 })
    expect(await table.unpin('events.varve')).toMatchObject({ file: 'events.varve', pin: { version: 1 }, released: 1 })
    expect(await holds()).toEqual([{ version: 1, by: 'tag ' }])
    await expect(readFile('events.varve')).rejects.toThrow('ENOENT')
    await expect(table.unpin('events.varve')).rejects.toMatchObject({ code: 'PIN_NOT_FOUND' })
  })

  test('of a file that is gone already finds what it held; a pin of another table is not its own', async () => {
    await table.pin({ asOf: 1, file: 'a.varve' })
    await table.pin({ asOf: 2, file: 'b.varve' })
    await rm('a.varve')
    expect(await table.unpin('a.varve')).toEqual({ file: 'a.varve', pin: null, released: 1 })
    expect(await holds()).toEqual([{ version: 2, by: 'hold' }])
    const other = await Table.create(join(project, 'other'), { schema: 'id BIGINT' })
    await expect(other.unpin('b.varve')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await holds()).toEqual([{ version: 2, by: 'hold' }])
  })
})

describe('a pin that came by Git', () => {
  test('is held in the table here, once, and let go of when a pull brings another', async () => {
    const { pin } = await table.pin({ asOf: 1 })
    await rm('data/events/_varve/holds', { recursive: true })
    const store = localStore('data/events')
    await holdPulled(store, 'events.varve', pin)
    await holdPulled(store, 'events.varve', pin)
    expect(await holds()).toEqual([{ version: 1, by: 'hold' }])
    await table.pin({ asOf: 2 })
    await holdPulled(store, 'events.varve', pin)
    expect((await holds()).map(({ version }) => version)).toEqual([1])
    await holdPulled(store, 'events.varve', await readPin('events.varve'))
    expect(await holds()).toEqual([{ version: 2, by: 'hold' }])
  })
})

describe('.gitignore', () => {
  test('outside of Git there is none', async () => {
    expect((await table.pin()).ignoredIn).toBeNull()
    await expect(readFile('.gitignore')).rejects.toThrow('ENOENT')
  })

  test('gets the table once, and nothing where it is left out already', async () => {
    git('init', '-q')
    await writeFile('.gitignore', '*.log')
    expect((await table.pin()).ignoredIn).toBe(join(project, '.gitignore'))
    expect(await readFile('.gitignore', 'utf8')).toBe('*.log\n/data/events\n')
    expect((await table.pin({ asOf: 0 })).ignoredIn).toBeNull()
    expect(git('status', '--porcelain', '--untracked-files=all').split('\n').sort()).toEqual(['', '?? .gitignore', '?? events.varve'])
    await writeFile('.gitignore', 'data/\n')
    expect((await table.pin({ asOf: 1 })).ignoredIn).toBeNull()
    expect(await readFile('.gitignore', 'utf8')).toBe('data/\n')
  })

  test('of a table elsewhere in the work tree is beside it; odd names are that name and no pattern', async () => {
    git('init', '-q')
    await mkdir('pins')
    const name = '!a*[b]\\ '
    const odd = await Table.create(join(project, 'data', name), { schema: 'id BIGINT' })
    expect((await odd.pin({ file: 'pins/odd.varve' })).ignoredIn).toBe(join(project, 'data/.gitignore'))
    expect(git('status', '--porcelain', '--untracked-files=all', 'data')).not.toContain('a*')
    expect(git('status', '--porcelain', '--untracked-files=all', 'data')).toContain('data/events')
    expect((await readPin('pins/odd.varve')).table).toBe(`../data/${name}`)
  })
})
