/**
 * An Arrow batch into rows: each column's buffers into JavaScript values, then rows of them. Takes every Arrow type that a query of
 * DuckDB gives and that users' batches have; classes don't matter, only the shape of the buffers.
 */
import * as arrow from 'apache-arrow'
import { formatDecimal } from '../number-text.ts'
import { floorDiv } from '../temporal.ts'
import type { Row } from './row-objects.ts'

/**
 * The rows of a batch, in the forms of rows.ts. Types beyond Delta's: unsigned integers of 64 bits are bigint, a time is text such as
 * `12:30:00.5`, dictionaries are their values.
 */
export function batchToRows(batch: arrow.RecordBatch): Row[] {
  return recordsOf(
    batch.schema.fields.map((field) => field.name),
    batch.data.children,
    batch.numRows,
  )
}

/** The values of a column's buffers, null for NULL. */
function valuesOf(data: arrow.Data): unknown[] {
  const read = reader(data)
  const values: unknown[] = new Array(data.length)
  const { nullBitmap, offset } = data
  const nullable = data.nullCount > 0 && nullBitmap !== null && nullBitmap !== undefined && nullBitmap.length > 0
  for (let index = 0; index < data.length; index++) {
    const at = offset + index
    values[index] = nullable && (nullBitmap[at >> 3]! & (1 << (at & 7))) === 0 ? null : read(index)
  }
  return values
}

type Reader = (index: number) => unknown

function reader(data: arrow.Data): Reader {
  const type = data.type as { bitWidth?: number; unit?: number; scale?: number; listSize?: number; byteWidth?: number }
  switch (data.typeId as arrow.Type) {
    case arrow.Type.Null:
      return () => null
    case arrow.Type.Int:
      return plain(data)
    case arrow.Type.Float:
      return data.values instanceof Uint16Array ? generic(data) : plain(data)
    case arrow.Type.Bool:
      return (index) => (data.values[(data.offset + index) >> 3] & (1 << ((data.offset + index) & 7))) !== 0
    case arrow.Type.Utf8:
    case arrow.Type.LargeUtf8: {
      const text = Buffer.from(data.values.buffer, data.values.byteOffset, data.values.byteLength)
      return (index) => text.toString('utf8', Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1]))
    }
    case arrow.Type.Binary:
    case arrow.Type.LargeBinary:
      return (index) => data.values.slice(Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1]))
    case arrow.Type.FixedSizeBinary:
      return (index) => data.values.slice(index * data.stride, (index + 1) * data.stride)
    case arrow.Type.Decimal:
      return (index) => formatDecimal(unscaledAt(data.values as Uint32Array, index, (type.bitWidth ?? 128) / 32), type.scale ?? 0)
    case arrow.Type.Date:
      return type.unit === arrow.DateUnit.DAY
        ? (index) => new Date(data.values[index] * 86_400_000)
        : (index) => new Date(Number(data.values[index]))
    case arrow.Type.Timestamp:
      return instantReader(data.values as BigInt64Array, type.unit!)
    case arrow.Type.Time:
      return (index) => timeText(BigInt(data.values[index]) * 10n ** BigInt(9 - 3 * type.unit!))
    case arrow.Type.List:
    case arrow.Type.LargeList:
      return listReader(data, (at) => Number(data.valueOffsets[at]), valuesOf)
    case arrow.Type.FixedSizeList:
      return listReader(data, (at) => at * type.listSize!, valuesOf)
    case arrow.Type.Map:
      return mapReader(data)
    case arrow.Type.Struct: {
      const names = data.type.children.map((child: arrow.Field) => child.name)
      const records = recordsOf(names, data.children, data.length)
      return (index) => records[index]
    }
    case arrow.Type.Dictionary: {
      const values = data.dictionary!.data.flatMap(valuesOf)
      return (index) => values[Number(data.values[index])]
    }
    default:
      return generic(data)
  }
}

function recordsOf(names: readonly string[], children: readonly arrow.Data[], length: number): Row[] {
  const rows: Row[] = Array.from({ length }, () => ({}))
  names.forEach((name, column) => {
    const values = valuesOf(children[column]!)
    if (name !== '__proto__') {
      for (let index = 0; index < length; index++) rows[index]![name] = values[index]
      return
    }
    for (let index = 0; index < length; index++) {
      Object.defineProperty(rows[index], name, { value: values[index], enumerable: true, writable: true, configurable: true })
    }
  })
  return rows
}

function plain(data: arrow.Data): Reader {
  const values = data.values as ArrayLike<number | bigint>
  return (index) => values[index]
}

/** Types that are rare here go through the library's own reader. */
function generic(data: arrow.Data): Reader {
  const vector = arrow.makeVector(data)
  return (index) => vector.get(index)
}

/** Lists read only the part of their children that they span: a slice shares them with the whole. */
function listReader(data: arrow.Data, offsetAt: (at: number) => number, read: (child: arrow.Data) => unknown[]): Reader {
  const start = offsetAt(0)
  const elements = read(data.children[0]!.slice(start, offsetAt(data.length) - start))
  return (index) => elements.slice(offsetAt(index) - start, offsetAt(index + 1) - start)
}

function mapReader(data: arrow.Data): Reader {
  const read = listReader(
    data,
    (at) => Number(data.valueOffsets[at]),
    (entries) => {
      const [keys, values] = entries.children.map(valuesOf)
      return keys!.map((key, index) => [key, values![index]])
    },
  )
  return (index) => new Map(read(index) as [unknown, unknown][])
}

/** Words of 32 bits, the lowest first, in two's complement. */
function unscaledAt(words: Uint32Array, index: number, width: number): bigint {
  let value = 0n
  for (let word = width - 1; word >= 0; word--) value = (value << 32n) | BigInt(words[index * width + word]!)
  return BigInt.asIntN(width * 32, value)
}

function instantReader(values: BigInt64Array, unit: number): Reader {
  if (unit === arrow.TimeUnit.SECOND) return (index) => new Date(Number(values[index]) * 1000)
  if (unit === arrow.TimeUnit.MILLISECOND) return (index) => new Date(Number(values[index]))
  const perMilli = unit === arrow.TimeUnit.MICROSECOND ? 1000 : 1_000_000
  const limit = BigInt(Number.MAX_SAFE_INTEGER)
  return (index) => {
    const value = values[index]!
    return new Date(value < limit && value > -limit ? Math.floor(Number(value) / perMilli) : Number(floorDiv(value, BigInt(perMilli))))
  }
}

/** Nanoseconds of a day as `12:30:00`, with the fraction it has. */
function timeText(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n)
  const fraction = String(nanos % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0'))
  return parts.join(':') + (fraction === '' ? '' : `.${fraction}`)
}
