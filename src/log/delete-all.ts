/** Deleting files of the log, in an order that counts. */
import { AbortedError } from '../errors/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** Keys that are deleted together. */
const together = 1000

/** Deletes keys in their order. @throws the first failure, after which nothing more is deleted; AbortedError */
export async function deleteAll(store: ObjectStore, keys: readonly string[], signal?: AbortSignal): Promise<void> {
  for (let at = 0; at < keys.length; at += together) {
    if (signal?.aborted) throw new AbortedError('The cleanup of the log', signal.reason)
    for (const { error } of await store.delete(keys.slice(at, at + together))) if (error !== undefined) throw error
  }
}
