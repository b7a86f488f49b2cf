/** Tables that Varve altered, read by Spark and DuckDB's extension at every version, and what Spark alters, read and written by Varve. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { duckDelta, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

const at = (version: number): { version: number } => ({ version })

it('columns that Varve adds, renames, drops and moves are so for Spark and DuckDB, at each version', async () => {
  const path = join(folder.path, 'columns')
  const table = await Table.create(path, {
    schema: 'id BIGINT, city VARCHAR, n INTEGER, s STRUCT(a INTEGER, b VARCHAR), l STRUCT(k INTEGER)[]',
    partitionBy: ['city'],
    preset: 'wide',
  })
  await table.append({
    query: `SELECT 1::BIGINT AS id, 'Oslo' AS city, 10::INTEGER AS n, {a: 1::INTEGER, b: 'x'} AS s, [{k: 1::INTEGER}] AS l`,
  })
  await table.alter([
    { add: { name: 's.c', type: 'DOUBLE' } },
    { add: { name: 'l.element.m', type: 'VARCHAR' } },
    { add: { name: 'x', type: 'DATE', first: true } },
  ])
  await table.append({
    query: `SELECT DATE '2026-03-15' AS x, 2::BIGINT AS id, 'Turku' AS city, 20::INTEGER AS n, {a: 2::INTEGER, b: 'y', c: 0.5::DOUBLE} AS s, [{k: 2::INTEGER, m: 'm'}] AS l`,
  })
  await table.alter([
    { rename: { name: 'city', to: 'the town' } },
    { rename: { name: 's.a', to: 'z' } },
    { drop: 'n' },
    { move: { name: 'id', first: true } },
  ])
  await table.append({
    query: `SELECT 3::BIGINT AS id, DATE '2026-03-16' AS x, 'Visby' AS "the town", {z: 3::INTEGER, b: 'w', c: 1.5::DOUBLE} AS s, [{k: 3::INTEGER, m: 'n'}] AS l`,
  })
  const versions: [number, string][] = [
    [1, `SELECT 1::BIGINT AS id, 'Oslo' AS city, 10::INTEGER AS n, {a: 1::INTEGER, b: 'x'} AS s, [{k: 1::INTEGER}] AS l`],
    [
      2,
      `SELECT NULL::DATE AS x, 1::BIGINT AS id, 'Oslo' AS city, 10::INTEGER AS n, {a: 1::INTEGER, b: 'x', c: NULL::DOUBLE} AS s, [{k: 1::INTEGER, m: NULL::VARCHAR}] AS l`,
    ],
    [
      5,
      `SELECT 1::BIGINT AS id, NULL::DATE AS x, 'Oslo' AS "the town", {z: 1::INTEGER, b: 'x', c: NULL::DOUBLE} AS s, [{k: 1::INTEGER, m: NULL::VARCHAR}] AS l
       UNION ALL SELECT 2, DATE '2026-03-15', 'Turku', {z: 2::INTEGER, b: 'y', c: 0.5}, [{k: 2::INTEGER, m: 'm'}]
       UNION ALL SELECT 3, DATE '2026-03-16', 'Visby', {z: 3::INTEGER, b: 'w', c: 1.5}, [{k: 3::INTEGER, m: 'n'}]`,
    ],
  ]
  for (const [version, query] of versions) {
    const expected = await duckDelta.canonical(query)
    sameRows(await varveRows(path, version), expected, `Varve at ${version}`)
    for (const reader of [spark, duckDelta]) sameRows(await reader.read(path, at(version)), expected, `${reader.name} at ${version}`)
  }
  sameRows(
    await spark.read(path, { where: "`the town` = 'Oslo' AND s.z = 1" }),
    await spark.read(path, { where: 'id = 1' }),
    'Spark, skipping',
  )
  const history = await spark.history(path)
  expect(history.map(({ operation }) => operation)).toEqual(['WRITE', 'ALTER TABLE', 'WRITE', 'ADD COLUMNS', 'WRITE', 'CREATE TABLE'])
})

it('columns that Varve widens hold both kinds of values for Spark and DuckDB, and Spark goes on with them', async () => {
  const path = join(folder.path, 'widened')
  const table = await Table.create(path, {
    schema: 'b TINYINT, i INTEGER, f FLOAT, n DECIMAL(5,2), l SMALLINT[], m MAP(INTEGER, STRUCT(x INTEGER)), d DATE',
  })
  await table.append({
    query: `SELECT 1::TINYINT AS b, 2::INTEGER AS i, 0.5::FLOAT AS f, 1.25::DECIMAL(5,2) AS n, [3::SMALLINT] AS l, MAP {4::INTEGER: {x: 5::INTEGER}} AS m, DATE '2026-03-15' AS d`,
  })
  await table.alter([
    { widen: { name: 'b', type: 'INTEGER' } },
    { widen: { name: 'i', type: 'BIGINT' } },
    { widen: { name: 'f', type: 'DOUBLE' } },
    { widen: { name: 'n', type: 'DECIMAL(10,4)' } },
    { widen: { name: 'l.element', type: 'INTEGER' } },
    { widen: { name: 'm.key', type: 'BIGINT' } },
    { widen: { name: 'm.value.x', type: 'DOUBLE' } },
    { widen: { name: 'd', type: 'TIMESTAMP' } },
  ])
  const young = `SELECT 100000::INTEGER AS b, 9007199254740993::BIGINT AS i, 1e300::DOUBLE AS f, 1.2345::DECIMAL(10,4) AS n, [100000::INTEGER] AS l,
    MAP {9007199254740993::BIGINT: {x: 0.25::DOUBLE}} AS m, TIMESTAMP '2026-03-15 12:00:00' AS d`
  await table.append({ query: young })
  const old = `SELECT 1::INTEGER AS b, 2::BIGINT AS i, 0.5::DOUBLE AS f, 1.25::DECIMAL(10,4) AS n, [3::INTEGER] AS l, MAP {4::BIGINT: {x: 5::DOUBLE}} AS m,
    TIMESTAMP '2026-03-15 00:00:00' AS d`
  const both = await duckDelta.canonical(`${old} UNION ALL ${young}`)
  sameRows(await varveRows(path), both, 'Varve')
  for (const reader of [spark, duckDelta]) sameRows(await reader.read(path), both, reader.name)
  sameRows(await spark.read(path, { where: 'i = 2 AND b = 1 AND n = 1.25' }), await duckDelta.canonical(old), 'Spark, skipping')
  await spark.sql(`ALTER TABLE delta.\`${path}\` CHANGE COLUMN b TYPE BIGINT`)
  await spark.sql(`DELETE FROM delta.\`${path}\` WHERE i = 2`)
  expect(await table.alter({ widen: { name: 'b', type: 'DECIMAL(20,0)' } })).toMatchObject({ features: [] })
  expect((await table.latest()).schema.fields[0]!.metadata['delta.typeChanges']).toHaveLength(3)
  const left = await duckDelta.canonical(young.replace('100000::INTEGER AS b', '100000::DECIMAL(20,0) AS b'))
  sameRows(await varveRows(path), left, 'Varve after Spark')
  sameRows(await spark.read(path), left, 'Spark after Varve')
})

it('rules and properties that Varve makes hold for Spark, and those that Spark makes are seen by Varve', async () => {
  const path = join(folder.path, 'rules')
  const table = await Table.create(path, { schema: 'id BIGINT, name VARCHAR, s STRUCT(a INTEGER)', preset: 'wide' })
  await table.append([{ id: 1, name: 'a', s: { a: 1 } }])
  await table.alter([
    { notNull: 'id' },
    { comment: { name: 'id', text: 'the key' } },
    { set: { 'delta.enableInCommitTimestamps': 'true', 'delta.enableChangeDataFeed': 'true', owner: 'ops' } },
  ])
  await expect(spark.sql(`INSERT INTO delta.\`${path}\` VALUES (NULL, 'b', named_struct('a', 2))`)).rejects.toThrow(/NULL|null/)
  await spark.sql(`INSERT INTO delta.\`${path}\` VALUES (2, 'b', named_struct('a', 2))`)
  await spark.sql(`ALTER TABLE delta.\`${path}\` ALTER COLUMN id DROP NOT NULL`)
  await spark.sql(`ALTER TABLE delta.\`${path}\` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')`)
  await spark.sql(`ALTER TABLE delta.\`${path}\` RENAME COLUMN name TO label`)
  await table.append([{ id: null, label: 'c', s: { a: 3 } }])
  await table.alter([{ drop: 'label' }, { rename: { name: 's.a', to: 'b' } }, { add: { name: 'label', type: 'INTEGER' } }])
  const expected = await duckDelta.canonical(
    `SELECT 1::BIGINT AS id, {b: 1::INTEGER} AS s, NULL::INTEGER AS label UNION ALL SELECT 2, {b: 2}, NULL UNION ALL SELECT NULL, {b: 3}, NULL`,
  )
  for (const reader of [spark, duckDelta]) sameRows(await reader.read(path), expected, reader.name)
  sameRows(await varveRows(path), expected, 'Varve')
})

it('constraints, defaults, generated and identity columns that Varve makes are kept by Spark', async () => {
  const path = join(folder.path, 'expressions')
  const table = await Table.create(path, { schema: 'id BIGINT, n INTEGER, city VARCHAR, year INTEGER, day DATE', preset: 'wide' })
  await table.append({ query: `SELECT 5::BIGINT AS id, 1::INTEGER AS n, 'Oslo' AS city, 2026::INTEGER AS year, DATE '2026-03-15' AS day` })
  await table.alter([
    { addConstraint: { name: 'small', expression: `"n" < 100 OR city IN ('it''s', 'Oslo')` } },
    { default: { name: 'city', expression: `'it''s'` } },
    { generated: { name: 'year', type: 'INTEGER', expression: 'year(day)' } },
    { identity: 'id' },
  ])
  const into = `INSERT INTO delta.\`${path}\``
  await expect(spark.sql(`${into} (n, city, day) VALUES (100, 'Turku', DATE '2025-01-01')`)).rejects.toThrow(/small|CHECK/)
  await spark.sql(`${into} (n, day) VALUES (2, DATE '2025-01-01')`)
  await spark.sql(`${into} (n, city, day) VALUES (100, 'Oslo', DATE '2024-01-01')`)
  await expect(spark.sql(`${into} (n, day, year) VALUES (3, DATE '2025-01-01', 1999)`)).rejects.toThrow(/[Gg]enerat|CHECK/)
  const query = 'SELECT id > 5 AS counted, n, city, year FROM t ORDER BY n, id'
  const rows = await (await (await Table.open(path)).latest()).query(query, { name: 't' }).toArray()
  expect(rows.map(({ counted, n, city, year }) => [counted, n, city, year])).toEqual([
    [false, 1, 'Oslo', 2026],
    [true, 2, "it's", 2025],
    [true, 100, 'Oslo', 2024],
  ])
  await table.alter([{ dropConstraint: 'small' }, { default: { name: 'city' } }])
  await spark.sql(`${into} (n, city, day) VALUES (1000, NULL, DATE '2023-01-01')`)
  await spark.sql(`ALTER TABLE delta.\`${path}\` ADD CONSTRAINT positive CHECK (n > 0)`)
  await expect(table.alter({ drop: 'n' })).rejects.toMatchObject({ code: 'COLUMN_IN_USE' })
  expect(await table.alter({ dropConstraint: 'positive' })).toMatchObject({ operation: 'DROP CONSTRAINT' })
})

it('rows that Varve has tracked midway keep their ids through Spark', async () => {
  const path = join(folder.path, 'tracked')
  const table = await Table.create(path, { schema: 'id BIGINT, n INTEGER' })
  await table.append({ query: 'SELECT i AS id, 0 AS n FROM range(10) t(i)' })
  await table.append({ query: 'SELECT 10 + i AS id, 0 AS n FROM range(5) t(i)' })
  await table.alter({ set: { 'delta.enableRowTracking': 'true' } })
  const select = 'SELECT id, _metadata.row_id AS row_id FROM'
  const ours = async () => (await table.latest()).query(`${select} t ORDER BY id`, { name: 't' }).toArray()
  const before = new Map((await ours()).map(({ id, row_id }) => [id, row_id]))
  expect(new Set(before.values()).size).toBe(15)
  await spark.sql(`UPDATE delta.\`${path}\` SET n = 1 WHERE id % 4 = 1`)
  await spark.append(path, 'SELECT 100L AS id, 2 AS n')
  await table.append([{ id: 101, n: 3 }])
  const rows = await ours()
  expect(rows).toHaveLength(17)
  for (const { id, row_id } of rows) if (before.has(id)) expect(row_id).toBe(before.get(id))
  expect(new Set(rows.map(({ row_id }) => row_id)).size).toBe(17)
  const theirs = await spark.sql(`${select} delta.\`${path}\` ORDER BY id`)
  sameRows(
    theirs,
    await duckDelta.canonical(rows.map(({ id, row_id }) => `SELECT ${id}::BIGINT AS id, ${row_id}::BIGINT AS row_id`).join(' UNION ALL ')),
    'Spark',
  )
})
