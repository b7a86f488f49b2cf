/** What every verb promises: a help with examples that work, quick starts, exit codes, errors as text and as JSON. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verbs } from '../../src/cli/verbs.ts'
import { runCommand, varve } from '../support/child.ts'
import { project } from '../support/project.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-help-'))
  process.env.XDG_CACHE_HOME = join(folder, 'cache')
  await writeFile(join(folder, 'january.csv'), 'id,city\n1,Oslo\n2,Turku\n')
  await writeFile(join(folder, 'february.csv'), 'id,city\n3,Oslo\n')
  await writeFile(join(folder, 'march.ndjson'), '{"id":4,"city":"Visby"}\n')
  await writeFile(join(folder, 'params.yaml'), 'lr: 0.1\n')
  await writeFile(
    join(folder, 'train.mjs'),
    `import { writeFileSync } from 'node:fs'\nwriteFileSync(process.env.VARVE_METRICS, JSON.stringify({ auc: 0.93 }))\n`,
  )
  const made = await varve(['append', 'events', 'january.csv', '--create'], { cwd: folder })
  expect(made.stderr).toBe('')
  await varve(['query', 'events', 'SELECT * FROM events', '--output', 'january.parquet'], { cwd: folder })
  const feed = ['--property', 'delta.enableChangeDataFeed=true']
  await varve(['create', 'readings', '--schema', 'id BIGINT, city VARCHAR', ...feed], { cwd: folder })
  await varve(['append', 'readings', 'january.csv'], { cwd: folder })
  await rm(join(folder, 'events'), { recursive: true })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('--help', () => {
  test.each(Object.keys(verbs))('%s: its examples work', async (name) => {
    const help = await varve([name, '--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    const examples = [...help.stdout.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line = '']) => line)
    expect(examples.length).toBeGreaterThan(0)
    // append makes the table anew, with rows that the later verbs read.
    if (name === 'append') await rm(join(folder, 'events'), { recursive: true, force: true })
    const script = `varve() { "${process.execPath}" "${join(project, 'bin/varve.js')}" "$@"; }\n${examples.join('\n')}`
    expect(await runCommand('bash', ['-euc', script], { cwd: folder })).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('error'),
    })
  })

  test('the overview names every verb, and help VERB is VERB --help', async () => {
    const { stdout, code } = await varve(['--help'])
    expect(code).toBe(0)
    for (const name of Object.keys(verbs)) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect((await varve(['help', 'query'])).stdout).toBe((await varve(['query', '--help'])).stdout)
  })

  test('--version is the package version', async () => {
    const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
    expect(await varve(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

test('--version and --help load nothing heavy', () => {
  for (const args of [['--version'], ['--help'], ['query', '--help'], ['append', '--help']]) {
    const trace = spawnSync(process.execPath, [join(project, 'bin/varve.js'), ...args], {
      env: { ...process.env, NODE_OPTIONS: '', NODE_DEBUG: 'esm,module' },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    expect(trace.status).toBe(0)
    expect(trace.stderr).not.toMatch(/apache-arrow|duckdb|dist\/index\.js/)
    expect(trace.stderr).toContain('dist/cli/main.js')
  }
})

test('--version and --help start nearly as fast as Node', () => {
  const bin = join(project, 'bin/varve.js')
  const milliseconds = (args: readonly string[]): number => {
    const start = performance.now()
    execFileSync(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } })
    return performance.now() - start
  }
  const median = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
  const times: Record<string, number[]> = { node: [], version: [], help: [] }
  for (let round = 0; round < 9; round++) {
    times.node?.push(milliseconds(['-e', '0']))
    times.version?.push(milliseconds([bin, '--version']))
    times.help?.push(milliseconds([bin, '--help']))
  }
  const limit = 1.7 * median(times.node ?? []) + 15
  expect(median(times.version ?? [])).toBeLessThan(limit)
  expect(median(times.help ?? [])).toBeLessThan(limit)
})

describe('wrong usage is exit 2, with nothing on stdout', () => {
  test.each([
    [['qurey', 'a'], 'query'],
    [['query', 'a', 'SELECT 1', '--formt', 'csv'], '--format'],
    [['query', 'a', 'SELECT 1', '--format', 'xml'], 'ndjson'],
    [['query', 'a'], 'SQL'],
    [['query', 'a@1', 'SELECT 1', '--version', '2'], 'one of --version'],
    [['query', 'a', 'SELECT 1', '--version', 'two'], 'whole number'],
    [['query', 'a', 'x/a', 'SELECT 1'], 'other='],
    [['query', 'a', 'b', 'SELECT 1', '--tag', 'x'], 'after each reference'],
    [['append', 'a'], 'file'],
    [['append', 'a', '-'], '--format'],
    [['append', 'a', 'b.csv', '--txn', 'etl'], 'APPLICATION:NUMBER'],
    [['append', 'a', 'b.csv', '--partition-by', 'c'], '--create'],
    [['append', 'a@3', 'b.csv'], '@'],
    [['overwrite', 'a', 'b.csv', '--partition-by', 'c'], '--overwrite-schema'],
    [['overwrite', 'a', 'b.csv', '--where', 'true', '--dynamic'], 'one of them'],
    [['create', 'a'], '--schema'],
    [['create', 'a', '--schema', 'id BIGINT', '--like', 'b.csv'], 'one'],
    [['create', 'a', '--schema', 'id BIGINT', '--property', 'x'], 'name=value'],
    [['history', 'a', '--limit', '-1'], '--limit'],
    [['vacuum', 'a@3'], '@'],
    [['changes', 'a'], '--from'],
    [['changes', 'a@3', '--from', '1'], '@'],
    [['changes', 'a', '--from', 'x/y'], 'VERSION'],
    [['changes', 'a', '--from', '1', '--param', 'x=1'], '--where'],
    [['query', 'a@2026-03-15T00:00:00', 'SELECT 1'], 'zone'],
    [[], 'verb'],
  ])('%j', async (args, hint) => {
    const json = await varve([...args, '--json'], { cwd: folder })
    expect(json).toMatchObject({ code: 2, stdout: '' })
    const { error } = JSON.parse(json.stderr)
    expect(Object.keys(error)).toEqual(['code', 'message', 'remedy', 'data'])
    expect(`${error.message} ${error.remedy}`).toContain(hint)
  })

  test('for people it is two lines: what is wrong, and what helps', async () => {
    const { code, stdout, stderr } = await varve(['query', 'a', 'SELECT 1', '--formt', 'csv'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^error: Unknown option '--formt'\. \(INVALID_ARGUMENT\)\n {2}Did you mean --format\? varve query --help .*\n$/)
  })
})
