/**
 * Where files lie that a log names by absolute path, as shallow clones and imports of folders do (§Add File and Remove File): under the
 * table's root, or under a folder beside it that the caller allows. Either is read through a store of its own, so a link that leads out
 * of it is refused there as everywhere.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataFileError } from '../errors/index.ts'
import type { ObjectStore, Pinned } from './object-store.ts'

/** A file of a table: the store that it is read through, and its key there. */
export interface Place {
  readonly store: ObjectStore
  readonly key: string
}

/** The place of a path of the log, decoded: a key, or an absolute local path. @throws DataFileError PATH_OUTSIDE_ROOT, which says how to allow it */
export function placeOf(store: ObjectStore, path: string): Place {
  if (!isAbsolute(path)) return { store, key: path }
  for (const one of [store, ...(store.allowed ?? [])]) {
    const key = keyOfPath(one, path)
    if (key !== undefined) return { store: one, key }
  }
  throw new DataFileError('PATH_OUTSIDE_ROOT', `The log of ${store.root} names the file ${path}, which lies outside the table's folder.`, {
    remedy: `If you trust the table to read there, open it with allowPaths: [${JSON.stringify(dirname(path))}] (--allow-path ${dirname(path)}); or copy the table whole (a deep clone).`,
    data: { path, folder: dirname(path), root: store.root },
  })
}

/** Local files of places, in their order, and the folders that they lie under: whole stores, or what was made for them. */
export async function materialisePlaces(
  places: readonly Place[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Pinned & { readonly folders: readonly string[] }> {
  const byStore = new Map<ObjectStore, number[]>()
  for (const [index, { store }] of places.entries()) {
    const indexes = byStore.get(store)
    if (indexes) indexes.push(index)
    else byStore.set(store, [index])
  }
  const paths: string[] = new Array(places.length)
  const folders: string[] = []
  const pins: Pinned[] = []
  const release = async () => {
    await Promise.all(pins.map((pin) => pin.release()))
  }
  try {
    for (const [store, indexes] of byStore) {
      const pin = await store.materialise(
        indexes.map((index) => places[index]!.key),
        options,
      )
      pins.push(pin)
      for (const [at, index] of indexes.entries()) paths[index] = pin.paths[at]!
      folders.push(store.kind === 'local' ? folderUnder(store) : folderOver(pin.paths[0]!, places[indexes[0]!]!.key))
    }
  } catch (error) {
    await release()
    throw error
  }
  return { paths, folders, release }
}

/** The folder that a local store stands on. */
function folderUnder(store: ObjectStore): string {
  const known = localFolders.get(store)
  if (known !== undefined) return known
  const folder = fileURLToPath(store.root)
  localFolders.set(store, folder)
  return folder
}

const localFolders = new WeakMap<ObjectStore, string>()

/** The folder that was made for a store's files, from one of them and its key. */
function folderOver(path: string, key: string): string {
  return path.endsWith(`/${key}`) ? path.slice(0, -key.length - 1) : dirname(path)
}

/** The key of an absolute local path in a store; `undefined` where it does not lie inside. Links in its folders are resolved. */
function keyOfPath(store: ObjectStore, path: string): string | undefined {
  if (store.kind !== 'local') return undefined
  const folder = join(folderUnder(store), '/')
  const inside = [path, realPath(path)].find((one) => one.startsWith(folder))
  return inside?.slice(folder.length)
}

function realPath(path: string): string {
  try {
    return join(realpathSync.native(dirname(path)), basename(path))
  } catch {
    return path
  }
}
