/** Queries over tables at points of their history, and what comes of them. */
import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSession, type QueryTarget, type Session, scan } from '../../src/query/index.ts'
import { memoryStore } from '../../src/storage/index.ts'
import { codeOf, makeTarget, rowsOf, schemaOf, tableFolder, tableOf } from './tools.ts'

let folder: Awaited<ReturnType<typeof tableFolder>>
let session: Session
let versions: QueryTarget[]

beforeAll(async () => {
  folder = await tableFolder()
  const schema = schemaOf({ id: 'long', name: 'string', amount: 'double', day: 'date' })
  const root = join(folder.path, 'events')
  const load = (from: number, day: string | null) => ({
    sql: `SELECT ${from} + i AS id, 'n' || (${from} + i) AS name, i * 1.5::DOUBLE AS amount FROM range(10) r(i)`,
    partition: { day },
  })
  const partitionColumns = ['day']
  versions = [
    await makeTarget(root, schema, [load(0, '2026-01-01')], { version: 0, partitionColumns }),
    await makeTarget(root, schema, [load(0, '2026-01-01'), load(10, '2026-01-02')], { version: 1, partitionColumns }),
    await makeTarget(root, schema, [load(0, '2026-01-01'), load(10, '2026-01-02'), load(20, null)], { version: 2, partitionColumns }),
  ]
  const users = await makeTarget(
    join(folder.path, 'users'),
    schemaOf({ id: 'long', city: 'string', at: 'string', ['__proto__']: 'integer' }),
    [
      {
        sql: `SELECT * FROM (VALUES (1, 'Bern', 'a', 1), (2, NULL, 'b', 2), (25, 'Wien', 'c', 3), (99, 'Graz', 'd', 4)) v(id, city, "at", "__proto__")`,
      },
    ],
  )
  session = openSession([tableOf('events', ...versions), tableOf('Users', users)])
})
afterAll(async () => {
  await session.close()
  await folder.remove()
})

describe('points of history', () => {
  const counts: [string, bigint][] = [
    ['SELECT count(*) AS n FROM events', 30n],
    ['SELECT count(*) AS n FROM events AT (VERSION => 0)', 10n],
    ['SELECT count(*) AS n FROM events e AT (VERSION => 1)', 20n],
    ["SELECT count(*) AS n FROM events AT (VERSION => 'v1.0')", 20n],
    ["SELECT count(*) AS n FROM events AT (TIMESTAMP => '2026-01-02T00:00:00Z')", 20n],
    ["SELECT count(*) AS n FROM events AT (TIMESTAMP => TIMESTAMPTZ '2026-01-01 12:00:00+00')", 10n],
    ["SELECT count(*) AS n FROM events AT (TIMESTAMP => DATE '2026-01-02')", 20n],
    ["SELECT count(*) AS n FROM events AT (TIMESTAMP => TIMESTAMPTZ '2026-01-04 00:00:00Z' - INTERVAL 2 DAY)", 20n],
    ['SELECT count(*) AS n FROM events AT (VERSION => 3 - 2)', 20n],
    ['SELECT count(*) AS n FROM "events@0"', 10n],
    ['SELECT count(*) AS n FROM "events@v1.0"', 20n],
    ['SELECT count(*) AS n FROM "events@2026-01-02T00:00:00Z"', 20n],
    ['SELECT count(*) AS n FROM EVENTS', 30n],
    ['SELECT count(*) AS n FROM events e, events f AT (VERSION => 0) WHERE e.id = f.id', 10n],
    ['SELECT count(*) AS n FROM events LEFT JOIN "events@0" old USING (id) WHERE old.name IS NULL', 20n],
    ['SELECT count(*) AS n FROM (SELECT * FROM events AT (VERSION => 1)) WHERE id >= 10', 10n],
    ['WITH old AS (SELECT * FROM events AT (VERSION => 0)) SELECT count(*) AS n FROM old, old b', 100n],
    ['SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM events AT (VERSION => 0)) AS n', 20n],
    ['SELECT count(*) AS n FROM events WHERE id IN (SELECT id FROM events AT (VERSION => 1) WHERE id > 5)', 14n],
    ['SELECT count(*) AS n FROM (FROM events EXCEPT FROM events AT (VERSION => 1))', 10n],
    ['WITH events AS (SELECT 1 AS id) SELECT count(*) AS n FROM events', 1n],
    ['WITH events AS (SELECT * FROM events AT (VERSION => 0)) SELECT count(*) AS n FROM events', 10n],
    ['WITH a AS (SELECT * FROM events), events AS (SELECT 1) SELECT count(*) AS n FROM a', 30n],
    ['SELECT count(*) AS n FROM (WITH events AS (SELECT 1) SELECT * FROM events), events', 30n],
    [
      'WITH RECURSIVE r AS (SELECT min(id) AS id FROM events UNION ALL SELECT r.id + 1 FROM r JOIN events e ON e.id = r.id + 1) SELECT count(*) AS n FROM r',
      30n,
    ],
  ]
  test.each(counts)('%s', async (sql, n) => {
    expect(await rowsOf(session, sql)).toEqual([{ n }])
  })

  test('as parameters', async () => {
    expect(
      await rowsOf(session, 'SELECT count(*) AS n FROM events AT (VERSION => $v) WHERE id >= $from', { params: { v: 1, from: 15 } }),
    ).toEqual([{ n: 5n }])
    expect(await rowsOf(session, 'SELECT count(*) AS n FROM events AT (VERSION => ?) WHERE id >= ?', { params: [1, 15n] })).toEqual([
      { n: 5n },
    ])
    const params = { t: new Date('2026-01-01T08:00:00Z') }
    expect(await rowsOf(session, 'SELECT count(*) AS n FROM events AT (TIMESTAMP => $t)', { params })).toEqual([{ n: 10n }])
  })

  test('that are none', async () => {
    expect(await codeOf(session, "SELECT 1 FROM events AT (TIMESTAMP => '2026-01-02 00:00:00')")).toBe('INVALID_TIMESTAMP')
    expect(await codeOf(session, "SELECT 1 FROM events AT (TIMESTAMP => TIMESTAMP '2026-01-02 00:00:00')")).toBe('INVALID_TIMESTAMP')
    expect(await codeOf(session, "SELECT 1 FROM events AT (TIMESTAMP => 'yesterday')")).toBe('INVALID_TIMESTAMP')
    expect(await codeOf(session, 'SELECT 1 FROM events AT (VERSION => -1)')).toBe('INVALID_REFERENCE')
    expect(await codeOf(session, 'SELECT 1 FROM events AT (VERSION => NULL)')).toBe('INVALID_REFERENCE')
    expect(await codeOf(session, 'SELECT 1 FROM events AT (VERSION => 1.5)')).toBe('INVALID_REFERENCE')
    expect(await codeOf(session, 'SELECT 1 FROM events AT (VERSION => id)')).toBe('SQL_REFUSED')
    expect(await codeOf(session, 'SELECT 1 FROM "events@0" AT (VERSION => 1)')).toBe('SQL_REFUSED')
    expect(await codeOf(session, 'WITH c AS (SELECT 1) SELECT * FROM c AT (VERSION => 1)')).toBe('SQL_REFUSED')
    expect(await codeOf(session, 'SELECT 1 FROM "nope@3"')).toBe('SQL_UNKNOWN_TABLE')
  })
})

describe('rows', () => {
  test('names and aliases stay as they were written', async () => {
    expect(await rowsOf(session, 'SELECT events.id, e2.name FROM events JOIN events e2 USING (id) WHERE events.id = 3')).toEqual([
      { id: 3n, name: 'n3' },
    ])
    expect(await rowsOf(session, 'SELECT "events@0".id FROM "events@0" WHERE "events@0".id = 3')).toEqual([{ id: 3n }])
    expect(await rowsOf(session, 'SELECT u.city, u."at", u."__proto__" AS p FROM users u WHERE "at" = \'b\'')).toEqual([
      { city: null, at: 'b', p: 2 },
    ])
    expect(await rowsOf(session, 'SELECT events FROM "events@0" AS events WHERE id = 1')).toEqual([
      { events: { id: 1n, name: 'n1', amount: 1.5, day: new Date('2026-01-01') } },
    ])
    expect(await rowsOf(session, 'SELECT e.b FROM events e(a, b, c, d) WHERE a = 7')).toEqual([{ b: 'n7' }])
    expect(Object.keys((await rowsOf(session, 'SELECT * FROM users WHERE id = 1'))[0]!)).toEqual(['id', 'city', 'at', '__proto__'])
  })

  test('conditions never thin out a side that must be kept', async () => {
    const n = async (sql: string) => (await rowsOf(session, sql))[0]!.n
    expect(await n('SELECT count(*) AS n FROM users u LEFT JOIN events e ON e.id = u.id AND e.id > 5')).toBe(4n)
    expect(await n('SELECT count(*) AS n FROM users u LEFT JOIN events e ON e.id = u.id WHERE e.id IS NULL')).toBe(1n)
    expect(await n('SELECT count(*) AS n FROM users u LEFT JOIN events e ON e.id = u.id WHERE e.id > 20 OR e.id IS NULL')).toBe(2n)
    expect(await n('SELECT count(*) AS n FROM users u FULL JOIN events e ON e.id = u.id WHERE u.id IS NULL')).toBe(27n)
    expect(await n('SELECT count(*) AS n FROM events e RIGHT JOIN users u ON e.id = u.id AND u.id > 50')).toBe(4n)
    expect(await n('SELECT count(*) AS n FROM users u ANTI JOIN events e ON e.id = u.id AND e.id > 20')).toBe(3n)
    expect(await n('SELECT count(*) AS n FROM users u SEMI JOIN events e ON e.id = u.id AND e.id > 20')).toBe(1n)
    expect(await n('SELECT count(*) AS n FROM users u WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = u.id AND e.id < 20)')).toBe(2n)
    expect(await n('SELECT count(*) AS n FROM users u POSITIONAL JOIN events e WHERE u.id > 20')).toBe(2n)
    expect(await n("SELECT count(*) AS n FROM events WHERE day IS NULL OR day = '2026-01-02'")).toBe(20n)
    expect(await n("SELECT count(*) AS n FROM events WHERE NOT (day = '2026-01-02')")).toBe(10n)
  })

  test('an alias of the SELECT list is no column of the table', async () => {
    expect(await rowsOf(session, 'SELECT id + 100 AS big FROM events WHERE big = 129')).toEqual([{ big: 129n }])
    expect(await rowsOf(session, 'SELECT -id AS id FROM events WHERE id = 29')).toEqual([{ id: -29n }])
  })

  test('what DuckDB can say of a query', async () => {
    expect((await rowsOf(session, 'DESCRIBE events')).map((row) => [row.column_name, row.column_type])).toEqual([
      ['id', 'BIGINT'],
      ['name', 'VARCHAR'],
      ['amount', 'DOUBLE'],
      ['day', 'DATE'],
    ])
    expect(await rowsOf(session, 'SELECT column_name, count FROM (SUMMARIZE SELECT id, amount FROM events) ORDER BY 1')).toEqual([
      { column_name: 'amount', count: 30n },
      { column_name: 'id', count: 30n },
    ])
    expect(String((await rowsOf(session, 'explain analyze SELECT sum(id) FROM events'))[0]!.explain_value)).toMatch(/Total Time/)
    expect(
      await rowsOf(session, "FROM (PIVOT events ON day IN ('2026-01-01', '2026-01-02') USING count(*) GROUP BY name) SELECT count(*) AS n"),
    ).toEqual([{ n: 30n }])
    expect(await rowsOf(session, "SELECT COLUMNS(c -> c LIKE 'i%') FROM events WHERE id = 1")).toEqual([{ id: 1n }])
    expect(
      await rowsOf(session, 'SELECT 9007199254740993 AS a, 1e18 AS b, 0.5::FLOAT AS c, 170141183460469231731687303715884105727 AS d'),
    ).toEqual([{ a: 9007199254740993n, b: 1e18, c: 0.5, d: '170141183460469231731687303715884105727' }])
  })

  test('parameters keep their types, and each must have a place', async () => {
    const params = { a: 9007199254740993n, b: 'x', c: null, d: new Date(0), e: [1, 2], f: 1.5, g: true }
    expect(await rowsOf(session, 'SELECT $a AS a, $b AS b, $c AS c, $d AS d, $e AS e, $f AS f, $g AS g, $a + 1 AS h', { params })).toEqual([
      { ...params, h: 9007199254740994n },
    ])
    expect(await codeOf(session, 'SELECT $a, $b', { params: { a: 1 } })).toBe('SQL_ERROR')
    expect(await codeOf(session, 'SELECT $a', { params: { a: 1, b: 2 } })).toBe('SQL_ERROR')
    expect(await codeOf(session, 'SELECT ?', { params: [1, 2] })).toBe('SQL_ERROR')
    const evil = "x'); DROP TABLE t; --"
    expect(await rowsOf(session, 'SELECT count(*) AS n FROM events WHERE name = $name', { params: { name: evil } })).toEqual([{ n: 0n }])
  })

  test('an error names the columns that are there', async () => {
    await expect(session.query('SELECT amuont FROM events').toArray()).rejects.toThrow(/amount/)
    await expect(session.query('SELEC 1').toArray()).rejects.toMatchObject({ code: 'SQL_ERROR', data: { line: 1 } })
    await expect(session.query('EXPLAIN SELECT 1 +\n FROM').toArray()).rejects.toMatchObject({ code: 'SQL_ERROR', data: { line: 2 } })
    expect(await codeOf(session, '')).toBe('SQL_ERROR')
    expect(await codeOf(session, 'SELECT 1\0')).toBe('SQL_ERROR')
  })
})

describe('scan', () => {
  test('columns, a condition and a limit', async () => {
    expect(
      await scan(versions[2]!, { columns: ['NAME', 'id'], where: 'id >= $from AND day IS NULL', params: { from: 28 } }).toArray(),
    ).toEqual([
      { name: 'n28', id: 28n },
      { name: 'n29', id: 29n },
    ])
    expect(await scan(versions[2]!, { limit: 4 }).toArray()).toHaveLength(4)
    expect(await scan(versions[2]!, { limit: 0 }).toArray()).toEqual([])
    await expect(scan(versions[2]!, { columns: ['nope'] }).toArray()).rejects.toMatchObject({ code: 'UNKNOWN_COLUMN' })
  })

  test.each([
    '1) OR (1=1',
    'true) UNION SELECT * FROM t WHERE (true',
    'true], [true',
    'true] AS x, [true',
    'true] FROM t WHERE [true',
    'true; SELECT 1',
    'true -- ]',
    '/* ',
    'true, false',
    '',
    'x for x in [true]',
    'true]; DROP TABLE t; SELECT [true',
  ])('takes one condition, not %s', async (where) => {
    const outcome = await scan(versions[0]!, { where })
      .toArray()
      .then(
        (rows) => rows.length,
        (error: { code: string }) => error.code,
      )
    // A comment that ends with the line is harmless.
    expect(outcome).toBe(where === 'true -- ]' ? 10 : 'SQL_ERROR')
  })

  test('refuses what a query may not do either', async () => {
    await expect(scan(versions[0]!, { where: "getenv('HOME') = 'x'" }).toArray()).rejects.toMatchObject({ code: 'SQL_REFUSED' })
    await expect(scan(versions[0]!, { where: "id IN (SELECT size FROM read_text('/etc/passwd'))" }).toArray()).rejects.toMatchObject({
      code: 'SQL_REFUSED',
    })
  })
})

describe('results', () => {
  test('as Arrow, as objects, one by one, once', async () => {
    const table = await session.query('SELECT id FROM events ORDER BY id').toArrow()
    expect([table.numRows, table.schema.fields.map(String)]).toEqual([30, ['id: Int64']])
    const empty = await session.query('SELECT id, name FROM events WHERE id < 0').toArrow()
    expect([empty.numRows, empty.schema.fields.map(String)]).toEqual([0, ['id: Int64', 'name: Utf8']])
    const result = session.query('SELECT id FROM events ORDER BY id')
    expect((await result.schema()).fields.map(String)).toEqual(['id: Int64'])
    const ids: unknown[] = []
    for await (const row of result.rows()) ids.push(row.id)
    expect(ids).toHaveLength(30)
    await expect(result.toArray()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('stop when the reader stops, is aborted, or cancels', async () => {
    const endless = 'SELECT i FROM events, range(100000000) r(i)'
    for await (const batch of session.query(endless)) {
      expect(batch.numRows).toBeGreaterThan(0)
      break
    }
    const controller = new AbortController()
    const aborted = session
      .query('SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)', { signal: controller.signal })
      .toArray()
    setTimeout(() => controller.abort(), 50)
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(session.query('SELECT 1', { signal: AbortSignal.abort() }).toArray()).rejects.toMatchObject({ code: 'ABORTED' })
    const cancelled = session.query(endless)
    await cancelled.schema()
    await cancelled.cancel()
    await expect(cancelled.toArray()).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await rowsOf(session, 'SELECT count(*) AS n FROM events')).toEqual([{ n: 30n }])
  })

  test('into a file, whole or not at all', async () => {
    const path = join(folder.path, 'out.parquet')
    const sql = 'SELECT id, name FROM events WHERE id >= $from ORDER BY id'
    expect(await session.query(sql, { params: { from: 25 } }).writeTo(path, { format: 'parquet' })).toEqual({ rows: 5 })
    const back = openSession([], { allowExternal: true })
    expect(await rowsOf(back, 'SELECT count(*) AS n, max(id) AS top FROM read_parquet($path)', { params: { path } })).toEqual([
      { n: 5n, top: 29n },
    ])
    const arrow = join(folder.path, 'out.arrow')
    expect(await session.query(sql, { params: { from: 25 } }).writeTo(arrow, { format: 'arrow' })).toEqual({ rows: 5 })
    expect(tableFromIPC(readFileSync(arrow)).numRows).toBe(5)
    const failing = join(folder.path, 'failing.parquet')
    const bad = "SELECT CASE WHEN id = 29 THEN error('stop') ELSE name END AS x FROM events"
    await expect(session.query(bad).writeTo(failing, { format: 'parquet' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
    await expect(session.query(bad).writeTo(failing, { format: 'arrow' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
    expect(existsSync(failing)).toBe(false)
    await expect(session.query("COPY (SELECT 1) TO 'x'").writeTo(failing, { format: 'parquet' })).rejects.toMatchObject({
      code: 'SQL_NOT_READ_ONLY',
    })
  })

  test('the number of rows comes from the log where it is known', async () => {
    const known = { ...versions[2]!, rowCount: async () => 12_345, files: () => Promise.reject(new Error('not needed')) }
    const counting = openSession([tableOf('t', known)])
    expect(await rowsOf(counting, 'SELECT count(*) FROM t')).toEqual([{ 'count_star()': 12_345n }])
    expect(await rowsOf(counting, 'SELECT count(*) AS "a""b" FROM t')).toEqual([{ 'a"b': 12_345n }])
    await expect(counting.query('SELECT count(*) FROM t WHERE id > 1').toArray()).rejects.toThrow('not needed')
  })
})

describe('files', () => {
  test('that are missing or cut short are named', async () => {
    const schema = schemaOf({ id: 'long' })
    const files = [{ sql: 'SELECT i AS id FROM range(1000) r(i)' }, { sql: 'SELECT 1000 + i AS id FROM range(1000) r(i)' }]
    const root = join(folder.path, 'broken')
    const target = await makeTarget(root, schema, files, { version: 7 })
    const [, second] = (await (await target.files()).connection.all(`SELECT path FROM ${(await target.files()).relation}`)).map((row) =>
      String(row.path),
    )
    const broken = openSession([tableOf('t', target)])
    truncateSync(join(root, second!), 100)
    await expect(broken.query('SELECT sum(id) FROM t').toArray()).rejects.toMatchObject({
      code: 'DATA_FILE_CORRUPT',
      data: { path: second, version: 7 },
    })
    expect(await rowsOf(broken, 'SELECT count(*) AS n FROM t WHERE id < 1000')).toEqual([{ n: 1000n }])
    rmSync(join(root, second!))
    await expect(broken.query('SELECT sum(id) FROM t').toArray()).rejects.toMatchObject({
      code: 'DATA_FILE_MISSING',
      data: { path: second, version: 7 },
    })
    await expect(
      broken.query('SELECT sum(id) FROM t').writeTo(join(folder.path, 'x.parquet'), { format: 'parquet' }),
    ).rejects.toMatchObject({ code: 'DATA_FILE_MISSING' })
  })

  test('of other schemas give the table its own', async () => {
    const nested = {
      type: 'struct',
      fields: [
        { name: 'x', type: 'long', nullable: true, metadata: {} },
        { name: 'y', type: 'string', nullable: true, metadata: {} },
      ],
    } as const
    const schema = schemaOf({ filename: 'string', id: 'long', s: nested, gone: 'void', d: 'decimal(10,2)' })
    const target = await makeTarget(join(folder.path, 'evolved'), schema, [
      { sql: "SELECT 1::INTEGER AS id, {'x': 1::INTEGER} AS s, 'extra' AS _change_type, 1.5::DECIMAL(4,1) AS d", stats: null },
      { sql: "SELECT {'y': 'b', 'x': 2} AS s, 'f' AS filename", stats: null },
      { sql: 'SELECT 3 AS other', stats: null },
    ])
    const evolved = openSession([tableOf('t', target)])
    expect(await rowsOf(evolved, 'SELECT * FROM t')).toEqual([
      { filename: null, id: 1n, s: { x: 1n, y: null }, gone: null, d: '1.50' },
      { filename: 'f', id: null, s: { x: 2n, y: 'b' }, gone: null, d: null },
      { filename: null, id: null, s: null, gone: null, d: null },
    ])
    expect(await rowsOf(evolved, 'SELECT id FROM t WHERE s.x = 1')).toEqual([{ id: 1n }])
    const none = openSession([tableOf('t', await makeTarget(join(folder.path, 'none'), schema, []))])
    expect(await rowsOf(none, 'SELECT * FROM t')).toEqual([])
    expect((await none.query('SELECT * FROM t').schema()).fields.map(({ name }) => name)).toEqual(['filename', 'id', 's', 'gone', 'd'])
  })

  test('of more partitions than have a branch each', async () => {
    const many = Array.from({ length: 300 }, (_, i) => ({
      sql: `SELECT ${i} AS id, ${i} AS filename`,
      partition: { p: i % 50 === 0 ? null : `v'${i}`, q: String(i) },
      stats: null,
    }))
    const schema = schemaOf({ p: 'string', id: 'long', q: 'integer', filename: 'long' })
    const target = await makeTarget(join(folder.path, 'many'), schema, many, { partitionColumns: ['p', 'q'] })
    const session = openSession([tableOf('t', target)])
    expect(
      await rowsOf(
        session,
        'SELECT count(*) AS n, count(p) AS p, sum(q) AS q, sum(id) AS id, sum(filename) AS f, bool_and(id = q) AS same FROM t WHERE q >= 0 + 0',
      ),
    ).toEqual([{ n: 300n, p: 294n, q: '44850', id: '44850', f: '44850', same: true }])
    expect(await rowsOf(session, "SELECT id, q FROM t WHERE p = 'v''7'")).toEqual([{ id: 7n, q: 7 }])
  })

  test('of mapped columns, by name and by id', async () => {
    const inner = {
      name: 'x',
      type: 'long',
      nullable: true,
      metadata: { 'delta.columnMapping.physicalName': 'p-x', 'delta.columnMapping.id': 3 },
    } as const
    const column = (name: string, physical: string, id: number, type: unknown) => ({
      name,
      type,
      nullable: true,
      metadata: { 'delta.columnMapping.physicalName': physical, 'delta.columnMapping.id': id },
    })
    const schema = {
      type: 'struct',
      fields: [
        column('id', 'p-1', 1, 'long'),
        column('s', 'p-2', 2, { type: 'struct', fields: [inner] }),
        column('part', 'p-4', 4, 'string'),
      ],
    } as QueryTarget['schema']
    for (const mode of ['name', 'id']) {
      const target = await makeTarget(
        join(folder.path, `mapped-${mode}`),
        schema,
        [
          {
            sql: `SELECT 5 AS "p-1", {'p-x': 6} AS "p-2"`,
            partition: { 'p-4': 'here' },
            stats: '{"numRecords":1,"minValues":{"p-1":5},"maxValues":{"p-1":5},"nullCount":{"p-1":0}}',
          },
        ],
        {
          partitionColumns: ['part'],
          properties: { 'delta.columnMapping.mode': mode },
        },
      )
      const mapped = openSession([tableOf('t', target)])
      if (mode === 'name')
        expect(await rowsOf(mapped, "SELECT * FROM t WHERE id = 5 AND part = 'here'")).toEqual([{ id: 5n, s: { x: 6n }, part: 'here' }])
      expect(await rowsOf(mapped, 'SELECT * FROM t WHERE id = 6')).toEqual([])
    }
  })

  test('in memory', async () => {
    const target = await makeTarget(join(folder.path, 'copied'), schemaOf({ id: 'long' }), [
      { sql: 'SELECT 1 AS id' },
      { sql: 'SELECT 2 AS id' },
    ])
    const store = memoryStore()
    const { connection, relation } = await target.files()
    for (const { path } of await connection.all(`SELECT path FROM ${relation}`))
      await store.put(String(path), readFileSync(join(folder.path, 'copied', String(path))))
    const memory = openSession([tableOf('t', { ...target, store })])
    for (let i = 0; i < 6; i++) expect(await rowsOf(memory, 'SELECT sum(id) AS n FROM t')).toEqual([{ n: '3' }])
  })
})

test('a session holds names apart and ends', async () => {
  const table = tableOf('a', versions[0]!)
  expect(() => openSession([table, { ...table, name: 'A' }])).toThrow('Two tables')
  const ending = openSession([table])
  await ending.close()
  await expect(ending.query('SELECT 1').toArray()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
