/**
 * How a body gets under its name on a local disk: all of it or nothing, never over another where that is asked for, and on stable
 * storage before anyone sees it.
 *
 *   temporary file beside the target -> fsync -> (writes it must come after) -> link or rename -> fsync of the folder
 *
 * Opening, writing small bodies, linking and closing are synchronous calls: some microseconds each, a fifth of their promise forms.
 * The syncs, which take nearly all of the time, and large writes are done off the main thread. A temporary file's name starts with
 * `.`, so that no engine takes it for data.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkAborted, corrupt, errnoOf, systemFailure, unsafeStore } from '../failures.ts'
import { hashBytes, hashFile } from '../hash-file.ts'
import { folderOf, invalidKey } from '../keys.ts'
import type { Body, Meta, PutOutcome, WriteOptions } from '../object-store.ts'
import { type LocalRoot, syncDescriptor } from './root.ts'

/** How the names of temporary files start. */
export const temporaryPrefix = '.varve-tmp-'

/** Gives a file a second name, and fails with `EEXIST` where that is taken. Passed in, so that a file system without links can be tried. */
export type Link = (existing: string, name: string) => void

const smallBytes = 256 * 1024
const pieceBytes = 4 << 20
const noHardLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])

/** A body on the disk of its target, under a name that nobody looks at. */
interface Prepared {
  readonly path: string
  readonly stat: Stats
}

/** Stores a body under a name, replacing what is there. */
export async function replaceFile(root: LocalRoot, key: string, body: Body, options: WriteOptions): Promise<Meta> {
  const prepared = await prepare(root, key, body, options)
  try {
    renameSync(prepared.path, root.path(key))
  } catch (error) {
    discard(prepared.path, body)
    throw error
  }
  if (!(body instanceof Uint8Array) && body.path !== prepared.path) tryUnlink(body.path)
  if (options.durable !== false) await root.syncFolder(folderOf(key))
  return metaOf(prepared.stat)
}

/** Stores a body under a name that is not taken. */
export async function createFile(
  root: LocalRoot,
  key: string,
  body: Body,
  options: WriteOptions,
  link: Link = linkSync,
): Promise<PutOutcome> {
  const prepared = await prepare(root, key, body, options)
  try {
    link(prepared.path, root.path(key))
  } catch (error) {
    const outcome = linkFailure(error, join(root.folder, key), key, root, prepared)
    if (outcome !== 'created') {
      discard(prepared.path, body)
      if (outcome instanceof Error) throw outcome
      return outcome
    }
  }
  // The name is there: from here on, no failure means that nothing was stored.
  release(prepared.path, body)
  options.onStored?.()
  if (options.durable !== false) {
    try {
      await root.syncFolder(folderOf(key))
    } catch (cause) {
      return { outcome: 'unknown', cause }
    }
  }
  return { outcome: 'created', meta: metaOf(prepared.stat) }
}

/** What a store says of a file. The inode is part of the token, since a file that replaces another may have its size and time. */
export function metaOf(stat: Stats): Meta {
  const micros = Math.round(stat.mtimeMs * 1000)
  // Other engines cut a commit's time to the millisecond, where Node's own Date of a file rounds it. What lies below a microsecond is
  // mostly what a tool that set the time lost in a double.
  const modified = new Date(Math.floor(micros / 1000))
  return { size: stat.size, modified, etag: `${stat.ino.toString(36)}-${stat.size.toString(36)}-${micros.toString(36)}` }
}

async function prepare(root: LocalRoot, key: string, body: Body, options: WriteOptions): Promise<Prepared> {
  checkAborted(options.signal, 'Writing', key)
  try {
    return await prepareOnce(root, key, body, options)
  } catch (error) {
    // Somebody removed the folder that was there a moment ago: it is made again.
    if (errnoOf(error) !== 'ENOENT') throw error
    root.forget(folderOf(key))
    return prepareOnce(root, key, body, options)
  }
}

async function prepareOnce(root: LocalRoot, key: string, body: Body, options: WriteOptions): Promise<Prepared> {
  const folderReady = root.prepareFolder(folderOf(key), options.durable !== false)
  // Handled below; this keeps an early failure from counting as unhandled while the body is written.
  folderReady?.catch(() => {})
  options.after?.catch(() => {})
  const prepared = body instanceof Uint8Array ? await fromBytes(root, key, body, options) : await fromFile(root, key, body, options)
  try {
    await folderReady
    await options.after
    checkAborted(options.signal, 'Writing', key)
  } catch (error) {
    discard(prepared.path, body)
    throw error
  }
  return prepared
}

async function fromBytes(root: LocalRoot, key: string, bytes: Uint8Array, options: WriteOptions): Promise<Prepared> {
  if (options.sha256 !== undefined && hashBytes(bytes) !== options.sha256)
    throw corrupt(key, root.url, 'the body to store has another SHA-256')
  const { path, descriptor } = openTemporary(root, folderOf(key))
  try {
    if (bytes.length <= smallBytes) writeAll(descriptor, bytes)
    else await writeInPieces(descriptor, bytes, key, options.signal)
    const stat = fstatSync(descriptor)
    if (options.durable !== false) await syncDescriptor(descriptor)
    return { path, stat }
  } catch (error) {
    tryUnlink(path)
    throw error
  } finally {
    closeSync(descriptor)
  }
}

async function fromFile(root: LocalRoot, key: string, body: { path: string; size: number }, options: WriteOptions): Promise<Prepared> {
  const descriptor = openHandedOver(body.path)
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) throw invalidKey(body.path, 'only a plain file can be handed over')
    if (stat.size !== body.size) throw corrupt(key, root.url, `the file to store has ${stat.size} bytes, not ${body.size}`)
    if (options.sha256 !== undefined && (await hashFile(body.path)).sha256 !== options.sha256) {
      throw corrupt(key, root.url, 'the file to store has another SHA-256')
    }
    if (stat.dev !== lstatSync(join(root.folder, folderOf(key))).dev) return await fromOtherDisk(root, key, body, options)
    if (options.durable !== false) await syncDescriptor(descriptor)
    return { path: body.path, stat }
  } finally {
    closeSync(descriptor)
  }
}

/** A name cannot be given across file systems, so the bytes are copied beside the target; the original goes once they are there. */
async function fromOtherDisk(root: LocalRoot, key: string, body: { path: string; size: number }, options: WriteOptions): Promise<Prepared> {
  const { path, descriptor } = openTemporary(root, folderOf(key))
  try {
    await copyFile(body.path, path)
    const stat = fstatSync(descriptor)
    if (stat.size !== body.size) throw corrupt(key, root.url, `${stat.size} bytes were copied, not ${body.size}`)
    if (options.durable !== false) await syncDescriptor(descriptor)
    return { path, stat }
  } catch (error) {
    tryUnlink(path)
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function openHandedOver(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    throw systemFailure(error, 'read', basename(path), pathToFileURL(dirname(path)).href)
  }
}

function openTemporary(root: LocalRoot, folder: string): { path: string; descriptor: number } {
  const path = join(root.folderPath(folder), temporaryPrefix + randomUUID())
  return { path, descriptor: openSync(path, 'wx') }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done, bytes.length - done, done)
}

async function writeInPieces(descriptor: number, bytes: Uint8Array, key: string, signal: AbortSignal | undefined): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    checkAborted(signal, 'Writing', key)
    const start = done
    done += await new Promise<number>((resolve, reject) => {
      const length = Math.min(pieceBytes, bytes.length - start)
      write(descriptor, bytes, start, length, start, (error, written) => (error ? reject(error) : resolve(written)))
    })
  }
}

/** What a failed link means. The name may be there through this very call: a network file system can lose the answer and ask again. */
function linkFailure(error: unknown, path: string, key: string, root: LocalRoot, prepared: Prepared): PutOutcome | 'created' | Error {
  const errno = errnoOf(error)
  if (errno !== undefined && noHardLinks.has(errno)) return unsafeStore(root.url, `it has no hard links (${errno})`, error)
  if (errno !== 'EEXIST') return systemFailure(error, 'write', key, root.url)
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there === undefined) return { outcome: 'exists' }
  if (there.isDirectory()) return systemFailure(error, 'write', key, root.url)
  if (there.ino === prepared.stat.ino && there.dev === prepared.stat.dev) return 'created'
  return { outcome: 'exists', meta: metaOf(there) }
}

/** Removes what was prepared, unless it is the caller's own file. */
function discard(path: string, body: Body): void {
  if (body instanceof Uint8Array || body.path !== path) tryUnlink(path)
}

/** Removes the name under which a body was prepared, and the file that was handed over. */
function release(path: string, body: Body): void {
  tryUnlink(path)
  if (!(body instanceof Uint8Array) && body.path !== path) tryUnlink(body.path)
}

/** A temporary name that stays does no harm, and the reason it stays has been or will be met elsewhere. */
function tryUnlink(path: string): void {
  try {
    unlinkSync(path)
  } catch {}
}
