import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, type Engine, throwAwayEngine, trustedEngine } from '../../src/engine/index.ts'

let engine: Engine
let connection: Connection
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-connection-'))
  engine = await trustedEngine()
  connection = await engine.connect()
})

afterAll(async () => {
  await connection.close()
  await rm(folder, { recursive: true, force: true })
})

describe('rows as objects', () => {
  test('have the values of the library', async () => {
    const [row] =
      await connection.all(`SELECT true AS boolean, (-128)::TINYINT AS byte, (-32768)::SMALLINT AS short, (-2147483648)::INTEGER AS integer,
      9007199254740993 AS long, 255::UTINYINT AS u8, 18446744073709551615::UBIGINT AS u64, 170141183460469231731687303715884105727::HUGEINT AS huge,
      1.5::FLOAT AS float, '-0'::DOUBLE AS zero, 'nan'::DOUBLE AS nan, '-inf'::DOUBLE AS infinite,
      12.30::DECIMAL(4,2) AS d2, (-0.05)::DECIMAL(9,2) AS d4, 123456789012.345::DECIMAL(18,3) AS d8, (-99999999999999999999999999999999999999)::DECIMAL(38,0) AS d16,
      'Grüße, 世界 🚀 beyond twelve' AS string, '' AS empty, 'a\\x00b'::BLOB AS binary,
      DATE '1969-12-31' AS date, TIMESTAMPTZ '1969-12-31 23:59:59.999999Z' AS instant, TIMESTAMP '2026-01-01 00:00:00.001' AS local,
      TIMESTAMP_S '2026-01-01 00:00:00' AS s, TIMESTAMP_MS '2026-01-01 00:00:00.5' AS ms, TIMESTAMP_NS '1969-12-31 23:59:59.999999999' AS ns,
      [1, NULL, 3] AS list, [[1], []] AS lists, MAP {'k': 1, '__proto__': 2} AS map, {'a': 1, '__proto__': NULL} AS struct,
      [1, 2]::INTEGER[2] AS "array", NULL AS nothing, '5b2b3b4b-0000-4000-8000-000000000001'::UUID AS uuid, 'b'::ENUM('a', 'b') AS enum,
      INTERVAL '1 day 2 hours' AS interval, '101'::BIT AS bit, TIME '12:34:56.000001'::VARCHAR AS time, union_value(n := 1) AS "union", '{"a":1}'::JSON AS json`)
    const struct = Object.defineProperty({ a: 1 }, '__proto__', { value: null, enumerable: true, configurable: true, writable: true })
    expect(row).toEqual({
      boolean: true,
      byte: -128,
      short: -32768,
      integer: -2147483648,
      long: 9007199254740993n,
      u8: 255,
      u64: 18446744073709551615n,
      huge: 170141183460469231731687303715884105727n,
      float: 1.5,
      zero: -0,
      nan: Number.NaN,
      infinite: Number.NEGATIVE_INFINITY,
      d2: '12.30',
      d4: '-0.05',
      d8: '123456789012.345',
      d16: '-99999999999999999999999999999999999999',
      string: 'Grüße, 世界 🚀 beyond twelve',
      empty: '',
      binary: new Uint8Array([97, 0, 98]),
      date: new Date('1969-12-31'),
      instant: new Date('1969-12-31T23:59:59.999Z'),
      local: new Date('2026-01-01T00:00:00.001Z'),
      s: new Date('2026-01-01'),
      ms: new Date('2026-01-01T00:00:00.500Z'),
      ns: new Date('1969-12-31T23:59:59.999Z'),
      list: [1, null, 3],
      lists: [[1], []],
      map: new Map([
        ['k', 1],
        ['__proto__', 2],
      ]),
      struct,
      array: [1, 2],
      nothing: null,
      uuid: '5b2b3b4b-0000-4000-8000-000000000001',
      enum: 'b',
      interval: '1 day 02:00:00',
      bit: '101',
      time: '12:34:56.000001',
      union: '1',
      json: '{"a":1}',
    })
  })

  test('come in order over many chunks, and not at all from an empty result', async () => {
    const rows = await connection.all(`SELECT i, 'row number ' || i AS name FROM range(5000) t(i)`)
    expect(rows).toHaveLength(5000)
    expect(rows[4999]).toEqual({ i: 4999n, name: 'row number 4999' })
    expect(rows.every((row, index) => row.i === BigInt(index))).toBe(true)
    expect(await connection.all('SELECT 1 AS a WHERE false')).toEqual([])
  })

  test('run gives the number of rows changed, and takes several statements', async () => {
    expect(await connection.run('CREATE TEMP TABLE changed (i INTEGER); INSERT INTO changed FROM range(7)')).toBe(7)
    expect(await connection.run('DELETE FROM changed WHERE i > $least', { least: 4 })).toBe(2)
  })
})

describe('parameters', () => {
  test('are bound by place and by name, never spliced', async () => {
    const nasty = `x'); DROP TABLE t; --\0"`
    expect(await connection.all('SELECT $1 AS a, ? AS b'.replace('?', '$2'), [nasty, 2])).toEqual([{ a: nasty, b: 2 }])
    const at = new Date('1969-07-20T20:17:40.123Z')
    const bytes = new Uint8Array([0, 255])
    const values = { t: nasty, n: null, i: 1, l: 2 ** 40, d: 1.5, z: -0, b: 2n ** 63n - 1n, h: -(2n ** 100n), at, bytes, yes: true }
    const names = Object.keys(values)
    const select = names.map((name) => `$${name} AS "${name}"`).join(', ')
    expect(await connection.all(`SELECT ${select}`, values)).toEqual([{ ...values, l: 2n ** 40n }])
    const [types] = await connection.all(
      'SELECT typeof($at) AS at, typeof($z) AS z, typeof($l) AS l, typeof($h) AS h, typeof($bytes) AS bytes',
      {
        at,
        z: -0,
        l: 2 ** 40,
        h: -(2n ** 100n),
        bytes,
      },
    )
    expect(types).toEqual({ at: 'TIMESTAMP WITH TIME ZONE', z: 'DOUBLE', l: 'BIGINT', h: 'HUGEINT', bytes: 'BLOB' })
  })

  test('may be lists of one type', async () => {
    const [row] = await connection.all('SELECT $1 AS mixed, $2 AS nested, $3 AS none, list_contains($4, $5) AS found', [
      [1, null, 2.5],
      [['a'], []],
      [],
      ['x', 'y'],
      'y',
    ])
    expect(row).toEqual({ mixed: [1, null, 2.5], nested: [['a'], []], none: [], found: true })
    await expect(connection.all('SELECT $1', [[1, 'a']])).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  })

  test.each([
    ['more values than places', 'SELECT $1', [1, 2]],
    ['a name that is not there', 'SELECT $a', { a: 1, b: 2 }],
    ['a value missing', 'SELECT $a, $b', { a: 1 }],
  ])('refuses %s', async (_, sql, values) => {
    await expect(connection.all(sql, values)).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })

  test.each([[new Date(Number.NaN)], ['\ud800'], [2n ** 130n]])('refuses the value %s', async (value) => {
    await expect(connection.all('SELECT $1', [value])).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  })
})

test('describe maps types as Delta has them', async () => {
  const types = {
    BOOLEAN: 'boolean',
    TINYINT: 'byte',
    UTINYINT: 'short',
    SMALLINT: 'short',
    USMALLINT: 'integer',
    INTEGER: 'integer',
    UINTEGER: 'long',
    BIGINT: 'long',
    UBIGINT: 'decimal(20,0)',
    HUGEINT: 'decimal(38,0)',
    'DECIMAL(12,3)': 'decimal(12,3)',
    FLOAT: 'float',
    DOUBLE: 'double',
    VARCHAR: 'string',
    JSON: 'string',
    UUID: 'string',
    "ENUM('a')": 'string',
    BLOB: 'binary',
    DATE: 'date',
    TIMESTAMP: 'timestamp_ntz',
    TIMESTAMP_S: 'timestamp_ntz',
    TIMESTAMP_MS: 'timestamp_ntz',
    TIMESTAMP_NS: 'timestamp_ntz',
    TIMESTAMPTZ: 'timestamp',
    VARIANT: 'variant',
    TIME: { unsupported: 'TIME' },
    TIMETZ: { unsupported: 'TIME WITH TIME ZONE' },
    INTERVAL: { unsupported: 'INTERVAL' },
    BIT: { unsupported: 'BIT' },
    'UNION(a INTEGER)': { unsupported: 'UNION("a" INTEGER)' },
    'INTEGER[]': { type: 'array', elementType: 'integer', containsNull: true },
    'INTEGER[3]': { type: 'array', elementType: 'integer', containsNull: true },
    'MAP(VARCHAR, UTINYINT)': { type: 'map', keyType: 'string', valueType: 'short', valueContainsNull: true },
    'STRUCT(a TIME)': { unsupported: 'TIME' },
    'STRUCT(a UUID)': { type: 'struct', fields: [{ name: 'a', type: 'string', nullable: true, metadata: {} }] },
  }
  const names = Object.keys(types)
  const columns = await connection.describe(`SELECT ${names.map((name) => `NULL::${name}`).join(', ')}`)
  expect(Object.fromEntries(columns.map((column, index) => [names[index], column.type]))).toEqual(types)
  // What is described can be cast to.
  for (const { sqlType } of columns) await connection.run(`SELECT NULL::${sqlType}`)
  expect(await connection.describe('SELECT $1 AS a, NULL AS b', [1.5])).toEqual([
    { name: 'a', type: 'double', sqlType: 'DOUBLE' },
    { name: 'b', type: 'integer', sqlType: 'INTEGER' },
  ])
})

describe('failures', () => {
  test.each([
    ['SELEC 1', 'QueryError', 'SQL_ERROR', { line: 1, column: 1 }],
    ['SELECT 1\nFROM nowhere', 'QueryError', 'SQL_ERROR', { line: 2, column: 6 }],
    ['SELECT 300::TINYINT', 'ValueError', 'VALUE_OUT_OF_RANGE', { line: 1, column: 11 }],
    ['SELECT 9223372036854775807 + 1', 'ValueError', 'VALUE_OUT_OF_RANGE', {}],
    ["SELECT 'abc'::DATE", 'ValueError', 'VALUE_OUT_OF_RANGE', { line: 1, column: 13 }],
    ['SELECT uuid(),\n 300::TINYINT', 'ValueError', 'VALUE_OUT_OF_RANGE', { line: 2, column: 5 }],
    ["SELECT error('mine')", 'QueryError', 'SQL_ERROR', {}],
    ['SELECT 1\0', 'QueryError', 'SQL_ERROR', {}],
    ['', 'QueryError', 'SQL_ERROR', {}],
  ])('%j is a %s', async (sql, name, code, data) => {
    const failure = await connection.all(sql).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name, code, data })
    expect((failure as Error).message).not.toMatch(/LINE|\^|\n/)
  })

  test('name the data file that is missing, cut short or no Parquet file', async () => {
    const path = join(folder, 'part.parquet')
    await connection.run(`COPY (SELECT i, hash(i) AS h FROM range(100000) t(i)) TO '${path}'`)
    const cut = join(folder, 'cut.parquet')
    await writeFile(cut, await readFile(path))
    await truncate(cut, 1000)
    const foreign = join(folder, 'foreign.parquet')
    await writeFile(foreign, 'this is no Parquet file at all')
    for (const [file, code] of [
      [join(folder, 'gone.parquet'), 'DATA_FILE_MISSING'],
      [cut, 'DATA_FILE_CORRUPT'],
      [foreign, 'DATA_FILE_CORRUPT'],
    ] as const) {
      const reading = connection.all(`SELECT sum(h) FROM read_parquet(['${path}', '${file}'])`)
      await expect(reading).rejects.toMatchObject({ name: 'DataFileError', code, data: { path: file } })
    }
  })

  test('leave the connection usable', async () => {
    await connection.run('SELECT nothing').catch(() => undefined)
    expect(await connection.all('SELECT 1 AS a')).toEqual([{ a: 1 }])
  })

  test('readOnly refuses whatever is no query', async () => {
    for (const sql of [
      'CREATE TABLE r (i INTEGER)',
      'DROP VIEW x',
      "COPY (SELECT 1) TO '/dev/null'",
      'SET threads = 1',
      'BEGIN',
      "ATTACH ':memory:' AS other",
    ]) {
      await expect(connection.run(sql, undefined, { readOnly: true })).rejects.toMatchObject({ name: 'QueryError' })
    }
    await expect(connection.all('SELECT 1; DROP TABLE x', undefined, { readOnly: true })).rejects.toMatchObject({ code: 'SQL_ERROR' })
    expect(await connection.all('WITH x AS (SELECT 1 AS a) FROM x', undefined, { readOnly: true })).toEqual([{ a: 1 }])
  })
})

describe('aborting', () => {
  const endless = 'SELECT count(*) AS c FROM range(1000000000) a, range(1000000) b'

  test('ends a running query, before it and in the middle', async () => {
    await expect(connection.all('SELECT 1', undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    for (const delay of [0, 1, 50]) {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('enough')), delay)
      await expect(connection.all(endless, undefined, { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    }
    expect(await connection.all('SELECT 1 AS a')).toEqual([{ a: 1 }])
  })

  test('ends a stream', async () => {
    const controller = new AbortController()
    const stream = await connection.stream('SELECT i FROM range(1000000000) t(i)', undefined, { signal: controller.signal })
    const read = async () => {
      for await (const _ of stream) controller.abort()
    }
    await expect(read()).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await connection.all('SELECT 1 AS a')).toEqual([{ a: 1 }])
  })

  test('calls wait their turn, and a closed connection says so', async () => {
    const one = await (await throwAwayEngine()).connect()
    const results = await Promise.all([1, 2, 3].map((value) => one.all('SELECT $1 AS v', [value])))
    expect(results.flat()).toEqual([{ v: 1 }, { v: 2 }, { v: 3 }])
    await one.close()
    await expect(one.all('SELECT 1')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
