/**
 * The one layer that tries again, above every kind of store and below everything else.
 *
 * - Reads go on at the byte reached, as long as it is still the same object; a short body is noticed by its length.
 * - `put` and `delete` are repeated: what they do twice is the same as once.
 * - `putIfAbsent` never guesses. Once an attempt may have reached the store, "there already" is settled by reading and comparing, and
 *   when that cannot be read, or nothing is there that might still land, the outcome is `unknown`.
 * - An abort while a write is on its way gives `unknown` (`putIfAbsent`), never "aborted", unless the store knows better.
 */
import { existsSync } from 'node:fs'
import { ObjectCorruptError, ObjectNotFoundError, PreconditionError, StoreThrottledError } from '../../errors/index.ts'
import { corrupt } from '../failures.ts'
import { compareKeys } from '../keys.ts'
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
} from '../object-store.ts'
import { sameContent } from '../same-content.ts'
import { readObject, readRange } from './resume-read.ts'
import { GivenUp, isRetryable, Retries, type RetryPolicy } from './retry-policy.ts'

/** A store whose requests are repeated within a budget of tries and seconds. */
export function withRetries(store: ObjectStore, policy: RetryPolicy = {}): ObjectStore {
  return new RetryingStore(store, new Retries(policy))
}

class RetryingStore implements ObjectStore {
  readonly #store: ObjectStore
  readonly #retries: Retries

  constructor(store: ObjectStore, retries: Retries) {
    this.#store = store
    this.#retries = retries
  }

  get kind(): string {
    return this.#store.kind
  }

  get root(): string {
    return this.#store.root
  }

  get(key: string, options: ReadOptions = {}): Promise<{ bytes: Bytes; meta: Meta }> {
    return readObject(this.#store, this.#retries, key, options)
  }

  getRange(key: string, start: number, endExclusive: number, options: ReadOptions = {}): Promise<Bytes> {
    return readRange(this.#store, this.#retries, key, { start, end: endExclusive }, options)
  }

  /** A tail that is shorter than asked for is held against the object's length: it may have been cut. */
  async getTail(key: string, count: number, options: ReadOptions = {}): Promise<Bytes> {
    const { signal, ifMatch } = options
    return this.#repeat(`Reading ${key}`, signal, async (inner) => {
      const tail = await this.#store.getTail(key, count, { signal: inner, ifMatch })
      if (tail.length === count) return tail
      const meta = await this.#store.head(key, { signal: inner })
      const size = Math.min(count, meta?.size ?? -1)
      if (tail.length !== size) throw corrupt(key, this.root, `${tail.length} bytes of its end came, not ${size}`)
      return tail
    })
  }

  async put(key: string, body: Body, options: WriteOptions = {}): Promise<Meta> {
    const { signal, after } = options
    const budget = this.#retries.budget()
    let afterFailed = false
    after?.catch(() => {
      afterFailed = true
    })
    for (;;) {
      try {
        return await this.#retries.request(`Writing ${key}`, (inner) => this.#store.put(key, body, { ...options, signal: inner }), {
          signal,
          after,
          bytes: sizeOf(body),
        })
      } catch (error) {
        if (afterFailed || !(await budget.next(error, signal))) throw reasonOf(error)
        // The file that was handed over is gone only once the store has it.
        if (isGone(body)) {
          const meta = await this.head(key, { signal })
          if (meta?.size === sizeOf(body)) return meta
          throw reasonOf(error)
        }
      }
    }
  }

  async putIfAbsent(key: string, body: Body, options: WriteOptions = {}): Promise<PutOutcome> {
    const { signal, after } = options
    const budget = this.#retries.budget()
    let mayBeThere = false
    let afterFailed = false
    after?.catch(() => {
      afterFailed = true
    })
    for (;;) {
      let failure: unknown
      try {
        const result = await this.#retries.request(
          `Writing ${key}`,
          (inner) => this.#store.putIfAbsent(key, body, { ...options, signal: inner }),
          { signal, after, bytes: sizeOf(body) },
        )
        if (result.outcome === 'created') return result
        if (result.outcome === 'exists') return mayBeThere ? await this.#settle(key, body, options, result) : result
        failure = result.cause
        mayBeThere = true
      } catch (error) {
        if (!mayBeThere && (afterFailed || !(error instanceof GivenUp || isRetryable(error)))) throw error
        failure = reasonOf(error)
        // Throttled and corrupt mean refused; of everything else nobody knows whether it arrived.
        mayBeThere ||= !(error instanceof StoreThrottledError || error instanceof ObjectCorruptError)
      }
      const unknown: PutOutcome = { outcome: 'unknown', cause: failure }
      if (signal?.aborted) {
        if (mayBeThere) return unknown
        throw reasonOf(failure)
      }
      let again: boolean
      try {
        again = await budget.next(failure, signal)
      } catch (error) {
        if (mayBeThere) return unknown
        throw error
      }
      if (isGone(body)) return this.#settle(key, body, options, unknown)
      if (again) continue
      if (!mayBeThere) throw reasonOf(failure)
      return this.#settle(key, body, options, unknown)
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<Entry> {
    const what = `Listing ${prefix}`
    let last = options.startAfter
    let budget = this.#retries.budget()
    for (;;) {
      const stop = new AbortController()
      const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
      const entries = this.#store.list(prefix, { ...options, startAfter: last, signal })[Symbol.asyncIterator]()
      const next = () => entries.next()
      const limit = this.#retries.steps(what, options.signal)
      let ended = false
      let progressed = false
      try {
        for (;;) {
          const step = await limit.step(next)
          if (step.done) {
            ended = true
            return
          }
          // A page that begins behind a folded prefix may give it once more.
          if (last !== undefined && compareKeys(step.value.key, last) <= 0) continue
          last = step.value.key
          progressed = true
          yield step.value
        }
      } catch (error) {
        ended = true
        // What has come was worth its tries; the next stretch has its own.
        if (progressed) budget = this.#retries.budget()
        if (!(await budget.next(error, options.signal))) throw reasonOf(error)
      } finally {
        limit.end()
        stop.abort()
        if (!ended) await entries.return?.()
      }
    }
  }

  head(key: string, options: { signal?: AbortSignal | undefined } = {}): Promise<Meta | undefined> {
    return this.#repeat(`Reading ${key}`, options.signal, (signal) => this.#store.head(key, { signal }))
  }

  async delete(keys: readonly string[]): Promise<{ key: string; error?: unknown }[]> {
    const results = new Map<string, { key: string; error?: unknown }>()
    const budget = this.#retries.budget()
    let left = keys
    for (;;) {
      try {
        for (const result of await this.#retries.request('Deleting', () => this.#store.delete(left))) results.set(result.key, result)
        left = left.filter((key) => isRetryable(results.get(key)?.error))
        if (left.length === 0 || !(await budget.next(results.get(left[0]!)?.error))) return keys.map((key) => results.get(key) ?? { key })
      } catch (error) {
        if (!(await budget.next(error))) throw reasonOf(error)
      }
    }
  }

  materialise(keys: readonly string[], options: { signal?: AbortSignal | undefined } = {}): Promise<Pinned> {
    return this.#repeat('Fetching files', options.signal, (signal) => this.#store.materialise(keys, { signal }))
  }

  stage(): Promise<Staging> {
    return this.#store.stage()
  }

  async #repeat<T>(what: string, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const budget = this.#retries.budget()
    for (;;) {
      try {
        return await this.#retries.request(what, run, { signal })
      } catch (error) {
        if (!(await budget.next(error, signal))) throw reasonOf(error)
      }
    }
  }

  /** Whether what is there is ours. Where nothing is there, an attempt may still be on its way; where it cannot be read, nobody knows. */
  async #settle(key: string, body: Body, options: WriteOptions, otherwise: PutOutcome): Promise<PutOutcome> {
    try {
      const { bytes, meta } = await this.get(key, { signal: options.signal })
      return (await sameContent(body, bytes, options.sha256)) ? { outcome: 'created', meta } : { outcome: 'exists', meta }
    } catch (cause) {
      if (otherwise.outcome === 'unknown' && (cause instanceof ObjectNotFoundError || cause instanceof PreconditionError)) return otherwise
      return { outcome: 'unknown', cause }
    }
  }
}

function reasonOf(error: unknown): unknown {
  return error instanceof GivenUp ? error.reason : error
}

function sizeOf(body: Body): number {
  return body instanceof Uint8Array ? body.length : body.size
}

function isGone(body: Body): boolean {
  return !(body instanceof Uint8Array) && !existsSync(body.path)
}
