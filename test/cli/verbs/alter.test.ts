/** `varve alter` through the built command line: what each change prints and does, and how wrong usage ends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { varve } from '../../support/child.ts'

let folder: string
const run = (...args: readonly string[]) => varve(args, { cwd: folder })
const json = async (...args: readonly string[]) => {
  const done = await run(...args, '--json')
  expect(done, done.stderr).toMatchObject({ code: 0 })
  return JSON.parse(done.stdout) as Record<string, unknown>
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-alter-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n')
  await run('append', 'events', 'a.csv', '--create')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('every change of columns, as the command line names it', async () => {
  expect(await json('alter', 'events', 'add', 'n', 'INTEGER', '--first', '--txn', 'schema:1')).toEqual({
    version: 1,
    operation: 'ADD COLUMNS',
    alreadyApplied: false,
    metrics: {},
    changes: ['added n INTEGER'],
    features: [],
  })
  expect(await json('alter', 'events', 'add', 'n', 'INTEGER', '--txn', 'schema:1')).toMatchObject({ version: 1, alreadyApplied: true })
  const renamed = await run('alter', 'events', 'rename', 'city', 'the town')
  expect(renamed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^events@2: renamed city to the town, /) })
  expect(renamed.stderr).toMatch(/warning: .*columnMapping/)
  await json('alter', 'events', 'widen', 'n', 'BIGINT')
  await json('alter', 'events', 'not-null', 'id')
  await json('alter', 'events', 'nullable', 'id')
  await json('alter', 'events', 'comment', 'id', 'the key')
  await json('alter', 'events', 'move', 'n', '--after', 'id', '--message', 'tidy')
  await json('alter', 'events', 'set', 'owner=ops', 'delta.appendOnly=true')
  await json('alter', 'events', 'unset', 'owner')
  expect(await json('alter', 'events', 'drop', 'n')).toMatchObject({ version: 10, operation: 'DROP COLUMNS' })
  await json('alter', 'events', 'constraint', 'add', 'positive', 'id > 0')
  await json('alter', 'events', 'constraint', 'drop', 'positive')
  await json('alter', 'events', 'default', 'id', '7')
  await json('alter', 'events', 'default', 'id')
  const violated = await run('alter', 'events', 'constraint', 'add', 'large', 'id > 1')
  expect(violated).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('CONSTRAINT_VIOLATED') })
  const same = await run('alter', 'events', 'nullable', 'id')
  expect(same).toMatchObject({ code: 0, stdout: expect.stringMatching(/^events@14: it is so already, nothing changed/) })
  const rows = await run('query', 'events', 'SELECT * FROM events', '--format', 'ndjson')
  expect(rows.stdout).toBe('{"id":1,"the town":"Oslo"}\n')
  const history = await run('history', 'events', '--json')
  expect(history.stdout.split('\n')[7]).toContain('"message":"tidy"')
})

test.each([
  [['events', 'ad', 'x', 'INTEGER'], 'add'],
  [['events', 'add', 'x'], 'NAME TYPE'],
  [['events', 'constraint', 'ad', 'x', 'id > 0'], 'constraint add'],
  [['events', 'move', 'id'], '--first'],
  [['events', 'drop', 'id', '--first'], '--first'],
  [['events@1', 'drop', 'id'], '@'],
])('%j is wrong usage', async (args, hint) => {
  const done = await run('alter', ...args, '--json')
  expect(done).toMatchObject({ code: 2, stdout: '' })
  expect(done.stderr).toContain(hint)
})
