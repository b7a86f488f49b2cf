/** Every version says who made it, how, from what, and what it changed: as the files say, and as a model kept beside the table counts. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileInputs } from '../../../src/data/input/file-inputs.ts'
import { type HistoryEntry, memoryStore, openSession, Table } from '../../../src/index.ts'
import { statInput } from '../../../src/storage/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-provenance-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

async function newest(table: Table): Promise<HistoryEntry> {
  for await (const entry of table.history({ limit: 1 })) return entry
  throw new Error('no version')
}

const empty = async (name: string) => Table.create(join(folder, name), { schema: 'id BIGINT, city VARCHAR' })
const csv = (...ids: number[]) => `id,city\n${ids.map((id) => `${id},Oslo\n`).join('')}`

describe('inputs', () => {
  it('are files with name, length and hash: alone, of a folder, by a stream, in a query', async () => {
    const table = await empty('files')
    const texts = { a: csv(1, 2), b: csv(3) }
    await mkdir(join(folder, 'raw'))
    for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, 'raw', `${name}.csv`), text)
    const [a, b] = Object.entries(texts).map(([name, text]) => ({
      file: join(folder, 'raw', `${name}.csv`),
      bytes: text.length,
      sha256: sha256(text),
    }))
    await table.append({ files: a!.file })
    expect((await newest(table)).inputs).toEqual([a])
    await table.append({ files: join(folder, 'raw'), format: 'csv' })
    expect((await newest(table)).inputs).toEqual([a, b])
    await table.overwrite({ stream: createReadStream(a!.file), format: 'csv' }, { where: 'id = 1 OR id = 2' })
    expect((await newest(table)).inputs).toEqual([{ ...a, file: '-' }])
    const query = `SELECT * FROM read_csv('${join(folder, 'raw')}/*.csv') WHERE id > 1`
    await table.append({ query })
    expect((await newest(table)).inputs).toEqual([{ query }, a, b])
    await table.merge({ files: b!.file }, { on: 'target.id = source.id', whenMatched: [{ delete: true }] })
    expect((await newest(table)).inputs).toEqual([b])
  })

  it('are not read here where they can be read but once', async () => {
    const pipe = join(folder, 'pipe.csv')
    execFileSync('mkfifo', [pipe])
    // Opening it would wait for a writer.
    const { inputs } = fileInputs([(await statInput(pipe))!], ['pipe.csv'], { hashInputs: true })
    expect(await inputs()).toEqual([{ file: 'pipe.csv' }])
  })

  it('are versions of tables with their ids, whichever way they were read', async () => {
    const orders = await Table.append(join(folder, 'orders'), [{ id: 1n, city: 'Oslo' }], {
      create: true,
      properties: { 'delta.enableChangeDataFeed': 'true' },
    }).then(() => Table.open(join(folder, 'orders')))
    await orders.append([{ id: 2n, city: 'Turku' }])
    const ids = new Map<number, string | null>()
    for await (const { version, id } of orders.history()) ids.set(version, id)
    expect((await (await orders.latest()).fingerprints()).id).toBe(ids.get(1))
    const read = (version: number) => ({ table: orders.location, path: '../orders', version, id: ids.get(version) })

    const table = await empty('of-tables')
    await table.append((await orders.asOf(0)).query('SELECT * FROM orders'))
    expect((await newest(table)).inputs).toEqual([read(0)])
    await table.append((await orders.latest()).scan({ where: 'id = 2' }))
    expect((await newest(table)).inputs).toEqual([read(1)])
    await table.overwrite(await orders.asOf(0))
    expect((await newest(table)).inputs).toEqual([read(0)])
    await table.append(orders)
    expect((await newest(table)).inputs).toEqual([read(1)])
    expect(await (await table.latest()).rowCount()).toBe(3)
    await table.merge(await orders.asOf(0), { on: 'target.id = source.id', whenMatched: [{ delete: true }] })
    expect((await newest(table)).inputs).toEqual([read(0)])
    await table.upsert(orders, { key: 'id' })
    expect((await newest(table)).inputs).toEqual([read(1)])
    const session = await openSession({ o: orders, t: table })
    await table.overwrite(session.query('SELECT o.* FROM o JOIN t USING (id) JOIN o b AT (VERSION => 0) ON true'))
    const { inputs } = await newest(table)
    expect(inputs).toHaveLength(3)
    expect(inputs).toEqual(expect.arrayContaining([read(0), read(1), expect.objectContaining({ table: table.location, path: '.' })]))
    await table.append(orders.changes({ from: 0, columns: ['id', 'city'] }))
    expect((await newest(table)).inputs).toEqual([{ ...read(1), from: 0 }])
    // A count that the log answers is read from the table all the same.
    await table.append((await orders.latest()).query("SELECT count(*) AS id, 'n' AS city FROM orders"))
    expect((await newest(table)).inputs).toEqual([read(1)])
  })

  it('are what the caller names, beside what was read; of a file that is not there the name alone', async () => {
    const [table, path] = [await empty('named'), join(folder, 'config.yaml')]
    await writeFile(path, 'threshold: 3\n')
    const snapshot = await table.latest()
    await table.append([{ id: 1n }], { provenance: { inputs: [path, snapshot, join(folder, 'gone.yaml')] } })
    const { inputs } = await newest(table)
    expect(inputs).toMatchObject([
      { file: path, bytes: 13, sha256: sha256('threshold: 3\n') },
      { table: table.location, version: 0 },
      { file: join(folder, 'gone.yaml') },
    ])
    expect(inputs[2]).not.toHaveProperty('sha256')
  })

  it('of a transaction are those of its verbs', async () => {
    const [table, path] = [await empty('transacted'), join(folder, 'tx.csv')]
    await writeFile(path, csv(1))
    const other = await empty('other')
    await other.append([{ id: 1n }])
    await table.transaction(async (tx) => {
      await tx.append({ files: path })
      await tx.append((await other.latest()).scan())
    })
    expect((await newest(table)).inputs).toMatchObject([
      { file: path, sha256: sha256(csv(1)) },
      { table: other.location, version: 1 },
    ])
  })
})

describe('who and how', () => {
  it('are given, or left out, each by itself', async () => {
    const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
    const script = join(folder, 'etl.sql')
    await writeFile(script, 'SELECT 1')
    await table.append([{ id: 1n }], {
      provenance: {
        author: 'Ada',
        git: { commit: 'c0ffee', dirty: true },
        command: ['etl', '--token', 'hush', '--day', '1'],
        code: [script, { text: 'SELECT 2' }],
      },
    })
    expect(await newest(table)).toMatchObject({
      author: 'Ada',
      git: { commit: 'c0ffee', dirty: true },
      command: ['etl', '--token', '***', '--day', '1'],
      code: [{ file: script, sha256: sha256('SELECT 1') }, { sha256: sha256('SELECT 2') }],
    })
    await writeFile(script, 'SELECT 3')
    await table.append([{ id: 2n }], { provenance: { author: false, git: false, command: false, code: script } })
    expect(await newest(table)).toMatchObject({ author: null, git: null, command: null, code: [{ sha256: sha256('SELECT 3') }] })
  })

  it('are found out where nothing is said: the script that runs, its arguments, the user', async () => {
    const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
    const { author, command, code, id, parent } = await newest(table)
    expect(command?.[0]).toBe(basename(process.argv[1]!))
    expect(code).toEqual([{ file: expect.any(String), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }])
    expect(author).toEqual(expect.any(String))
    expect(parent).toBeNull()
    await table.delete({ txn: { appId: 'a', version: 1 } })
    expect((await newest(table)).parent).toBe(id)
  })

  it('are not told at all where that is not wanted, and no file is hashed', async () => {
    const [table, path] = [await empty('silent'), join(folder, 'silent.csv')]
    await writeFile(path, csv(1))
    await table.append({ files: path }, { provenance: false, source: 'crm' })
    const nothing = { author: null, inputs: [], git: null, command: null, code: [] }
    expect(await newest(table)).toMatchObject({ ...nothing, source: 'crm', changed: { rows: { added: 1 } } })
    await table.append({ files: path }, { provenance: { inputs: false } })
    expect((await newest(table)).inputs).toEqual([])
  })
})

describe('what changed', () => {
  it('is counted in rows and bytes by every verb', async () => {
    const path = join(folder, 'counted')
    const table = await Table.create(path, { schema: 'id BIGINT, n INTEGER' })
    const rows = (from: number, to: number) => ({ query: `SELECT i::BIGINT AS id, 0::INTEGER AS n FROM range(${from}, ${to}) t(i)` })
    const bytesOf = async () => (await (await table.latest()).describe()).bytes!
    let before = 0
    const check = async (added: number, removed: number, updated: number) => {
      const { changed } = await newest(table)
      expect(changed?.rows).toEqual({ added, removed, updated })
      const bytes = await bytesOf()
      expect(changed!.bytes.added! - changed!.bytes.removed!).toBe(bytes - before)
      before = bytes
    }
    await check(0, 0, 0)
    await table.append(rows(0, 2000))
    await check(2000, 0, 0)
    await table.append(rows(2000, 2010))
    await check(10, 0, 0)
    await table.update({ set: { n: '1' }, where: 'id < 5' })
    await check(0, 0, 5)
    await table.delete({ where: 'id >= 2000' })
    await check(0, 10, 0)
    await table.merge(rows(4, 2001), {
      on: 'target.id = source.id',
      whenMatched: [
        { if: 'target.n = 1', delete: true },
        { if: 'target.id < 10', update: 'all' },
      ],
      whenNotMatched: [{ insert: 'all' }],
    })
    await check(1, 1, 5)
    await table.optimize()
    await check(0, 0, 0)
    await table.overwrite(rows(0, 7), { where: 'id < 7' })
    await check(7, 6, 0)
    await table.alter({ add: { name: 'm', type: 'INTEGER' } })
    await check(0, 0, 0)
    await table.restore(2)
    const { changed, inputs } = await newest(table)
    expect(changed!.rows.added! - changed!.rows.removed!).toBe(2010 - 2001)
    expect(inputs).toMatchObject([{ table: table.location, path: '.', version: 2, id: expect.stringMatching(/^[0-9a-f]{64}$/) }])
  })
})
