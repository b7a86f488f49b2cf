/**
 * A folder on a local disk as a store. Linux and macOS.
 *
 * - `putIfAbsent` is a hard link, which never overwrites and never shows half a file (Node's rename replaces, and an exclusive open
 *   shows half a file). On a file system that is not known to have safe ones it is tried before the first write.
 * - A write has synced the file before its name appears, and the folder after, together with the folders made for it.
 * - A root that is missing is an empty store; the first write makes it.
 * - What a body takes on its way is in `write.ts`, links out of the root in `root.ts`.
 */

import { randomUUID } from 'node:crypto'
import { closeSync, linkSync, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { checkAborted, checkRange, errnoOf, systemFailure, unsafeStore } from '../failures.ts'
import { checkKey, invalidKey } from '../keys.ts'
import type {
  Body,
  Bytes,
  Entry,
  ListOptions,
  Meta,
  ObjectStore,
  Pinned,
  PutOutcome,
  ReadOptions,
  Staging,
  WriteOptions,
} from '../object-store.ts'
import { listFiles, stagingFolder } from './list.ts'
import { pathOfFile, type Range, readFile, statFile } from './read.ts'
import { LocalRoot } from './root.ts'
import { removeAbandoned } from './staging.ts'
import { createFile, type Link, metaOf, replaceFile, temporaryPrefix } from './write.ts'

/** Options of {@link localStore}. */
export interface LocalStoreOptions {
  /** Stands in for the system's hard link, so that a file system without them can be tried. With it nothing is known to be safe. */
  readonly link?: Link
  /**
   * Folders outside the root from which files may be read that a log names by absolute path, as that of a shallow clone does.
   * Default: none.
   */
  readonly allowPaths?: readonly string[]
  /**
   * Gives more such folders, by the store's root, from what lies there: those of tables that agreed to be read. It is asked when a log first
   * names a file outside. Default: none.
   */
  readonly consented?: (root: string) => readonly string[]
}

/** A store over a folder, which need not be there yet. @throws StoreDeniedError when the way to it may not be read. */
export function localStore(folder: string, options: LocalStoreOptions = {}): ObjectStore {
  const root = new LocalRoot(folder)
  const folders = () => [...(options.allowPaths ?? []), ...(options.consented?.(root.url) ?? [])]
  return new LocalStore(root, options.link, () => folders().map((path) => new LocalStore(new LocalRoot(path), undefined, () => [])))
}

/** File systems of Linux whose hard links create atomically and only where there is nothing: their magic numbers. */
const safeFileSystems = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0xca451a4e, // bcachefs
])
const pauseEvery = 1024

class LocalStore implements ObjectStore {
  readonly kind = 'local'
  readonly #allowed: () => readonly ObjectStore[]
  #known: readonly ObjectStore[] | undefined
  readonly #root: LocalRoot
  readonly #rootBytes: number
  readonly #link: Link | undefined
  #safe = false

  constructor(root: LocalRoot, link: Link | undefined, allowed: () => readonly ObjectStore[]) {
    this.#root = root
    this.#allowed = allowed
    this.#rootBytes = Buffer.byteLength(root.folder) + 1
    this.#link = link
  }

  get root(): string {
    return this.#root.url
  }

  get allowed(): readonly ObjectStore[] {
    this.#known ??= this.#allowed()
    return this.#known
  }

  get(key: string, options: ReadOptions = {}): Promise<{ bytes: Bytes; meta: Meta }> {
    return this.#read(key, (size) => ({ start: 0, end: size }), options)
  }

  async getRange(key: string, start: number, endExclusive: number, options: ReadOptions = {}): Promise<Bytes> {
    const range: Range = (size) => {
      checkRange(key, start, endExclusive, size)
      return { start, end: endExclusive }
    }
    return (await this.#read(key, range, options)).bytes
  }

  async getTail(key: string, count: number, options: ReadOptions = {}): Promise<Bytes> {
    const range: Range = (size) => {
      checkRange(key, 0, count, Number.POSITIVE_INFINITY)
      return { start: Math.max(0, size - count), end: size }
    }
    return (await this.#read(key, range, options)).bytes
  }

  async put(key: string, body: Body, options: WriteOptions = {}): Promise<Meta> {
    return this.#guard('write', key, () => {
      this.#beforeWrite()
      return replaceFile(this.#root, key, body, options)
    })
  }

  async putIfAbsent(key: string, body: Body, options: WriteOptions = {}): Promise<PutOutcome> {
    return this.#guard('write', key, () => {
      this.#beforeWrite()
      return createFile(this.#root, key, body, options, this.#link)
    })
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<Entry> {
    checkAborted(options.signal, 'Listing', prefix)
    try {
      yield* listFiles(this.#root, prefix, options)
    } catch (error) {
      throw this.#failure(error, 'list', prefix)
    }
  }

  async head(key: string, options: { signal?: AbortSignal | undefined } = {}): Promise<Meta | undefined> {
    return this.#guard('read', key, () => {
      checkAborted(options.signal, 'Reading', key)
      const stat = statFile(this.#root, key)
      if (stat === undefined) this.#root.checkIsFolder()
      return stat === undefined ? undefined : metaOf(stat)
    })
  }

  async delete(keys: readonly string[]): Promise<{ key: string; error?: unknown }[]> {
    const results: { key: string; error?: unknown }[] = []
    for (const key of keys) {
      if (results.length % pauseEvery === pauseEvery - 1) await setImmediate()
      results.push(
        await this.#guard('delete', key, () => this.#delete(key)).then(
          () => ({ key }),
          (error: unknown) => ({ key, error }),
        ),
      )
    }
    return results
  }

  async materialise(keys: readonly string[], options: { signal?: AbortSignal | undefined } = {}): Promise<Pinned> {
    const paths: string[] = []
    for (const key of keys) {
      if (paths.length % pauseEvery === 0) {
        checkAborted(options.signal, 'Reading', key)
        if (paths.length > 0) await setImmediate()
      }
      paths.push(await this.#guard('read', key, () => pathOfFile(this.#root, key)))
    }
    return { paths, release: async () => {} }
  }

  async stage(): Promise<Staging> {
    const id = randomUUID()
    return this.#guard(
      'write',
      `${stagingFolder}/${id}`,
      async () => {
        this.#beforeWrite()
        const folder = join(this.#root.folder, stagingFolder, id)
        this.#root.prepareFolder(stagingFolder, false)
        await removeAbandoned(dirname(folder))
        mkdirSync(folder, { recursive: true })
        return {
          folder,
          dispose: async () => {
            await rm(folder, { recursive: true, force: true })
            // The last to leave takes the folders with it; anything in them keeps them.
            for (const empty of [stagingFolder, dirname(stagingFolder)]) {
              try {
                rmdirSync(join(this.#root.folder, empty))
                this.#root.forget(empty)
              } catch {
                break
              }
            }
          },
        }
      },
      false,
    )
  }

  #read(key: string, range: Range, options: ReadOptions): Promise<{ bytes: Bytes; meta: Meta }> {
    return this.#guard('read', key, () => readFile(this.#root, key, range, options))
  }

  #delete(key: string): void {
    const path = this.#root.path(key)
    try {
      unlinkSync(path)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EISDIR') return
      // macOS says EPERM of a folder, which is no object.
      if (errno === 'EPERM' && statFile(this.#root, key) === undefined) return
      throw error
    }
  }

  /** Checks the key, runs, and gives failures of the system their meaning. */
  async #guard<T>(doing: 'read' | 'write' | 'delete', key: string, run: () => T | Promise<T>, check = true): Promise<T> {
    try {
      if (check) {
        checkKey(key, this.#rootBytes)
        if (key.startsWith(`${stagingFolder}/`) || key.includes(temporaryPrefix)) throw invalidKey(key, 'it belongs to bodies on their way')
      }
      return await run()
    } catch (error) {
      throw this.#failure(error, doing, key)
    }
  }

  #failure(error: unknown, doing: 'read' | 'write' | 'delete' | 'list', key: string): unknown {
    const errno = errnoOf(error)
    if (errno === undefined) return error
    if (errno === 'ENOTDIR' || errno === 'EEXIST' || errno === 'ENOENT') {
      try {
        this.#root.checkIsFolder()
      } catch (cause) {
        return errnoOf(cause) === undefined ? cause : systemFailure(cause, doing, key, this.root)
      }
    }
    return systemFailure(error, doing, key, this.root)
  }

  #beforeWrite(): void {
    if (this.#safe) return
    this.#root.checkIsFolder()
    if (this.#link !== undefined || !this.#isKnownSafe()) this.#tryLinks()
    this.#safe = true
  }

  #isKnownSafe(): boolean {
    return process.platform === 'linux' && safeFileSystems.has(this.#root.fileSystemType())
  }

  /** Creates a name twice: the first link must make it, the second must leave it as it is. Nothing is left behind. */
  #tryLinks(): void {
    this.#root.prepareFolder('', false)
    const name = join(this.#root.folder, `${temporaryPrefix}${randomUUID()}`)
    const link = this.#link ?? linkSync
    const names = [`${name}-1`, `${name}-2`, `${name}-3`] as const
    try {
      for (const taken of [names[0], names[1]]) closeSync(openSync(taken, 'wx'))
      const first = attempt(() => link(names[0], names[2]))
      if (first !== undefined) throw unsafeStore(this.root, 'it has no hard links', first)
      const second = attempt(() => link(names[1], names[2]))
      if (errnoOf(second) !== 'EEXIST' || lstatSync(names[2]).ino !== lstatSync(names[0]).ino) {
        throw unsafeStore(this.root, 'its hard links replace what is there', second)
      }
    } finally {
      for (const made of names) attempt(() => unlinkSync(made))
    }
  }
}

function attempt(run: () => void): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return error
  }
}
