/**
 * What must be kept, and why: the versions that something holds.
 *
 *   _varve/tags/<name>/<n>.json            `{ version }`, or `{ removed: true }`; of a name the highest number counts
 *   _varve/runs/<id>/start.json            `{ versions }` of this table; held until end.json says `{ status: 'failed' }` or retired.json is there;
 *                                          those that erased.json lists (`{ versions }`) are not held any more
 *   _varve/holds/<id>.json                 `{ version, why?, until? }` of a pin or a clone elsewhere, or of a verb at work; held until <id>.released.json
 *                                          is there, or the instant `until` is past
 *
 * Whoever deletes asks here first. So what cannot be read or understood is an error, never "nothing": a record of a newer Varve may hold a
 * version in a way that is not known here. Only what is not there holds nothing.
 */
import { LogError } from '../errors/index.ts'
import { type JsonRecord, readListedRecord } from '../log/records.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** A version that must stay readable. */
export interface Hold {
  readonly version: number
  /** What holds it, in words: `tag v2.0`, `run 0197…`. */
  readonly by: string
  /** What holds it, and its name. */
  readonly kind: 'tag' | 'run' | 'hold'
  readonly name: string
}

/** Records read at a time. */
const together = 64

/** All holds of a table, ascending by version. @throws LogError HOLD_CORRUPT naming a record that is none; storage errors. */
export async function readHolds(store: ObjectStore, signal?: AbortSignal): Promise<Hold[]> {
  const holds = [await tagHolds(store, signal), await runHolds(store, signal), await otherHolds(store, signal)].flat()
  return holds.sort((one, other) => one.version - other.version)
}

async function tagHolds(store: ObjectStore, signal: AbortSignal | undefined): Promise<Hold[]> {
  const newest = new Map<string, { key: string; number: number }>()
  for (const [key, path] of await recordsUnder(store, '_varve/tags/', signal)) {
    const [, name, digits] = /^([^/]+)\/(\d{1,15})\.json$/.exec(path) ?? []
    if (name === undefined) throw corrupt(store, key, 'its name is none that a tag has')
    const number = Number(digits)
    if (number >= (newest.get(name)?.number ?? -1)) newest.set(name, { key, number })
  }
  return inBatches([...newest], async ([name, { key }]) => {
    const record = await readRecord(store, key, signal)
    return record.removed === true ? [] : [{ version: versionOf(store, key, record), by: `tag ${name}`, kind: 'tag', name }]
  })
}

async function runHolds(store: ObjectStore, signal: AbortSignal | undefined): Promise<Hold[]> {
  const runs = new Map<string, Map<string, string>>()
  for (const [key, path] of await recordsUnder(store, '_varve/runs/', signal)) {
    const [, id, part] = /^([^/]+)\/(start|end|retired|erased|metrics\/\d{1,15})\.json$/.exec(path) ?? []
    if (id === undefined || part === undefined) throw corrupt(store, key, 'its name is none that a run has')
    runs.set(id, (runs.get(id) ?? new Map<string, string>()).set(part, key))
  }
  return inBatches([...runs], async ([id, parts]) => {
    if (parts.has('retired')) return []
    const start = parts.get('start')
    if (start === undefined) throw corrupt(store, [...parts.values()][0]!, 'its run has no start')
    const end = parts.get('end')
    if (end !== undefined && (await readRecord(store, end, signal)).status === 'failed') return []
    const versions = versionsOf(store, start, await readRecord(store, start, signal))
    const erasure = parts.get('erased')
    const erased = new Set(erasure === undefined ? [] : versionsOf(store, erasure, await readRecord(store, erasure, signal)))
    return versions
      .filter((version) => !erased.has(version))
      .map((version) => ({ version, by: `run ${id}`, kind: 'run' as const, name: id }))
  })
}

async function otherHolds(store: ObjectStore, signal: AbortSignal | undefined): Promise<Hold[]> {
  const records = new Map<string, string>()
  const released = new Set<string>()
  for (const [key, path] of await recordsUnder(store, '_varve/holds/', signal)) {
    const [, id, end] = /^([^/.]+)(\.released)?\.json$/.exec(path) ?? []
    if (id === undefined) throw corrupt(store, key, 'its name is none that a hold has')
    if (end === undefined) records.set(id, key)
    else released.add(id)
  }
  return inBatches(
    [...records].filter(([id]) => !released.has(id)),
    async ([id, key]) => {
      const record = await readRecord(store, key, signal)
      if (typeof record.until === 'string' && Date.parse(record.until) < Date.now()) return []
      const why = typeof record.why === 'string' ? ` (${record.why})` : ''
      return [{ version: versionOf(store, key, record), by: `hold ${id}${why}`, kind: 'hold', name: id }]
    },
  )
}

/** Keys under a folder, each with what follows the folder. Hidden files of a file manager are no records. */
async function recordsUnder(store: ObjectStore, folder: string, signal: AbortSignal | undefined): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const { key } of store.list(folder, { signal })) {
    if (!key.slice(key.lastIndexOf('/') + 1).startsWith('.')) found.push([key, key.slice(folder.length)])
  }
  return found
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<Hold[]>): Promise<Hold[]> {
  const holds: Hold[] = []
  for (let at = 0; at < items.length; at += together) holds.push(...(await Promise.all(items.slice(at, at + together).map(work))).flat())
  return holds
}

function readRecord(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<JsonRecord> {
  return readListedRecord(store, key, signal, corrupt)
}

function versionOf(store: ObjectStore, key: string, { version }: JsonRecord): number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0) return version
  throw corrupt(store, key, 'it says no version')
}

/** All versions that a record names: `versions`, or one as `version`. */
function versionsOf(store: ObjectStore, key: string, record: JsonRecord): readonly number[] {
  if (!Array.isArray(record.versions)) return [versionOf(store, key, record)]
  return record.versions.map((version: unknown) => versionOf(store, key, { version }))
}

function corrupt(store: ObjectStore, key: string, why: string, cause?: unknown): LogError {
  return new LogError('HOLD_CORRUPT', `What ${key} of ${store.root} holds cannot be found out: ${why}. Nothing was deleted.`, {
    remedy: 'Restore the record from a backup, or use the Varve that wrote it; delete it only if you know that nothing needs its version.',
    data: { root: store.root, file: key },
    cause,
  })
}
