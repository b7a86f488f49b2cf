import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PinStatus, status, Table } from '../../../src/index.ts'

let root: string
const cwd = process.cwd()
const all = async (folder?: string) => {
  const found: PinStatus[] = []
  for await (const one of status(folder)) found.push(one)
  return found
}
const words = async () => Object.fromEntries((await all()).map(({ file, status: word }) => [file, word]))

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'varve-status-'))
  process.chdir(root)
})
afterAll(async () => {
  process.chdir(cwd)
  await rm(root, { recursive: true, force: true })
})

test('each pin below is told as what it is, and what is no place for pins is passed over', async () => {
  const table = await Table.create('data/events', { schema: 'id BIGINT' })
  await table.append([{ id: 1n }])
  await table.append([{ id: 2n }])
  for (const folder of ['models/deep', 'node_modules/x', '.git/x', 'data/events/_varve']) await mkdir(folder, { recursive: true })
  for (const file of ['node_modules/x/no.varve', '.git/x/no.varve', 'data/events/_varve/no.varve', 'models/bad.varve'])
    await writeFile(file, 'no pin')
  await symlink('..', 'models/deep/up')
  await table.pin()
  await table.pin({ asOf: 1, file: 'models/deep/old.varve' })
  expect(await words()).toEqual({ 'events.varve': 'same', 'models/bad.varve': 'unknown', 'models/deep/old.varve': 'ahead' })
  expect(await all('models')).toMatchObject([
    { file: 'models/bad.varve', status: 'unknown', table: null, message: expect.stringContaining('no pin'), remedy: expect.any(String) },
    {
      file: 'models/deep/old.varve',
      status: 'ahead',
      table: '../../data/events',
      version: 1,
      latest: 2,
      message: expect.stringContaining('1 after'),
    },
  ])
  await rm('models/bad.varve')

  await table.append([{ id: 3n }])
  expect(await words()).toEqual({ 'events.varve': 'ahead', 'models/deep/old.varve': 'ahead' })
  const [first = ''] = await namesAt(table, 1)
  await rename(join('data/events', first), join(root, 'aside'))
  expect(await words()).toEqual({ 'events.varve': 'missing', 'models/deep/old.varve': 'missing' })
  expect((await all())[0]).toMatchObject({
    message: expect.stringContaining(first),
    remedy: expect.stringContaining('varve pull events.varve'),
  })
  await writeFile(join('data/events', first), 'cut off')
  expect((await words())['events.varve']).toBe('missing')
})

test('no table, one without the version, one with another version of that number', async () => {
  await rm('data', { recursive: true })
  expect(await words()).toEqual({ 'events.varve': 'missing', 'models/deep/old.varve': 'missing' })
  const other = await Table.create('data/events', { schema: 'id BIGINT' })
  await other.append([{ id: 1n }])
  expect(await words()).toEqual({ 'events.varve': 'missing', 'models/deep/old.varve': 'differs' })
  expect(await all()).toMatchObject([{ latest: 1, message: expect.stringContaining('Version 2 is not in data/events') }, { latest: 1 }])
})

test('a folder that is not there, and one without pins', async () => {
  await expect(all('nowhere')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await mkdir('empty')
  expect(await all('empty')).toEqual([])
})

async function namesAt(table: Table, version: number): Promise<string[]> {
  const names: string[] = []
  for await (const { path } of (await table.asOf(version)).files()) names.push(path)
  return names
}
