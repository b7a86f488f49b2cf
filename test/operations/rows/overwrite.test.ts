import { expect, test } from 'vitest'
import { memoryStore, type Row, Table } from '../../../src/index.ts'

const rowsOf = async (table: Table, version?: number): Promise<Row[]> => {
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  return snapshot.query('SELECT * FROM t ORDER BY ALL', { name: 't' }).toArray()
}

const changesOf = async (table: Table, version: number): Promise<Row[]> => {
  const rows: Row[] = []
  for (const row of await table.changes({ from: version, to: version }).toArray()) {
    const { _commit_version, _commit_timestamp, ...rest } = row
    rows.push(rest)
  }
  return rows.sort((one, other) => (String(Object.values(one)) < String(Object.values(other)) ? -1 : 1))
}

const days = (...rows: readonly (readonly [number, string])[]): Row[] => rows.map(([id, day]) => ({ id: BigInt(id), day }))

/** A table of two days, a version for each. */
async function daily(properties: Record<string, string> = {}, partitionBy: string[] = ['day']): Promise<Table> {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT, day VARCHAR', partitionBy, properties })
  await table.append(days([1, 'mon'], [2, 'mon']))
  await table.append(days([3, 'tue'], [4, 'tue']))
  return table
}

test('a whole table is replaced in one version, and older versions stay', async () => {
  const table = await daily()
  const result = await table.overwrite(days([9, 'wed']), { message: 'anew' })
  expect(result).toMatchObject({ version: 3, operation: 'WRITE', metrics: { numOutputRows: 1, numRemovedFiles: 2, numDeletedRows: 4 } })
  expect(await rowsOf(table)).toEqual(days([9, 'wed']))
  expect(await rowsOf(table, 2)).toHaveLength(4)
  const [entry] = [(await table.history({ limit: 1 }).next()).value]
  expect(entry).toMatchObject({ operation: 'WRITE', parameters: { mode: 'Overwrite', partitionBy: '["day"]' }, message: 'anew' })
})

test('an empty input replaces by nothing; where there is nothing to replace either, no version is made', async () => {
  const table = await daily()
  expect(await table.overwrite([])).toMatchObject({ version: 3 })
  expect(await rowsOf(table)).toEqual([])
  expect(await table.overwrite([])).toMatchObject({ version: 3, alreadyApplied: false })
})

test('the input may be read from the table itself', async () => {
  const table = await daily()
  await table.overwrite((await table.latest()).query("SELECT id * 10 AS id, day FROM t WHERE day = 'tue'", { name: 't' }))
  expect(await rowsOf(table)).toEqual(days([30, 'tue'], [40, 'tue']))
})

test('dynamic replaces the partitions that the new rows have, the one of NULL too', async () => {
  const table = await daily()
  await table.append([{ id: 5, day: null }])
  await table.overwrite([...days([7, 'mon']), { id: 8n, day: null }], { dynamic: true })
  expect(await rowsOf(table)).toEqual([...days([3, 'tue'], [4, 'tue'], [7, 'mon']), { id: 8n, day: null }])
  expect(await table.overwrite([], { dynamic: true })).toMatchObject({ version: 4 })
  const plain = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  await expect(plain.overwrite([{ id: 1 }], { dynamic: true })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('dynamic knows a partition by its value', async () => {
  const types = "1.5::DOUBLE AS d, 12345678901234567::BIGINT AS l, DATE '2026-03-15' AS day, true AS b, 1.50::DECIMAL(9, 2) AS m"
  const later = `${types}, TIMESTAMPTZ '2026-03-15 01:02:03.000004Z' AS ts, TIMESTAMP '2026-03-15 01:02:03' AS n`
  const select = (id: number, sql = later) => ({ query: `SELECT ${id}::BIGINT AS id, ${sql}` })
  const store = memoryStore()
  await Table.append(store, select(1), { create: true, partitionBy: ['d', 'l', 'day', 'b', 'm', 'ts', 'n'] })
  const table = await Table.open(store)
  await table.append(select(2, later.replace('12345678901234567', '12345678901234568')))
  await table.overwrite(select(3), { dynamic: true })
  expect((await rowsOf(table)).map(({ id }) => id)).toEqual([2n, 3n])
})

test.each([
  ['whole files', "day = 'mon'", { 'delta.enableDeletionVectors': 'true' }],
  ['vectors', 'id IN (1, 2) OR id > 100', { 'delta.enableDeletionVectors': 'true' }],
  ['rewritten files', 'id IN (1, 2) OR id > 100', { 'delta.enableDeletionVectors': 'false' }],
])('a predicate says which rows are replaced: %s; the change feed tells the same', async (_, where, properties) => {
  const table = await Table.create(memoryStore(), {
    schema: 'id BIGINT, day VARCHAR',
    properties: { ...properties, 'delta.enableChangeDataFeed': 'true' },
  })
  await table.append(days([1, 'mon'], [2, 'mon']))
  await table.append(days([3, 'tue'], [0, 'tue']))
  // One file holds rows of both kinds.
  await table.append([...days([2, 'mon'], [4, 'tue'])])
  const fresh = where.startsWith('day') ? days([9, 'mon']) : days([101, 'mon'])
  await table.overwrite(fresh, { where })
  expect(await rowsOf(table)).toEqual([...days([0, 'tue'], [3, 'tue'], [4, 'tue']), ...fresh])
  expect(await changesOf(table, 4)).toEqual(
    [
      ...days([1, 'mon'], [2, 'mon'], [2, 'mon']).map((row) => ({ ...row, _change_type: 'delete' })),
      ...fresh.map((row) => ({ ...row, _change_type: 'insert' })),
    ].sort((one, other) => (String(Object.values(one)) < String(Object.values(other)) ? -1 : 1)),
  )
  const [entry] = [(await table.history({ limit: 1 }).next()).value]
  expect(entry).toMatchObject({ parameters: { mode: 'Overwrite', predicate: where } })
})

test('a new row that the predicate is not true for is an error that shows it, and nothing is written', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT, day VARCHAR' })
  await table.append(days([1, 'mon']))
  const names = async () => {
    const keys: string[] = []
    for await (const { key } of store.list('')) keys.push(key)
    return keys
  }
  const before = await names()
  for (const row of [{ id: 7, day: 'tue' }, { id: 7 }])
    await expect(table.overwrite([{ id: 6, day: 'mon' }, row], { where: 'day = $day', params: { day: 'mon' } })).rejects.toMatchObject({
      code: 'PREDICATE_NOT_FULFILLED',
      message: expect.stringContaining('"id":7'),
    })
  await expect(table.overwrite([{ id: 6, day: 'mon' }], { where: 'day = ' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
  expect(await names()).toEqual(before)
})

test('columns are replaced on request alone; older versions keep theirs', async () => {
  const table = await daily()
  const anew = { query: "SELECT 'x' AS id, [1, 2] AS list, TIMESTAMP '2026-01-01 00:00:00' AS at_local" }
  await expect(table.overwrite(anew)).rejects.toMatchObject({ code: 'UNKNOWN_COLUMN' })
  await expect(table.overwrite(anew, { overwriteSchema: true })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    data: { column: 'day' },
  })
  await table.overwrite(anew, { overwriteSchema: true, partitionBy: ['ID'] })
  const { schema, partitionColumns, protocol } = await table.latest()
  expect(schema.fields.map(({ name, type }) => [name, typeof type === 'string' ? type : type.type])).toEqual([
    ['id', 'string'],
    ['list', 'array'],
    ['at_local', 'timestamp_ntz'],
  ])
  expect(partitionColumns).toEqual(['id'])
  expect(protocol.readerFeatures).toContain('timestampNtz')
  expect(await rowsOf(table)).toMatchObject([{ id: 'x', list: [1, 2] }])
  expect(await rowsOf(table, 2)).toHaveLength(4)
})

test('mapped columns get new names in files, and names that need mapping switch it on', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  await table.append([{ id: 1 }])
  await table.overwrite([{ 'a b': 'x' }], { overwriteSchema: true })
  const physical = async () =>
    (await table.latest()).schema.fields.map(({ metadata }) => [
      metadata['delta.columnMapping.id'],
      metadata['delta.columnMapping.physicalName'],
    ])
  const [first] = await physical()
  await table.overwrite([{ 'a b': 2n }], { overwriteSchema: true })
  const [second] = await physical()
  expect(Number(second![0])).toBeGreaterThan(Number(first![0]))
  expect(second![1]).not.toBe(first![1])
  expect([await rowsOf(table), await rowsOf(table, 2), await rowsOf(table, 1)]).toEqual([[{ 'a b': 2n }], [{ 'a b': 'x' }], [{ id: 1n }]])
})

test('new rows keep the rules of the table, and so do other columns', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT, n INTEGER' })
  await table.alter([{ default: { name: 'n', expression: '7' } }, { addConstraint: { name: 'small', expression: 'n < 10' } }])
  await table.overwrite([{ id: 1 }])
  expect(await rowsOf(table)).toEqual([{ id: 1n, n: 7 }])
  await expect(table.overwrite([{ id: 2, n: 11 }])).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  await expect(table.overwrite([{ n: 11n }], { overwriteSchema: true })).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  await expect(table.overwrite([{ id: 11n }], { overwriteSchema: true })).rejects.toMatchObject({
    message: expect.stringContaining('small'),
  })
  await table.overwrite([{ n: 9n, id: 'x' }], { overwriteSchema: true })
  expect(await rowsOf(table)).toEqual([{ n: 9n, id: 'x' }])
  // Columns that are the same as before are held to the rules, too.
  const same = { query: "SELECT 11::BIGINT AS n, 'y' AS id" }
  await expect(table.overwrite(same, { overwriteSchema: true })).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
})

test('an overwrite with a number lands once, and an append-only table refuses it', async () => {
  const table = await daily()
  const txn = { appId: 'etl', version: 1 }
  await table.overwrite(days([9, 'wed']), { txn })
  expect(await table.overwrite(days([9, 'wed'], [10, 'wed']), { txn })).toMatchObject({ version: 3, alreadyApplied: true })
  await table.alter({ set: { 'delta.appendOnly': 'true' } })
  await expect(table.overwrite(days([1, 'mon']))).rejects.toMatchObject({ code: 'APPEND_ONLY' })
})

test('of two overwrites at once one wins and the other hears of it; those of different partitions both land', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT, day VARCHAR', partitionBy: ['day'] })
  await table.append(days([1, 'mon'], [2, 'tue']))
  const other = await Table.open(store)
  const during = async function* (rows: readonly Row[], meanwhile: () => Promise<unknown>) {
    yield* rows
    await meanwhile()
  }
  await expect(table.overwrite(during(days([5, 'mon']), () => other.overwrite(days([6, 'mon']))))).rejects.toMatchObject({
    code: 'CONCURRENT_APPEND',
    data: { version: 2 },
  })
  expect(await rowsOf(table)).toEqual(days([6, 'mon']))
  const dynamic = { dynamic: true }
  await table.overwrite(
    during(days([7, 'mon']), () => other.overwrite(days([8, 'tue']), dynamic)),
    dynamic,
  )
  expect(await rowsOf(table)).toEqual(days([7, 'mon'], [8, 'tue']))
  await expect(
    table.overwrite(
      during(days([9, 'mon']), () => other.overwrite(days([10, 'mon']), dynamic)),
      dynamic,
    ),
  ).rejects.toMatchObject({
    code: 'CONCURRENT_APPEND',
  })
  // Rows that were deleted meanwhile would have gone too.
  await table.overwrite(
    during(days([11, 'wed']), () => other.delete({ where: 'id = 8' })),
    {},
  )
  expect(await rowsOf(table)).toEqual(days([11, 'wed']))
  const kept: string[] = []
  for await (const { key } of store.list('day=')) kept.push(key)
  let named = 0
  for await (const entry of table.history()) named += Number(entry.metrics.numFiles ?? 0)
  expect(kept).toHaveLength(named)
})
