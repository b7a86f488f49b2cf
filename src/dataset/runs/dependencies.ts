/** The exact packages of a run: the hashes of lock files, and what the Python that was run has installed. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { hashFile } from '../../storage/index.ts'
import type { RunDependencies } from './run.ts'

const lockNames = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
  'bun.lockb',
  'requirements.txt',
  'poetry.lock',
  'uv.lock',
  'pdm.lock',
  'pylock.toml',
  'Pipfile.lock',
  'pixi.lock',
  'conda-lock.yml',
  'environment.yml',
]

/** Milliseconds that a Python is given to answer. */
const patience = 30_000

/** The lock files from a folder up to its repository's. Outside a repository: those of the folder itself. */
export async function lockFiles(folder: string): Promise<RunDependencies['locks']> {
  const found = await Promise.all(
    (await upToRepository(folder)).flatMap((each) => lockNames.map((name) => lockFile(folder, join(each, name)))),
  )
  return found.filter((lock) => lock !== undefined)
}

/** The Python that a command runs, if it does; asked with `python -m pip freeze`, or where pip is not there, of what is installed. */
export async function pythonOf(command: readonly string[] | null): Promise<{ version: string; packages: readonly string[] | null } | null> {
  const python = command?.[0]
  if (python === undefined || !/^(python|pypy)[\d.]*(\.exe)?$/i.test(basename(python))) return null
  const [version, frozen] = await Promise.all([
    output(python, ['-c', 'import platform; print(platform.python_implementation(), platform.python_version())']),
    output(python, ['-m', 'pip', 'freeze', '--disable-pip-version-check']),
  ])
  if (version === undefined) return null
  const packages = frozen ?? (await output(python, ['-c', installed]))
  return { version: version.trim(), packages: packages?.split(/\r?\n/).filter((text) => text !== '' && !text.startsWith('#')) ?? null }
}

const installed = `from importlib.metadata import distributions
print("\\n".join(sorted({d.metadata["Name"] + "==" + d.version for d in distributions()})))`

async function lockFile(from: string, path: string): Promise<{ path: string; sha256: string } | undefined> {
  try {
    return { path: relative(from, path), sha256: (await hashFile(path)).sha256 }
  } catch {
    return undefined
  }
}

async function upToRepository(folder: string): Promise<readonly string[]> {
  const folders: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    folders.push(at)
    if (await isThere(join(at, '.git'))) return folders
    if (dirname(at) === at) return [folder]
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

function output(command: string, args: readonly string[]): Promise<string | undefined> {
  const options = { encoding: 'utf8', timeout: patience, maxBuffer: 64 << 20 } as const
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout) => resolve(error ? undefined : stdout))
  })
}
