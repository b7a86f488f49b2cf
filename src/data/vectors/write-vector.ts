/**
 * Writing deletion vectors (§Deletion Vector File Storage Format): the vectors of a commit go into one file right under the table's root,
 * but for short ones, which their descriptors hold themselves.
 *
 * A file is its format's version in a byte, and for each vector its length, its bytes and their CRC-32, lengths and checksums big-endian.
 */
import { crc32 } from 'node:zlib'
import { v4 as uuid } from 'uuid'
import type { DeletionVectorDescriptor } from '../../log/actions.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { vectorFileName, vectorFileText } from './descriptor.ts'
import { serialiseRows } from './roaring.ts'
import type { RowSet } from './row-set.ts'
import { encodeZ85 } from './z85.ts'

/** Vectors that were written, or are on their way. */
export interface WrittenVectors {
  /** In the order of the sets. */
  readonly descriptors: readonly DeletionVectorDescriptor[]
  /** The key of their file; `undefined` where all stand in their descriptors. */
  readonly key: string | undefined
  readonly bytes: number
  /** Resolves when the file is on stable storage. Its failure must be waited for before a version names the vectors. */
  readonly stored: Promise<unknown>
}

/** A vector of at most so many bytes stands in its descriptor, */
const shortVector = 256
/** as long as those of a commit have no more bytes together, which every reader of its log reads. */
const mostInline = 4096

const fileVersion = 1

/** Begins to write the vectors of sets of rows, none of them empty. */
export function writeVectors(store: ObjectStore, sets: readonly RowSet[], signal?: AbortSignal): WrittenVectors {
  return storeVectors(
    store,
    sets.map((rows) => ({ bytes: serialiseRows(rows), cardinality: rows.size })),
    signal,
  )
}

/** The bytes of a vector, and how many rows it deletes. */
export interface VectorBytes {
  readonly bytes: Uint8Array
  readonly cardinality: number
}

/** The same of vectors that are serialised already. */
export function storeVectors(store: ObjectStore, vectors: readonly VectorBytes[], signal?: AbortSignal): WrittenVectors {
  const total = vectors.reduce((sum, { bytes }) => sum + bytes.length, 0)
  if (total <= mostInline && vectors.every(({ bytes }) => bytes.length <= shortVector)) {
    return { descriptors: vectors.map(inline), key: undefined, bytes: 0, stored: Promise.resolve() }
  }
  const id = uuid()
  const key = vectorFileName(id)
  const parts: Uint8Array[] = [Uint8Array.of(fileVersion)]
  let offset = 1
  const descriptors = vectors.map(({ bytes, cardinality }): DeletionVectorDescriptor => {
    parts.push(bigEndian(bytes.length), bytes, bigEndian(crc32(bytes)))
    const at = offset
    offset += bytes.length + 8
    return { storageType: 'u', pathOrInlineDv: vectorFileText(id), offset: at, sizeInBytes: bytes.length, cardinality }
  })
  const stored = store.put(key, Buffer.concat(parts), { signal })
  // Whoever waits for it hears of a failure.
  stored.catch(() => undefined)
  return { descriptors, key, bytes: offset, stored }
}

function inline({ bytes, cardinality }: VectorBytes): DeletionVectorDescriptor {
  return { storageType: 'i', pathOrInlineDv: encodeZ85(bytes), sizeInBytes: bytes.length, cardinality }
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
