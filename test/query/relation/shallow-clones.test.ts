/** Shallow clones as Spark makes them: a log of their own that names another table's files, and vectors, by absolute path. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { localStore, openSession, Table } from '../../../src/index.ts'
import { vectorAt, vectorFile } from '../../support/vectors.ts'

let folder: string
let source: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-clones-'))
  source = join(folder, 'source')
  const table = await Table.create(source, { schema: 'id BIGINT, name VARCHAR' })
  for (const first of [0, 10]) await table.append({ query: `SELECT i AS id, 'n' || i AS name FROM range(${first}, ${first + 10}) AS r(i)` })
  writeFileSync(join(source, 'deleted.bin'), vectorFile([0, 2, 4]))
})
afterAll(() => rm(folder, { recursive: true }))

type Action = Record<string, Record<string, unknown>>

/** A clone of the source at its newest version, its files named as `spell` makes it of their absolute paths. */
function makeClone(
  name: string,
  spell: (path: string) => string,
  change: (add: Record<string, unknown>, at: number) => object = () => ({}),
): string {
  const root = join(folder, name)
  const log = join(source, '_delta_log')
  const actions = readdirSync(log)
    .filter((file) => /^\d{20}\.json$/.test(file))
    .flatMap((file) => readFileSync(join(log, file), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as Action)
  const info = {
    commitInfo: {
      timestamp: 1,
      inCommitTimestamp: 1,
      operation: 'CLONE',
      operationParameters: { source, sourceVersion: 2, isShallow: true },
    },
  }
  const ground = actions.filter((action) => action.protocol ?? action.metaData)
  const adds = actions
    .filter((action) => action.add)
    .map(({ add }, at) => ({ add: { ...add, path: spell(join(source, String(add!.path))), ...change(add!, at) } }))
  mkdirSync(join(root, '_delta_log'), { recursive: true })
  writeFileSync(
    join(root, '_delta_log', `${'0'.padStart(20, '0')}.json`),
    [info, ...ground, ...adds].map((action) => `${JSON.stringify(action)}\n`).join(''),
  )
  return root
}

async function ids(table: Table): Promise<number[]> {
  const rows = await (await table.latest()).query('SELECT id FROM t ORDER BY id', { name: 't' }).toArray()
  return rows.map(({ id }) => Number(id))
}

const all = Array.from({ length: 20 }, (_, i) => i)
const spellings: readonly [string, (path: string) => string][] = [
  ['path', (path) => path],
  ['file-three', (path) => pathToFileURL(path).href],
  ['file-one', (path) => pathToFileURL(path).href.replace('file:///', 'file:/')],
]

it.each(spellings)('reads the files of its source where the caller allows their folder: %s', async (name, spell) => {
  const root = makeClone(`clone-${name}`, spell)
  expect(await ids(await Table.open(root, { allowPaths: [source] }))).toEqual(all)
  expect(await ids(await Table.open(root, { allowPaths: [join(folder, 'other'), `${pathToFileURL(folder).href}/`] }))).toEqual(all)
  const session = await openSession({ c: root, s: source }, { allowPaths: [source] })
  expect(await session.query('SELECT count(*)::INTEGER AS n FROM c JOIN s USING (id)').toArray()).toEqual([{ n: 20 }])
})

it('is opened without, and reading says which file lies outside and how to allow it', async () => {
  const table = await Table.open(makeClone('refused', (path) => path))
  expect(await (await table.latest()).rowCount()).toBe(20)
  const outside = { code: 'PATH_OUTSIDE_ROOT', data: { folder: source }, remedy: expect.stringContaining(`--allow-path ${source}`) }
  await expect(ids(table)).rejects.toMatchObject(outside)
  // A folder whose name only begins alike, and one beside, allow nothing.
  for (const allowPaths of [[], [`${source}2`], [join(source, '_delta_log')], [source.slice(0, -1)]]) {
    await expect(ids(await Table.open(join(folder, 'refused'), { allowPaths }))).rejects.toMatchObject(outside)
  }
})

it('reads vectors of its source, and refuses them where they lie elsewhere', async () => {
  const withVector = (path: string) => (_: unknown, at: number) => (at === 0 ? { deletionVector: vectorAt(path, [0, 2, 4]) } : {})
  const root = makeClone('vectors', (path) => path, withVector(join(source, 'deleted.bin')))
  expect(await ids(await Table.open(root, { allowPaths: [source] }))).toEqual(all.filter((id) => ![0, 2, 4].includes(id)))
  await expect(ids(await Table.open(root))).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
  mkdirSync(join(folder, 'elsewhere'))
  writeFileSync(join(folder, 'elsewhere', 'deleted.bin'), vectorFile([0, 2, 4]))
  const stray = makeClone('stray', (path) => path, withVector(join(folder, 'elsewhere', 'deleted.bin')))
  await expect(ids(await Table.open(stray, { allowPaths: [source] }))).rejects.toMatchObject({
    code: 'PATH_OUTSIDE_ROOT',
    data: { folder: join(folder, 'elsewhere') },
  })
})

it('never climbs, and never follows a link out of a folder that is allowed', async () => {
  const climbing = makeClone('climbing', (path) => path.replace(source, '../source'))
  await expect(ids(await Table.open(climbing, { allowPaths: [source, folder] }))).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
  mkdirSync(join(folder, 'allowed'))
  symlinkSync(source, join(folder, 'allowed', 'link'))
  const linked = makeClone('linked', (path) => path.replace(source, join(folder, 'allowed', 'link')))
  await expect(ids(await Table.open(linked, { allowPaths: [join(folder, 'allowed')] }))).rejects.toMatchObject({
    code: 'PATH_OUTSIDE_ROOT',
  })
  expect(await ids(await Table.open(linked, { allowPaths: [source] }))).toEqual(all)
})

it('is appended to inside its own folder, without leave to read outside', async () => {
  const root = makeClone('appended', (path) => path)
  const before = readdirSync(source).sort()
  const table = await Table.open(root)
  await table.append([{ id: 20, name: 'new' }])
  expect(readdirSync(source).sort()).toEqual(before)
  expect(await ids(await Table.open(root, { allowPaths: [source] }))).toEqual([...all, 20])
  const mine = (await (await Table.open(root)).latest()).query('SELECT name FROM t WHERE id = 20', { name: 't' })
  expect(await mine.toArray()).toEqual([{ name: 'new' }])
})

it('takes the folders with the path, or with the store', async () => {
  const root = makeClone('store', (path) => path)
  expect(await ids(await Table.open(localStore(root, { allowPaths: [source] })))).toEqual(all)
  await expect(Table.open(localStore(root), { allowPaths: [source] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
