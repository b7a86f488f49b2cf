import { fileURLToPath } from 'node:url'
import { StoreUnsupportedError, UsageError } from '../errors/index.ts'
import { type LocalStoreOptions, localStore } from './local/local-store.ts'
import type { ObjectStore } from './object-store.ts'

const scheme = /^([a-z][a-z0-9+.-]+):/i

/**
 * The store for a location as users write it: a path, or a `file:` URL. `allowPaths` are written in the same way.
 *
 * @throws UsageError `INVALID_ARGUMENT` for a location that is empty or cannot be a path
 * @throws StoreUnsupportedError `STORE_UNSUPPORTED` for any other URL, naming its kind
 */
export function openStore(
  location: string,
  { allowPaths, consented }: Pick<LocalStoreOptions, 'allowPaths' | 'consented'> = {},
): ObjectStore {
  return localStore(localPath(location), {
    ...(allowPaths && { allowPaths: allowPaths.map(localPath) }),
    ...(consented && { consented }),
  })
}

function localPath(location: string): string {
  if (location === '') throw invalidLocation(location, 'it is empty')
  const name = scheme.exec(location)?.[1]?.toLowerCase()
  if (name !== undefined && name !== 'file' && location.startsWith('//', name.length + 1)) throw unsupported(name)
  const path = name === 'file' ? fileUrlPath(location) : location
  if (path.includes('\0')) throw invalidLocation(location, 'it has a NUL')
  return path
}

function fileUrlPath(location: string): string {
  try {
    return fileURLToPath(location)
  } catch (error) {
    throw invalidLocation(location, 'it is no URL of a local file', error)
  }
}

function invalidLocation(location: string, reason: string, cause?: unknown): UsageError {
  return new UsageError('INVALID_ARGUMENT', `${JSON.stringify(location)} names no place for a table: ${reason}.`, {
    remedy: 'Give the path of a folder, such as data/events.',
    data: { location },
    cause,
  })
}

/** The location itself stays out of the message: a URL can hold a password or a key. */
function unsupported(name: string): StoreUnsupportedError {
  return new StoreUnsupportedError('STORE_UNSUPPORTED', `Tables at ${name}:// are not supported yet.`, {
    remedy: 'Use a folder on a local disk, or copy the table to one.',
    data: { scheme: name },
  })
}
