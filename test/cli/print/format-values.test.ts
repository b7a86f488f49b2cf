import {
  Binary,
  Bool,
  type Data,
  DateDay,
  Decimal,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  Null,
  Struct,
  TimeMicrosecond,
  Timestamp,
  TimeUnit,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { jsonCells, textCells } from '../../../src/cli/print/format-values.ts'

const all = <Cell>(cells: (row: number) => Cell, length: number): Cell[] => Array.from({ length }, (_, row) => cells(row))
const json = (data: Data) => all(jsonCells(data), data.length)
const text = (data: Data) => all(textCells(data), data.length)
const only = (vector: { data: readonly Data[] }): Data => vector.data[0] as Data

describe('values as text', () => {
  test('64-bit integers keep all digits', () => {
    const big = only(vectorFromArray([9007199254740993n, -9223372036854775808n, null], new Int64()))
    expect(text(big)).toEqual(['9007199254740993', '-9223372036854775808', null])
    expect(json(big)).toEqual(['9007199254740993', '-9223372036854775808', 'null'])
    expect(text(only(vectorFromArray([18446744073709551615n], new Uint64())))).toEqual(['18446744073709551615'])
  })

  test('doubles and floats are the shortest text that reads back, and keep a point', () => {
    const doubles = [1, 0.1, -0, 1e300, 5e-324, 123456789012345680, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    const data = only(vectorFromArray(doubles, new Float64()))
    expect(text(data)).toEqual(['1.0', '0.1', '-0.0', '1e+300', '5e-324', '123456789012345680', 'NaN', 'Infinity', '-Infinity'])
    expect(json(data).slice(-3)).toEqual(['"NaN"', '"Infinity"', '"-Infinity"'])
    expect(
      json(data)
        .slice(0, -3)
        .map((cell) => JSON.parse(cell)),
    ).toEqual(doubles.slice(0, -3))
    const floats = only(vectorFromArray([0.1, 16777216, 3.4028235e38, 1e-45, -0, 0.30000001192092896].map(Math.fround), new Float32()))
    expect(text(floats)).toEqual(['0.1', '16777216.0', '3.4028235e+38', '1e-45', '-0.0', '0.3'])
  })

  test('decimals are exact to the last digit', () => {
    const words = (value: bigint) => Array.from({ length: 4 }, (_, at) => Number(BigInt.asUintN(32, value >> BigInt(32 * at))))
    const values = [1230n, -5n, 99999999999999999999999999999999999999n, 0n]
    const data = makeData({ type: new Decimal(2, 38), length: 4, data: Uint32Array.from(values.flatMap(words)) })
    expect(text(data)).toEqual(['12.30', '-0.05', '999999999999999999999999999999999999.99', '0.00'])
    expect(json(data)).toEqual(['12.30', '-0.05', '999999999999999999999999999999999999.99', '0.00'])
  })

  test('dates and timestamps are ISO 8601, before 1970 and beyond year 9999 too', () => {
    expect(text(makeData({ type: new DateDay(), length: 5, data: Int32Array.of(0, -1, 19797, -719528, 2932897) }))).toEqual([
      '1970-01-01',
      '1969-12-31',
      '2024-03-15',
      '0000-01-01',
      '+010000-01-01',
    ])
    const micros = BigInt64Array.of(0n, -1n, 1710496800123456n, 1710496800123000n, -62135596800000000n)
    expect(json(makeData({ type: new Timestamp(TimeUnit.MICROSECOND, 'UTC'), length: 5, data: micros }))).toEqual([
      '"1970-01-01T00:00:00Z"',
      '"1969-12-31T23:59:59.999999Z"',
      '"2024-03-15T10:00:00.123456Z"',
      '"2024-03-15T10:00:00.123Z"',
      '"0001-01-01T00:00:00Z"',
    ])
    expect(text(makeData({ type: new Timestamp(TimeUnit.MICROSECOND, null), length: 2, data: micros.slice(1, 3) }))).toEqual([
      '1969-12-31T23:59:59.999999',
      '2024-03-15T10:00:00.123456',
    ])
    expect(text(makeData({ type: new TimeMicrosecond(), length: 1, data: BigInt64Array.of(86399000001n) }))).toEqual(['23:59:59.000001'])
  })

  test('strings are quoted in JSON, bytes are base64', () => {
    const strings = only(vectorFromArray(['a"b', 'ünï\n', '', null, '__proto__', '日本'], new Utf8()))
    expect(text(strings)).toEqual(['a"b', 'ünï\n', '', null, '__proto__', '日本'])
    expect(json(strings).map((cell) => JSON.parse(cell))).toEqual(text(strings))
    expect(json(only(vectorFromArray([Uint8Array.of(0, 255, 16), Uint8Array.of()], new Binary())))).toEqual(['"AP8Q"', '""'])
    expect(json(only(vectorFromArray([true, false, null], new Bool())))).toEqual(['true', 'false', 'null'])
    expect(json(makeData({ type: new Null(), length: 2 }))).toEqual(['null', 'null'])
  })

  test('nested values are JSON', () => {
    const struct = new Struct([new Field('__proto__', new Int64()), new Field('s', new Utf8())])
    const lists = only(vectorFromArray([[{ ['__proto__']: 1n, s: 'x' }, null], [], null], new List(new Field('element', struct))))
    expect(json(lists)).toEqual(['[{"__proto__":1,"s":"x"},null]', '[]', 'null'])
    const entries = new Struct([new Field('key', new Utf8()), new Field('value', new Float64())]) as Struct<{ key: Utf8; value: Float64 }>
    const maps = only(
      vectorFromArray(
        [
          new Map([
            ['a', 1.5],
            ['b', Number.NaN],
          ]),
          new Map(),
        ],
        new Map_(new Field('entries', entries)),
      ),
    )
    expect(json(maps)).toEqual(['{"a":1.5,"b":"NaN"}', '{}'])
    const pairs = only(
      vectorFromArray(
        [
          [1, 2],
          [3, 4],
        ],
        new FixedSizeList(2, new Field('element', new Int32())),
      ),
    )
    expect(text(pairs)).toEqual(['[1,2]', '[3,4]'])
  })

  test('a slice of a batch gives the values of the slice', () => {
    for (const data of [
      only(vectorFromArray([1n, null, 3n, 4n, null], new Int64())),
      only(vectorFromArray(['a', null, 'c', 'd', null], new Utf8())),
      only(vectorFromArray([true, null, true, false, null], new Bool())),
      only(vectorFromArray([[1], null, [3, 4], [], null], new List(new Field('element', new Int32())))),
      only(vectorFromArray([{ a: 1 }, null, { a: 3 }, { a: null }, null], new Struct([new Field('a', new Int32())]))),
    ]) {
      const whole = text(data)
      expect(text(data.slice(2, 3))).toEqual(whole.slice(2))
      expect(text(data.slice(1, 3).slice(1, 1))).toEqual(whole.slice(2, 3))
    }
  })
})
