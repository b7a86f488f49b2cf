/**
 * Reading files of a local store. Small ones are read synchronously (some 20 microseconds, a fifth of the promise form); large ones
 * in pieces off the main thread. A file is opened without following a link in its last part, and without waiting on a pipe.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, read, readSync, type Stats, statSync } from 'node:fs'
import { checkAborted, checkMatch, corrupt, errnoOf, notFound } from '../failures.ts'
import type { Bytes, Meta, ReadOptions } from '../object-store.ts'
import type { LocalRoot } from './root.ts'
import { metaOf } from './write.ts'

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const smallBytes = 256 * 1024
const pieceBytes = 8 << 20

/** Which bytes to read, given the size. */
export type Range = (size: number) => { start: number; end: number }

/** Reads a range of a file and what the store says of it. */
export async function readFile(root: LocalRoot, key: string, range: Range, options: ReadOptions): Promise<{ bytes: Bytes; meta: Meta }> {
  checkAborted(options.signal, 'Reading', key)
  const descriptor = openFile(root, key)
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) throw missing(root, key)
    const meta = metaOf(stat)
    checkMatch(key, meta.etag, options.ifMatch)
    const { start, end } = range(stat.size)
    const bytes = new Uint8Array(end - start)
    const done =
      bytes.length <= smallBytes ? readSmall(descriptor, bytes, start) : await readLarge(descriptor, bytes, start, key, options.signal)
    if (done < bytes.length) throw corrupt(key, root.url, `it ended ${bytes.length - done} bytes early`)
    return { bytes, meta }
  } finally {
    closeSync(descriptor)
  }
}

/** What the disk says of the file under a key, links resolved; `undefined` where there is none. */
export function statFile(root: LocalRoot, key: string): Stats | undefined {
  const path = root.path(key)
  const stat = statPath(path)
  if (stat?.isSymbolicLink()) return fileOrNothing(statLink(root, key))
  return fileOrNothing(stat)
}

/** The path to open for a key: its own, or where it is a link, what it leads to inside the root. */
export function pathOfFile(root: LocalRoot, key: string): string {
  const path = root.path(key)
  const stat = statPath(path)
  if (stat?.isFile()) return path
  if (!stat?.isSymbolicLink() || fileOrNothing(statLink(root, key)) === undefined) throw missing(root, key)
  return root.inside(key)
}

function openFile(root: LocalRoot, key: string): number {
  const path = root.path(key)
  try {
    return openSync(path, flags)
  } catch (error) {
    const errno = errnoOf(error)
    // ELOOP is how an open says that the last part is a link.
    if (errno === 'ELOOP' || errno === 'EMLINK') return openSync(root.inside(key), flags)
    if (errno === 'ENOTDIR' || errno === 'ENXIO') throw missing(root, key, error)
    throw error
  }
}

function statPath(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function statLink(root: LocalRoot, key: string): Stats | undefined {
  try {
    return statSync(root.inside(key))
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ELOOP' || errno === 'ENOTDIR') return undefined
    throw error
  }
}

/** No object, unless it is the root itself that is none. */
function missing(root: LocalRoot, key: string, cause?: unknown): Error {
  root.checkIsFolder()
  return notFound(key, root.url, cause)
}

function fileOrNothing(stat: Stats | undefined): Stats | undefined {
  return stat?.isFile() ? stat : undefined
}

function readSmall(descriptor: number, bytes: Uint8Array, position: number): number {
  let done = 0
  while (done < bytes.length) {
    const count = readSync(descriptor, bytes, done, bytes.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

async function readLarge(
  descriptor: number,
  bytes: Uint8Array,
  position: number,
  key: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  let done = 0
  while (done < bytes.length) {
    checkAborted(signal, 'Reading', key)
    const start = done
    const count = await new Promise<number>((resolve, reject) => {
      const length = Math.min(pieceBytes, bytes.length - start)
      read(descriptor, bytes, start, length, position + start, (error, bytesRead) => (error ? reject(error) : resolve(bytesRead)))
    })
    if (count === 0) break
    done += count
  }
  return done
}
