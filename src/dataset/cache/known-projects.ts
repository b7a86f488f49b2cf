/**
 * The projects that use a cache, and which files the versions have that they pinned or pulled: what a garbage collection has to keep.
 *
 *   projects/<hash of the folder>/<key>.json      `{ folder }`: the project uses the version of that key
 *   versions/<key>.json                           `{ files }`: the SHA-256 of each of its data files
 *
 * The key of a version is a fingerprint of it: its id, or where it has none that of its files. A record is written anew, all of it or nothing.
 */
import { createHash } from 'node:crypto'
import { VarveError } from '../../errors/index.ts'
import { deleteAll } from '../../log/delete-all.ts'
import { corruptRecord, readRecord } from '../../log/records.ts'
import { localStore, type ObjectStore } from '../../storage/index.ts'
import type { Pin } from '../pins/pin-file.ts'
import type { FileCache } from './file-cache.ts'

/** A project that uses a cache. */
export interface KnownProject {
  /** Its folder, absolute. */
  readonly folder: string
  /** Keys of the versions that it used. */
  readonly versions: readonly string[]
}

/**
 * Notes that a project (its folder, absolute) needs the files of a pin's version; before a pull, which may not know them yet, without their hashes.
 * @returns `false` where the cache cannot be written to, which is no failure of what uses it
 */
export async function noteUse(
  cache: FileCache,
  project: string,
  pin: Pick<Pin, 'fingerprints'>,
  files?: readonly string[],
): Promise<boolean> {
  const key = keyOfVersion(pin)
  const store = localStore(cache.folder)
  try {
    if (files) await write(store, versionKey(key), { files })
    await write(store, projectKey(project, key), { folder: project })
    return true
  } catch (error) {
    if (error instanceof VarveError) return false
    throw error
  }
}

/** The key of a pin's version. */
export function keyOfVersion({ fingerprints }: Pick<Pin, 'fingerprints'>): string {
  return fingerprints.id ?? fingerprints.files ?? 'none'
}

/** The projects that use a cache, by folder. @throws LogError RECORD_CORRUPT; storage errors */
export async function knownProjects(cache: FileCache): Promise<KnownProject[]> {
  const store = localStore(cache.folder)
  const found = new Map<string, string[]>()
  for await (const { key } of store.list('projects/')) {
    const [, version] = /^projects\/[0-9a-f]+\/([0-9a-z]+)\.json$/.exec(key) ?? []
    const record = version === undefined ? undefined : await readRecord(store, key)
    if (version === undefined || record === undefined) continue
    if (typeof record.folder !== 'string') throw corruptRecord(store, key, 'it says no folder')
    found.set(record.folder, [...(found.get(record.folder) ?? []), version])
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([folder, versions]) => ({ folder, versions }))
}

/** The hashes of a version's files; `undefined` where they were not noted. @throws LogError RECORD_CORRUPT; storage errors */
export async function filesOfVersion(cache: FileCache, key: string): Promise<readonly string[] | undefined> {
  const store = localStore(cache.folder)
  const record = await readRecord(store, versionKey(key))
  if (record === undefined) return undefined
  const { files } = record
  if (Array.isArray(files) && files.every((file) => typeof file === 'string')) return files
  throw corruptRecord(store, versionKey(key), 'it lists no files')
}

/** Forgets that projects use versions, and the files of all versions but those that are `kept`. @throws storage errors */
export async function forgetUses(
  cache: FileCache,
  unused: readonly { readonly project: string; readonly versions: readonly string[] }[],
  kept: ReadonlySet<string>,
): Promise<void> {
  const store = localStore(cache.folder)
  const keys = unused.flatMap(({ project, versions }) => versions.map((version) => projectKey(project, version)))
  for await (const { key } of store.list('versions/')) if (!kept.has(key.slice('versions/'.length, -'.json'.length))) keys.push(key)
  await deleteAll(store, keys)
}

async function write(store: ObjectStore, key: string, record: object): Promise<void> {
  await store.put(key, new TextEncoder().encode(`${JSON.stringify(record)}\n`), { durable: false })
}

function versionKey(key: string): string {
  return `versions/${key}.json`
}

function projectKey(project: string, key: string): string {
  return `projects/${createHash('sha256').update(project).digest('hex').slice(0, 32)}/${key}.json`
}
