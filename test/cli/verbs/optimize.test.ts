import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { varve } from '../../support/child.ts'

let folder: string
const run = (...args: readonly string[]) => varve(args, { cwd: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-optimize-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n')
  for (let i = 0; i < 2; i += 1) await run('append', 'events', 'a.csv', '--create')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('optimize says what became of the files, and that there is nothing to do', async () => {
  const first = await run('optimize', 'events', '--json', '--target-size', '64MB', '--message', 'nightly')
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(first.stdout)).toMatchObject({
    version: 2,
    operation: 'OPTIMIZE',
    alreadyApplied: false,
    metrics: { numRemovedFiles: 2, numAddedFiles: 1 },
  })
  expect(await run('optimize', 'events', '--target-size', '64MB')).toMatchObject({
    code: 0,
    stdout: 'events@2: nothing to do, no file would become better\n',
  })
  expect(await run('append', 'events', 'a.csv', '--compact', 'auto')).toMatchObject({ code: 0, stderr: '' })
  expect((await run('optimize', 'events', '--where', "city = 'Oslo'")).stdout).toMatch(/^events@4: 2 files \(.*\) became 1 file \(.*\), /)
})

test('a size that is none, and a predicate that parts files, are told', async () => {
  expect(await run('optimize', 'events', '--target-size', 'huge')).toMatchObject({ code: 2 })
  expect(await run('append', 'events', 'a.csv', '--compact', 'always')).toMatchObject({ code: 2 })
  await writeFile(join(folder, 'b.csv'), 'id,city\n1,Oslo\n2,Visby\n')
  await run('append', 'events', 'b.csv')
  const parted = await run('optimize', 'events', '--where', 'id % 2 = 0', '--json')
  expect(parted).toMatchObject({ code: 2, stdout: '' })
  expect(JSON.parse(parted.stderr)).toMatchObject({
    error: { code: 'INVALID_ARGUMENT', remedy: expect.stringContaining('partition columns') },
  })
})
