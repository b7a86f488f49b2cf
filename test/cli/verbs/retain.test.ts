/** `varve retain` and `varve erase` as people and scripts see them. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { varve } from '../../support/child.ts'

let folder: string
const run = (...args: readonly string[]) => varve(args, { cwd: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-retain-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n2,Turku\n')
  const table = await Table.append(join(folder, 'events'), { files: join(folder, 'a.csv') }, { create: true }).then(() =>
    Table.open(join(folder, 'events')),
  )
  for (const id of [3n, 4n, 42n]) await table.overwrite([{ id, city: 'Visby' }])
  await table.tag('v1', { version: 1 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the plan is printed first: what stays and why, what ends, and what it frees', async () => {
  const policy = ['--keep-last', '1', '--keep-tags', '--keep-runs', 'active', '--archive', 'archive/events']
  const dry = await run('retain', 'events', ...policy, '--dry-run')
  expect(dry).toMatchObject({ code: 0, stderr: '' })
  expect(dry.stdout).toMatch(
    /^events: keepLast 1, .*\n {2}stays {2}1: tag v1\n {2}stays {2}3: the newest\n {2}ends {3}0, 2: 2 versions, to file:\S+archive\/events \(2 files, [^)]+ to copy\)\n {2}frees {2}2 files \(/,
  )
  expect(await readdir(folder)).not.toContain('archive')
  const { stdout, code } = await run('retain', 'events', ...policy)
  expect(code).toBe(0)
  expect(stdout.startsWith(dry.stdout)).toBe(true)
  expect(stdout).toMatch(/\nevents@4: 2 versions ended, 2 files \([^)]+\) deleted, [\d.]+ s\n$/)
  const old = await run('query', 'events@2', 'SELECT 1', '--json')
  expect(old.code).toBe(1)
  expect(JSON.parse(old.stderr).error).toMatchObject({
    code: 'VERSION_ENDED',
    data: { archive: expect.stringMatching(/archive\/events$/) },
  })
  expect((await run('query', 'archive/events@2', 'SELECT id FROM events', '--format', 'csv')).stdout).toBe('id\n4\n')
  expect(JSON.parse((await run('retain', 'events', '--json')).stdout)).toMatchObject({
    versionsEnded: 0,
    version: null,
    policy: { keepLast: 1 },
  })
  expect((await run('history', 'events', '--limit', '1')).stdout).toMatch(/RETAIN +2 versions ended/)
  expect(await run('retain', 'events', '--keep-runs', 'none')).toMatchObject({ code: 2 })
})

test('an erasure says what it ends, what still shows something, and what it does not reach', async () => {
  const { stdout, code } = await run('erase', 'events', '--where', 'id = $id', '--param', 'id=42', '--everywhere')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^events@5: -1 row in the newest version\n2 versions would end: 3 to 4; 1 file \([^)]+\) would go\n/)
  expect(stdout).toMatch(/not reached: caches of other machines.*\nNothing of that has ended: add --confirm\.\n$/)
  const json = JSON.parse((await run('erase', 'events', '--where', 'id = 42', '--everywhere', '--confirm', '--json')).stdout)
  expect(json).toMatchObject({
    version: 5,
    metrics: { numDeletedRows: 0 },
    everywhere: { confirmed: true, ended: [{ from: 3, to: 4 }], tags: [] },
  })
  expect(await run('erase', 'events', '--where', 'id = 42', '--confirm')).toMatchObject({ code: 2 })
})
