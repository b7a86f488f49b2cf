/**
 * Which rows of a file are left out, as bits in the order of the file: what the engine can test a row number against in the fewest
 * steps. A mask is as long as the file has rows.
 */
import type { Container } from '../../data/vectors/container.ts'
import { valuesOf } from '../../data/vectors/container.ts'
import type { RowSelection } from '../../data/vectors/row-selection.ts'
import type { RowSet } from '../../data/vectors/row-set.ts'

/** The mask as the bytes of a BIT value: the first row is the highest bit of the first byte; 1 stands for a row that is left out. */
export function maskOf(selection: RowSelection, rows: number): Uint8Array {
  const mask = bitsOf('only' in selection ? selection.only : selection.allBut, rows)
  if ('only' in selection) for (let i = 0; i < mask.length; i++) mask[i] = ~mask[i]!
  return mask
}

function bitsOf(set: RowSet, rows: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(rows / 8))
  for (const [key, container] of set.containers()) fill(bits, key * 8192, container)
  return bits
}

/** Sets the bits of one container, which begins at a byte; what lies behind the last row is left out. */
function fill(bits: Uint8Array, start: number, container: Container): void {
  if (start >= bits.length) return
  if (container.kind === 'runs') {
    const { pairs } = container
    for (let i = 0; i < pairs.length; i += 2) setRange(bits, 8 * start + pairs[i]!, 8 * start + pairs[i]! + pairs[i + 1]!)
    return
  }
  for (const value of valuesOf(container)) {
    const byte = start + (value >>> 3)
    if (byte < bits.length) bits[byte]! |= 128 >>> (value & 7)
  }
}

function setRange(bits: Uint8Array, first: number, last: number): void {
  for (let row = first; row <= last; row++) {
    const byte = Math.floor(row / 8)
    if (byte >= bits.length) return
    if (row % 8 === 0 && row + 7 <= last) {
      bits[byte] = 255
      row += 7
    } else bits[byte]! |= 128 >>> (row % 8)
  }
}
