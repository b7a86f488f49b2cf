/** The pins below a folder. */
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AbortedError, StoreDeniedError, UsageError } from '../../errors/index.ts'
import { pinExtension } from './pin-place.ts'

const passedOver = new Set(['.git', 'node_modules'])

/** The files of pins in a folder, and in none below. @throws what {@link findPins} throws */
export async function* pinsIn(folder: string): AsyncGenerator<string> {
  for (const entry of (await entriesOf(folder)) ?? []) if (isPin(entry)) yield join(folder, entry.name)
}

/**
 * The files of pins below a folder, as paths that begin with it, by name. Folders of Git, of packages and of tables are not looked into, and
 * links are not followed. @throws UsageError INVALID_ARGUMENT where there is no such folder; StoreDeniedError where one may not be read
 */
export async function* findPins(folder: string, signal?: AbortSignal): AsyncGenerator<string> {
  const entries = await entriesOf(folder)
  if (entries === undefined) {
    throw new UsageError('INVALID_ARGUMENT', `There is no folder ${folder}.`, { remedy: 'Name a folder that is there.', data: { folder } })
  }
  yield* pinsAmong(entries, folder, signal)
}

async function* pinsAmong(entries: readonly Dirent[], folder: string, signal: AbortSignal | undefined): AsyncGenerator<string> {
  if (signal?.aborted) throw new AbortedError('Looking for pins', signal.reason)
  if (entries.some(({ name }) => name === '_delta_log')) return
  for (const entry of [...entries].sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const path = folder === '.' ? entry.name : join(folder, entry.name)
    if (isPin(entry)) yield path
    else if (entry.isDirectory() && !passedOver.has(entry.name)) yield* pinsAmong((await entriesOf(path)) ?? [], path, signal)
  }
}

function isPin(entry: Dirent): boolean {
  return entry.isFile() && entry.name.endsWith(pinExtension)
}

/** What is in a folder; `undefined` where there is none (any more). */
async function entriesOf(folder: string): Promise<readonly Dirent[] | undefined> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new StoreDeniedError('STORE_DENIED', `The folder ${folder} cannot be read (${code}), and pins may lie below it.`, {
      remedy: 'Give this user the right to read it, or look in another folder.',
      data: { folder },
      cause: error,
    })
  }
}
