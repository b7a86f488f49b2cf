/**
 * What the log says about the values in each file, column by column: a lower and an upper bound and whether there are NULLs.
 *
 * Numbers, dates and timestamps are doubles here, bounds widened outwards wherever a double is not exact, so that a bound may be too
 * wide but never too narrow; text stays UTF-8 bytes. What is missing or malformed is "unknown" for that cell alone.
 */
import type { DataType, StructType } from '../../schema/types.ts'

/** The columns of a table as a file list knows them. */
export interface ZoneTable {
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  /** The name that statistics and partition values of a file use for the field: the physical one where columns are mapped. Default: its own. */
  readonly physicalName?: (field: StructType['fields'][number]) => string
}

/** How the values of a column are compared. */
export type ZoneFamily = 'number' | 'time' | 'boolean' | 'text'

/** NULLs in a file, as far as the log says. */
export const nullsUnknown = 0
export const nullsNone = 1
export const nullsAll = 2

/** The bounds of one column in every file, in the order of the files. */
export interface Zone {
  readonly type: DataType
  /** `undefined` for types that have no order here; then only NULLs are known. */
  readonly family: ZoneFamily | undefined
  /** Bounds as numbers, NaN where unknown. Empty for text. */
  readonly low: Float64Array
  readonly high: Float64Array
  /** Bounds as text, for text. */
  readonly lowText: TextColumn | undefined
  readonly highText: TextColumn | undefined
  /** `nullsUnknown`, `nullsNone` or `nullsAll` for each file. */
  readonly nulls: Uint8Array
}

/** Bytes of a zone in memory. */
export function zoneBytes({ low, high, lowText, highText, nulls }: Zone): number {
  return low.byteLength + high.byteLength + nulls.byteLength + (lowText?.bytes ?? 0) + (highText?.bytes ?? 0)
}

/** A column of UTF-8 texts. */
export class TextColumn {
  readonly #parts: {
    readonly bytes: Uint8Array
    readonly offsets: Int32Array
    readonly validity: Uint8Array | undefined
    readonly start: number
  }[] = []
  #length = 0
  /** The part that was looked at last. */
  #current = 0
  /** Bytes in memory. */
  bytes = 0

  /** Adds the texts of an Arrow Utf8 column. A bit of `validity` that is not set is an unknown text. */
  add(bytes: Uint8Array, offsets: Int32Array, validity: Uint8Array | undefined, count: number): void {
    this.#parts.push({ bytes, offsets, validity, start: this.#length })
    this.#length += count
    this.bytes += bytes.byteLength + offsets.byteLength + (validity?.byteLength ?? 0)
  }

  /** The bytes of a text, `undefined` where it is unknown. */
  at(index: number): Uint8Array | undefined {
    while (this.#parts[this.#current]!.start > index) this.#current -= 1
    while (this.#current + 1 < this.#parts.length && this.#parts[this.#current + 1]!.start <= index) this.#current += 1
    const { bytes, offsets, validity, start } = this.#parts[this.#current]!
    const row = index - start
    if (validity !== undefined && validity.length > 0 && ((validity[row >> 3]! >> (row & 7)) & 1) === 0) return undefined
    return bytes.subarray(offsets[row]!, offsets[row + 1]!)
  }
}

/** Orders bytes as DuckDB and Parquet order text: by UTF-8. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** The key of a column in a map of zones. */
export function zoneKey(path: readonly string[]): string {
  return path.length === 1 ? path[0]! : JSON.stringify(path)
}
