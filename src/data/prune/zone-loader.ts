/** Zones as they come out of the engine. */
import { concat } from '../../log/files/columns.ts'
import { TextColumn, type Zone, type ZoneFamily } from './zone.ts'
import { familyOf, type ZoneColumn } from './zone-sql.ts'

/** The parts of an Arrow column that are read here. */
export interface ArrowColumn {
  readonly length: number
  readonly values: Float64Array | Uint8Array
  readonly valueOffsets: Int32Array
  readonly nullBitmap: Uint8Array | undefined
}

/** Gathers one zone out of the batches of its query. */
export class ZoneLoader {
  readonly #column: ZoneColumn
  readonly #family: ZoneFamily | undefined
  readonly #low: Float64Array[] = []
  readonly #high: Float64Array[] = []
  readonly #nulls: Float64Array[] = []
  readonly #lowText = new TextColumn()
  readonly #highText = new TextColumn()

  constructor(column: ZoneColumn) {
    this.#column = column
    this.#family = familyOf(column.type)
  }

  add([low, high, nulls]: readonly ArrowColumn[]): void {
    if (this.#family === 'text') {
      for (const [texts, column] of [
        [this.#lowText, low!],
        [this.#highText, high!],
      ] as const) {
        texts.add(column.values as Uint8Array, column.valueOffsets, column.nullBitmap, column.length)
      }
    } else {
      this.#low.push((low!.values as Float64Array).subarray(0, low!.length))
      this.#high.push((high!.values as Float64Array).subarray(0, high!.length))
    }
    this.#nulls.push((nulls!.values as Float64Array).subarray(0, nulls!.length))
  }

  finish(): Zone {
    const low = concat(this.#low)
    const high = concat(this.#high)
    this.#widen(low, high)
    return {
      type: this.#column.type,
      family: this.#family,
      low,
      high,
      lowText: this.#family === 'text' ? this.#lowText : undefined,
      highText: this.#family === 'text' ? this.#highText : undefined,
      nulls: new Uint8Array(concat(this.#nulls)),
    }
  }

  #widen(low: Float64Array, high: Float64Array): void {
    const { type, partition } = this.#column
    const timestamp = type === 'timestamp' || type === 'timestamp_ntz'
    const floating = type === 'float' || type === 'double'
    const precision = type === 'float' ? 2 ** -22 : 2 ** -51
    for (let i = 0; i < low.length; i++) {
      const [from, to] = [low[i]!, high[i]!]
      if (this.#family === 'number' || this.#family === 'time') {
        if (!Number.isSafeInteger(from) || type === 'float') low[i] = from - Math.abs(from) * precision
        if (!Number.isSafeInteger(to) || type === 'float') high[i] = to + Math.abs(to) * precision
      }
      if (partition) continue
      // Statistics are cut to the millisecond; a cut towards zero moves a time before 1970 up.
      if (timestamp) {
        low[i] = low[i]! - 1000
        high[i] = high[i]! + 1000
      }
      // NaN is the greatest value, and some writers leave it out of the maximum.
      if (floating) high[i] = Number.NaN
    }
  }
}
