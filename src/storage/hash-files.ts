/**
 * SHA-256 of many local files, on all cores: a hash is bound by the processor, so what is large is shared out among threads. Little is
 * hashed where it is asked for, since a thread takes longer to start.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { AbortedError } from '../errors/index.ts'
import { hashFile } from './hash-file.ts'

/** Length and hash of a file, or why it could not be read. */
export type HashedFile = { readonly size: number; readonly sha256: string } | { readonly error: unknown }

/** From so many bytes on threads are worth their start. */
const threadsFrom = 64 << 20

const mostThreads = 8

/** How files are hashed. */
export interface HashFilesOptions {
  /** Called with each file that is done. */
  readonly done?: ((place: number) => void) | undefined
  /** At most so many threads. Default: one a core, and few in all. */
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a thread runs: a path comes, its length and hash go. */
const script = `
const { parentPort } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const { closeSync, openSync, readSync } = require('node:fs')
const piece = Buffer.allocUnsafeSlow(1 << 20)
parentPort.on('message', (path) => {
  try {
    const file = openSync(path, 'r')
    try {
      const hash = createHash('sha256')
      let size = 0
      for (let read; (read = readSync(file, piece, 0, piece.length, size)) > 0; size += read) hash.update(piece.subarray(0, read))
      parentPort.postMessage({ size, sha256: hash.digest('hex') })
    } finally {
      closeSync(file)
    }
  } catch (error) {
    parentPort.postMessage({ failed: { code: error.code, message: error.message } })
  }
})`

/**
 * Hashes files, in their order. `bytes`: about how many there are in all. A file that cannot be read is no failure of the others.
 * @throws AbortedError, without waiting for what is being hashed
 */
export async function hashFiles(paths: readonly string[], bytes: number, options: HashFilesOptions = {}): Promise<HashedFile[]> {
  const { done, signal, threads: most = mostThreads } = options
  const found: HashedFile[] = new Array(paths.length)
  let next = 0
  const work = async (hash: (path: string) => Promise<HashedFile>) => {
    for (let place = next++; place < paths.length; place = next++) {
      if (signal?.aborted) throw new AbortedError('Hashing files', signal.reason)
      found[place] = await hash(paths[place]!)
      done?.(place)
    }
  }
  if (bytes < threadsFrom) {
    await work((path) => hashFile(path).catch((error: unknown) => ({ error })))
    return found
  }
  const threads = Array.from({ length: Math.min(most, availableParallelism(), paths.length) }, () => new Worker(script, { eval: true }))
  try {
    await untilAborted(Promise.all(threads.map((thread) => work((path) => hashIn(thread, path)))), signal)
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
  return found
}

/** Threads that are ended answer no more, so nobody must wait for them. */
function untilAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(new AbortedError('Hashing files', signal.reason))
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

/** What a thread answers. */
type Answer = { readonly size: number; readonly sha256: string } | { readonly failed: { readonly code: unknown; readonly message: string } }

function hashIn(thread: Worker, path: string): Promise<HashedFile> {
  return new Promise((resolve, reject) => {
    thread.once('error', reject)
    thread.once('message', (answer: Answer) => {
      thread.off('error', reject)
      // What is sent between threads loses the code of an error.
      resolve('failed' in answer ? { error: Object.assign(new Error(answer.failed.message), { code: answer.failed.code }) } : answer)
    })
    thread.postMessage(path)
  })
}
