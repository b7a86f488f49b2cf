/** The files of a version as a clone adds them: named where they lie, or copied. */
import { constants, copyFile } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { v4 as uuid } from 'uuid'
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { readVectorBytes } from '../../data/vectors/read-vector.ts'
import { storeVectors } from '../../data/vectors/write-vector.ts'
import { AbortedError, DataFileError } from '../../errors/index.ts'
import { type Add, type DeletionVectorDescriptor, encodePath, type LiveFile } from '../../log/index.ts'
import { allEnded, hashFiles, materialisePlaces, type ObjectStore, placeOf } from '../../storage/index.ts'
import type { Hashes } from '../hashes.ts'

/** The version that is cloned. */
export interface ClonedVersion {
  readonly store: ObjectStore
  readonly version: number
  readonly files: readonly LiveFile[]
  readonly hashes: Hashes
}

/** Files that were copied. */
export interface CopiedFiles {
  readonly adds: readonly Add[]
  /** The keys of all that was written, to be taken back where it comes to nothing. */
  readonly keys: readonly string[]
}

/** Options of {@link copiedFiles}. */
export interface CopyOptions {
  /** Called as files are done. */
  readonly onProgress?: ((done: { readonly files: number; readonly of: number }) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Files copied at a time. */
const together = 64

/** The files under the paths that they have wherever a log names them (§Add File and Remove File); vectors likewise. */
export function namedFiles({ store, files, hashes }: ClonedVersion): Add[] {
  const root = fileURLToPath(store.root)
  const urlOf = (path: string) => `file://${encodePath(isAbsolute(path) ? path : join(root, path))}`
  return files.map(({ path, add }) => {
    const { deletionVector: vector } = add
    const deletionVector =
      vector?.storageType === 'u' ? { ...vector, storageType: 'p' as const, pathOrInlineDv: urlOf(vectorPath(vector)!) } : vector
    return { ...withHash(add, hashes.files.get(path)), path: urlOf(path), dataChange: true, ...(deletionVector ? { deletionVector } : {}) }
  })
}

/** Whether files or vectors of a version lie outside its table's own folder. @returns their paths */
export function pathsOutside(files: readonly LiveFile[]): string[] {
  return files.flatMap(({ path, add }) => {
    const vector = add.deletionVector && vectorPath(add.deletionVector)
    return [path, ...(vector === undefined || vector === null ? [] : [vector])].filter((one) => isAbsolute(one))
  })
}

/**
 * Copies the files into another table's folder, sharing their blocks where the file system can, and compares each copy with its hash.
 * @throws DataFileError DATA_FILE_MISSING, DATA_FILE_CORRUPT, VECTOR_CORRUPT, PATH_OUTSIDE_ROOT; AbortedError; storage errors. What was written
 * until then is taken back.
 */
export async function copiedFiles(from: ClonedVersion, to: ObjectStore, options: CopyOptions = {}): Promise<CopiedFiles> {
  const keys: string[] = []
  try {
    const named = keysFor(from.files)
    const adds: Add[] = []
    for (let at = 0; at < from.files.length; at += together) {
      if (options.signal?.aborted) throw new AbortedError('The clone', options.signal.reason)
      const some = from.files.slice(at, at + together)
      adds.push(...(await copySome(from, some, named.slice(at, at + together), to, keys, options)))
      options.onProgress?.({ files: at + some.length, of: from.files.length })
    }
    return { adds: await withCopiedVectors(from, adds, to, keys, options), keys }
  } catch (error) {
    await to.delete(keys).catch(() => undefined)
    throw error
  }
}

/** A copy lies where its original does; one from outside lies under the root. No two have one name. */
function keysFor(files: readonly LiveFile[]): string[] {
  const taken = new Set<string>()
  return files.map(({ path }) => {
    const wanted = isAbsolute(path) ? basename(path) : path
    const key = taken.has(wanted) || /^[_.]/.test(wanted) ? `part-${uuid()}.parquet` : wanted
    taken.add(key)
    return key
  })
}

async function copySome(
  { store, version, hashes }: ClonedVersion,
  files: readonly LiveFile[],
  named: readonly string[],
  to: ObjectStore,
  keys: string[],
  { signal }: CopyOptions,
): Promise<Add[]> {
  const staging = await to.stage()
  const pinned = await materialisePlaces(
    files.map(({ path }) => placeOf(store, path)),
    { signal },
  ).catch(async (cause: unknown) => {
    await staging.dispose()
    throw cause instanceof DataFileError ? cause : unreadable(store, version, 'A data file', cause)
  })
  try {
    const copies = named.map((_, at) => join(staging.folder, `${at}`))
    await allEnded(
      pinned.paths.map((path, at) =>
        copyFile(path, copies[at]!, constants.COPYFILE_FICLONE).catch((cause: unknown) => {
          throw unreadable(store, version, files[at]!.path, cause)
        }),
      ),
    )
    const bytes = files.reduce((sum, { add }) => sum + add.size, 0)
    const found = await hashFiles(copies, bytes, { signal })
    return await allEnded(
      files.map(async ({ path, add }, at): Promise<Add> => {
        const copy = found[at]!
        if ('error' in copy) throw copy.error
        const expected = hashes.files.get(path)
        if (copy.size !== add.size) throw damaged(store, version, path, `it has ${copy.size} bytes, and the log says ${add.size}`)
        if (expected !== undefined && copy.sha256 !== expected)
          throw damaged(store, version, path, `its SHA-256 is ${copy.sha256}, and was ${expected}`)
        const key = await place(to, named[at]!, { path: copies[at]!, size: copy.size }, keys, signal)
        return { ...withHash(add, copy.sha256), path: encodePath(key), dataChange: true }
      }),
    )
  } finally {
    await pinned.release()
    await staging.dispose()
  }
}

/** Puts a copy under the name that is wanted; where something of the user's has it, under one of its own. */
async function place(
  to: ObjectStore,
  wanted: string,
  body: { readonly path: string; readonly size: number },
  keys: string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  if ((await to.head(wanted, { signal })) === undefined) {
    const put = await to.putIfAbsent(wanted, body, { signal })
    if (put.outcome !== 'exists') keys.push(wanted)
    if (put.outcome === 'created') return wanted
    if (put.outcome === 'unknown') throw put.cause
  }
  const own = `part-${uuid()}.parquet`
  keys.push(own)
  await to.put(own, body, { signal })
  return own
}

/** Vectors that lie in files go into one file of the clone, each byte for byte. */
async function withCopiedVectors(
  { store, version, files }: ClonedVersion,
  adds: readonly Add[],
  to: ObjectStore,
  keys: string[],
  { signal }: CopyOptions,
): Promise<readonly Add[]> {
  const places = files.flatMap(({ add }, at) => (add.deletionVector && add.deletionVector.storageType !== 'i' ? [at] : []))
  if (places.length === 0) return adds
  const vectors: { bytes: Uint8Array; cardinality: number }[] = []
  for (let at = 0; at < places.length; at += together) {
    const some = places.slice(at, at + together).map(async (place) => {
      const { path, add } = files[place]!
      const bytes = await readVectorBytes(store, add.deletionVector!, { path, version, signal })
      return { bytes, cardinality: Number(add.deletionVector!.cardinality) }
    })
    vectors.push(...(await Promise.all(some)))
  }
  const written = storeVectors(to, vectors, signal)
  if (written.key !== undefined) keys.push(written.key)
  await written.stored
  const descriptors = new Map<number, DeletionVectorDescriptor>(places.map((place, at) => [place, written.descriptors[at]!]))
  return adds.map((add, at) => (descriptors.has(at) ? { ...add, deletionVector: descriptors.get(at)! } : add))
}

function withHash(add: Add, sha256: string | undefined): Add {
  return sha256 === undefined ? add : { ...add, tags: { ...add.tags, 'varve.sha256': sha256 } }
}

function unreadable({ root }: ObjectStore, version: number, path: string, cause: unknown): DataFileError {
  return new DataFileError(
    'DATA_FILE_MISSING',
    `${path} of version ${version} of ${root} cannot be read, so the version cannot be cloned.`,
    {
      remedy: 'Look with varve verify which files are damaged or missing, and restore them from a copy.',
      data: { path, version, table: root },
      cause,
    },
  )
}

function damaged({ root }: ObjectStore, version: number, path: string, why: string): DataFileError {
  return new DataFileError('DATA_FILE_CORRUPT', `${path} of version ${version} of ${root} is damaged: ${why}.`, {
    remedy: 'Restore it from a copy of the table, and clone again.',
    data: { path, version, table: root },
  })
}
