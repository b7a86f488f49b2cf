/**
 * Records of ours under `_varve/`: small JSON objects, made by put-if-absent and never changed. What changes gets another record.
 */
import { LogError, ObjectNotFoundError, StoreDeniedError, UnknownOutcomeError } from '../errors/index.ts'
import { parseJson } from '../schema/json.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** A record as it was read. */
export type JsonRecord = Readonly<Record<string, unknown>>

/** How often a record is tried to be made while nobody can say whether it was. */
const tries = 4

/**
 * Makes a record. `false`: another one has the key. Of two writers of the very same bytes both are told `true`.
 * @throws UnknownOutcomeError RECORD_UNKNOWN; storage errors with nothing stored
 */
export async function putRecord(store: ObjectStore, key: string, record: JsonRecord, signal?: AbortSignal): Promise<boolean> {
  return putRecordBytes(store, key, new TextEncoder().encode(`${JSON.stringify(record)}\n`), signal)
}

/** The same for a record that another copy of the table has. */
export async function putRecordBytes(store: ObjectStore, key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
  let cause: unknown
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const put = await store.putIfAbsent(key, bytes, { signal })
    if (put.outcome === 'created') return true
    if (put.outcome === 'unknown') cause = put.cause
    const there = await bytesIfThere(store, key)
    if (there !== undefined) return Buffer.compare(there, bytes) === 0
  }
  throw new UnknownOutcomeError('RECORD_UNKNOWN', `It could not be found out whether the record ${key} of ${store.root} was made.`, {
    remedy: `Look whether it is there before you run this again.`,
    data: { root: store.root, file: key },
    cause,
  })
}

/** Makes a record that only saves work later: where the store may not be written to, it is left out. @throws what {@link putRecord} throws otherwise */
export async function rememberRecord(store: ObjectStore, key: string, record: JsonRecord, signal?: AbortSignal): Promise<void> {
  try {
    await putRecord(store, key, record, signal)
  } catch (error) {
    if (!(error instanceof StoreDeniedError)) throw error
  }
}

/** Reads a record; `undefined` where there is none. @throws LogError RECORD_CORRUPT */
export async function readRecord(store: ObjectStore, key: string, signal?: AbortSignal): Promise<JsonRecord | undefined> {
  const bytes = await bytesIfThere(store, key, signal)
  return bytes === undefined ? undefined : parseRecord(store, key, bytes)
}

/**
 * Reads a record that a listing named, so that none is damage too. @throws LogError: RECORD_CORRUPT, unless `corrupt` makes another of it;
 * storage errors
 */
export async function readListedRecord(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
  corrupt = corruptRecord,
): Promise<JsonRecord> {
  const bytes = await bytesIfThere(store, key, signal)
  if (bytes === undefined) throw corrupt(store, key, 'it is listed, and cannot be found')
  return parseRecord(store, key, bytes, corrupt)
}

/** What the bytes of a record say. @throws LogError: RECORD_CORRUPT, unless `corrupt` makes another of it */
export function parseRecord(store: ObjectStore, key: string, bytes: Uint8Array, corrupt = corruptRecord): JsonRecord {
  let value: unknown
  try {
    value = parseJson(new TextDecoder().decode(bytes))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) throw corrupt(store, key, 'it is no JSON', error)
    throw error
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(store, key, 'it is no JSON object')
  return value as JsonRecord
}

/** The error for a record that cannot be understood. */
export function corruptRecord(store: ObjectStore, key: string, why: string, cause?: unknown): LogError {
  return new LogError('RECORD_CORRUPT', `The record ${key} of ${store.root} cannot be understood: ${why}.`, {
    remedy: 'Restore the record from a backup, or use the Varve that wrote it.',
    data: { root: store.root, file: key },
    cause,
  })
}

async function bytesIfThere(store: ObjectStore, key: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return (await store.get(key, { signal })).bytes
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined
    throw error
  }
}
