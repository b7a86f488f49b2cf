/**
 * Writers of Arrow columns into DuckDB's vectors, the mirror of builder.ts. Each writes a range of rows into a vector of an output chunk:
 * values and validity as bytes, a list's elements into its child vector. Every row of every vector is written, since DuckDB reads
 * what lies in memory.
 */

import type { Binding, LogicalType, Vector } from '../binding.ts'
import { type ArrowData, malformed } from './arrow-shape.ts'
import { copyBits, countBits } from './validity-builder.ts'

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
