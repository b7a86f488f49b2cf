/** Which changes a range gives, in which order, and what it refuses, naming the version; on tables by hand. */
import { linkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Table, type VarveError } from '../../../src/index.ts'
import type { Action } from '../../../src/log/actions.ts'
import { failure, feedFolder, handTable, ids, removeFeeds, rowsOf, threeVersions, told } from '../../support/feeds.ts'
import { column, firstTime, metaData, protocol, withVector } from '../../support/hand-table.ts'
import { vectorInline } from '../../support/vectors.ts'

afterAll(removeFeeds)

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
      const target = join(feedFolder, `out.${format}`)
      expect(await opened.changes({ from: 0 }).writeTo(target, { format })).toEqual({ rows: rows.length })
      const back = await Table.create(join(feedFolder, `back-${format}`), {
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
