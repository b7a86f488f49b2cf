/** `varve remote`, `push`, `pull` and `verify --repair-from`: what they print, and their exit codes. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { localStore, Table } from '../../../src/index.ts'
import { varve } from '../../support/child.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-remote-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (...args: readonly string[]) => varve(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } })

test('a table goes there and comes back, is mended from there, and says what moved', async () => {
  const path = join(folder, 'events')
  const table = await Table.create(path, { schema: 'id BIGINT' })
  await table.append([{ id: 1n }])
  expect(await run('push', 'events')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('NO_REMOTE') })
  expect(await run('remote', 'add', 'events', 'backup', './there')).toMatchObject({ code: 0, stderr: '' })
  const pushed = await run('push', 'events', 'backup')
  expect(pushed).toMatchObject({ code: 0, stderr: '' })
  expect(pushed.stdout).toMatch(/^events: 2 versions, 1 file \(\S+ k?B\); backup is at version 1, [\d.]+ s\n$/)
  expect((await run('remote', 'list', 'events', '--json')).stdout).toContain(`"url":"${localStore(join(folder, 'there')).root}"`)
  const json = await run('pull', 'copy', '--from', './there', '--json')
  expect(json).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(json.stdout)).toMatchObject({
    version: 1,
    versions: 2,
    files: 1,
    skipped: 0,
    complete: [{ from: 0, to: 1 }],
    recorded: true,
  })
  expect((await run('pull', 'copy')).stdout).toMatch(/^copy@1: nothing to move, 1 file there already; complete: 0 to 1, /)
  const [part = ''] = (await readdir(path)).filter((name) => name.endsWith('.parquet'))
  await writeFile(join(path, part), 'no Parquet')
  const mended = await run('verify', 'events', '--repair-from', 'backup')
  expect(mended).toMatchObject({ code: 0, stderr: '' })
  expect(mended.stdout).toMatch(new RegExp(`^${part}: mended \\(\\d+ B\\)\nevents@1: 1 file .*: 1 mended, `))
  await rm(join(folder, 'there', part))
  await rm(join(path, part))
  expect((await run('verify', 'events', '--repair-from', 'backup')).code).toBe(4)
})

test('wrong usage is told apart', async () => {
  expect(await run('remote', 'rename', 'events')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('add, list, remove'),
  })
  expect(await run('remote', 'add', 'events', 'x')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('PATH NAME URL') })
  expect(await run('push', 'events@1')).toMatchObject({ code: 2, stdout: '' })
})
