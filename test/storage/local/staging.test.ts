/** What killed processes left on the way to a local store goes when nobody can be at it any more; what may be in flight stays. */
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { localStore } from '../../../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-staging-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('is removed after seven days in which nothing of it was touched', async () => {
  const staging = join(folder, '_varve/staging')
  const old = new Date(Date.now() - 8 * 86_400_000)
  for (const [name, fileIsOld] of [
    ['abandoned', true],
    ['long', false],
  ] as const) {
    await mkdir(join(staging, name), { recursive: true })
    await writeFile(join(staging, name, 'body'), 'half a file')
    if (fileIsOld) await utimes(join(staging, name, 'body'), old, old)
    await utimes(join(staging, name), old, old)
  }
  const staged = await localStore(folder).stage()
  const left = await readdir(staging)
  expect(left).toHaveLength(2)
  expect(left).toContain('long')
  await staged.dispose()
  expect(await readdir(staging)).toEqual(['long'])
})
