/** Changes of columns: what rows give before and after, at every version, and what the log says of it. */
import { expect, test } from 'vitest'
import { memoryStore, Table, type TableChange } from '../../../src/index.ts'

const rowsOf = async (table: Table, version?: number) => {
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  return snapshot.scan().toArray()
}
const fieldsOf = async (table: Table) => (await table.latest()).schema.fields
const made = async (schema: string, rows: readonly Record<string, unknown>[] = [], more: object = {}) => {
  const table = await Table.create(memoryStore(), { schema, ...more })
  if (rows.length > 0) await table.append(rows)
  return table
}
const refused = (table: Table, change: TableChange, code: string) => expect(table.alter(change)).rejects.toMatchObject({ code })

test('a new column is NULL in the rows that are there, takes values from then on, and is not in older versions', async () => {
  const table = await made('id BIGINT, address STRUCT(city VARCHAR), tags STRUCT(k VARCHAR)[], m MAP(VARCHAR, STRUCT(a INTEGER))', [
    { id: 1, address: { city: 'Oslo' }, tags: [{ k: 'x' }], m: new Map([['p', { a: 1 }]]) },
  ])
  const result = await table.alter([
    { add: { name: 'first', type: 'DECIMAL(10,2)', first: true } },
    { add: { name: 'address.zip', type: 'VARCHAR', comment: 'postal' } },
    { add: { name: 'tags.element.n', type: 'INTEGER[]' } },
    { add: { name: 'M.VALUE.b', type: 'byte' } },
  ])
  expect(result).toMatchObject({ version: 2, operation: 'ADD COLUMNS', changes: expect.arrayContaining(['added address.zip VARCHAR']) })
  await table.append({
    query: `SELECT 1.5::DECIMAL(10,2) AS first, 2 AS id, {city: 'Turku', zip: '20100'} AS address, [{k: 'y', n: [1]}] AS tags, MAP {'q': {a: 2, b: 3}} AS m`,
  })
  const [old, young] = await (await table.latest()).query('SELECT * FROM t ORDER BY id', { name: 't' }).toArray()
  expect(old).toMatchObject({ first: null, id: 1n, address: { city: 'Oslo', zip: null }, tags: [{ k: 'x', n: null }] })
  expect(young).toMatchObject({ first: '1.50', address: { zip: '20100' }, tags: [{ n: [1] }] })
  expect(JSON.stringify([...(old!.m as Map<string, unknown>)])).toBe('[["p",{"a":1,"b":null}]]')
  expect(JSON.stringify([...(young!.m as Map<string, unknown>)])).toBe('[["q",{"a":2,"b":3}]]')
  expect(Object.keys((await rowsOf(table, 1))[0]!)).toEqual(['id', 'address', 'tags', 'm'])
  expect((await fieldsOf(table))[2]).toMatchObject({
    type: { fields: [{ name: 'city' }, { name: 'zip', metadata: { comment: 'postal' } }] },
  })
})

test('a renamed column keeps its values, nested and partition columns too', async () => {
  const table = await made('id BIGINT, day DATE, s STRUCT(a INTEGER, b VARCHAR)', [{ id: 1, day: '2026-03-15', s: { a: 1, b: 'x' } }], {
    partitionBy: ['day'],
    preset: 'wide',
  })
  const before = await rowsOf(table)
  const result = await table.alter([
    { rename: { name: 'id', to: 'key' } },
    { rename: { name: 'DAY', to: 'the day' } },
    { rename: { name: 's.a', to: 's.c' } },
  ])
  expect(result).toMatchObject({ version: 2, features: ['columnMapping'] })
  expect(result.warnings.join()).toContain('columnMapping')
  await table.append([{ key: 2, 'the day': '2026-03-16', s: { c: 2, b: 'y' } }])
  const rows = await (await table.latest()).query('SELECT * FROM t ORDER BY key', { name: 't' }).toArray()
  expect(rows).toEqual([
    { key: 1n, 'the day': before[0]!.day, s: { c: 1, b: 'x' } },
    { key: 2n, 'the day': new Date('2026-03-16'), s: { c: 2, b: 'y' } },
  ])
  expect((await table.latest()).partitionColumns).toEqual(['the day'])
  expect(await (await table.latest()).scan({ where: `"the day" = DATE '2026-03-15'`, columns: ['key'] }).toArray()).toEqual([{ key: 1n }])
  expect(await rowsOf(table, 1)).toEqual(before)
  expect((await table.asOf(1)).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
})

test('a dropped column is gone, and one of its name made later does not find its values', async () => {
  const table = await made('id BIGINT, secret VARCHAR, s STRUCT(a INTEGER, b INTEGER)', [{ id: 1, secret: 'x', s: { a: 1, b: 2 } }])
  await table.alter([{ drop: 'secret' }, { drop: 's.b' }])
  expect(await rowsOf(table)).toEqual([{ id: 1n, s: { a: 1 } }])
  await table.alter([{ add: { name: 'secret', type: 'VARCHAR' } }, { add: { name: 's.b', type: 'INTEGER' } }])
  expect(await rowsOf(table)).toEqual([{ id: 1n, s: { a: 1, b: null }, secret: null }])
  expect((await table.latest()).properties['delta.columnMapping.maxColumnId']).toBe('7')
  expect(await rowsOf(table, 1)).toEqual([{ id: 1n, secret: 'x', s: { a: 1, b: 2 } }])
})

test('a widened column reads old files and new ones, wherever it is', async () => {
  const table = await made(
    'a UTINYINT, b INTEGER, c FLOAT, d DATE, e DECIMAL(5,2), l INTEGER[], m MAP(SMALLINT, STRUCT(x INTEGER)), p INTEGER',
    [{ a: 1, b: 2, c: 0.5, d: '2026-03-15', e: '1.25', l: [3, null], m: new Map([[4, { x: 5 }]]), p: 7 }],
    { partitionBy: ['p'] },
  )
  const result = await table.alter([
    { widen: { name: 'a', type: 'INTEGER' } },
    { widen: { name: 'a', type: 'BIGINT' } },
    { widen: { name: 'b', type: 'DECIMAL(12,2)' } },
    { widen: { name: 'c', type: 'DOUBLE' } },
    { widen: { name: 'd', type: 'TIMESTAMP' } },
    { widen: { name: 'e', type: 'DECIMAL(10,4)' } },
    { widen: { name: 'l.element', type: 'BIGINT' } },
    { widen: { name: 'm.key', type: 'INTEGER' } },
    { widen: { name: 'm.value.x', type: 'DOUBLE' } },
    { widen: { name: 'p', type: 'BIGINT' } },
  ])
  expect(result).toMatchObject({ features: ['timestampNtz', 'typeWidening'], operation: 'CHANGE COLUMN' })
  await table.append({
    query: `SELECT 9007199254740993 AS a, 1.25::DECIMAL(12,2) AS b, 1e300::DOUBLE AS c, TIMESTAMP '2026-03-15 12:00:00' AS d, 1.2345::DECIMAL(10,4) AS e,
      [9007199254740993] AS l, MAP {70000: {x: 0.25::DOUBLE}} AS m, 5000000000 AS p`,
  })
  const rows = await (await table.latest())
    .query('SELECT a, b, c, CAST(d AS VARCHAR) AS d, e, l, CAST(m AS VARCHAR) AS m, p FROM t ORDER BY a', { name: 't' })
    .toArray()
  expect(rows).toEqual([
    { a: 1n, b: '2.00', c: 0.5, d: '2026-03-15 00:00:00', e: '1.2500', l: [3n, null], m: "{4={'x': 5.0}}", p: 7n },
    {
      a: 9007199254740993n,
      b: '1.25',
      c: 1e300,
      d: '2026-03-15 12:00:00',
      e: '1.2345',
      l: [9007199254740993n],
      m: "{70000={'x': 0.25}}",
      p: 5000000000n,
    },
  ])
  const fields = await fieldsOf(table)
  const changes = (index: number) => fields[index]!.metadata['delta.typeChanges']
  expect(changes(0)).toEqual([
    { fromType: 'short', toType: 'integer' },
    { fromType: 'integer', toType: 'long' },
  ])
  expect(changes(5)).toEqual([{ fromType: 'integer', toType: 'long', fieldPath: 'element' }])
  expect(changes(6)).toEqual([{ fromType: 'short', toType: 'integer', fieldPath: 'key' }])
  expect((await rowsOf(table, 1))[0]).toMatchObject({ a: 1, b: 2, l: [3, null] })
  for (const [name, type] of [
    ['a', 'INTEGER'],
    ['b', 'VARCHAR'],
    ['e', 'DECIMAL(10,3)'],
    ['l', 'BIGINT'],
    ['c', 'FLOAT'],
  ] as const)
    await refused(table, { widen: { name, type } }, 'TYPE_MISMATCH')
})

test('NOT NULL is checked against the rows that are there, nested ones too, and kept afterwards', async () => {
  const table = await made('id BIGINT, s STRUCT(a INTEGER), l STRUCT(x INTEGER)[], m MAP(VARCHAR, INTEGER)', [
    { id: 1, s: { a: 1 }, l: [{ x: 1 }, null], m: new Map([['k', 1]]) },
    { id: null, s: null, l: null, m: new Map([['k', null]]) },
  ])
  await expect(table.alter({ notNull: 'id' })).rejects.toMatchObject({ code: 'NOT_NULL_VIOLATED', data: { column: 'id', rows: 1 } })
  await refused(table, { notNull: 's' }, 'NOT_NULL_VIOLATED')
  await refused(table, { notNull: 'l.element' }, 'NOT_NULL_VIOLATED')
  await refused(table, { notNull: 'm.value' }, 'NOT_NULL_VIOLATED')
  await refused(table, { notNull: 'm.key' }, 'INVALID_ARGUMENT')
  expect(await table.version()).toBe(1)
  await table.alter([{ notNull: 's.a' }, { notNull: 'l.element.x' }])
  await expect(table.append({ query: 'SELECT {a: NULL::INTEGER} AS s' })).rejects.toMatchObject({ code: 'NOT_NULL_VIOLATED' })
  await expect(table.append({ query: 'SELECT [{x: NULL::INTEGER}] AS l' })).rejects.toMatchObject({ code: 'NOT_NULL_VIOLATED' })
  await table.alter([{ nullable: 's.a' }, { nullable: 'l.element.x' }])
  await table.append({ query: 'SELECT {a: NULL::INTEGER} AS s, [{x: NULL::INTEGER}] AS l' })
  expect(await (await table.latest()).rowCount()).toBe(3)
})

test('comments and places change, and nothing else', async () => {
  const table = await made('a INTEGER, b INTEGER, s STRUCT(x INTEGER, y INTEGER)', [{ a: 1, b: 2, s: { x: 3, y: 4 } }])
  await table.alter([
    { comment: { name: 'a', text: 'ein ä' } },
    { move: { name: 'b', first: true } },
    { move: { name: 'a', after: 's' } },
    { move: { name: 's.x', after: 's.y' } },
  ])
  expect(JSON.stringify(await rowsOf(table))).toBe('[{"b":2,"s":{"y":4,"x":3},"a":1}]')
  expect((await fieldsOf(table)).at(-1)!.metadata).toEqual({ comment: 'ein ä' })
  await table.alter({ comment: { name: 'a', text: '' } })
  expect((await fieldsOf(table)).at(-1)!.metadata).toEqual({})
  expect(JSON.stringify(await rowsOf(table, 1))).toBe('[{"a":1,"b":2,"s":{"x":3,"y":4}}]')
})

test('what is so already makes no version, unless a number is to be recorded', async () => {
  const table = await made('id BIGINT NOT NULL, s STRUCT(a INTEGER)')
  const same: TableChange[] = [
    { rename: { name: 'id', to: 'id' } },
    { widen: { name: 'id', type: 'BIGINT' } },
    { nullable: 's.a' },
    { notNull: 'id' },
    { comment: { name: 'id', text: '' } },
    { move: { name: 'id', first: true } },
    { set: { 'delta.enableDeletionVectors': 'true' } },
    { unset: ['mine', 'delta.appendOnly'] },
  ]
  expect(await table.alter(same)).toMatchObject({ version: 0, changes: [], features: [] })
  const txn = { appId: 'schema', version: 1 }
  expect(await table.alter(same, { txn })).toMatchObject({ version: 1, alreadyApplied: false })
  expect(await table.alter({ drop: 's' }, { txn })).toMatchObject({ version: 1, alreadyApplied: true })
  expect((await fieldsOf(table)).map(({ name }) => name)).toEqual(['id', 's'])
})

test('what cannot be is refused by name, and changes nothing', async () => {
  const table = await made('id BIGINT, "a.b" INTEGER, s STRUCT(x INTEGER), p INTEGER, l INTEGER[]', [], { partitionBy: ['p'] })
  await refused(table, { add: { name: 'ID', type: 'INTEGER' } }, 'DUPLICATE_COLUMN')
  await refused(table, { add: { name: 's.X', type: 'INTEGER' } }, 'DUPLICATE_COLUMN')
  await refused(table, { add: { name: 'id.x', type: 'INTEGER' } }, 'INVALID_ARGUMENT')
  await refused(table, { add: { name: 'nowhere.x', type: 'INTEGER' } }, 'UNKNOWN_COLUMN')
  await refused(table, { add: { name: 'x', type: 'INTEGER, y INTEGER' } }, 'INVALID_SCHEMA')
  await refused(table, { add: { name: 'x', type: 'INTEGER NOT NULL' } }, 'INVALID_SCHEMA')
  await refused(table, { add: { name: 'x', type: 'INTERVAL' } }, 'UNSUPPORTED_TYPE')
  await refused(table, { add: { name: 'x', type: 'INTEGER', after: 'nowhere' } }, 'UNKNOWN_COLUMN')
  await refused(table, { rename: { name: 'id', to: 'P' } }, 'DUPLICATE_COLUMN')
  await refused(table, { rename: { name: 'p', to: '_v' } }, 'INVALID_SCHEMA')
  await refused(table, { rename: { name: 'l.element', to: 'x' } }, 'INVALID_ARGUMENT')
  await refused(table, { drop: 'p' }, 'COLUMN_IN_USE')
  await refused(table, { drop: 's.x' }, 'INVALID_ARGUMENT')
  await refused(table, { drop: 'nowhere' }, 'UNKNOWN_COLUMN')
  await refused(table, { move: { name: 'id' } }, 'INVALID_ARGUMENT')
  await refused(table, { add: { name: 'x', type: 'INTEGER' }, drop: 'id' } as unknown as TableChange, 'INVALID_ARGUMENT')
  // The last change fails: none is made.
  await expect(table.alter([{ drop: 'id' }, { drop: 'id' }])).rejects.toMatchObject({ code: 'UNKNOWN_COLUMN' })
  expect(await table.version()).toBe(0)
  await table.alter([{ drop: 'a.b' }, { rename: { name: '"s"."x"', to: 'y z' } }])
  expect((await fieldsOf(table)).map(({ name }) => name)).toEqual(['id', 's', 'p', 'l'])
})

test('a column that other metadata names is neither renamed nor dropped', async () => {
  const table = await made('id BIGINT, s STRUCT(a INTEGER, b INTEGER), x INTEGER', [], {
    properties: { 'delta.dataSkippingStatsColumns': 'id,s.a' },
  })
  await refused(table, { rename: { name: 'id', to: 'key' } }, 'COLUMN_IN_USE')
  await refused(table, { drop: 's' }, 'COLUMN_IN_USE')
  await refused(table, { drop: 's.a' }, 'COLUMN_IN_USE')
  expect(await table.alter([{ drop: 's.b' }, { drop: 'x' }])).toMatchObject({ version: 1 })
})

test('of racing alters one is first, and rows that break a new rule never slip in beside it', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT, name VARCHAR' })
  const other = await Table.open(store)
  await other.version()
  await table.alter({ add: { name: 'x', type: 'INTEGER' } })
  await expect(Table.open(store).then((one) => one.alter({ add: { name: 'x', type: 'INTEGER' } }))).rejects.toMatchObject({
    code: 'DUPLICATE_COLUMN',
  })
  const writers = [0, 1, 2, 3].map(async (i) => (await Table.open(store)).append([{ id: i % 2 ? i : null, name: 'n' }]))
  const rule = (await Table.open(store)).alter({ notNull: 'id' })
  const results = await Promise.allSettled([...writers, rule])
  const ruled = results.at(-1)!.status === 'fulfilled'
  const [{ n }] = (await (await table.latest()).query('SELECT count(*) AS n FROM t WHERE id IS NULL', { name: 't' }).toArray()) as [
    { n: bigint },
  ]
  expect(ruled && n > 0n).toBe(false)
})
