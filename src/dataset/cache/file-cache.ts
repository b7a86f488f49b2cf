/**
 * The cache of a machine: files that the projects of a user have in common, each once, under the SHA-256 of its bytes.
 *
 *   $XDG_CACHE_HOME/varve, or ~/.cache/varve
 *     files/5f/2c…               a file, for reading only; `5f2c…` is its SHA-256
 *     versions/<id>.json         which files a version has that was pinned or pulled (known-projects.ts)
 *     projects/<hash>.json       a folder that has pins (known-projects.ts)
 *     begun/                     files that are still being written
 *
 * Nothing here is believed: a file is hashed when it is taken, and one that is not what it should be is thrown away. So nothing here has to be on
 * stable storage either, and losing all of it costs only time.
 */
import { readFileSync, rmSync } from 'node:fs'
import { chmod, constants, copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { v4 as uuid } from 'uuid'
import { hashBytes, hashFile } from '../../storage/index.ts'

/** How a file of the cache becomes one of a table, and the other way round. */
export interface ShareOptions {
  /**
   * Both share their bytes where they are on one file system (a hard link, for reading only), so that they are stored once. Whoever writes into one
   * by force damages the other, which verify finds. Default `false`: a reflink where the file system has them, else a copy.
   */
  readonly link?: boolean | undefined
}

/** A cache of files by their SHA-256, in lower-case hex. */
export class FileCache {
  /** Absolute. */
  readonly folder: string
  readonly #made = new Set<string>()

  constructor(folder: string) {
    this.folder = resolve(folder)
  }

  /** Whether a file is here, without a look into it. */
  async has(sha256: string): Promise<boolean> {
    return (await orUndefined(stat(this.pathOf(sha256)))) !== undefined
  }

  /**
   * The bytes of a small file, which are had sooner so than by {@link place}. `undefined` where the cache does not have it, or had something else under
   * its hash.
   */
  read(sha256: string): Uint8Array | undefined {
    const file = this.pathOf(sha256)
    try {
      const bytes = readFileSync(file)
      if (hashBytes(bytes) === sha256) return bytes
      rmSync(file, { force: true })
    } catch (error) {
      // What cannot be read here is fetched from elsewhere.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
    return undefined
  }

  /**
   * Puts a file at a path that is free, in a folder that is there, and checks its hash. It is not put on stable storage, which is up to the caller.
   * @returns `false` where the cache does not have it, or had something else under its hash; then nothing is there.
   * @throws the system's error where the target cannot be written
   */
  async place(sha256: string, target: string, options: ShareOptions = {}): Promise<boolean> {
    const file = this.pathOf(sha256)
    if ((await orUndefined(stat(file))) === undefined) return false
    if (!(await this.#put(file, target, options))) return false
    const found = await hashFile(target)
    if (found.sha256 === sha256) return true
    await rm(target, { force: true })
    await rm(file, { force: true })
    return false
  }

  /**
   * Keeps a copy of a file whose hash the caller knows. @returns `false` where it could not be kept (no space, a folder that may not be written); a cache
   * that cannot be written to is no failure of what uses it.
   */
  async keep(sha256: string, path: string, options: ShareOptions = {}): Promise<boolean> {
    const file = this.pathOf(sha256)
    if (await this.has(sha256)) return true
    const begun = join(this.folder, 'begun', uuid())
    try {
      for (const folder of [dirname(begun), dirname(file)]) {
        if (!this.#made.has(folder)) await mkdir(folder, { recursive: true })
        this.#made.add(folder)
      }
      if (!options.link || !(await linked(path, begun))) await copyFile(path, begun, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
      await chmod(begun, 0o444 & ~process.umask())
      await rename(begun, file)
      return true
    } catch (error) {
      await orUndefined(rm(begun, { force: true }))
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      return false
    }
  }

  /** Deletes a file, where it is here. @returns whether it was @throws the system's error where it cannot be deleted */
  async remove(sha256: string): Promise<boolean> {
    if (!(await this.has(sha256))) return false
    await rm(this.pathOf(sha256), { force: true })
    return true
  }

  /** The path of a file in the cache, whether it is here or not. */
  pathOf(sha256: string): string {
    return join(this.folder, 'files', sha256.slice(0, 2), sha256.slice(2))
  }

  /** @returns `false` where the file is gone from the cache meanwhile. */
  async #put(file: string, target: string, options: ShareOptions): Promise<boolean> {
    try {
      if (options.link && (await linked(file, target))) return true
      await copyFile(file, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
      await chmod(target, 0o666 & ~process.umask())
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !(await this.#isThere(file))) return false
      throw error
    }
  }

  async #isThere(file: string): Promise<boolean> {
    return (await orUndefined(stat(file))) !== undefined
  }
}

/** The cache of this machine's user. `env` is where `XDG_CACHE_HOME` is looked up, which counts only where it is absolute. */
export function machineCache(env: Readonly<Record<string, string | undefined>> = process.env): FileCache {
  const { XDG_CACHE_HOME: given = '' } = env
  return new FileCache(join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'varve'))
}

/** A cache that shares its files with tables as the options say; it gives bytes only where they need not be shared. */
export function sharing(cache: FileCache, options: ShareOptions): Pick<FileCache, 'place' | 'keep'> & Partial<Pick<FileCache, 'read'>> {
  return {
    ...(options.link ? {} : { read: (sha256) => cache.read(sha256) }),
    place: (sha256, target) => cache.place(sha256, target, options),
    keep: (sha256, path) => cache.keep(sha256, path, options),
  }
}

/** The same for a table that no pin names: what lies in the cache is taken from it, and nothing is kept there. */
export function nearby(cache: FileCache, options: ShareOptions): ReturnType<typeof sharing> {
  return { ...sharing(cache, options), keep: async () => false }
}

/** `false` where the two are on two file systems, or the file system has no links. */
async function linked(file: string, target: string): Promise<boolean> {
  try {
    await link(file, target)
    return true
  } catch (error) {
    if (['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch {
    return undefined
  }
}
