/** Pins wherever a reference is taken: the right version, or an error that says why not. */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSession, PinDiffersError, resolveReference, Table } from '../../src/index.ts'

let root: string
let table: Table
const cwd = process.cwd()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'varve-resolve-'))
  process.chdir(root)
  table = await Table.create('data/events', { schema: 'id BIGINT' })
  await table.append([{ id: 1n }])
  await table.append([{ id: 2n }])
  await table.pin({ asOf: 1 })
})
afterAll(async () => {
  process.chdir(cwd)
  await rm(root, { recursive: true, force: true })
})

test('a reference is a folder with a point, or a pin', async () => {
  const named = async (...args: Parameters<typeof resolveReference>) => {
    const { snapshot, isLatest, path, name, pin } = await resolveReference(...args)
    return { version: snapshot.version, isLatest, path, name, pinned: pin?.version }
  }
  const folder = { path: 'data/events', name: 'events', pinned: undefined }
  expect(await named('data/events')).toEqual({ ...folder, version: 2, isLatest: true })
  expect(await named('data/events@0')).toEqual({ ...folder, version: 0, isLatest: false })
  expect(await named('data/events', { asOf: 1 })).toEqual({ ...folder, version: 1, isLatest: false })
  expect(await named('events.varve')).toEqual({ ...folder, version: 1, isLatest: false, pinned: 1 })
  expect(await named(join(root, 'events.varve'))).toMatchObject({ version: 1, name: 'events', path: join(root, 'data/events') })
  await writeFile('odd@name.varve', await readFile('events.varve'))
  expect(await named('odd@name.varve')).toMatchObject({ version: 1, name: 'events' })
  for (const twice of [
    resolveReference('events.varve@1'),
    resolveReference('events.varve', { asOf: 1 }),
    resolveReference('data/events@1', { asOf: 1 }),
  ])
    await expect(twice).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(resolveReference('none.varve')).rejects.toMatchObject({ code: 'PIN_NOT_FOUND' })
})

test('a session reads the pinned version, and others where the SQL says so', async () => {
  const session = await openSession({ events: 'events.varve' })
  const [row] = await session
    .query(
      'SELECT (SELECT count(*) FROM events) AS pinned, (SELECT count(*) FROM events AT (VERSION => 2)) AS later, (SELECT count(*) FROM "events@0") AS first',
    )
    .toArray()
  expect(row).toEqual({ pinned: 1n, later: 2n, first: 0n })
  await session.close()
})

test('a changed version of the same number is refused, by its id; without one by its files', async () => {
  await rename('data', 'aside')
  const other = await Table.create('data/events', { schema: 'id BIGINT' })
  await other.append([{ id: 9n }])
  await expect(openSession({ events: 'events.varve' })).rejects.toThrow(PinDiffersError)
  const text = await readFile('events.varve', 'utf8')
  await writeFile('without.varve', text.replace(/ {2}id: .*\n/, ''))
  for (const [file, fingerprint] of [
    ['events.varve', 'id'],
    ['without.varve', 'files'],
  ] as const)
    await expect(resolveReference(file)).rejects.toMatchObject({ code: 'PIN_DIFFERS', data: { file, version: 1, fingerprint } })
  expect((await resolveReference('events.varve', { unchecked: true })).snapshot.version).toBe(1)
  await rm('data', { recursive: true })
  await rename('aside', 'data')
  expect((await resolveReference('without.varve')).snapshot.version).toBe(1)
})

test('what is not here says how to get it', async () => {
  const text = await readFile('events.varve', 'utf8')
  await writeFile('later.varve', text.replace('version: 1', 'version: 7'))
  await writeFile('nowhere.varve', text.replace('data/events', 'data/none'))
  for (const file of ['later.varve', 'nowhere.varve'])
    await expect(resolveReference(file)).rejects.toMatchObject({
      code: 'PIN_NOT_PULLED',
      remedy: expect.stringContaining(`varve pull ${file}`),
    })
})

test('verify compares the version with its pin too', async () => {
  const text = await readFile('events.varve', 'utf8')
  await writeFile('rows.varve', text.replace(/( {2}rows: ).*/, `$1${'0'.repeat(64)}`))
  const { snapshot, pin } = await resolveReference('rows.varve')
  const expected = { by: 'the pin rows.varve', fingerprints: pin!.fingerprints }
  expect((await snapshot.verify({ expected })).ok).toBe(true)
  const deep = await snapshot.verify({ expected, deep: true })
  expect(deep.damaged).toMatchObject([{ path: 'rows', problem: 'digest', message: expect.stringContaining('the pin rows.varve') }])
  const wrong = { ...expected, fingerprints: { ...pin!.fingerprints, id: '1'.repeat(64) } }
  expect((await snapshot.verify({ expected: wrong })).damaged).toMatchObject([{ path: 'id', problem: 'digest' }])
})
