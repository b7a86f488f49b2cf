/** Which files of each table a query opens, wherever the table stands in it; and that the rows are those of the same query without choosing. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../../src/engine/index.ts'
import { openSession, type Session } from '../../../src/query/index.ts'
import { makeTarget, schemaOf, tableFolder, tableOf, watched } from '../tools.ts'

/** Three tables of four files each: `k` is 0 to 9 in the first, 10 to 19 in the second, ...; `p` is the file's number. */
const columns = { k: 'long', v: 'integer', s: 'string', d: 'date', p: 'integer' } as const
const names = ['t', 'u', 'w']

let folder: Awaited<ReturnType<typeof tableFolder>>
let connection: Connection
let session: Session
const opened = new Map<string, number[]>()
beforeAll(async () => {
  folder = await tableFolder()
  connection = await (await trustedEngine()).connect()
  const tables = []
  for (const [at, name] of names.entries()) {
    const rows = (file: number) =>
      `SELECT (${file} * 10 + i)::BIGINT AS k, ((i * 7 + ${at}) % 5)::INTEGER AS v, CASE WHEN i <> 4 THEN chr(97 + ${file}) || i END AS s,
        DATE '2026-01-01' + (${file} * 10 + i)::INTEGER AS d FROM range(10) r(i)`
    const files = [0, 1, 2, 3].map((file) => ({ sql: rows(file), partition: { p: String(file) } }))
    await connection.run(
      `CREATE OR REPLACE TABLE ${name} AS ${files.map(({ sql }, file) => `SELECT *, ${file} AS p FROM (${sql})`).join(' UNION ALL ')}`,
    )
    const target = await makeTarget(join(folder.path, name), schemaOf(columns), files, { partitionColumns: ['p'] })
    const store = watched(target.store, (keys) => {
      opened.set(name, [...(opened.get(name) ?? []), ...keys.map((key) => Number(/(\d+)\.parquet$/.exec(key)![1]))].sort())
    })
    tables.push(tableOf(name, { ...target, store }))
  }
  session = openSession(tables)
})
afterAll(async () => {
  await connection.close()
  await folder.remove()
})

const asText = (rows: readonly unknown[]) =>
  rows.map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value))).sort()

/** The files of each table that a query opens, as `t0 t1 u3`; its rows are compared with DuckDB's own of the same query. */
async function filesOf(sql: string): Promise<string> {
  opened.clear()
  const rows = await session.query(sql).toArray()
  expect(asText(rows), sql).toEqual(asText(await connection.all(sql)))
  return [...opened]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, files]) => files.map((file) => `${name}${file}`))
    .join(' ')
}

const all = (name: string) => [0, 1, 2, 3].map((file) => `${name}${file}`).join(' ')

describe('a condition reaches the table', () => {
  const cases: Readonly<Record<string, string>> = {
    'SELECT * FROM (SELECT * FROM t) WHERE k = 15': 't1',
    'SELECT a FROM (SELECT k AS a, v FROM t) AS x WHERE x.a BETWEEN 22 AND 25': 't2',
    'SELECT * FROM (SELECT k, v FROM t) AS x(a, b) WHERE a > 32': 't3',
    'SELECT * FROM t AS x(a, b) WHERE a > 32': 't3',
    'SELECT * FROM (SELECT * EXCLUDE (v) REPLACE (k + 10 AS k) FROM t) WHERE k = 15': 't0',
    'SELECT * FROM (SELECT * FROM (SELECT k, d FROM t WHERE k < 35) WHERE k > 5) WHERE k < 8': 't0',
    "SELECT * FROM (SELECT date_trunc('month', d) AS m, k FROM t) WHERE m = DATE '2026-02-01' AND k < 35": 't3',
    'SELECT * FROM (SELECT k, count(*) AS n FROM t GROUP BY k) WHERE k = 3': 't0',
    'SELECT * FROM (SELECT k, max(v) AS n FROM t GROUP BY ALL HAVING max(v) >= 0) WHERE k = 3 AND n >= 0': 't0',
    'SELECT * FROM (SELECT DISTINCT p, v FROM t) WHERE p = 2': 't2',
    'SELECT * FROM (SELECT k FROM t UNION ALL SELECT k FROM u) WHERE k = 3': 't0 u0',
    "SELECT * FROM (SELECT k, s FROM t UNION SELECT d - DATE '2026-01-01' + 20, s FROM u WHERE p < 2) AS x WHERE k < 25 AND k > 21": `${all('t')} u0 u1`,
    "SELECT * FROM (SELECT 'a' AS kind, k FROM t UNION ALL SELECT 'b', k FROM u) WHERE kind = 'b' AND k > 30": 'u3',
    'SELECT * FROM (SELECT k FROM t EXCEPT SELECT k FROM u WHERE v = 1) WHERE k = 3': 't0 u0',
    'WITH c AS (SELECT * FROM t) SELECT * FROM c WHERE k = 3': 't0',
    'WITH c(a) AS (SELECT k FROM t) SELECT x.a, y.a FROM c AS x, c AS y WHERE x.a = 3 AND y.a = 13': 't0 t1',
    'WITH c AS (SELECT * FROM t), e AS (SELECT * FROM c WHERE k < 20) SELECT * FROM e WHERE k > 12': 't1',
    'WITH c AS MATERIALIZED (SELECT k, v FROM t) SELECT * FROM c WHERE k IN (3, 33)': 't0 t3',
    'SELECT * FROM t JOIN u ON t.k = u.k WHERE t.k = 5': 't0 u0',
    'SELECT * FROM t, u, w WHERE t.k = u.k AND u.k = w.k AND w.k > 35': 't3 u3 w3',
    'SELECT * FROM t JOIN u USING (k) JOIN w USING (k) WHERE k = 5': 't0 u0 w0',
    'SELECT t.k, u.v FROM t LEFT JOIN u ON t.k = u.k WHERE t.k = 5': 't0 u0',
    'SELECT t.k, u.v FROM t RIGHT JOIN u ON t.k = u.k WHERE u.k = 5': 't0 u0',
    'SELECT t.k FROM t LEFT JOIN u ON t.k = u.k AND u.k = 5': `${all('t')} u0`,
    'SELECT t.k FROM t SEMI JOIN u ON t.k = u.k AND u.k = 5': 't0 u0',
    'SELECT t.k FROM t ANTI JOIN u ON t.k = u.k WHERE t.k = 5': 't0 u0',
    'SELECT * FROM (SELECT * FROM t) AS a JOIN (SELECT k, v AS x FROM u) AS b ON a.k = b.k WHERE a.k < 5': 't0 u0',
    "SELECT * FROM t WHERE k = 5 AND EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.d > DATE '2026-02-05')": 't0 u3',
    'SELECT * FROM t WHERE k IN (SELECT k FROM u WHERE k BETWEEN 10 AND 12)': `${all('t')} u1`,
    'SELECT (SELECT max(v) FROM u WHERE u.k = 33) AS m, k FROM t WHERE k = 5': 't0 u3',
    'SELECT * FROM t, LATERAL (SELECT u.v AS x, u.k AS y FROM u WHERE u.v = t.v) AS l WHERE t.k = 5 AND l.y = 15': 't0 u1',
    'SELECT k FROM t WHERE p = 0 UNION ALL SELECT k FROM u WHERE p = 3': 't0 u3',
    'SELECT * FROM (SELECT k, v, row_number() OVER () AS n FROM t WHERE k < 10) WHERE k = 3': 't0',
  }
  for (const [sql, files] of Object.entries(cases)) test(sql, async () => expect(await filesOf(sql)).toBe(files))
})

describe('a condition stops before what looks at other rows', () => {
  const cases: readonly string[] = [
    'SELECT * FROM (SELECT k, row_number() OVER (ORDER BY k) AS n FROM t) WHERE k = 3',
    'SELECT * FROM (SELECT k FROM t ORDER BY k DESC LIMIT 5) WHERE k = 3',
    'SELECT * FROM (SELECT DISTINCT ON (v) v, k FROM t ORDER BY v, k) WHERE k = 3',
    'SELECT * FROM (SELECT k FROM t QUALIFY rank() OVER (ORDER BY k) > 2) WHERE k = 3',
    'SELECT * FROM (SELECT max(k) AS k FROM t) WHERE k = 3',
    'SELECT * FROM (SELECT max(k) AS k, v FROM t GROUP BY v) WHERE k = 3',
    'SELECT * FROM (SELECT k, count(*) AS n FROM t GROUP BY ROLLUP (k)) WHERE k IS NULL',
    'SELECT * FROM (SELECT k, 1 AS one FROM t UNION ALL SELECT k, 2 FROM w LIMIT 100) WHERE k = 3',
    'WITH c AS (SELECT * FROM t) SELECT (SELECT count(*) FROM c) AS n, * FROM c WHERE k = 3',
    'SELECT * FROM (SELECT v AS k, k AS v FROM t) WHERE k = 3',
    'SELECT t.k FROM w FULL JOIN t ON t.k = w.k + 100 WHERE w.k = 3 OR t.k = 5',
    'SELECT * FROM (SELECT v, count(*) AS n FROM t GROUP BY v) WHERE n > 3',
    'WITH c AS (SELECT v, sum(1)::INTEGER AS n, list(0) AS l FROM t GROUP BY v) SELECT * FROM c JOIN u USING (v) WHERE n = 8 AND l <> [0]',
    'SELECT count(*) AS n FROM (SELECT count(1) AS n FROM t) WHERE n = 40',
    'SELECT * FROM (SELECT v, count(*) FILTER (k > 3) + 1 AS n FROM t GROUP BY v) WHERE n BETWEEN 5 AND 9',
    'SELECT * FROM (SELECT v, geomean(2) * count() AS n FROM t GROUP BY v HAVING count() > 1) WHERE n > 4',
    'SELECT * FROM (SELECT k, unnest([1, 2]) + 1 AS n FROM t) WHERE n = 3',
  ]
  for (const sql of cases) test(sql, async () => expect(await filesOf(sql)).toContain(all('t')))
})

test('queries of one shape that run at once get their own rows', async () => {
  const asked = Array.from({ length: 60 }, (_, index) => (index * 7) % 40)
  const rows = await Promise.all(
    asked.map((k) =>
      session.query(`SELECT a.k, a.s FROM (SELECT * FROM t) AS a JOIN u USING (k) WHERE k = ${k} AND a.p <= ${k}`).toArray(),
    ),
  )
  expect(rows.map(([row]) => Number(row?.k))).toEqual(asked)
})

const condition = (name: string) =>
  fc.oneof(
    fc.tuple(fc.constantFrom('=', '<', '>=', '<>', 'IS NOT DISTINCT FROM'), fc.nat({ max: 39 })).map(([op, n]) => `${name}.k ${op} ${n}`),
    fc.tuple(fc.constantFrom('=', '>', '<='), fc.nat({ max: 5 })).map(([op, n]) => `${name}.p ${op} ${n}`),
    fc.constantFrom(`${name}.s IS NULL`, `${name}.s LIKE 'b%'`, `${name}.s >= 'c'`, `NOT (${name}.s LIKE 'a%')`, `${name}.v = 2`),
    fc.nat({ max: 39 }).map((n) => `${name}.d <= DATE '2026-01-01' + ${n}`),
    fc.nat({ max: 39 }).map((n) => `(${name}.k < ${n} OR ${name}.v = 1)`),
  )
const joins = ['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'SEMI JOIN', 'ANTI JOIN']
const source = (name: string) =>
  fc.oneof(
    fc.constant(name),
    condition(name).map((where) => `(SELECT * FROM ${name} WHERE ${where})`),
    fc.constantFrom(
      `(SELECT k, v, s, d, p FROM ${name})`,
      `(SELECT k, min(v) AS v, min(s) AS s, min(d) AS d, p FROM ${name} GROUP BY k, p)`,
      `(SELECT count(*) AS k, v, string_agg('b', '') AS s, d, sum(1) AS p FROM ${name} GROUP BY v, d)`,
      `(SELECT k, v, s, d, unnest([1, 2]) + 1 AS p FROM ${name})`,
      `(SELECT * FROM ${name} UNION ALL SELECT k + 5, v, s, d, p FROM w)`,
      `(SELECT k - 3 AS k, v, s, d, p FROM ${name} ORDER BY k LIMIT 17)`,
      `(SELECT * REPLACE (p + 1 AS p, 'b' || v AS s) FROM ${name})`,
      `(SELECT x.* FROM ${name} AS x LEFT JOIN w USING (k) WHERE w.v IS NULL OR x.p < 2)`,
      `(SELECT DISTINCT k, v, s, d, p FROM ${name} EXCEPT SELECT * FROM w WHERE k < 12)`,
    ),
  )
const query = fc
  .record({
    a: source('t'),
    b: source('u'),
    join: fc.constantFrom(...joins),
    on: fc.constantFrom('a.k = b.k', 'a.k = b.k AND a.p = b.p', 'a.v = b.v AND a.k < 10', 'a.k = b.k AND b.k > 7', 'a.k = b.v'),
    where: fc.array(condition('a'), { minLength: 0, maxLength: 2 }),
    other: fc.option(condition('b'), { nil: undefined }),
    cte: fc.boolean(),
  })
  .map(({ a, b, join, on, where, other, cte }) => {
    const shown = join === 'SEMI JOIN' || join === 'ANTI JOIN' ? 'a.k, a.v, a.s' : 'a.k, a.v, b.k AS bk, b.s AS bs'
    const conditions = [...where, ...(other === undefined || /SEMI|ANTI/.test(join) ? [] : [other])]
    const clause = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
    return cte
      ? `WITH a AS (SELECT * FROM ${a}), b AS (SELECT * FROM ${b}) SELECT ${shown} FROM a ${join} b ON ${on}${clause}`
      : `SELECT ${shown} FROM ${a} AS a ${join} ${b} AS b ON ${on}${clause}`
  })

test('choosing files never changes the rows of a join', async () => {
  let files = 0
  await fc.assert(
    fc.asyncProperty(query, async (sql) => {
      files += (await filesOf(sql)).split(' ').length
    }),
    { numRuns: 250, seed: 20_261_124 },
  )
  // Eight files and more are there for each.
  expect(files / 250).toBeLessThan(7)
}, 60_000)
