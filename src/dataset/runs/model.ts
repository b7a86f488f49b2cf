/** What a run made: a file, or a folder with many. */
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { InputError } from '../../errors/index.ts'
import { hashBytes, hashFiles, type InputStat, statInput } from '../../storage/index.ts'
import type { RunModel } from './run.ts'

/** Hashes a model. @throws InputError INPUT_NOT_FOUND, INPUT_CORRUPT where a file of it cannot be read; StoreDeniedError; AbortedError */
export async function hashModel(path: string, signal?: AbortSignal): Promise<RunModel> {
  const found = await statInput(path)
  if (found === undefined) {
    throw new InputError('INPUT_NOT_FOUND', `There is no model ${path}.`, {
      remedy: 'Name the file, or the folder, that was made.',
      data: { path },
    })
  }
  if (found.kind === 'file') return { path, ...(await hashed([found], signal))[0]!, files: 1 }
  const files = await filesBelow(found.path)
  const all = await hashed(files, signal)
  const lines = all.map(({ sha256 }, at) => `${sha256} ${relative(found.path, files[at]!.path).split(sep).join('/')}\n`)
  return { path, sha256: hashBytes(Buffer.from(lines.join(''))), bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), files: all.length }
}

async function hashed(files: readonly InputStat[], signal: AbortSignal | undefined): Promise<{ sha256: string; bytes: number }[]> {
  const paths = files.map(({ path }) => path)
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  return (await hashFiles(paths, bytes, { signal })).map((file, at) => {
    if (!('error' in file)) return { sha256: file.sha256, bytes: file.size }
    throw new InputError('INPUT_CORRUPT', `${paths[at]} cannot be read.`, {
      remedy: 'Look at the disk and its permissions.',
      data: { path: paths[at]! },
      cause: file.error,
    })
  })
}

/** Files below a folder, by path; links are followed to files, not to folders. */
async function filesBelow(folder: string): Promise<InputStat[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name))
  paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const found = await Promise.all(paths.map(async (path) => ({ path, stat: await statInput(path) })))
  return found.flatMap(({ path, stat }) => (stat?.kind === 'file' ? [{ ...stat, path }] : []))
}
