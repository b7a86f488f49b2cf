/** Mending from a remote: what is damaged or missing is what was written again, or stays as it is with the reason. */
import { copyFile, link, mkdtemp, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../../src/index.ts'

let folder: string
const cacheHome = process.env.XDG_CACHE_HOME
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-mend-'))
  process.env.XDG_CACHE_HOME = join(folder, 'cache')
})
afterAll(async () => {
  if (cacheHome === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = cacheHome
  await rm(folder, { recursive: true, force: true })
})

/** A pushed table of three files, one of them with deleted rows. */
async function events(name: string): Promise<{ table: Table; path: string; paths: string[]; remote: ObjectStore }> {
  const path = join(folder, name)
  const table = await Table.create(path, { schema: 'id BIGINT, city VARCHAR' })
  for (const n of [0, 1, 2])
    await table.append({ query: `SELECT i AS id, 'city ' || i AS city FROM range(${n * 500}, ${n * 500 + 500}) t(i)` })
  await table.delete({ where: 'id < 500 AND hash(id) % 2 = 0' })
  const paths: string[] = []
  for await (const file of (await table.latest()).files()) paths.push(file.path)
  const remote = memoryStore()
  await table.push(remote)
  return { table, path, paths, remote }
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
  await file.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, at)
  await file.close()
}

it('puts back a flipped byte, a short file, a missing one and a damaged vector, to the byte', async () => {
  const { table, path, paths, remote } = await events('all')
  await (await table.latest()).fingerprints()
  const vector = (await readdir(path)).find((name) => name.startsWith('deletion_vector_'))!
  const names = [...paths, vector]
  const before = await Promise.all(names.map((name) => readFile(join(path, name))))
  await flipByte(join(path, paths[0]!), 200)
  await truncate(join(path, paths[1]!), 100)
  await rm(join(path, paths[2]!))
  await flipByte(join(path, vector), 20)
  expect(await table.verify()).toMatchObject({ ok: false, mended: [] })
  const result = await table.verify(undefined, { deep: true, repairFrom: remote })
  expect(result).toMatchObject({ ok: true, damaged: [], rows: 'same' })
  expect(result.mended.map((mended) => mended.path).sort()).toEqual([...names].sort())
  for (const [at, name] of names.entries()) expect(await readFile(join(path, name))).toEqual(before[at])
  expect(await table.verify(undefined, { repairFrom: remote })).toMatchObject({ ok: true, mended: [] })
})

it('puts back commits that were changed, cut or lost, where a later one proves them', async () => {
  const { path, remote } = await events('log')
  const commit = (version: number) => join(path, '_delta_log', `${String(version).padStart(20, '0')}.json`)
  const before = await Promise.all([1, 2, 3, 4].map((version) => readFile(commit(version))))
  const damages: [number, () => Promise<unknown>][] = [
    [1, async () => writeFile(commit(1), (await readFile(commit(1), 'utf8')).replace('"dataChange":true', '"dataChange":false'))],
    [2, () => truncate(commit(2), 200)],
    [3, () => rm(commit(3))],
  ]
  for (const [version, damage] of damages) {
    await damage()
    const table = await Table.open(path)
    const mended = await table.verify(undefined, { repairFrom: remote })
    expect(mended).toMatchObject({ ok: true, mended: [{ path: `_delta_log/${String(version).padStart(20, '0')}.json` }] })
    expect(await readFile(commit(version))).toEqual(before[version - 1])
  }
  // Nothing follows the last one, so nothing proves what the remote has.
  await writeFile(commit(4), (await readFile(commit(4), 'utf8')).replace('DELETE', 'DELETX'))
  expect(await (await Table.open(path)).verify(undefined, { repairFrom: remote })).toMatchObject({ mended: [] })
})

it('takes nothing that is not what was written, and says why', async () => {
  const { table, path, paths, remote } = await events('worse')
  const other = await readFile(join(path, paths[1]!))
  await flipByte(join(path, paths[0]!), 200)
  const damaged = await readFile(join(path, paths[0]!))
  await remote.put(paths[0]!, damaged)
  await rm(join(path, paths[1]!))
  await remote.delete([paths[1]!])
  const result = await table.verify(undefined, { repairFrom: remote })
  expect(result).toMatchObject({ ok: false, mended: [] })
  expect(result.damaged.map(({ path: of, problem }) => [of, problem]).sort()).toEqual(
    [
      [paths[0], 'hash'],
      [paths[1], 'missing'],
    ].sort(),
  )
  for (const { remedy } of result.damaged) expect(remedy).toContain('could not be mended')
  expect(await readFile(join(path, paths[0]!))).toEqual(damaged)
  await remote.put(paths[1]!, other)
  expect(await table.verify(undefined, { repairFrom: remote })).toMatchObject({ ok: false, mended: [{ path: paths[1] }] })
})

it('takes a file of which no hash was recorded only where the remote has the same history', async () => {
  const path = join(folder, 'unknown')
  const table = await Table.create(path, { schema: 'id BIGINT' })
  await table.append([{ id: 1n }])
  const [file] = (await readdir(path)).filter((name) => name.endsWith('.parquet'))
  // As another engine would have written it.
  const commit = join(path, '_delta_log', `${'1'.padStart(20, '0')}.json`)
  await writeFile(commit, (await readFile(commit, 'utf8')).replaceAll('varve.sha256', 'other.sha256'))
  await rm(join(path, '_varve'), { recursive: true, force: true })
  const foreign = await Table.open(path)
  const remote = memoryStore()
  await foreign.push(remote)
  const stranger = memoryStore()
  await Table.create(stranger, { schema: 'id BIGINT' })
  await stranger.put(file!, await readFile(join(path, file!)))
  await rm(join(path, file!))
  expect(await foreign.verify(undefined, { repairFrom: stranger })).toMatchObject({ ok: false, mended: [] })
  expect(await foreign.verify(undefined, { repairFrom: remote })).toMatchObject({ ok: true, mended: [{ path: file, sha256: null }] })
})

it('believes what was found right and is untouched, and nothing else; and finds out a record that lies', async () => {
  const { path, paths } = await events('quick')
  const liar = await events('liar')
  // What was written a moment ago is not recorded.
  await pause(2100)
  const quick = async () => (await Table.open(path)).verify(undefined, { quick: true })
  expect(await quick()).toMatchObject({ ok: true, believed: 0 })
  // Two of three: one is hashed all the same.
  expect(await quick()).toMatchObject({ ok: true, believed: 2 })
  const full = await (await Table.open(path)).verify()
  expect(full).toMatchObject({ ok: true, believed: 0 })
  // A flipped byte whose time was set back is no untouched file: the time of change tells.
  const victim = join(path, paths[0]!)
  const { atime, mtime } = await stat(victim)
  await flipByte(victim, 200)
  await utimes(victim, atime, mtime)
  expect(await quick()).toMatchObject({ ok: false, believed: 0, damaged: [{ path: paths[0], problem: 'hash' }] })
  // One that has another name may be written to by that.
  await link(join(path, paths[1]!), join(folder, 'other-name'))
  await copyFile(join(path, paths[2]!), join(folder, 'copy'))
  expect((await quick()).believed).toBe(0)

  const again = async () => (await Table.open(liar.path)).verify(undefined, { quick: true })
  await again()
  for (const name of liar.paths) await flipByte(join(liar.path, name), 200)
  const records = join(folder, 'cache/varve/verified')
  for (const file of await readdir(records)) {
    const text = JSON.parse(await readFile(join(records, file), 'utf8'))
    for (const [name, entry] of Object.entries<[string, string]>(text.files)) {
      const found = await stat(name, { bigint: true }).catch(() => undefined)
      if (found) entry[0] = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].map((each) => each.toString(36)).join('-')
    }
    await writeFile(join(records, file), JSON.stringify(text))
  }
  expect((await again()).damaged.map((finding) => finding.path).sort()).toEqual([...liar.paths].sort())
})
