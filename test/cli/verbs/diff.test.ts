/** `varve diff`: two references of one table, and its output as that of query. */
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { varve } from '../../support/child.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-cli-diff-'))
  const table = await Table.create(join(folder, 'readings'), { schema: 'id BIGINT, city VARCHAR' })
  await table.append([
    { id: 1, city: 'Oslo' },
    { id: 2, city: 'Turku' },
  ])
  await table.delete({ where: 'id = 2' })
  await table.append([{ id: 2, city: 'Visby' }])
  await Table.create(join(folder, 'other'), { schema: 'id BIGINT' })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (...args: string[]) => varve(['diff', ...args], { cwd: folder })

test('gives rows, by a key or without, and numbers', async () => {
  expect(await run('readings@1', './readings', '--key', 'id', '--format', 'csv')).toMatchObject({
    stdout: 'id,city,_change_type\n2,Turku,update_preimage\n2,Visby,update_postimage\n',
    stderr: '',
    code: 0,
  })
  const back = await run('readings', 'readings@1', '--columns', 'city')
  expect(back.stdout.trimEnd().split('\n').sort()).toEqual([
    '{"city":"Turku","_change_type":"insert"}',
    '{"city":"Visby","_change_type":"delete"}',
  ])
  expect((await run('readings@1', 'readings', '--key', 'id', '--summary', '--format', 'csv')).stdout).toBe(
    '_change_type,column_name,rows\ninsert,,0\ndelete,,0\nupdate,,1\nupdate,city,1\n',
  )
  expect(await run('readings@0', 'readings@1', '--output', 'diff.parquet', '--key', 'id', '--json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"rows":2'),
  })
})

test('refuses what are not two versions of one table, and a key that tells nothing apart', async () => {
  expect(await run('readings', 'other')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('two tables') })
  expect(await run('readings')).toMatchObject({ code: 2, stdout: '' })
  await symlink(join(folder, 'readings'), join(folder, 'link'))
  expect(await run('link@1', 'readings@1')).toMatchObject({ code: 0, stdout: '' })
  const table = await Table.open(join(folder, 'readings'))
  await table.append({ query: "SELECT unnest([3, 4]) AS id, 'Oslo' AS city" })
  const failed = await run('readings@3', 'readings', '--key', 'city', '--json')
  expect(failed).toMatchObject({ code: 2, stdout: '' })
  expect(JSON.parse(failed.stderr).error).toMatchObject({ code: 'KEY_NOT_UNIQUE', data: { key: '{"city":"Oslo"}', version: 4 } })
})
