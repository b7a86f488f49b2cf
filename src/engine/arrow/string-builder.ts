/**
 * Texts and binary values: 16-byte entries in DuckDB, offsets and one run of bytes in Arrow.
 *
 * Texts of up to 12 bytes lie in the entries. Longer ones are pointed to, and a call into the binding for each costs more than all the
 * rest; but they lie one after the other in the vector's heap, so the pointers are walked and a whole run is fetched at once. Between
 * the end of one text and the start of the next, a gap of less than a page lies on a page of one of the two and so can be read;
 * gaps are bridged only where that is cheaper than another call.
 */
import type { Data, DataType } from 'apache-arrow'
import { ValueError } from '../../errors/index.ts'
import type { Vector } from '../binding.ts'
import { entryBytes, inlineBytes, isValid, pointedBytes, vectorBytes, vectorValidity } from '../vectors.ts'
import { type BuilderContext, type ColumnBuilder, grown, makeData } from './builder.ts'
import { ValidityBuilder } from './validity-builder.ts'

/** The widest gap within a run: below a page (4,096 bytes), and worth less than a call. */
const widestGap = 1024

/** Arrow's offsets are signed 32-bit numbers. */
const mostBytes = 2 ** 31 - 1

/** Builds a column of Utf8 or Binary. */
export class StringBuilder implements ColumnBuilder {
  readonly type: DataType
  readonly #context: BuilderContext
  readonly #validity = new ValidityBuilder()
  #entries: Uint8Array = new Uint8Array(0)
  #words = new Uint32Array(0)
  #loadedValidity: Uint8Array | undefined
  #offsets = new Uint8Array(4)
  #bytes = new Uint8Array(0)
  #view = new DataView(this.#bytes.buffer)
  #used = 0

  constructor(context: BuilderContext, type: DataType) {
    this.#context = context
    this.type = type
  }

  get length(): number {
    return this.#validity.length
  }

  load(vector: Vector, count: number): number {
    this.#entries = vectorBytes(this.#context.binding, vector, count * entryBytes)
    this.#words = new Uint32Array(this.#entries.buffer as ArrayBuffer, this.#entries.byteOffset, count * 4)
    this.#loadedValidity = vectorValidity(this.#context.binding, vector, count)
    this.#validity.load(this.#loadedValidity)
    return this.#countBytes(0, count)
  }

  take(start: number, count: number): void {
    const needed = this.#used + this.#countBytes(start, count)
    if (needed > mostBytes) throw tooLong()
    // An inline text is copied as three whole words, whatever its length.
    if (needed + inlineBytes > this.#bytes.byteLength) {
      this.#bytes = grown(this.#bytes, this.#used, needed + inlineBytes)
      this.#view = new DataView(this.#bytes.buffer)
    }
    const offsetsUsed = (this.length + 1) * 4
    this.#offsets = grown(this.#offsets, offsetsUsed, offsetsUsed + count * 4)
    const offsets = new Int32Array(this.#offsets.buffer, offsetsUsed - 4, count + 1)
    this.#copyInline(start, count, offsets)
    this.#copyPointed(start, count, offsets)
    this.#used = needed
    this.#validity.take(start, count)
  }

  finish(): Data {
    const data = this.#bytes.subarray(0, this.#used)
    const valueOffsets = new Int32Array(this.#offsets.buffer, 0, this.length + 1)
    this.#bytes = new Uint8Array(this.#used === 0 ? 0 : Math.ceil(this.#used * 1.06) + inlineBytes)
    this.#view = new DataView(this.#bytes.buffer)
    this.#offsets = new Uint8Array(valueOffsets.byteLength)
    this.#used = 0
    return makeData(this.#context, { type: this.type, data, valueOffsets, ...this.#validity.finish() })
  }

  /** The bytes of the valid rows of a range; what lies in the place of a NULL is nothing to go by. */
  #countBytes(start: number, count: number): number {
    const words = this.#words
    const validity = this.#loadedValidity
    let bytes = 0
    if (validity === undefined) {
      for (let at = start * 4, end = (start + count) * 4; at < end; at += 4) bytes += words[at]!
    } else {
      for (let row = start; row < start + count; row++) if (isValid(validity, row)) bytes += words[row * 4]!
    }
    return bytes
  }

  /** Writes all offsets, and the texts that lie in their entries. Copying a whole entry runs into the next text, which comes after. */
  #copyInline(start: number, count: number, offsets: Int32Array): void {
    const words = this.#words
    const view = this.#view
    const validity = this.#loadedValidity
    let at = this.#used
    for (let row = 0; row < count; row++) {
      const word = (start + row) * 4
      if (validity === undefined || isValid(validity, start + row)) {
        const length = words[word]!
        if (length <= inlineBytes) {
          view.setUint32(at, words[word + 1]!, true)
          view.setUint32(at + 4, words[word + 2]!, true)
          view.setUint32(at + 8, words[word + 3]!, true)
        }
        at += length
      }
      offsets[row + 1] = at
    }
  }

  #copyPointed(start: number, count: number, offsets: Int32Array): void {
    const words = this.#words
    let first = -1
    let runStart = 0
    let runEnd = 0
    for (let row = 0; row < count; row++) {
      const length = offsets[row + 1]! - offsets[row]!
      if (length <= inlineBytes) continue
      const word = (start + row) * 4
      const address = words[word + 3]! * 0x1_0000_0000 + words[word + 2]!
      if (first >= 0 && address >= runStart && address <= runEnd + widestGap) {
        if (address + length > runEnd) runEnd = address + length
        continue
      }
      if (first >= 0) this.#copyRun(start, first, row, offsets, runStart, runEnd)
      first = row
      runStart = address
      runEnd = address + length
    }
    if (first >= 0) this.#copyRun(start, first, count, offsets, runStart, runEnd)
  }

  /** Fetches a run that begins with the text of row `first`, and copies the texts of the rows up to `end` out of it. */
  #copyRun(start: number, first: number, end: number, offsets: Int32Array, runStart: number, runEnd: number): void {
    const words = this.#words
    const run = pointedBytes(this.#context.binding, this.#entries, (start + first) * entryBytes + 8, runEnd - runStart)
    let source = 0
    let target = offsets[first]!
    let length = 0
    for (let row = first; row < end; row++) {
      const at = offsets[row]!
      const size = offsets[row + 1]! - at
      if (size <= inlineBytes) continue
      const word = (start + row) * 4
      const from = words[word + 3]! * 0x1_0000_0000 + words[word + 2]! - runStart
      if (from === source + length && at === target + length) {
        length += size
        continue
      }
      this.#copyPiece(run, source, target, length)
      source = from
      target = at
      length = size
    }
    this.#copyPiece(run, source, target, length)
  }

  #copyPiece(run: Uint8Array, source: number, target: number, length: number): void {
    const bytes = this.#bytes
    if (length > 64) {
      bytes.set(source === 0 && length === run.byteLength ? run : run.subarray(source, source + length), target)
      return
    }
    for (let index = 0; index < length; index++) bytes[target + index] = run[source + index]!
  }
}

function tooLong(): ValueError {
  return new ValueError('VALUE_OUT_OF_RANGE', 'One row holds 2 GiB of text or more, which an Arrow batch cannot.', {
    remedy: 'Select a part of the value, or leave the column out.',
  })
}
