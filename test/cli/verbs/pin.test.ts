/** `varve pin`, `status` and `cache`, and a pin in the place of a reference, as people and scripts see them. */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { varve } from '../../support/child.ts'

let folder: string
const run = (...args: readonly string[]) => varve(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } })
const sql = 'SELECT count(*) AS n FROM events'

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-pin-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n2,Turku\n')
  await run('append', 'data/events', 'a.csv', '--create')
  await run('append', 'data/events', 'a.csv')
  await run('tag', 'data/events@0', 'v1.0')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a pin is made, read as a reference, and compared with what is here', async () => {
  expect(await run('pin', 'data/events@v1.0')).toMatchObject({
    code: 0,
    stderr: '',
    stdout: 'events.varve: data/events@0 (v1.0), 2 rows\n',
  })
  expect((await run('pin', 'events.varve')).stdout).toBe('events.varve: data/events@0 (v1.0), as before\n')
  const made = JSON.parse((await run('pin', 'data/events', '--version', '1', 'late.pin', '--json')).stdout)
  expect(made).toMatchObject({ file: 'late.pin', changed: true, table: 'data/events', version: 1, tag: null, rows: 4 })
  expect((await run('query', 'events.varve', sql, '--format', 'csv')).stdout).toBe('n\n2\n')
  const both = 'SELECT (SELECT count(*) FROM late) - (SELECT count(*) FROM events) AS n'
  expect((await run('query', 'late=late.pin', 'events.varve', both, '--format', 'csv')).stdout).toBe('n\n2\n')
  expect((await run('show', 'events.varve')).stdout).toMatch(/^data\/events@0\n/)
  expect(await run('history', 'events.varve')).toMatchObject({ code: 2, stderr: expect.stringContaining('Name the table: data/events') })
  const status = await run('status', '--json')
  expect(status).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(status.stdout)).toMatchObject({
    file: 'events.varve',
    status: 'ahead',
    table: 'data/events',
    version: 0,
    latest: 1,
    tag: 'v1.0',
  })
})

test('a pin that differs, or whose data is not here, exits as what was checked differs, or as failed', async () => {
  expect(await run('verify', 'events.varve', '--deep')).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('rows: same'),
  })
  const pin = await readFile(join(folder, 'events.varve'), 'utf8')
  await writeFile(join(folder, 'events.varve'), pin.replace(/( {2}id: ).*/, `$1${'0'.repeat(63)}a`))
  const differs = await run('query', 'events.varve', sql, '--json')
  expect(differs).toMatchObject({ code: 4, stdout: '' })
  expect(JSON.parse(differs.stderr).error).toMatchObject({ code: 'PIN_DIFFERS', data: { file: 'events.varve', fingerprint: 'id' } })
  expect(await run('verify', 'events.varve')).toMatchObject({
    code: 4,
    stderr: '',
    stdout: expect.stringContaining('the pin events.varve says'),
  })
  expect(await run('status')).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(/^STATUS .*\ndiffers {2}events\.varve +0 {2}v1\.0 +.*\n$/),
  })
  await writeFile(join(folder, 'events.varve'), pin)
  await rename(join(folder, 'data'), join(folder, 'aside'))
  const gone = await run('status', '--json')
  expect(gone).toMatchObject({ code: 4, stderr: '' })
  expect(JSON.parse(gone.stdout)).toMatchObject({ status: 'missing', remedy: expect.stringContaining('varve pull events.varve') })
  expect(await run('show', 'events.varve')).toMatchObject({ code: 1, stderr: expect.stringContaining('varve pull events.varve') })
  await rename(join(folder, 'aside'), join(folder, 'data'))
})

test('the cache says what is in it, and lets go of it', async () => {
  expect((await run('cache', 'show')).stdout).toMatch(/^\/.*\/cache\/varve: 0 files \(0 B\)\n {2}used by \/.*\n$/)
  const { stdout } = await run('cache', 'gc', '--json')
  expect(JSON.parse(stdout)).toEqual({ dryRun: false, files: 0, bytes: 0, keptFiles: 0, keptBytes: 0, inDoubt: [] })
  expect(await run('cache', 'clear')).toMatchObject({ code: 2, stderr: expect.stringContaining('cache gc') })
})
