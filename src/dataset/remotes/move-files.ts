/**
 * Files of a table from one store to another: each whole, under the same key, with the bytes that were written, or not at all.
 *
 *   there already? ─ by name, length and hash ─ skipped
 *        │ no
 *   read ─ length and SHA-256 as the log has them ─ put-if-absent ─ the store checks the hash of what arrived
 *
 * - What arrives was compared with the hash that the log, or a record, has; where none is known, with that of what was read. A file that is
 *   not what was written is never passed on: the error names it.
 * - Small files go through memory, large ones through a file that is prepared at the target and handed over. Nothing is ever seen half.
 * - A name that is taken by other bytes is an error, and stays as it is: data files have names that nobody else gives.
 * - All is on stable storage before the caller goes on: many files on a local disk together, others one by one.
 * - What a run that was interrupted has moved is there for the next one, which hashes it and goes on.
 */
import { copyFile, constants as fsConstants, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { readVectorBytes } from '../../data/vectors/read-vector.ts'
import { AbortedError, DataFileError, ObjectCorruptError, ObjectNotFoundError, UnknownOutcomeError } from '../../errors/index.ts'
import { systemFailure } from '../../storage/failures.ts'
import { hashBytes, hashFile, type ObjectStore, type PutOutcome, type Staging } from '../../storage/index.ts'
import type { FileToMove } from './files-to-move.ts'
import { inParallel } from './in-parallel.ts'
import { isDurableTogether, makeDurable } from './make-durable.ts'
import { corruptFile, differingFile, missingFiles } from './move-errors.ts'

/** How far a push or a pull is. */
export interface MoveProgress {
  readonly files: number
  readonly of: number
  /** Bytes moved so far. */
  readonly bytes: number
}

/** What was moved. */
export interface Moved {
  files: number
  bytes: number
  /** Files that were there already. */
  skipped: number
  /** Files among `files` that came from nearer: none of their bytes are counted. */
  near: number
}

/** Files that lie nearer than where they come from, by their hash. */
export interface FileSource {
  /** The bytes of a small file, checked; `undefined`: they are not there. Left out where files have to be placed. */
  readonly read?: ((sha256: string) => Uint8Array | undefined) | undefined
  /** Puts a file at a path, and checks it. `false`: it is not there. */
  place(sha256: string, path: string): Promise<boolean>
  /** Keeps a file for later. */
  keep(sha256: string, path: string): Promise<unknown>
}

/** Where files come from and go to. */
export interface MoveOptions {
  readonly from: ObjectStore
  readonly to: ObjectStore
  /** Whether the target's own log names a file: what lies there was checked when it came. Default: those that were there before the commits. */
  readonly isNamedThere?: ((file: FileToMove) => boolean) | undefined
  /** Hashes of files of which the log has none. */
  readonly hashOf?: ((file: FileToMove) => string | undefined) | undefined
  readonly near?: FileSource | undefined
  readonly moved: Moved
  readonly onFile: () => void
  /** Called with each file that was there already. */
  readonly onFound?: ((file: FileToMove) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Files that are on their way together. */
const atOnce = 16

/** Up to this length a file goes through memory. */
const smallBytes = 1 << 20

/** How often a put of which nobody knows whether it landed is tried, and a file that was read wrong is read. */
const tries = 4

/**
 * Moves files. @throws DataFileError DATA_FILE_MISSING naming those that are gone; DATA_FILE_CORRUPT, VECTOR_CORRUPT for one that is not what
 * was written; DATA_FILE_DIFFERS for a name that is taken; UnknownOutcomeError; AbortedError; storage errors
 */
export async function moveFiles(files: readonly FileToMove[], options: MoveOptions): Promise<void> {
  if (files.length === 0) return
  const { from, signal } = options
  const work = new Move(options, isDurableTogether(options.to, files.length))
  const missing: string[] = []
  try {
    await inParallel(files, atOnce, async (file) => {
      if (signal?.aborted) throw new AbortedError('Moving files', signal.reason)
      try {
        await work.one(file)
      } catch (error) {
        // The others are worth having for the next run, and all that are gone are to be named.
        if (!isGone(error, file.key)) throw error
        missing.push(file.key)
      }
      options.onFile()
    })
  } finally {
    await work.end()
  }
  await work.settle()
  if (missing.length > 0) throw missingFiles(from, missing.sort())
}

/** Counts files as they arrive, for whoever wants to hear of it. */
export function progressOf(moved: Moved, of: number, onProgress: ((done: MoveProgress) => void) | undefined): () => void {
  let files = 0
  return () => {
    files += 1
    onProgress?.({ files, of, bytes: moved.bytes })
  }
}

class Move {
  readonly #options: MoveOptions
  /** Files that are made durable when all are there. */
  readonly #unsynced: string[] = []
  readonly #together: boolean
  #staging: Promise<Staging> | undefined

  constructor(options: MoveOptions, together: boolean) {
    this.#options = options
    this.#together = together
  }

  /** Makes all durable that is not yet. */
  settle(): Promise<void> {
    return makeDurable(this.#options.to, this.#unsynced)
  }

  async one(file: FileToMove): Promise<void> {
    const { from, to, moved, isNamedThere, hashOf, signal } = this.#options
    const known = file.sha256 ?? hashOf?.(file)
    const there = await to.head(file.key, { signal })
    if (there !== undefined) {
      const fits = file.size === undefined || there.size === file.size
      if (fits && (isNamedThere ? isNamedThere(file) : file.wasThere)) this.#found(file)
      else await this.#compare(file, known)
      return
    }
    if (known !== undefined && (await this.#near(file, known))) {
      moved.files += 1
      moved.near += 1
      return
    }
    for (const { descriptor, path } of file.vectors) await readVectorBytes(from, descriptor, { path, version: file.version, signal })
    const size = file.size ?? (await from.head(file.key, { signal }))?.size ?? 0
    const bytes = size <= smallBytes ? await this.#small(file, known) : await this.#large(file, size, known)
    if (bytes === undefined) {
      await this.#compare(file, known)
      return
    }
    moved.files += 1
    moved.bytes += bytes
    if (known !== undefined) await this.#keep(file.key, known)
  }

  async end(): Promise<void> {
    const staging = await this.#staging?.catch(() => undefined)
    await staging?.dispose()
  }

  /** Whether a file could be had from nearer. */
  async #near({ key, size }: FileToMove, sha256: string): Promise<boolean> {
    const { to, near, signal } = this.#options
    if (near === undefined || size === undefined) return false
    if (near.read !== undefined && size <= smallBytes) {
      const bytes = near.read(sha256)
      return bytes !== undefined && (await this.#putBytes(key, bytes, sha256)) === 'created'
    }
    const path = await this.#stagedPath()
    try {
      if (!(await near.place(sha256, path))) return false
      return (await this.#put(key, () => to.putIfAbsent(key, { path, size }, { signal, durable: !this.#together }))) === 'created'
    } catch (error) {
      // It is damaged or too short there: the way it was meant to come is left.
      if (error instanceof ObjectCorruptError) return false
      throw systemFailure(error, 'write', key, to.root)
    } finally {
      await rm(path, { force: true })
    }
  }

  async #keep(key: string, sha256: string): Promise<void> {
    const { to, near, signal } = this.#options
    if (near === undefined) return
    const pinned = await to.materialise([key], { signal })
    try {
      await near.keep(sha256, pinned.paths[0]!)
    } finally {
      await pinned.release()
    }
  }

  async #stagedPath(): Promise<string> {
    this.#staging ??= this.#options.to.stage()
    return join((await this.#staging).folder, uuid())
  }

  /** @returns the bytes that were moved; `undefined` where another had the name first */
  async #small(file: FileToMove, known: string | undefined): Promise<number | undefined> {
    const { from, signal } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      const { bytes } = await from.get(file.key, { signal })
      const sha256 = hashBytes(bytes)
      if ((file.size !== undefined && bytes.length !== file.size) || sha256 !== (known ?? sha256)) {
        // A wrong byte may come from the way here.
        if (attempt < tries && from.kind !== 'local') continue
        throw corruptFile(from, file, bytes.length, sha256, known)
      }
      const outcome = await this.#putBytes(file.key, bytes, sha256)
      return outcome === 'created' ? bytes.length : undefined
    }
  }

  async #large(file: FileToMove, size: number, known: string | undefined): Promise<number | undefined> {
    const { from, to, signal } = this.#options
    const pinned = await from.materialise([file.key], { signal })
    const path = await this.#stagedPath()
    try {
      const source = pinned.paths[0]!
      const sha256 = known ?? (await hashOfPath(from, file.key, source)).sha256
      const outcome = await this.#put(file.key, async () => {
        await copyFile(source, path, fsConstants.COPYFILE_FICLONE).catch((error: NodeJS.ErrnoException) => {
          throw error.code === 'ENOENT'
            ? systemFailure(error, 'read', file.key, from.root)
            : systemFailure(error, 'write', file.key, to.root)
        })
        return to.putIfAbsent(file.key, { path, size }, { signal, sha256, durable: !this.#together })
      })
      return outcome === 'created' ? size : undefined
    } catch (error) {
      if (!(error instanceof ObjectCorruptError)) throw error
      // The store found other bytes in the copy than there should be: whose fault that is, the original tells.
      const read = await hashOfPath(from, file.key, pinned.paths[0]!)
      if (read.size === size && read.sha256 === (known ?? read.sha256)) throw error
      throw corruptFile(from, file, read.size, read.sha256, known)
    } finally {
      await rm(path, { force: true })
      await pinned.release()
    }
  }

  #putBytes(key: string, bytes: Uint8Array, sha256: string): Promise<'created' | 'exists'> {
    const { to, signal } = this.#options
    return this.#put(key, () => to.putIfAbsent(key, bytes, { signal, durable: !this.#together, ...checkOf(to, sha256) }))
  }

  /** Puts until it is known whether the name is ours. A name found taken after an unknown outcome may be ours as well: its bytes tell. */
  async #put(key: string, put: () => Promise<PutOutcome>): Promise<'created' | 'exists'> {
    let cause: unknown
    for (let attempt = 0; attempt < tries; attempt += 1) {
      const result = await put()
      if (this.#together && result.outcome === 'created') this.#unsynced.push(key)
      if (result.outcome !== 'unknown') return result.outcome
      cause = result.cause
    }
    throw new UnknownOutcomeError('RECORD_UNKNOWN', `It could not be found out whether ${key} arrived at ${this.#options.to.root}.`, {
      remedy: 'Run it again: what has arrived is not moved again.',
      data: { root: this.#options.to.root, file: key },
      cause,
    })
  }

  /** Makes sure that what lies at the target is the file. @throws DataFileError DATA_FILE_DIFFERS */
  async #compare(file: FileToMove, known: string | undefined): Promise<void> {
    const { from, to, signal } = this.#options
    const expected = known ?? (await hashIn(from, file.key, signal))
    const found = await hashIn(to, file.key, signal)
    if (found.sha256 !== (typeof expected === 'string' ? expected : expected.sha256)) throw differingFile(to, file.key)
    // What an interrupted run left may not be on the disk yet.
    if (to.kind === 'local') this.#unsynced.push(file.key)
    this.#found(file)
  }

  #found(file: FileToMove): void {
    this.#options.moved.skipped += 1
    this.#options.onFound?.(file)
  }
}

/** The hash of a file where it lies. */
async function hashIn(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<{ size: number; sha256: string }> {
  const pinned = await store.materialise([key], { signal })
  try {
    return await hashOfPath(store, key, pinned.paths[0]!)
  } finally {
    await pinned.release()
  }
}

async function hashOfPath({ root }: ObjectStore, key: string, path: string): Promise<{ size: number; sha256: string }> {
  try {
    return await hashFile(path)
  } catch (error) {
    throw systemFailure(error, 'read', key, root)
  }
}

/** A local disk is handed the very bytes that were hashed; any other store is told what must arrive. */
function checkOf({ kind }: ObjectStore, sha256: string): { readonly sha256?: string } {
  return kind === 'local' ? {} : { sha256 }
}

function isGone(error: unknown, key: string): boolean {
  if (error instanceof ObjectNotFoundError) return error.data.key === key
  return error instanceof DataFileError && error.code === 'DATA_FILE_MISSING'
}
