/** What the log says of a deletion vector (§Deletion Vector Descriptor Schema), and the name of the file that it lies in. */
import type { DeletionVectorDescriptor } from '../../log/actions.ts'
import { decodePath } from '../../log/paths.ts'
import { decodeZ85, encodeZ85 } from './z85.ts'

/** The characters of a UUID's sixteen bytes. */
const uuidLength = 20

/** Where a vector's data begins when its descriptor does not say: behind the version of the file's format. */
const firstOffset = 1

/** The identity of a vector: two descriptors with the same one mean the same rows of the same file. */
export function vectorId({ storageType, pathOrInlineDv, offset }: DeletionVectorDescriptor): string {
  return `${storageType}${pathOrInlineDv}${offset === undefined || offset === null ? '' : `@${offset}`}`
}

/** Where a vector's data begins in its file. */
export function vectorOffset({ offset }: DeletionVectorDescriptor): number {
  return offset ?? firstOffset
}

/**
 * The file of a vector: a key relative to the table's root, or an absolute local path. `undefined` where the descriptor names none.
 * @throws DataFileError PATH_OUTSIDE_ROOT
 */
export function vectorPath({ storageType, pathOrInlineDv }: DeletionVectorDescriptor): string | undefined {
  if (storageType === 'p') return decodePath(pathOrInlineDv)
  if (storageType !== 'u') return undefined
  const bytes = decodeZ85(pathOrInlineDv.slice(-uuidLength))
  if (bytes?.length !== 16) return undefined
  const prefix = pathOrInlineDv.slice(0, -uuidLength)
  const uuid = Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return `${prefix === '' ? '' : `${prefix}/`}${vectorFileName(uuid)}`
}

/** The name of the file of vectors that a UUID stands for, without its folder. */
export function vectorFileName(uuid: string): string {
  return `deletion_vector_${uuid}.bin`
}

/** The `pathOrInlineDv` of vectors in the file of a UUID, right under the table's root. */
export function vectorFileText(uuid: string): string {
  return encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
}
