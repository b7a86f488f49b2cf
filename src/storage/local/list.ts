/**
 * Listing a local store: a depth-first walk in the order of the keys' UTF-8 bytes. A folder's names come from one `readdir` off the
 * main thread, without a stat each; a folder is ordered as its name with a `/`, since that is how its keys begin. Folders before
 * `startAfter` are never read. Temporary files and the staging folder are no objects and are left out, as are links to folders
 * (they could lead around in a circle).
 */
import { type Dirent, readdir, type Stats } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { DataFileError } from '../../errors/index.ts'
import { checkAborted, errnoOf } from '../failures.ts'
import { checkPrefix, compareKeys, sortKeys } from '../keys.ts'
import type { Entry, ListOptions } from '../object-store.ts'
import { statFile } from './read.ts'
import type { LocalRoot } from './root.ts'
import { metaOf, temporaryPrefix } from './write.ts'

/** Where bodies are prepared; its files are no objects. */
export const stagingFolder = '_varve/staging'

const pauseEvery = 2048

/** The listing of a local store (see `ObjectStore.list`). */
export async function* listFiles(root: LocalRoot, prefix: string, options: ListOptions): AsyncGenerator<Entry> {
  checkPrefix(prefix)
  const { startAfter = '', delimiter, signal } = options
  const pending = [await keysIn(root, prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix, startAfter)]
  let steps = 0
  while (pending.length > 0) {
    const key = pending.at(-1)!.pop()
    if (key === undefined) {
      pending.pop()
      continue
    }
    if (++steps % pauseEvery === 0) {
      checkAborted(signal, 'Listing', prefix)
      await setImmediate()
    }
    if (!key.endsWith('/')) {
      const entry = options.meta ? withMeta(root, key) : { key }
      if (entry !== undefined) yield entry
    } else if (delimiter === undefined) {
      checkAborted(signal, 'Listing', prefix)
      pending.push(await keysIn(root, key, prefix, startAfter))
    } else if (compareKeys(key, startAfter) > 0 && (await holdsFile(root, key))) {
      yield { key }
    }
  }
}

/** The keys in a folder (which is `''` or ends with `/`), last first, those of folders with a `/`. */
async function keysIn(root: LocalRoot, folder: string, prefix: string, startAfter: string): Promise<string[]> {
  const keys: string[] = []
  for (const entry of await entriesOf(root, folder)) {
    const { name } = entry
    const isFolder = entry.isDirectory()
    const key = isFolder ? `${folder}${name}/` : folder + name
    if (!key.startsWith(prefix)) continue
    if (isFolder) {
      if (key === `${stagingFolder}/`) continue
    } else if (!(entry.isFile() || isFileLink(root, key, entry)) || name.startsWith(temporaryPrefix)) {
      continue
    }
    // A folder of the place where the listing goes on still holds keys behind it.
    if (startAfter !== '' && compareKeys(key, startAfter) <= 0 && !(isFolder && startAfter.startsWith(key))) continue
    keys.push(key)
  }
  return sortKeys(keys).reverse()
}

async function entriesOf(root: LocalRoot, folder: string): Promise<Dirent[]> {
  const path = root.folderPath(folder.slice(0, -1))
  try {
    return await new Promise((resolve, reject) => {
      readdir(path, { withFileTypes: true }, (error, entries) => (error === null ? resolve(entries) : reject(error)))
    })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR' && errno !== 'ELOOP') throw error
    root.checkIsFolder()
    return []
  }
}

/** With a delimiter an empty folder is no common prefix, as in a store that knows no folders. */
async function holdsFile(root: LocalRoot, folder: string): Promise<boolean> {
  const keys = await keysIn(root, folder, folder, '')
  if (keys.some((key) => !key.endsWith('/'))) return true
  for (const key of keys) if (await holdsFile(root, key)) return true
  return false
}

/** A link that leads out of the root is no object of this store, and must not keep the others from being listed. */
function isFileLink(root: LocalRoot, key: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return false
  try {
    return statFile(root, key) !== undefined
  } catch (error) {
    if (error instanceof DataFileError) return false
    throw error
  }
}

function withMeta(root: LocalRoot, key: string): Entry | undefined {
  const stat: Stats | undefined = statFile(root, key)
  return stat === undefined ? undefined : { key, meta: metaOf(stat) }
}
