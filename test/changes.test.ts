/** Which changes a range gives, in which columns and order, and what it refuses, naming the version; on tables by hand. */
import { linkSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChangesOptions, type Row, Table, type VarveError } from '../src/index.ts'
import type { Action } from '../src/log/actions.ts'
import type { StructField } from '../src/schema/types.ts'
import { column, firstTime, HandTable, mapped, metaData, protocol, withVector } from './support/hand-table.ts'
import { vectorInline } from './support/vectors.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-changes-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0

/** A table whose version 0 has these columns. */
function handTable(fields: readonly StructField[], more: Parameters<typeof metaData>[1] = {}, own: Action = protocol()): HandTable {
  count += 1
  const table = new HandTable(join(folder, `table-${count}`))
  table.commit([own, metaData(fields, more)])
  return table
}

const ids = [column('id', 'long')]

/** A table of three versions: nothing, ids 1 and 2, ids 3 and 4. */
async function threeVersions(more: Parameters<typeof metaData>[1] = {}, own?: Action): Promise<HandTable> {
  const table = handTable(ids, more, own)
  table.commit([table.add(await table.file('SELECT unnest([1, 2])::BIGINT AS id'))])
  table.commit([table.add(await table.file('SELECT unnest([3, 4])::BIGINT AS id'))])
  return table
}

async function rowsOf(table: HandTable, options: ChangesOptions): Promise<Row[]> {
  return (await Table.open(table.folder)).changes(options).toArray()
}

/** Rows as `version type values`, sorted. */
async function told(table: HandTable, options: ChangesOptions): Promise<string[]> {
  const rows = await rowsOf(table, options)
  return rows
    .map(
      ({ _change_type, _commit_version, _commit_timestamp, ...row }) =>
        `${_commit_version} ${_change_type} ${Object.values(row).join(' ')}`,
    )
    .sort()
}

async function failure(table: HandTable, options: ChangesOptions): Promise<VarveError> {
  return rowsOf(table, options).then(
    (rows) => {
      throw new Error(`no error, ${rows.length} rows`)
    },
    (error: VarveError) => error,
  )
}

describe('the range', () => {
  it('has both ends, as versions, and in the order of the versions', async () => {
    const table = await threeVersions()
    expect(await told(table, { from: 1, to: 1 })).toEqual(['1 insert 1', '1 insert 2'])
    expect(await told(table, { from: { version: 0 } })).toEqual(['1 insert 1', '1 insert 2', '2 insert 3', '2 insert 4'])
    const feed = (await Table.open(table.folder)).changes({ from: 0 })
    expect(await feed.range()).toEqual({ from: 0, to: 2 })
    expect((await feed.toArray()).map((row) => Number(row._commit_version))).toEqual([1, 1, 2, 2])
  })

  it('begins with the first version at or after an instant, and ends with the last at or before one', async () => {
    const table = await threeVersions()
    const at = (minutes: number) => ({ timestamp: new Date(firstTime + minutes * 60_000) })
    expect(await told(table, { from: at(2) })).toEqual(['2 insert 3', '2 insert 4'])
    expect(await told(table, { from: at(1.01) })).toEqual(['2 insert 3', '2 insert 4'])
    expect(await told(table, { from: at(-10), to: at(1.9) })).toEqual(['1 insert 1', '1 insert 2'])
    expect(await told(table, { from: at(1.1), to: at(1.9) })).toEqual([])
    expect((await failure(table, { from: at(2.1) })).code).toBe('VERSION_NOT_FOUND')
    expect((await failure(table, { from: 0, to: at(-1) })).code).toBe('VERSION_NOT_FOUND')
    expect((await failure(table, { from: at(1.9), to: at(1.1) })).code).toBe('INVALID_ARGUMENT')
    expect((await failure(table, { from: { timestamp: '2026-01-01T00:00:00' } })).code).toBe('INVALID_TIMESTAMP')
  })

  it('is refused where it is none, with the versions that are', async () => {
    const table = await threeVersions()
    const beyond = await failure(table, { from: 3 })
    expect(beyond).toMatchObject({ code: 'VERSION_NOT_FOUND', data: { earliest: 0, latest: 2 } })
    expect((await failure(table, { from: 0, to: 3 })).code).toBe('VERSION_NOT_FOUND')
    expect((await failure(table, { from: -1 })).code).toBe('VERSION_NOT_FOUND')
    expect((await failure(table, { from: 1.5 })).code).toBe('VERSION_NOT_FOUND')
    expect(await failure(table, { from: 2, to: 1 })).toMatchObject({ code: 'INVALID_ARGUMENT', data: { from: 2, to: 1 } })
    const opened = await Table.open(table.folder)
    expect(() => opened.changes({})).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('without changes gives no row, and all columns', async () => {
    const table = await threeVersions()
    const path = await table.file('SELECT unnest([1, 2, 3, 4])::BIGINT AS id')
    table.commit([table.add(path, { dataChange: false })])
    const feed = (await Table.open(table.folder)).changes({ from: 3 })
    const { fields } = await feed.schema()
    expect(fields.map((field) => `${field.name} ${field.type}`)).toEqual([
      'id Int64',
      '_change_type Utf8',
      '_commit_version Int64',
      '_commit_timestamp Timestamp<MICROSECOND, UTC>',
    ])
    expect(await feed.toArray()).toEqual([])
  })

  it('needs every commit, and says which are there', async () => {
    const table = await threeVersions()
    const opened = await Table.open(table.folder)
    rmSync(table.log(0))
    const error = await opened
      .changes({ from: 0 })
      .toArray()
      .catch((thrown: VarveError) => thrown)
    expect(error).toMatchObject({ code: 'VERSION_NOT_FOUND', data: { asked: 0, earliest: 1, latest: 2 } })
  })
})

describe('times', () => {
  it('are those of the files, made to rise', async () => {
    const table = handTable(ids)
    table.commit([table.add(await table.file('SELECT 1::BIGINT AS id'))], firstTime - 5)
    const [row] = await rowsOf(table, { from: 0 })
    expect(row?._commit_timestamp).toEqual(new Date(firstTime + 1))
  })

  it('are those of the commits, where they carry one', async () => {
    const table = handTable(ids, { configuration: { 'delta.enableInCommitTimestamps': 'true' } })
    const info: Action = { commitInfo: { inCommitTimestamp: 1_500_000_000_123, timestamp: 7 } }
    table.commit([info, table.add(await table.file('SELECT 1::BIGINT AS id'))])
    const [row] = await rowsOf(table, { from: 1 })
    expect(row?._commit_timestamp).toEqual(new Date(1_500_000_000_123))
  })
})

describe('the feed must be on at every version', () => {
  it.each([
    ['where it was never', { 'delta.enableChangeDataFeed': 'false' }, undefined, 'off'],
    [
      'where the protocol does not support it',
      {},
      { minReaderVersion: 1, minWriterVersion: 3, readerFeatures: null, writerFeatures: null },
      'protocol',
    ],
  ] as const)('%s', async (_, configuration, own, why) => {
    const table = await threeVersions({ configuration }, own === undefined ? undefined : protocol(own))
    const error = await failure(table, { from: 1 })
    expect(error).toMatchObject({ code: 'CHANGE_FEED_OFF', data: { version: 1, from: 1, to: 2 } })
    expect(error.message).toContain(why)
  })

  it('with a legacy protocol too', async () => {
    const table = await threeVersions(
      {},
      protocol({ minReaderVersion: 1, minWriterVersion: 4, readerFeatures: null, writerFeatures: null }),
    )
    expect(await told(table, { from: 2 })).toEqual(['2 insert 3', '2 insert 4'])
  })

  it('and the version at which it was off is named, before any row is given', async () => {
    const table = await threeVersions()
    table.commit([metaData(ids, { configuration: { 'delta.enableChangeDataFeed': 'false' } })])
    table.commit([metaData(ids), table.add(await table.file('SELECT 5::BIGINT AS id'))])
    const opened = await Table.open(table.folder)
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const batch of opened.changes({ from: 0 })) seen.push(batch)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'CHANGE_FEED_OFF', data: { version: 3 } })
    expect(seen).toEqual([])
    expect(await told(table, { from: 4 })).toEqual(['4 insert 5'])
  })
})

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

describe('files', () => {
  it('of removes without partition values are found in the version before', async () => {
    const table = handTable([...ids, column('part', 'string')], { partitionColumns: ['part'] })
    const path = await table.file('SELECT 1::BIGINT AS id')
    table.commit([table.add(path, { partitionValues: { part: 'x' } })])
    table.commit([{ remove: { path, deletionTimestamp: 0, dataChange: true } }])
    expect(await told(table, { from: 2 })).toEqual(['2 delete 1 x'])
  })

  it('that are gone are named with their version, and vacuum with them', async () => {
    const table = await threeVersions()
    table.commit([table.remove('part-1.parquet')])
    rmSync(join(table.folder, 'part-1.parquet'))
    const error = await failure(table, { from: 3 })
    expect(error).toMatchObject({ code: 'DATA_FILE_MISSING', data: { path: 'part-1.parquet', version: 3 } })
    expect(error.remedy).toContain('vacuum')
    expect((await failure(table, { from: 0 })).data).toMatchObject({ version: 1 })
  })

  it('with two vectors of one file in one version are refused', async () => {
    const table = await threeVersions()
    const add = (rows: readonly number[]) => table.add('part-1.parquet', withVector(vectorInline(rows)))
    table.commit([add([0]), add([1])])
    expect(await failure(table, { from: 3 })).toMatchObject({ code: 'LOG_CORRUPT', data: { version: 3, path: 'part-1.parquet' } })
  })

  it('of many windows come in the order of their versions, into one Parquet file too', async () => {
    const table = handTable(ids)
    const path = await table.file('SELECT 1::BIGINT AS id')
    const expected: number[] = []
    for (let version = 1; version <= 5; version += 1) {
      const actions: Action[] = []
      for (let file = 0; file < 450; file += 1) {
        const copy = `v${version}-${file}.parquet`
        linkSync(join(table.folder, path), join(table.folder, copy))
        actions.push(table.add(copy))
        expected.push(version)
      }
      // Files of another kind among them.
      if (version === 3) actions.push(table.remove('v1-7.parquet'), table.add('v1-7.parquet', withVector(vectorInline([0]))))
      table.commit(actions)
    }
    const rows = await rowsOf(table, { from: 0 })
    expect(rows).toHaveLength(expected.length + 1)
    const versions = rows.map((row) => Number(row._commit_version))
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
    expect(rows.filter((row) => row._change_type === 'delete').map((row) => row._commit_version)).toEqual([3n])
    const opened = await Table.open(table.folder)
    for (const format of ['parquet', 'arrow'] as const) {
      const target = join(folder, `out.${format}`)
      expect(await opened.changes({ from: 0 }).writeTo(target, { format })).toEqual({ rows: rows.length })
      const back = await Table.create(join(folder, `back-${format}`), {
        schema: 'id BIGINT, _change_type VARCHAR, _commit_version BIGINT, _commit_timestamp TIMESTAMPTZ',
      })
      await back.append({ files: target })
      const read = await (await back.latest()).scan({ columns: ['_commit_version'] }).toArray()
      expect(read.map((row) => Number(row._commit_version))).toEqual(versions)
    }
  }, 60_000)
})

it('ends when its signal is aborted, and when it is cancelled', async () => {
  const table = await threeVersions()
  const opened = await Table.open(table.folder)
  const abort = new AbortController()
  const feed = opened.changes({ from: 0, signal: abort.signal })
  await feed.schema()
  abort.abort()
  await expect(feed.toArray()).rejects.toMatchObject({ code: 'ABORTED' })
  const other = opened.changes({ from: 0 })
  await other.schema()
  await other.cancel()
  await expect(other.toArray()).rejects.toMatchObject({ code: 'ABORTED' })
})
