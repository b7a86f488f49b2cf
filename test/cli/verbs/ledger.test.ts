/** `varve ledger`: its output as that of query, and its range. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { varve } from '../../support/child.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-cli-ledger-'))
  const table = await Table.create(join(folder, 'readings'), { schema: 'id BIGINT' })
  await table.append({ query: 'SELECT range AS id FROM range(2)' })
  await table.delete({ where: 'id = 1' })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (...args: string[]) => varve(['ledger', ...args], { cwd: folder })

test('gives every row with its versions, those of a range, and into files', async () => {
  const csv = await run('readings', '--format', 'csv', '--where', 'id >= $least', '--param', 'least=0')
  expect(csv).toMatchObject({ stderr: '', code: 0 })
  expect(csv.stdout.trimEnd().split('\n').sort()).toEqual(['0,1,', '1,1,2', 'id,added,removed'])
  expect((await run('readings', '--from', '2', '--columns', 'added,id')).stdout).toBe('{"added":2,"id":0}\n')
  expect(await run('readings', '--to', '1', '--output', 'ledger.parquet', '--json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"rows":2'),
  })
})

test('refuses what is no range of the table, with nothing on stdout', async () => {
  const beyond = await run('readings', '--from', '7', '--json')
  expect(beyond).toMatchObject({ code: 1, stdout: '' })
  expect(JSON.parse(beyond.stderr).error).toMatchObject({ code: 'VERSION_NOT_FOUND', data: { earliest: 0, latest: 2 } })
  expect(await run('readings@1')).toMatchObject({ code: 2, stdout: '' })
  expect(await run('readings', '--param', 'a=1')).toMatchObject({ code: 2, stdout: '' })
})
