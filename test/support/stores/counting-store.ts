/** A store that counts what is asked of it: cost is part of the contract, and tests assert it. */
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
} from '../../../src/storage/object-store.ts'

/** The operations that make requests. */
export type StoreOperation = 'get' | 'getRange' | 'getTail' | 'put' | 'putIfAbsent' | 'list' | 'head' | 'delete' | 'materialise'

/** One request: a listing is one for each thousand names, `materialise` and `delete` are one for each key. */
export interface StoreRequest {
  readonly operation: StoreOperation
  /** The key, or the prefix of a listing. */
  readonly key: string
  /** Bytes of the body or of the answer; 0 where there are none. */
  readonly bytes: number
}

/** A store with its requests on record. */
export interface CountingStore extends ObjectStore {
  /** All requests since the start or the last `reset`, oldest first. */
  readonly requests: readonly StoreRequest[]
  /** How many there were, of one operation and of keys that start with a prefix if given. */
  count(operation?: StoreOperation, keyPrefix?: string): number
  /** Forgets them all. */
  reset(): void
}

/** Wraps a store so that its requests are counted. */
export function countingStore(store: ObjectStore): CountingStore {
  return new Counting(store)
}

const namesARequest = 1000

class Counting implements CountingStore {
  readonly #store: ObjectStore
  #requests: StoreRequest[] = []

  constructor(store: ObjectStore) {
    this.#store = store
  }

  get kind(): string {
    return this.#store.kind
  }

  get root(): string {
    return this.#store.root
  }

  get requests(): readonly StoreRequest[] {
    return this.#requests
  }

  count(operation?: StoreOperation, keyPrefix = ''): number {
    let count = 0
    for (const request of this.#requests) {
      if ((operation === undefined || request.operation === operation) && request.key.startsWith(keyPrefix)) count++
    }
    return count
  }

  reset(): void {
    this.#requests = []
  }

  async get(key: string, options?: ReadOptions): Promise<{ bytes: Bytes; meta: Meta }> {
    return this.#counted('get', key, this.#store.get(key, options), (result) => result.bytes.length)
  }

  getRange(key: string, start: number, endExclusive: number, options?: ReadOptions): Promise<Bytes> {
    return this.#counted('getRange', key, this.#store.getRange(key, start, endExclusive, options), (bytes) => bytes.length)
  }

  getTail(key: string, count: number, options?: ReadOptions): Promise<Bytes> {
    return this.#counted('getTail', key, this.#store.getTail(key, count, options), (bytes) => bytes.length)
  }

  put(key: string, body: Body, options?: WriteOptions): Promise<Meta> {
    this.#record('put', key, body instanceof Uint8Array ? body.length : body.size)
    return this.#store.put(key, body, options)
  }

  putIfAbsent(key: string, body: Body, options?: WriteOptions): Promise<PutOutcome> {
    this.#record('putIfAbsent', key, body instanceof Uint8Array ? body.length : body.size)
    return this.#store.putIfAbsent(key, body, options)
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<Entry> {
    let names = 0
    this.#record('list', prefix, 0)
    for await (const entry of this.#store.list(prefix, options)) {
      if (++names > namesARequest) {
        names = 1
        this.#record('list', prefix, 0)
      }
      yield entry
    }
  }

  head(key: string, options?: { signal?: AbortSignal | undefined }): Promise<Meta | undefined> {
    this.#record('head', key, 0)
    return this.#store.head(key, options)
  }

  delete(keys: readonly string[]): Promise<{ key: string; error?: unknown }[]> {
    for (const key of keys) this.#record('delete', key, 0)
    return this.#store.delete(keys)
  }

  materialise(keys: readonly string[], options?: { signal?: AbortSignal | undefined }): Promise<Pinned> {
    for (const key of keys) this.#record('materialise', key, 0)
    return this.#store.materialise(keys, options)
  }

  stage(): Promise<Staging> {
    return this.#store.stage()
  }

  #record(operation: StoreOperation, key: string, bytes: number): void {
    this.#requests.push({ operation, key, bytes })
  }

  /** A read that fails was a request too; it moved nothing. */
  async #counted<T>(operation: StoreOperation, key: string, result: Promise<T>, bytesOf: (result: T) => number): Promise<T> {
    let bytes = 0
    try {
      const value = await result
      bytes = bytesOf(value)
      return value
    } finally {
      this.#record(operation, key, bytes)
    }
  }
}
