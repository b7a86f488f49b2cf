import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

const pieceBytes = 1 << 20

/** Length and SHA-256 (lower-case hex) of a local file, read in pieces. @throws the system's error when it cannot be read. */
export async function hashFile(path: string): Promise<{ size: number; sha256: string }> {
  const file = await open(path, 'r')
  try {
    const hash = createHash('sha256')
    const piece = Buffer.allocUnsafe(pieceBytes)
    let size = 0
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceBytes, size)
      if (bytesRead === 0) return { size, sha256: hash.digest('hex') }
      hash.update(piece.subarray(0, bytesRead))
      size += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** SHA-256 of bytes in lower-case hex. */
export function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
