/**
 * The records by which something outside of a table keeps a version of it: a pin, a clone. `holds.ts` reads them with all else that holds.
 *
 *   _varve/holds/<id>.json               `{ version, why, time, until? }`
 *   _varve/holds/<id>.released.json      `{ time }`
 *
 * Whoever holds a version makes the record first and looks for the version afterwards, since a vacuum that did not see the record may end it.
 */
import { v7 as uuid } from 'uuid'
import { type JsonRecord, putRecord, readRecord } from '../log/records.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** A record that holds a version. */
export interface HoldRecord {
  readonly id: string
  readonly version: number
  /** When it was made; not a number where that cannot be read. */
  readonly time: Date
}

const folder = '_varve/holds/'

/** Records read at a time. */
const together = 32

/** Seven days, in milliseconds. */
const writersInFlight = 7 * 86_400_000

/**
 * Makes a record that holds a version, and gives its id. `why` tells people what needs it; `more` is kept beside.
 * @throws UnknownOutcomeError RECORD_UNKNOWN; storage errors
 */
export async function holdVersion(
  store: ObjectStore,
  version: number,
  why: string,
  signal?: AbortSignal,
  more: JsonRecord = {},
): Promise<string> {
  const id = uuid()
  await putRecord(store, keyOf(id), { version, why, time: new Date().toISOString(), ...more }, signal)
  return id
}

/**
 * Holds a version for a verb that needs it for the moment: what is left of one that was killed holds no longer than any writer in flight is
 * reckoned with. @returns what ends the hold, and never fails @throws what {@link holdVersion} throws
 */
export async function holdForNow(store: ObjectStore, version: number, why: string, signal?: AbortSignal): Promise<() => Promise<void>> {
  const id = await holdVersion(store, version, why, signal, { until: new Date(Date.now() + writersInFlight).toISOString() })
  return () => releaseHold(store, id).catch(() => undefined)
}

/** Ends a hold; one that has ended stays so. @throws UnknownOutcomeError RECORD_UNKNOWN; storage errors */
export async function releaseHold(store: ObjectStore, id: string): Promise<void> {
  await putRecord(store, releasedKeyOf(id), { time: new Date().toISOString() })
}

/** Whether a hold of that id holds the version. @throws LogError RECORD_CORRUPT; storage errors */
export async function isHeld(store: ObjectStore, id: string, version: number, signal?: AbortSignal): Promise<boolean> {
  const record = await readRecord(store, keyOf(id), signal)
  return record?.version === version && (await isOpen(store, id, signal))
}

/** Whether there is a hold of that id that has not ended. @throws storage errors */
export async function isOpen(store: ObjectStore, id: string, signal?: AbortSignal): Promise<boolean> {
  if ((await store.head(keyOf(id), { signal })) === undefined) return false
  return (await store.head(releasedKeyOf(id), { signal })) === undefined
}

/** The holds that were made for one reason and have not ended. @throws LogError RECORD_CORRUPT; storage errors */
export async function holdsBecause(store: ObjectStore, why: string, signal?: AbortSignal): Promise<HoldRecord[]> {
  const ids: string[] = []
  const released = new Set<string>()
  for await (const { key } of store.list(folder, { signal })) {
    const [, id, end] = /^([^/.]+)(\.released)?\.json$/.exec(key.slice(folder.length)) ?? []
    if (id !== undefined && end === undefined) ids.push(id)
    else if (id !== undefined) released.add(id)
  }
  const open = ids.filter((id) => !released.has(id))
  const found: HoldRecord[] = []
  for (let at = 0; at < open.length; at += together) {
    const some = open.slice(at, at + together).map(async (id) => ({ id, record: await readRecord(store, keyOf(id), signal) }))
    for (const { id, record } of await Promise.all(some)) {
      if (record?.why === why && typeof record.version === 'number') {
        found.push({ id, version: record.version, time: new Date(typeof record.time === 'string' ? record.time : Number.NaN) })
      }
    }
  }
  return found
}

function keyOf(id: string): string {
  return `${folder}${id}.json`
}

function releasedKeyOf(id: string): string {
  return `${folder}${id}.released.json`
}
