import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { ObjectCorruptError } from '../errors/index.ts'

const pieceBytes = 1 << 20

/**
 * Length and SHA-256 (lower-case hex) of a local file, read in pieces.
 * @throws the system's error when it cannot be read; ObjectCorruptError where another length was read than the file had
 */
export async function hashFile(path: string): Promise<{ size: number; sha256: string }> {
  const { size, sha256 } = await beginHash(path)
  return { size, sha256: await sha256 }
}

/**
 * The same, begun: once the file is open, it may be moved or removed while its hash is still computed. `sha256` rejects with the system's error,
 * or with ObjectCorruptError where another length was read than the file had.
 */
export async function beginHash(path: string): Promise<{ size: number; sha256: Promise<string> }> {
  const file = await open(path, 'r')
  let size: number
  try {
    size = (await file.stat()).size
  } catch (error) {
    await file.close()
    throw error
  }
  const sha256 = hashOpened(file, path, size)
  // Whoever waits for it hears of its failure.
  sha256.catch(() => undefined)
  return { size, sha256 }
}

async function hashOpened(file: FileHandle, path: string, size: number): Promise<string> {
  try {
    const hash = createHash('sha256')
    const piece = Buffer.allocUnsafe(pieceBytes)
    let done = 0
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceBytes, done)
      if (bytesRead === 0) break
      hash.update(piece.subarray(0, bytesRead))
      done += bytesRead
    }
    if (done !== size) throw changed(path, size, done)
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

function changed(path: string, size: number, read: number): ObjectCorruptError {
  return new ObjectCorruptError('OBJECT_CORRUPT', `${path} changed while it was read: ${size} bytes became ${read}.`, {
    remedy: 'Run it again when nobody writes to the file.',
    data: { path, size, read },
  })
}

/** SHA-256 of bytes in lower-case hex. */
export function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
