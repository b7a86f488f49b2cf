import * as arrow from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromArrowSchema, toArrowSchema } from '../../src/schema/arrow.ts'
import { field, struct } from '../../src/schema/schema-json.ts'
import type { DataType } from '../../src/schema/types.ts'
import { schemas } from './arbitrary.ts'

const fromType = (type: arrow.DataType) => fromArrowSchema(new arrow.Schema([new arrow.Field('c', type, true)])).fields[0]!.type

describe('toArrowSchema and fromArrowSchema', () => {
  it('give back every schema', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        expect(fromArrowSchema(toArrowSchema(schema))).toEqual(schema)
      }),
    )
  })

  it('give back every schema through the bytes of a stream', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        const bytes = arrow.tableToIPC(new arrow.Table(toArrowSchema(schema)), 'stream')
        expect(fromArrowSchema(arrow.tableFromIPC(bytes).schema)).toEqual(schema)
      }),
      { numRuns: 30 },
    )
  })

  it('give back void and variant, wherever they stand', () => {
    const nested = struct(
      field('v', 'variant'),
      field('n', 'void'),
      field('a', { type: 'array', elementType: 'variant', containsNull: true }),
    )
    expect(fromArrowSchema(toArrowSchema(nested))).toEqual(nested)
  })

  it.each<[string, arrow.DataType, DataType]>([
    ['Uint8', new arrow.Uint8(), 'short'],
    ['Uint16', new arrow.Uint16(), 'integer'],
    ['Uint32', new arrow.Uint32(), 'long'],
    ['Uint64', new arrow.Uint64(), 'decimal(20,0)'],
    ['Float16', new arrow.Float16(), 'float'],
    ['LargeUtf8', new arrow.LargeUtf8(), 'string'],
    ['LargeBinary', new arrow.LargeBinary(), 'binary'],
    ['Utf8View', new arrow.Utf8View(), 'string'],
    ['BinaryView', new arrow.BinaryView(), 'binary'],
    ['FixedSizeBinary', new arrow.FixedSizeBinary(16), 'binary'],
    ['Dictionary', new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()), 'string'],
    ['Date ms', new arrow.DateMillisecond(), 'date'],
    ['Timestamp s', new arrow.TimestampSecond('Europe/Oslo'), 'timestamp'],
    ['Timestamp ns', new arrow.TimestampNanosecond(), 'timestamp_ntz'],
    ['Timestamp with an empty zone', new arrow.TimestampMicrosecond(''), 'timestamp_ntz'],
    ['Decimal256 that fits', new arrow.Decimal(4, 38, 256), 'decimal(38,4)'],
    ['a negative scale', new arrow.Decimal(-3, 5, 128), 'decimal(8,0)'],
    ['a scale above the precision', new arrow.Decimal(5, 2, 128), 'decimal(5,5)'],
    [
      'FixedSizeList',
      new arrow.FixedSizeList(3, new arrow.Field('item', new arrow.Float32(), false)),
      { type: 'array', elementType: 'float', containsNull: false },
    ],
  ])('take %s', (_name, type, expected) => {
    expect(fromType(type)).toEqual(expected)
  })

  it.each<[string, arrow.DataType]>([
    ['Time', new arrow.TimeMicrosecond()],
    ['Duration', new arrow.DurationSecond()],
    ['Interval', new arrow.IntervalDayTime()],
    ['Decimal256 that does not fit', new arrow.Decimal(4, 39, 256)],
    ['an empty struct', new arrow.Struct([])],
  ])('refuse %s by column', (_name, type) => {
    expect(() => fromType(type)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_TYPE', data: expect.objectContaining({ column: 'c' }) }),
    )
  })

  it('know foreign objects by their shape', () => {
    const foreign = {
      fields: [{ name: '__proto__', nullable: false, metadata: new Map(), type: { typeId: 2, bitWidth: 64, isSigned: true } }],
    }
    expect(fromArrowSchema(foreign as unknown as arrow.Schema)).toEqual(struct(field('__proto__', 'long', false)))
  })
})
