import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { importParquet } from '../../src/data/index.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import { hashFile, localStore } from '../../src/storage/index.ts'
import { field, sql, struct, temporaryFolder } from './tools.ts'

/** A folder with the results of queries, each under its key. */
async function folderOf(files: Record<string, string>, options = ''): Promise<string> {
  const folder = temporaryFolder()
  for (const [key, query] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, key)), { recursive: true })
    await sql(`COPY (${query}) TO ${quoteLiteral(join(folder, key))} (FORMAT parquet${options})`)
  }
  return folder
}

test('schema, statistics and hashes of files where they lie', async () => {
  const query = (from: number): string =>
    `SELECT i AS id, CASE WHEN i % 3 = 0 THEN NULL ELSE 'n' || i END AS name, {'x': i::SMALLINT, 'y.z': i / 7} AS s, [i] AS l,
      (i / 100)::DECIMAL(5,2) AS d, TIMESTAMPTZ '2020-01-01 00:00:00.123456+00' + to_seconds(i) AS at, 'nan'::DOUBLE AS f FROM range(${from}, ${from + 5000}) t(i)`
  const folder = await folderOf(
    { 'a.parquet': query(0), 'deep/b.parquet': query(5000), '_hidden/c.parquet': 'SELECT 1 AS other' },
    ', ROW_GROUP_SIZE 2048',
  )
  const { schema, partitionColumns, files } = await importParquet(localStore(folder))
  expect(partitionColumns).toEqual([])
  expect(schema).toEqual(
    struct(
      field('id', 'long'),
      field('name', 'string'),
      field('s', struct(field('x', 'short'), field('y.z', 'double'))),
      field('l', { type: 'array', elementType: 'long', containsNull: true }),
      field('d', 'decimal(5,2)'),
      field('at', 'timestamp'),
      field('f', 'double'),
    ),
  )
  expect(files.map((file) => file.path)).toEqual(['a.parquet', 'deep/b.parquet'])
  for (const file of files) expect(await hashFile(join(folder, file.path))).toEqual({ size: file.size, sha256: file.sha256 })
  expect(files[1]!.numRecords).toBe(5000)
  expect(JSON.parse(files[1]!.stats)).toEqual({
    numRecords: 5000,
    minValues: { id: 5000, name: 'n5000', s: { x: 5000, 'y.z': 5000 / 7 }, d: 50, at: '2020-01-01T01:23:20.123Z' },
    maxValues: { id: 9999, name: 'n9998', s: { x: 9999 }, d: 99.99, at: '2020-01-01T02:46:39.124Z' },
    nullCount: { id: 0, name: 1667, s: { x: 0, 'y.z': 0 }, d: 0, at: 0, f: 0 },
  })
})

test('folders give partition values, of a type that they all fit', async () => {
  const folder = await folderOf({
    'day=2020-01-01/n=1/zip=007/city=a%2Fb/x.parquet': 'SELECT 1::BIGINT AS id',
    'day=2020-01-02/n=-20/zip=1/city=__HIVE_DEFAULT_PARTITION__/x.parquet': 'SELECT 2::BIGINT AS id',
  })
  const { schema, partitionColumns, files } = await importParquet(localStore(folder))
  expect(schema).toEqual(
    struct(field('id', 'long'), field('day', 'date'), field('n', 'long'), field('zip', 'string'), field('city', 'string')),
  )
  expect(partitionColumns).toEqual(['day', 'n', 'zip', 'city'])
  expect(files.map((file) => ({ ...file.partitionValues }))).toEqual([
    { day: '2020-01-01', n: '1', zip: '007', city: 'a/b' },
    { day: '2020-01-02', n: '-20', zip: '1', city: null },
  ])
  expect(JSON.parse(files[0]!.stats)).toEqual({ numRecords: 1, minValues: { id: 1 }, maxValues: { id: 1 }, nullCount: { id: 0 } })
})

test('files that do not belong together are named', async () => {
  const differing: Record<string, string>[] = [
    { 'a.parquet': 'SELECT 1 AS id', 'b.parquet': 'SELECT 1::BIGINT AS id' },
    { 'a.parquet': 'SELECT 1 AS id', 'b.parquet': 'SELECT 1 AS id, 2 AS more' },
    { 'a.parquet': "SELECT {'x': 1} AS s", 'b.parquet': "SELECT {'y': 1} AS s" },
    { 'a.parquet': 'SELECT 1 AS id', 'p=1/b.parquet': 'SELECT 1 AS id' },
  ]
  for (const files of differing) {
    const error = importParquet(localStore(await folderOf(files)))
    await expect(error).rejects.toMatchObject({ code: 'TYPE_MISMATCH', data: { path: Object.keys(files)[1] } })
  }
})

test('what is no Parquet, and what no table can hold', async () => {
  const folder = await folderOf({ 'a.parquet': 'SELECT 1 AS id' })
  cpSync(join(folder, 'a.parquet'), join(folder, 'b.parquet'))
  writeFileSync(join(folder, 'c.parquet'), 'not Parquet at all, and long enough to be read')
  await expect(importParquet(localStore(folder))).rejects.toMatchObject({
    code: 'INPUT_CORRUPT',
    data: { path: join(folder, 'c.parquet') },
  })
  await expect(importParquet(localStore(temporaryFolder()))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
  for (const value of ["TIMESTAMP_NS '2020-01-01'", 'uuid()', "TIME '12:00'"]) {
    const error = importParquet(localStore(await folderOf({ 'a.parquet': `SELECT ${value} AS v` })))
    await expect(error).rejects.toMatchObject({ code: 'UNSUPPORTED_TYPE', data: { column: 'v' } })
  }
})
