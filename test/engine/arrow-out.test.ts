import type { RecordBatch } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'
import { batchToRows } from '../../src/schema/rows/rows.ts'

let connection: Connection

beforeAll(async () => {
  connection = await (await trustedEngine()).connect()
})

afterAll(() => connection.close())

async function collect(sql: string, batchRows = 65_536): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  for await (const batch of await connection.stream(sql, undefined, { batchRows })) batches.push(batch)
  return batches
}

const column = (batches: readonly RecordBatch[], index = 0) => batches.flatMap((batch) => [...batch.getChildAt(index)!])

describe('texts', () => {
  test('of every length around what lies inline and what a page holds', async () => {
    const lengths = [0, 1, 3, 4, 5, 11, 12, 13, 14, 63, 64, 65, 1023, 4095, 4096, 4097, 10_000, 300_000]
    const sql = `SELECT repeat(chr(97 + (i % 26)::INTEGER), ([${lengths.join(', ')}])[1 + i % ${lengths.length}]) AS s FROM range(400) t(i)`
    const texts = column(await collect(sql)) as string[]
    const expected = texts.map((_, i) => String.fromCharCode(97 + (i % 26)).repeat(lengths[i % lengths.length]!))
    expect(texts.map((text) => text.length)).toEqual(expected.map((text) => text.length))
    expect(texts.every((text, i) => text === expected[i])).toBe(true)
  })

  test('NULL and empty are told apart, and beyond ASCII nothing is lost', async () => {
    const [batch] = await collect(`SELECT CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN '' ELSE 'größer 🚀 ' || i END AS s,
      CASE WHEN i % 2 = 0 THEN '\\x00\\xFF\\x00'::BLOB || encode(repeat('x', i::INTEGER)) END AS b FROM range(50) t(i)`)
    expect([...batch!.getChildAt(0)!].slice(0, 6)).toEqual([null, '', 'größer 🚀 2', null, '', 'größer 🚀 5'])
    expect(batch!.getChildAt(0)!.nullCount).toBe(17)
    expect(batch!.getChildAt(1)!.get(40)).toEqual(new Uint8Array([0, 255, 0, ...Array(40).fill(120)]))
  })

  test('that lie anywhere: sorted, out of a dictionary, repeated, from lists and from inside structs', async () => {
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE texts AS SELECT i, 'a text of some length: ' || (hash(i) % 50) AS s FROM range(10000) t(i)`,
    )
    for (const sql of [
      'SELECT s, i FROM texts ORDER BY s, i',
      'SELECT max(s) OVER (ORDER BY i ROWS 10 PRECEDING) AS s, i FROM texts ORDER BY i',
      `SELECT a.s, a.i FROM texts a JOIN (SELECT DISTINCT s FROM texts) b ON a.s = b.s ORDER BY a.i`,
      `SELECT unnest([s, reverse(s), NULL, s]) AS s, i FROM texts`,
      `SELECT struct_extract(x, 'b') AS s, i FROM (SELECT {'a': 1, 'b': s} AS x, i FROM texts WHERE i % 3 = 1)`,
      `SELECT list_filter([s, upper(s), 'short'], lambda e: e LIKE '%1%') AS s, i FROM texts`,
      `SELECT [reverse(s) for s in list_sort([s, upper(s)])] AS s, i FROM texts WHERE i % 7 > 2`,
      `SELECT {'deep': [s, NULL], 'map': MAP {s: upper(s)}} AS s, i FROM texts`,
    ]) {
      const batches = await collect(`SELECT s, to_json(s)::VARCHAR AS json FROM (${sql})`, 3000)
      const json = column(batches, 1) as string[]
      const plain = (value: unknown) => JSON.stringify(value, (_, inner) => (inner === undefined ? null : inner))
      expect(json.length).toBeGreaterThan(3000)
      expect(column(batches).map(plain)).toEqual(json.map((text) => plain(JSON.parse(text ?? 'null'))))
    }
  })
})

describe('batches', () => {
  test('are of the size asked for, in order, and empty results have a schema alone', async () => {
    const batches = await collect('SELECT i, i % 2 = 0 AS even FROM range(150000) t(i)')
    expect(batches.map((batch) => batch.numRows)).toEqual([65_536, 65_536, 18_928])
    const numbers = column(batches) as bigint[]
    expect(numbers.every((value, index) => value === BigInt(index))).toBe(true)
    const empty = await connection.stream('SELECT 1 AS a, NULL AS b WHERE false')
    expect(String(empty.schema)).toBe('Schema<{ 0: a: Int32, 1: b: Int32 }>')
    for await (const _ of empty) expect.unreachable()
  })

  test('of wide rows hold fewer of them', async () => {
    const batches = await collect(`SELECT i, repeat('x', 100000) AS s FROM range(3000) t(i)`)
    expect(batches.length).toBeGreaterThan(3)
    expect(Math.max(...batches.map((batch) => batch.numRows))).toBeLessThan(1000)
    expect(column(batches)).toHaveLength(3000)
  })

  test('do not change when later ones are read', async () => {
    const batches = await collect(`SELECT 'a text that is not inline ' || i AS s, i FROM range(20000) t(i)`, 1000)
    expect(batches).toHaveLength(20)
    for (const [index, batch] of batches.entries())
      expect(batch.getChildAt(0)!.get(999)).toBe(`a text that is not inline ${index * 1000 + 999}`)
  })
})

describe('few rows', () => {
  const every = `SELECT * FROM (
      SELECT 1 AS n, true AS b, 1::TINYINT AS t, -2::SMALLINT AS s, 9007199254740993 AS l, 1.1::FLOAT AS f, '-0.0'::DOUBLE AS d, 'NaN'::DOUBLE AS nan,
        -1.20::DECIMAL(3, 2) AS dec3, 123456.789::DECIMAL(9, 3) AS dec9, -1.5::DECIMAL(18, 6) AS dec18, 1e20::DECIMAL(38, 4) AS dec38, 0::DECIMAL(4, 4) AS dec4,
        'größer 🚀' AS v, '\\xFF\\x00'::BLOB AS o, '1969-12-31'::DATE AS day, '1900-01-01 00:00:00.000001'::TIMESTAMP AS at,
        '2020-02-29 12:34:56.789999+00'::TIMESTAMPTZ AS tz, chr(65279) || 'x' AS mark, '' AS "__proto__", 5 AS "a b"
      UNION ALL BY NAME SELECT 2 AS n, 'infinity'::DATE AS day, 'infinity'::TIMESTAMP AS at, repeat('x', 5000) AS v, repeat('y', 13)::BLOB AS o
      UNION ALL BY NAME SELECT 3 AS n) ORDER BY n`

  test('are the rows of the batches', async () => {
    for (const sql of [
      every,
      `${every} LIMIT 0`,
      `SELECT i, i::VARCHAR AS t FROM range(2000) r(i)`,
      'SELECT 5 AS a, 6 AS b, 7 AS a, 8 AS "A"',
      `SELECT '12:00'::INTERVAL AS a`,
    ]) {
      const options = { small: true }
      const rows = []
      for await (const batch of await connection.stream(sql, undefined, options)) rows.push(...batchToRows(batch))
      const stream = await connection.stream(sql, undefined, options)
      const few = await stream.fewRows()
      expect(few).toStrictEqual(rows)
      expect(few!.map((row) => Object.entries(row))).toStrictEqual(rows.map((row) => Object.entries(row)))
      // The connection is free again, and the stream at its end.
      expect(await connection.all('SELECT 1 AS n')).toEqual([{ n: 1 }])
      for await (const _ of stream) expect.unreachable()
    }
  })

  test('are not given of results that are long, streamed, begun, or of types that Arrow writes otherwise', async () => {
    const not = async (sql: string, options: { small?: boolean }) => {
      const stream = await connection.stream(sql, undefined, options)
      expect(await stream.fewRows()).toBeUndefined()
      let rows = 0
      for await (const batch of stream) rows += batch.numRows
      return rows
    }
    expect(await not('FROM range(5000)', { small: true })).toBe(5000)
    expect(await not('SELECT 5 AS a', {})).toBe(1)
    for (const value of ['5::HUGEINT', '5::UTINYINT', "'12:00:00'::TIME", '[5]', "{'a': 5}"]) {
      expect(await not(`SELECT ${value} AS a`, { small: true })).toBe(1)
    }
  })
})

describe('a stream', () => {
  test('that fails in the middle says why, and never ends as if it were complete', async () => {
    const failing = `SELECT CASE WHEN i = 200000 THEN error('broken in the middle') ELSE i END AS i FROM range(300000) t(i) WHERE i >= $least`
    let rows = 0
    const read = async () => {
      for await (const batch of await connection.stream(failing, { least: 10 })) rows += batch.numRows
    }
    await expect(read()).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringContaining('broken in the middle') })
    expect(rows).toBeLessThan(200_000)
    expect(await connection.all('SELECT 1 AS a')).toEqual([{ a: 1 }])
  })

  test('has the connection to itself until it ends or is left', async () => {
    const stream = await connection.stream('SELECT i FROM range(10000000) t(i)')
    await expect(connection.all('SELECT 1')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    for await (const _ of stream) break
    expect(await connection.all('SELECT 1 AS a')).toEqual([{ a: 1 }])
    const unread = await connection.stream('SELECT i FROM range(10000000) t(i)')
    await unread.cancel()
    await unread.cancel()
    for await (const _ of unread) expect.unreachable()
    expect(await connection.all('SELECT 1 AS a')).toEqual([{ a: 1 }])
  })

  test('waits for its reader', async () => {
    await connection.run('CREATE OR REPLACE TEMP SEQUENCE pulled')
    const stream = await connection.stream(`SELECT nextval('pulled') AS n, repeat('x', 100) AS s FROM range(5000000)`, undefined, {
      batchRows: 2048,
    })
    const batches = stream[Symbol.asyncIterator]()
    await batches.next()
    await new Promise((resolve) => setTimeout(resolve, 200))
    await stream.cancel()
    const [row] = await connection.all(`SELECT nextval('pulled')::INTEGER AS n`)
    expect(Number(row!.n)).toBeLessThan(1_000_000)
  })

  test('of numbers runs ahead of its reader, and no further than a bound', async () => {
    await connection.run('CREATE OR REPLACE TEMP SEQUENCE pulled')
    const stream = await connection.stream(`SELECT nextval('pulled') AS n, i FROM range(20000000) t(i)`, undefined, { batchRows: 2048 })
    const batches = stream[Symbol.asyncIterator]()
    await batches.next()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await stream.cancel()
    const [row] = await connection.all(`SELECT nextval('pulled')::INTEGER AS n`)
    expect(Number(row!.n)).toBeGreaterThan(100_000)
    expect(Number(row!.n)).toBeLessThan(8_000_000)
  })
})

test('memory ends where it began', async () => {
  const sql = `SELECT i, 'a text that is not inline ' || i AS s, [i, i + 1] AS l FROM range(400000) t(i)`
  const read = async () => {
    let rows = 0
    for await (const batch of await connection.stream(sql)) rows += batch.numRows
    return rows
  }
  for (let round = 0; round < 3; round++) await read()
  const before = process.memoryUsage().rss
  for (let round = 0; round < 8; round++) expect(await read()).toBe(400_000)
  // Eight rounds give some 500 MB of batches.
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20)
})
