/** Answers from the log: the same values, names and types as from the rows, and no data file opened where the log tells. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../../src/engine/index.ts'
import { openSession, type Session } from '../../../src/query/index.ts'
import { batchToRows, type Row } from '../../../src/schema/rows/rows.ts'
import type { DataType } from '../../../src/schema/types.ts'
import { condition, randomFile, randomTable } from '../random-table.ts'
import { type FileSpec, makeTarget, schemaOf, tableFolder, tableOf, watched } from '../tools.ts'

let folder: Awaited<ReturnType<typeof tableFolder>>
let connection: Connection
beforeAll(async () => {
  folder = await tableFolder()
  connection = await (await trustedEngine()).connect()
})
afterAll(async () => {
  await connection.close()
  await folder.remove()
})

let made = 0

/** A table whose files are gone: what is answered comes from the log. */
async function withoutFiles(
  columns: Readonly<Record<string, DataType>>,
  files: readonly FileSpec[],
  partitionColumns: readonly string[] = [],
): Promise<Session> {
  made += 1
  const target = await makeTarget(join(folder.path, `gone_${made}`), schemaOf(columns), files, { partitionColumns })
  const store = watched(target.store, () => {
    throw new Error('opened')
  })
  return openSession([tableOf('t', { ...target, store })])
}

const numbers = { k: 'long', d: 'date', m: 'decimal(10,2)', s: 'string', p: 'integer' } as const
const some = (from: number, to: number, p: string | null = null, more: Partial<FileSpec> = {}): FileSpec => ({
  sql: `SELECT i::BIGINT AS k, DATE '2026-01-01' + i::INTEGER AS d, (i / 4)::DECIMAL(10,2) AS m, 's' || i AS s FROM range(${from}, ${to}) r(i)`,
  partition: { p },
  ...more,
})
const opened = 'opened'
const ask = async (session: Session, sql: string) =>
  session
    .query(sql)
    .toArray()
    .catch((error: unknown) => (error as Error).message)

describe('the log tells', () => {
  test('counts, minima and maxima, under the names that DuckDB gives', async () => {
    const session = await withoutFiles(numbers, [some(0, 10, '1'), some(10, 20, '2'), some(20, 30)], ['p'])
    expect(await ask(session, 'SELECT count(*), count(k), count(p), min(k), max(t.d), min(DISTINCT "m") FROM t')).toEqual([
      {
        'count_star()': 30n,
        'count(k)': 30n,
        'count(p)': 20n,
        'min(k)': 0n,
        'max(t.d)': new Date('2026-01-30'),
        'min(DISTINCT m)': '0.00',
      },
    ])
    expect(await ask(session, 'SELECT p, count(*) AS n, max(k) FROM t GROUP BY p ORDER BY p NULLS FIRST')).toEqual([
      { p: null, n: 10n, 'max(k)': 29n },
      { p: 1, n: 10n, 'max(k)': 9n },
      { p: 2, n: 10n, 'max(k)': 19n },
    ])
    expect(
      await ask(session, 'SELECT max(k) - min(k) AS w, p % 2 AS odd FROM t GROUP BY ALL HAVING count(*) > 5 ORDER BY w, odd LIMIT 2'),
    ).toEqual([
      { w: 9n, odd: 0 },
      { w: 9n, odd: 1 },
    ])
    expect(await ask(session, 'SELECT DISTINCT p FROM t WHERE k < 20 ORDER BY 1 DESC')).toEqual([{ p: 2 }, { p: 1 }])
    expect(await ask(session, 'SELECT count(*) AS n FROM t WHERE k >= 10 AND p IS NOT NULL')).toEqual([{ n: 10n }])
    expect(await ask(session, 'SELECT count(*) AS n, min(k) AS k, min(p) AS p FROM t WHERE k > 99')).toEqual([{ n: 0n, k: null, p: null }])
    expect(await ask(session, 'SELECT p, count(*) FROM t WHERE false GROUP BY p')).toEqual([])
  })

  test('how many rows are left, and of a column where deleted rows cannot matter', async () => {
    const session = await withoutFiles(
      { ...numbers, n: 'long' },
      [some(0, 10, '1', { deleted: [0, 9], tight: false }), some(10, 20, '2', { deleted: [3], tight: true })],
      ['p'],
    )
    expect(await ask(session, 'SELECT count(*) AS n, count(k) AS k, max(p) AS p FROM t')).toEqual([{ n: 17n, k: 17n, p: 2 }])
    expect(await ask(session, 'SELECT max(k) AS k FROM t')).toBe(opened)
    const gone = await withoutFiles(numbers, [some(0, 2, '1', { deleted: [0, 1] }), some(5, 6, '2')], ['p'])
    expect(await ask(gone, 'SELECT p, count(*) AS n FROM t GROUP BY p')).toEqual([{ p: 2, n: 1n }])
    expect(await ask(gone, 'SELECT min(k) AS k FROM t')).toEqual([{ k: 5n }])
  })
})

test('the log does not tell', async () => {
  const session = await withoutFiles(
    { ...numbers, f: 'double', ts: 'timestamp' },
    [
      {
        sql: `SELECT 1::BIGINT AS k, 'a' AS s, 1.5::DOUBLE AS f, TIMESTAMPTZ '2026-01-01 00:00:00.123456+00' AS ts`,
        partition: { p: '1' },
      },
      some(5, 9, '1'),
    ],
    ['p'],
  )
  for (const sql of [
    'SELECT max(s) FROM t',
    'SELECT min(f) FROM t',
    'SELECT max(ts) FROM t',
    'SELECT sum(k) FROM t',
    'SELECT min(k), avg(k) FROM t',
    'SELECT count(DISTINCT k) FROM t',
    'SELECT count(*) FILTER (WHERE k > 1) FROM t',
    'SELECT count(*) FROM t WHERE k > 6',
    'SELECT count(*) FROM t WHERE k + length(s) > 0',
    'SELECT k, count(*) FROM t GROUP BY k',
    'SELECT p FROM t',
    'SELECT count(*) OVER () FROM t',
    'SELECT min(k, 2) FROM t',
    'SELECT min(m) FROM t WHERE k = 1',
    'SELECT p, list(p) AS l FROM t GROUP BY p',
  ])
    expect(await ask(session, sql), sql).toBe(opened)
})

test('statistics that are missing, wide, or of a number that JSON does not hold', async () => {
  const stats = (min: string, more = '') => `{"numRecords":2,"minValues":{"k":${min}},"maxValues":{"k":${min}},"nullCount":{"k":0}${more}}`
  const asked = async (type: DataType, text: string | null) => {
    const files = [{ sql: 'SELECT 1 AS k FROM range(2)', stats: text }]
    return ask(await withoutFiles({ k: type }, files), 'SELECT min(k) AS k FROM t')
  }
  expect(await asked('long', stats('9223372036854775807'))).toEqual([{ k: 9223372036854775807n }])
  expect(await asked('long', stats('7', ',"tightBounds":true'))).toEqual([{ k: 7n }])
  expect(await asked('decimal(20,2)', stats('7'))).toEqual([{ k: '7.00' }])
  expect(await asked('decimal(20,2)', stats('123456789.25'))).toEqual([{ k: '123456789.25' }])
  expect(await asked('boolean', stats('false'))).toEqual([{ k: false }])
  expect(await asked('date', stats('"2026-01-05"'))).toEqual([{ k: new Date('2026-01-05') }])
  for (const [type, text] of [
    ['long', stats('7', ',"tightBounds":false')],
    ['long', null],
    ['long', '{"numRecords":2}'],
    ['long', stats('7.5')],
    ['long', stats('null')],
    ['integer', stats('2147483648')],
    ['decimal(38,2)', stats('123456789012345678.91')],
    ['decimal(10,2)', stats('1.005')],
    ['date', stats('"2026-01-05T00:00:00.000Z"')],
  ] as const)
    expect(await asked(type, text), `${type} ${text}`).toBe(opened)
  const half = '{"numRecords":2,"minValues":{},"maxValues":{},"nullCount":{"k":2}}'
  expect(await asked('long', half)).toEqual([{ k: null }])
})

const kept = ['i', 'd', 'j', 'day', 'b', 'p', 'q', 's', 'f', 'ts', 'n']
const aggregate = fc.oneof(
  fc.constant('count(*)'),
  fc
    .tuple(fc.constantFrom('min', 'max', 'count'), fc.constantFrom(...kept.slice(0, 7), ...kept))
    .map(([name, column]) => `${name}(${column})`),
  fc.constantFrom('max(i) - min(i) AS w', 'coalesce(max(q), 0) AS c', 'count(*) * 2 AS twice', "min(p) || 'x' AS px"),
)
const question = fc.record({
  list: fc.array(aggregate, { minLength: 1, maxLength: 4 }),
  groups: fc.subarray(['p', 'q']),
  where: fc.option(
    fc.oneof(
      condition,
      fc.constantFrom("p = 'a'", 'q > 0', 'p IS NULL', "p >= 'b' AND q IS NOT NULL", "day = DATE '2020-05-05'", 'i > 50', "NOT (p = 'a')"),
    ),
    { nil: undefined },
  ),
  having: fc.constantFrom('', '', ' HAVING count(*) > 1'),
})

test('answers are those of the rows', async () => {
  let opened = 0
  let answered = 0
  let asked = 0
  const tables = fc.sample(fc.array(randomFile, { minLength: 2, maxLength: 8 }), { numRuns: 6, seed: 20_261_125 })
  for (const [index, files] of tables.entries()) {
    const name = `answers_${index}`
    const known = files.map((file) => ({ ...file, stats: index % 3 > 0 || file.stats, deleted: index % 3 > 1 ? 0 : file.deleted }))
    const session = await randomTable(connection, known, { folder: folder.path, name, mapped: index % 2 === 1 }, () => {
      opened += 1
    })
    await fc.assert(
      fc.asyncProperty(question, async ({ list, groups, where, having }) => {
        const clauses = `${where === undefined ? '' : ` WHERE ${where}`}${groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`}${having}`
        const order = groups.length === 0 ? '' : ` ORDER BY ${groups.join(', ')}`
        const sql = (table: string) => `SELECT ${[...groups, ...list].join(', ')} FROM ${table} AS t${clauses}${order}`
        const expected = await rowsOf(sql(name))
        if (typeof expected === 'string') return
        const before = opened
        expect(await session.query(sql('t')).toArray(), sql('t')).toEqual(expected)
        asked += 1
        if (opened === before) answered += 1
      }),
      { numRuns: 60, seed: 11 + index },
    )
  }
  expect(asked).toBeGreaterThan(200)
  expect(answered).toBeGreaterThan(60)
}, 60_000)

/** Rows of DuckDB's own table as a query of a session gives them; its message where it fails. */
async function rowsOf(sql: string): Promise<Row[] | string> {
  const rows: Row[] = []
  try {
    for await (const batch of await connection.stream(sql)) rows.push(...batchToRows(batch))
    return rows
  } catch (error) {
    return (error as Error).message
  }
}
