/**
 * Columns of Arrow batches as plain arrays for the small way of writing, read from the buffers: Arrow's own getters round
 * timestamps to milliseconds. Only the Arrow types that Varve itself makes are read here (schema/arrow.ts); all else is DuckDB's.
 */
import { type Data, type RecordBatch, Type } from 'apache-arrow'
import { decimalParts } from '../../schema/sql-type.ts'
import type { PrimitiveType } from '../../schema/types.ts'

/** A value of a small column: what Parquet stores. Decimals are unscaled, dates days, timestamps microseconds. */
export type SmallValue = null | boolean | number | bigint | string | Uint8Array

/** The values of a column over all batches, or `undefined` where its Arrow type is not one that is read here. */
export function readSmallColumn(batches: readonly RecordBatch[], index: number, type: PrimitiveType): SmallValue[] | undefined {
  const values: SmallValue[] = []
  for (const batch of batches) {
    const data = batch.data.children[index] as unknown as ColumnData | undefined
    const read = data === undefined ? undefined : reader(data, type)
    if (data === undefined || read === undefined) return undefined
    for (let row = 0; row < batch.numRows; row += 1) values.push(isValid(data, row) ? read(row) : null)
  }
  return values
}

/** What is used of Arrow's `Data`, whichever copy of the library made it. */
interface ColumnData {
  readonly type: {
    readonly typeId: number
    readonly bitWidth?: number
    readonly isSigned?: boolean
    readonly precision?: number
    readonly scale?: number
    readonly unit?: number
    readonly timezone?: string | null
  }
  readonly offset: number
  readonly nullBitmap?: Uint8Array
  readonly valueOffsets: Int32Array
  /** A typed array, by the type. */
  readonly values: ArrayLike<number | bigint> & ArrayBufferView
}

function isValid(data: ColumnData, row: number): boolean {
  const bits = data.nullBitmap
  if (bits === undefined || bits.length === 0) return true
  const at = data.offset + row
  return ((bits[at >> 3]! >> (at & 7)) & 1) === 1
}

function reader(data: ColumnData, type: PrimitiveType): ((row: number) => SmallValue) | undefined {
  const { values, valueOffsets } = data
  const arrow = data.type
  switch (type) {
    case 'string': {
      if (arrow.typeId !== Type.Utf8) return undefined
      const text = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
      return (row) => text.toString('utf8', valueOffsets[row], valueOffsets[row + 1])
    }
    case 'binary':
      return arrow.typeId === Type.Binary
        ? (row) => (values as unknown as Uint8Array).subarray(valueOffsets[row], valueOffsets[row + 1])
        : undefined
    case 'boolean': {
      if (arrow.typeId !== Type.Bool) return undefined
      return (row) => (((values as unknown as Uint8Array)[(data.offset + row) >> 3]! >> ((data.offset + row) & 7)) & 1) === 1
    }
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return arrow.typeId === Type.Int && arrow.isSigned && arrow.bitWidth === integerBits[type] ? (row) => values[row]! : undefined
    case 'float':
    case 'double':
      return arrow.typeId === Type.Float && arrow.precision === (type === 'double' ? 2 : 1) ? (row) => values[row]! : undefined
    case 'date':
      return arrow.typeId === Type.Date && arrow.unit === 0 ? (row) => values[row]! : undefined
    case 'timestamp':
    case 'timestamp_ntz':
      return arrow.typeId === Type.Timestamp && arrow.unit === 2 && (type === 'timestamp') === Boolean(arrow.timezone)
        ? (row) => values[row]!
        : undefined
    default: {
      const parts = decimalParts(type)
      if (parts === undefined || arrow.typeId !== Type.Decimal || arrow.bitWidth !== 128) return undefined
      return arrow.precision === parts.precision && arrow.scale === parts.scale
        ? (row) => readDecimal(values as unknown as Uint32Array, row)
        : undefined
    }
  }
}

const integerBits = { byte: 8, short: 16, integer: 32, long: 64 } as const

function readDecimal(words: Uint32Array, row: number): bigint {
  const at = row * 4
  const low = (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]!)
  const high = (BigInt(words[at + 3]!) << 32n) | BigInt(words[at + 2]!)
  return BigInt.asIntN(128, (high << 64n) | low)
}

/** Bytes of a batch in memory; an estimate where a copy of the library does not say. */
export function batchBytes(batch: RecordBatch): number {
  // A batch without rows may lack the parts that it would have, and the library looks into them.
  if (batch.numRows === 0) return 0
  const bytes = (batch.data as Data).byteLength
  return Number.isFinite(bytes) ? bytes : batch.numRows * batch.schema.fields.length * 16
}
