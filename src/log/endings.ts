/**
 * Versions that were let go, by whom, and where they are, as whoever asks for a version reads it; `refs/endings.ts` says how that is written.
 *
 *   _varve/ended/<n>.json      `{ endings: [{ id, by, spans: [{ from, to }], archive, time, done }] }`; the highest number counts
 *
 * The log may still tell of a version that was let go: later ones need its commit. In an archive the ending by `archive` is of versions that are not
 * in it, since they stayed where the table is.
 */
import { VersionNotFoundError } from '../errors/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { readableRange } from './listing.ts'
import { corruptRecord, type JsonRecord, readListedRecord } from './records.ts'
import { isInSpans, joinSpans, type VersionSpan } from './version-spans.ts'

/** Who lets versions go. `archive` keeps them from coming along. */
export type Ender = 'vacuum' | 'retain' | 'erase' | 'archive'

/** Versions that were let go together. */
export interface Ending {
  readonly id: string
  readonly by: Ender
  readonly spans: readonly VersionSpan[]
  /** Where they can be read: the location of the archive, or for `archive` of the table. `null` where they are gone. */
  readonly archive: string | null
  readonly time: Date
  /** Whether all that is to go is gone. */
  readonly done: boolean
}

/** Where the records lie. */
export const endingsFolder = '_varve/ended/'

/** All endings of a table, later ones behind. @throws LogError RECORD_CORRUPT; storage errors */
export async function readEndings(store: ObjectStore, signal?: AbortSignal): Promise<readonly Ending[]> {
  return (await newestEndings(store, signal)).endings
}

/** The endings as they are, and the number of their record. */
export async function newestEndings(store: ObjectStore, signal?: AbortSignal): Promise<{ number: number; endings: readonly Ending[] }> {
  let number = 0
  for await (const { key } of store.list(endingsFolder, { delimiter: '/', signal })) {
    const [, digits] = /^(\d{1,15})\.json$/.exec(key.slice(endingsFolder.length)) ?? []
    if (digits !== undefined) number = Math.max(number, Number(digits))
  }
  if (number === 0) return { number, endings: [] }
  const key = `${endingsFolder}${number}.json`
  const { endings } = await readListedRecord(store, key, signal)
  if (!Array.isArray(endings)) throw corruptRecord(store, key, 'it has no endings')
  return { number, endings: endings.map((ending: unknown) => parsed(store, key, ending)) }
}

/** The versions that endings have let go. */
export function endedBy(endings: readonly Ending[], meant: (ending: Ending) => boolean = () => true): VersionSpan[] {
  return joinSpans(endings.filter(meant).flatMap(({ spans }) => spans))
}

/** The ending that let a version go; `undefined` where none did. */
export async function endingOf(store: ObjectStore, version: number, signal?: AbortSignal): Promise<Ending | undefined> {
  return (await readEndings(store, signal)).findLast(({ spans }) => isInSpans(spans, version))
}

const how: Readonly<Record<Ender, string>> = {
  vacuum: 'ended by a vacuum',
  retain: 'let go by the retention policy',
  erase: 'ended because it held rows that were to be erased',
  archive: 'left where the table is when older versions were archived',
}

/** The error for a version that was let go: by whom, and where it is. */
export async function versionEnded(
  store: ObjectStore,
  version: number,
  { by, archive, time }: Ending,
  signal?: AbortSignal,
): Promise<VersionNotFoundError> {
  const { root } = store
  const { earliest, latest } = (await readableRange(store, signal)) ?? { earliest: version, latest: version }
  const where = archive === null ? '' : `; it is in ${archive}`
  const date = Number.isNaN(time.getTime()) ? '' : ` on ${time.toISOString().slice(0, 10)}`
  return new VersionNotFoundError(
    by === 'vacuum' ? 'VERSION_NOT_FOUND' : 'VERSION_ENDED',
    `Version ${version} of ${root} was ${how[by]}${date}${where}. The log reaches from version ${earliest} to ${latest}.`,
    {
      remedy: archive === null ? 'Read a later version.' : `Read it there: ${archive}@${version}.`,
      data: { root, asked: version, earliest, latest, by, archive },
    },
  )
}

function parsed(store: ObjectStore, key: string, value: unknown): Ending {
  const { id, by, spans, archive, time, done } = (typeof value === 'object' && value !== null ? value : {}) as JsonRecord
  const isSpan = (span: unknown): span is VersionSpan => {
    const { from, to } = (typeof span === 'object' && span !== null ? span : {}) as JsonRecord
    return Number.isSafeInteger(from) && Number.isSafeInteger(to)
  }
  // One of a newer Varve may let go of versions in a way that is not known here.
  if (typeof id !== 'string' || typeof by !== 'string' || !Object.hasOwn(how, by) || !Array.isArray(spans) || !spans.every(isSpan))
    throw corruptRecord(store, key, 'it has an ending that is none')
  return {
    id,
    by: by as Ender,
    spans,
    archive: typeof archive === 'string' ? archive : null,
    time: new Date(typeof time === 'string' ? time : Number.NaN),
    done: done === true,
  }
}
