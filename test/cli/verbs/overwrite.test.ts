/** `varve overwrite` through the built command line: what it prints and what it leaves. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { varve } from '../../support/child.ts'

let folder: string
const run = (...args: readonly string[]) => varve(args, { cwd: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-overwrite-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n2,Turku\n')
  await writeFile(join(folder, 'b.csv'), 'id,city\n3,Oslo\n')
  expect(await run('append', 'events', 'a.csv', '--create', '--partition-by', 'city')).toMatchObject({ code: 0 })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('it replaces a partition, refuses what is not promised, and tells what it did', async () => {
  const done = await run('overwrite', 'events', 'b.csv', '--where', "city = 'Oslo'")
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toMatch(/^events@1: -1 row, \+1 row in 1 file /)
  const refused = await run('overwrite', 'events', 'b.csv', '--where', "city = 'Turku'", '--json')
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(JSON.parse(refused.stderr).error).toMatchObject({ code: 'PREDICATE_NOT_FULFILLED', data: { predicate: "city = 'Turku'" } })
  const again = await run('overwrite', 'events', 'b.csv', '--dynamic', '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({ version: 2, operation: 'WRITE', metrics: { numDeletedRows: 1, numOutputRows: 1 } })
  expect((await run('query', 'events', 'SELECT id, city FROM events ORDER BY id', '--format', 'csv')).stdout).toBe(
    'id,city\n2,Turku\n3,Oslo\n',
  )
})
