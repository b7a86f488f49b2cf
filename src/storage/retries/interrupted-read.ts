import { StoreUnreachableError } from '../../errors/index.ts'
import type { Bytes, Meta } from '../object-store.ts'

/**
 * A read that ended in the middle. It carries what came and which object it came from, so that the retry layer goes on from there.
 * Nobody above that layer sees it as anything but a store that cannot be reached. Code: `STORE_UNREACHABLE`.
 */
export class InterruptedReadError extends StoreUnreachableError {
  readonly #received: Bytes
  readonly #meta: Meta

  constructor(key: string, root: string, received: Bytes, meta: Meta, cause?: unknown) {
    super('STORE_UNREACHABLE', `The connection ended after ${received.length} bytes of ${key} in ${root}.`, {
      remedy: 'Run it again; if it stays, look at the network.',
      data: { key, root, received: received.length },
      cause,
    })
    this.#received = received
    this.#meta = meta
  }

  /** The bytes from where the read began. */
  get received(): Bytes {
    return this.#received
  }

  /** The object that was read. */
  get meta(): Meta {
    return this.#meta
  }
}
