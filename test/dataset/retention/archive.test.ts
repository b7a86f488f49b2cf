/** What an archive takes along of tables that have more than rows: change files, vectors, checkpoints in parts, times of files, fingerprints. */
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'
import { commitKey } from '../../../src/log/paths.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-archive-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('vectors, change files, mapped columns and a log that begins with sidecars come along', async () => {
  const [store, archive] = [memoryStore(), memoryStore()]
  const table = await Table.create(store, {
    schema: 'id BIGINT, "the city" VARCHAR',
    partitionBy: ['the city'],
    properties: {
      'delta.enableChangeDataFeed': 'true',
      'delta.checkpointPolicy': 'v2',
      'delta.columnMapping.mode': 'name',
      'delta.enableRowTracking': 'true',
    },
  })
  for (const id of [1, 2, 3])
    await table.append([
      { id, 'the city': 'Åbo' },
      { id: id + 10, 'the city': null },
    ])
  await table.vacuum({ olderThan: '0d' })
  await table.delete({ where: 'id IN (1, 12)' })
  await table.update({ set: { id: 'id + 100' }, where: 'id = 2' })
  await table.alter({ rename: { name: 'the city', to: 'town' } })
  await table.overwrite([{ id: 9, town: 'Visby' }])
  await (await table.asOf(5)).describe({ fingerprints: true })
  const expected = new Map<number, unknown>()
  const read = async (from: Table, version: number) => {
    const snapshot = await from.asOf(version)
    const rows = await snapshot.query('SELECT *, _metadata.row_id FROM t ORDER BY id', { name: 't' }).toArray()
    const changes = version === 3 ? [] : await from.changes({ from: version, to: version, columns: ['id', '_change_type'] }).toArray()
    return {
      rows,
      changes: changes.map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))).sort(),
    }
  }
  for (const version of [3, 4, 5, 6]) expected.set(version, await read(table, version))
  expect(await table.retain({ keepLast: 1, archive })).toMatchObject({ ended: [{ from: 3, to: 6 }] })
  const old = await Table.open(archive)
  for (const [version, what] of expected) expect(await read(old, version), `version ${version}`).toEqual(what)
  // What was found out of a version before is compared with what lies there now.
  expect(await old.verify(5, { deep: true })).toMatchObject({ ok: true, rows: 'same' })
  for (const version of [4, 6]) expect(await old.verify(version, { deep: true })).toMatchObject({ ok: true, damaged: [] })
})

test('where the times of files count, an archive is read as of an instant as the table was', async () => {
  const [path, archive] = [join(folder, 'wide'), join(folder, 'wide-archive')]
  const table = await Table.create(path, { schema: 'id BIGINT', preset: 'wide' })
  for (const id of [1, 2, 3]) await table.overwrite([{ id }])
  const noon = (version: number) => new Date(Date.UTC(2026, 0, 1 + version, 12))
  for (const version of [0, 1, 2, 3]) await utimes(join(path, commitKey(version)), noon(version), noon(version))
  await (await Table.open(path)).retain({ keepLast: 1, archive })
  const old = await Table.open(archive)
  for (const version of [0, 1, 2]) {
    const timestamp = new Date(noon(version).getTime() + 3_600_000)
    expect((await old.asOf({ timestamp })).version).toBe(version)
    await expect((await Table.open(path)).asOf({ timestamp: noon(version) })).rejects.toMatchObject({
      code: expect.stringMatching(/^VERSION_(ENDED|NOT_FOUND)$/),
    })
  }
})
