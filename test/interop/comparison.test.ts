/** The comparison that all interop tests stand on must fail where rows differ: every small difference that an engine could make is tried. */
import { describe, expect, it } from 'vitest'
import { sameRows } from './peers/canonical.ts'
import { duckDelta } from './peers/peer.ts'

const value = (expression: string): string => `SELECT 1 AS id, ${expression} AS v UNION ALL SELECT 2, NULL`

const differences: readonly (readonly [what: string, a: string, b: string])[] = [
  ['the last bit of a double', '0.1::DOUBLE + 0.2::DOUBLE', '0.3::DOUBLE'],
  ['the sign of zero', '-0.0::DOUBLE', '0.0::DOUBLE'],
  ['NaN beside NULL', `'NaN'::DOUBLE`, 'NULL::DOUBLE'],
  ['infinity beside the largest', `'Infinity'::DOUBLE`, '1.7976931348623157e308::DOUBLE'],
  ['the last bit of a float', '0.1::FLOAT', '0.10000001::FLOAT'],
  ['a long above 2^53', '9007199254740993::BIGINT', '9007199254740992::BIGINT'],
  [
    'the last digit of a decimal',
    '1234567890123456789012345678901234.5678::DECIMAL(38,4)',
    '1234567890123456789012345678901234.5679::DECIMAL(38,4)',
  ],
  ['the scale of a decimal', '12.3::DECIMAL(10,1)', '12.30::DECIMAL(10,2)'],
  ['a number beside its text', '5::INTEGER', `'5'`],
  ['an empty string beside NULL', `''`, 'NULL::VARCHAR'],
  ['a trailing space', `'a'`, `'a '`],
  ['composed and decomposed letters', `'é'`, `'e\u0301'`],
  ['a NUL inside a string', `'a' || chr(0)`, `'a'`],
  ['bytes beside text', `'a'::BLOB`, `'a'`],
  ['a byte', `'\\x00\\xFF'::BLOB`, `'\\x00\\xFE'::BLOB`],
  ['a day', `DATE '1969-12-31'`, `DATE '1970-01-01'`],
  ['a microsecond before the epoch', `TIMESTAMPTZ '1960-01-01 00:00:00.123456Z'`, `TIMESTAMPTZ '1960-01-01 00:00:00.123457Z'`],
  ['an hour of a zone', `TIMESTAMPTZ '2026-01-01 00:00:00+00'`, `TIMESTAMPTZ '2026-01-01 00:00:00+01'`],
  ['an instant beside a local time', `TIMESTAMPTZ '2026-01-01 00:00:00Z'`, `TIMESTAMP '2026-01-01 00:00:00'`],
  ['the order of an array', '[1, 2]', '[2, 1]'],
  ['NULL in an array', '[1, NULL]', '[1]'],
  ['an empty array beside NULL', '[]::INTEGER[]', 'NULL::INTEGER[]'],
  ['a value of a map', `MAP {'a': 1, 'b': 2}`, `MAP {'a': 1, 'b': 3}`],
  ['a field of a struct', `{'a': 1, 'b': 2}`, `{'a': 1, 'b': NULL}`],
  ['the name of a field', `{'a': 1}`, `{'A': 1}`],
  ['a struct of NULL beside NULL', `{'a': NULL::INTEGER}`, 'NULL::STRUCT(a INTEGER)'],
]

describe('the comparison of rows', () => {
  it.each(differences)('sees %s', async (_, a, b) => {
    const [left, same, right] = await Promise.all([value(a), value(a), value(b)].map((query) => duckDelta.canonical(query)))
    expect(() => sameRows(same!, left!, 'the same')).not.toThrow()
    expect(() => sameRows(right!, left!, 'another')).toThrow(/was expected/)
  })

  it('sees a row that is missing, twice, or split otherwise, and the name of a column', async () => {
    const rows = await duckDelta.canonical('SELECT i AS id, i % 3 AS v FROM range(10) t(i)')
    expect(() => sameRows([...rows].reverse(), rows, 'another order')).not.toThrow()
    expect(() => sameRows(rows.slice(1), rows, 'one missing')).toThrow(/9 rows beside 10 expected/)
    expect(() => sameRows([...rows, rows[0]!], rows, 'one twice')).toThrow(/11 rows beside 10 expected/)
    expect(() => sameRows([rows[0]!, rows[0]!, ...rows.slice(2)], rows, 'one instead of another')).toThrow(/was expected/)
    const renamed = await duckDelta.canonical('SELECT i AS id, i % 3 AS "V" FROM range(10) t(i)')
    expect(() => sameRows(renamed, rows, 'a name')).toThrow(/was expected/)
  })
})
