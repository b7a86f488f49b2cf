/**
 * `_last_checkpoint`, the hint at the newest checkpoint (§Last Checkpoint File).
 *
 * It may be missing, empty, stale, or lead to nothing: a hint is believed by nobody before what it names has been looked at. Where it
 * carries its MD5 checksum (§JSON checksum) one that does not fit is as good as none. It is overwritten, and never moved backwards.
 */
import { createHash } from 'node:crypto'
import { ObjectNotFoundError } from '../../errors/index.ts'
import { parseJson, stringifyJson } from '../../schema/json.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { lastCheckpointKey } from '../paths.ts'

/** What the hint says, unchecked. */
export interface LastCheckpoint {
  readonly version: number
  /** The name of a V2 checkpoint's top file. */
  readonly path?: string
  /** File actions in the checkpoint, or all its actions, where the hint says. */
  readonly holds: number | undefined
}

/** A checkpoint as the hint names it. */
export interface WrittenCheckpoint {
  readonly version: number
  /** All actions in it. */
  readonly actions: number
  readonly adds: number
  /** Bytes of all its files. */
  readonly bytes: number
  /** The top file of a V2 checkpoint. */
  readonly top?: { readonly path: string; readonly sizeInBytes: number; readonly modificationTime: number }
}

/** Reads the hint; `undefined` where there is none that can be read. */
export async function readLastCheckpoint(store: ObjectStore, signal?: AbortSignal): Promise<LastCheckpoint | undefined> {
  const value = await readHint(store, lastCheckpointKey, signal)
  const version = validVersion(value?.version)
  if (!value || version === undefined || !fitsChecksum(value)) return undefined
  const path = (value.v2Checkpoint as { path?: unknown } | null | undefined)?.path
  const holds = value.numOfAddFiles ?? value.size
  return { version, ...(typeof path === 'string' ? { path } : {}), holds: typeof holds === 'number' ? holds : undefined }
}

/** Moves the hint to a checkpoint just written, unless it names a newer one: a slower writer may finish an older checkpoint later. */
export async function moveLastCheckpoint(store: ObjectStore, written: WrittenCheckpoint): Promise<void> {
  if (((await readLastCheckpoint(store))?.version ?? -1) > written.version) return
  const { version, actions, adds, bytes, top } = written
  const hint = { version, size: actions, sizeInBytes: bytes, numOfAddFiles: adds, ...(top ? { v2Checkpoint: top } : {}) }
  const text = stringifyJson({ ...hint, checksum: checksumOf(hint) })
  await store.put(lastCheckpointKey, new TextEncoder().encode(text), { durable: false })
}

/** A hint, ours or the protocol's, as an object; `undefined` where it is missing or no JSON object. */
export async function readHint(store: ObjectStore, key: string, signal?: AbortSignal): Promise<Record<string, unknown> | undefined> {
  try {
    const { bytes } = await store.get(key, { signal })
    const value = parseJson(new TextDecoder().decode(bytes))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}

/** A version as a hint may give it. */
export function validVersion(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** The MD5 of a hint's canonical form, its own `checksum` left out. */
export function checksumOf(hint: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(hint)
    .filter(([name]) => name !== 'checksum')
    .flatMap(([name, value]) => canonical(canonicalText(name), value))
    .map(([path, value]) => [Buffer.from(path), value] as const)
    .sort(([a], [b]) => Buffer.compare(a, b))
  const text = pairs.map(([path, value]) => `${path.toString()}=${value}`).join(',')
  return createHash('md5').update(text).digest('hex')
}

function fitsChecksum(hint: Readonly<Record<string, unknown>>): boolean {
  try {
    return hint.checksum == null || String(hint.checksum).toLowerCase() === checksumOf(hint)
  } catch (error) {
    // Nested too deep, or with half a character: no hint that anyone wrote.
    if (error instanceof RangeError || error instanceof URIError) return false
    throw error
  }
}

/** The leaves under a value, each with its path. */
function canonical(path: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.flatMap((each, index) => canonical(`${path}+${index}`, each))
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, each]) => canonical(`${path}+${canonicalText(name)}`, each))
  }
  return [[path, typeof value === 'string' ? canonicalText(value) : String(value)]]
}

/** Text in quotes, all bytes but those of unreserved characters percent-encoded. */
function canonicalText(text: string): string {
  const encoded = encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  return `"${encoded}"`
}
