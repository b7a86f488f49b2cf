/** A clone has the version's rows, and a life of its own; its origin keeps what it names, and lets it read that where it was made. */
import { cp, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type HistoryEntry, localStore, memoryStore, Table } from '../../../src/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve clone%20-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A table with all that a clone has to carry over: partitions, names that need mapping, vectors in files and in the log, ids of rows, loads. */
async function events(name: string): Promise<Table> {
  const table = await Table.create(join(folder, name), {
    schema: 'id BIGINT, city VARCHAR, "a b" INTEGER',
    partitionBy: ['city'],
    properties: { 'delta.enableRowTracking': 'true', 'delta.enableChangeDataFeed': 'false' },
  })
  const rows = (from: number, to: number) => ({
    query: `SELECT i::BIGINT AS id, CASE WHEN i % 2 = 0 THEN 'Åbo 100%' ELSE 'Oslo' END AS city, i::INTEGER AS "a b" FROM range(${from}, ${to}) t(i)`,
  })
  await table.append(rows(0, 3000), { txn: { appId: 'etl', version: 1 } })
  await table.append(rows(3000, 3010), { txn: { appId: 'etl', version: 2 } })
  await table.delete({ where: 'hash(id) % 3 = 0' })
  await table.update({ set: { 'a b': '-1' }, where: 'id = 7' })
  return table
}

const rowsOf = async (table: Table, version?: number) =>
  (version === undefined ? await table.latest() : await table.asOf(version))
    .query('SELECT *, _metadata.row_id AS row_id FROM t ORDER BY id', { name: 't' })
    .toArray()

async function first(table: Table): Promise<HistoryEntry> {
  for await (const entry of table.history({ from: 0 })) return entry
  throw new Error('no version')
}

describe.each([{ deep: false }, { deep: true }])('a clone, %o', ({ deep }) => {
  const kind = deep ? 'deep' : 'shallow'

  it('has the rows, their ids, the loads and the digests, and names its origin', async () => {
    const origin = await events(`origin-${kind}`)
    const version = (await origin.version()) - 1
    const expected = await rowsOf(origin, version)
    const { id, rows, files } = await (await origin.asOf(version)).fingerprints()
    const path = join(folder, `clone-${kind}`)
    const clone = await origin.clone(path, { asOf: version, deep, message: 'to try' })
    expect(clone.lastWrite).toMatchObject({ version: 0, operation: 'CLONE', warnings: [] })
    expect(await rowsOf(await Table.open(path))).toEqual(expected)
    expect(await first(clone)).toMatchObject({
      operation: 'CLONE',
      parameters: { source: origin.location, sourceVersion: String(version), isShallow: String(!deep) },
      message: 'to try',
      txn: null,
      parent: null,
      inputs: [{ table: origin.location, path: `../origin-${kind}`, version, id }],
      changed: { rows: { added: expected.length, removed: 0, updated: 0 } },
    })
    expect(await (await clone.latest()).fingerprints()).toMatchObject({ rows, files })
    await rm(join(path, '_varve/digests'), { recursive: true })
    expect(await (await (await Table.open(path)).latest()).fingerprints()).toMatchObject({ rows, files })
    expect(await clone.verify(0, { deep: true })).toMatchObject({ ok: true, notKnown: 0, rows: 'same' })
    expect((await clone.lineage()).nodes).toContainEqual(expect.objectContaining({ table: origin.location, version, state: 'found' }))

    const again = await clone.append([{ id: 1n }], { txn: { appId: 'etl', version: 2 } })
    expect(again.alreadyApplied).toBe(true)
    await clone.append([{ id: 9999n, city: 'Oslo', 'a b': 1 }], { txn: { appId: 'etl', version: 3 } })
    await clone.delete({ where: 'id < 100' })
    await clone.optimize()
    const now = await rowsOf(await Table.open(path))
    expect(now.slice(0, -1)).toEqual(expected.filter((row) => Number(row.id) >= 100))
    expect(new Set(now.map(({ row_id }) => row_id)).size).toBe(now.length)
    expect(await rowsOf(clone, 0)).toEqual(expected)
    expect(await rowsOf(await Table.open(join(folder, `origin-${kind}`)), version)).toEqual(expected)
    expect((await origin.asOf(version)).properties['delta.columnMapping.mode']).toBe('name')
  })

  it('is not made over a table, and leaves nothing behind where it comes to nothing', async () => {
    const origin = await events(`left-${kind}`)
    const path = join(folder, `taken-${kind}`)
    const taken = await Table.create(path, { schema: 'id BIGINT' })
    await expect(origin.clone(path, { deep })).rejects.toMatchObject({ code: 'TABLE_EXISTS' })
    // Another one comes first, when all is prepared.
    const late = join(folder, `late-${kind}`)
    const store = localStore(late)
    const racing = intercepted(store, {
      putIfAbsent: async (key, body, options) => {
        if (key.startsWith('_delta_log/')) await cp(path, late, { recursive: true })
        return store.putIfAbsent(key, body, options)
      },
    })
    await expect(origin.clone(racing, { deep })).rejects.toMatchObject({ code: 'TABLE_EXISTS' })
    expect(await taken.version()).toBe(0)
    expect((await readdir(late, { recursive: true })).filter((name) => /\.(parquet|bin)$/.test(name))).toEqual([])
    expect(await readdir(join(late, '_varve/origins')).catch(() => [])).toEqual([])
    expect((await origin.vacuum({ olderThan: '0d', dryRun: true })).held).toEqual([])
  })
})

describe('a shallow clone', () => {
  it('is kept by its origin through a vacuum, and takes nothing of it in its own', async () => {
    const origin = await events('kept')
    const clone = await origin.clone(join(folder, 'keeps'), { asOf: 1 })
    const expected = await rowsOf(clone)
    await origin.overwrite([{ id: 1n, city: 'Oslo', 'a b': 1 }])
    const { held, earliest } = await origin.vacuum({ olderThan: '0d' })
    expect(held).toEqual([expect.objectContaining({ version: 1, by: expect.stringContaining(`clone at ${clone.location}`) })])
    expect(earliest).toBe(1)
    expect(await rowsOf(await Table.open(join(folder, 'keeps')))).toEqual(expected)
    await clone.delete()
    await clone.vacuum({ olderThan: '0d' })
    expect(await rowsOf(origin, 1)).toEqual(expected)
  })

  it('reads its origin where it was made, and nowhere else, for as long as it is held', async () => {
    const origin = await events('consenting')
    const path = join(folder, 'consented')
    await origin.clone(path, { asOf: 1 })
    const count = async (at: string, allowPaths?: readonly string[]) =>
      (await (await Table.open(at, allowPaths ? { allowPaths } : {})).latest()).scan({ columns: ['id'] }).toArray()
    expect(await count(path)).toHaveLength(3000)
    await cp(path, join(folder, 'copied'), { recursive: true })
    await expect(count(join(folder, 'copied'))).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
    expect(await count(join(folder, 'copied'), [join(folder, 'consenting')])).toHaveLength(3000)
    expect(await origin.unclone(join(folder, 'copied'))).toBe(0)
    expect(await origin.unclone(path)).toBe(1)
    expect((await origin.vacuum({ olderThan: '0d', dryRun: true })).held).toEqual([])
    await expect(count(path)).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
  })

  it('believes no record of its own that the origin does not answer', async () => {
    const origin = await events('silent')
    const path = join(folder, 'claiming')
    await origin.clone(path, { asOf: 1 })
    const [note = ''] = await readdir(join(path, '_varve/origins'))
    const record = JSON.parse(await readFile(join(path, '_varve/origins', note), 'utf8'))
    await rm(join(folder, 'silent/_varve/holds'), { recursive: true })
    for (const hold of [record.hold, '../../elsewhere', '', null]) {
      await writeFile(join(path, '_varve/origins', note), JSON.stringify({ ...record, hold }))
      await writeFile(join(folder, 'elsewhere.json'), JSON.stringify({ clone: origin.location }))
      await expect((await (await Table.open(path)).latest()).scan().toArray()).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
    }
  })

  it('of a shallow clone is kept by all whose files it names', async () => {
    const origin = await events('one')
    const second = await origin.clone(join(folder, 'two'), { asOf: 1 })
    await second.append([{ id: -1n, city: 'Oslo', 'a b': 0 }])
    const third = await second.clone(join(folder, 'three'))
    expect(third.lastWrite?.warnings).toEqual([])
    const expected = await rowsOf(third)
    expect(expected).toHaveLength(3001)
    await rm(join(folder, 'one/_varve/holds', (await readdir(join(folder, 'one/_varve/holds'))).sort()[0]!))
    await origin.delete()
    await second.delete()
    await origin.vacuum({ olderThan: '0d' })
    await second.vacuum({ olderThan: '0d' })
    expect(await rowsOf(await Table.open(join(folder, 'three')))).toEqual(expected)
    const deep = await third.clone(join(folder, 'four'), { deep: true })
    expect(await rowsOf(deep)).toEqual(expected)
    expect((await deep.verify()).ok).toBe(true)
  })

  it('is not made of a version that a vacuum ended meanwhile, and of none that is in no folder', async () => {
    const origin = await events('ending')
    const store = localStore(join(folder, 'ending'))
    const ending = await Table.open(
      intercepted(store, {
        putIfAbsent: async (key, body, options) => {
          // The vacuum has read what is held, and cuts the log before the hold is there.
          if (key.startsWith('_varve/holds/')) await origin.vacuum({ olderThan: '0d' })
          return store.putIfAbsent(key, body, options)
        },
      }),
    )
    await expect(ending.clone(join(folder, 'too-late'), { asOf: 1 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
    expect(await readdir(join(folder, 'too-late')).catch(() => [])).toEqual([])
    await expect(origin.clone(memoryStore())).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' })
    const remembered = await origin.clone(memoryStore(), { deep: true })
    expect(await rowsOf(remembered)).toEqual(await rowsOf(origin))
  })
})

describe('a deep clone', () => {
  it('finds a damaged file, and takes back what it had copied', async () => {
    const origin = await events('damaged')
    const files: string[] = []
    for await (const { path } of (await origin.asOf(2)).files()) files.push(path)
    const file = files.at(-1)!
    const handle = await open(join(folder, 'damaged', file), 'r+')
    await handle.write(Buffer.from('!'), 0, 1, 100)
    await handle.close()
    await expect(origin.clone(join(folder, 'undamaged'), { asOf: 2, deep: true })).rejects.toMatchObject({ code: 'DATA_FILE_CORRUPT' })
    await rename(join(folder, 'damaged', file), join(folder, 'away'))
    await expect(origin.clone(join(folder, 'undamaged'), { asOf: 2, deep: true })).rejects.toMatchObject({ code: 'DATA_FILE_MISSING' })
    const left = await readdir(join(folder, 'undamaged'), { recursive: true }).catch(() => [])
    expect(left.filter((name) => /\.(parquet|bin|json)$/.test(name))).toEqual([])
  })

  it('lives on without its origin, and overwrites nothing that lies in its folder', async () => {
    await mkdir(join(folder, 'plain'))
    await (await (await events('source')).asOf(1)).scan().writeTo(join(folder, 'plain/data.parquet'), { format: 'parquet' })
    const origin = await Table.create(join(folder, 'plain'), { fromParquet: true })
    const target = join(folder, 'occupied')
    await mkdir(target)
    await writeFile(join(target, 'data.parquet'), 'mine')
    const clone = await origin.clone(target, { deep: true })
    await rm(join(folder, 'plain'), { recursive: true })
    expect(await (await (await Table.open(target)).latest()).rowCount()).toBe(3000)
    expect((await clone.verify()).ok).toBe(true)
    expect(await readFile(join(target, 'data.parquet'), 'utf8')).toBe('mine')
    expect(await readdir(join(target, '_varve')).catch(() => [])).not.toContain('origins')
  })
})
