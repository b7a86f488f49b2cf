/**
 * Texts and binary values into DuckDB's vectors. A call into the binding for each value would cost more than writing the file, so the
 * bytes of a whole chunk are handed over as one value, which DuckDB copies into the vector's own heap; the entries of the rows are then
 * laid out to point into that copy. It lives as long as the vector does, which is what holds for every string of a vector.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { ValueError } from '../../errors/index.ts'
import type { Binding, LogicalType, Vector } from '../binding.ts'
import { entryBytes, inlineBytes, vectorBytes } from '../vectors.ts'
import { type ArrowData, type ArrowField, ArrowTypeId, malformed, valueBytes, valueOffsets } from './arrow-shape.ts'
import { type ColumnWriter, Scratch, writeBytes, writeValidity } from './writer.ts'

/** The texts of some rows: their bytes in one piece, and where each row begins in it, `base` added. */
interface Texts {
  readonly bytes: Uint8Array
  readonly offsets: Int32Array
  readonly base: number
}

/** The address of bytes in a vector's heap, in two words. */
interface Heap {
  readonly low: number
  readonly high: number
}

/** Writes Utf8 and Binary columns, their large and view forms, and binary values of one size. */
export class StringWriter implements ColumnWriter {
  readonly #binding: Binding
  readonly #field: ArrowField
  readonly #isText: boolean
  readonly #entries = new Scratch()

  constructor(binding: Binding, field: ArrowField) {
    this.#binding = binding
    this.#field = field
    const text: readonly number[] = [ArrowTypeId.Utf8, ArrowTypeId.LargeUtf8, ArrowTypeId.Utf8View]
    this.#isText = text.includes(field.type.typeId)
  }

  logicalType(): LogicalType {
    const { VARCHAR, BLOB } = this.#binding.Type
    return this.#binding.create_logical_type(this.#isText ? VARCHAR : BLOB)
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    const validity = writeValidity(this.#binding, vector, data, start, count, outer)
    const texts = this.#texts(data, start, count, validity)
    if (this.#isText) this.#checkText(texts, count)
    const entries = this.#entries.bytes(count * entryBytes)
    const words = new Uint32Array(entries.buffer, 0, count * 4)
    const long = layOut({ words, entries, texts, count, validity }, 0, undefined)
    if (long < count) layOut({ words, entries, texts, count, validity }, long, this.#toHeap(vector, texts.bytes))
    writeBytes(this.#binding, vector, entries.subarray(0, count * entryBytes))
  }

  #texts(data: ArrowData, start: number, count: number, validity: Uint8Array | undefined): Texts {
    const { name, type } = this.#field
    if (type.typeId === ArrowTypeId.FixedSizeBinary) {
      const width = type.byteWidth ?? 0
      return {
        bytes: valueBytes(data, width, start, count, name),
        offsets: Int32Array.from({ length: count + 1 }, (_, row) => row * width),
        base: 0,
      }
    }
    if (type.typeId === ArrowTypeId.Utf8View || type.typeId === ArrowTypeId.BinaryView)
      return gatherViews(data, start, count, validity, name)
    const values = data.values
    const limit = values?.byteLength ?? 0
    const offsets = valueOffsets(data, start, count, limit, name)
    const base = offsets[0]!
    const bytes = limit === 0 ? new Uint8Array(0) : new Uint8Array(values!.buffer, values!.byteOffset + base, offsets[count]! - base)
    return { bytes, offsets, base }
  }

  /** The whole piece may be valid UTF-8 and yet be cut inside a character. */
  #checkText({ bytes, offsets, base }: Texts, count: number): void {
    if (isAscii(bytes)) return
    let whole = isUtf8(bytes)
    for (let row = 0; row < count && whole; row++) {
      const at = offsets[row]! - base
      if (at < bytes.length && (bytes[at]! & 0xc0) === 0x80) whole = false
    }
    if (whole) return
    throw new ValueError('INVALID_VALUE', `The column ${JSON.stringify(this.#field.name)} holds text that is not UTF-8.`, {
      remedy: 'Encode it as UTF-8, or give it as binary.',
      data: { column: this.#field.name },
    })
  }

  /** Copies the bytes into the vector's heap. */
  #toHeap(vector: Vector, bytes: Uint8Array): Heap {
    this.#binding.vector_assign_string_element_len(vector, 0, bytes)
    const entry = vectorBytes(this.#binding, vector, entryBytes)
    const view = new DataView(entry.buffer, entry.byteOffset, entryBytes)
    // DuckDB writes nothing where it refuses the bytes.
    if (view.getUint32(0, true) !== bytes.byteLength) throw malformed(this.#field.name)
    return { low: view.getUint32(8, true), high: view.getUint32(12, true) }
  }
}

/** The bits of each word of an entry that a text of so many bytes has. */
const firstWord = wordMasks(0)
const secondWord = wordMasks(4)
const thirdWord = wordMasks(8)

function wordMasks(before: number): Int32Array {
  return Int32Array.from({ length: inlineBytes + 1 }, (_, length) => {
    const bytes = Math.min(4, Math.max(0, length - before))
    return bytes === 4 ? -1 : (1 << (bytes * 8)) - 1
  })
}

interface Rows {
  /** The entries, as words and as bytes. */
  readonly words: Uint32Array
  readonly entries: Uint8Array
  readonly texts: Texts
  readonly count: number
  readonly validity: Uint8Array | undefined
}

/**
 * Writes an entry a row, from one on: the length, then up to 12 bytes padded with zeros, or the first four and the address in the heap.
 * @returns the row that needs a heap where there is none, or the number of rows
 */
function layOut({ words, entries, texts, count, validity }: Rows, first: number, heap: Heap | undefined): number {
  const { bytes, offsets, base } = texts
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Up to here, three whole words can be read wherever a text begins.
  const lastWhole = bytes.byteLength - inlineBytes
  let end = offsets[first]! - base
  for (let row = first; row < count; row++) {
    const from = end
    end = offsets[row + 1]! - base
    const length = validity === undefined || isSet(validity, row) ? end - from : 0
    const word = row * 4
    words[word] = length
    if (length <= inlineBytes) {
      if (from <= lastWhole) {
        words[word + 1] = view.getUint32(from, true) & firstWord[length]!
        words[word + 2] = view.getUint32(from + 4, true) & secondWord[length]!
        words[word + 3] = view.getUint32(from + 8, true) & thirdWord[length]!
        continue
      }
      words[word + 1] = 0
      words[word + 2] = 0
      words[word + 3] = 0
      for (let index = 0, target = row * entryBytes + 4; index < length; index++) entries[target + index] = bytes[from + index]!
    } else {
      if (heap === undefined) return row
      words[word + 1] = view.getUint32(from, true)
      const low = heap.low + from
      words[word + 2] = low
      words[word + 3] = low > 0xffff_ffff ? heap.high + 1 : heap.high
    }
  }
  return count
}

function gatherViews(data: ArrowData, start: number, count: number, validity: Uint8Array | undefined, name: string): Texts {
  const views = valueBytes(data, entryBytes, start, count, name)
  const view = new DataView(views.buffer, views.byteOffset, views.byteLength)
  const offsets = new Int32Array(count + 1)
  for (let row = 0; row < count; row++) {
    offsets[row + 1] = offsets[row]! + (isSet(validity, row) ? view.getUint32(row * entryBytes, true) : 0)
  }
  const bytes = new Uint8Array(offsets[count]!)
  for (let row = 0; row < count; row++) {
    const length = offsets[row + 1]! - offsets[row]!
    const at = row * entryBytes
    if (length <= inlineBytes) {
      bytes.set(views.subarray(at + 4, at + 4 + length), offsets[row])
      continue
    }
    const buffer = data.variadicBuffers?.[view.getInt32(at + 8, true)]
    const from = view.getInt32(at + 12, true)
    if (buffer === undefined || from < 0 || from + length > buffer.byteLength) throw malformed(name)
    bytes.set(buffer.subarray(from, from + length), offsets[row])
  }
  return { bytes, offsets, base: 0 }
}

function isSet(validity: Uint8Array | undefined, row: number): boolean {
  return validity === undefined || ((validity[row >> 3]! >> (row & 7)) & 1) === 1
}
