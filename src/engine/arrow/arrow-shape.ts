/**
 * Arrow objects by shape. Batches may come from another copy or version of apache-arrow, so nothing here asks for a class: types are
 * told by the numbers of Arrow's own format, and buffers by the properties that every version gives its data.
 *
 * A sliced column has its values and offsets sliced already; its validity, and the bits of booleans, begin at bit `offset`.
 */
import type { RecordBatch, Schema } from 'apache-arrow'
import { SchemaError, ValueError } from '../../errors/index.ts'

/** Arrow's numbers for types (Schema.fbs), and -1 for a dictionary, which apache-arrow treats as a type. */
export const ArrowTypeId = {
  Null: 1,
  Int: 2,
  Float: 3,
  Binary: 4,
  Utf8: 5,
  Bool: 6,
  Decimal: 7,
  Date: 8,
  Time: 9,
  Timestamp: 10,
  List: 12,
  Struct: 13,
  FixedSizeBinary: 15,
  FixedSizeList: 16,
  Map: 17,
  LargeBinary: 19,
  LargeUtf8: 20,
  LargeList: 21,
  BinaryView: 23,
  Utf8View: 24,
  Dictionary: -1,
} as const

/** A type of any apache-arrow; which properties it has depends on `typeId`. */
export interface ArrowType {
  readonly typeId: number
  readonly bitWidth?: number
  readonly isSigned?: boolean
  readonly precision?: number
  readonly scale?: number
  readonly unit?: number
  readonly timezone?: string | null
  readonly byteWidth?: number
  readonly listSize?: number
  readonly children?: readonly ArrowField[] | null
  readonly dictionary?: ArrowType
}

/** A field of any apache-arrow. */
export interface ArrowField {
  readonly name: string
  readonly type: ArrowType
}

/** A column's data of any apache-arrow. */
export interface ArrowData {
  readonly type: ArrowType
  readonly length: number
  readonly offset: number
  readonly nullCount: number
  readonly nullBitmap?: Uint8Array | null
  readonly values?: ArrayBufferView | null
  readonly valueOffsets?: Int32Array | BigInt64Array | null
  readonly children?: readonly ArrowData[]
  readonly dictionary?: { readonly data: readonly ArrowData[] } | undefined
  readonly variadicBuffers?: readonly Uint8Array[]
}

/** The fields of a schema of any apache-arrow. */
export function schemaFields(schema: Schema): readonly ArrowField[] {
  return schema.fields as unknown as readonly ArrowField[]
}

/** The columns of a batch of any apache-arrow, checked against the fields that they should have. @throws SchemaError TYPE_MISMATCH */
export function batchColumns(batch: RecordBatch, fields: readonly ArrowField[]): readonly ArrowData[] {
  const columns = (batch.data as unknown as ArrowData).children ?? []
  if (columns.length !== fields.length) throw mismatch(`A batch has ${columns.length} columns where its schema names ${fields.length}.`)
  for (const [index, field] of fields.entries()) {
    const { type, length } = columns[index]!
    if (length < batch.numRows) throw malformed(field.name)
    if (type !== field.type && !sameType(type, field.type)) {
      throw mismatch(`The column ${JSON.stringify(field.name)} of a batch is ${String(type)} where its schema says ${String(field.type)}.`)
    }
  }
  return columns
}

/** Whether two types lay their values out alike. */
function sameType(left: ArrowType, right: ArrowType): boolean {
  if (left === right) return true
  if (left.typeId !== right.typeId) return false
  for (const key of ['bitWidth', 'isSigned', 'precision', 'scale', 'unit', 'timezone', 'byteWidth', 'listSize'] as const) {
    if ((left[key] ?? null) !== (right[key] ?? null)) return false
  }
  const children = left.children ?? []
  const others = right.children ?? []
  if (children.length !== others.length || !children.every((child, index) => sameType(child.type, others[index]!.type))) return false
  return left.dictionary === undefined || (right.dictionary !== undefined && sameType(left.dictionary, right.dictionary))
}

/** The bytes of `count` values of `width` bytes from row `start`. @throws ValueError INVALID_VALUE when the buffer is too short */
export function valueBytes(data: ArrowData, width: number, start: number, count: number, name: string): Uint8Array {
  const { values } = data
  if (count === 0) return new Uint8Array(0)
  if (values === undefined || values === null || values.byteLength < (start + count) * width) throw malformed(name)
  return new Uint8Array(values.buffer, values.byteOffset + start * width, count * width)
}

/** `count + 1` offsets from row `start`, checked to ascend within `limit`. @throws ValueError INVALID_VALUE where they do not */
export function valueOffsets(data: ArrowData, start: number, count: number, limit: number, name: string): Int32Array {
  const all = data.valueOffsets
  if (all === undefined || all === null || all.length < start + count + 1) throw malformed(name)
  const offsets = all instanceof Int32Array ? all.subarray(start, start + count + 1) : narrowed(all, start, count, name)
  let last = offsets[0]!
  // Negative where an offset is, or where one lies before the last: as long as none is negative, no difference overflows.
  let signs = last
  for (let index = 1; index <= count; index++) {
    const next = offsets[index]!
    signs |= next | (next - last)
    last = next
  }
  if (signs < 0 || last > limit) throw malformed(name)
  return offsets
}

/** 64-bit offsets as 32-bit ones, as far as one chunk goes. */
function narrowed(all: BigInt64Array | ArrayLike<number>, start: number, count: number, name: string): Int32Array {
  const offsets = new Int32Array(count + 1)
  for (let index = 0; index <= count; index++) {
    const offset = Number(all[start + index])
    if (offset > 2 ** 31 - 1) throw malformed(name)
    offsets[index] = offset
  }
  return offsets
}

/** The refusal of Arrow data that contradicts itself. */
export function malformed(name: string): ValueError {
  return new ValueError('INVALID_VALUE', `The Arrow data of the column ${JSON.stringify(name)} is malformed.`, {
    remedy: 'Check what made the batch.',
    data: { column: name },
  })
}

/** The refusal of an Arrow type that DuckDB has no type for. */
export function unsupportedArrowType(field: ArrowField): SchemaError {
  return new SchemaError(
    'UNSUPPORTED_TYPE',
    `The column ${JSON.stringify(field.name)} is of Arrow's type ${String(field.type)}, which cannot be taken.`,
    { remedy: 'Convert it to another type, or leave it out.', data: { column: field.name, type: String(field.type) } },
  )
}

function mismatch(message: string): SchemaError {
  return new SchemaError('TYPE_MISMATCH', message, { remedy: 'Give batches of one schema.' })
}
