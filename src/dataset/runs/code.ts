/**
 * The code that a run ran: the commit that Git is at in a folder, and hashes of what differs from it, so that two runs of one commit and
 * one hash ran the same code. They do not depend on how Git is set up to print differences:
 *
 *   SHA-256 of the lines `<path> <SHA-256 of the file, or what else is there>\n`, by path, for the files that `git status` lists
 *
 * one over files that Git knows, one over files that it neither knows nor was told to leave out. Of the latter, files inside a Delta table are
 * data and not counted, nor is what the run itself makes; a large file counts by its length.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, readlink, realpath } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { hashFile } from '../../storage/index.ts'
import type { RunCode } from './run.ts'

/** Bytes from which on a file counts by its length: of those that Git knows, and of others, which may be data. */
const large = { known: 64 << 20, unknown: 1 << 20 }

/** Git is given so many milliseconds, and may say so many bytes. */
const patience = { timeout: 30_000, maxBuffer: 256 << 20 }

/** What Git says of the current folder; `null` where there is no Git, no repository, or no commit. `made`: a file or folder that the run makes. */
export async function currentCode(made?: string): Promise<RunCode | null> {
  const [head, top] = await Promise.all([line('rev-parse', '--verify', '--quiet', 'HEAD^{commit}'), line('rev-parse', '--show-toplevel')])
  if (head === null || top === null) return null
  const [branch, status] = await Promise.all([
    line('symbolic-ref', '--short', '--quiet', 'HEAD'),
    git('status', '--porcelain', '-z', '--untracked-files=all', '--no-renames'),
  ])
  const commit = { commit: head, branch }
  if (status === null) return { ...commit, dirty: null, diff: null, untracked: null }
  const entries = status.split('\0').filter((entry) => entry.length > 3)
  const [known, unknown] = [false, true].map((untracked) =>
    entries.filter((entry) => entry.startsWith('??') === untracked).map((entry) => entry.slice(3)),
  ) as [string[], string[]]
  const own = made === undefined ? undefined : await pathIn(top, made)
  const diff = await hashOf(top, known, large.known)
  return { ...commit, dirty: diff !== null, diff, untracked: await hashOf(top, withoutData(unknown, own), large.unknown) }
}

/** `null` where there are no files. */
async function hashOf(top: string, paths: readonly string[], large: number): Promise<string | null> {
  if (paths.length === 0) return null
  const hash = createHash('sha256')
  for (const path of [...paths].sort()) hash.update(`${path} ${await contentOf(join(top, path), large)}\n`)
  return hash.digest('hex')
}

/** Without the files of tables, and without what is the run's own. */
function withoutData(paths: readonly string[], own: string | undefined): readonly string[] {
  const folders = new Set(paths.flatMap((path) => /^(.*\/)_delta_log\//.exec(path)?.[1] ?? []))
  if (own !== undefined) folders.add(`${own}/`)
  return paths.filter((path) => path !== own && ![...folders].some((folder) => path.startsWith(folder)))
}

/** A path as Git names it, from the top of its work tree. */
async function pathIn(top: string, path: string): Promise<string> {
  return relative(top, join(await realpath('.'), relative('.', resolve(path))))
    .split(sep)
    .join('/')
}

async function contentOf(path: string, large: number): Promise<string> {
  try {
    const found = await lstat(path)
    if (found.isSymbolicLink()) return `link ${await readlink(path)}`
    if (!found.isFile()) return 'no file'
    return found.size > large ? `${found.size} bytes` : (await hashFile(path)).sha256
  } catch {
    return 'gone'
  }
}

async function line(...args: readonly string[]): Promise<string | null> {
  return (await git(...args))?.replace(/\n$/, '') ?? null
}

/** What Git prints, to the byte; `null` where it fails. */
function git(...args: readonly string[]): Promise<string | null> {
  // Nothing that the repository names is run.
  const options = { encoding: 'utf8', ...patience } as const
  return new Promise((resolve) => {
    execFile('git', ['--no-optional-locks', '-c', 'core.fsmonitor=false', ...args], options, (error, stdout) =>
      resolve(error ? null : stdout),
    )
  })
}
