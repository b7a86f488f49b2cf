import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isValidName, quoteIdentifier, quoteLiteral, quoteValue } from '../../src/schema/quoting.ts'

const odd = ['x"; DROP TABLE t; --', "it's", '__proto__', 'a.b', '`c`', 'line\nbreak', '🚀', '\\', '$1', '/*', ' ', 'select']

it('DuckDB reads every quoted name and text back as it was', async () => {
  const connection = await (await DuckDBInstance.create()).connect()
  const texts = [...odd, ...fc.sample(fc.string({ unit: 'binary', minLength: 1 }), 300).filter(isValidName)]
  for (const text of texts) {
    const result = await connection.runAndReadAll(`SELECT ${quoteLiteral(text)} AS ${quoteIdentifier(text)}`)
    expect([result.columnNames()[0], result.getRows()[0]![0]]).toEqual([text, text])
  }
  expect((await connection.runAndReadAll(`SELECT ${quoteLiteral('')}`)).getRows()).toEqual([['']])
  connection.closeSync()
})

it('a text with a NUL is a value, alone and beside operators', async () => {
  const connection = await (await DuckDBInstance.create()).connect()
  for (const text of ['\0', 'a\0b', "'\0\0'", 'plain'])
    expect((await connection.runAndReadAll(`SELECT 'x' || ${quoteValue(text)}`)).getRows()).toEqual([[`x${text}`]])
  connection.closeSync()
  expect(() => quoteValue('\ud800\0')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

it.each(['a\0b', '\ud800', 'x\udc00y'])('refuses %j, which no SQL text can hold', (text) => {
  expect(isValidName(text)).toBe(false)
  expect(() => quoteIdentifier(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  expect(() => quoteLiteral(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

it('refuses an empty name', () => {
  expect(() => quoteIdentifier('')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})
