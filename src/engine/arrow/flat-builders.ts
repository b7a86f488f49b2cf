/** Builders of columns whose values have one width. */
import type { Data, DataType } from 'apache-arrow'
import type { Vector } from '../binding.ts'
import { decimalBytes } from '../values.ts'
import { vectorBytes, vectorValidity } from '../vectors.ts'
import { type BuilderContext, type ColumnBuilder, grown, makeData } from './builder.ts'
import { ValidityBuilder } from './validity-builder.ts'

/** Values of one width that DuckDB and Arrow lay out alike. */
export class FixedBuilder implements ColumnBuilder {
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
export class BooleanBuilder implements ColumnBuilder {
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
export class DecimalBuilder implements ColumnBuilder {
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
