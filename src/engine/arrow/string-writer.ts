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
    const { bytes, offsets } = this.#texts(data, start, count, validity)
    if (this.#isText) this.#checkText(bytes, offsets, count)
    const heap = this.#toHeap(vector, bytes, offsets, count, validity)
    const entries = this.#entries.bytes(count * entryBytes)
    layOut(new Uint32Array(entries.buffer, 0, count * 4), entries, bytes, offsets, count, validity, heap)
    writeBytes(this.#binding, vector, entries.subarray(0, count * entryBytes))
  }

  /** The bytes of the rows in one piece, and where each row begins in it. */
  #texts(data: ArrowData, start: number, count: number, validity: Uint8Array | undefined): { bytes: Uint8Array; offsets: Int32Array } {
    const { name, type } = this.#field
    if (type.typeId === ArrowTypeId.FixedSizeBinary) {
      const width = type.byteWidth ?? 0
      return {
        bytes: valueBytes(data, width, start, count, name),
        offsets: Int32Array.from({ length: count + 1 }, (_, row) => row * width),
      }
    }
    if (type.typeId === ArrowTypeId.Utf8View || type.typeId === ArrowTypeId.BinaryView)
      return gatherViews(data, start, count, validity, name)
    const values = data.values
    const limit = values?.byteLength ?? 0
    const absolute = valueOffsets(data, start, count, limit, name)
    const first = absolute[0]!
    const bytes = limit === 0 ? new Uint8Array(0) : new Uint8Array(values!.buffer, values!.byteOffset + first, absolute[count]! - first)
    return { bytes, offsets: first === 0 ? absolute : absolute.map((offset) => offset - first) }
  }

  /** The whole piece may be valid UTF-8 and yet be cut inside a character. */
  #checkText(bytes: Uint8Array, offsets: Int32Array, count: number): void {
    if (isAscii(bytes)) return
    let whole = isUtf8(bytes)
    for (let row = 0; row < count && whole; row++) {
      const at = offsets[row]!
      if (at < bytes.length && (bytes[at]! & 0xc0) === 0x80) whole = false
    }
    if (whole) return
    throw new ValueError('INVALID_VALUE', `The column ${JSON.stringify(this.#field.name)} holds text that is not UTF-8.`, {
      remedy: 'Encode it as UTF-8, or give it as binary.',
      data: { column: this.#field.name },
    })
  }

  /** Copies the bytes into the vector's heap, where a row needs them there. @returns the address of the copy */
  #toHeap(vector: Vector, bytes: Uint8Array, offsets: Int32Array, count: number, validity: Uint8Array | undefined): number {
    let needed = false
    for (let row = 0; row < count && !needed; row++) needed = offsets[row + 1]! - offsets[row]! > inlineBytes && isSet(validity, row)
    if (!needed) return 0
    this.#binding.vector_assign_string_element_len(vector, 0, bytes)
    const entry = vectorBytes(this.#binding, vector, entryBytes)
    const view = new DataView(entry.buffer, entry.byteOffset, entryBytes)
    // DuckDB writes nothing where it refuses the bytes.
    if (view.getUint32(0, true) !== bytes.byteLength) throw malformed(this.#field.name)
    return view.getUint32(12, true) * 0x1_0000_0000 + view.getUint32(8, true)
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

/** Writes an entry a row: the length, then up to 12 bytes padded with zeros, or the first four and the address in the heap. */
function layOut(
  words: Uint32Array,
  entries: Uint8Array,
  bytes: Uint8Array,
  offsets: Int32Array,
  count: number,
  validity: Uint8Array | undefined,
  heap: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Up to here, three whole words can be read wherever a text begins.
  const lastWhole = bytes.byteLength - inlineBytes
  for (let row = 0; row < count; row++) {
    const from = offsets[row]!
    const length = isSet(validity, row) ? offsets[row + 1]! - from : 0
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
      words[word + 1] = view.getUint32(from, true)
      const address = heap + from
      words[word + 2] = address % 0x1_0000_0000
      words[word + 3] = Math.floor(address / 0x1_0000_0000)
    }
  }
}

function gatherViews(data: ArrowData, start: number, count: number, validity: Uint8Array | undefined, name: string) {
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
  return { bytes, offsets }
}

function isSet(validity: Uint8Array | undefined, row: number): boolean {
  return validity === undefined || ((validity[row >> 3]! >> (row & 7)) & 1) === 1
}
