/**
 * Builders of Arrow columns from DuckDB's vectors, one for each physical shape, nested ones made of others. Data flow for each chunk:
 * `load` copies the vector's bytes out of DuckDB once, `take` appends ranges of its rows (a list's child is taken in the ranges that
 * its rows name), and `finish` hands the buffers over as Arrow data and starts anew. No value becomes a JavaScript object on the way.
 */
import type { Data, DataType, Field } from 'apache-arrow'
import type { Binding, Vector } from '../binding.ts'
import type { EngineType } from '../types.ts'

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

/** The Arrow field of what a builder builds. A variant's says that it is one, in the way of Arrow's registry of extension types. */
export function arrowField(context: BuilderContext, name: string, type: EngineType, builder: ColumnBuilder, nullable = true): Field {
  const metadata = type.name === 'VARIANT' ? new Map([['ARROW:extension:name', 'arrow.parquet.variant']]) : undefined
  return new context.arrow.Field(name, builder.type, nullable, metadata)
}

/** Room for at least `needed` bytes, grown by doubling, what was there kept. */
export function grown(buffer: Uint8Array<ArrayBuffer>, used: number, needed: number): Uint8Array<ArrayBuffer> {
  if (needed <= buffer.byteLength) return buffer
  const larger = new Uint8Array(Math.max(needed, buffer.byteLength * 2, 64))
  larger.set(buffer.subarray(0, used))
  return larger
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
