/**
 * What every store promises, as one suite. A kind or a wrapper passes it or is none. `make` gives a fresh, empty store;
 * `others` more handles on the same objects, as other processes would hold them.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AbortedError,
  InvalidRangeError,
  ObjectCorruptError,
  ObjectNotFoundError,
  PreconditionError,
  StoreUnsupportedError,
} from '../../src/errors/index.ts'
import { compareKeys, type ListOptions, type ObjectStore } from '../../src/storage/index.ts'
import { bytesOf, textOf } from '../support/bytes.ts'

export interface StoreUnderTest {
  readonly store: ObjectStore
  readonly others: () => ObjectStore
  readonly dispose: () => Promise<void>
}

export function objectStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`the contract of a store: ${name}`, () => {
    let under: StoreUnderTest
    let store: ObjectStore
    let scratch: string
    beforeEach(async () => {
      under = await make()
      store = under.store
      scratch = mkdtempSync(join(tmpdir(), 'varve-test-'))
    })
    afterEach(async () => {
      await under.dispose()
      rmSync(scratch, { recursive: true, force: true })
    })

    const keysOf = async (prefix: string, options?: ListOptions): Promise<string[]> => {
      const keys: string[] = []
      for await (const entry of store.list(prefix, options)) keys.push(entry.key)
      return keys
    }
    const file = (text: string): { path: string; size: number } => {
      const path = join(scratch, randomUUID())
      writeFileSync(path, text)
      return { path, size: Buffer.byteLength(text) }
    }

    test('an empty store has nothing and says so', async () => {
      expect(await keysOf('')).toEqual([])
      expect(await keysOf('_delta_log/')).toEqual([])
      expect(await store.head('a/b')).toBeUndefined()
      await expect(store.get('a/b')).rejects.toThrow(ObjectNotFoundError)
      await expect(store.getRange('a', 0, 0)).rejects.toThrow(ObjectNotFoundError)
      await expect(store.getTail('a', 8)).rejects.toThrow(ObjectNotFoundError)
      await expect(store.materialise(['a'])).rejects.toThrow(ObjectNotFoundError)
      expect(await store.delete(['a', 'b/c'])).toEqual([{ key: 'a' }, { key: 'b/c' }])
    })

    test('what is put is what is read, whole and in part', async () => {
      const bytes = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 31 + (i >> 8)) & 255)
      for (const [key, body] of [
        ['a', bytes],
        ['b/c', bytes.subarray(5, 905)],
        ['empty', new Uint8Array()],
      ] as const) {
        const meta = await store.put(key, body)
        const read = await store.get(key)
        expect(Buffer.compare(read.bytes, body)).toBe(0)
        expect(read.meta).toEqual(meta)
        expect(meta.size).toBe(body.length)
        expect(Math.abs(Date.now() - meta.modified.getTime())).toBeLessThan(60_000)
        expect(await store.head(key)).toEqual(meta)
      }
      expect(Buffer.compare(await store.getRange('a', 300_000, 600_001), bytes.slice(300_000, 600_001))).toBe(0)
      expect(await store.getRange('a', 700_000, 700_000)).toEqual(new Uint8Array())
      expect(Buffer.compare(await store.getTail('a', 650_000), bytes.slice(-650_000))).toBe(0)
      expect(await store.getTail('a', 8)).toEqual(bytes.slice(-8))
      expect(await store.getTail('b/c', 5000)).toEqual(bytes.slice(5, 905))
      expect(await store.getTail('empty', 8)).toEqual(new Uint8Array())
      for (const [start, end] of [
        [0, 700_001],
        [700_001, 700_001],
        [5, 4],
        [-1, 4],
        [0.5, 4],
      ] as const) {
        await expect(store.getRange('a', start, end)).rejects.toThrow(InvalidRangeError)
      }
    })

    test('nobody who holds the bytes can change the object', async () => {
      const body = bytesOf('immutable')
      await store.put('a', body)
      body.fill(0)
      const first = await store.get('a')
      first.bytes.fill(0)
      expect(textOf((await store.get('a')).bytes)).toBe('immutable')
    })

    test('putIfAbsent creates once and never overwrites', async () => {
      const made = await store.putIfAbsent('_delta_log/0.json', bytesOf('first'))
      expect(made.outcome).toBe('created')
      const lost = await store.putIfAbsent('_delta_log/0.json', bytesOf('second'))
      expect(lost.outcome).toBe('exists')
      expect((await store.putIfAbsent('_delta_log/0.json', file('third'))).outcome).toBe('exists')
      expect(textOf((await store.get('_delta_log/0.json')).bytes)).toBe('first')
      expect(await keysOf('')).toEqual(['_delta_log/0.json'])
    })

    test('a file that is handed over is gone when it is stored, and stays when it is not', async () => {
      const one = file('one')
      await store.put('p/one', one)
      const two = file('two')
      expect((await store.putIfAbsent('p/two', two)).outcome).toBe('created')
      const three = file('three')
      expect((await store.putIfAbsent('p/two', three)).outcome).toBe('exists')
      expect([one, two, three].map(({ path }) => existsSync(path))).toEqual([false, false, true])
      expect(textOf((await store.get('p/one')).bytes)).toBe('one')
      expect(textOf((await store.get('p/two')).bytes)).toBe('two')
    })

    test('a staged file is no object until it is handed over', async () => {
      const staging = await store.stage()
      const path = join(staging.folder, 'data.parquet')
      writeFileSync(path, 'rows')
      expect(await keysOf('')).toEqual([])
      await store.put('x=1/data.parquet', { path, size: 4 })
      writeFileSync(join(staging.folder, 'left'), 'over')
      await staging.dispose()
      expect(existsSync(staging.folder)).toBe(false)
      expect(await keysOf('')).toEqual(['x=1/data.parquet'])
      const again = await store.stage()
      expect(existsSync(again.folder)).toBe(true)
      await again.dispose()
    })

    test('put replaces, and ifMatch holds a reader to one object', async () => {
      const { etag } = await store.put('hint', bytesOf('old!'))
      expect(textOf((await store.get('hint', { ifMatch: etag })).bytes)).toBe('old!')
      await store.put('hint', bytesOf('new!'))
      expect(textOf((await store.get('hint')).bytes)).toBe('new!')
      await expect(store.get('hint', { ifMatch: etag })).rejects.toThrow(PreconditionError)
      await expect(store.getRange('hint', 0, 2, { ifMatch: etag })).rejects.toThrow(PreconditionError)
      await expect(store.getTail('hint', 2, { ifMatch: etag })).rejects.toThrow(PreconditionError)
    })

    test('a body with another hash or length is refused and not stored', async () => {
      const sha256 = createHash('sha256').update('right').digest('hex')
      expect((await store.putIfAbsent('right', bytesOf('right'), { sha256 })).outcome).toBe('created')
      await store.put('right2', file('right'), { sha256 })
      await expect(store.putIfAbsent('a', bytesOf('wrong'), { sha256 })).rejects.toThrow(ObjectCorruptError)
      await expect(store.put('b', file('wrong'), { sha256 })).rejects.toThrow(ObjectCorruptError)
      await expect(store.put('c', { ...file('short'), size: 9 })).rejects.toThrow(ObjectCorruptError)
      expect(await keysOf('')).toEqual(['right', 'right2'])
    })

    test('keys that no store could hold are refused everywhere', async () => {
      const bad = [
        '',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        'a/../b',
        './a',
        'a\\b',
        'a\0b',
        'a\nb',
        'a\u007fb',
        '\ud800',
        'x'.repeat(256),
        'é'.repeat(128),
        `${'abcdefg/'.repeat(120)}x`,
      ]
      for (const key of bad) {
        await expect(store.get(key), key).rejects.toThrow(StoreUnsupportedError)
        await expect(store.head(key), key).rejects.toThrow(StoreUnsupportedError)
        await expect(store.put(key, bytesOf('x')), key).rejects.toMatchObject({ code: 'INVALID_KEY' })
        await expect(store.putIfAbsent(key, bytesOf('x')), key).rejects.toMatchObject({ code: 'INVALID_KEY' })
        await expect(store.materialise([key]), key).rejects.toThrow(StoreUnsupportedError)
        expect((await store.delete([key]))[0]?.error).toBeInstanceOf(StoreUnsupportedError)
      }
      await expect(keysOf('a/../b')).rejects.toThrow(StoreUnsupportedError)
      expect(await keysOf('')).toEqual([])
    })

    test('odd names are kept to the byte', async () => {
      const keys = [
        'a b',
        'a%20b',
        'ä',
        'a\u0308',
        'c=é\'"$`;#?&/f',
        '__proto__',
        'constructor/x',
        '漢字',
        '😀',
        '\uffee',
        '.hidden',
        'x'.repeat(255),
      ]
      for (const key of keys) await store.putIfAbsent(key, bytesOf(key))
      for (const key of keys) expect(textOf((await store.get(key)).bytes)).toBe(key)
      expect(await keysOf('')).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    })

    test('no key is both a file and a folder', async () => {
      await store.put('a', bytesOf('file'))
      await store.put('b/c', bytesOf('file'))
      await expect(store.put('a/x', bytesOf('x'))).rejects.toMatchObject({ code: 'INVALID_KEY' })
      await expect(store.putIfAbsent('a/x/y', bytesOf('x'))).rejects.toMatchObject({ code: 'INVALID_KEY' })
      await expect(store.put('b', bytesOf('x'))).rejects.toMatchObject({ code: 'INVALID_KEY' })
      await expect(store.putIfAbsent('b', bytesOf('x'))).rejects.toMatchObject({ code: 'INVALID_KEY' })
      await expect(store.get('b')).rejects.toThrow(ObjectNotFoundError)
      await expect(store.get('a/x')).rejects.toThrow(ObjectNotFoundError)
      await expect(store.materialise(['a/x'])).rejects.toThrow(ObjectNotFoundError)
      expect(await store.head('b')).toBeUndefined()
      expect(await store.head('a/x')).toBeUndefined()
      expect(await keysOf('a/')).toEqual([])
      expect(await store.delete(['b', 'a/x'])).toEqual([{ key: 'b' }, { key: 'a/x' }])
      expect(await keysOf('')).toEqual(['a', 'b/c'])
    })

    test('a listing is in the order of UTF-8, by prefix, place and delimiter', async () => {
      const keys = ['a', 'a-b/1', 'a-b/2', 'a/1', 'a.b', 'a/2/x', 'a0', '\uffee', '😀', '_delta_log/0', '_delta_log/00', '_delta_log/1']
      // `a` is a file here, so the folder beside it has another name.
      const stored = keys.map((key) => key.replace(/^a\//, 'aa/'))
      for (const key of stored) await store.put(key, bytesOf(key))
      const sorted = stored.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await keysOf('')).toEqual(sorted)
      expect(await keysOf('_delta_log/')).toEqual(['_delta_log/0', '_delta_log/00', '_delta_log/1'])
      expect(await keysOf('_delta_log/0')).toEqual(['_delta_log/0', '_delta_log/00'])
      expect(await keysOf('_delta')).toEqual(['_delta_log/0', '_delta_log/00', '_delta_log/1'])
      expect(await keysOf('nothing')).toEqual([])
      for (const after of [...sorted, 'a-b/', 'a-b', 'aa/2', 'zzz', '\u{10ffff}']) {
        expect(await keysOf('', { startAfter: after }), after).toEqual(sorted.filter((key) => compareKeys(key, after) > 0))
      }
      expect(await keysOf('', { delimiter: '/' })).toEqual(['_delta_log/', 'a', 'a-b/', 'a.b', 'a0', 'aa/', '\uffee', '😀'])
      expect(await keysOf('aa/', { delimiter: '/' })).toEqual(['aa/1', 'aa/2/'])
      expect(await keysOf('', { delimiter: '/', startAfter: 'a-b/' })).toEqual(['a.b', 'a0', 'aa/', '\uffee', '😀'])
      await store.delete(['aa/2/x'])
      expect(await keysOf('aa/', { delimiter: '/' })).toEqual(['aa/1'])
    })

    test('a listing gives meta when asked', async () => {
      const meta = await store.put('x/a', bytesOf('12345'))
      const entries = []
      for await (const entry of store.list('', { meta: true })) entries.push(entry)
      expect(entries).toEqual([{ key: 'x/a', meta }])
    })

    test('any set of keys is listed like a sorted list', async () => {
      const part = fc.stringMatching(/^[a-c.=-]{1,2}$/).filter((text) => !/^\.+$/.test(text))
      const key = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(key, { maxLength: 12 }), key, key, async (some, prefix, startAfter) => {
          // Every key ends in a part of its own, so none is a folder of another.
          const keys = some.map((text, i) => `${text}/f${i}`)
          for (const text of keys) await store.put(text, bytesOf(text), { durable: false })
          const sorted = keys.toSorted(compareKeys)
          try {
            expect(await keysOf('')).toEqual(sorted)
            expect(await keysOf(prefix)).toEqual(sorted.filter((text) => text.startsWith(prefix)))
            expect(await keysOf(prefix, { startAfter })).toEqual(
              sorted.filter((text) => text.startsWith(prefix) && compareKeys(text, startAfter) > 0),
            )
            const folded = sorted.filter((text) => text.startsWith(prefix)).map((text) => foldedKey(text, prefix))
            expect(await keysOf(prefix, { delimiter: '/' })).toEqual([...new Set(folded)])
          } finally {
            await store.delete(keys)
          }
        }),
        { numRuns: 25 },
      )
    })

    test('delete removes what is there', async () => {
      for (const key of ['a', 'b/c', 'b/d']) await store.put(key, bytesOf(key))
      expect(await store.delete(['a', 'b/c', 'nothing'])).toEqual([{ key: 'a' }, { key: 'b/c' }, { key: 'nothing' }])
      expect(await keysOf('')).toEqual(['b/d'])
      expect((await store.putIfAbsent('a', bytesOf('again'))).outcome).toBe('created')
    })

    test('materialise gives local files until they are released', async () => {
      await store.put('x=1/a.parquet', bytesOf('rows of a'))
      await store.put('b.parquet', bytesOf('rows of b'))
      const pinned = await store.materialise(['b.parquet', 'x=1/a.parquet', 'b.parquet'])
      expect(pinned.paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['rows of b', 'rows of a', 'rows of b'])
      expect(pinned.paths[1]?.endsWith('x=1/a.parquet')).toBe(true)
      await pinned.release()
      await expect(store.materialise(['b.parquet', 'gone.parquet'])).rejects.toMatchObject({ data: { key: 'gone.parquet' } })
      expect(textOf((await store.get('b.parquet')).bytes)).toBe('rows of b')
    })

    test('an aborted signal stops before anything is done', async () => {
      await store.put('a', bytesOf('a'))
      const signal = AbortSignal.abort()
      await expect(store.get('a', { signal })).rejects.toThrow(AbortedError)
      await expect(store.getRange('a', 0, 1, { signal })).rejects.toThrow(AbortedError)
      await expect(store.head('a', { signal })).rejects.toThrow(AbortedError)
      await expect(store.put('b', bytesOf('b'), { signal })).rejects.toThrow(AbortedError)
      await expect(store.putIfAbsent('c', bytesOf('c'), { signal })).rejects.toThrow(AbortedError)
      await expect(store.materialise(['a'], { signal })).rejects.toThrow(AbortedError)
      await expect(keysOf('', { signal })).rejects.toThrow(AbortedError)
      expect(await keysOf('')).toEqual(['a'])
    })

    test('a write that comes after others is not seen before they are done, nor when they fail', async () => {
      let done = () => {}
      const first = new Promise<void>((resolve) => {
        done = resolve
      })
      const commit = store.putIfAbsent('commit', bytesOf('names the file'), { after: first })
      for (let i = 0; i < 20; i++) await setImmediate()
      expect(await store.head('commit')).toBeUndefined()
      done()
      expect((await commit).outcome).toBe('created')
      const reason = new Error('the data file failed')
      await expect(store.putIfAbsent('second', bytesOf('x'), { after: Promise.reject(reason) })).rejects.toBe(reason)
      await expect(store.put('third', bytesOf('x'), { after: Promise.reject(reason) })).rejects.toBe(reason)
      expect(await keysOf('')).toEqual(['commit'])
    })

    test('whoever waits for an object to be there is told once, after it is, and not when it is not ours', async () => {
      const seen: string[] = []
      const create = (body: string) =>
        store.putIfAbsent('a', bytesOf(body), {
          onStored: () => {
            seen.push(body)
          },
        })
      const there = (await create('one')).outcome
      await create('two')
      expect(there).toBe('created')
      expect([[], ['one']]).toContainEqual(seen)
      if (seen.length > 0) expect(textOf((await store.get('a')).bytes)).toBe('one')
    })

    test('of 16 writers for one name exactly one creates it, and its bytes are there', async () => {
      const handles = Array.from({ length: 16 }, under.others)
      for (let round = 0; round < 8; round++) {
        const key = `race/${round}`
        const outcomes = await Promise.all(handles.map((handle, i) => handle.putIfAbsent(key, bytesOf(`writer ${i}`))))
        const winners = outcomes.flatMap(({ outcome }, i) => (outcome === 'created' ? [i] : []))
        expect(outcomes.filter(({ outcome }) => outcome === 'exists')).toHaveLength(15)
        expect(winners).toHaveLength(1)
        expect(textOf((await store.get(key)).bytes)).toBe(`writer ${winners[0]}`)
      }
    })

    test('a reader never sees a part of a body', async () => {
      const reader = under.others()
      const size = 300_000
      const written = (async () => {
        for (let i = 0; i < 10; i++) {
          const body = new Uint8Array(size).fill(i)
          await store.put('replaced', body, { durable: i % 2 === 0 })
          await store.putIfAbsent(`created/${i}`, body, { durable: i % 2 === 1 })
        }
        return true
      })()
      let seen = 0
      for (let done = false; !done; ) {
        done = await Promise.race([written, setImmediate(false)])
        for (const key of await keysOf('')) {
          const { bytes } = await reader.get(key)
          expect(bytes.length).toBe(size)
          expect(Buffer.compare(bytes, new Uint8Array(size).fill(bytes[0]!))).toBe(0)
          seen++
        }
      }
      expect(seen).toBeGreaterThan(10)
    })
  })
}

function foldedKey(key: string, prefix: string): string {
  const end = key.indexOf('/', prefix.length)
  return end < 0 ? key : key.slice(0, end + 1)
}
