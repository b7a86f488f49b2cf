/**
 * Writers of Arrow columns into DuckDB's vectors, the mirror of builders.ts. Each writes a range of rows into a vector of an output chunk:
 * values and validity as bytes, a list's elements into its child vector. Every row of every vector is written, since DuckDB reads
 * what lies in memory.
 */
import { ValueError } from '../errors/index.ts'
import { type ArrowData, type ArrowField, ArrowTypeId, malformed, unsupportedArrowType, valueBytes, valueOffsets } from './arrow-shape.ts'
import type { Binding, LogicalType, Vector } from './binding.ts'
import { decodeDictionary } from './dictionaries.ts'
import { DecimalWriter, Float16Writer, InstantWriter, MillisecondDateWriter } from './number-writers.ts'
import { StringWriter } from './string-writer.ts'
import { copyBits, countBits } from './validity-builder.ts'
import { entryBytes } from './vectors.ts'

/** Writes one column, or a column inside one. */
export interface ColumnWriter {
  /** DuckDB's type of the vectors that are written. */
  logicalType(): LogicalType
  /**
   * Writes rows `[start, start + count)` of the data to rows `[0, count)` of the vector.
   * @param outer The validity of the rows around this one, where some are NULL: a NULL struct's fields are NULL.
   */
  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void
}

/** A writer for a field. @throws SchemaError UNSUPPORTED_TYPE */
export function columnWriter(binding: Binding, field: ArrowField): ColumnWriter {
  const { type, name } = field
  const { Type } = binding
  const plain = (id: number, width: number) => new FixedWriter(binding, name, id, width)
  switch (type.typeId) {
    case ArrowTypeId.Null:
      return new NullWriter(binding)
    case ArrowTypeId.Int:
      switch (type.bitWidth) {
        case 8:
          return plain(type.isSigned ? Type.TINYINT : Type.UTINYINT, 1)
        case 16:
          return plain(type.isSigned ? Type.SMALLINT : Type.USMALLINT, 2)
        case 32:
          return plain(type.isSigned ? Type.INTEGER : Type.UINTEGER, 4)
        default:
          return plain(type.isSigned ? Type.BIGINT : Type.UBIGINT, 8)
      }
    case ArrowTypeId.Float:
      // Precision is 0, 1 or 2: half, single, double.
      if (type.precision === 0) return new Float16Writer(binding, name)
      return type.precision === 1 ? plain(Type.FLOAT, 4) : plain(Type.DOUBLE, 8)
    case ArrowTypeId.Bool:
      return new BooleanWriter(binding, name)
    case ArrowTypeId.Utf8:
    case ArrowTypeId.LargeUtf8:
    case ArrowTypeId.Utf8View:
    case ArrowTypeId.Binary:
    case ArrowTypeId.LargeBinary:
    case ArrowTypeId.BinaryView:
    case ArrowTypeId.FixedSizeBinary:
      return new StringWriter(binding, field)
    case ArrowTypeId.Decimal:
      if (type.precision === undefined || type.precision > 38 || (type.scale ?? 0) < 0) throw unsupportedArrowType(field)
      return new DecimalWriter(binding, name, type.precision, type.scale ?? 0, (type.bitWidth ?? 128) / 8)
    case ArrowTypeId.Date:
      // Unit 0 is days, 1 is milliseconds.
      return type.unit === 0 ? plain(Type.DATE, 4) : new MillisecondDateWriter(binding, name)
    case ArrowTypeId.Timestamp:
      // Unit 0 to 3: seconds, milliseconds, microseconds, nanoseconds. DuckDB has all of them only without a zone.
      if (type.unit === 2) return plain(type.timezone ? Type.TIMESTAMP_TZ : Type.TIMESTAMP, 8)
      if (type.timezone) return new InstantWriter(binding, name, type.unit ?? 0)
      return plain([Type.TIMESTAMP_S, Type.TIMESTAMP_MS, Type.TIMESTAMP, Type.TIMESTAMP_NS][type.unit ?? 0]!, 8)
    case ArrowTypeId.List:
    case ArrowTypeId.LargeList:
    case ArrowTypeId.FixedSizeList:
    case ArrowTypeId.Map:
      return new ListWriter(binding, field)
    case ArrowTypeId.Struct:
      return new StructWriter(binding, field)
    case ArrowTypeId.Dictionary:
      return new DictionaryWriter(binding, field)
    default:
      throw unsupportedArrowType(field)
  }
}

/** Memory to lay a vector's bytes out in, kept between chunks. */
export class Scratch {
  #bytes = new Uint8Array(0)

  /** At least `byteCount` bytes, whatever is in them. */
  bytes(byteCount: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.byteLength < byteCount) this.#bytes = new Uint8Array(Math.max(byteCount, 2 * this.#bytes.byteLength))
    return this.#bytes
  }
}

/** Copies bytes to the beginning of a vector. */
export function writeBytes(binding: Binding, vector: Vector, bytes: Uint8Array): void {
  if (bytes.byteLength === 0) return
  const own = bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes
  binding.copy_data_to_vector(vector, 0, own.buffer as ArrayBuffer, own.byteOffset, own.byteLength)
}

/**
 * Writes validity and gives it back: the bits of the rows, or `undefined` where none is NULL. A fresh vector is all valid.
 */
export function writeValidity(
  binding: Binding,
  vector: Vector,
  data: ArrowData,
  start: number,
  count: number,
  outer: Uint8Array | undefined,
): Uint8Array | undefined {
  const bits = rowValidity(data, start, count, outer)
  if (bits !== undefined) {
    binding.vector_ensure_validity_writable(vector)
    binding.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength)
  }
  return bits
}

/** The validity of rows within what is around them, in whole 64-bit words; `undefined` where none is NULL. */
function rowValidity(data: ArrowData, start: number, count: number, outer: Uint8Array | undefined): Uint8Array<ArrayBuffer> | undefined {
  const { nullBitmap } = data
  const own = data.nullCount !== 0 && nullBitmap !== undefined && nullBitmap !== null && nullBitmap.byteLength > 0
  if (own && nullBitmap.byteLength * 8 < data.offset + start + count) throw malformed('validity')
  if ((!own || countBits(nullBitmap, data.offset + start, count) === count) && outer === undefined) return undefined
  const bits = new Uint8Array(Math.ceil(count / 64) * 8)
  if (own) copyBits(bits, 0, nullBitmap, data.offset + start, count)
  else bits.fill(0xff)
  if (outer !== undefined) for (let index = 0; index < bits.length; index++) bits[index]! &= outer[index]!
  return bits
}

class FixedWriter implements ColumnWriter {
  readonly #binding: Binding
  readonly #name: string
  readonly #id: number
  readonly #width: number

  constructor(binding: Binding, name: string, id: number, width: number) {
    this.#binding = binding
    this.#name = name
    this.#id = id
    this.#width = width
  }

  logicalType(): LogicalType {
    return this.#binding.create_logical_type(this.#id)
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    writeBytes(this.#binding, vector, valueBytes(data, this.#width, start, count, this.#name))
    writeValidity(this.#binding, vector, data, start, count, outer)
  }
}

class NullWriter implements ColumnWriter {
  readonly #binding: Binding

  constructor(binding: Binding) {
    this.#binding = binding
  }

  logicalType(): LogicalType {
    return this.#binding.create_logical_type(this.#binding.Type.SQLNULL)
  }

  write(vector: Vector, _data: ArrowData, _start: number, count: number): void {
    const none = new Uint8Array(Math.ceil(count / 64) * 8)
    this.#binding.vector_ensure_validity_writable(vector)
    this.#binding.copy_data_to_vector_validity(vector, 0, none.buffer, 0, none.byteLength)
  }
}

class BooleanWriter implements ColumnWriter {
  readonly #binding: Binding
  readonly #name: string
  readonly #scratch = new Scratch()

  constructor(binding: Binding, name: string) {
    this.#binding = binding
    this.#name = name
  }

  logicalType(): LogicalType {
    return this.#binding.create_logical_type(this.#binding.Type.BOOLEAN)
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    const first = data.offset + start
    const bits = valueBytes(data, 1, 0, (first + count + 7) >> 3, this.#name)
    const bytes = this.#scratch.bytes(count)
    for (let row = 0; row < count; row++) bytes[row] = (bits[(first + row) >> 3]! >> ((first + row) & 7)) & 1
    writeBytes(this.#binding, vector, bytes.subarray(0, count))
    writeValidity(this.#binding, vector, data, start, count, outer)
  }
}

/** Lists with 32-bit or 64-bit offsets or of one length, and maps. */
class ListWriter implements ColumnWriter {
  readonly #binding: Binding
  readonly #field: ArrowField
  readonly #child: ColumnWriter
  readonly #scratch = new Scratch()

  constructor(binding: Binding, field: ArrowField) {
    const child = field.type.children?.[0]
    if (child === undefined) throw unsupportedArrowType(field)
    this.#binding = binding
    this.#field = field
    this.#child = columnWriter(binding, { name: `${field.name}.${child.name}`, type: child.type })
  }

  logicalType(): LogicalType {
    const binding = this.#binding
    if (this.#field.type.typeId !== ArrowTypeId.Map) return binding.create_list_type(this.#child.logicalType())
    const entries = this.#child.logicalType()
    return binding.create_map_type(binding.struct_type_child_type(entries, 0), binding.struct_type_child_type(entries, 1))
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    const binding = this.#binding
    const child = data.children?.[0]
    if (child === undefined) throw malformed(this.#field.name)
    const validity = writeValidity(binding, vector, data, start, count, outer)
    const { first, offsets } = this.#ranges(data, child, start, count)
    const entries = this.#scratch.bytes(count * entryBytes)
    const words = new Uint32Array(entries.buffer, 0, count * 4)
    for (let row = 0; row < count; row++) {
      const valid = validity === undefined || ((validity[row >> 3]! >> (row & 7)) & 1) === 1
      words[row * 4] = offsets[row]! - first
      words[row * 4 + 1] = 0
      words[row * 4 + 2] = valid ? offsets[row + 1]! - offsets[row]! : 0
      words[row * 4 + 3] = 0
    }
    writeBytes(binding, vector, entries.subarray(0, count * entryBytes))
    const total = offsets[count]! - first
    binding.list_vector_reserve(vector, total)
    binding.list_vector_set_size(vector, total)
    if (total === 0) return
    if (this.#field.type.typeId === ArrowTypeId.Map) this.#checkKeys(child, first, total)
    this.#child.write(binding.list_vector_get_child(vector), child, first, total)
  }

  /** Where each row's elements begin in the child, and where the last row's end. */
  #ranges(data: ArrowData, child: ArrowData, start: number, count: number): { first: number; offsets: Int32Array } {
    const { listSize } = this.#field.type
    if (this.#field.type.typeId !== ArrowTypeId.FixedSizeList || listSize === undefined) {
      const offsets = valueOffsets(data, start, count, child.length, this.#field.name)
      return { first: offsets[0]!, offsets }
    }
    if (child.length < (start + count) * listSize) throw malformed(this.#field.name)
    const offsets = Int32Array.from({ length: count + 1 }, (_, row) => (start + row) * listSize)
    return { first: start * listSize, offsets }
  }

  #checkKeys(entries: ArrowData, first: number, total: number): void {
    const keys = entries.children?.[0]
    if (keys === undefined || keys.nullCount === 0 || !keys.nullBitmap?.byteLength) return
    if (countBits(keys.nullBitmap, keys.offset + first, total) === total) return
    throw new ValueError('NOT_NULL_VIOLATED', `A map of the column ${JSON.stringify(this.#field.name)} has a NULL key.`, {
      remedy: 'Leave such entries out.',
      data: { column: this.#field.name },
    })
  }
}

class StructWriter implements ColumnWriter {
  readonly #binding: Binding
  readonly #field: ArrowField
  readonly #children: readonly ColumnWriter[]
  readonly #names: readonly string[]

  constructor(binding: Binding, field: ArrowField) {
    const children = field.type.children ?? []
    if (children.length === 0) throw unsupportedArrowType(field)
    this.#binding = binding
    this.#field = field
    this.#names = children.map((child) => child.name)
    this.#children = children.map((child) => columnWriter(binding, { name: `${field.name}.${child.name}`, type: child.type }))
  }

  logicalType(): LogicalType {
    const types = this.#children.map((child) => child.logicalType())
    return this.#binding.create_struct_type(types, this.#names)
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    const validity = writeValidity(this.#binding, vector, data, start, count, outer)
    for (const [index, child] of this.#children.entries()) {
      const childData = data.children?.[index]
      if (childData === undefined || childData.length < start + count) throw malformed(this.#field.name)
      child.write(this.#binding.struct_vector_get_child(vector, index), childData, start, count, validity)
    }
  }
}

/** A dictionary's values, looked up for the rows of each chunk. */
class DictionaryWriter implements ColumnWriter {
  readonly #values: ColumnWriter
  readonly #name: string

  constructor(binding: Binding, field: ArrowField) {
    if (field.type.dictionary === undefined) throw unsupportedArrowType(field)
    this.#name = field.name
    this.#values = columnWriter(binding, { name: field.name, type: field.type.dictionary })
  }

  logicalType(): LogicalType {
    return this.#values.logicalType()
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    this.#values.write(vector, decodeDictionary(data, start, count, this.#name), 0, count, outer)
  }
}
