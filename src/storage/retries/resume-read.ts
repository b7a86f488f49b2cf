import { PreconditionError } from '../../errors/index.ts'
import { corrupt } from '../failures.ts'
import type { Bytes, Meta, ObjectStore, ReadOptions } from '../object-store.ts'
import { InterruptedReadError } from './interrupted-read.ts'
import { GivenUp, type Retries } from './retry-policy.ts'

/**
 * Reads a whole object to its end over a link that breaks: each further request begins at the byte reached and holds only for the
 * same object. Where that was replaced meanwhile, and the caller named none, it is read from the start again.
 */
export function readObject(store: ObjectStore, retries: Retries, key: string, options: ReadOptions): Promise<{ bytes: Bytes; meta: Meta }> {
  return new ResumingRead<Meta>(store, retries, key, options, 0, (meta) => meta.size).run((signal) =>
    store.get(key, { signal, ifMatch: options.ifMatch }),
  )
}

/** The same for a range. */
export async function readRange(
  store: ObjectStore,
  retries: Retries,
  key: string,
  range: { readonly start: number; readonly end: number },
  options: ReadOptions,
): Promise<Bytes> {
  const { start, end } = range
  const read = new ResumingRead<Meta | undefined>(store, retries, key, options, start, () => end)
  const { bytes } = await read.run(
    async (signal) => ({ bytes: await store.getRange(key, start, end, { signal, ifMatch: options.ifMatch }), meta: undefined }),
    end - start,
  )
  return bytes
}

class ResumingRead<M extends Meta | undefined> {
  readonly #store: ObjectStore
  readonly #retries: Retries
  readonly #key: string
  readonly #options: ReadOptions
  readonly #start: number
  readonly #endOf: (meta: M) => number
  #pieces: Bytes[] = []
  /** The object that the pieces are of. Without it the next piece could be of another, so there is nothing to go on from. */
  #meta: Meta | undefined

  constructor(store: ObjectStore, retries: Retries, key: string, options: ReadOptions, start: number, endOf: (meta: M) => number) {
    this.#store = store
    this.#retries = retries
    this.#key = key
    this.#options = options
    this.#start = start
    this.#endOf = endOf
  }

  async run(first: (signal: AbortSignal) => Promise<{ bytes: Bytes; meta: M }>, bytes?: number): Promise<{ bytes: Bytes; meta: M }> {
    const { signal } = this.#options
    const budget = this.#retries.budget()
    for (;;) {
      let failure: unknown
      try {
        const request = (run: (signal: AbortSignal) => Promise<{ bytes: Bytes; meta: M }>) =>
          this.#retries.request(`Reading ${this.#key}`, run, { signal, ...(bytes === undefined ? {} : { bytes }) })
        const result = this.#meta === undefined ? await request(first) : await request((inner) => this.#rest(this.#meta as M & Meta, inner))
        const whole = this.#join(result.bytes)
        const expected = this.#endOf(result.meta) - this.#start
        if (whole.length === expected) return { bytes: whole, meta: result.meta }
        failure = corrupt(this.#key, this.#store.root, `${whole.length} bytes came, not ${expected}`)
        this.#reach(whole.length < expected ? result.bytes : undefined, result.meta)
      } catch (error) {
        failure = error instanceof GivenUp ? error.reason : error
        if (error instanceof InterruptedReadError) this.#reach(error.received, error.meta)
        if (error instanceof PreconditionError && this.#meta !== undefined && this.#options.ifMatch === undefined) {
          this.#reach(undefined, undefined)
          failure = corrupt(this.#key, this.#store.root, 'it was replaced while it was read')
        }
      }
      if (!(await budget.next(failure, signal))) throw failure
    }
  }

  async #rest(meta: M & Meta, signal: AbortSignal): Promise<{ bytes: Bytes; meta: M }> {
    const position = this.#pieces.reduce((sum, piece) => sum + piece.length, this.#start)
    return { bytes: await this.#store.getRange(this.#key, position, this.#endOf(meta), { signal, ifMatch: meta.etag }), meta }
  }

  #reach(piece: Bytes | undefined, meta: Meta | undefined): void {
    if (piece === undefined || meta === undefined) this.#pieces = []
    else this.#pieces.push(piece)
    this.#meta = piece === undefined ? undefined : meta
  }

  #join(last: Bytes): Bytes {
    if (this.#pieces.length === 0) return last
    const joined = Buffer.concat([...this.#pieces, last])
    return new Uint8Array(joined.buffer, joined.byteOffset, joined.length)
  }
}
