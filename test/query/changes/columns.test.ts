/** The columns of changes: those of the last version, whatever happened to them in between; on tables by hand. */
import { afterAll, describe, expect, it } from 'vitest'
import type { StructField } from '../../../src/index.ts'
import { failure, handTable, ids, removeFeeds, rowsOf, threeVersions, told } from '../../support/feeds.ts'
import { column, mapped, metaData, protocol } from '../../support/hand-table.ts'

afterAll(removeFeeds)

describe('columns', () => {
  it('that came later are NULL before', async () => {
    const table = await threeVersions()
    table.commit([metaData([...ids, column('city', 'string')]), table.add(await table.file("SELECT 5::BIGINT AS id, 'Oslo' AS city"))])
    const rows = await rowsOf(table, { from: 2 })
    expect(rows.map(({ id, city }) => [id, city])).toEqual([
      [3n, null],
      [4n, null],
      [5n, 'Oslo'],
    ])
    expect(Object.keys((await rowsOf(table, { from: 2, to: 2 }))[0]!)).not.toContain('city')
  })

  it('that were renamed are read by the names in the files, partition columns too', async () => {
    const fields = [column('id', 'long', mapped(1, 'c-1')), column('part', 'string', mapped(2, 'c-2'))]
    const configuration = { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '2' }
    const table = handTable(fields, { configuration, partitionColumns: ['part'] })
    table.commit([table.add(await table.file('SELECT 1::BIGINT AS "c-1"'), { partitionValues: { 'c-2': 'x' } })])
    const renamed = [column('key', 'long', mapped(1, 'c-1')), column('place', 'string', mapped(2, 'c-2'))]
    table.commit([metaData(renamed, { configuration, partitionColumns: ['place'] })])
    const change = await table.file(`SELECT 1::BIGINT AS "c-1", 'delete' AS _change_type`)
    table.commit([table.remove('part-1.parquet'), table.cdc(change, { partitionValues: { 'c-2': 'x' } })])
    const rows = await rowsOf(table, { from: 0 })
    expect(rows.map(({ key, place, _change_type }) => [key, place, _change_type])).toEqual([
      [1n, 'x', 'insert'],
      [1n, 'x', 'delete'],
    ])
  })

  it('are not mapped where the protocol does not have that', async () => {
    const own = protocol({ readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors', 'changeDataFeed'] })
    const table = handTable([column('id', 'long', mapped(1, 'c-1'))], { configuration: { 'delta.columnMapping.mode': 'name' } }, own)
    table.commit([table.add(await table.file('SELECT 1::BIGINT AS id'))])
    expect(await told(table, { from: 0 })).toEqual(['1 insert 1'])
    expect(await told(table, { from: { timestamp: '2026-01-01T00:00:01Z' }, to: { timestamp: '2026-01-01T00:00:02Z' } })).toEqual([])
  })

  it('mapped by id are found by id in change files, whatever their names there', async () => {
    const fields = [column('id', 'long', mapped(1, 'c-1')), column('note', 'string', mapped(2, 'c-2'))]
    const table = handTable(fields, { configuration: { 'delta.columnMapping.mode': 'id', 'delta.columnMapping.maxColumnId': '2' } })
    const copy = 'FIELD_IDS {other: 1, name: 2}'
    table.commit([table.add(await table.file("SELECT 1::BIGINT AS other, 'a' AS name", { copy }))])
    const change = await table.file(`SELECT 'b' AS name, 'delete' AS _change_type, 1::BIGINT AS other`, { copy })
    const without = await table.file(`SELECT 2::BIGINT AS "c-2", 9::BIGINT AS other, 'insert' AS _change_type`, {
      copy: 'FIELD_IDS {other: 1}',
    })
    table.commit([table.cdc(change), table.cdc(without)])
    expect(await told(table, { from: 0 })).toEqual(['1 insert 1 a', '2 delete 1 b', '2 insert 9 '])
  })

  it('that were widened are read in the wider type, partition columns too', async () => {
    const table = handTable([column('id', 'integer'), column('part', 'short')], { partitionColumns: ['part'] })
    table.commit([table.add(await table.file('SELECT 1::INTEGER AS id'), { partitionValues: { part: '7' } })])
    table.commit([metaData([column('id', 'long'), column('part', 'decimal(12,2)')], { partitionColumns: ['part'] })])
    const [row] = await rowsOf(table, { from: 0 })
    expect(row).toMatchObject({ id: 1n, part: '7.00' })
  })

  const schemas: readonly (readonly [string, readonly StructField[], readonly StructField[], string])[] = [
    ['dropped', [...ids, column('city', 'string')], ids, 'the column city was dropped'],
    [
      'replaced under its name',
      [column('a', 'long', mapped(1, 'c-1'))],
      [column('a', 'long', mapped(2, 'c-2'))],
      'the column a was dropped',
    ],
    ['narrowed', ids, [column('id', 'integer')], 'the column id changed from BIGINT to INTEGER'],
    ['made NOT NULL', ids, [column('id', 'long', { nullable: false })], 'the column id became NOT NULL'],
    [
      'dropped inside another',
      [column('at', { type: 'struct', fields: [column('x', 'long'), column('y', 'long')] })],
      [column('at', { type: 'struct', fields: [column('x', 'long')] })],
      'the column at.y was dropped',
    ],
  ]

  it.each(schemas)('that were %s are refused, naming the version', async (_, before, after, what) => {
    const configuration = before.some(({ metadata }) => 'delta.columnMapping.id' in metadata) ? { 'delta.columnMapping.mode': 'name' } : {}
    const table = handTable(before, { configuration })
    table.commit([])
    table.commit([metaData(after, { configuration })])
    table.commit([])
    const error = await failure(table, { from: 0 })
    expect(error).toMatchObject({ code: 'SCHEMA_CHANGED', data: { version: 2, from: 0, to: 3 } })
    expect(error.message).toContain(what)
    expect(await told(table, { from: 0, to: 1 })).toEqual([])
    expect(await told(table, { from: 2 })).toEqual([])
  })

  it('that are not asked for may be dropped', async () => {
    const table = handTable([...ids, column('city', 'string')])
    table.commit([table.add(await table.file("SELECT 1::BIGINT AS id, 'Oslo' AS city"))])
    table.commit([metaData(ids)])
    expect(await rowsOf(table, { from: 0, columns: ['id', '_commit_version'] })).toEqual([{ id: 1n, _commit_version: 1n }])
    expect((await failure(table, { from: 0, columns: ['city'] })).code).toBe('UNKNOWN_COLUMN')
  })

  it('of other partitions are read as each file was written', async () => {
    const fields = [column('id', 'long'), column('a', 'string'), column('b', 'string')]
    const table = handTable(fields, { partitionColumns: ['a'] })
    const first = await table.file("SELECT 1::BIGINT AS id, 'b1' AS b")
    table.commit([table.add(first, { partitionValues: { a: 'a1' } })])
    const second = await table.file("SELECT 1::BIGINT AS id, 'a1' AS a")
    table.commit([
      metaData(fields, { partitionColumns: ['b'] }),
      table.remove(first, { partitionValues: { a: 'a1' } }),
      table.add(second, { partitionValues: { b: 'b1' } }),
    ])
    expect(await told(table, { from: 0 })).toEqual(['1 insert 1 a1 b1', '2 delete 1 a1 b1', '2 insert 1 a1 b1'])
    expect(await told(table, { from: 2 })).toEqual(['2 delete 1 a1 b1', '2 insert 1 a1 b1'])
  })

  it('of the table that are called as the feed’s are refused by name', async () => {
    const table = handTable([...ids, column('_Change_Type', 'string')])
    table.commit([])
    expect(await failure(table, { from: 0 })).toMatchObject({ code: 'RESERVED_COLUMN', data: { column: '_Change_Type' } })
  })

  it('and conditions may be chosen, those of the feed too', async () => {
    const table = await threeVersions()
    const where = 'id > $least AND _commit_version = 2'
    expect(await rowsOf(table, { from: 0, where, params: { least: 3 }, columns: ['_change_type', 'id'] })).toEqual([
      { _change_type: 'insert', id: 4n },
    ])
    expect((await failure(table, { from: 0, where: 'no_column = 1' })).code).toBe('SQL_ERROR')
    expect((await failure(table, { from: 0, where: 'id IN (SELECT 1 FROM read_csv($$x$$))' })).code).toBe('SQL_REFUSED')
  })
})
