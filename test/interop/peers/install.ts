/**
 * Installs the other engines into `.interop/` of the project: a Python environment with pyspark, deltalake, pyarrow, duckdb and its
 * Delta extension, and Spark's Delta jars. Exact versions stand in `requirements.txt` and `pom.xml` beside this file. Each part
 * leaves a stamp with the digest of its list when it is complete, so a run that was cut off goes on, and a changed list installs
 * again. Vitest calls the default export once, before any test file.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** The ignored folder that holds the engines. */
export const interopFolder: string = fileURLToPath(new URL('../../../.interop', import.meta.url))

/** The Python that has all of them. */
export const python: string = join(interopFolder, 'venv', 'bin', 'python')

/** Where Maven puts the jars of Delta for Spark. */
export const jarFolder: string = join(interopFolder, 'jars')

const sparkJars = [
  'delta-spark',
  'delta-storage',
  'delta-kernel-api',
  'delta-kernel-defaults',
  'delta-kernel-unitycatalog',
  'unitycatalog-client',
  'unitycatalog-hadoop',
  'jts-core',
]

/** The jars that Spark is given; the rest of what Maven brings is inside pyspark. */
export async function deltaJars(): Promise<string[]> {
  const names = (await readdir(jarFolder)).filter((name) => sparkJars.some((start) => name.startsWith(start)))
  return names.sort().map((name) => join(jarFolder, name))
}

/** Installs what is missing; nothing to do takes milliseconds. */
export default async function install(): Promise<void> {
  await mkdir(interopFolder, { recursive: true })
  await once('python', join(here, 'requirements.txt'), async (list) => {
    await rm(join(interopFolder, 'venv'), { recursive: true, force: true })
    await command('python3', ['-m', 'venv', join(interopFolder, 'venv')])
    await command(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', list])
  })
  await once('jars', join(here, 'pom.xml'), async (pom) => {
    await command('mvn', [
      '-q',
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${jarFolder}`,
    ])
  })
}

async function once(part: string, list: string, work: (list: string) => Promise<void>): Promise<void> {
  const digest = createHash('sha256')
    .update(await readFile(list))
    .digest('hex')
  const stamp = join(interopFolder, `${part}.installed`)
  if ((await readFile(stamp, 'utf8').catch(() => '')) === digest && (await exists(part === 'python' ? python : jarFolder))) return
  process.stderr.write(`Installing the other engines for the interop tests: ${part} (once, into .interop/)\n`)
  await work(list)
  await writeFile(stamp, digest)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function command(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', process.stderr, process.stderr] })
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${code}`))))
  })
}
