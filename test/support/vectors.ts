/** Deletion vectors by hand (§Deletion Vector Format), so that tests need no other engine to have rows deleted. */
import { crc32 } from 'node:zlib'
import { serialiseRows } from '../../src/data/vectors/roaring.ts'
import { RowSet } from '../../src/data/vectors/row-set.ts'

/** The bitmap of row numbers: magic, then one roaring bitmap of one array container; beyond what that can hold, as Varve writes it. */
export function vectorBytes(rows: readonly number[]): Buffer {
  if (rows.length === 0 || rows.length > 4096 || rows.some((row) => row > 65_535)) return Buffer.from(serialiseRows(RowSet.of(rows)))
  const bytes = Buffer.alloc(4 + 8 + 4 + 4 + 4 + 4 + 4 + 2 * rows.length)
  let at = bytes.writeUInt32LE(1681511377, 0)
  at = bytes.writeBigUInt64LE(1n, at)
  at = bytes.writeUInt32LE(0, at)
  at = bytes.writeUInt32LE(12346, at)
  at = bytes.writeUInt32LE(1, at)
  at = bytes.writeUInt16LE(0, at)
  at = bytes.writeUInt16LE(rows.length - 1, at)
  at = bytes.writeUInt32LE(16, at)
  for (const row of rows) at = bytes.writeUInt16LE(row, at)
  return bytes
}

/** A file of one vector, which begins at offset 1: format version, size, bitmap, CRC-32 of the bitmap. */
export function vectorFile(rows: readonly number[], bitmap = vectorBytes(rows)): Buffer {
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  size.writeInt32BE(bitmap.length)
  sum.writeUInt32BE(crc32(bitmap))
  return Buffer.concat([Buffer.from([1]), size, bitmap, sum])
}

/** The descriptor of a vector in a {@link vectorFile} at an absolute path. */
export function vectorAt(path: string, rows: readonly number[]) {
  return { storageType: 'p', pathOrInlineDv: path, offset: 1, sizeInBytes: vectorBytes(rows).length, cardinality: rows.length } as const
}

/** The name of a vector file, and the descriptor of storage type u that names it. */
export function vectorBeside(rows: readonly number[], uuid: string) {
  const descriptor = { storageType: 'u' as const, pathOrInlineDv: z85(Buffer.from(uuid.replaceAll('-', ''), 'hex')), offset: 1 }
  return {
    name: `deletion_vector_${uuid}.bin`,
    descriptor: { ...descriptor, sizeInBytes: vectorBytes(rows).length, cardinality: rows.length },
  } as const
}

/** The descriptor of an inline vector. */
export function vectorInline(rows: readonly number[]) {
  const bitmap = vectorBytes(rows)
  const padded = Buffer.concat([bitmap, Buffer.alloc((4 - (bitmap.length % 4)) % 4)])
  return { storageType: 'i', pathOrInlineDv: z85(padded), sizeInBytes: bitmap.length, cardinality: rows.length } as const
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

function z85(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.readUInt32BE(at)
    for (let power = 4; power >= 0; power -= 1) text += digits[Math.floor(word / 85 ** power) % 85]
  }
  return text
}
