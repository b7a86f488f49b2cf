/** `varve changes`: its output as that of query, and a bookmark that moves when the output is complete, and only then. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { ended, runCommand, startVarve, varve } from '../../support/child.ts'
import { project } from '../../support/project.ts'

const folders: string[] = []
let folder: string
let table: Table

/** A table of so many rows in one version after the first. */
async function fill(rows: number): Promise<void> {
  await table.append({ query: `SELECT range AS id, 'some text of the row ' || range AS text FROM range(${rows})` })
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-cli-changes-'))
  folders.push(folder)
  table = await Table.create(join(folder, 'readings'), {
    schema: 'id BIGINT, text VARCHAR',
    properties: { 'delta.enableChangeDataFeed': 'true' },
  })
})

afterAll(() => Promise.all(folders.map((one) => rm(one, { recursive: true, force: true }))))

const run = (...args: string[]) => varve(['changes', 'readings', ...args], { cwd: folder })

/** How many rows are new to a name. */
async function news(name: string): Promise<number> {
  return (await table.changes({ sinceLast: name }).toArray()).length
}

describe('rows', () => {
  test('come as query gives them: as JSON, as CSV, into files', async () => {
    await fill(2)
    const { stdout, stderr, code } = await run('--from', '0')
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { id: 0, text: 'some text of the row 0', _change_type: 'insert', _commit_version: 1 },
      { id: 1, _change_type: 'insert', _commit_version: 1 },
    ])
    expect(lines[0]._commit_timestamp).toMatch(/^20\d\d-.*Z$/)
    const csv = await run(
      '--from',
      '1',
      '--to',
      '1',
      '--format',
      'csv',
      '--columns',
      'id,_change_type',
      '--where',
      'id > $a',
      '--param',
      'a=0',
    )
    expect(csv.stdout).toBe('id,_change_type\n1,insert\n')
    for (const name of ['out.parquet', 'out.arrow', 'out.csv']) {
      expect(await run('--from', '0', '--output', name, '--json')).toMatchObject({ code: 0, stdout: expect.stringContaining('"rows":2') })
      expect(existsSync(join(folder, name))).toBe(true)
    }
  })

  test('that cannot be told are an error with a code, exit 1, and nothing on stdout', async () => {
    await Table.create(join(folder, 'plain'), { schema: 'id BIGINT' })
    const off = await varve(['changes', 'plain', '--from', '0', '--json'], { cwd: folder })
    expect(off).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(off.stderr).error).toMatchObject({ code: 'CHANGE_FEED_OFF', data: { version: 0 } })
    const beyond = await run('--from', '9', '--output', 'out.csv')
    expect(beyond).toMatchObject({ code: 1, stdout: '' })
    expect(existsSync(join(folder, 'out.csv'))).toBe(false)
    await fill(1)
    expect(await run('--from', '1', '--to', '0')).toMatchObject({ code: 2, stdout: '' })
    expect(await run('--since-last', 'a/b')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('--since-last', () => {
  test('gives what is new, and says so', async () => {
    await fill(3)
    const first = await run('--since-last', 'nightly')
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(3)
    expect(first).toMatchObject({ code: 0, stderr: 'nightly has read versions 0 to 1\n' })
    expect(await run('--since-last', 'Nightly')).toMatchObject({ code: 0, stdout: '', stderr: 'nothing new for Nightly\n' })
    expect(await run('--since-last', 'nightly', '--format', 'csv', '--quiet')).toMatchObject({
      stdout: 'id,text,_change_type,_commit_version,_commit_timestamp\n',
      stderr: '',
    })
  })

  test('gives the same again where the reader of the pipe went away', async () => {
    await fill(50_000)
    const bin = join(project, 'bin/varve.js')
    const piped = await runCommand('bash', ['-c', `"${process.execPath}" "${bin}" changes readings --since-last etl | head -1`], {
      cwd: folder,
    })
    expect(piped).toMatchObject({ code: 0, stderr: '' })
    expect(await news('etl')).toBe(50_000)
  })

  test('gives the same again where the output could not be written', async () => {
    await fill(10)
    expect(await run('--since-last', 'etl', '--output', 'no/such/folder.csv')).toMatchObject({ code: 1 })
    expect(
      await runCommand(
        'bash',
        ['-c', `"${process.execPath}" "${join(project, 'bin/varve.js')}" changes readings --since-last etl > /dev/full`],
        { cwd: folder },
      ),
    ).toMatchObject({ code: 1 })
    expect(await news('etl')).toBe(10)
  })

  test.each(['SIGINT', 'SIGKILL'] as const)('gives the same again after %s', async (signal) => {
    // More than one batch, so that it is not done when it waits: its output is not taken.
    await fill(200_000)
    const child = startVarve(['changes', 'readings', '--since-last', 'etl'], { cwd: folder })
    await new Promise((resolve) => child.stdout?.once('readable', resolve))
    child.kill(signal)
    const { code } = await ended(child)
    expect(code).toBe(signal === 'SIGINT' ? 130 : null)
    expect(await news('etl')).toBe(200_000)
  })

  test('is exit 3 for the second of two readers at once', async () => {
    await fill(50_000)
    const slow = startVarve(['changes', 'readings', '--since-last', 'etl'], { cwd: folder })
    await new Promise((resolve) => slow.stdout?.once('readable', resolve))
    expect(await run('--since-last', 'etl', '--output', 'won.ndjson')).toMatchObject({ code: 0 })
    const lost = await ended(slow)
    expect(lost.code).toBe(3)
    expect(lost.stderr).toContain('BOOKMARK_MOVED')
    expect(readFileSync(join(folder, 'won.ndjson'), 'utf8').trimEnd().split('\n')).toHaveLength(50_000)
    expect(await news('etl')).toBe(0)
  })
})
