/** Installs the peers into `.bench/peers` where they are missing, and compiles the library and the cases to plain JavaScript. */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { places } from './places.ts'

const lists = join(places.root, 'bench', 'peers')

/** Installs LanceDB (npm), delta-rs and DuckDB's Delta extension (Python), and DVC (Python); returns the extension's file. */
export async function installPeers(): Promise<string> {
  await mkdir(places.peers, { recursive: true })
  await once('npm', ['package.json'], async () => {
    await copyFile(join(lists, 'package.json'), join(places.peers, 'package.json'))
    await command('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'], places.peers)
  })
  await once('python', ['requirements.txt'], async () => {
    await rm(join(places.peers, 'venv'), { recursive: true, force: true })
    await command('python3', ['-m', 'venv', join(places.peers, 'venv')], places.peers)
    await command(
      places.python,
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(lists, 'requirements.txt')],
      places.peers,
    )
  })
  // It asks for other versions of what the others need.
  await once('dvc', ['dvc-requirements.txt'], async () => {
    const venv = join(places.peers, 'dvc-venv')
    await rm(venv, { recursive: true, force: true })
    await command('python3', ['-m', 'venv', venv], places.peers)
    const options = ['--quiet', '--disable-pip-version-check', '-r', join(lists, 'dvc-requirements.txt')]
    await command(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', ...options], places.peers)
  })
  const { stdout } = await promisify(execFile)(places.python, ['-c', 'import duckdb_extension_delta as e; print(list(e.__path__)[0])'])
  return join(stdout.trim(), 'extensions', 'v1.5.5', 'delta.duckdb_extension')
}

/** Builds `src/` and what runs of `bench/` into `.bench/js` as the package is built, so that what is measured is what an installed package runs. */
export async function compile(): Promise<void> {
  await rm(places.compiled, { recursive: true, force: true })
  await build({
    absWorkingDir: places.root,
    entryPoints: ['src/index.ts', 'bench/**/*.worker.ts'],
    outbase: '.',
    outdir: places.compiled,
    // Shared code finds the project from where it lies, in as deep a folder as its source.
    chunkNames: 'bench/harness/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  })
  await writeFile(join(places.compiled, 'package.json'), '{"type":"module"}\n')
}

async function once(part: string, files: readonly string[], work: () => Promise<void>): Promise<void> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(await readFile(join(lists, file)))
  const digest = hash.digest('hex')
  const stamp = join(places.peers, `${part}.installed`)
  if ((await readFile(stamp, 'utf8').catch(() => '')) === digest) return
  process.stderr.write(`Installing the peers of the benchmarks: ${part} (once, into .bench/peers/)\n`)
  await work()
  await writeFile(stamp, digest)
}

function command(program: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', process.stderr, process.stderr] })
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${code}`))))
  })
}
