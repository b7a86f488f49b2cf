import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  DataFileError,
  ObjectNotFoundError,
  StoreFullError,
  StoreUnsupportedError,
  TableExistsError,
  UsageError,
} from '../../../src/errors/index.ts'
import { localStore, type ObjectStore, openStore } from '../../../src/storage/index.ts'
import { bytesOf, textOf } from '../../support/bytes.ts'

let base: string
let root: string
let store: ObjectStore

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'varve-local-')))
  root = join(base, 'table')
  store = localStore(root)
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

async function listed(of: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of of.list(prefix)) keys.push(key)
  return keys
}

function everything(folder = base): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
}

describe('the root', () => {
  test('is made by the first write and by nothing else', async () => {
    expect(await listed(store)).toEqual([])
    await expect(store.get('a')).rejects.toThrow(ObjectNotFoundError)
    await store.delete(['a'])
    expect(existsSync(root)).toBe(false)
    await store.put('x/y/z', bytesOf('1'))
    expect(everything()).toEqual(['table', 'table/x', 'table/x/y', 'table/x/y/z'])
  })

  test('that is a file is refused by name, whatever is asked', async () => {
    writeFileSync(root, 'a file')
    for (const under of [store, localStore(root), localStore(join(root, 'below'))]) {
      for (const attempt of [
        () => under.get('a/b'),
        () => under.head('a/b'),
        () => listed(under),
        () => listed(under, '_delta_log/'),
        () => under.put('a', bytesOf('1')),
        () => under.putIfAbsent('_delta_log/0.json', bytesOf('1')),
        () => under.stage(),
      ]) {
        await expect(attempt()).rejects.toSatisfy((error: unknown) => error instanceof TableExistsError && error.code === 'NOT_A_FOLDER')
      }
    }
    expect(readFileSync(root, 'utf8')).toBe('a file')
  })

  test('is the folder behind a link, so that two ways to it are one', () => {
    mkdirSync(root)
    symlinkSync(root, join(base, 'link'))
    expect(localStore(join(base, 'link')).root).toBe(store.root)
    expect(localStore(`${root}/../table/`).root).toBe(pathToFileURL(root).href)
    expect(localStore(join(base, 'link/not yet')).root).toBe(pathToFileURL(join(root, 'not yet')).href)
  })

  test('can be moved and copied: keys are relative', async () => {
    await store.putIfAbsent('_delta_log/0.json', bytesOf('commit'))
    cpSync(root, join(base, 'copy'), { recursive: true })
    renameSync(root, join(base, 'moved'))
    for (const name of ['copy', 'moved']) {
      const other = localStore(join(base, name))
      expect(await listed(other)).toEqual(['_delta_log/0.json'])
      expect((await other.putIfAbsent('_delta_log/0.json', bytesOf('x'))).outcome).toBe('exists')
      expect((await other.putIfAbsent('_delta_log/1.json', bytesOf('x'))).outcome).toBe('created')
    }
    expect(await listed(store)).toEqual([])
  })

  test('that goes away under a store is made again', async () => {
    await store.put('a/b', bytesOf('1'))
    rmSync(root, { recursive: true })
    expect((await store.putIfAbsent('a/c', bytesOf('2'))).outcome).toBe('created')
    expect(await listed(store)).toEqual(['a/c'])
  })

  test('counts towards the length of a key', async () => {
    const key = Array.from({ length: 8 }, () => 'x'.repeat(100)).join('/')
    await expect(localStore(join(root, 'y'.repeat(200))).get(key)).rejects.toThrow(StoreUnsupportedError)
    await expect(store.get(key)).rejects.toThrow(ObjectNotFoundError)
  })
})

describe('links', () => {
  beforeEach(async () => {
    await store.put('data/inside', bytesOf('inside'))
    mkdirSync(join(base, 'outside/deep'), { recursive: true })
    writeFileSync(join(base, 'outside/secret'), 'secret')
    symlinkSync(join(base, 'outside'), join(root, 'out'))
    symlinkSync('../outside/secret', join(root, 'leak'))
    symlinkSync('../../outside/new', join(root, 'data/dangling'))
    symlinkSync('data', join(root, 'alias'))
    symlinkSync('data/inside', join(root, 'same'))
    symlinkSync('loop', join(root, 'loop'))
  })

  test('that lead out of the root are neither read nor written through', async () => {
    for (const fresh of [false, true]) {
      for (const key of ['out/secret', 'leak']) {
        const under = fresh ? localStore(root) : store
        const refused = (error: unknown) => error instanceof DataFileError && error.code === 'PATH_OUTSIDE_ROOT'
        await expect(under.get(key), key).rejects.toSatisfy(refused)
        await expect(under.getRange(key, 0, 1), key).rejects.toSatisfy(refused)
        await expect(under.head(key), key).rejects.toSatisfy(refused)
        await expect(under.materialise([key]), key).rejects.toSatisfy(refused)
      }
      for (const key of ['out/new', 'out/deep/new', 'out/made/new']) {
        await expect(store.put(key, bytesOf('x')), key).rejects.toThrow(DataFileError)
        await expect(store.putIfAbsent(key, bytesOf('x')), key).rejects.toThrow(DataFileError)
        expect((await store.delete(['out/secret']))[0]?.error, key).toBeInstanceOf(DataFileError)
      }
      await expect(listed(store, 'out/')).rejects.toThrow(DataFileError)
    }
    expect((await store.putIfAbsent('data/dangling', bytesOf('x'))).outcome).toBe('exists')
    await store.put('leak', bytesOf('a file of its own now'))
    expect(everything(join(base, 'outside'))).toEqual(['deep', 'secret'])
    expect(readFileSync(join(base, 'outside/secret'), 'utf8')).toBe('secret')
    expect(textOf((await store.get('leak')).bytes)).toBe('a file of its own now')
  })

  test('that stay inside are followed', async () => {
    expect(textOf((await store.get('alias/inside')).bytes)).toBe('inside')
    expect(textOf((await store.get('same')).bytes)).toBe('inside')
    expect(await store.head('same')).toEqual(await store.head('data/inside'))
    expect((await store.materialise(['same'])).paths).toEqual([join(root, 'data/inside')])
    await store.put('alias/more', bytesOf('more'))
    expect(textOf((await store.get('data/more')).bytes)).toBe('more')
  })

  test('to folders are not walked, and those that lead nowhere hold nothing', async () => {
    expect(await listed(store)).toEqual(['data/inside', 'same'])
    await expect(store.get('data/dangling')).rejects.toThrow(ObjectNotFoundError)
    expect(await store.head('data/dangling')).toBeUndefined()
    await expect(store.get('loop')).rejects.toThrow(ObjectNotFoundError)
    await expect(store.get('loop/x')).rejects.toThrow(ObjectNotFoundError)
    expect(await store.head('loop')).toBeUndefined()
  })
})

describe('a write', () => {
  test('leaves nothing behind but its object', async () => {
    await store.put('a', bytesOf('1'))
    await store.putIfAbsent('a', bytesOf('2'))
    await store.putIfAbsent('b', bytesOf('2'))
    await expect(store.put('c', bytesOf('x'), { sha256: '0'.repeat(64) })).rejects.toThrow()
    await expect(store.put('c', bytesOf('x'), { after: Promise.reject(new Error('no')) })).rejects.toThrow('no')
    await expect(store.put('a/b', bytesOf('x'))).rejects.toThrow()
    expect(everything(root)).toEqual(['a', 'b'])
    expect(statSync(join(root, 'b')).nlink).toBe(1)
  })

  test('that is aborted on its way has stored nothing', async () => {
    const abort = new AbortController()
    let release = () => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const written = store.putIfAbsent('a', new Uint8Array(1000), { signal: abort.signal, after })
    abort.abort()
    release()
    await expect(written).rejects.toMatchObject({ code: 'ABORTED' })
    expect(everything(root)).toEqual([])
  })

  test('of a file on another disk copies it, and takes the original once it is there', async () => {
    const shared = '/dev/shm'
    if (!existsSync(shared) || statSync(shared).dev === statSync(base).dev) return
    const folder = mkdtempSync(join(shared, 'varve-'))
    try {
      const path = join(folder, 'body')
      writeFileSync(path, 'from afar')
      expect((await store.putIfAbsent('a', { path, size: 9 })).outcome).toBe('created')
      expect(existsSync(path)).toBe(false)
      writeFileSync(path, 'from afar')
      expect((await store.putIfAbsent('a', { path, size: 9 })).outcome).toBe('exists')
      expect(existsSync(path)).toBe(true)
      await store.put('b', { path, size: 9 })
      expect(existsSync(path)).toBe(false)
      expect(everything(root)).toEqual(['a', 'b'])
      expect(textOf((await store.get('b')).bytes)).toBe('from afar')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('of a file hands over the file itself', async () => {
    const staging = await store.stage()
    const path = join(staging.folder, 'x.parquet')
    writeFileSync(path, 'rows')
    const { ino } = statSync(path)
    await store.put('day=1/x.parquet', { path, size: 4 })
    expect(statSync(join(root, 'day=1/x.parquet')).ino).toBe(ino)
    await staging.dispose()
    expect(everything(root)).toEqual(['day=1', 'day=1/x.parquet'])
  })

  test('of a link or of nothing is refused', async () => {
    writeFileSync(join(base, 'real'), 'x')
    symlinkSync(join(base, 'real'), join(base, 'link'))
    await expect(store.put('a', { path: join(base, 'link'), size: 1 })).rejects.toThrow()
    await expect(store.put('a', { path: join(base, 'none'), size: 1 })).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    await expect(store.put('a', { path: base, size: 1 })).rejects.toThrow()
    expect(await listed(store)).toEqual([])
  })

  test('of many bodies at once into many folders is whole', async () => {
    const keys = Array.from({ length: 60 }, (_, i) => `p=${i % 12}/q=${i % 5}/f${i}`)
    await Promise.all(keys.map((key) => store.put(key, bytesOf(key))))
    expect(await listed(store)).toHaveLength(60)
    for (const key of keys) expect(textOf((await store.get(key)).bytes)).toBe(key)
  })

  test('whose link was made although its answer was lost is created', async () => {
    // What a network file system does: the request is sent twice, and the second answer counts.
    const answersTwice = localStore(root, {
      link: (existing, name) => {
        linkSync(existing, name)
        if (!name.includes('-tmp-')) linkSync(existing, name)
      },
    })
    expect((await answersTwice.putIfAbsent('a', bytesOf('ours'))).outcome).toBe('created')
    expect((await answersTwice.putIfAbsent('a', bytesOf('ours'))).outcome).toBe('exists')
    expect(everything(root)).toEqual(['a'])
  })
})

describe('names that belong to bodies on their way', () => {
  test('are no keys, and no listing shows them', async () => {
    await store.put('_varve/tags/a', bytesOf('x'))
    mkdirSync(join(root, '_varve/staging/1'), { recursive: true })
    writeFileSync(join(root, '_varve/staging/1/part'), 'x')
    writeFileSync(join(root, '.varve-tmp-1'), 'left by a crash')
    expect(await listed(store)).toEqual(['_varve/tags/a'])
    await expect(store.get('_varve/staging/1/part')).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(store.put('.varve-tmp-1', bytesOf('x'))).rejects.toMatchObject({ code: 'INVALID_KEY' })
  })
})

test('pipes and devices are no objects, and opening one does not wait', async () => {
  await store.put('a', bytesOf('x'))
  const { execFileSync } = await import('node:child_process')
  execFileSync('mkfifo', [join(root, 'pipe')])
  await expect(store.get('pipe')).rejects.toThrow(ObjectNotFoundError)
  expect(await store.head('pipe')).toBeUndefined()
  expect(await listed(store)).toEqual(['a'])
})

test('a name longer than the disk takes is a bad key, no failure of the disk', async () => {
  await expect(store.put(`${'x'.repeat(255)}`, bytesOf('x'))).resolves.toMatchObject({ size: 1 })
  await expect(localStore('/'.repeat(1)).get('x'.repeat(256))).rejects.toThrow(StoreUnsupportedError)
})

test('a time of modification is cut to the millisecond, as other engines cut it', async () => {
  await store.put('a', bytesOf('x'))
  utimesSync(join(root, 'a'), 0, 1_700_000_000.123_75)
  expect((await store.head('a'))?.modified.getTime()).toBe(1_700_000_000_123)
  for await (const { meta } of store.list('', { meta: true })) expect(meta?.modified.getTime()).toBe(1_700_000_000_123)
})

test('permissions keep the mode of the process', async () => {
  const before = process.umask(0o027)
  try {
    await store.put('a', bytesOf('x'))
    expect(statSync(join(root, 'a')).mode & 0o777).toBe(0o640)
    chmodSync(join(root, 'a'), 0o400)
    expect(textOf((await store.get('a')).bytes)).toBe('x')
  } finally {
    process.umask(before)
  }
})

test('openStore takes paths and file URLs, and refuses other places by name without telling their secrets', async () => {
  await store.put('a b', bytesOf('x'))
  for (const location of [root, pathToFileURL(root).href, `${root}/`]) expect(openStore(location).root).toBe(store.root)
  for (const name of ['s3', 'gs', 'abfss', 'az', 'https', 'hdfs', 'S3A']) {
    const failure = (() => {
      try {
        openStore(`${name}://user:secret@bucket/table?sig=secret`)
        return undefined
      } catch (error) {
        return error
      }
    })()
    expect(failure).toBeInstanceOf(StoreUnsupportedError)
    expect(JSON.stringify(failure)).toContain(name.toLowerCase())
    expect(JSON.stringify(failure)).not.toContain('secret')
  }
  for (const location of ['', 'a\0b', 'file://host/share', 'file:///a%00b']) expect(() => openStore(location), location).toThrow(UsageError)
  expect(openStore('odd:name').root).toBe(pathToFileURL(join(process.cwd(), 'odd:name')).href)
})

test('a failure of the disk keeps its meaning', async () => {
  const full = localStore(root, {
    link: (existing, name) => {
      if (!name.includes('-tmp-')) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
      linkSync(existing, name)
    },
  })
  await expect(full.putIfAbsent('a', bytesOf('x'))).rejects.toThrow(StoreFullError)
  expect(everything(root)).toEqual([])
})

test('100,000 names are listed in order without a stat each', { timeout: 60_000 }, async () => {
  mkdirSync(join(root, 'many'), { recursive: true })
  for (let i = 0; i < 100_000; i++) linkOrWrite(join(root, 'many'), i)
  const started = performance.now()
  const keys = await listed(store)
  const elapsed = performance.now() - started
  expect(keys).toHaveLength(100_000)
  expect(keys[99_999]).toBe('many/0000099999')
  expect(elapsed).toBeLessThan(2000)
  let behind = 0
  for await (const { meta } of store.list('many/', { startAfter: 'many/0000099899', meta: true })) behind += meta === undefined ? 0 : 1
  expect(behind).toBe(100)
})

/** Files by hard links of one, as far as the file system lets one have names: much faster than writing each. */
function linkOrWrite(folder: string, i: number): void {
  const name = join(folder, String(i).padStart(10, '0'))
  if (i % 30_000 === 0) writeFileSync(name, 'x')
  else linkSync(join(folder, String(i - (i % 30_000)).padStart(10, '0')), name)
}
