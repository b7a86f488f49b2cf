/** Strings into Arrow's layout: one run of UTF-8 bytes and the offset of each. */
import { isWhole } from './coerce.ts'

/** Text is encoded in runs of about this many characters, so that neither the joined string nor its copy gets large. */
const runLength = 1 << 20

/**
 * Packs strings; null and undefined take no bytes. Mostly text is ASCII, and then one call encodes a whole run.
 * @param refuse Makes the error for the value at an index that is no string, or holds half a surrogate pair.
 */
export function packText(values: readonly unknown[], refuse: (index: number) => Error): { offsets: Int32Array; bytes: Uint8Array } {
  const offsets = new Int32Array(values.length + 1)
  const runs: Buffer[] = []
  let total = 0
  let start = 0
  let parts: string[] = []
  let length = 0
  const flush = (end: number) => {
    const bytes = Buffer.from(parts.join(''), 'utf8')
    const ascii = bytes.length === length
    for (let index = start; index < end; index++) {
      const value = values[index]
      if (typeof value === 'string') {
        if (!ascii && !isWhole(value)) throw refuse(index)
        total += ascii ? value.length : Buffer.byteLength(value, 'utf8')
        if (total > 0x7fffffff) throw refuse(index)
      }
      offsets[index + 1] = total
    }
    runs.push(bytes)
    start = end
    parts = []
    length = 0
  }
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (typeof value === 'string') {
      parts.push(value)
      length += value.length
    } else if (value !== null && value !== undefined) throw refuse(index)
    if (length >= runLength) flush(index + 1)
  }
  flush(values.length)
  return { offsets, bytes: runs.length === 1 ? runs[0]! : Buffer.concat(runs, total) }
}
