/** Writers of numbers that Arrow and DuckDB lay out differently. What does not fit exactly is refused, never changed. */
import { ValueError } from '../../errors/index.ts'
import type { Binding, LogicalType, Vector } from '../binding.ts'
import { decimalBytes } from '../values.ts'
import { isValid } from '../vectors.ts'
import { type ArrowData, valueBytes } from './arrow-shape.ts'
import { type ColumnWriter, Scratch, writeBytes, writeValidity } from './writer.ts'

abstract class NumberWriter implements ColumnWriter {
  protected readonly binding: Binding
  protected readonly name: string
  readonly #scratch = new Scratch()

  constructor(binding: Binding, name: string) {
    this.binding = binding
    this.name = name
  }

  abstract logicalType(): LogicalType

  /** The bytes of a value in Arrow and in DuckDB. */
  protected abstract readonly widths: { readonly source: number; readonly target: number }

  /** Converts the rows that are not NULL; the others may stay as they are. */
  protected abstract convert(source: DataView, target: DataView, count: number, validity: Uint8Array | undefined): void

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    const validity = writeValidity(this.binding, vector, data, start, count, outer)
    const source = valueBytes(data, this.widths.source, start, count, this.name)
    const target = this.#scratch.bytes(count * this.widths.target)
    const view = new DataView(source.buffer, source.byteOffset, source.byteLength)
    this.convert(view, new DataView(target.buffer), count, validity)
    writeBytes(this.binding, vector, target.subarray(0, count * this.widths.target))
  }

  protected outOfRange(what: string): ValueError {
    return new ValueError('VALUE_OUT_OF_RANGE', `The column ${JSON.stringify(this.name)} holds ${what}.`, {
      remedy: 'Change the value, or give the column as another type.',
      data: { column: this.name },
    })
  }
}

/** Decimals of 32 to 256 bits. */
export class DecimalWriter extends NumberWriter {
  protected readonly widths: { readonly source: number; readonly target: 2 | 4 | 8 | 16 }
  readonly #precision: number
  readonly #scale: number
  readonly #limit: bigint
  readonly #nearLimit: number

  constructor(binding: Binding, name: string, precision: number, scale: number, bytes: number) {
    super(binding, name)
    this.widths = { source: bytes, target: decimalBytes(precision) }
    this.#precision = precision
    this.#scale = scale
    this.#limit = 10n ** BigInt(precision)
    this.#nearLimit = Number(this.#limit) * 0.999
  }

  logicalType(): LogicalType {
    return this.binding.create_decimal_type(this.#precision, this.#scale)
  }

  protected convert(source: DataView, target: DataView, count: number, validity: Uint8Array | undefined): void {
    for (let row = 0; row < count; row++) {
      if (!isValid(validity, row)) continue
      this.#check(source, row)
      this.#copy(source, target, row)
    }
  }

  /** Compares by floating point, and exactly only near the limit. */
  #check(source: DataView, row: number): void {
    const words = this.widths.source / 4
    const at = row * this.widths.source
    let value = source.getInt32(at + (words - 1) * 4, true)
    for (let word = words - 2; word >= 0; word--) value = value * 0x1_0000_0000 + source.getUint32(at + word * 4, true)
    if (Math.abs(value) < this.#nearLimit) return
    let exact = BigInt(source.getInt32(at + (words - 1) * 4, true))
    for (let word = words - 2; word >= 0; word--) exact = (exact << 32n) + BigInt(source.getUint32(at + word * 4, true))
    if (exact >= this.#limit || exact <= -this.#limit) throw this.outOfRange(`a decimal of more than ${this.#precision} digits`)
  }

  #copy(source: DataView, target: DataView, row: number): void {
    const { source: from, target: to } = this.widths
    if (to === 2) {
      target.setInt16(row * 2, source.getInt32(row * from, true), true)
      return
    }
    const sign = source.getInt32(row * from + from - 4, true) >> 31
    for (let byte = 0; byte < to; byte += 4)
      target.setInt32(row * to + byte, byte < from ? source.getInt32(row * from + byte, true) : sign, true)
  }
}

/** Half-precision numbers, which DuckDB lacks. */
export class Float16Writer extends NumberWriter {
  protected readonly widths = { source: 2, target: 4 }

  logicalType(): LogicalType {
    return this.binding.create_logical_type(this.binding.Type.FLOAT)
  }

  protected convert(source: DataView, target: DataView, count: number): void {
    for (let row = 0; row < count; row++) target.setFloat32(row * 4, fromHalf(source.getUint16(row * 2, true)), true)
  }
}

/** Dates in milliseconds, which must be whole days. */
export class MillisecondDateWriter extends NumberWriter {
  protected readonly widths = { source: 8, target: 4 }

  logicalType(): LogicalType {
    return this.binding.create_logical_type(this.binding.Type.DATE)
  }

  protected convert(source: DataView, target: DataView, count: number, validity: Uint8Array | undefined): void {
    for (let row = 0; row < count; row++) {
      if (!isValid(validity, row)) continue
      const milliseconds = source.getInt32(row * 8 + 4, true) * 0x1_0000_0000 + source.getUint32(row * 8, true)
      const days = milliseconds / 86_400_000
      if (!Number.isInteger(days) || days !== (days | 0)) throw this.outOfRange('a date that is not a whole day')
      target.setInt32(row * 4, days, true)
    }
  }
}

/** Instants in seconds, milliseconds or nanoseconds: DuckDB has microseconds alone. */
export class InstantWriter extends NumberWriter {
  protected readonly widths = { source: 8, target: 8 }
  readonly #multiplier: bigint
  readonly #divisor: bigint

  /** @param unit Arrow's number: 0 seconds, 1 milliseconds, 3 nanoseconds. */
  constructor(binding: Binding, name: string, unit: number) {
    super(binding, name)
    this.#multiplier = unit === 0 ? 1_000_000n : unit === 1 ? 1000n : 1n
    this.#divisor = unit === 3 ? 1000n : 1n
  }

  logicalType(): LogicalType {
    return this.binding.create_logical_type(this.binding.Type.TIMESTAMP_TZ)
  }

  protected convert(source: DataView, target: DataView, count: number, validity: Uint8Array | undefined): void {
    for (let row = 0; row < count; row++) {
      if (!isValid(validity, row)) continue
      const value = source.getBigInt64(row * 8, true) * this.#multiplier
      if (value % this.#divisor !== 0n) throw this.outOfRange('a timestamp that is not a whole number of microseconds')
      const micros = value / this.#divisor
      if (BigInt.asIntN(64, micros) !== micros) throw this.outOfRange('a timestamp beyond what 64 bits of microseconds hold')
      target.setBigInt64(row * 8, micros, true)
    }
  }
}

function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
