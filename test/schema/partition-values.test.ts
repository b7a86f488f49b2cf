import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  parsePartitionValue,
  partitionValueFromText,
  partitionValueToText,
  serializePartitionValue,
} from '../../src/schema/partition-values.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import { struct } from '../../src/schema/schema-json.ts'
import { toSqlType } from '../../src/schema/sql-type.ts'
import { formatDate } from '../../src/schema/temporal.ts'
import type { DataType, PrimitiveType } from '../../src/schema/types.ts'
import { decimals } from './arbitrary.ts'
import { present } from './values.ts'

let connection: DuckDBConnection
beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect()
  await connection.run("SET TimeZone = 'UTC'")
})
const column = async (sql: string) => (await connection.runAndReadAll(sql)).getRows().map((row) => row[0])

/** Texts through the SQL that reads them and the SQL that writes them. */
const throughSql = (texts: readonly (string | null)[], type: DataType) => {
  const values = texts.map((text) => (text === null ? '(NULL)' : `(${quoteLiteral(text)})`)).join(', ')
  return column(
    `SELECT ${partitionValueToText('v', type)} FROM (SELECT ${partitionValueFromText('t', type)} AS v FROM (VALUES ${values}) AS texts(t))`,
  )
}

const types: readonly PrimitiveType[] = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'date',
  'timestamp',
  'timestamp_ntz',
]

describe('partition values', () => {
  it.each([...types, ...fc.sample(decimals, 5)])('of %s: JavaScript, SQL and reading back agree', async (type) => {
    const samples = fc.sample(present(type), 500).map((sample) => sample.given)
    // SQL text cannot hold NUL; DuckDB can, and the log as well.
    const texts = samples.map((value) => serializePartitionValue(value, type)).filter((text) => text !== null && !text.includes('\0'))
    expect(await throughSql(texts, type)).toEqual(texts)
    expect(texts.map((text) => serializePartitionValue(parsePartitionValue(text, type), type))).toEqual(texts)
  })

  it('of a float: every power of two has the same text', async () => {
    for (const [type, lowest, highest] of [
      ['float', -149, 127],
      ['double', -1074, 1023],
    ] as const) {
      const powers = Array.from({ length: highest - lowest + 1 }, (_, index) => 2 ** (lowest + index))
      const texts = powers.map((power) => serializePartitionValue(power, type))
      expect(await throughSql(texts, type)).toEqual(texts)
      expect(texts.map((text) => parsePartitionValue(text, type))).toEqual(powers)
    }
  })

  it('of every day of four hundred years are real days', async () => {
    const start = -719_528
    const days = await column(
      `SELECT ${partitionValueToText("DATE '1970-01-01' + CAST(d AS INTEGER)", 'date')} FROM range(${start}, ${start + 146_097 + 366}) AS days(d)`,
    )
    expect(days).toEqual(Array.from({ length: 146_097 + 366 }, (_, index) => formatDate(start + index)))
  })

  it.each<[unknown, DataType, string | null]>([
    [null, 'long', null],
    [undefined, 'string', null],
    ['', 'string', null],
    ['null', 'string', 'null'],
    [' ', 'string', ' '],
    [new Uint8Array(), 'binary', null],
    [new TextEncoder().encode('\u0001\u0002é\ufeff'), 'binary', '\u0001\u0002é\ufeff'],
    [-0, 'double', '-0.0'],
    [1, 'double', '1.0'],
    [1e16, 'double', '10000000000000000.0'],
    [2 ** 81, 'double', '2.4178516392292583e24'],
    [5e-324, 'double', '5e-324'],
    [NaN, 'double', 'NaN'],
    [Infinity, 'float', 'Infinity'],
    [-Infinity, 'double', '-Infinity'],
    [0.1, 'float', '0.10000000149011612'],
    ['-0.25', 'decimal(2,2)', '-0.25'],
    ['0', 'decimal(38,38)', `0.${'0'.repeat(38)}`],
    [true, 'boolean', 'true'],
    [9007199254740993n, 'long', '9007199254740993'],
    ['1.5', 'decimal(38,3)', '1.500'],
    [-1n, 'timestamp', '1969-12-31T23:59:59.999999Z'],
    [0n, 'timestamp', '1970-01-01T00:00:00.000000Z'],
    [123456n, 'timestamp_ntz', '1970-01-01 00:00:00.123456'],
    [new Date('-000044-03-15'), 'date', '-0044-03-15'],
    [new Date('+010000-01-01'), 'date', '+10000-01-01'],
    [new Date('0000-02-29'), 'date', '0000-02-29'],
  ])('%o of %s is %o, in SQL too', async (value, type, text) => {
    expect(serializePartitionValue(value, type)).toBe(text)
    expect(await throughSql([text], type)).toEqual([text])
    expect(serializePartitionValue(parsePartitionValue(text, type), type)).toBe(text)
  })

  it.each<[string, DataType, unknown]>([
    ['1970-01-01 00:00:00', 'timestamp', 0n],
    ['1970-01-01 00:00:00.123456', 'timestamp', 123456n],
    ['1970-01-01T00:00:00.123456Z', 'timestamp', 123456n],
    ['1970-01-01T02:00:00+02:00', 'timestamp', 0n],
    ['1970-01-01 00:00:00.5', 'timestamp_ntz', 500000n],
    ['1969-12-31T23:59:59.999999Z', 'timestamp', -1n],
  ])('the other spelling %s of a %s is read, in SQL too', async (text, type, micros) => {
    expect(parsePartitionValue(text, type)).toBe(micros)
    expect(await column(`SELECT epoch_us(${partitionValueFromText(quoteLiteral(text), type)})`)).toEqual([micros])
  })

  it.each<[string, DataType, unknown]>([
    ['1.0E10', 'double', 1e10],
    ['inf', 'float', Infinity],
    ['-infinity', 'double', -Infinity],
    ['nan', 'double', NaN],
    ['TRUE', 'boolean', true],
    ['+5', 'short', 5],
    ['12.3', 'decimal(5,2)', '12.30'],
  ])('what other writers put, %s of a %s, is read, in SQL too', async (text, type, value) => {
    expect(parsePartitionValue(text, type)).toEqual(value)
    const [again] = await column(`SELECT ${partitionValueToText(partitionValueFromText(quoteLiteral(text), type), type)}`)
    expect(parsePartitionValue(again as string, type)).toEqual(value)
  })

  it('have the type of the column in SQL, and NULL for NULL and the empty string', async () => {
    for (const type of [...types, 'binary', 'decimal(20,4)'] as const) {
      expect(await column(`SELECT typeof(${partitionValueFromText("''", type)})`)).toEqual(
        await column(`SELECT typeof(CAST(NULL AS ${toSqlType(type)}))`),
      )
      expect(await throughSql([null, ''], type)).toEqual([null, null])
    }
    expect(parsePartitionValue('', 'long')).toBeNull()
  })

  it.each<[string, DataType]>([
    ['x', 'long'],
    ['1.5', 'integer'],
    ['9223372036854775808', 'long'],
    ['2021-02-29', 'date'],
    ['yes', 'boolean'],
    ['1.234', 'decimal(5,2)'],
    ['', 'double'],
  ])('%j is no %s', (text, type) => {
    if (text === '') expect(parsePartitionValue(text, type)).toBeNull()
    else
      expect(() => parsePartitionValue(text, type, 'p')).toThrow(
        expect.objectContaining({ data: expect.objectContaining({ column: 'p' }) }),
      )
  })

  it('cannot be of nested types, nor bytes that are no text', () => {
    for (const type of [struct(), 'variant', 'void'] as const) {
      expect(() => serializePartitionValue({}, type)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_TYPE' }))
      expect(() => partitionValueToText('v', type)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_TYPE' }))
      expect(() => partitionValueFromText('v', type)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_TYPE' }))
    }
    expect(() => serializePartitionValue(new Uint8Array([0xff]), 'binary')).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
  })
})
