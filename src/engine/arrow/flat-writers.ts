/** Writers of columns that Arrow and DuckDB lay out alike, of booleans, and of the column that has no values. */

import type { Binding, LogicalType, Vector } from '../binding.ts'
import { type ArrowData, valueBytes } from './arrow-shape.ts'
import { type ColumnWriter, Scratch, writeBytes, writeValidity } from './writer.ts'

export class FixedWriter implements ColumnWriter {
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

export class NullWriter implements ColumnWriter {
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

export class BooleanWriter implements ColumnWriter {
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
