import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { field, struct } from '../../src/schema/schema-json.ts'
import { decimalParts, toSqlType } from '../../src/schema/sql-type.ts'
import { schemas } from './arbitrary.ts'

it('spells every type as DuckDB does', async () => {
  const connection = await (await DuckDBInstance.create()).connect()
  const typed = async (sqlType: string) =>
    (await connection.runAndReadAll(`SELECT CAST(NULL AS ${sqlType}) AS c`)).columnTypes()[0]!.toString()
  for (const schema of fc.sample(schemas, 100)) {
    const sqlType = toSqlType(schema)
    expect(await typed(sqlType)).toBe(sqlType.replaceAll('TIMESTAMPTZ', 'TIMESTAMP WITH TIME ZONE'))
  }
  expect(await typed(toSqlType('timestamp'))).toBe('TIMESTAMP WITH TIME ZONE')
  expect(await typed(toSqlType('timestamp_ntz'))).toBe('TIMESTAMP')
  expect((await connection.runAndReadAll(`SELECT typeof(CAST(NULL AS ${toSqlType('void')}))`)).getRows()).toEqual([['"NULL"']])
  expect(await typed(toSqlType('variant'))).toBe('VARIANT')
  expect(
    await typed(
      toSqlType(
        struct(field('a"b', 'decimal(38,10)'), field('m', { type: 'map', keyType: 'string', valueType: 'byte', valueContainsNull: true })),
      ),
    ),
  ).toBe('STRUCT("a""b" DECIMAL(38,10), "m" MAP(VARCHAR, TINYINT))')
  connection.closeSync()
})

it('refuses an empty struct', () => {
  expect(() => toSqlType(struct())).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_TYPE' }))
})

it('takes a decimal apart', () => {
  expect(decimalParts('decimal(38,10)')).toEqual({ precision: 38, scale: 10 })
  expect(decimalParts('long')).toBeUndefined()
})
