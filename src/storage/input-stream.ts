import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { AbortedError } from '../errors/index.ts'
import { errnoOf, systemFailure } from './failures.ts'

/**
 * The bytes of a file that a user named, in pieces, from `start` (inclusive, default 0) to `end` (exclusive, default: its end).
 * @throws StoreDeniedError when it may not be read
 * @throws AbortedError
 */
export async function* readInput(
  path: string,
  options: { start?: number; end?: number; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array> {
  const { start, end, signal } = options
  if (end !== undefined && end <= (start ?? 0)) return
  // A pipe has no place to begin at, not even the first.
  const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end: end - 1 }) }
  try {
    yield* createReadStream(path, { ...range, highWaterMark: 1 << 18, ...(signal === undefined ? {} : { signal }) })
  } catch (error) {
    if (signal?.aborted) throw new AbortedError('Reading the input', signal.reason)
    throw errnoOf(error) === undefined ? error : systemFailure(error, 'read', '', pathToFileURL(path).href)
  }
}

/** Opens a file that a user named, for a reader that jumps about in it. Close it afterwards. @throws StoreDeniedError */
export async function openInput(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    throw systemFailure(error, 'read', '', pathToFileURL(path).href)
  }
}
