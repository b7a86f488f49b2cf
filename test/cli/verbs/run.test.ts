/** `varve run exec` as a terminal and a script see it: streams, signals, exit codes. */
import { once } from 'node:events'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { ended, startVarve, varve } from '../../support/child.ts'

let folder: string
let table: Table
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-run-cli-'))
  process.env.XDG_CACHE_HOME = join(folder, 'cache')
  table = await Table.create(join(folder, 'events'), { schema: 'id BIGINT, city VARCHAR' })
  await table.append([
    { id: 1n, city: 'Oslo' },
    { id: 2n, city: 'Turku, FI' },
  ])
  await table.tag('v1')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the rows as a file, the streams passed through, and the run as JSON', async () => {
  await writeFile(join(folder, 'params.json'), '{"net": {"depth": 3}}')
  const script = `
    const { readFileSync, writeFileSync } = require('fs')
    console.log(readFileSync(process.env.VARVE_FILE, 'utf8') + readFileSync(0))
    writeFileSync(process.env.VARVE_METRICS, JSON.stringify({ depth: JSON.parse(readFileSync(process.env.VARVE_PARAMS)).net.depth }))
    process.exitCode = 5`
  const told = [
    '--params',
    'params.json',
    '--param',
    'net.depth=4',
    '--param',
    'lr=1e-3',
    '--seed',
    '42',
    '--export',
    'csv',
    '--name',
    'cli',
  ]
  const args = ['run', 'exec', '--data', 'events@v1', ...told]
  const run = await varve([...args, '--', process.execPath, '-e', script], { cwd: folder, input: 'from stdin' })
  expect(run.stdout).toBe('id,city\n1,Oslo\n2,"Turku, FI"\nfrom stdin\n')
  expect(run.stderr).toMatch(/^run [0-9a-f]{8} of events@1: failed, .*: depth 4\n$/)
  expect(run.code).toBe(5)
  const [line] = (
    await varve(['runs', 'events@v1', '--where-metric', 'depth = 4', '--row', 'id = 2', '--json'], { cwd: folder })
  ).stdout.split('\n')
  expect(JSON.parse(line!)).toMatchObject({
    name: 'cli',
    status: 'failed',
    exitCode: 5,
    parameters: { net: { depth: 4 }, lr: 0.001 },
    seeds: { seed: 42 },
    metrics: { depth: 4 },
    fingerprints: { id: expect.any(String), files: expect.any(String), rows: expect.any(String) },
  })
})

test('Ctrl-C goes to the command, whose end is recorded', async () => {
  const script = `process.on('SIGINT', () => process.exit(9)); console.log('ready'); setInterval(() => {}, 100)`
  const child = startVarve(['run', 'exec', '--json', '--data', 'events', '--name', 'stopped', '--', process.execPath, '-e', script], {
    cwd: folder,
  })
  const over = ended(child)
  const [said] = await once(child.stderr!, 'data')
  expect(String(said)).toBe('ready\n')
  child.kill('SIGINT')
  const { code, stdout } = await over
  expect(code).toBe(9)
  expect(JSON.parse(stdout)).toMatchObject({ name: 'stopped', status: 'failed', exitCode: 9, notes: ['The command was sent SIGINT.'] })
})

test('on data that differs it is exit 4, and nothing is started', async () => {
  const damaged = await Table.create(join(folder, 'damaged'), { schema: 'id BIGINT' })
  await damaged.append([{ id: 1n }])
  const {
    value: { path },
  } = (await (await damaged.latest()).files().next()) as { value: { path: string } }
  const file = await open(join(folder, 'damaged', path), 'r+')
  await file.write(Buffer.from('XYZ'), 0, 3, 40)
  await file.close()
  const run = await varve(['run', 'exec', '--json', '--data', 'damaged', '--', process.execPath, '-e', 'console.log(1)'], { cwd: folder })
  expect(run).toMatchObject({ code: 4, stdout: '' })
  expect(JSON.parse(run.stderr).error).toMatchObject({ code: 'DATA_DIFFERS', data: { paths: [path] } })
})
