/**
 * A store over another in which some keys are private: what is written under them stays in memory, and of those that the other has only
 * some are seen. All other keys are the other store's own. What was written there is on record, so that it can be taken back.
 */
import { UsageError } from '../errors/index.ts'
import { compareKeys } from './keys.ts'
import { memoryStore } from './memory-store.ts'
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

/** Which keys are private, and which of those are seen of the store underneath. */
export interface BranchRules {
  isPrivate(key: string): boolean
  isSeen(key: string): boolean
}

/** See the module. */
export class BranchStore implements ObjectStore {
  /** Keys that were written to the store underneath. */
  readonly written = new Set<string>()
  readonly #base: ObjectStore
  readonly #rules: BranchRules
  readonly #own = memoryStore()
  #closed = false

  constructor(base: ObjectStore, rules: BranchRules) {
    this.#base = base
    this.#rules = rules
  }

  get kind(): string {
    return this.#base.kind
  }

  get root(): string {
    return this.#base.root
  }

  get allowed(): readonly ObjectStore[] | undefined {
    return this.#base.allowed
  }

  /** Lets nothing be written any more. */
  close(): void {
    this.#closed = true
  }

  async get(key: string, options?: ReadOptions): Promise<{ bytes: Bytes; meta: Meta }> {
    return (await this.#holder(key)).get(key, options)
  }

  async getRange(key: string, start: number, endExclusive: number, options?: ReadOptions): Promise<Bytes> {
    return (await this.#holder(key)).getRange(key, start, endExclusive, options)
  }

  async getTail(key: string, count: number, options?: ReadOptions): Promise<Bytes> {
    return (await this.#holder(key)).getTail(key, count, options)
  }

  async head(key: string, options?: { signal?: AbortSignal | undefined }): Promise<Meta | undefined> {
    return (await this.#holder(key)).head(key, options)
  }

  async put(key: string, body: Body, options?: WriteOptions): Promise<Meta> {
    return this.#target(key).put(key, body, options)
  }

  async putIfAbsent(key: string, body: Body, options?: WriteOptions): Promise<PutOutcome> {
    const target = this.#target(key)
    if (target === this.#own && (await this.#holder(key)) === this.#base) {
      const meta = await this.#base.head(key)
      if (meta) return { outcome: 'exists', meta }
    }
    return target.putIfAbsent(key, body, options)
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<Entry> {
    const { isPrivate, isSeen } = this.#rules
    const entries = new Map<string, Entry>()
    for await (const entry of this.#base.list(prefix, options)) {
      if (!isPrivate(entry.key) || isSeen(entry.key)) entries.set(entry.key, entry)
    }
    for await (const entry of this.#own.list(prefix, options)) entries.set(entry.key, entry)
    yield* [...entries.values()].sort((one, other) => compareKeys(one.key, other.key))
  }

  async delete(keys: readonly string[]): Promise<{ key: string; error?: unknown }[]> {
    const { isPrivate } = this.#rules
    const [own, others] = [keys.filter((key) => isPrivate(key)), keys.filter((key) => !isPrivate(key))]
    for (const key of others) this.written.delete(key)
    return [...(await this.#own.delete(own)), ...(others.length > 0 ? await this.#base.delete(others) : [])]
  }

  async materialise(keys: readonly string[], options?: { signal?: AbortSignal | undefined }): Promise<Pinned> {
    const holders = await Promise.all(keys.map((key) => this.#holder(key)))
    const pins: Pinned[] = []
    const paths = new Array<string>(keys.length)
    const release = async (): Promise<void> => {
      await Promise.all(pins.map((pin) => pin.release()))
    }
    try {
      for (const store of new Set(holders)) {
        const places = holders.flatMap((holder, place) => (holder === store ? [place] : []))
        const pin = await store.materialise(
          places.map((place) => keys[place]!),
          options,
        )
        pins.push(pin)
        for (const [index, place] of places.entries()) paths[place] = pin.paths[index]!
      }
    } catch (error) {
      await release()
      throw error
    }
    return { paths, release }
  }

  stage(): Promise<Staging> {
    return this.#base.stage()
  }

  /** The store that has a key, or would say that it is not there. */
  async #holder(key: string): Promise<ObjectStore> {
    if (!this.#rules.isPrivate(key)) return this.#base
    if (!this.#rules.isSeen(key)) return this.#own
    return (await this.#own.head(key)) === undefined ? this.#base : this.#own
  }

  #target(key: string): ObjectStore {
    if (this.#closed)
      throw new UsageError('TRANSACTION_OVER', `The transaction on ${this.root} is over, and something is still writing in it.`, {
        remedy: 'Await every verb inside the transaction.',
        data: { root: this.root },
      })
    if (this.#rules.isPrivate(key)) return this.#own
    this.written.add(key)
    return this.#base
  }
}
