/** Which of many files are not there. */
import type { Meta, ObjectStore } from '../../storage/index.ts'
import { inParallel } from './in-parallel.ts'

/** From so many on a listing may be cheaper than asking for each. */
const many = 1000

/** On a disk listing is cheaper where so many lie in a folder. */
const inAFolder = 10

const atOnce = 64

const last = '\u{10ffff}'

/** What is known to be in a store. What was found there once is not looked for again. */
export class Presence {
  readonly #store: ObjectStore
  readonly #there = new Set<string>()
  readonly #sizes = new Map<string, number>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Takes note of a file that was put there. */
  note(key: string): void {
    this.#there.add(key)
  }

  /** The length of a file as it was found; `undefined` of one that was not, or was noted. */
  sizeOf(key: string): number | undefined {
    return this.#sizes.get(key)
  }

  /** The keys of those that are not there. @throws storage errors: what could not be looked at is never taken for absent */
  async absentOf(keys: Iterable<string>, signal?: AbortSignal): Promise<Set<string>> {
    const asked = [...keys].filter((key) => !this.#there.has(key))
    if (asked.length < many || this.#isScattered(asked)) {
      await inParallel(asked, atOnce, async (key) => {
        this.#found(key, await this.#store.head(key, { signal }))
      })
    } else await this.#list(new Set(asked), signal)
    return new Set(asked.filter((key) => !this.#there.has(key)))
  }

  #isScattered(keys: readonly string[]): boolean {
    if (this.#store.kind !== 'local') return false
    const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)))
    return folders.size * inAFolder > keys.length
  }

  /** The log and the records of ours may be many names, and are none of those looked for. */
  async #list(asked: ReadonlySet<string>, signal: AbortSignal | undefined): Promise<void> {
    for (const [startAfter, until] of [
      [undefined, '_delta_log/'],
      [`_delta_log/${last}`, '_varve/'],
      [`_varve/${last}`, undefined],
    ] as const) {
      for await (const { key, meta } of this.#store.list('', { startAfter, meta: true, signal })) {
        if (until !== undefined && key.startsWith(until)) break
        if (asked.has(key)) this.#found(key, meta)
      }
    }
  }

  #found(key: string, meta: Meta | undefined): void {
    if (meta === undefined) return
    this.#there.add(key)
    this.#sizes.set(key, meta.size)
  }
}
