/** Dictionary-encoded Arrow columns, decoded for a range of rows into a plain column. */

import { isValid } from '../vectors.ts'
import { type ArrowData, ArrowTypeId, malformed, unsupportedArrowType, valueBytes, valueOffsets } from './arrow-shape.ts'

/** A dictionary's chunks as one list of values, kept for as long as the dictionary is. */
interface Lookup {
  /** The validity of each value, a byte each. */
  readonly valid: Uint8Array
  /** For values of one width: their bytes. */
  readonly fixed?: { readonly bytes: Uint8Array; readonly width: number }
  /** For texts and binary values. */
  readonly texts?: { readonly bytes: Uint8Array; readonly offsets: Int32Array }
}

const lookups = new WeakMap<object, Lookup>()

/**
 * The values that rows `[start, start + count)` name.
 * @throws SchemaError UNSUPPORTED_TYPE for a dictionary of nested values. @throws ValueError INVALID_VALUE for an index outside it.
 */
export function decodeDictionary(data: ArrowData, start: number, count: number, name: string): ArrowData {
  const { dictionary } = data
  const type = data.type.dictionary
  if (dictionary === undefined || type === undefined) throw malformed(name)
  let lookup = lookups.get(dictionary)
  if (lookup === undefined) {
    lookup = makeLookup(dictionary.data, name)
    lookups.set(dictionary, lookup)
  }
  const { indexes, nulls, bitmap } = rowIndexes(data, start, count, lookup, name)
  const column = { type, length: count, offset: 0, nullCount: nulls, nullBitmap: bitmap }
  return { ...column, ...(lookup.fixed === undefined ? pickTexts(lookup, indexes) : pickFixed(lookup.fixed, indexes)) }
}

/** The place of each row's value, or -1 for NULL. */
function rowIndexes(data: ArrowData, start: number, count: number, lookup: Lookup, name: string) {
  const values = data.values as unknown as ArrayLike<number | bigint> | undefined
  if (values === undefined || values.length < start + count) throw malformed(name)
  const indexes = new Int32Array(count)
  const bitmap = new Uint8Array((count + 7) >> 3)
  const own = data.nullCount !== 0 && data.nullBitmap?.byteLength ? data.nullBitmap : undefined
  let nulls = 0
  for (let row = 0; row < count; row++) {
    const index = isValid(own, data.offset + start + row) ? Number(values[start + row]) : -1
    if (index >= lookup.valid.length || index < -1) throw malformed(name)
    if (index >= 0 && lookup.valid[index] === 1) {
      indexes[row] = index
      bitmap[row >> 3]! |= 1 << (row & 7)
    } else {
      indexes[row] = -1
      nulls++
    }
  }
  return { indexes, nulls, bitmap }
}

function pickFixed(fixed: NonNullable<Lookup['fixed']>, indexes: Int32Array): { values: Uint8Array } {
  const values = new Uint8Array(indexes.length * fixed.width)
  for (let row = 0; row < indexes.length; row++) {
    const from = indexes[row]! * fixed.width
    if (from >= 0) values.set(fixed.bytes.subarray(from, from + fixed.width), row * fixed.width)
  }
  return { values }
}

function pickTexts(lookup: Lookup, indexes: Int32Array): { values: Uint8Array; valueOffsets: Int32Array } {
  const { bytes, offsets } = lookup.texts!
  const ends = new Int32Array(indexes.length + 1)
  for (let row = 0; row < indexes.length; row++) {
    const index = indexes[row]!
    ends[row + 1] = ends[row]! + (index < 0 ? 0 : offsets[index + 1]! - offsets[index]!)
  }
  const values = new Uint8Array(ends[indexes.length]!)
  for (let row = 0; row < indexes.length; row++) {
    const length = ends[row + 1]! - ends[row]!
    if (length === 0) continue
    const from = offsets[indexes[row]!]!
    if (length > 64) values.set(bytes.subarray(from, from + length), ends[row])
    else for (let index = 0, to = ends[row]!; index < length; index++) values[to + index] = bytes[from + index]!
  }
  return { values, valueOffsets: ends }
}

function makeLookup(chunks: readonly ArrowData[], name: string): Lookup {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const valid = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    const bitmap = chunk.nullCount !== 0 && chunk.nullBitmap?.byteLength ? chunk.nullBitmap : undefined
    for (let row = 0; row < chunk.length; row++) valid[at++] = isValid(bitmap, chunk.offset + row) ? 1 : 0
  }
  const type = chunks[0]?.type
  if (type === undefined) return { valid, texts: { bytes: new Uint8Array(0), offsets: new Int32Array(1) } }
  const texts: readonly number[] = [ArrowTypeId.Utf8, ArrowTypeId.Binary, ArrowTypeId.LargeUtf8, ArrowTypeId.LargeBinary]
  if (texts.includes(type.typeId)) return { valid, texts: joinTexts(chunks, length, name) }
  const flat: readonly number[] = [
    ArrowTypeId.Int,
    ArrowTypeId.Float,
    ArrowTypeId.Decimal,
    ArrowTypeId.Date,
    ArrowTypeId.Timestamp,
    ArrowTypeId.FixedSizeBinary,
  ]
  if (!flat.includes(type.typeId)) throw unsupportedArrowType({ name, type })
  const width = fixedWidth(type)
  const bytes = new Uint8Array(length * width)
  let row = 0
  for (const chunk of chunks) {
    bytes.set(valueBytes(chunk, width, 0, chunk.length, name), row * width)
    row += chunk.length
  }
  return { valid, fixed: { bytes, width } }
}

function fixedWidth(type: ArrowData['type']): number {
  switch (type.typeId) {
    case ArrowTypeId.Float:
      return 2 << (type.precision ?? 0)
    case ArrowTypeId.Date:
      return type.unit === 0 ? 4 : 8
    case ArrowTypeId.Timestamp:
      return 8
    case ArrowTypeId.FixedSizeBinary:
      return type.byteWidth ?? 0
    default:
      return (type.bitWidth ?? 128) / 8
  }
}

function joinTexts(chunks: readonly ArrowData[], length: number, name: string): { bytes: Uint8Array; offsets: Int32Array } {
  const offsets = new Int32Array(length + 1)
  const pieces: Uint8Array[] = []
  let row = 0
  for (const chunk of chunks) {
    const { values } = chunk
    const ends = valueOffsets(chunk, 0, chunk.length, values?.byteLength ?? 0, name)
    const shift = offsets[row]! - ends[0]!
    for (let index = 1; index <= chunk.length; index++) offsets[row + index] = ends[index]! + shift
    if (values) pieces.push(new Uint8Array(values.buffer, values.byteOffset + ends[0]!, ends[chunk.length]! - ends[0]!))
    row += chunk.length
  }
  return { bytes: new Uint8Array(Buffer.concat(pieces)), offsets }
}
