/** Arrow's validity bitmap out of the pieces that chunks bring. Nothing is allocated until the first NULL. */

/** Collects the validity of one column, and with it the column's length. */
export class ValidityBuilder {
  #loaded: Uint8Array | undefined
  #bits: Uint8Array<ArrayBuffer> | undefined
  #length = 0
  #nulls = 0

  /** The rows appended so far. */
  get length(): number {
    return this.#length
  }

  /** The validity of the vector that rows are taken from next; `undefined`: all are valid. */
  load(bits: Uint8Array | undefined): void {
    this.#loaded = bits
  }

  /** Appends the validity of rows of the loaded vector. */
  take(start: number, count: number): void {
    const nulls = this.#loaded === undefined ? 0 : count - countBits(this.#loaded, start, count)
    if (nulls > 0 || this.#bits !== undefined) {
      const bits = this.#room(count)
      if (nulls === 0) setBits(bits, this.#length, count)
      else copyBits(bits, this.#length, this.#loaded!, start, count)
    }
    this.#length += count
    this.#nulls += nulls
  }

  /** The parts of Arrow data; empty afterwards. */
  finish(): { length: number; nullCount: number; nullBitmap: Uint8Array | undefined } {
    const parts = { length: this.#length, nullCount: this.#nulls, nullBitmap: this.#bits?.subarray(0, (this.#length + 7) >> 3) }
    this.#bits = undefined
    this.#length = 0
    this.#nulls = 0
    return parts
  }

  #room(count: number): Uint8Array<ArrayBuffer> {
    const needed = (this.#length + count + 7) >> 3
    const bits = this.#bits
    if (bits !== undefined && bits.byteLength >= needed) return bits
    const larger = new Uint8Array(Math.max(needed, 8192, (bits?.byteLength ?? 0) * 2))
    if (bits === undefined) setBits(larger, 0, this.#length)
    else larger.set(bits)
    this.#bits = larger
    return larger
  }
}

/** How many of `count` bits from `start` are set. */
export function countBits(bits: Uint8Array, start: number, count: number): number {
  let set = 0
  let at = start
  const end = start + count
  while (at < end && (at & 7) !== 0) {
    set += (bits[at >> 3]! >> (at & 7)) & 1
    at++
  }
  for (; at + 8 <= end; at += 8) set += byteBits[bits[at >> 3]!]!
  for (; at < end; at++) set += (bits[at >> 3]! >> (at & 7)) & 1
  return set
}

/** Copies bits into a target whose bits from `targetStart` on are zero. */
export function copyBits(target: Uint8Array, targetStart: number, source: Uint8Array, sourceStart: number, count: number): void {
  let done = 0
  if ((targetStart & 7) === 0 && (sourceStart & 7) === 0) {
    const bytes = count >> 3
    target.set(source.subarray(sourceStart >> 3, (sourceStart >> 3) + bytes), targetStart >> 3)
    done = bytes * 8
  }
  for (; done < count; done++) {
    const from = sourceStart + done
    const to = targetStart + done
    target[to >> 3]! |= ((source[from >> 3]! >> (from & 7)) & 1) << (to & 7)
  }
}

function setBits(target: Uint8Array, start: number, count: number): void {
  let at = start
  const end = start + count
  for (; at < end && (at & 7) !== 0; at++) target[at >> 3]! |= 1 << (at & 7)
  if (at + 8 <= end) {
    target.fill(0xff, at >> 3, end >> 3)
    at = end & ~7
  }
  for (; at < end; at++) target[at >> 3]! |= 1 << (at & 7)
}

const byteBits = Uint8Array.from({ length: 256 }, (_, byte) => {
  let set = 0
  for (let bit = 0; bit < 8; bit++) set += (byte >> bit) & 1
  return set
})
