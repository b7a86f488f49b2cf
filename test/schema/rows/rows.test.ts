import * as arrow from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchToRows, inferSchema, type Row, rowsToBatch } from '../../../src/schema/rows/rows.ts'
import { field, struct } from '../../../src/schema/schema-json.ts'
import type { DataType, StructType } from '../../../src/schema/types.ts'
import { schemas } from '../arbitrary.ts'
import { record } from '../values.ts'

const roundTrip = (rows: readonly Row[], schema: StructType) => batchToRows(rowsToBatch(rows, schema))
const one = (value: unknown, type: DataType) => roundTrip([{ c: value }], struct(field('c', type)))[0]!.c
const own = (name: string, value: unknown): Row => Object.fromEntries([[name, value]])

describe('rowsToBatch and batchToRows', () => {
  it('give every row back, whatever its types and names', () => {
    const tables = schemas.chain((schema) => fc.array(record(schema.fields), { maxLength: 20 }).map((samples) => ({ schema, samples })))
    fc.assert(
      fc.property(tables, fc.boolean(), ({ schema, samples }, sliced) => {
        const batch = rowsToBatch(
          samples.map((sample) => sample.given as Row),
          schema,
        )
        const bytes = arrow.tableToIPC(new arrow.Table([batch]), 'stream')
        const back = samples.map((sample) => sample.back)
        expect(batchToRows(batch)).toEqual(back)
        expect(arrow.tableFromIPC(bytes).batches.flatMap(batchToRows)).toEqual(back)
        const middle = Math.floor(samples.length / 2)
        if (sliced) expect([...batchToRows(batch.slice(0, middle)), ...batchToRows(batch.slice(middle))]).toEqual(back)
      }),
      { numRuns: 300 },
    )
  })

  it('keep microseconds in the batch, before 1970 too, and floor them in Dates', () => {
    const schema = struct(field('t', 'timestamp'), field('n', 'timestamp_ntz'))
    const batch = rowsToBatch([{ t: -1n, n: '1969-12-31T23:59:59.999999' }], schema)
    expect(batch.data.children.map((child) => child.values[0])).toEqual([-1n, -1n])
    expect(batchToRows(batch)).toEqual([{ t: new Date(-1), n: new Date(-1) }])
  })

  it('keep -0, NaN and the infinities', () => {
    const rows = [-0, NaN, Infinity, -Infinity].map((d) => ({ d }))
    expect(roundTrip(rows, struct(field('d', 'double'))).map((row) => Object.is(row.d, -0) || row.d)).toEqual([
      true,
      NaN,
      Infinity,
      -Infinity,
    ])
  })

  it('pack long and foreign text', () => {
    const rows = ['é'.repeat(700_000), 'x'.repeat(2_000_000), null, '', '🚀', 'a\0b'].map((s) => ({ s }))
    expect(roundTrip(rows, struct(field('s', 'string')))).toEqual(rows)
  })

  it('take a property called __proto__, and never what stands on a prototype', () => {
    const schema = struct(field('__proto__', 'long'), field('constructor', 'string'), field('s', struct(field('__proto__', 'string'))))
    const back = roundTrip([JSON.parse('{"__proto__":1,"s":{"__proto__":"x"}}'), {}], schema)
    expect(Object.entries(back[0]!)).toEqual([
      ['__proto__', 1n],
      ['constructor', null],
      ['s', own('__proto__', 'x')],
    ])
    expect(Object.keys(back[0]!.s as object)).toEqual(['__proto__'])
    expect(Object.getOwnPropertyDescriptor(back[1], '__proto__')?.value).toBeNull()
  })

  it('take instances of classes: properties and getters, not methods', () => {
    class Sale {
      id = 7
      get total() {
        return 1.5
      }
      note() {
        return 'x'
      }
    }
    const schema = struct(field('id', 'integer'), field('total', 'double'), field('note', 'string'))
    expect(roundTrip([new Sale() as unknown as Row, Object.assign(Object.create(null), { id: 1 })], schema)).toEqual([
      { id: 7, total: 1.5, note: null },
      { id: 1, total: null, note: null },
    ])
  })

  it('find columns without regard to case, but never two for one', () => {
    const schema = struct(field('Id', 'long'), field('s', struct(field('X', 'long'))))
    expect(roundTrip([{ ID: 1, s: { x: 2 } }, { Id: 3 }, { id: 4, Id: undefined }], schema)).toEqual([
      { Id: 1n, s: { X: 2n } },
      { Id: 3n, s: null },
      { Id: 4n, s: null },
    ])
    expect(() => rowsToBatch([{ Id: 1 }, { ID: 1, id: 2 }], schema)).toThrow(
      expect.objectContaining({ code: 'DUPLICATE_COLUMN', data: { columns: ['ID', 'id'], row: 2 } }),
    )
  })

  it.each<[unknown, DataType, unknown]>([
    [5, 'long', 5n],
    [5n, 'integer', 5],
    [2n ** 60n, 'double', 2 ** 60],
    [0.1, 'float', Math.fround(0.1)],
    ['+1.5e1', 'decimal(5,2)', '15.00'],
    [12.3, 'decimal(5,2)', '12.30'],
    [-7n, 'decimal(5,2)', '-7.00'],
    ['-.5', 'decimal(2,2)', '-0.50'],
    ['99999999999999999999999999999999999999', 'decimal(38,0)', '99999999999999999999999999999999999999'],
    ['2020-02-29', 'date', new Date('2020-02-29')],
    [-86_400_000_000n, 'date', new Date('1969-12-31')],
    ['0001-01-01', 'date', new Date('0001-01-01')],
    ['2020-01-01 10:00', 'timestamp', new Date('2020-01-01T10:00:00Z')],
    ['2020-01-01T10:00:00.123456000+02:30', 'timestamp', new Date('2020-01-01T07:30:00.123Z')],
    ['2020-01-01', 'timestamp', new Date('2020-01-01')],
    ['2020-01-01T00:00:00Z', 'timestamp_ntz', new Date('2020-01-01')],
    [[['a', 1]], { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }, new Map([['a', 1n]])],
    [
      JSON.parse('{"__proto__":1}'),
      { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true },
      new Map([['__proto__', 1n]]),
    ],
    [new Float32Array([1.5, -0]), { type: 'array', elementType: 'float', containsNull: false }, [1.5, -0]],
    [new Int16Array([1, 2]), { type: 'array', elementType: 'long', containsNull: false }, [1n, 2n]],
    [
      { metadata: new Uint8Array([1, 0, 0]), value: new Uint8Array([12, 1]) },
      'variant',
      { metadata: new Uint8Array([1, 0, 0]), value: new Uint8Array([12, 1]) },
    ],
    [undefined, 'void', null],
  ])('takes %o as %o', (given, type, back) => {
    expect(one(given, type)).toEqual(back)
  })

  it.each<[unknown, DataType, string]>([
    [1.5, 'long', 'INVALID_VALUE'],
    [2 ** 53, 'long', 'VALUE_OUT_OF_RANGE'],
    [2n ** 63n, 'long', 'VALUE_OUT_OF_RANGE'],
    [-(2n ** 63n) - 1n, 'long', 'VALUE_OUT_OF_RANGE'],
    ['5', 'long', 'INVALID_VALUE'],
    [128, 'byte', 'VALUE_OUT_OF_RANGE'],
    [-32769, 'short', 'VALUE_OUT_OF_RANGE'],
    [2 ** 31, 'integer', 'VALUE_OUT_OF_RANGE'],
    [1e39, 'float', 'VALUE_OUT_OF_RANGE'],
    [2n ** 53n + 1n, 'double', 'VALUE_OUT_OF_RANGE'],
    [0.125, 'decimal(5,2)', 'INVALID_VALUE'],
    ['1.234', 'decimal(5,2)', 'INVALID_VALUE'],
    [1000, 'decimal(5,2)', 'VALUE_OUT_OF_RANGE'],
    ['1000', 'decimal(5,2)', 'VALUE_OUT_OF_RANGE'],
    ['1e9999', 'decimal(5,2)', 'INVALID_VALUE'],
    ['', 'decimal(5,2)', 'INVALID_VALUE'],
    [NaN, 'decimal(5,2)', 'INVALID_VALUE'],
    [1, 'boolean', 'INVALID_VALUE'],
    [1, 'string', 'INVALID_VALUE'],
    ['\ud83d', 'string', 'INVALID_VALUE'],
    ['abc', 'binary', 'INVALID_VALUE'],
    [new Date('2020-01-01T10:00:00Z'), 'date', 'INVALID_VALUE'],
    ['2021-02-29', 'date', 'INVALID_VALUE'],
    [new Date(NaN), 'timestamp', 'INVALID_VALUE'],
    [1_577_836_800_000, 'timestamp', 'INVALID_VALUE'],
    ['2020-01-01T25:00:00Z', 'timestamp', 'INVALID_VALUE'],
    ['2020-01-01T00:00:00.1234567Z', 'timestamp', 'INVALID_VALUE'],
    ['2020-01-01T00:00:00+01:00', 'timestamp_ntz', 'INVALID_VALUE'],
    [1, 'void', 'INVALID_VALUE'],
    [{}, { type: 'array', elementType: 'long', containsNull: true }, 'INVALID_VALUE'],
    [
      [
        ['a', 1],
        ['a', 2],
      ],
      { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true },
      'INVALID_VALUE',
    ],
    [new Map([[null, 1]]), { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }, 'NOT_NULL_VIOLATED'],
    [new Map([['x', 1]]), struct(field('x', 'long')), 'INVALID_VALUE'],
    [[1, null], { type: 'array', elementType: 'long', containsNull: false }, 'NOT_NULL_VIOLATED'],
    [{}, struct(field('x', 'long', false)), 'NOT_NULL_VIOLATED'],
    [{ y: 1 }, struct(field('x', 'long')), 'UNKNOWN_COLUMN'],
  ])('refuses %o as %o', (given, type, code) => {
    expect(() => one(given, type)).toThrow(expect.objectContaining({ code }))
  })

  it('says which row and column, inside lists and maps too', () => {
    const list: DataType = { type: 'array', elementType: struct(field('x', 'byte')), containsNull: true }
    const rows = [{ l: [{ x: 1 }, null] }, { l: null }, { l: [] }, { l: [{ x: 1 }, { x: 300 }] }]
    expect(() => rowsToBatch(rows, struct(field('l', list)), 101)).toThrow(
      expect.objectContaining({ data: { column: 'l.element.x', row: 104, type: 'TINYINT' } }),
    )
    expect(() => rowsToBatch([{ a: 1 }, { a: 1, b: 2 }], struct(field('a', 'long')))).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_COLUMN', data: { column: 'b', row: 2 } }),
    )
  })

  it('leaves NOT NULL alone inside a struct that is NULL', () => {
    const schema = struct(field('s', struct(field('x', 'long', false))))
    expect(roundTrip([{ s: null }, { s: { x: 1 } }], schema)).toEqual([{ s: null }, { s: { x: 1n } }])
  })

  it.each([[new Map([['a', 1]])], [[1]], [null], [7], [new Date()], ['x']])('refuses %o as a row', (row) => {
    expect(() => rowsToBatch([row as unknown as Row], struct(field('a', 'long')))).toThrow(
      expect.objectContaining({ code: 'INVALID_VALUE', data: { row: 1 } }),
    )
    expect(() => inferSchema([row as unknown as Row])).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
  })
})

describe('batchToRows', () => {
  it.each<[string, arrow.Vector, unknown[]]>([
    ['unsigned integers', arrow.vectorFromArray([2n ** 64n - 1n, null], new arrow.Uint64()), [2n ** 64n - 1n, null]],
    ['Float16', arrow.vectorFromArray([1.5, null], new arrow.Float16()), [1.5, null]],
    ['dictionaries', arrow.vectorFromArray(['a', null, 'a'], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())), ['a', null, 'a']],
    [
      'times',
      arrow.makeVector(arrow.makeData({ type: new arrow.TimeMicrosecond(), data: new BigInt64Array([45_000_500_000n]) })),
      ['12:30:00.5'],
    ],
    ['times in seconds', arrow.makeVector(arrow.makeData({ type: new arrow.TimeSecond(), data: new Int32Array([45_000]) })), ['12:30:00']],
    [
      'timestamps in seconds',
      arrow.makeVector(arrow.makeData({ type: new arrow.TimestampSecond(), data: new BigInt64Array([-1n]) })),
      [new Date(-1000)],
    ],
    [
      'timestamps in nanoseconds',
      arrow.makeVector(arrow.makeData({ type: new arrow.TimestampNanosecond(), data: new BigInt64Array([-1n]) })),
      [new Date(-1)],
    ],
    [
      'dates in milliseconds',
      arrow.makeVector(arrow.makeData({ type: new arrow.DateMillisecond(), data: new BigInt64Array([86_400_000n]) })),
      [new Date(86_400_000)],
    ],
    [
      'Decimal256',
      arrow.makeVector(arrow.makeData({ type: new arrow.Decimal(1, 50, 256), data: new Uint32Array(8).fill(0xffffffff) })),
      ['-0.1'],
    ],
  ])('reads %s', (_name, vector, values) => {
    expect(new arrow.Table({ c: vector }).batches.flatMap(batchToRows).map((row) => row.c)).toEqual(values)
  })
})

describe('inferSchema', () => {
  const typeOf = (...values: unknown[]) => inferSchema(values.map((c) => ({ c }))).fields[0]!.type

  it.each<[unknown[], DataType]>([
    [[1, 2n, null], 'long'],
    [[1, 2.5], 'double'],
    [[1, NaN], 'double'],
    [[-0], 'double'],
    [[2 ** 60], 'double'],
    [[1n, 2n ** 63n, 5], 'decimal(38,0)'],
    [[null, undefined, 'x'], 'string'],
    [[null], 'void'],
    [[new Date()], 'timestamp'],
    [[Buffer.from('x')], 'binary'],
    [[true], 'boolean'],
    [[new Float32Array(3)], { type: 'array', elementType: 'float', containsNull: true }],
    [[[], [null], [1], [1.5]], { type: 'array', elementType: 'double', containsNull: true }],
    [[new Map<string, unknown>([['a', 1]])], { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }],
    [[{ a: 1 }, { b: 'x', a: 1.5 }], struct(field('a', 'double'), field('b', 'string'))],
  ])('%o', (values, type) => {
    expect(typeOf(...values)).toEqual(type)
  })

  it('takes columns in the order in which they come, __proto__ among them', () => {
    const schema = inferSchema([{ b: 1, skipped: undefined }, JSON.parse('{"a":"x","__proto__":true,"b":2}')])
    expect(schema).toEqual(struct(field('b', 'long'), field('a', 'string'), field('__proto__', 'boolean')))
  })

  it.each<[unknown[], string, string]>([
    [[1, 'x'], 'BIGINT', 'VARCHAR'],
    [[1n, 2n ** 63n, 1.5], 'DECIMAL(38,0)', 'DOUBLE'],
    [[[1], { a: 1 }], 'ARRAY', 'STRUCT'],
    [[new Date(), '2020-01-01'], 'TIMESTAMPTZ', 'VARCHAR'],
    [[{ a: 1 }, 5], 'STRUCT', 'BIGINT'],
  ])('refuses %o, naming both types', (values, first, second) => {
    expect(() => typeOf(...values)).toThrow(
      expect.objectContaining({ code: 'TYPE_MISMATCH', data: { column: 'c', row: values.length, types: [first, second] } }),
    )
  })

  it.each([[() => 1], [Symbol('x')], [/x/], [new Set([1])]])('refuses %o', (value) => {
    expect(() => typeOf(value)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_TYPE', data: { column: 'c', row: 1 } }))
  })

  it('gives a schema that its own rows fit', () => {
    const values = fc.oneof(fc.constant(null), fc.maxSafeInteger(), fc.double(), fc.constant(-0))
    fc.assert(
      fc.property(
        fc.array(fc.record({ n: values, l: fc.array(values), s: fc.record({ x: values }, { requiredKeys: [] }) }), { minLength: 1 }),
        (rows) => {
          expect(rowsToBatch(rows, inferSchema([...rows, { s: { x: 1 } }])).numRows).toBe(rows.length)
        },
      ),
    )
  })
})
