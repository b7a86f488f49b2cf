/** The packed tarball as users get it: installed into an ES module project and a CommonJS one, run and type-checked there. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { project } from '../support/project.ts'

let folder: string
let packed: readonly string[]

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } })

const source = `
const rows = [{ id: 1n, city: 'Köln' }, { id: 2n, city: null }]
async function life(path: string): Promise<bigint> {
  const result: CommitResult = await Table.append(path, rows, { create: true })
  await (await Table.open(path)).append([{ id: 3n }], { txn: { appId: 'etl', version: 1 } })
  const snapshot = await (await Table.open(path)).asOf(result.version)
  const counted = await snapshot.query('SELECT count(*) AS n FROM ' + 'events').toArray()
  return counted[0]?.n as bigint
}
life(process.argv[2] ?? '').then((n) => console.log('as of the first version: ' + n))
`

/** The source without its types, as its build gives it. */
const script = source.replace(/: CommitResult|: Promise<bigint>|: string| as bigint/g, '')

const projects = [
  {
    type: 'module',
    ts: 'main.mts',
    js: 'main.mjs',
    load: "import { Table } from 'varve'",
    types: "import { type CommitResult, Table } from 'varve'",
  },
  {
    type: 'commonjs',
    ts: 'main.cts',
    js: 'main.cjs',
    load: "const { Table } = require('varve')",
    types: "import varve = require('varve')\nimport Table = varve.Table\ntype CommitResult = varve.CommitResult",
  },
] as const

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-package-'))
  const [report] = JSON.parse(run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], project))
  packed = report.files.map((file: { path: string }) => file.path)
  for (const { type } of projects) {
    const cwd = join(folder, type)
    await mkdir(cwd)
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type }))
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, report.filename)], cwd)
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('the tarball holds what is needed and nothing else', () => {
  const tops = new Set(packed.map((path) => path.split('/')[0]))
  expect([...tops].sort()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'package.json', 'src'])
  for (const path of ['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'bin/varve.js']) expect(packed).toContain(path)
})

describe.each(projects)('in a $type project', ({ type, ts, js, load, types }) => {
  test('the library runs', async () => {
    const cwd = join(folder, type)
    await writeFile(join(cwd, js), `${load}\n${script}`)
    expect(run(process.execPath, [js, 'events'], cwd)).toBe('as of the first version: 2\n')
  })

  test('the types resolve', async () => {
    const cwd = join(folder, type)
    await writeFile(join(cwd, ts), `${types}\n${source}`)
    const options = {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(project, 'node_modules/@types')],
    }
    await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: [ts] }))
    run(process.execPath, [join(project, 'node_modules/typescript/bin/tsc'), '-p', '.'], cwd)
  })

  test('the command line runs', async () => {
    const cwd = join(folder, type)
    const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
    expect(run(join(cwd, 'node_modules/.bin/varve'), ['--version'], cwd).trim()).toBe(version)
  })
})
