/** `varve tag`, `tags` and `untag` as people and scripts see them, with Git beside them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand, varve } from '../../support/child.ts'

let folder: string
const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
const run = (...args: readonly string[]) => varve(args, { cwd: folder, env })
const git = async (...args: readonly string[]) => (await runCommand('git', args, { cwd: folder, env })).stdout

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-tag-'))
  await writeFile(join(folder, 'a.csv'), 'id,city\n1,Oslo\n2,Turku\n')
  await run('append', 'events', 'a.csv', '--create')
  await run('append', 'events', 'a.csv')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a tag is made, listed, used, moved by force and removed', async () => {
  const outside = await run('tag', 'events@0', 'v1', '--git', '--json')
  expect(outside).toMatchObject({ code: 2, stdout: '' })
  expect(JSON.parse(outside.stderr).error.code).toBe('GIT_UNAVAILABLE')
  expect(await run('tag', 'events@0', 'v1', '-m', 'the first rows')).toMatchObject({ code: 0, stderr: '', stdout: 'events@0: tagged v1\n' })
  expect((await run('query', 'events@v1', 'SELECT count(*) AS n FROM events', '--format', 'csv')).stdout).toBe('n\n2\n')
  const again = await run('tag', 'events', 'v1', '--json')
  expect(again.code).toBe(1)
  expect(JSON.parse(again.stderr).error).toMatchObject({ code: 'TAG_EXISTS', data: { tag: 'v1', version: 0 } })
  expect((await run('tag', 'events', 'v1', '--force')).stdout).toBe('events@1: tagged v1, which was version 0\n')
  await run('tag', 'events', 'v2', '-m', 'the same')
  const listed = await run('tags', 'events')
  const [heading, ...rows] = listed.stdout.split('\n')
  expect(heading).toMatch(/^NAME {2}VERSION {2}TAGGED +ROWS {2}ID +AUTHOR +MOVED FROM {2}MESSAGE$/)
  expect(rows[0]).toMatch(/^v1 +1 .* 4 {2}[0-9a-f]{12} .* 0$/)
  expect(rows[1]).toMatch(/^v2 +1 .* the same$/)
  const lines = (await run('tags', 'events', '--json')).stdout.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { name: 'v1', version: 1, rows: 4, replaces: 0, message: null, fingerprints: { id: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    { name: 'v2', version: 1, message: 'the same' },
  ])
  expect((await run('untag', 'events', 'v2')).stdout).toBe('events: v2 no longer names version 1\n')
  expect(await run('show', 'events@v2')).toMatchObject({ code: 1, stderr: expect.stringContaining('TAG_NOT_FOUND') })
})

test('show --fingerprints computes them, and show and tags have them from then on', async () => {
  expect((await run('show', 'events@0')).stdout).toMatch(/^ {2}fingerprints +id [0-9a-f]{12}$/m)
  const { fingerprints } = JSON.parse((await run('show', 'events@0', '--fingerprints', '--json')).stdout)
  for (const kind of ['id', 'files', 'rows']) expect(fingerprints[kind]).toMatch(/^[0-9a-f]{64}$/)
  expect((await run('show', 'events@0')).stdout).toContain(`rows ${fingerprints.rows.slice(0, 12)}`)
  expect(JSON.parse((await run('tag', 'events@0', 'known', '--json')).stdout).fingerprints).toEqual(fingerprints)
})

test('--git tags the current commit with the fingerprints, as its user', async () => {
  await git('init', '-q')
  await git('config', 'user.name', 'Ada')
  await git('config', 'user.email', 'ada@example.org')
  await git('commit', '-q', '--allow-empty', '-m', 'begin')
  const made = JSON.parse((await run('tag', 'events@0', 'gold', '-m', 'for the paper', '--git', '--json')).stdout)
  const { id, files, rows } = made.fingerprints
  expect(made.author).toBe('Ada <ada@example.org>')
  expect(await git('for-each-ref', '--format=%(objecttype) %(*subject)', 'refs/tags')).toBe('tag begin\n')
  expect(await git('for-each-ref', '--format=%(contents)', 'refs/tags/dataset-gold')).toBe(
    `for the paper\n\nVarve-Table: events\nVarve-Version: 0\nVarve-Id: ${id}\nVarve-Files: ${files}\nVarve-Rows: ${rows}\n\n`,
  )
  await run('untag', 'events', 'gold')
  const taken = await run('tag', 'events', 'gold', '--git', '--json')
  expect(JSON.parse(taken.stderr).error).toMatchObject({ code: 'TAG_EXISTS', data: { tag: 'dataset-gold' } })
  expect((await run('tags', 'events')).stdout).not.toContain('gold')
  expect(await run('tag', 'events', 'gold', '--git', '--force')).toMatchObject({ code: 0 })
  expect(await git('for-each-ref', '--format=%(contents)', 'refs/tags/dataset-gold')).toContain('Varve-Version: 1\n')
})
