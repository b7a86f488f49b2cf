/** Where a table lies, as its users say it. */
import { tableStore } from '../dataset/table-store.ts'
import { UsageError } from '../errors/index.ts'
import { type ObjectStore, withRetries } from '../storage/index.ts'

/** Where a table lies: a folder, a `file:` URL, or a store of one's own. */
export type Location = string | ObjectStore

/**
 * The store of a location. Only a store behind a network gives ambiguous answers that are worth asking again.
 * @throws UsageError INVALID_ARGUMENT, also for `allowPaths` beside a store
 */
export function storeOf(location: Location, allowPaths?: readonly string[]): ObjectStore {
  if (typeof location !== 'string' && allowPaths !== undefined) {
    throw new UsageError('INVALID_ARGUMENT', 'allowPaths is for tables that are opened by their path.', {
      remedy: 'Give it to localStore, where that makes the store.',
    })
  }
  const store = typeof location === 'string' ? tableStore(location, allowPaths ? { allowPaths } : {}) : location
  return store.kind === 'local' || store.kind === 'memory' ? store : withRetries(store)
}
