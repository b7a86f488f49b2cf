/** What a run ran on: the code by Git, the packages by lock files and by the Python that was run. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { currentCode } from '../../../src/dataset/runs/code.ts'
import { lockFiles, pythonOf } from '../../../src/dataset/runs/dependencies.ts'
import { currentProcess, isThere } from '../../../src/dataset/runs/process.ts'

const home = process.cwd()
let folder: string
const git = (...args: readonly string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'varve-environment-')))
  process.chdir(folder)
})
afterAll(async () => {
  process.chdir(home)
  await rm(folder, { recursive: true, force: true })
})

it('the same commit and the same changes are the same code, data apart', async () => {
  expect(await currentCode()).toBeNull()
  git('init', '-q', '-b', 'work')
  git('config', 'user.name', 'Ada')
  git('config', 'user.email', 'ada@example.org')
  await writeFile('train.py', 'print(1)\n')
  git('add', '.')
  git('commit', '-q', '-m', 'begin')
  const clean = { commit: git('rev-parse', 'HEAD'), branch: 'work', dirty: false, diff: null, untracked: null }
  expect(await currentCode()).toEqual(clean)
  await mkdir('data/events/_delta_log', { recursive: true })
  await writeFile('data/events/_delta_log/0.json', '')
  await writeFile('data/events/part.parquet', 'rows')
  await writeFile('model.bin', 'weights')
  expect(await currentCode('model.bin')).toEqual(clean)
  expect((await currentCode())?.untracked).toMatch(/^[0-9a-f]{64}$/)

  await writeFile('train.py', 'print(2)\n')
  const changed = await currentCode('model.bin')
  expect(changed).toEqual({ ...clean, dirty: true, diff: expect.stringMatching(/^[0-9a-f]{64}$/) })
  git('add', 'train.py')
  expect(await currentCode('model.bin')).toEqual(changed)
  await writeFile('train.py', 'print(3)\n')
  expect((await currentCode('model.bin'))?.diff).not.toBe(changed?.diff)
  await writeFile('train.py', 'print(2)\n')

  await mkdir('naïve dir')
  await writeFile('naïve dir/new file.py', 'x')
  const more = await currentCode('model.bin')
  expect(more).toEqual({ ...changed, untracked: expect.any(String) })
  await writeFile('naïve dir/new file.py', 'y')
  expect((await currentCode('model.bin'))?.untracked).not.toBe(more?.untracked)
  await writeFile('naïve dir/new file.py', 'x')
  git('config', 'diff.noprefix', 'true')
  process.chdir('data')
  expect(await currentCode('../model.bin')).toEqual(more)
  process.chdir(folder)
})

it('lock files are those up to the repository', async () => {
  const sha256 = createHash('sha256').update('a==1\n').digest('hex')
  await mkdir('models/small', { recursive: true })
  await writeFile('requirements.txt', 'a==1\n')
  await writeFile('models/small/uv.lock', 'a==1\n')
  expect(await lockFiles(join(folder, 'models/small'))).toEqual([
    { path: 'uv.lock', sha256 },
    { path: '../../requirements.txt', sha256 },
  ])
})

it('a Python tells its version and its packages, with pip or without', async () => {
  const answers = (pip: string) => `#!/bin/sh
case "$*" in *platform*) echo CPython 3.12.1;; *freeze*) ${pip};; *importlib*) echo b==2;; esac\n`
  for (const [name, pip] of [
    ['python3.12', "printf '# comes from a file\\na==1\\nlib @ file:///lib\\n'"],
    ['pypy3', 'exit 1'],
  ] as const) {
    await writeFile(name, answers(pip))
    await chmod(name, 0o755)
  }
  expect(await pythonOf([join(folder, 'python3.12'), 'train.py'])).toEqual({
    version: 'CPython 3.12.1',
    packages: ['a==1', 'lib @ file:///lib'],
  })
  expect(await pythonOf([join(folder, 'pypy3')])).toEqual({ version: 'CPython 3.12.1', packages: ['b==2'] })
  expect(await pythonOf([join(folder, 'python9')])).toBeNull()
  expect(await pythonOf(['node', 'python.js'])).toBeNull()
})

it('the graphics cards are those that their driver tells', async () => {
  await mkdir('bin')
  await writeFile('bin/nvidia-smi', `#!/bin/sh\necho 'NVIDIA A100, 550.54, 40960 MiB'\necho 'NVIDIA A100, 550.54, 40960 MiB'\n`)
  await chmod('bin/nvidia-smi', 0o755)
  const before = process.env.PATH
  process.env.PATH = `${join(folder, 'bin')}:${before}`
  try {
    // The hardware is looked at once a process, and another file's test may have done it.
    vi.resetModules()
    const { currentEnvironment } = await import('../../../src/dataset/runs/environment.ts')
    const { hardware, runtime, dependencies } = await currentEnvironment(null)
    const gpu = { name: 'NVIDIA A100', driver: '550.54', memory: '40960 MiB' }
    expect(hardware).toMatchObject({ gpus: [gpu, gpu], cpus: expect.any(Number), memory: totalmem() })
    expect(runtime).toEqual({ node: process.version, python: null })
    expect(dependencies.python).toBeNull()
  } finally {
    process.env.PATH = before
  }
})

it('a process is told from another of its number', async () => {
  const own = await currentProcess()
  expect(await isThere(own)).toBe(true)
  expect(await isThere({ ...own, started: '1' })).toBe(false)
  expect(await isThere({ ...own, machine: 'elsewhere' })).toBeUndefined()
  expect(await isThere({ ...own, pid: 2 ** 22 + 1 })).toBe(false)
})
