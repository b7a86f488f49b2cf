/**
 * SHA-256 of the files and deletion vectors that a version is made of.
 *
 * A file of ours carries its hash in the log (`add.tags["varve.sha256"]`). Other engines write none, or drop it when they rewrite an action;
 * of a vector the log never has one. Those are computed when asked and remembered in records `_varve/hashes/<id>.json`, so that damage
 * after that is seen: `{ files: [{ path, size, sha256 }], vectors: [{ id, sha256 }] }`. What the first record says counts.
 */
import { v4 as uuid } from 'uuid'
import { vectorId } from '../data/vectors/descriptor.ts'
import { readVectorBytes } from '../data/vectors/read-vector.ts'
import { DataFileError } from '../errors/index.ts'
import type { LiveFile } from '../log/index.ts'
import { type JsonRecord, readRecord, rememberRecord } from '../log/records.ts'
import { hashBytes, hashFiles, materialisePlaces, type ObjectStore, placeOf } from '../storage/index.ts'

/** Hashes in hex, by the path of a file and the identity of a vector. */
export interface Hashes {
  readonly files: ReadonlyMap<string, string>
  readonly vectors: ReadonlyMap<string, string>
}

const folder = '_varve/hashes/'

/** Records or vectors read at a time. */
const together = 32

/** The hashes of a version's files that are known without reading one. @throws LogError RECORD_CORRUPT; storage errors */
export async function knownHashes(store: ObjectStore, live: readonly LiveFile[], signal?: AbortSignal): Promise<Hashes> {
  const files = new Map<string, string>()
  for (const { path, add } of live) {
    const tag = add.tags?.['varve.sha256']
    if (typeof tag === 'string' && isHash(tag)) files.set(path, tag)
  }
  const vectors = new Map<string, string>()
  if (files.size === live.length && live.every(({ add }) => !add.deletionVector)) return { files, vectors }
  const recorded = await recordedHashes(store, signal)
  for (const { path, add } of live) {
    const hash = recorded.files.get(path)
    if (hash?.size === add.size && !files.has(path)) files.set(path, hash.sha256)
  }
  for (const [id, sha256] of recorded.vectors) vectors.set(id, sha256)
  return { files, vectors }
}

/** Hashes that records have, whichever version they were computed for. @throws LogError RECORD_CORRUPT; storage errors */
export async function recordedHashes(
  store: ObjectStore,
  signal?: AbortSignal,
): Promise<{
  readonly files: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>
  readonly vectors: Hashes['vectors']
}> {
  const files = new Map<string, { size: number; sha256: string }>()
  const vectors = new Map<string, string>()
  for (const record of await remembered(store, signal)) {
    for (const { path, size, sha256 } of itemsOf(record, 'files')) {
      if (typeof path === 'string' && typeof size === 'number' && isHash(sha256) && !files.has(path)) files.set(path, { size, sha256 })
    }
    for (const { id, sha256 } of itemsOf(record, 'vectors')) {
      if (typeof id === 'string' && isHash(sha256) && !vectors.has(id)) vectors.set(id, sha256)
    }
  }
  return { files, vectors }
}

/**
 * The hashes of all files and vectors of a version; those that are not known are computed and remembered.
 * @throws DataFileError DATA_FILE_MISSING, DATA_FILE_CORRUPT where a file has another length than the log says, VECTOR_CORRUPT; LogError; storage errors
 */
export async function allHashes(store: ObjectStore, live: readonly LiveFile[], version: number, signal?: AbortSignal): Promise<Hashes> {
  const known = await knownHashes(store, live, signal)
  const newFiles = await hashed(
    store,
    live.filter(({ path }) => !known.files.has(path)),
    version,
    signal,
  )
  const newVectors = new Map<string, string>()
  const wanted = live.filter(({ add }) => add.deletionVector && !known.vectors.has(vectorId(add.deletionVector)))
  for (let at = 0; at < wanted.length; at += together) {
    const some = wanted.slice(at, at + together).map(async ({ path, add }) => {
      const bytes = await readVectorBytes(store, add.deletionVector!, { path, version, signal })
      newVectors.set(vectorId(add.deletionVector!), hashBytes(bytes))
    })
    await Promise.all(some)
  }
  if (newFiles.size + newVectors.size > 0) {
    const sizes = new Map(live.map(({ path, add }) => [path, add.size]))
    await rememberRecord(store, `${folder}${uuid()}.json`, {
      files: [...newFiles].map(([path, sha256]) => ({ path, size: sizes.get(path), sha256 })),
      vectors: [...newVectors].map(([id, sha256]) => ({ id, sha256 })),
    })
  }
  return { files: new Map([...known.files, ...newFiles]), vectors: new Map([...known.vectors, ...newVectors]) }
}

async function hashed(
  store: ObjectStore,
  live: readonly LiveFile[],
  version: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  if (live.length === 0) return found
  const pinned = await materialisePlaces(
    live.map(({ path }) => placeOf(store, path)),
    { signal },
  ).catch((cause: unknown) => {
    throw unreadable(store, version, 'a data file', 'DATA_FILE_MISSING', cause)
  })
  try {
    const bytes = live.reduce((sum, { add }) => sum + add.size, 0)
    for (const [place, result] of (await hashFiles(pinned.paths, bytes, { signal })).entries()) {
      const { path, add } = live[place]!
      if ('error' in result) throw unreadable(store, version, path, 'DATA_FILE_MISSING', result.error)
      if (result.size !== add.size) throw unreadable(store, version, `${path} (${result.size} bytes of ${add.size})`, 'DATA_FILE_CORRUPT')
      found.set(path, result.sha256)
    }
    return found
  } finally {
    await pinned.release()
  }
}

function unreadable(store: ObjectStore, version: number, path: string, code: string, cause?: unknown): DataFileError {
  return new DataFileError(code, `${path} of version ${version} of ${store.root} cannot be read as the log says it is.`, {
    remedy: `Look with varve verify which files are damaged or missing, and restore them from a copy.`,
    data: { path, version, table: store.root },
    cause,
  })
}

async function remembered(store: ObjectStore, signal: AbortSignal | undefined): Promise<JsonRecord[]> {
  const keys: string[] = []
  for await (const { key } of store.list(folder, { signal })) if (key.endsWith('.json')) keys.push(key)
  const records: JsonRecord[] = []
  for (let at = 0; at < keys.length; at += together) {
    const some = await Promise.all(keys.slice(at, at + together).map((key) => readRecord(store, key, signal)))
    records.push(...some.filter((record) => record !== undefined))
  }
  return records
}

function itemsOf(record: JsonRecord, name: string): readonly JsonRecord[] {
  const items = record[name]
  return Array.isArray(items) ? items.filter((item): item is JsonRecord => typeof item === 'object' && item !== null) : []
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}
