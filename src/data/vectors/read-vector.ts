/**
 * Reading a deletion vector (§Deletion Vector File Storage Format): from the file that its descriptor names, or out of the descriptor
 * itself. Nothing of it is believed: a vector that was cut, changed or mixed up would give rows that were deleted, or take others.
 */
import { crc32 } from 'node:zlib'
import { DataFileError, InvalidRangeError, ObjectNotFoundError, UnsupportedFeatureError } from '../../errors/index.ts'
import type { DeletionVectorDescriptor } from '../../log/actions.ts'
import { placeOf } from '../../storage/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { vectorId, vectorOffset, vectorPath } from './descriptor.ts'
import { parseRows, RoaringError } from './roaring.ts'
import type { RowSet } from './row-set.ts'
import { decodeZ85 } from './z85.ts'

/** The version of the format of files of vectors, which is their first byte. */
const fileVersion = 1

/** Where a vector is near the beginning of its file, all up to its end is read at once, and not the version by itself. */
const nearBeginning = 4096

/** The longest vector that is read: the protocol's sizes are 32-bit integers. */
const mostBytes = 2 ** 31 - 1

/** What a vector is read for. */
export interface VectorUse {
  /** The data file whose rows it deletes. */
  readonly path: string
  /** The version that says so. */
  readonly version: number
  /** The physical rows of the file, where they are known. */
  readonly rows?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The rows that a vector deletes. @throws DataFileError DATA_FILE_MISSING, VECTOR_CORRUPT, PATH_OUTSIDE_ROOT
 * @throws UnsupportedFeatureError for a kind of storage that the protocol does not know
 */
export async function readVector(store: ObjectStore, descriptor: DeletionVectorDescriptor, use: VectorUse): Promise<RowSet> {
  const corrupt = (reason: string, cause?: unknown) => corruptVector(store, descriptor, use, reason, cause)
  const cardinality = Number(descriptor.cardinality)
  const rows = parse(await readVectorBytes(store, descriptor, use), corrupt)
  if (rows.size !== cardinality) throw corrupt(`it deletes ${rows.size} rows, and its descriptor says ${cardinality}`)
  if (use.rows !== undefined && rows.last >= use.rows) throw corrupt(`it deletes row ${rows.last} of a file that has ${use.rows}`)
  return rows
}

/** The bytes of a vector, as its descriptor counts them, once its checksum was found right. @throws what {@link readVector} throws */
export async function readVectorBytes(store: ObjectStore, descriptor: DeletionVectorDescriptor, use: VectorUse): Promise<Uint8Array> {
  const corrupt = (reason: string, cause?: unknown) => corruptVector(store, descriptor, use, reason, cause)
  const size = Number(descriptor.sizeInBytes)
  if (!Number.isSafeInteger(size) || size < 1 || size > mostBytes) throw corrupt(`its descriptor gives it ${size} bytes`)
  return descriptor.storageType === 'i' ? inlineBytes(descriptor, size, corrupt) : fileBytes(store, descriptor, size, use, corrupt)
}

type Corrupt = (reason: string, cause?: unknown) => DataFileError

function parse(bytes: Uint8Array, corrupt: Corrupt): RowSet {
  try {
    return parseRows(bytes)
  } catch (error) {
    if (error instanceof RoaringError) throw corrupt(error.message, error)
    throw error
  }
}

/** Z85 fills the last group up with zeros, so the text may be up to three bytes too long. */
function inlineBytes({ pathOrInlineDv }: DeletionVectorDescriptor, size: number, corrupt: Corrupt): Uint8Array {
  const bytes = decodeZ85(pathOrInlineDv)
  if (bytes === undefined) throw corrupt('its text is no Z85')
  if (bytes.length < size || bytes.length - size > 3) throw corrupt(`it has ${bytes.length} bytes, and its descriptor says ${size}`)
  return bytes.subarray(0, size)
}

async function fileBytes(
  store: ObjectStore,
  descriptor: DeletionVectorDescriptor,
  size: number,
  use: VectorUse,
  corrupt: Corrupt,
): Promise<Uint8Array> {
  if (descriptor.storageType !== 'u' && descriptor.storageType !== 'p') throw unknownStorage(store, descriptor, use)
  const path = vectorPath(descriptor)
  if (path === undefined) throw corrupt('its descriptor names no file')
  const offset = vectorOffset(descriptor)
  if (!Number.isSafeInteger(offset) || offset < 0) throw corrupt(`its descriptor places it at ${offset}`)
  const place = placeOf(store, path)
  const end = offset + size + 8
  const start = offset <= nearBeginning ? 0 : offset
  try {
    const [data, first] = await Promise.all([
      place.store.getRange(place.key, start, end, { signal: use.signal }),
      start === 0 ? undefined : place.store.getRange(place.key, 0, 1, { signal: use.signal }),
    ])
    const version = (first ?? data)[0]
    if (version !== fileVersion) throw corrupt(`its file is of format version ${version}, and ${fileVersion} is known`)
    return checked(data.subarray(offset - start), size, corrupt)
  } catch (error) {
    if (error instanceof ObjectNotFoundError) throw missingVector(store, path, use, error)
    if (error instanceof InvalidRangeError) throw corrupt('its file ends before it', error)
    throw error
  }
}

/** Size, data and checksum. */
function checked(record: Uint8Array, size: number, corrupt: Corrupt): Uint8Array {
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  const said = view.getInt32(0)
  if (said !== size) throw corrupt(`it has ${said} bytes, and its descriptor says ${size}`)
  const data = record.subarray(4, 4 + size)
  const sum = view.getUint32(4 + size)
  if (crc32(data) !== sum) throw corrupt('its checksum does not match')
  return data
}

function corruptVector(
  store: ObjectStore,
  descriptor: DeletionVectorDescriptor,
  { path, version }: VectorUse,
  reason: string,
  cause?: unknown,
): DataFileError {
  const vector = nameOf(descriptor)
  return new DataFileError(
    'VECTOR_CORRUPT',
    `The deletion vector ${vector} of the file ${path} in version ${version} of ${store.root} cannot be read: ${reason}.`,
    {
      remedy: 'Restore it from a copy of the table. Without it nobody can tell which rows of the file are deleted.',
      data: { vector, path, version, table: store.root },
      cause,
    },
  )
}

function missingVector(store: ObjectStore, vector: string, { path, version }: VectorUse, cause: unknown): DataFileError {
  return new DataFileError(
    'DATA_FILE_MISSING',
    `The deletion vector ${vector} of the file ${path} in version ${version} of ${store.root} is missing.`,
    {
      remedy: 'Restore it from a copy of the table.',
      data: { vector, path, version, table: store.root },
      cause,
    },
  )
}

function unknownStorage(
  store: ObjectStore,
  { storageType }: DeletionVectorDescriptor,
  { path, version }: VectorUse,
): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    'UNSUPPORTED_FEATURE',
    `Version ${version} of ${store.root} stores the deletion vector of ${path} in a way that is not known: ${JSON.stringify(storageType)}.`,
    { remedy: 'Read the table with the engine that wrote it.', data: { feature: 'deletionVectors', path, version } },
  )
}

/** A vector in the words of a message: its file and place, or that it is inline. */
function nameOf(descriptor: DeletionVectorDescriptor): string {
  if (descriptor.storageType === 'i') return `inline (${descriptor.pathOrInlineDv.slice(0, 20)})`
  return vectorPath(descriptor) === undefined ? vectorId(descriptor) : `${vectorPath(descriptor)} at ${vectorOffset(descriptor)}`
}
