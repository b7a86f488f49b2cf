/** `varve verify`: what it says, and its exit codes. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { varve } from '../../support/child.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-verify-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('0 where all is right, 4 with a line for each file that is not', async () => {
  const path = join(folder, 'events')
  const table = await Table.create(path, { schema: 'id BIGINT' })
  await table.append([{ id: 1n }])
  const [part = ''] = (await readdir(path)).filter((name) => name.endsWith('.parquet'))
  await table.append([{ id: 2n }])
  const run = (...args: readonly string[]) => varve(['verify', ...args], { cwd: folder })
  const right = await run('events')
  expect(right).toMatchObject({ code: 0, stderr: '' })
  expect(right.stdout).toMatch(/^events@2: 2 files \(\S+ k?B\): as they were written, [\d.]+ s\n$/)
  await writeFile(join(path, part), 'no Parquet')
  const json = await run('events', '--json')
  expect(json).toMatchObject({ code: 4, stderr: '' })
  expect(JSON.parse(json.stdout)).toMatchObject({ version: 2, ok: false, files: 2, damaged: [{ path: part, problem: 'size' }] })
  const text = await run('events')
  expect(text).toMatchObject({ code: 4, stderr: '' })
  expect(text.stdout).toMatch(
    new RegExp(`^${part} has 10 bytes, and the log says \\d+\\.\n {2}Mend it from a remote .*\nevents@2: 2 files .*: 1 damaged, `),
  )
  expect(await run('events@0')).toMatchObject({ code: 0, stderr: '' })
  expect(await run('events@9')).toMatchObject({ code: 1, stdout: '' })
})
