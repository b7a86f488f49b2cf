/** Where versions come from, as people and scripts see it: history, its graphs, show, and a clone. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand, varve } from '../../support/child.ts'

let folder: string
let commit: string
const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
const run = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await varve(args, { cwd: folder, env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-cli-provenance-'))
  await writeFile(join(folder, 'orders.csv'), 'id\n1\n2\n')
  await writeFile(join(folder, 'etl.py'), 'print()\n')
  const git = async (...args: readonly string[]) => (await runCommand('git', ['-C', folder, ...args], { env })).stdout.trim()
  await git('init', '-q', '-b', 'main')
  await git('config', 'user.name', 'Ada')
  await git('config', 'user.email', 'ada@example.org')
  await git('add', 'etl.py')
  await git('commit', '-q', '-m', 'begin')
  commit = await git('rev-parse', 'HEAD')
  await run('append', 'orders', 'orders.csv', '--create', '--code', 'etl.py')
  await writeFile(join(folder, 'etl.py'), 'print(1)\n')
  await run('create', 'events', '--schema', 'id BIGINT')
  await run('merge', 'events', 'orders@0', '--on', 'target.id = source.id', '--when-not-matched-insert', '--source', 'token=hush')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('history tells author, inputs and Git commit in a line, and all of it as JSON', async () => {
  const list = await run('history', 'events')
  expect(list).toMatch(/^VERSION {2}COMMITTED +AUTHOR +OPERATION +CHANGE +FROM +GIT +SOURCE\n/)
  expect(list).toMatch(new RegExp(`^ {6}1 {2}\\S+ \\S+ {2}Ada +MERGE +\\+2 rows +orders@0 +${commit.slice(0, 10)}\\* +token=hush$`, 'm'))
  const [line] = (await run('history', 'orders', '--json')).trim().split('\n')
  const entry = JSON.parse(line!)
  const hash = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex')
  expect(entry).toMatchObject({
    author: 'Ada <ada@example.org>',
    inputs: [{ file: 'orders.csv', bytes: 7, sha256: await hash('orders.csv') }],
    git: { commit, branch: 'main', dirty: false },
    command: ['varve', 'append', 'orders', 'orders.csv', '--create', '--code', 'etl.py'],
    code: [{ file: 'etl.py', sha256: createHash('sha256').update('print()\n').digest('hex') }],
    parent: null,
    changed: { rows: { added: 2, removed: 0, updated: 0 } },
  })
  const merged = JSON.parse((await run('history', 'events', '--limit', '1', '--json')).trim())
  expect(merged.inputs).toEqual([{ table: expect.stringMatching(/^file:.*\/orders$/), path: '../orders', version: 0, id: entry.id }])
  expect(merged.command.join(' ')).not.toContain('hush')
})

test('the graph goes on into the tables that were read, and show has the facts', async () => {
  const graph = await run('history', 'events', '--graph')
  expect(graph).toMatch(
    /^● 1 {2}.* MERGE {2}\+2 rows\n├─◆ orders@0 {2}CREATE TABLE AS SELECT {2}\+2 rows .*\n│ {2}└─◇ orders\.csv {2}7 B {2}sha256 [0-9a-f]{12}\n│\n● 0 .*\n$/,
  )
  expect(await run('history', 'events', '--dot')).toMatch(/^digraph[\s\S]*t1v0 -> t0v1 \[style = dashed\][\s\S]*\}\n$/)
  const show = await run('show', 'orders')
  expect(show).toMatch(
    /\n {2}author +Ada <ada@example.org>\n {2}from +orders\.csv, 7 B, sha256 [0-9a-f]{12}\n {2}git +[0-9a-f]{40} on main\n/,
  )
  expect(show).toMatch(/\n {2}command +varve append orders orders\.csv --create --code etl\.py\n {2}code +etl\.py, sha256 [0-9a-f]{12}\n/)
})

test('a clone is a table of its own, which reads and is written without more ado', async () => {
  expect(await run('clone', 'orders@0', 'trial', '--message', 'to try')).toMatch(
    /^trial@0: cloned from orders@0: 1 file \(\d+ B\) named where they lie, .*\n$/,
  )
  await run('append', 'trial', 'orders@0')
  expect(await run('query', 'trial', 'SELECT count(*) AS n FROM trial', '--format', 'csv')).toBe('n\n4\n')
  expect(await run('history', 'trial')).toMatch(/ WRITE +\+2 rows .* orders@0 .*\n.* CLONE +\+2 rows +orders@0 .* to try\n$/)
  const deep = JSON.parse(await run('clone', 'trial', 'backup', '--deep', '--json'))
  expect(deep).toMatchObject({ version: 0, operation: 'CLONE', alreadyApplied: false, metrics: { numCopiedFiles: 2 } })
  await rm(join(folder, 'orders'), { recursive: true })
  expect(await run('query', 'backup', 'SELECT count(*) AS n FROM backup', '--format', 'csv')).toBe('n\n4\n')
})

test('an erasure tells the code that was named, and not its own command line, which says who is forgotten', async () => {
  await run('erase', 'events', '--where', 'id = 1', '--code', 'etl.py')
  const { operation, command, code } = JSON.parse(await run('history', 'events', '--limit', '1', '--json'))
  expect({ operation, command, code }).toEqual({
    operation: 'ERASE',
    command: null,
    code: [{ file: 'etl.py', sha256: expect.any(String) }],
  })
})

test('what a table says of itself cannot move the cursor', async () => {
  await run('create', 'odd', '--schema', '"a\u001b[2Jb" BIGINT', '--property', 'owner=x\u001b[1Ay')
  const show = await run('show', 'odd')
  expect(show).toContain('owner = x·[1Ay\n')
  expect(show).toMatch(/^ {2}a·\[2Jb {2}BIGINT$/m)
  expect(show).not.toContain('\u001b')
})
