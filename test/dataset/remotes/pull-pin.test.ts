/** Pulling what a pin names: the very version, where the project may have it, held there, and from the machine's cache where that has it. */
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { localStore, Table } from '../../../src/index.ts'
import { readHolds } from '../../../src/refs/holds.ts'

let root: string
let table: Table
let pin: string
let remote: string
let round = 0
const cacheHome = process.env.XDG_CACHE_HOME

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'varve-pull-pin-')))
})
afterAll(async () => {
  if (cacheHome === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = cacheHome
  await rm(root, { recursive: true, force: true })
})

// A table of three appends whose second version is pinned, pushed to a remote. The cache is empty.
beforeEach(async () => {
  round += 1
  process.env.XDG_CACHE_HOME = join(root, `cache-${round}`)
  const project = join(root, `first-${round}`)
  remote = join(root, `remote-${round}`)
  table = await Table.create(join(project, 'data/events'), { schema: 'id BIGINT' })
  for (const id of [1n, 2n, 3n]) await table.append([{ id }])
  await table.push(remote)
  pin = join(project, 'events.varve')
  expect((await table.pin({ asOf: 2, file: pin })).pin.remote).toBe(localStore(remote).root)
})

/** Another project with the pin and nothing else. */
async function project(name: string): Promise<{ file: string; data: string }> {
  const folder = join(root, `${name}-${round}`)
  await mkdir(folder)
  const file = join(folder, 'events.varve')
  await copyFile(pin, file)
  return { file, data: join(folder, 'data/events') }
}

const ids = async (path: string, version: number) =>
  (await (await (await Table.open(path)).asOf(version)).scan({ columns: ['id'] }).toArray()).map(({ id }) => Number(id)).sort()
const heldIn = async (path: string) => (await readHolds(localStore(path))).map(({ version }) => version)

it('shares bytes with the cache by hard links where that is asked for, and verify finds what comes through the other name', async () => {
  const one = await project('one')
  const two = await project('two')
  expect(await Table.pull(one.file, { link: true })).toMatchObject({ files: 2, cached: 0 })
  expect(await Table.pull(two.file, { link: true })).toMatchObject({ files: 2, cached: 2 })
  const names = (await readdir(one.data)).filter((name) => name.endsWith('.parquet'))
  const inodes = async (data: string) => Promise.all(names.map(async (name) => (await stat(join(data, name))).ino))
  expect(await inodes(one.data)).toEqual(await inodes(two.data))
  const file = join(one.data, names[0]!)
  expect((await stat(file)).nlink).toBe(3)
  expect((await (await Table.open(two.data)).verify()).ok).toBe(true)
  const bytes = await readFile(file)
  await chmod(file, 0o644)
  await writeFile(file, bytes.fill(1, 8, 9))
  expect((await (await Table.open(two.data)).verify(2, { quick: true })).damaged).toMatchObject([{ path: names[0], problem: 'hash' }])
})

it('brings the pinned version and the log up to there, and holds it', async () => {
  const { file, data } = await project('second')
  expect(await Table.pull(file)).toMatchObject({ version: 2, versions: 3, files: 2, cached: 0, complete: [{ from: 0, to: 2 }] })
  expect(await (await Table.open(data)).version()).toBe(2)
  expect(await ids(data, 2)).toEqual([1, 2])
  expect(await heldIn(data)).toEqual([2])
  expect(await Table.pull(file)).toMatchObject({ versions: 0, files: 0, bytes: 0, skipped: 2 })
  expect(await heldIn(data)).toEqual([2])
  // The pin moves on by Git, and so does what is held.
  await table.pin({ asOf: 3, file: pin })
  await copyFile(pin, file)
  expect(await Table.pull(file)).toMatchObject({ version: 3, versions: 1, files: 1, skipped: 2 })
  expect(await heldIn(data)).toEqual([3])
  // And back: the log stays where it is.
  await table.pin({ asOf: 1, file: pin })
  await copyFile(pin, file)
  expect(await Table.pull(file)).toMatchObject({ version: 1, versions: 0, files: 0, skipped: 1 })
  expect(await (await Table.open(data)).version()).toBe(3)
})

it('is not content with a file that was cut off since it came', async () => {
  const { file, data } = await project('second')
  await Table.pull(file)
  const [name = ''] = (await readdir(data)).filter((each) => each.endsWith('.parquet'))
  await truncate(join(data, name), 20)
  await expect(Table.pull(file)).rejects.toMatchObject({
    code: 'DATA_FILE_CORRUPT',
    data: { path: name },
    remedy: expect.stringContaining(`--repair-from ${localStore(remote).root}`),
  })
  expect(await (await Table.open(data)).verify(2, { repairFrom: remote })).toMatchObject({ ok: true, mended: [{ path: name }] })
  expect(await Table.pull(file)).toMatchObject({ files: 0, skipped: 2 })
})

it('takes files from the cache of the machine, once they were found right there', async () => {
  await Table.pull((await project('second')).file)
  const cached = join(root, `cache-${round}`, 'varve/files')
  const files = (await readdir(cached, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  expect(files).toHaveLength(2)
  const third = await project('third')
  expect(await Table.pull(third.file)).toMatchObject({ files: 2, cached: 2 })
  expect(await ids(third.data, 2)).toEqual([1, 2])
  // So does a table that no pin names, and leaves there nothing more.
  const unpinned = join(root, `unpinned-${round}`)
  expect(await Table.pull(unpinned, { from: remote })).toMatchObject({ version: 3, files: 3, cached: 2 })
  expect(await ids(unpinned, 3)).toEqual([1, 2, 3])
  expect((await readdir(cached, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())).toHaveLength(2)
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name)
    await chmod(path, 0o644)
    await writeFile(path, 'no Parquet')
  }
  const fourth = await project('fourth')
  expect(await Table.pull(fourth.file)).toMatchObject({ files: 2, cached: 0 })
  expect(await (await Table.open(fourth.data)).verify()).toMatchObject({ ok: true })
})

it('refuses a remote with another version under the number, and a place outside of the project, with nothing written', async () => {
  const { file, data } = await project('second')
  const other = join(root, `other-${round}`)
  const stranger = await Table.create(other, { schema: 'id BIGINT' })
  for (const id of [1n, 2n, 3n]) await stranger.append([{ id }])
  await expect(Table.pull(file, { from: other })).rejects.toMatchObject({ code: 'REMOTE_DIFFERS', data: { version: 2 } })
  await expect(access(data)).rejects.toMatchObject({ code: 'ENOENT' })
  await writeFile(file, (await readFile(file, 'utf8')).replace('table: data/events', 'table: ../elsewhere'))
  await expect(Table.pull(file)).rejects.toMatchObject({ code: 'PIN_OUTSIDE_PROJECT' })
  await expect(access(join(root, 'elsewhere'))).rejects.toMatchObject({ code: 'ENOENT' })
})
