/** A file read by its own schema gives the rows that it gives with its columns listed, or none. */
import { afterAll, beforeAll, expect, it, test } from 'vitest'
import { type Connection, trustedEngine } from '../../../src/engine/index.ts'
import { Session } from '../../../src/query/index.ts'
import { relationSql } from '../../../src/query/relation/relation.ts'
import { quoteLiteral } from '../../../src/schema/quoting.ts'
import type { DataType, StructType } from '../../../src/schema/types.ts'
import { makeTarget, rowsOf, schemaOf, tableFolder, tableOf } from '../tools.ts'

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

let count = 0

async function write(select: string, options = ''): Promise<string> {
  const path = `${folder.path}/file-${count++}.parquet`
  await connection.run(`COPY (${select}) TO ${quoteLiteral(path)} (FORMAT parquet${options})`)
  return path
}

/** The text that reads a file; `asWritten` is the form that is tested. */
function relation(schema: StructType, path: string, asWritten: boolean, partition: Readonly<Record<string, string>> = {}): string {
  const file = { path: 'a', size: 0, partitionValues: partition, numRecords: undefined, deletionVector: undefined }
  return relationSql({ schema, partitionColumns: Object.keys(partition), properties: {}, files: [file], paths: [path], asWritten })
}

/** The rows as text with their types, or the failure. */
async function outcome(sql: string): Promise<unknown> {
  try {
    const rows = await connection.all(`SELECT typeof(COLUMNS(*)) AS 'type \\0', CAST(COLUMNS(*) AS VARCHAR) AS 'value \\0' FROM (${sql})`)
    return rows
  } catch {
    return 'failed'
  }
}

const columnsOfFiles: Readonly<Record<string, readonly string[]>> = {
  BOOLEAN: ['true', 'false'],
  TINYINT: ['-128', '127'],
  SMALLINT: ['-32768', '5'],
  INTEGER: ['2147483647', '0'],
  BIGINT: ['9223372036854775807', '-3'],
  HUGEINT: ['170141183460469231731687303715884105727', '1'],
  UTINYINT: ['255', '0'],
  UINTEGER: ['4294967295', '0'],
  UBIGINT: ['18446744073709551615', '7'],
  FLOAT: ["'NaN'", '1.5'],
  DOUBLE: ["'-Infinity'", '-0.0', '1e300'],
  'DECIMAL(4,1)': ['999.9', '-0.5'],
  'DECIMAL(18,6)': ['123456789012.123456'],
  'DECIMAL(38,10)': ['1234567890123456789012345678.0123456789'],
  VARCHAR: ["'12'", "'2020-02-29'", "'zwölf'", "''", "'true'"],
  BLOB: ["'\\xFF'", "'12'"],
  DATE: ["'2020-02-29'", "'1969-12-31'", "'infinity'"],
  TIMESTAMP: ["'2020-02-29 12:34:56.789012'", "'1900-01-01 00:00:00'"],
  TIMESTAMPTZ: ["'2020-02-29 23:59:59.999999+00'", "'1969-12-31 23:59:59+00'"],
  TIMESTAMP_NS: ["'2020-02-29 12:34:56.123456789'"],
  TIMESTAMP_MS: ["'2020-02-29 12:34:56.123'"],
  TIME: ["'12:34:56'"],
  UUID: ["'00000000-0000-0000-0000-00000000000f'"],
  INTERVAL: ["'3 days'"],
  JSON: [`'{"a": 1}'`],
  'INTEGER[]': ['[1, 2]'],
  'STRUCT(a INTEGER)': ["{'a': 1}"],
  "ENUM('x', '12')": ["'x'", "'12'"],
}

const typesOfTables: readonly DataType[] = [
  ...([
    'boolean',
    'byte',
    'short',
    'integer',
    'long',
    'float',
    'double',
    'string',
    'binary',
    'date',
    'timestamp',
    'timestamp_ntz',
  ] as const),
  'decimal(4,1)',
  'decimal(20,2)',
  'decimal(38,10)',
]

test.each(Object.entries(columnsOfFiles))('a column %s, read as each type', async (type, values) => {
  for (const value of [undefined, ...values]) {
    const path = await write(`SELECT 1 AS i, CAST(${value ?? 'NULL'} AS ${type}) AS c UNION ALL SELECT 2, NULL`)
    for (const wanted of typesOfTables) {
      for (const schema of [schemaOf({ c: wanted, i: 'long' }), schemaOf({ c: wanted, s: 'string', b: 'binary' })]) {
        const present = { ...schema, fields: schema.fields.filter(({ name }) => name === 'c' || name === 'i') }
        const listed = await outcome(relation(present, path, false))
        expect([type, value, wanted, await outcome(relation(present, path, true))]).toEqual([type, value, wanted, listed])
      }
    }
  }
})

it('casts to another type here and there', async () => {
  const path = await write('SELECT 5::INTEGER AS c')
  const [row] = (await outcome(relation(schemaOf({ c: 'long' }), path, true))) as [Record<string, string>]
  expect(row).toEqual({ 'type c': 'BIGINT', 'value c': '5' })
})

it('finds names whatever their case', async () => {
  const path = await write('SELECT 5 AS "ID", 6 AS "Ümlaut x"')
  const schema = schemaOf({ id: 'long', 'Ümlaut x': 'long' })
  expect(relation(schema, path, true)).not.toContain('schema =')
  expect(await outcome(relation(schema, path, true))).toEqual(await outcome(relation(schema, path, false)))
})

it('reads partition values from the log, and marks no text as bytes', async () => {
  const path = await write(`SELECT encode('zwölf') AS t`)
  const schema = schemaOf({ t: 'string', day: 'date' })
  const rows = await outcome(relation(schema, path, true, { day: '2020-01-31' }))
  expect(rows).toEqual([{ 'type t': 'VARCHAR', 'value t': 'zwölf', 'type day': 'DATE', 'value day': '2020-01-31' }])
  const alone = schemaOf({ day: 'date' })
  expect(await outcome(relation(alone, path, true, { day: '2020-01-31' }))).toEqual([{ 'type day': 'DATE', 'value day': '2020-01-31' }])
})

it('takes nothing else for a column that the file lacks', async () => {
  const path = await write(`SELECT 5 AS id, {'y': 1} AS s`)
  const around = `(SELECT 7 AS y, {'y': 8} AS f, {'y': 9} AS s) AS f`
  for (const name of ['y', 'f', 'rowid', 'id_1', 'filename', 'file_row_number', 'file_index', 'FileName']) {
    const sql = relation(schemaOf({ id: 'long', [name]: 'string' }), path, true)
    if (/^(file|row)/i.test(name)) expect(sql).toContain('schema =')
    else
      for (const text of [sql, `SELECT * FROM ${around}, (${sql}) AS t`, `SELECT (SELECT count(*) FROM (${sql})) FROM ${around}`]) {
        await expect(connection.all(text)).rejects.toMatchObject({ code: 'SQL_ERROR' })
      }
  }
})

it('gives NULL in a query where a file lacks a column, of one file and of many', async () => {
  const files = [
    { sql: 'SELECT 1 AS i' },
    { sql: 'SELECT 2 AS i, 20::INTEGER AS later' },
    { sql: "SELECT 3 AS i, 30 AS later, 'x' AS filename" },
  ]
  const target = await makeTarget(`${folder.path}/later`, schemaOf({ i: 'integer', later: 'long', filename: 'string' }), files)
  const session = new Session([tableOf('t', target)], {})
  const all = [
    { i: 1, later: null, filename: null },
    { i: 2, later: 20n, filename: null },
    { i: 3, later: 30n, filename: 'x' },
  ]
  expect(await rowsOf(session, 'FROM t ORDER BY i')).toEqual(all)
  for (const row of all) {
    expect(await rowsOf(session, `FROM t WHERE i = ${row.i}`)).toEqual([row])
    expect(await rowsOf(session, `SELECT later, i FROM t WHERE i = $1`, { params: [row.i] })).toEqual([{ later: row.later, i: row.i }])
    expect(await rowsOf(session, `SELECT u.later FROM t AS u, (SELECT 5 AS later) WHERE i = ${row.i}`)).toEqual([{ later: row.later }])
  }
  await expect(rowsOf(session, 'SELECT nothing FROM t WHERE i = 1')).rejects.toMatchObject({ code: 'SQL_ERROR', message: /later/ })
})
