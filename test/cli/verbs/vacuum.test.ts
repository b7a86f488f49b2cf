/** `varve vacuum` and `varve checkpoint` as people and scripts see them. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { varve } from '../../support/child.ts'

let folder: string
const run = (...args: readonly string[]) => varve(args, { cwd: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-vacuum-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n2,Turku\n')
  await run('append', 'events', 'a.csv', '--create', '--partition-by', 'city')
  await (await Table.open(join(folder, 'events'))).delete({ where: "city = 'Oslo'" })
  await new Promise((resolve) => setTimeout(resolve, 20))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a dry run names each file that would go, and takes none', async () => {
  const files = async () => (await readdir(join(folder, 'events'), { recursive: true })).filter((name) => name !== '_varve').sort()
  const before = await files()
  const text = await run('vacuum', 'events', '--older-than', '0d', '--dry-run')
  expect(text).toMatchObject({ code: 0, stderr: '' })
  expect(text.stdout).toMatch(/^city=Oslo\/part-\S+\.parquet {2}[\d.]+ k?B {2}\d{4}-\S+ \S+Z$/m)
  expect(text.stdout).toMatch(/^events: 1 file \([^)]+\) and \d+ files of the log \([^)]+\) would go, /m)
  expect(text.stdout).toContain('1 version would end: 0; 1 would be the oldest in the log\n')
  const json = JSON.parse((await run('vacuum', 'events', '--older-than', '0d', '--dry-run', '--json')).stdout)
  expect(json).toMatchObject({ dryRun: true, files: 1, ended: [{ from: 0, to: 0 }], earliest: 1, held: [] })
  expect(json.list).toEqual([{ path: expect.stringMatching(/^city=Oslo\//), bytes: json.bytes, modified: expect.any(String) }])
  expect(await files()).toEqual(before)
})

test('vacuum takes them, and says what ended', async () => {
  expect(await run('checkpoint', 'events')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^events@1: checkpoint written/) })
  expect(await run('checkpoint', 'events', '--json')).toMatchObject({ code: 0, stdout: '{"version":1,"written":false}\n' })
  const { stdout } = await run('vacuum', 'events', '--older-than', '0d', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ dryRun: false, files: 1, versionsEnded: 1, earliest: 1 })
  expect((await run('query', 'events', 'SELECT id FROM events', '--format', 'csv')).stdout).toBe('id\n2\n')
  const old = await run('query', 'events@0', 'SELECT 1', '--json')
  expect(JSON.parse(old.stderr).error).toMatchObject({ code: 'VERSION_NOT_FOUND', data: { earliest: 1, latest: 1 } })
  expect(await run('vacuum', 'events', '--older-than', '30')).toMatchObject({ code: 2, stderr: expect.stringContaining('45min') })
})
