import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PinStatus, type StatusOptions, status, Table } from '../../../src/index.ts'

let root: string
const cwd = process.cwd()
const all = async (folder?: string, options?: StatusOptions) => {
  const found: PinStatus[] = []
  for await (const one of status(folder, options)) found.push(one)
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
  // What is cut off a pull would leave as it is.
  await writeFile(join('data/events', first), 'cut off')
  expect((await all())[0]).toMatchObject({ status: 'differs', remedy: expect.stringContaining('varve verify events.varve --repair-from') })
  // A byte that was turned shows where bytes are looked at.
  const bytes = await readFile('aside')
  const turned = Buffer.from(bytes)
  turned[9]! ^= 1
  await writeFile(join('data/events', first), turned)
  expect(await words()).toEqual({ 'events.varve': 'ahead', 'models/deep/old.varve': 'ahead' })
  expect(await all('.', { deep: true })).toMatchObject([
    { status: 'differs', message: expect.stringContaining(first) },
    { status: 'differs' },
  ])
  await writeFile(join('data/events', first), bytes)
  expect(await all('.', { deep: true })).toMatchObject([{ status: 'ahead' }, { status: 'ahead' }])
})

test('no table, one without the version, one with another version of that number', async () => {
  await rm('data', { recursive: true })
  expect(await words()).toEqual({ 'events.varve': 'missing', 'models/deep/old.varve': 'missing' })
  const other = await Table.create('data/events', { schema: 'id BIGINT' })
  await other.append([{ id: 1n }])
  expect(await words()).toEqual({ 'events.varve': 'missing', 'models/deep/old.varve': 'differs' })
  expect(await all()).toMatchObject([{ latest: 1, message: expect.stringContaining('Version 2 is not in data/events') }, { latest: 1 }])
})

test('what is to be done about a pin is told as a shell takes it', async () => {
  await mkdir('its own')
  await writeFile("its own/it's.varve", await readFile('events.varve'))
  expect(await all('its own')).toMatchObject([{ status: 'missing', remedy: `Get it: varve pull 'its own/it'\\''s.varve'.` }])
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
