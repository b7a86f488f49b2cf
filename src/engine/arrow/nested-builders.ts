/** Builders of columns that are made of others, and of the column that has no values. */
import type { Data, DataType, Field } from 'apache-arrow'
import type { Vector } from '../binding.ts'
import { entryBytes, isValid, vectorBytes, vectorValidity } from '../vectors.ts'
import { type BuilderContext, type ColumnBuilder, grown, makeData } from './builder.ts'
import { ValidityBuilder } from './validity-builder.ts'

/** Lists and maps: ranges of a child vector in DuckDB, in any order and with gaps; one after the other in Arrow. */
export class ListBuilder implements ColumnBuilder {
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
export class ArrayBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #child: ColumnBuilder
  readonly #size: number
  readonly #validity = new ValidityBuilder()

  constructor(context: BuilderContext, child: ColumnBuilder, element: Field, size: number) {
    this.#context = context
    this.#child = child
    this.#size = size
    this.type = new context.arrow.FixedSizeList(size, element)
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

export class StructBuilder implements ColumnBuilder {
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
export class NullBuilder implements ColumnBuilder {
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
