/**
 * The code that a run ran: the commit that Git is at in a folder, and a hash of what differs from it, so that two runs of one commit and
 * one hash ran the same code. The hash does not depend on how Git is set up to print differences:
 *
 *   SHA-256 of the lines `<status> <path> <SHA-256 of the file, or what else is there>\n`, by path, for all that `git status` lists; files
 *   inside a Delta table are data and left out, and a file above 64 MB counts by its length.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { hashFile } from '../../storage/index.ts'
import type { RunCode } from './run.ts'

const largest = 64 << 20

/** Git is given so many milliseconds, and may say so many bytes. */
const patience = { timeout: 30_000, maxBuffer: 256 << 20 }

/** What Git says of the current folder; `null` where there is no Git, no repository, or no commit. */
export async function currentCode(): Promise<RunCode | null> {
  const [head, top] = await Promise.all([line('rev-parse', '--verify', '--quiet', 'HEAD^{commit}'), line('rev-parse', '--show-toplevel')])
  if (head === null || top === null) return null
  const [branch, status] = await Promise.all([
    line('symbolic-ref', '--short', '--quiet', 'HEAD'),
    git('status', '--porcelain', '-z', '--untracked-files=all', '--no-renames'),
  ])
  const known = { commit: head, branch }
  if (status === null) return { ...known, dirty: null, diff: null }
  const changed = withoutTables(entriesOf(status))
  if (changed.length === 0) return { ...known, dirty: false, diff: null }
  const hash = createHash('sha256')
  for (const { state, path } of changed) hash.update(`${state} ${path} ${await contentOf(join(top, path))}\n`)
  return { ...known, dirty: true, diff: hash.digest('hex') }
}

interface Changed {
  readonly state: string
  readonly path: string
}

function entriesOf(text: string): Changed[] {
  const entries = text.split('\0').filter((entry) => entry.length > 3)
  return entries.map((entry) => ({ state: entry.slice(0, 2).trim(), path: entry.slice(3) })).sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Without the files of tables that Git was not told to leave out. */
function withoutTables(entries: readonly Changed[]): readonly Changed[] {
  const tables = new Set(entries.flatMap(({ path }) => /^(.*\/)_delta_log\//.exec(path)?.[1] ?? []))
  return tables.size === 0 ? entries : entries.filter(({ path }) => ![...tables].some((table) => path.startsWith(table)))
}

async function contentOf(path: string): Promise<string> {
  try {
    const found = await lstat(path)
    if (found.isSymbolicLink()) return `link ${await readlink(path)}`
    if (!found.isFile()) return 'no file'
    return found.size > largest ? `${found.size} bytes` : (await hashFile(path)).sha256
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
