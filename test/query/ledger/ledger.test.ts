/** The row ledger: as of any version of its range it is the table, whatever happened; and what it says where it cannot tell. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type LedgerOptions, memoryStore, type Row, Table, type VarveError } from '../../../src/index.ts'
import { handTable, ids, removeFeeds } from '../../support/feeds.ts'
import { column, type HandTable, metaData, withVector } from '../../support/hand-table.ts'
import { commits, randomHistory, textOf } from '../../support/random-history.ts'
import { vectorBeside, vectorFile, vectorInline } from '../../support/vectors.ts'

afterAll(removeFeeds)

const texts = (rows: readonly Row[]) => rows.map(textOf).sort()

/** The rows that lived at a version. */
const livingAt = (rows: readonly Row[], version: number) =>
  rows.filter(({ added, removed }) => Number(added) <= version && (removed === null || Number(removed) > version))

const failure = (table: Table, options?: LedgerOptions) =>
  table
    .ledger(options)
    .toArray()
    .then(
      (rows) => {
        throw new Error(`no error, ${rows.length} rows`)
      },
      (error: VarveError) => error,
    )

it('is the table as of every version of its range', async () => {
  await fc.assert(
    fc.asyncProperty(commits, fc.nat(), fc.nat(), async (history, x, y) => {
      const { folder, version } = await randomHistory(history)
      const table = await Table.open(folder)
      const [from, to] = [x % (version + 1), y % (version + 1)].sort((a, b) => a - b) as [number, number]
      const rows = await table.ledger({ from, to }).toArray()
      for (let at = from; at <= to; at += 1) {
        expect(texts(livingAt(rows, at)), `version ${at} of ${from} to ${to}`).toEqual(texts(await (await table.asOf(at)).scan().toArray()))
      }
      for (const { added, removed } of rows) {
        expect(Number(added)).toBeGreaterThanOrEqual(from)
        expect(Number(removed ?? to)).toBeLessThanOrEqual(to)
        expect(Number(removed ?? to + 1)).toBeGreaterThan(Number(added))
      }
    }),
    { numRuns: 20, seed: 20260312 },
  )
})

it('of the verbs of a table, with column mapping and without vectors too, is the table as of every version', async () => {
  for (const vectors of [true, false]) {
    const properties = { 'delta.columnMapping.mode': 'name', 'delta.enableDeletionVectors': String(vectors) }
    const table = await Table.create(memoryStore(), { schema: 'id INTEGER, city VARCHAR', partitionBy: ['city'], properties })
    await table.append({ query: "SELECT range::INTEGER AS id, ['a', 'b'][1 + range % 2] AS city FROM range(40)" })
    await table.delete({ where: 'id % 7 = 0' })
    await table.alter({ rename: { name: 'id', to: 'key' } })
    await table.delete({ where: 'key % 5 = 1' })
    await table.update({ set: { key: 'key + 100' }, where: 'key < 10' })
    await table.alter({ add: { name: 'note', type: 'VARCHAR' } })
    await table.append([{ key: 1, city: null, note: 'late' }])
    await table.delete({ where: "city = 'a'" })
    const rows = await table.ledger().toArray()
    const text = ({ key, id, city, note }: Row) => `${key ?? id} ${city} ${note ?? null}`
    const last = await table.version()
    for (let at = 0; at <= last; at += 1) {
      const expected = await (await table.asOf(at)).scan().toArray()
      expect(livingAt(rows, at).map(text).sort(), `version ${at}`).toEqual(expected.map(text).sort())
    }
    const one = { columns: ['removed', 'KEY'], where: 'key = $key AND removed > 2', params: { key: 31 } }
    expect(await table.ledger(one).toArray()).toEqual([{ removed: 4n, key: 31 }])
    const living = await table.ledger({ columns: ['added'], from: last }).toArray()
    expect(living).toEqual(livingAt(rows, last).map(() => ({ added: BigInt(last) })))
  }
})

describe('rows', () => {
  const told = async (table: HandTable, options?: LedgerOptions) =>
    (await (await Table.open(table.folder)).ledger(options).toArray())
      .map(({ id, added, removed }) => `${id}: ${added} to ${removed}`)
      .sort()

  it('that a vector takes and another gives back live twice', async () => {
    const table = handTable(ids)
    const path = await table.file('SELECT range AS id FROM range(4)')
    const [first, second, third] = [
      [0, 1],
      [1, 2],
      [0, 1, 2, 3],
    ].map((rows) => withVector(vectorInline(rows)))
    table.commit([table.add(path)])
    table.commit([table.remove(path), table.add(path, first)])
    table.commit([table.remove(path, first), table.add(path, second)])
    table.commit([table.remove(path, second), table.add(path, third)])
    table.commit([table.remove(path, third)])
    table.commit([table.add(path, first)])
    expect(await told(table)).toEqual(['0: 1 to 2', '0: 3 to 4', '1: 1 to 2', '2: 1 to 3', '2: 6 to null', '3: 1 to 4', '3: 6 to null'])
    expect(await told(table, { from: 2, to: 3 })).toEqual(['0: 3 to null', '2: 2 to 3', '3: 2 to null'])
  })

  it('that are only moved are removed and added by the version that moved them', async () => {
    const table = handTable(ids)
    const [one, two] = [await table.file('SELECT 1::BIGINT AS id'), await table.file('SELECT 1::BIGINT AS id')]
    table.commit([table.add(one)])
    table.commit([table.remove(one, { dataChange: false }), table.add(two, { dataChange: false })])
    expect(await told(table)).toEqual(['1: 1 to 2', '1: 2 to null'])
  })

  it('of a file that a version says again stay what they are', async () => {
    const table = handTable(ids)
    const path = await table.file('SELECT 1::BIGINT AS id')
    table.commit([table.add(path)])
    table.commit([table.add(path, { dataChange: false, tags: { a: 'b' } })])
    table.commit([table.remove(path), table.add(path)])
    expect(await told(table)).toEqual(['1: 1 to null'])
  })

  it('of files that a vacuum took are an error with the versions that can be read', async () => {
    const table = handTable(ids)
    const [one, two] = [await table.file('SELECT 1::BIGINT AS id'), await table.file('SELECT range AS id FROM range(2)')]
    const { name, descriptor } = vectorBeside([0], '01234567-89ab-cdef-0123-456789abcdef')
    writeFileSync(join(table.folder, name), vectorFile([0]))
    table.commit([table.add(one), table.add(two, withVector(descriptor))])
    table.commit([table.remove(one)])
    table.commit([table.remove(two, withVector(descriptor)), table.add(two)])
    rmSync(join(table.folder, one))
    const opened = await Table.open(table.folder)
    expect(await failure(opened)).toMatchObject({ code: 'DATA_FILE_MISSING', data: { path: one, earliest: 2, latest: 3 } })
    expect(await told(table, { from: 2 })).toEqual(['0: 3 to null', '1: 2 to null'])
    rmSync(join(table.folder, name))
    expect(await failure(opened)).toMatchObject({ code: 'DATA_FILE_MISSING', data: { path: name, earliest: 3, latest: 3 } })
    expect(await told(table, { from: 3 })).toEqual(['0: 3 to null', '1: 3 to null'])
  })

  it('need the commits between, and begin by default where they do', async () => {
    const table = handTable(ids)
    table.commit([table.add(await table.file('SELECT 1::BIGINT AS id'))])
    table.commit([table.add(await table.file('SELECT 2::BIGINT AS id'))])
    const opened = await Table.open(table.folder)
    await opened.checkpoint()
    table.commit([table.add(await table.file('SELECT 3::BIGINT AS id'))])
    for (const version of [0, 1]) rmSync(table.log(version))
    expect(await told(table)).toEqual(['1: 2 to null', '2: 2 to null', '3: 3 to null'])
    expect(await failure(await Table.open(table.folder), { from: 1 })).toMatchObject({
      code: 'VERSION_NOT_FOUND',
      data: { earliest: 2, latest: 3 },
    })
  })
})

describe('columns', () => {
  it('have other names where the table has them, and are refused where it has those too', async () => {
    const table = await Table.create(memoryStore(), { schema: 'id INTEGER, Added INTEGER' })
    await table.append([{ id: 1, Added: 5 }])
    expect(await table.ledger().toArray()).toEqual([{ id: 1, Added: 5, _added_version: 1n, _removed_version: null }])
    await table.alter({ add: { name: '_removed_version', type: 'INTEGER' } })
    expect(await failure(table)).toMatchObject({ code: 'RESERVED_COLUMN' })
    expect(await table.ledger({ to: 1, columns: ['_added_version'] }).toArray()).toEqual([{ _added_version: 1n }])
  })

  it('that changed so that no schema tells all rows are an error with the version', async () => {
    const table = handTable([...ids, column('x', 'long')], { partitionColumns: ['x'] })
    table.commit([table.add(await table.file('SELECT 1::BIGINT AS id'), { partitionValues: { x: '7' } })])
    table.commit([
      metaData([...ids, column('x', 'long')]),
      table.remove('part-1.parquet', { partitionValues: { x: '7' } }),
      table.add(await table.file('SELECT 2::BIGINT AS id, 8::BIGINT AS x')),
    ])
    table.commit([metaData([column('id', 'string'), column('x', 'long')])])
    const opened = await Table.open(table.folder)
    const rows = await opened.ledger({ to: 2 }).toArray()
    expect(rows.map((row) => Object.values(row)).sort()).toEqual([
      [1n, 7n, 1n, 2n],
      [2n, 8n, 2n, null],
    ])
    expect(await failure(opened)).toMatchObject({ code: 'SCHEMA_CHANGED', data: { version: 3, from: 0, to: 3 } })
    expect(await opened.ledger({ columns: ['x', 'removed'] }).toArray()).toHaveLength(2)
  })

  it('and ranges that are none are refused', async () => {
    const table = await Table.create(memoryStore(), { schema: 'id INTEGER' })
    await table.append([{ id: 1 }])
    expect(await failure(table, { from: 1, to: 0 })).toMatchObject({ code: 'INVALID_ARGUMENT', data: { from: 1, to: 0 } })
    expect(await failure(table, { from: 2 })).toMatchObject({ code: 'VERSION_NOT_FOUND' })
    expect(await failure(table, { columns: ['c'] })).toMatchObject({ code: 'UNKNOWN_COLUMN' })
    expect(await failure(table, { where: "id IN (SELECT 1 FROM read_csv('/etc/passwd'))" })).toMatchObject({ code: 'SQL_REFUSED' })
    expect(() => table.ledger({ columns: [] })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
