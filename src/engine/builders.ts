/**
 * Builders of Arrow columns from DuckDB's vectors, one for each physical shape, nested ones made of others. Data flow for each chunk:
 * `load` copies the vector's bytes out of DuckDB once, `take` appends ranges of its rows (a list's child is taken in the ranges that
 * its rows name), and `finish` hands the buffers over as Arrow data and starts anew. No value becomes a JavaScript object on the way.
 */
import type { Data, DataType, Field } from 'apache-arrow'
import type { Binding, Vector } from './binding.ts'
import { StringBuilder } from './string-builder.ts'
import { type EngineType, unreadable } from './types.ts'
import { ValidityBuilder } from './validity-builder.ts'
import { decimalBytes } from './values.ts'
import { entryBytes, isValid, vectorBytes, vectorValidity } from './vectors.ts'

/** The module apache-arrow, which is loaded only when the first batch is made. */
export type Arrow = typeof import('apache-arrow')

/** What builders need to reach DuckDB and Arrow. */
export interface BuilderContext {
  readonly binding: Binding
  readonly arrow: Arrow
}

/** A builder of one column, or of a column inside one. */
export interface ColumnBuilder {
  readonly type: DataType
  /** The rows appended since the last {@link ColumnBuilder.finish}. */
  readonly length: number
  /** Reads a vector's first `count` rows. @returns how many bytes of text and binary values they hold */
  load(vector: Vector, count: number): number
  /** Appends rows of the vector that was loaded last. */
  take(start: number, count: number): void
  /** What was appended, as Arrow data; the builder is empty afterwards. */
  finish(): Data
}

/** A builder for a type that the codec reads; all others are cast before (casts.ts). @throws SchemaError UNSUPPORTED_TYPE */
export function columnBuilder(context: BuilderContext, type: EngineType): ColumnBuilder {
  const { arrow } = context
  const fixed = (arrowType: DataType, width: number) => new FixedBuilder(context, arrowType, width)
  switch (type.name) {
    case 'BOOLEAN':
      return new BooleanBuilder(context)
    case 'TINYINT':
      return fixed(new arrow.Int8(), 1)
    case 'SMALLINT':
      return fixed(new arrow.Int16(), 2)
    case 'INTEGER':
      return fixed(new arrow.Int32(), 4)
    case 'BIGINT':
      return fixed(new arrow.Int64(), 8)
    case 'UTINYINT':
      return fixed(new arrow.Uint8(), 1)
    case 'USMALLINT':
      return fixed(new arrow.Uint16(), 2)
    case 'UINTEGER':
      return fixed(new arrow.Uint32(), 4)
    case 'UBIGINT':
      return fixed(new arrow.Uint64(), 8)
    case 'HUGEINT':
      return fixed(new arrow.Decimal(0, 38, 128), 16)
    case 'FLOAT':
      return fixed(new arrow.Float32(), 4)
    case 'DOUBLE':
      return fixed(new arrow.Float64(), 8)
    case 'DECIMAL':
      return new DecimalBuilder(context, type.width, type.scale)
    case 'DATE':
      return fixed(new arrow.DateDay(), 4)
    case 'TIME':
      return fixed(new arrow.TimeMicrosecond(), 8)
    case 'TIME_NS':
      return fixed(new arrow.TimeNanosecond(), 8)
    case 'TIMESTAMP':
      return fixed(new arrow.TimestampMicrosecond(), 8)
    case 'TIMESTAMP_TZ':
      return fixed(new arrow.TimestampMicrosecond('UTC'), 8)
    case 'TIMESTAMP_S':
      return fixed(new arrow.TimestampSecond(), 8)
    case 'TIMESTAMP_MS':
      return fixed(new arrow.TimestampMillisecond(), 8)
    case 'TIMESTAMP_NS':
      return fixed(new arrow.TimestampNanosecond(), 8)
    case 'VARCHAR':
    case 'JSON':
      return new StringBuilder(context, new arrow.Utf8())
    case 'BLOB':
      return new StringBuilder(context, new arrow.Binary())
    case 'LIST': {
      const child = columnBuilder(context, type.child)
      return new ListBuilder(context, new arrow.List(new arrow.Field('element', child.type, true)), child)
    }
    case 'MAP': {
      const entries = structBuilder(context, [
        { name: 'key', type: type.key, nullable: false },
        { name: 'value', type: type.value, nullable: true },
      ])
      const field = new arrow.Field('entries', entries.type, false)
      return new ListBuilder(context, new arrow.Map_(field as ConstructorParameters<Arrow['Map_']>[0]), entries)
    }
    case 'ARRAY':
      return new ArrayBuilder(context, columnBuilder(context, type.child), type.size)
    case 'STRUCT':
      return structBuilder(
        context,
        type.fields.map((field) => ({ ...field, nullable: true })),
      )
    case 'SQLNULL':
      return new NullBuilder(context)
    default:
      throw unreadable(type)
  }
}

function structBuilder(context: BuilderContext, fields: readonly { name: string; type: EngineType; nullable: boolean }[]): ColumnBuilder {
  const children = fields.map((field) => columnBuilder(context, field.type))
  const arrowFields = fields.map((field, index) => new context.arrow.Field(field.name, children[index]!.type, field.nullable))
  return new StructBuilder(context, arrowFields, children)
}

/** Room for at least `needed` bytes, grown by doubling, what was there kept. */
export function grown(buffer: Uint8Array<ArrayBuffer>, used: number, needed: number): Uint8Array<ArrayBuffer> {
  if (needed <= buffer.byteLength) return buffer
  const larger = new Uint8Array(Math.max(needed, buffer.byteLength * 2, 64))
  larger.set(buffer.subarray(0, used))
  return larger
}

/** Values of one width that DuckDB and Arrow lay out alike. */
class FixedBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #width: number
  readonly #validity = new ValidityBuilder()
  #loaded: Uint8Array = new Uint8Array(0)
  #values = new Uint8Array(0)

  constructor(context: BuilderContext, type: DataType, width: number) {
    this.#context = context
    this.type = type
    this.#width = width
  }

  get length(): number {
    return this.#validity.length
  }

  load(vector: Vector, count: number): number {
    this.#loaded = vectorBytes(this.#context.binding, vector, count * this.#width)
    this.#validity.load(vectorValidity(this.#context.binding, vector, count))
    return 0
  }

  take(start: number, count: number): void {
    const used = this.length * this.#width
    this.#values = grown(this.#values, used, used + count * this.#width)
    const whole = start === 0 && count * this.#width === this.#loaded.byteLength
    this.#values.set(whole ? this.#loaded : this.#loaded.subarray(start * this.#width, (start + count) * this.#width), used)
    this.#validity.take(start, count)
  }

  finish(): Data {
    const data = this.#values.subarray(0, this.length * this.#width)
    // The next batch is most likely as long as this one.
    this.#values = new Uint8Array(data.byteLength)
    return makeData(this.#context, { type: this.type, data, ...this.#validity.finish() })
  }
}

/** Bytes in DuckDB, bits in Arrow. */
class BooleanBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #validity = new ValidityBuilder()
  #loaded: Uint8Array = new Uint8Array(0)
  #bits = new Uint8Array(0)

  constructor(context: BuilderContext) {
    this.#context = context
    this.type = new context.arrow.Bool()
  }

  get length(): number {
    return this.#validity.length
  }

  load(vector: Vector, count: number): number {
    this.#loaded = vectorBytes(this.#context.binding, vector, count)
    this.#validity.load(vectorValidity(this.#context.binding, vector, count))
    return 0
  }

  take(start: number, count: number): void {
    const length = this.length
    this.#bits = grown(this.#bits, (length + 7) >> 3, (length + count + 7) >> 3)
    for (let row = 0; row < count; row++) {
      // What lies in the place of a NULL may be any byte.
      if (this.#loaded[start + row] === 1) this.#bits[(length + row) >> 3]! |= 1 << ((length + row) & 7)
    }
    this.#validity.take(start, count)
  }

  finish(): Data {
    const data = this.#bits.subarray(0, (this.length + 7) >> 3)
    this.#bits = new Uint8Array(data.byteLength)
    return makeData(this.#context, { type: this.type, data, ...this.#validity.finish() })
  }
}

/** 2, 4, 8 or 16 bytes in DuckDB by precision, 16 in Arrow. */
class DecimalBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #width: 2 | 4 | 8 | 16
  readonly #validity = new ValidityBuilder()
  #loaded: Uint8Array = new Uint8Array(0)
  #values = new Uint8Array(0)

  constructor(context: BuilderContext, precision: number, scale: number) {
    this.#context = context
    this.#width = decimalBytes(precision)
    this.type = new context.arrow.Decimal(scale, precision, 128)
  }

  get length(): number {
    return this.#validity.length
  }

  load(vector: Vector, count: number): number {
    this.#loaded = vectorBytes(this.#context.binding, vector, count * this.#width)
    this.#validity.load(vectorValidity(this.#context.binding, vector, count))
    return 0
  }

  take(start: number, count: number): void {
    const used = this.length * 16
    this.#values = grown(this.#values, used, used + count * 16)
    const { buffer, byteOffset } = this.#loaded
    const target = new Int32Array(this.#values.buffer, used, count * 4)
    if (this.#width === 16) {
      this.#values.set(this.#loaded.subarray(start * 16, (start + count) * 16), used)
    } else if (this.#width === 8) {
      const source = new Int32Array(buffer, byteOffset + start * 8, count * 2)
      for (let row = 0; row < count; row++) {
        const high = source[row * 2 + 1]!
        target[row * 4] = source[row * 2]!
        target[row * 4 + 1] = high
        target[row * 4 + 2] = target[row * 4 + 3] = high >> 31
      }
    } else {
      const Source = this.#width === 4 ? Int32Array : Int16Array
      const source = new Source(buffer as ArrayBuffer, byteOffset + start * this.#width, count)
      for (let row = 0; row < count; row++) {
        const value = source[row]!
        target[row * 4] = value
        target[row * 4 + 1] = target[row * 4 + 2] = target[row * 4 + 3] = value >> 31
      }
    }
    this.#validity.take(start, count)
  }

  finish(): Data {
    const data = this.#values.subarray(0, this.length * 16)
    this.#values = new Uint8Array(data.byteLength)
    return makeData(this.#context, { type: this.type, data, ...this.#validity.finish() })
  }
}

/** Lists and maps: ranges of a child vector in DuckDB, in any order and with gaps; one after the other in Arrow. */
class ListBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #child: ColumnBuilder
  readonly #validity = new ValidityBuilder()
  #entries = new Uint32Array(0)
  #loadedValidity: Uint8Array | undefined
  #offsets = new Uint8Array(4)

  constructor(context: BuilderContext, type: DataType, child: ColumnBuilder) {
    this.#context = context
    this.type = type
    this.#child = child
  }

  get length(): number {
    return this.#validity.length
  }

  load(vector: Vector, count: number): number {
    const { binding } = this.#context
    const bytes = vectorBytes(binding, vector, count * entryBytes)
    this.#entries = new Uint32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, count * 4)
    this.#loadedValidity = vectorValidity(binding, vector, count)
    this.#validity.load(this.#loadedValidity)
    return this.#child.load(binding.list_vector_get_child(vector), binding.list_vector_get_size(vector))
  }

  take(start: number, count: number): void {
    const used = (this.length + 1) * 4
    this.#offsets = grown(this.#offsets, used, used + count * 4)
    const offsets = new Int32Array(this.#offsets.buffer, used, count)
    let end = this.#child.length
    let rangeStart = 0
    let rangeEnd = 0
    for (let row = 0; row < count; row++) {
      const at = (start + row) * 4
      const length = isValid(this.#loadedValidity, start + row) ? this.#entries[at + 2]! : 0
      if (length > 0) {
        // A chunk's lists have far fewer than 2^32 elements, so the upper words are zero.
        const offset = this.#entries[at]!
        if (offset !== rangeEnd) {
          this.#child.take(rangeStart, rangeEnd - rangeStart)
          rangeStart = offset
        }
        rangeEnd = offset + length
        end += length
      }
      offsets[row] = end
    }
    this.#child.take(rangeStart, rangeEnd - rangeStart)
    this.#validity.take(start, count)
  }

  finish(): Data {
    const valueOffsets = new Int32Array(this.#offsets.buffer, 0, this.length + 1)
    this.#offsets = new Uint8Array(valueOffsets.byteLength)
    return makeData(this.#context, { type: this.type, valueOffsets, child: this.#child.finish(), ...this.#validity.finish() })
  }
}

/** Lists of one length, whose elements lie one after the other in both. */
class ArrayBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #child: ColumnBuilder
  readonly #size: number
  readonly #validity = new ValidityBuilder()

  constructor(context: BuilderContext, child: ColumnBuilder, size: number) {
    this.#context = context
    this.#child = child
    this.#size = size
    this.type = new context.arrow.FixedSizeList(size, new context.arrow.Field('element', child.type, true))
  }

  get length(): number {
    return this.#validity.length
  }

  load(vector: Vector, count: number): number {
    this.#validity.load(vectorValidity(this.#context.binding, vector, count))
    return this.#child.load(this.#context.binding.array_vector_get_child(vector), count * this.#size)
  }

  take(start: number, count: number): void {
    this.#child.take(start * this.#size, count * this.#size)
    this.#validity.take(start, count)
  }

  finish(): Data {
    return makeData(this.#context, { type: this.type, child: this.#child.finish(), ...this.#validity.finish() })
  }
}

class StructBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #children: readonly ColumnBuilder[]
  readonly #validity = new ValidityBuilder()

  constructor(context: BuilderContext, fields: Field[], children: readonly ColumnBuilder[]) {
    this.#context = context
    this.#children = children
    this.type = new context.arrow.Struct(fields)
  }

  get length(): number {
    return this.#validity.length
  }

  load(vector: Vector, count: number): number {
    const { binding } = this.#context
    this.#validity.load(vectorValidity(binding, vector, count))
    let bytes = 0
    for (const [index, child] of this.#children.entries()) bytes += child.load(binding.struct_vector_get_child(vector, index), count)
    return bytes
  }

  take(start: number, count: number): void {
    for (const child of this.#children) child.take(start, count)
    this.#validity.take(start, count)
  }

  finish(): Data {
    const children = this.#children.map((child) => child.finish())
    return makeData(this.#context, { type: this.type, children, ...this.#validity.finish() })
  }
}

/** The type of a bare NULL. */
class NullBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  #length = 0

  constructor(context: BuilderContext) {
    this.#context = context
    this.type = new context.arrow.Null()
  }

  get length(): number {
    return this.#length
  }

  load(): number {
    return 0
  }

  take(_start: number, count: number): void {
    this.#length += count
  }

  finish(): Data {
    const length = this.#length
    this.#length = 0
    return makeData(this.#context, { type: this.type, length, nullCount: length })
  }
}

/** The parts of an Arrow column. */
export interface DataParts {
  readonly type: DataType
  readonly length: number
  readonly nullCount: number
  readonly nullBitmap?: Uint8Array | undefined
  readonly data?: Uint8Array
  readonly valueOffsets?: Int32Array
  readonly child?: Data
  readonly children?: Data[]
}

/** Arrow data of its parts. */
export function makeData(context: { readonly arrow: Arrow }, parts: DataParts): Data {
  // Its declaration has an overload for each type and none for a type known only at run time.
  return (context.arrow.makeData as unknown as (parts: DataParts) => Data)(parts)
}
