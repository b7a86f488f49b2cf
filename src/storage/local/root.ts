/**
 * The folder that a local store stands on, and the way from a key to a path that may be opened.
 *
 * - A folder is resolved once and remembered as inside: a symbolic link that leads out of the root is refused before
 *   anything is opened or written through it. The last part of a key is opened without following links, so it costs nothing;
 *   where it is a link after all, `inside` resolves it.
 * - A folder for a write is made when it is missing, and the names that lead to it are put on stable storage once a process, since
 *   another process may have made it and not have synced yet.
 */
import { closeSync, fsync, mkdirSync, openSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errnoOf, notAFolder, outsideRoot, systemFailure } from '../failures.ts'
import { folderOf } from '../keys.ts'

const unsyncable = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP'])

/** A folder on a local disk. */
export class LocalRoot {
  /** Absolute, with every link in it resolved. */
  readonly folder: string
  /** The same as a URL. */
  readonly url: string
  readonly #inside = new Set<string>()
  readonly #onDisk = new Map<string, Promise<void>>()
  readonly #syncs = new FolderSyncs()

  constructor(folder: string) {
    this.folder = realFolder(resolve(folder))
    this.url = pathToFileURL(this.folder).href
  }

  /** The path of a checked key whose folder was found to lie inside. @throws DataFileError `PATH_OUTSIDE_ROOT` */
  path(key: string): string {
    const folder = folderOf(key)
    if (!this.#inside.has(folder)) this.#checkFolder(folder, key)
    return join(this.folder, key)
  }

  /** The path of a folder (`''` is the root), checked likewise. */
  folderPath(folder: string): string {
    if (!this.#inside.has(folder)) this.#checkFolder(folder, folder)
    return join(this.folder, folder)
  }

  /** What a link under that key points to. @throws DataFileError `PATH_OUTSIDE_ROOT` @throws the system's error when it leads nowhere */
  inside(key: string): string {
    const target = realpathSync.native(join(this.folder, key))
    if (!this.#contains(target)) throw outsideRoot(key, this.url)
    return target
  }

  /** Makes sure that the folder is there. Durable: and that the names that lead to it are on stable storage when the promise resolves. */
  prepareFolder(folder: string, durable: boolean): Promise<void> | undefined {
    const known = this.#onDisk.get(folder)
    if (known !== undefined) return known
    const first = this.#inside.has(folder) ? undefined : this.#makeFolder(folder)
    if (!durable) return undefined
    const synced = this.#syncChain(folder, first)
    this.#onDisk.set(folder, synced)
    synced.catch(() => this.#onDisk.delete(folder))
    return synced
  }

  /** Forgets a folder that turned out to be gone. */
  forget(folder: string): void {
    this.#inside.delete(folder)
    this.#onDisk.delete(folder)
  }

  /** Puts the names in a folder on stable storage. */
  syncFolder(folder: string): Promise<void> {
    return this.#syncs.sync(join(this.folder, folder))
  }

  /** The magic number of the file system under the root, or of the nearest folder above it that is there. */
  fileSystemType(): number {
    for (let folder = this.folder; ; folder = dirname(folder)) {
      try {
        return statfsSync(folder).type
      } catch (error) {
        const errno = errnoOf(error)
        if ((errno !== 'ENOENT' && errno !== 'ENOTDIR') || folder === dirname(folder)) throw error
      }
    }
  }

  /** @throws TableExistsError `NOT_A_FOLDER` when the root is a file. */
  checkIsFolder(): void {
    let isFolder: boolean
    try {
      isFolder = statSync(this.folder).isDirectory()
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOTDIR') throw notAFolder(pathToFileURL(dirname(this.folder)).href)
      if (errno === 'ENOENT') return
      throw error
    }
    if (!isFolder) throw notAFolder(this.url)
  }

  #contains(path: string): boolean {
    return path === this.folder || path.startsWith(this.folder.endsWith(sep) ? this.folder : this.folder + sep)
  }

  /** A folder that is missing is not remembered, and opening through it finds nothing. */
  #checkFolder(folder: string, key: string): void {
    try {
      if (!this.#contains(realpathSync.native(join(this.folder, folder)))) throw outsideRoot(key, this.url)
      this.#inside.add(folder)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR' && errno !== 'ELOOP') throw systemFailure(error, 'read', key, this.url)
    }
  }

  /** Returns the first folder that had to be made. The nearest one that was there is checked before, so none is made outside. */
  #makeFolder(folder: string): string | undefined {
    for (let above = folder; ; above = folderOf(above)) {
      this.#checkFolder(above, folder)
      if (this.#inside.has(above) || above === '') break
    }
    if (this.#inside.has(folder)) return undefined
    const first = makeFolders(join(this.folder, folder))
    this.#checkFolder(folder, folder)
    return first
  }

  async #syncChain(folder: string, firstMade: string | undefined): Promise<void> {
    const names: string[] = [dirname(this.folder)]
    for (let below = folder; below !== ''; below = folderOf(below)) names.push(join(this.folder, folderOf(below)))
    // Where the root itself was made, the folders above it hold new names too.
    if (firstMade !== undefined && !firstMade.startsWith(this.folder + sep)) {
      for (let path = dirname(dirname(this.folder)); path.length >= dirname(firstMade).length; path = dirname(path)) {
        names.push(path)
        if (path === dirname(path)) break
      }
    }
    await Promise.all(names.map((name) => this.#syncs.sync(name)))
  }
}

/** Syncs of folders, shared: those asked for while one runs are served together by the next. */
class FolderSyncs {
  readonly #running = new Map<string, Promise<void>>()
  readonly #next = new Map<string, Promise<void>>()

  sync(path: string): Promise<void> {
    const next = this.#next.get(path)
    if (next !== undefined) return next
    const running = this.#running.get(path)
    if (running === undefined) return this.#start(path)
    const queued = running.then(
      () => this.#startNext(path),
      () => this.#startNext(path),
    )
    this.#next.set(path, queued)
    return queued
  }

  #startNext(path: string): Promise<void> {
    this.#next.delete(path)
    return this.#start(path)
  }

  #start(path: string): Promise<void> {
    const started = syncPath(path).finally(() => {
      if (this.#running.get(path) === started) this.#running.delete(path)
    })
    this.#running.set(path, started)
    return started
  }
}

/** Puts an open file or folder on stable storage, off the main thread. */
export function syncDescriptor(descriptor: number): Promise<void> {
  return new Promise((done, fail) => fsync(descriptor, (error) => (error ? fail(error) : done())))
}

/** A folder that may not be read is not one that was made here, and some file systems sync no folders: their names are safe without. */
async function syncPath(path: string): Promise<void> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    await syncDescriptor(descriptor)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined || !unsyncable.has(errno)) throw error
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Makes a folder and those above it, and returns the first that was made. (Node's own `recursive` hides why it failed.) */
function makeFolders(path: string): string | undefined {
  try {
    mkdirSync(path)
    return path
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return undefined
    if (errno !== 'ENOENT' || dirname(path) === path) throw error
    const first = makeFolders(dirname(path))
    return makeFolders(path) === undefined ? undefined : (first ?? path)
  }
}

/** The folder with its links resolved; parts that are not there yet stay as they are. */
function realFolder(folder: string): string {
  try {
    return realpathSync.native(folder)
  } catch (error) {
    const errno = errnoOf(error)
    if ((errno === 'ENOENT' || errno === 'ENOTDIR') && dirname(folder) !== folder) {
      return join(realFolder(dirname(folder)), folder.slice(dirname(folder).length).replace(/^[/\\]/, ''))
    }
    throw systemFailure(error, 'read', '', pathToFileURL(folder).href)
  }
}
