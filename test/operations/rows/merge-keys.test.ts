import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'

const counts = async (schema: string, rows: string, source: string): Promise<unknown> => {
  const table = await Table.create(memoryStore(), { schema })
  await table.append({ query: rows })
  const clauses = { whenMatched: [{ update: { b: 'source.b' } }], whenNotMatched: [{ insert: { b: 'source.b' } }] }
  const { metrics } = await table.merge({ query: source }, { on: 'target.a = source.a', ...clauses })
  return [metrics.numTargetRowsUpdated, metrics.numTargetRowsInserted]
}

// More values than are listed one by one, and few.
test.each([1000, 10])('keys of another type find their partners, %i of them', async (many) => {
  const from = `FROM range(5, ${many + 5})`
  const found = [many - 5, 5]
  expect(
    await counts('a BIGINT, b BIGINT', `SELECT range AS a, 0 AS b FROM range(${many})`, `SELECT range::VARCHAR AS a, 1 AS b ${from}`),
  ).toEqual(found)
  expect(
    await counts('a VARCHAR, b BIGINT', `SELECT '0' || range AS a, 0 AS b FROM range(${many})`, `SELECT range AS a, 1 AS b ${from}`),
  ).toEqual(found)
  const day = "DATE '2020-01-01' + range::INTEGER"
  expect(
    await counts(
      'a DATE, b BIGINT',
      `SELECT ${day} AS a, 0 AS b FROM range(${many})`,
      `SELECT strftime(${day}, '%Y-%-m-%-d') AS a, 1 AS b ${from}`,
    ),
  ).toEqual(found)
  expect(
    await counts(
      'a BIGINT, b BIGINT',
      `SELECT range AS a, 0 AS b FROM range(${many})`,
      `SELECT (range / 2)::DECIMAL(9, 1) AS a, 1 AS b FROM range(${many})`,
    ),
  ).toEqual([many / 2, many / 2])
})

test('keys with a NUL, a quote, nothing in them, and NULL', async () => {
  const table = await Table.create(memoryStore(), { schema: 'a VARCHAR, b BIGINT' })
  const keys = ['x\0y', 'q\'"', '', null]
  await table.append(keys.map((a, b) => ({ a, b })))
  const { metrics } = await table.upsert(
    keys.map((a, b) => ({ a, b: b + 10 })),
    { key: 'a' },
  )
  expect(metrics).toMatchObject({ numTargetRowsUpdated: 3, numTargetRowsInserted: 1 })
  const rows = await (await table.latest()).query('SELECT b FROM t ORDER BY ALL', { name: 't' }).toArray()
  expect(rows.map(({ b }) => Number(b))).toEqual([3, 10, 11, 12, 13])
})

test('a partition value with a NUL is read, replaced and told like any other', async () => {
  const properties = { 'delta.enableChangeDataFeed': 'true' }
  const table = await Table.create(memoryStore(), { schema: 'a BIGINT, p VARCHAR', partitionBy: ['p'], properties })
  await table.append([
    { a: 1, p: 'x\0y' },
    { a: 2, p: 'x' },
  ])
  await table.overwrite([{ a: 3, p: 'x\0y' }], { dynamic: true })
  const rows = await (await table.latest()).query('SELECT * FROM t ORDER BY a', { name: 't' }).toArray()
  expect(rows).toEqual([
    { a: 2n, p: 'x' },
    { a: 3n, p: 'x\0y' },
  ])
  const told = await table.changes({ from: 2 }).toArray()
  expect(told.map(({ a, p }) => `${a} ${p}`).sort()).toEqual(['1 x\0y', '3 x\0y'])
})
