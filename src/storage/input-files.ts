/** Files and streams that users name as input. They lie outside any table, so no store is asked for them. */
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { AbortedError } from '../errors/index.ts'
import { errnoOf, systemFailure } from './failures.ts'
import type { Staging } from './object-store.ts'
import { scratchFolder } from './scratch.ts'

/** A file or folder that a user named. `path` is absolute; `size` is in bytes, 0 for a folder. */
export interface InputStat {
  readonly path: string
  readonly size: number
  readonly kind: 'file' | 'folder'
  /** Whether it can be read once only, as a named pipe. */
  readonly once?: boolean
}

/**
 * What a user's path leads to, links followed; `undefined` where there is nothing. Anything that is no folder counts as a file, so
 * that a named pipe can be input.
 *
 * @throws StoreDeniedError when it may not be looked at
 */
export async function statInput(path: string): Promise<InputStat | undefined> {
  const absolute = resolve(path)
  if (absolute.includes('\0')) return undefined
  try {
    const found = await stat(absolute)
    if (found.isDirectory()) return { path: absolute, size: 0, kind: 'folder' }
    return { path: absolute, size: found.size, kind: 'file', ...(found.isFile() ? {} : { once: true }) }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    throw systemFailure(error, 'read', '', pathToFileURL(absolute).href)
  }
}

/**
 * Writes a stream to a scratch file whose name ends with `suffix`, in bounded memory; `dispose` removes it.
 *
 * @throws StoreFullError when the temporary folder has no space left
 * @throws AbortedError
 */
export async function spoolStream(
  stream: AsyncIterable<Uint8Array>,
  suffix: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Staging & { readonly path: string }> {
  const scratch = await scratchFolder('varve-input-')
  const path = join(scratch.folder, `input${suffix}`)
  try {
    const { signal } = options
    await pipeline(Readable.from(stream, { objectMode: false }), createWriteStream(path), signal === undefined ? {} : { signal })
    return { ...scratch, path }
  } catch (error) {
    await scratch.dispose()
    if (options.signal?.aborted) throw new AbortedError('Reading the input', options.signal.reason)
    // An error of the stream itself is its owner's to explain; only the disk's are ours.
    throw errnoOf(error) === undefined ? error : systemFailure(error, 'write', '', pathToFileURL(path).href)
  }
}
