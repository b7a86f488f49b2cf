/** `varve restore` through the built command line: what it prints of files and of loads that were taken away. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { varve } from '../../support/child.ts'

let folder: string
const run = (...args: readonly string[]) => varve(args, { cwd: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-restore-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n')
  for (const load of ['1', '2']) {
    expect(await run('append', 'events', 'a.csv', '--create', '--txn', `etl:${load}`)).toMatchObject({ code: 0 })
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('it says what it did and whose loads are gone, which --reset-txn makes loadable again', async () => {
  const first = await run('restore', 'events@0')
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toMatch(
    /^events@2: as version 0, 1 file removed and 0 files restored, .*\n {2}etl lost what it loaded after 1, up to 2: .*--reset-txn.*\n$/,
  )
  const reset = await run('restore', 'events', '--version', '0', '--reset-txn', '--json')
  expect(JSON.parse(reset.stdout)).toMatchObject({
    version: 3,
    operation: 'RESTORE',
    restored: 0,
    removedLoads: [{ appId: 'etl', version: 2, restoredVersion: 1 }],
  })
  const again = await run('append', 'events', 'a.csv', '--txn', 'etl:2', '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({ version: 4, alreadyApplied: false })
  expect(await run('restore', 'events')).toMatchObject({ code: 2, stdout: '' })
})
