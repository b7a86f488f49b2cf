/**
 * Raw bytes of DuckDB's vectors. The binding gives copies, so what is read here outlives its chunk; only the pointers inside long
 * strings refer to the chunk's memory, and they are followed before the chunk is let go.
 *
 * A string is 16 bytes: its length, then either up to 12 bytes of text, or the first four and a pointer. A list is the offset and the
 * length of its elements in the child vector, 8 bytes each. Validity is one bit a row, lowest first, in 64-bit words.
 */
import type { Binding, Vector } from './binding.ts'

/** The size of a string's or a list's entry in a vector. */
export const entryBytes = 16

/** The longest text that lies in the entry itself. */
export const inlineBytes = 12

const empty = new Uint8Array(8)

/** The first `byteCount` bytes of a vector's data, at an offset that is a multiple of 8. */
export function vectorBytes(binding: Binding, vector: Vector, byteCount: number): Uint8Array {
  if (byteCount === 0) return empty.subarray(0, 0)
  const bytes = binding.vector_get_data(vector, byteCount)
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
}

/** The validity bits of a vector's first `count` rows, or `undefined` where all are valid. */
export function vectorValidity(binding: Binding, vector: Vector, count: number): Uint8Array | undefined {
  if (count === 0) return undefined
  return (binding.vector_get_validity(vector, Math.ceil(count / 64) * 8) as Uint8Array | null) ?? undefined
}

/** Whether a row is valid by the bits of {@link vectorValidity}. */
export function isValid(validity: Uint8Array | undefined, row: number): boolean {
  return validity === undefined || ((validity[row >> 3]! >> (row & 7)) & 1) === 1
}

/** The bytes of one string of a vector whose entries were read with {@link vectorBytes}. */
export function stringBytes(binding: Binding, entries: Uint8Array, row: number): Uint8Array {
  const at = row * entryBytes
  const length = entries[at]! + entries[at + 1]! * 0x100 + entries[at + 2]! * 0x10000 + entries[at + 3]! * 0x1000000
  if (length <= inlineBytes) return entries.subarray(at + 4, at + 4 + length)
  return pointedBytes(binding, entries, at + 8, length)
}

/** `byteCount` bytes from the pointer that lies at `offset` of the entries. */
export function pointedBytes(binding: Binding, entries: Uint8Array, offset: number, byteCount: number): Uint8Array {
  return binding.get_data_from_pointer(entries.buffer as ArrayBuffer, entries.byteOffset + offset, byteCount)
}
