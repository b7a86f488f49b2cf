/** What a query must not reach: files, settings, other statements; each way that can be thought of. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trustedEngine } from '../../../src/engine/index.ts'
import { openSession, type Session } from '../../../src/query/index.ts'
import { isAllowedFunction, isAllowedTableFunction, isFileFunction, isSteadyFunction } from '../../../src/query/sql/functions.ts'
import { codeOf, makeTarget, rowsOf, schemaOf, tableFolder, tableOf } from '../tools.ts'

let folder: Awaited<ReturnType<typeof tableFolder>>
let session: Session
let open: Session
let secret: string

beforeAll(async () => {
  folder = await tableFolder()
  const schema = schemaOf({ id: 'long', name: 'string' })
  const files = [{ sql: "SELECT i AS id, 'n' || i AS name FROM range(3) r(i)" }]
  const table = tableOf('t', await makeTarget(join(folder.path, 't'), schema, files))
  session = openSession([table])
  open = openSession([table], { allowExternal: true })
  secret = join(folder.path, 'secret.csv')
  writeFileSync(secret, 'a,b\n1,hidden\n')
})
afterAll(async () => {
  await session.close()
  await open.close()
  await folder.remove()
})

const statements = [
  "COPY t TO 'x.csv'",
  "COPY (SELECT 1) TO '/tmp/x.csv'",
  "ATTACH 'x.db'",
  'DETACH memory',
  'INSTALL httpfs',
  "LOAD 'httpfs'",
  'SET threads = 1',
  'RESET threads',
  'PRAGMA database_list',
  'CALL pragma_version()',
  'CREATE TABLE x AS SELECT 1',
  'CREATE VIEW x AS SELECT 1',
  'CREATE MACRO m() AS 1',
  'CREATE SECRET s (TYPE s3)',
  'DROP TABLE t',
  'INSERT INTO t VALUES (1)',
  'DELETE FROM t',
  'UPDATE t SET id = 1',
  'MERGE INTO t USING t s ON true WHEN MATCHED THEN DELETE',
  'ALTER TABLE t ADD COLUMN x INT',
  "EXPORT DATABASE '/tmp/x'",
  "IMPORT DATABASE '/tmp/x'",
  'PREPARE p AS SELECT 1',
  'EXECUTE p',
  'BEGIN',
  'CHECKPOINT',
  'VACUUM',
  'USE memory',
  "EXPLAIN COPY t TO 'x'",
  'EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1',
  '/* SELECT */ DROP TABLE t',
]

test.each(statements)('is no query: %s', async (sql) => {
  expect(await codeOf(session, sql)).toBe('SQL_NOT_READ_ONLY')
})

const refused = () => [
  `SELECT * FROM read_text('${secret}')`,
  `SELECT * FROM read_csv('${secret}')`,
  `SELECT * FROM "read_csv"('${secret}')`,
  `SELECT * FROM main.read_csv('${secret}')`,
  `SELECT * FROM system.main.read_csv('${secret}')`,
  `SELECT * FROM READ_CSV_AUTO('${secret}')`,
  `SELECT * FROM read_blob('${secret}')`,
  `SELECT * FROM read_parquet('${secret}')`,
  `SELECT * FROM parquet_metadata('${secret}')`,
  `SELECT * FROM read_json('${secret}')`,
  `SELECT * FROM sniff_csv('${secret}')`,
  "SELECT * FROM glob('/*')",
  `SELECT (SELECT content FROM read_text('${secret}'))`,
  `SELECT id IN (SELECT size FROM read_text('${secret}')) FROM t`,
  `SELECT id FROM t ORDER BY (SELECT max(size) FROM read_text('${secret}'))`,
  `SELECT id FROM t LIMIT (SELECT max(size) FROM read_text('${secret}'))`,
  `SELECT id FROM t GROUP BY id HAVING EXISTS (SELECT 1 FROM read_text('${secret}'))`,
  `SELECT id FROM t QUALIFY row_number() OVER (ORDER BY (SELECT max(size) FROM read_text('${secret}'))) = 1`,
  `SELECT sum(id) FILTER (WHERE EXISTS (SELECT 1 FROM read_text('${secret}'))) FROM t`,
  `SELECT list_transform([1], lambda x: (SELECT max(size) FROM read_text('${secret}')))`,
  `SELECT CASE WHEN EXISTS (SELECT 1 FROM read_text('${secret}')) THEN 1 END`,
  `SELECT * REPLACE ((SELECT max(size) FROM read_text('${secret}')) AS id) FROM t`,
  `SELECT * FROM t, LATERAL (SELECT * FROM read_text('${secret}'))`,
  `SELECT * FROM t JOIN t u ON EXISTS (SELECT 1 FROM read_text('${secret}'))`,
  `SELECT 1 UNION ALL SELECT size FROM read_text('${secret}')`,
  `WITH x AS (SELECT * FROM read_text('${secret}')) SELECT 1`,
  `WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT size FROM read_text('${secret}')) SELECT * FROM x`,
  `VALUES ((SELECT max(size) FROM read_text('${secret}')))`,
  `DESCRIBE SELECT * FROM read_csv('${secret}')`,
  `SUMMARIZE SELECT * FROM read_csv('${secret}')`,
  `EXPLAIN SELECT * FROM read_csv('${secret}')`,
  `FROM (PIVOT (FROM read_csv('${secret}')) ON a IN (1) USING count(*))`,
  `SELECT * FROM t AT (VERSION => (SELECT 0 FROM read_text('${secret}')))`,
  `SELECT * FROM generate_series(1, (SELECT max(size) FROM read_text('${secret}')))`,
  "SELECT * FROM query('SELECT 1')",
  "SELECT * FROM query_table('t')",
  `SELECT * FROM query_table(['${'x'}.csv'])`,
  "SELECT * FROM histogram_values('x.csv', a)",
  "SELECT * FROM json_execute_serialized_sql('{}')",
  "SELECT * FROM sql_auto_complete('SEL')",
  'SELECT * FROM duckdb_settings()',
  'SELECT * FROM duckdb_secrets()',
  'SELECT * FROM duckdb_tables()',
  'SELECT * FROM duckdb_logs',
  "SELECT * FROM pragma_table_info('t')",
  "SELECT * FROM which_secret('s3://x', 's3')",
  "SELECT * FROM delta_scan('/tmp')",
  "SELECT * FROM iceberg_scan('/tmp')",
  'SELECT * FROM arrow_scan(0, 0, 0)',
  "SELECT getenv('HOME')",
  "SELECT current_setting('threads')",
  "SELECT getvariable('x')",
  "SELECT nextval('s')",
  "SELECT json_serialize_plan('SELECT 1')",
  "SELECT write_log('x')",
  'SELECT sleep_ms(1)',
  'SELECT current_query()',
  "SELECT [getenv('HOME')]",
  "SELECT t.getenv('HOME') FROM t",
  "SELECT sum(id) OVER (ORDER BY getenv('HOME')) FROM t",
  'SELECT 1; SELECT 2',
  'SHOW TABLES',
  'SHOW ALL TABLES',
  'PIVOT t ON name USING count(*)',
  'WITH "x.csv" AS (SELECT 1 AS a) SELECT * FROM "x.csv"',
]

test('a number that no DOUBLE holds is refused, since it cannot be written down again', async () => {
  for (const sql of ['SELECT 1e400', 'SELECT id FROM t WHERE id < -1e400']) expect(await codeOf(session, sql), sql).toBe('SQL_REFUSED')
})

test('refuses what reaches beyond the tables, wherever it stands', async () => {
  const passed: string[] = []
  for (const sql of refused()) {
    const code = await codeOf(session, sql)
    if (code !== 'SQL_REFUSED' && !(code === 'SQL_UNKNOWN_TABLE' && /duckdb_logs/.test(sql))) passed.push(`${sql} -> ${code}`)
  }
  expect(passed).toEqual([])
})

test('takes no name of a file for a table', async () => {
  for (const name of [
    secret,
    'x.parquet',
    'https://example.com/x.csv',
    's3://b/x.parquet',
    '/etc/passwd',
    'information_schema.tables',
    'sqlite_master',
  ])
    expect(await codeOf(session, `SELECT * FROM "${name}"`)).toBe('SQL_UNKNOWN_TABLE')
  for (const sql of [`SELECT * FROM '${secret}'`, 'SELECT * FROM information_schema.tables', 'SELECT * FROM main.nope', 'DESCRIBE nope'])
    expect(await codeOf(session, sql)).toBe('SQL_UNKNOWN_TABLE')
  await expect(session.query('SELECT * FROM nope').toArray()).rejects.toMatchObject({
    remedy: 'The tables are: t.',
    data: { tables: ['t'] },
  })
})

test('quotes in names stay names', async () => {
  const evil = `x"; DROP TABLE t; --`
  expect(await rowsOf(session, `SELECT id AS "${evil.replaceAll('"', '""')}" FROM t ORDER BY id LIMIT 1`)).toEqual([{ [evil]: 0n }])
  expect(await rowsOf(session, `SELECT 1 AS "a, getenv('HOME') AS b"`)).toEqual([{ "a, getenv('HOME') AS b": 1 }])
  const collation = await codeOf(session, `SELECT name COLLATE "x, getenv('HOME')" FROM t`)
  expect(['SQL_ERROR', 'SQL_REFUSED']).toContain(collation)
  for (const sql of [
    `SELECT * RENAME (id AS "i, (SELECT 1) AS j") FROM t`,
    `SELECT "f""x"(1)`,
    `SELECT * FROM t AS "a"" , read_text('${secret}') --"`,
    `SELECT name::"int; DROP" FROM t`,
    `SELECT * FROM t u("a, b", c)`,
  ]) {
    const code = await codeOf(session, sql)
    expect(`${sql} ${code}`).not.toMatch(/hidden/)
  }
})

describe('with external files allowed', () => {
  test('a file that is named can be read and joined', async () => {
    expect(await rowsOf(open, `SELECT a, b, name FROM read_csv('${secret}') JOIN t ON id = a`)).toEqual([
      { a: 1n, b: 'hidden', name: 'n1' },
    ])
    expect(await rowsOf(open, 'SELECT b FROM read_csv($f, header = true)', { params: { f: secret } })).toEqual([{ b: 'hidden' }])
    expect(await rowsOf(open, `SELECT count(*) AS n FROM read_text(['${secret}', '${secret}'])`)).toEqual([{ n: 2n }])
  })

  test('a name that looks like a pattern is a name', async () => {
    const odd = join(folder.path, 'odd [1]?*.csv')
    writeFileSync(odd, 'a\n7\n')
    expect(await rowsOf(open, `SELECT a, id FROM read_csv('${odd}') JOIN t ON id = 1`)).toEqual([{ a: 7n, id: 1n }])
    const target = await makeTarget(join(folder.path, 'a[b]?*'), schemaOf({ id: 'long' }), [{ sql: 'SELECT 1 AS id' }])
    expect(await rowsOf(openSession([tableOf('x', target)]), 'SELECT id FROM x WHERE id = 1')).toEqual([{ id: 1n }])
  })

  test('nothing else can', async () => {
    for (const sql of [
      `SELECT * FROM read_csv('https://example.com/x.csv')`,
      `SELECT * FROM read_parquet('s3://bucket/x.parquet')`,
      "SELECT * FROM glob('/*')",
      "SELECT * FROM query('SELECT 1')",
      `SELECT * FROM parquet_metadata('${secret}')`,
      "SELECT getenv('HOME')",
    ])
      expect(`${sql}: ${await codeOf(open, sql)}`).toBe(`${sql}: SQL_REFUSED`)
    expect(await codeOf(open, `SELECT * FROM '${secret}'`)).toBe('SQL_UNKNOWN_TABLE')
    expect(await codeOf(open, `SELECT * FROM read_csv('${folder.path}/*.csv')`)).toBe('SQL_ERROR')
    expect(await codeOf(open, `SELECT * FROM read_csv('${folder.path}/missing.csv')`)).toBe('SQL_ERROR')
    const pipe = join(folder.path, 'pipe.csv')
    execFileSync('mkfifo', [pipe])
    expect(await codeOf(open, `SELECT * FROM read_csv('${pipe}')`)).toBe('SQL_ERROR')
    expect(await codeOf(open, `COPY t TO '${folder.path}/out.csv'`)).toBe('SQL_NOT_READ_ONLY')
  })
})

test('every function of this DuckDB is known to be allowed or not', async () => {
  const connection = await (await trustedEngine()).connect()
  const rows = await connection.all(
    "SELECT DISTINCT function_name AS name, function_type AS type, coalesce(has_side_effects, false) OR coalesce(stability, '') = 'VOLATILE' AS volatile, macro_definition AS definition FROM duckdb_functions()",
  )
  await connection.close()
  const named = (types: readonly string[], test: (row: Record<string, unknown>) => boolean) =>
    [...new Set(rows.filter((row) => types.includes(String(row.type)) && test(row)).map((row) => String(row.name)))].sort()
  // Those that differ from call to call are only these; a new one needs a decision.
  expect(named(['scalar', 'aggregate', 'macro'], (row) => row.volatile === true && isAllowedFunction(String(row.name)))).toEqual([
    'error',
    'gen_random_uuid',
    'random',
    'setseed',
    'uuid',
    'uuidv4',
    'uuidv7',
  ])
  expect(named(['table', 'table_macro', 'pragma'], (row) => isAllowedTableFunction(String(row.name)))).toEqual([
    'generate_series',
    'json_each',
    'json_tree',
    'range',
    'repeat',
    'repeat_row',
    'unnest',
  ])
  expect(named(['table', 'table_macro'], (row) => isFileFunction(String(row.name)))).toHaveLength(13)
  // What depends on the rows is no constant, nor is a macro that calls it.
  expect(named(['aggregate'], (row) => isSteadyFunction(String(row.name)))).toEqual([])
  const called = (definition: unknown) => [...String(definition).matchAll(/(\w+)"?\(/g)].map(([, name]) => name!)
  const calling = named(
    ['macro'],
    ({ name, definition }) => isAllowedFunction(String(name)) && called(definition).some((one) => !isSteadyFunction(one)),
  )
  expect(calling).toContain('geomean')
  expect(calling.filter(isSteadyFunction)).toEqual([])
  const notAllowed = named(['scalar', 'aggregate', 'macro'], (row) => !isAllowedFunction(String(row.name)))
  expect(notAllowed.filter((name) => !/^(__internal_|icu_collate_|has_|pg_|inet_)/.test(name))).toEqual([
    'col_description',
    'create_sort_key',
    'current_connection_id',
    'current_query',
    'current_query_id',
    'current_setting',
    'current_transaction_id',
    'currval',
    'get_block_size',
    'getvariable',
    'in_search_path',
    'json_deserialize_sql',
    'json_serialize_plan',
    'json_serialize_sql',
    'nextval',
    'obj_description',
    'parse_duckdb_log_message',
    'shobj_description',
    'sleep_ms',
    'stats',
    'txid_current',
    'write_log',
  ])
})
