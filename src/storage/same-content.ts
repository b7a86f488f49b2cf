import { errnoOf } from './failures.ts'
import { hashBytes, hashFile } from './hash-file.ts'
import type { Body, Bytes } from './object-store.ts'

/**
 * Whether what a store holds is the body that was sent there. A file that was handed over and is gone has arrived: a store removes
 * it only then; its hash decides where it is known.
 */
export async function sameContent(body: Body, there: Bytes, sha256?: string): Promise<boolean> {
  if (body instanceof Uint8Array) return Buffer.compare(body, there) === 0
  if (body.size !== there.length) return false
  try {
    return (sha256 ?? (await hashFile(body.path)).sha256) === hashBytes(there)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true
    throw error
  }
}
