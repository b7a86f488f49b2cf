/** A store over another that fails by plan, in every way that a network lets a store fail. For tests. */
import { readFile, rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { AbortedError, StoreThrottledError, StoreUnreachableError } from '../../../src/errors/index.ts'
import { corrupt } from '../../../src/storage/failures.ts'
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
import { InterruptedReadError } from '../../../src/storage/retries/interrupted-read.ts'
import type { StoreOperation } from './counting-store.ts'
import { type Fault, type FaultPlan, Faults } from './fault-plan.ts'

/** A faulty store. */
export interface FaultyStore extends ObjectStore {
  /** What was spoilt so far, oldest first. */
  readonly spoilt: readonly { readonly kind: Fault['kind']; readonly operation: StoreOperation; readonly key: string }[]
  /** Resolves when every write that lands late has landed. */
  landed(): Promise<void>
}

/** Wraps a store so that requests fail by plan. */
export function faultyStore(store: ObjectStore, plan: FaultPlan): FaultyStore {
  return new Faulty(store, new Faults(plan))
}

type Signalled = { signal?: AbortSignal | undefined }

class Faulty implements FaultyStore {
  readonly spoilt: { kind: Fault['kind']; operation: StoreOperation; key: string }[] = []
  readonly #store: ObjectStore
  readonly #faults: Faults
  readonly #late = new Set<Promise<unknown>>()

  constructor(store: ObjectStore, faults: Faults) {
    this.#store = store
    this.#faults = faults
  }

  get kind(): string {
    return this.#store.kind
  }

  get root(): string {
    return this.#store.root
  }

  async landed(): Promise<void> {
    while (this.#late.size > 0) await Promise.all(this.#late)
  }

  get(key: string, options: ReadOptions = {}): Promise<{ bytes: Bytes; meta: Meta }> {
    return this.#read('get', key, options, () => this.#store.get(key, options))
  }

  async getRange(key: string, start: number, endExclusive: number, options: ReadOptions = {}): Promise<Bytes> {
    const read = async () => this.#withMeta(key, await this.#store.getRange(key, start, endExclusive, options))
    return (await this.#read('getRange', key, options, read)).bytes
  }

  async getTail(key: string, count: number, options: ReadOptions = {}): Promise<Bytes> {
    const read = async () => this.#withMeta(key, await this.#store.getTail(key, count, options))
    return (await this.#read('getTail', key, options, read)).bytes
  }

  put(key: string, body: Body, options: WriteOptions = {}): Promise<Meta> {
    return this.#write('put', key, body, options, (sent) => this.#store.put(key, sent, withoutSignal(options)))
  }

  putIfAbsent(key: string, body: Body, options: WriteOptions = {}): Promise<PutOutcome> {
    return this.#write('putIfAbsent', key, body, options, (sent) => this.#store.putIfAbsent(key, sent, withoutSignal(options)))
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<Entry> {
    const fault = this.#next('list', prefix)
    if (fault?.kind === 'stall') await stalled(options, prefix)
    if (fault !== undefined && fault.kind !== 'reset') throw this.#failure(fault, prefix)
    let left = fault === undefined ? Number.POSITIVE_INFINITY : Math.floor(this.#faults.random() * 5)
    for await (const entry of this.#store.list(prefix, options)) {
      if (left-- <= 0) break
      yield entry
    }
    if (fault !== undefined) throw this.#failure(fault, prefix)
  }

  head(key: string, options: Signalled = {}): Promise<Meta | undefined> {
    return this.#simple('head', key, options, () => this.#store.head(key, options))
  }

  delete(keys: readonly string[]): Promise<{ key: string; error?: unknown }[]> {
    return this.#simple('delete', keys[0] ?? '', {}, () => this.#store.delete(keys))
  }

  materialise(keys: readonly string[], options: Signalled = {}): Promise<Pinned> {
    return this.#simple('materialise', keys[0] ?? '', options, () => this.#store.materialise(keys, options))
  }

  stage(): Promise<Staging> {
    return this.#store.stage()
  }

  async #simple<T>(operation: StoreOperation, key: string, options: Signalled, run: () => Promise<T>): Promise<T> {
    const fault = this.#next(operation, key)
    if (fault === undefined) return run()
    if (fault.kind === 'stall') await stalled(options, key)
    if (fault.kind === 'lost-response') await run()
    throw this.#failure(fault, key)
  }

  async #read(
    operation: StoreOperation,
    key: string,
    options: Signalled,
    run: () => Promise<{ bytes: Bytes; meta: Meta }>,
  ): Promise<{ bytes: Bytes; meta: Meta }> {
    const fault = this.#next(operation, key)
    if (fault === undefined) return run()
    if (fault.kind === 'stall') await stalled(options, key)
    if (fault.kind !== 'reset' && fault.kind !== 'short' && fault.kind !== 'flip') throw this.#failure(fault, key)
    const { bytes, meta } = await run()
    if (fault.kind === 'flip') return { bytes: this.#flipped(bytes), meta }
    const part = bytes.subarray(0, Math.floor(this.#faults.random() * bytes.length))
    if (fault.kind === 'short') return { bytes: part, meta }
    throw new InterruptedReadError(key, this.root, part, meta)
  }

  /** The store beneath is not told of an abort: a request that has left cannot be called back. */
  async #write<T>(operation: StoreOperation, key: string, body: Body, options: WriteOptions, run: (body: Body) => Promise<T>): Promise<T> {
    if (options.signal?.aborted) throw new AbortedError(`Writing ${key}`, options.signal.reason)
    const fault = this.#next(operation, key)
    switch (fault?.kind) {
      case undefined:
        return run(body)
      case 'lost-response':
        await run(body)
        break
      case 'lands-late':
        this.#landLate(pause(this.#faults.random() * (fault?.lateMs ?? 20)).then(() => run(body)))
        break
      case 'stall':
        if (this.#faults.random() < 0.5) await run(body)
        await stalled({}, key)
        break
      case 'flip': {
        const sent = this.#flipped(body instanceof Uint8Array ? body : await readFile(body.path))
        const result = await run(sent)
        if (!(body instanceof Uint8Array)) await rm(body.path, { force: true })
        return result
      }
      case 'short':
        throw corrupt(key, this.root, 'the body to store ended early')
      default:
        break
    }
    throw this.#failure(fault!, key)
  }

  /** Whether it lands is nobody's to know: another may have taken the name, or the file may be gone. */
  #landLate(landing: Promise<unknown>): void {
    const settled = landing.catch(() => {}).finally(() => this.#late.delete(settled))
    this.#late.add(settled)
  }

  #next(operation: StoreOperation, key: string): Fault | undefined {
    const fault = this.#faults.next(operation, key)
    if (fault !== undefined) this.spoilt.push({ kind: fault.kind, operation, key })
    return fault
  }

  async #withMeta(key: string, bytes: Bytes): Promise<{ bytes: Bytes; meta: Meta }> {
    const meta = await this.#store.head(key)
    return { bytes, meta: meta ?? { size: bytes.length, modified: new Date(0), etag: '' } }
  }

  #flipped(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(bytes)
    const at = Math.floor(this.#faults.random() * copy.length)
    if (copy.length > 0) copy[at]! ^= 1 << Math.floor(this.#faults.random() * 8)
    return copy
  }

  #failure(fault: Fault, key: string): Error {
    const data = { key, root: this.root }
    if (fault.kind === 'throttled') {
      return new StoreThrottledError('STORE_THROTTLED', `${this.root} asks to slow down.`, {
        remedy: 'Run it again a little later.',
        data: fault.retryAfterMs === undefined ? data : { ...data, retryAfterMs: fault.retryAfterMs },
      })
    }
    return new StoreUnreachableError('STORE_UNREACHABLE', `The connection to ${this.root} ended (${fault.kind}).`, {
      remedy: 'Run it again; if it stays, look at the network.',
      data,
    })
  }
}

/** Ends only when the caller aborts; a write that stalls does not even heed that. */
function stalled(options: Signalled, key: string): Promise<never> {
  return new Promise((_, reject) => {
    options.signal?.addEventListener('abort', () => reject(new AbortedError(`Reading ${key}`, options.signal?.reason)), { once: true })
  })
}

function withoutSignal(options: WriteOptions): WriteOptions {
  const { signal: _, ...rest } = options
  return rest
}
