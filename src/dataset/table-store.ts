/** The store of a table that users name, which may read what its clones' origins agreed to. */
import { type LocalStoreOptions, type ObjectStore, openStore } from '../storage/index.ts'
import { consentingFolders } from './clone/origins.ts'

/**
 * The store of the table at a path or a `file:` URL: it reads what lies there, in the folders of `allowPaths`, and in tables that hold a version
 * for a clone at this very place. @throws UsageError INVALID_ARGUMENT; StoreUnsupportedError
 */
export function tableStore(location: string, { allowPaths }: Pick<LocalStoreOptions, 'allowPaths'> = {}): ObjectStore {
  return openStore(location, { consented: consentingFolders, ...(allowPaths && { allowPaths }) })
}
