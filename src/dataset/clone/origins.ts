/**
 * What binds a shallow clone and the tables whose files it names.
 *
 *   origin/_varve/holds/<id>.json      `{ version, why, time, clone }`: keeps the version from the origin's vacuum; `clone` is the clone's root
 *   clone/_varve/origins/<id>.json     `{ origin, version, id, hold, time }`: where that record lies
 *
 * A log that names files outside its table's folder is not believed: it may be a stranger's. But where the origin itself holds a version for
 * the very place that the clone lies at, whoever writes the origin has agreed to it, and the clone may read the origin's folder without being
 * allowed to by every caller. A clone that was moved or copied has no such consent, nor has one whose hold was released.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { v7 as uuid } from 'uuid'
import { type JsonRecord, putRecord, readRecord } from '../../log/records.ts'
import { holdsBecause, holdVersion, releaseHold } from '../../refs/hold-records.ts'
import type { ObjectStore } from '../../storage/index.ts'

/** A version of a table whose files a clone names. */
export interface Origin {
  /** The table's root, as a URL. */
  readonly root: string
  readonly version: number
  readonly id: string | null
}

const [holds, origins] = ['_varve/holds', '_varve/origins']

const holdId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Makes the record that keeps a version of `store` for the clone at a root. @returns its id @throws UnknownOutcomeError RECORD_UNKNOWN; storage errors */
export async function holdForClone(store: ObjectStore, version: number, clone: string, signal?: AbortSignal): Promise<string> {
  return holdVersion(store, version, whyOf(clone), signal, { clone })
}

/** Ends all holds of `store` for the clone at a root. @returns how many there were */
export async function unclone(store: ObjectStore, clone: string): Promise<number> {
  const held = await holdsBecause(store, whyOf(clone))
  for (const { id } of held) await releaseHold(store, id)
  return held.length
}

/** Notes in a clone what it was made from. @returns the key of the record */
export async function noteOrigin(clone: ObjectStore, { root, version, id }: Origin, hold: string, signal?: AbortSignal): Promise<string> {
  const key = `${origins}/${uuid()}.json`
  await putRecord(clone, key, { origin: root, version, id, hold, time: new Date().toISOString() }, signal)
  return key
}

/** The tables whose files a clone names, as it notes them. @throws LogError RECORD_CORRUPT; storage errors */
export async function originsOf(clone: ObjectStore, signal?: AbortSignal): Promise<Origin[]> {
  const found: Origin[] = []
  for await (const { key } of clone.list(`${origins}/`, { signal })) {
    const record = key.endsWith('.json') ? await readRecord(clone, key, signal) : undefined
    const { origin, version, id } = record ?? {}
    if (typeof origin === 'string' && typeof version === 'number')
      found.push({ root: origin, version, id: typeof id === 'string' ? id : null })
  }
  return found
}

/** The folders of other tables that the clone at a root may read, by the consent of those tables. What cannot be read gives none. */
export function consentingFolders(root: string): string[] {
  const folder = fileURLToPath(root)
  return namesIn(join(folder, origins)).flatMap((name) => {
    const { origin, hold } = recordAt(join(folder, origins, name)) ?? {}
    if (typeof origin !== 'string' || !origin.startsWith('file://') || typeof hold !== 'string' || !holdId.test(hold)) return []
    return consents(origin, hold, root) ? [fileURLToPath(origin)] : []
  })
}

function whyOf(clone: string): string {
  return `clone at ${clone}`
}

function consents(origin: string, hold: string, clone: string): boolean {
  try {
    const folder = join(fileURLToPath(origin), holds)
    return recordAt(join(folder, `${hold}.json`))?.clone === clone && !existsSync(join(folder, `${hold}.released.json`))
  } catch {
    return false
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
}

function recordAt(path: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : undefined
  } catch {
    return undefined
  }
}
