/**
 * A store in memory that obeys the same preconditions as every other: for tests, and for tables that need not outlive the process.
 * What is stored and what is given out are copies, so no caller can change an object.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { checkAborted, checkMatch, checkRange, corrupt, notFound, systemFailure } from './failures.ts'
import { hashBytes } from './hash-file.ts'
import { checkKey, checkPrefix, compareKeys, folderOf, invalidKey, sortKeys } from './keys.ts'
import type {
  Body,
  Bytes,
  Entry,
  ListOptions,
  Meta,
  ObjectStore,
  Pinned,
  PutOutcome,
  ReadOptions,
  Staging,
  WriteOptions,
} from './object-store.ts'
import { scratchFolder } from './scratch.ts'

/** A new, empty store in memory. Its root is `memory://<name>/`; without a name, one that no other store has. */
export function memoryStore(name: string = randomUUID()): ObjectStore {
  return new MemoryStore(`memory://${encodeURIComponent(name)}/`)
}

interface Stored {
  readonly bytes: Uint8Array
  readonly meta: Meta
}

class MemoryStore implements ObjectStore {
  readonly kind = 'memory'
  readonly root: string
  readonly #objects = new Map<string, Stored>()
  /** How many objects lie below each folder. */
  readonly #folders = new Map<string, number>()
  #sorted: readonly string[] | undefined = []
  #etags = 0

  constructor(root: string) {
    this.root = root
  }

  async get(key: string, options: ReadOptions = {}): Promise<{ bytes: Bytes; meta: Meta }> {
    const { bytes, meta } = this.#find(key, options)
    return { bytes: bytes.slice(), meta }
  }

  async getRange(key: string, start: number, endExclusive: number, options: ReadOptions = {}): Promise<Bytes> {
    const { bytes } = this.#find(key, options)
    checkRange(key, start, endExclusive, bytes.length)
    return bytes.slice(start, endExclusive)
  }

  async getTail(key: string, count: number, options: ReadOptions = {}): Promise<Bytes> {
    const { bytes } = this.#find(key, options)
    checkRange(key, 0, count, Number.POSITIVE_INFINITY)
    return bytes.slice(Math.max(0, bytes.length - count))
  }

  async put(key: string, body: Body, options: WriteOptions = {}): Promise<Meta> {
    const bytes = await this.#receive(key, body, options)
    const meta = this.#store(key, bytes)
    await handedOver(body)
    return meta
  }

  async putIfAbsent(key: string, body: Body, options: WriteOptions = {}): Promise<PutOutcome> {
    const bytes = await this.#receive(key, body, options)
    const there = this.#objects.get(key)
    if (there !== undefined) return { outcome: 'exists', meta: there.meta }
    const meta = this.#store(key, bytes)
    options.onStored?.()
    await handedOver(body)
    return { outcome: 'created', meta }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<Entry> {
    const { startAfter = '', delimiter, signal } = options
    checkPrefix(prefix)
    checkAborted(signal, 'Listing', prefix)
    this.#sorted ??= sortKeys([...this.#objects.keys()])
    const keys = this.#sorted
    let folded: string | undefined
    for (let i = firstBehind(keys, prefix, startAfter); i < keys.length; i++) {
      const key = keys[i]!
      if (!key.startsWith(prefix)) break
      const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
      if (end < 0) {
        const meta = this.#objects.get(key)?.meta
        if (meta !== undefined) yield options.meta ? { key, meta } : { key }
        checkAborted(signal, 'Listing', prefix)
        continue
      }
      const common = key.slice(0, end + 1)
      if (common === folded || compareKeys(common, startAfter) <= 0) continue
      folded = common
      yield { key: common }
    }
  }

  async head(key: string, options: { signal?: AbortSignal | undefined } = {}): Promise<Meta | undefined> {
    checkKey(key)
    checkAborted(options.signal, 'Reading', key)
    return this.#objects.get(key)?.meta
  }

  async delete(keys: readonly string[]): Promise<{ key: string; error?: unknown }[]> {
    return keys.map((key) => {
      try {
        checkKey(key)
      } catch (error) {
        return { key, error }
      }
      if (this.#objects.delete(key)) {
        this.#sorted = undefined
        this.#count(key, -1)
      }
      return { key }
    })
  }

  async materialise(keys: readonly string[], options: { signal?: AbortSignal | undefined } = {}): Promise<Pinned> {
    const found = keys.map((key) => ({ key, bytes: this.#find(key, options).bytes }))
    const scratch = await scratchFolder('varve-memory-')
    try {
      const paths = found.map(({ key }) => join(scratch.folder, key))
      for (const folder of new Set(paths.map((path) => dirname(path)))) await mkdir(folder, { recursive: true })
      for (const [i, { bytes }] of found.entries()) {
        checkAborted(options.signal, 'Reading', keys[i]!)
        await writeFile(paths[i]!, bytes)
      }
      return { paths, release: scratch.dispose }
    } catch (error) {
      await scratch.dispose()
      throw systemFailure(error, 'write', '', scratch.folder)
    }
  }

  stage(): Promise<Staging> {
    return scratchFolder('varve-memory-')
  }

  #find(key: string, options: ReadOptions): Stored {
    checkKey(key)
    checkAborted(options.signal, 'Reading', key)
    const stored = this.#objects.get(key)
    if (stored === undefined) throw notFound(key, this.root)
    checkMatch(key, stored.meta.etag, options.ifMatch)
    return stored
  }

  /** Everything that must hold before an object may be seen. What follows is one step. */
  async #receive(key: string, body: Body, options: WriteOptions): Promise<Uint8Array> {
    checkKey(key)
    checkAborted(options.signal, 'Writing', key)
    options.after?.catch(() => {})
    const bytes = await this.#bytesOf(key, body)
    if (options.sha256 !== undefined && hashBytes(bytes) !== options.sha256)
      throw corrupt(key, this.root, 'the body to store has another SHA-256')
    await setImmediate()
    await options.after
    checkAborted(options.signal, 'Writing', key)
    if (this.#folders.has(key)) throw invalidKey(key, 'a folder has that name')
    for (let above = folderOf(key); above !== ''; above = folderOf(above)) {
      if (this.#objects.has(above)) throw invalidKey(key, `${above} is an object, not a folder`)
    }
    return bytes
  }

  async #bytesOf(key: string, body: Body): Promise<Uint8Array> {
    if (body instanceof Uint8Array) return Uint8Array.from(body)
    let bytes: Uint8Array
    try {
      bytes = await readFile(body.path)
    } catch (error) {
      throw systemFailure(error, 'read', body.path, this.root)
    }
    if (bytes.length !== body.size) throw corrupt(key, this.root, `the file to store has ${bytes.length} bytes, not ${body.size}`)
    return bytes
  }

  #store(key: string, bytes: Uint8Array): Meta {
    const meta = { size: bytes.length, modified: new Date(), etag: String(++this.#etags) }
    if (!this.#objects.has(key)) {
      this.#sorted = undefined
      this.#count(key, 1)
    }
    this.#objects.set(key, { bytes, meta })
    return meta
  }

  #count(key: string, by: number): void {
    for (let above = folderOf(key); above !== ''; above = folderOf(above)) {
      const count = (this.#folders.get(above) ?? 0) + by
      if (count === 0) this.#folders.delete(above)
      else this.#folders.set(above, count)
    }
  }
}

async function handedOver(body: Body): Promise<void> {
  if (!(body instanceof Uint8Array)) await rm(body.path, { force: true })
}

/** The place of the first key that starts with the prefix, or would, and lies behind `startAfter`. */
function firstBehind(keys: readonly string[], prefix: string, startAfter: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const key = keys[middle]!
    if (compareKeys(key, prefix) < 0 || (startAfter !== '' && compareKeys(key, startAfter) <= 0)) low = middle + 1
    else high = middle
  }
  return low
}
