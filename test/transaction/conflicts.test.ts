/**
 * What one verb does while another is between its reading and its commit: each pair ends as one of the two orders would, or the later one hears of a
 * conflict by name and leaves nothing behind.
 */
import { expect, test } from 'vitest'
import { ConflictError, memoryStore, type ObjectStore, Table } from '../../src/index.ts'
import { withRetries } from '../../src/storage/index.ts'
import { checkFiles } from '../model/checks.ts'
import type { FaultKind } from '../support/stores/fault-plan.ts'
import { faultyStore } from '../support/stores/faulty-store.ts'
import { intercepted } from '../support/stores/intercepted.ts'

type Work = (table: Table) => Promise<unknown>

/** Rows 1 to 6 in one file. */
async function six(properties: Readonly<Record<string, string>> = {}): Promise<ObjectStore> {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT, v VARCHAR', properties })
  await table.append([1, 2, 3, 4, 5, 6].map((id) => ({ id, v: 'old' })))
  return store
}

/** Rows as `id v`; the log's count must be theirs. */
async function rowsOf(store: ObjectStore, version?: number): Promise<string[]> {
  const table = await Table.open(store)
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  const rows = await snapshot.query('SELECT * FROM t ORDER BY ALL', { name: 't' }).toArray()
  expect(await snapshot.rowCount()).toBe(rows.length)
  return rows.map(({ id, v }) => `${id} ${v}`)
}

const isCommit = /^_delta_log\/\d{20}\.json$/

/** A store on which other work is done just before the next commit is put. */
function before(store: ObjectStore, work: () => Promise<unknown>): ObjectStore {
  let waiting: typeof work | undefined = work
  return intercepted(store, {
    putIfAbsent: async (key, body, options) => {
      const now = isCommit.test(key) ? waiting : undefined
      if (now) waiting = undefined
      await now?.()
      return store.putIfAbsent(key, body, options)
    },
  })
}

const append: Work = (table) => table.append([{ id: 7, v: 'old' }])
const deletes =
  (id: number): Work =>
  (table) =>
    table.delete({ where: `id = ${id}` })
const updates =
  (id: number): Work =>
  (table) =>
    table.update({ set: { v: "'new'" }, where: `id = ${id}` })
const upserts =
  (id: number): Work =>
  (table) =>
    table.upsert([{ id, v: 'merged' }], { key: 'id' })
const rewrites: Work = async (table) => {
  await table.append([{ id: 8, v: 'old' }])
  await table.optimize()
}
const overwrites: Work = (table) => table.overwrite([{ id: 9, v: 'over' }])
const alters: Work = (table) => table.alter({ add: { name: 'w', type: 'INTEGER' } })
const restores: Work = (table) => table.restore(0)

const old = (...ids: readonly number[]): string[] => ids.map((id) => `${id} old`)

test.each<[string, Work, Work, string[] | string]>([
  ['two deletes of different rows of one file', deletes(1), deletes(2), old(3, 4, 5, 6)],
  ['two deletes of one row', deletes(1), deletes(1), old(2, 3, 4, 5, 6)],
  ['updates of different rows of one file', updates(1), updates(2), ['1 new', '2 new', ...old(3, 4, 5, 6)]],
  ['an update beside a delete of another row', updates(1), deletes(2), ['1 new', ...old(3, 4, 5, 6)]],
  ['a delete of a row that is updated', deletes(1), updates(1), 'CONCURRENT_APPEND'],
  ['an update of a row that is deleted', updates(1), deletes(1), 'CONCURRENT_DELETE_DELETE'],
  ['two updates of one row', updates(1), updates(1), 'CONCURRENT_APPEND'],
  ['an upsert of a row that is deleted', upserts(1), deletes(1), 'CONCURRENT_DELETE_READ'],
  ['two upserts of one new row', upserts(7), upserts(7), 'CONCURRENT_APPEND'],
  ['a delete of rows of a file that is rewritten', deletes(1), rewrites, 'CONCURRENT_DELETE_DELETE'],
  ['an update of rows of a file that is rewritten', updates(1), rewrites, 'CONCURRENT_DELETE_DELETE'],
  ['an append beside a delete', append, deletes(1), old(2, 3, 4, 5, 6, 7)],
  ['an append beside an update', append, updates(1), ['1 new', ...old(2, 3, 4, 5, 6, 7)]],
  ['an append beside a rewriting', append, rewrites, old(1, 2, 3, 4, 5, 6, 7, 8)],
  ['an append beside an overwriting', append, overwrites, [...old(7), '9 over']],
  ['an append beside a restoring', append, restores, old(7)],
  ['an append beside other columns', append, alters, 'METADATA_CHANGED'],
  ['a delete beside other columns', deletes(1), alters, 'METADATA_CHANGED'],
  ['an overwriting beside an overwriting', overwrites, overwrites, 'CONCURRENT_APPEND'],
  ['an overwriting beside an update', overwrites, updates(1), 'CONCURRENT_APPEND'],
  ['a restoring beside an append', restores, append, 'CONCURRENT_APPEND'],
])('%s', async (_, mine, theirs, expected) => {
  const inner = await six()
  const store = before(inner, async () => theirs(await Table.open(inner)))
  const outcome = await mine(await Table.open(store)).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (typeof expected !== 'string') {
    expect(outcome).toBeUndefined()
    expect(await rowsOf(inner)).toEqual(expected)
    return
  }
  expect(outcome).toBeInstanceOf(ConflictError)
  expect(outcome).toMatchObject({ code: expected, remedy: expect.stringContaining('again') })
  // What the loser wrote is gone: every file is one that a commit names.
  await checkFiles(inner)
  // Run again it does what it was to do.
  await mine(await Table.open(inner))
})

test('a rewriting beside a delete of rows of its files conflicts, and beside an append does not', async () => {
  for (const [theirs, code] of [
    [deletes(1), 'CONCURRENT_DELETE_DELETE'],
    [append, undefined],
  ] as const) {
    const inner = await six()
    await (await Table.open(inner)).append([{ id: 8, v: 'old' }])
    const table = await Table.open(before(inner, async () => theirs(await Table.open(inner))))
    if (code) await expect(table.optimize()).rejects.toMatchObject({ code })
    else expect(await table.optimize()).toMatchObject({ version: 4 })
    expect(await rowsOf(inner)).toEqual(code ? old(2, 3, 4, 5, 6, 8) : old(1, 2, 3, 4, 5, 6, 7, 8))
  }
})

test('rows appended meanwhile count as later ones, and under Serializable conflict with what would have seen them', async () => {
  const all: Work = (table) => table.delete({ where: "v = 'old'" })
  const strictly: Work = (table) => table.delete({ where: "v = 'old'", isolation: 'serializable' })
  const apart: Work = (table) => table.delete({ where: 'id < 3', isolation: 'serializable' })
  for (const [work, properties, expected] of [
    [all, {}, old(7)],
    [strictly, {}, 'CONCURRENT_APPEND'],
    [all, { 'delta.isolationLevel': 'Serializable' }, 'CONCURRENT_APPEND'],
    [apart, {}, old(3, 4, 5, 6, 7)],
  ] as const) {
    const inner = await six(properties)
    const mine = work(await Table.open(before(inner, async () => append(await Table.open(inner)))))
    if (typeof expected === 'string') await expect(mine).rejects.toMatchObject({ code: expected })
    else {
      await mine
      expect(await rowsOf(inner)).toEqual(expected)
    }
  }
})

test('a merge that inserts what it did not find hears of rows that were deleted where it looked', async () => {
  const inner = await six()
  const table = await Table.open(before(inner, async () => deletes(1)(await Table.open(inner))))
  const merge = table.merge([{ id: 1, v: 'x' }], { on: 'target.id = source.id', whenNotMatched: [{ insert: 'all' }] })
  // Without a row to insert nothing is committed: then nothing is in its way, and the row is gone by the other's will.
  expect(await merge).toMatchObject({ version: 1 })
  const other = await six()
  const again = await Table.open(before(other, async () => deletes(1)(await Table.open(other))))
  const both = again.merge(
    [1, 7].map((id) => ({ id, v: 'x' })),
    { on: 'target.id = source.id', whenNotMatched: [{ insert: 'all' }] },
  )
  await expect(both).rejects.toMatchObject({ code: 'CONCURRENT_DELETE_READ' })
  expect(await rowsOf(other)).toEqual(old(2, 3, 4, 5, 6))
})

test('a file is known by its path and its vector', async () => {
  const inner = await six()
  const table = await Table.open(inner)
  await table.delete({ where: 'id = 1' })
  await table.delete({ where: 'id = 2' })
  await table.restore(1)
  const expected = [[], old(1, 2, 3, 4, 5, 6), old(2, 3, 4, 5, 6), old(3, 4, 5, 6), old(1, 2, 3, 4, 5, 6)]
  // By one handle, forwards and backwards, and by new ones: nothing that was read of the file under one vector serves another.
  for (const version of [1, 2, 3, 4, 3, 2, 1]) {
    const rows = await (await table.asOf(version)).query('SELECT * FROM t ORDER BY id', { name: 't' }).toArray()
    expect(rows.map(({ id, v }) => `${id} ${v}`)).toEqual(expected[version])
    expect(await rowsOf(inner, version)).toEqual(expected[version])
  }
  // A delete that was prepared on the file with its vector does not bring the vector back where a restore took it away.
  await table.delete({ where: 'id = 1' })
  const store = before(inner, async () => (await Table.open(inner)).restore(1))
  const outcome = await deletes(2)(await Table.open(store)).catch((error: unknown) => error)
  if (outcome instanceof ConflictError) expect(await rowsOf(inner)).toEqual(old(1, 2, 3, 4, 5, 6))
  else expect(await rowsOf(inner)).toEqual(old(1, 3, 4, 5, 6))
})

test('a handle that knows an old version changes the rows of the newest', async () => {
  const store = await six()
  const stale = await Table.open(store)
  const other = await Table.open(store)
  await other.delete({ where: 'id = 1' })
  await other.optimize()
  await other.append([{ id: 7, v: 'later' }])
  await other.alter({ add: { name: 'w', type: 'INTEGER' } })
  expect(await stale.update({ set: { v: "'new'", w: '1' }, where: 'id IN (1, 2, 7)' })).toMatchObject({ metrics: { numUpdatedRows: 2 } })
  expect(await rowsOf(store)).toEqual(['2 new', ...old(3, 4, 5, 6), '7 new'])
})

const verbs: [string, Work, string[]][] = [
  ['delete', deletes(1), old(2, 3, 4, 5, 6)],
  ['update', updates(1), ['1 new', ...old(2, 3, 4, 5, 6)]],
  ['upsert', upserts(1), ['1 merged', ...old(2, 3, 4, 5, 6)]],
  ['overwrite', overwrites, ['9 over']],
]

test.each(verbs)('a %s whose commit lands while its answer is lost is done once, and is no conflict', async (_, verb, rows) => {
  for (const kind of ['lost-response', 'lands-late', 'drop', 'reset'] satisfies FaultKind[]) {
    const inner = await six()
    const faulty = faultyStore(inner, { faults: [{ kind, operation: 'putIfAbsent', key: isCommit }] })
    await verb(await Table.open(withRetries(faulty)))
    await faulty.landed()
    expect(faulty.spoilt).toHaveLength(1)
    expect(await rowsOf(inner)).toEqual(rows)
    expect(await (await Table.open(inner)).version()).toBe(2)
  }
})

test('a delete tells the rows that it deleted itself', async () => {
  const store = await six()
  const late = await Table.open(before(store, async () => (await Table.open(store)).delete({ where: 'id <= 2' })))
  const { metrics } = await late.delete({ where: 'id <= 3' })
  expect(metrics).toMatchObject({ numDeletedRows: 1 })
  expect(await rowsOf(store)).toEqual(old(4, 5, 6))
})

test('rows keep the numbers that the table counted for them', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT, v VARCHAR' })
  await table.alter({ identity: 'id' })
  await table.append([{ v: 'a' }, { v: 'b' }])
  await expect(table.update({ set: { id: '7' } })).rejects.toMatchObject({ code: 'IDENTITY_VALUE_GIVEN' })
  const on = 'target.v = source.v'
  const rows = [{ id: 9, v: 'b' }]
  await expect(table.merge(rows, { on, whenMatched: [{ update: { id: 'source.id' } }] })).rejects.toMatchObject({
    code: 'IDENTITY_VALUE_GIVEN',
  })
  await table.merge(rows, { on, whenMatched: [{ update: 'all' }] })
  await table.append([{ v: 'c' }])
  const found = await (await table.latest()).query('SELECT id, v FROM t ORDER BY id', { name: 't' }).toArray()
  expect(found.map(({ v }) => v)).toEqual(['a', 'b', 'c'])
  expect(new Set(found.map(({ id }) => id)).size).toBe(3)
})

test('rows that another added, and that a compaction moved on, are found where they came', async () => {
  const store = await six()
  const between = async () => {
    const other = await Table.open(store)
    await other.upsert([{ id: 7, v: 'theirs' }], { key: 'id' })
    await other.optimize()
  }
  const raced = await Table.open(before(store, between))
  await expect(upserts(7)(raced)).rejects.toMatchObject({ code: 'CONCURRENT_APPEND' })
  expect(await rowsOf(store)).toEqual(['1 old', '2 old', '3 old', '4 old', '5 old', '6 old', '7 theirs'])
  await upserts(7)(await Table.open(store))
  expect((await rowsOf(store)).at(-1)).toBe('7 merged')
})
