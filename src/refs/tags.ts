/**
 * Tags: names of versions.
 *
 *   _varve/tags/<key>/<n>.json      `{ name, version, rows, fingerprints, message, author, time }`, or `{ name, removed: true, ... }`
 *
 * Of a name the record of the highest number counts (numbered-records.ts), so a tag that was moved or removed leaves its earlier records as a
 * trace, and of two who race for a name one is told that it lost. `<key>` is the name without regard to case.
 */
import { ConflictError, TagExistsError, VersionNotFoundError } from '../errors/index.ts'
import { corruptRecord, type JsonRecord, putRecord, readListedRecord } from '../log/records.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Fingerprints } from './fingerprints.ts'
import { checkName, isName, nameKey } from './names.ts'
import { lastNumber, lastNumbers, numberedKey } from './numbered-records.ts'

/** A tag: a line of `varve tags --json`. */
export interface Tag {
  readonly name: string
  readonly version: number
  /** Rows of the version, deleted ones not counted; `null` where the log did not say when it was tagged. */
  readonly rows: number | null
  /** What was known of the version when it was tagged. */
  readonly fingerprints: Fingerprints
  readonly message: string | null
  readonly author: string | null
  /** When the tag was made. */
  readonly time: Date
  /** The version that a tag of this name stood at before it was moved here; `null` where it is new. */
  readonly replaces: number | null
}

/** Where the records of tags lie. */
const folder = '_varve/tags/'

/** Records read at a time. */
const together = 64

/** A tag by its name; `undefined` where there is none. @throws LogError RECORD_CORRUPT; storage errors */
async function findTag(store: ObjectStore, name: string, signal?: AbortSignal): Promise<Tag | undefined> {
  return isName(name) ? (await newest(store, name, signal)).tag : undefined
}

/** The version that a tag names. @throws VersionNotFoundError TAG_NOT_FOUND; LogError RECORD_CORRUPT; storage errors */
export async function versionOfTag(store: ObjectStore, name: string, signal?: AbortSignal): Promise<number> {
  const tag = await findTag(store, name, signal)
  if (tag === undefined) throw await tagNotFound(store, name, signal)
  return tag.version
}

/** All tags, by version and then by name. @throws LogError RECORD_CORRUPT; storage errors */
export async function listTags(store: ObjectStore, signal?: AbortSignal): Promise<Tag[]> {
  const last = [...(await lastNumbers(store, folder, signal))]
  const tags: Tag[] = []
  for (let at = 0; at < last.length; at += together) {
    const found = await Promise.all(last.slice(at, at + together).map(([key, number]) => readTag(store, key, number, signal)))
    tags.push(...found.filter((tag) => tag !== undefined))
  }
  return tags.sort((a, b) => a.version - b.version || (a.name < b.name ? -1 : 1))
}

/** The names of the tags of each version that has some. @throws what {@link listTags} throws */
export async function tagsByVersion(store: ObjectStore, signal?: AbortSignal): Promise<ReadonlyMap<number, readonly string[]>> {
  const names = new Map<number, string[]>()
  for (const { version, name } of await listTags(store, signal)) names.set(version, [...(names.get(version) ?? []), name])
  return names
}

/**
 * Makes a tag; with `force` moves one that is there.
 * @throws UsageError INVALID_NAME; TagExistsError TAG_EXISTS; ConflictError TAG_MOVED where another moved or removed it meanwhile;
 * UnknownOutcomeError RECORD_UNKNOWN; storage errors
 */
export async function writeTag(
  store: ObjectStore,
  tag: Omit<Tag, 'replaces'>,
  { force, signal }: { readonly force: boolean; readonly signal?: AbortSignal | undefined },
): Promise<Tag> {
  checkName(tag.name, 'tag')
  const { number, tag: before } = await newest(store, tag.name, signal)
  if (before !== undefined && !force) throw tagExists(store, before)
  const made: Tag = { ...tag, replaces: before?.version ?? null }
  if (await putRecord(store, numberedKey(folder, tag.name, number + 1), { ...made }, signal)) return made
  const theirs = (await newest(store, tag.name, signal)).tag
  throw theirs !== undefined && !force ? tagExists(store, theirs) : tagMoved(store, tag.name)
}

/**
 * Removes a tag; its records stay as a trace. `reason`: why it had to go, where its version was not the user's to keep.
 * @returns The tag as it was.
 * @throws VersionNotFoundError TAG_NOT_FOUND; ConflictError TAG_MOVED; UnknownOutcomeError RECORD_UNKNOWN; storage errors
 */
export async function removeTag(
  store: ObjectStore,
  name: string,
  options: {
    readonly author: string | null
    readonly time: Date
    readonly reason?: string | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<Tag> {
  const { author, time, reason, signal } = options
  const { number, tag } = isName(name) ? await newest(store, name, signal) : { number: 0, tag: undefined }
  if (tag === undefined) throw await tagNotFound(store, name, signal)
  const record = { name: tag.name, version: tag.version, removed: true, author, time, ...(reason === undefined ? {} : { reason }) }
  if (await putRecord(store, numberedKey(folder, name, number + 1), record, signal)) return tag
  throw tagMoved(store, name)
}

/**
 * Takes back a tag just made, whose version turned out to have ended: what it replaced stands again, where it replaced something, so that this is
 * held as it was. Where another has moved the tag meanwhile, nothing is to be done. @throws LogError RECORD_CORRUPT; storage errors
 */
export async function takeBackTag(store: ObjectStore, { name, version, author, time, replaces }: Tag): Promise<void> {
  const { number, tag } = await newest(store, name)
  if (tag?.version !== version || tag.time.getTime() !== time.getTime()) return
  const before = replaces === null ? undefined : await readTag(store, nameKey(name), number - 1)
  const record: JsonRecord = before === undefined ? { name, version, removed: true, author, time: new Date() } : { ...before }
  await putRecord(store, numberedKey(folder, name, number + 1), record)
}

/** The number of a name's last record (0 before the first), and the tag, where that is one. */
async function newest(store: ObjectStore, name: string, signal?: AbortSignal): Promise<{ number: number; tag: Tag | undefined }> {
  const number = await lastNumber(store, folder, name, signal)
  return { number, tag: number === 0 ? undefined : await readTag(store, nameKey(name), number, signal) }
}

async function readTag(store: ObjectStore, nameKey: string, number: number, signal?: AbortSignal): Promise<Tag | undefined> {
  const key = `${folder}${nameKey}/${number}.json`
  const record = await readListedRecord(store, key, signal)
  if (record.removed === true) return undefined
  const { version, time } = record
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) throw corruptRecord(store, key, 'it says no version')
  return {
    name: textOf(record, 'name') ?? nameKey,
    version,
    rows: typeof record.rows === 'number' ? record.rows : null,
    fingerprints: fingerprintsOf(record.fingerprints),
    message: textOf(record, 'message'),
    author: textOf(record, 'author'),
    time: new Date(typeof time === 'string' ? time : Number.NaN),
    replaces: typeof record.replaces === 'number' ? record.replaces : null,
  }
}

function fingerprintsOf(value: unknown): Fingerprints {
  const of = typeof value === 'object' && value !== null ? (value as JsonRecord) : {}
  return { id: textOf(of, 'id'), files: textOf(of, 'files'), rows: textOf(of, 'rows') }
}

function textOf(record: JsonRecord, name: string): string | null {
  const value = record[name]
  return typeof value === 'string' ? value : null
}

function tagExists(store: ObjectStore, { name, version }: Tag): TagExistsError {
  return new TagExistsError('TAG_EXISTS', `The table ${store.root} has a tag ${name} already: version ${version}.`, {
    remedy: 'Give the version another name, or move the tag with force (--force), which leaves a trace.',
    data: { root: store.root, tag: name, version },
  })
}

function tagMoved(store: ObjectStore, name: string): ConflictError {
  return new ConflictError('TAG_MOVED', `Another writer made, moved or removed the tag ${name} of ${store.root} meanwhile.`, {
    remedy: 'Look at what it stands for (varve tags), and run this again if you still want it.',
    data: { root: store.root, tag: name },
  })
}

async function tagNotFound(store: ObjectStore, tag: string, signal?: AbortSignal): Promise<VersionNotFoundError> {
  const names = [...(await lastNumbers(store, folder, signal)).keys()].slice(0, 10)
  return new VersionNotFoundError('TAG_NOT_FOUND', `The table ${store.root} has no tag ${JSON.stringify(tag)}.`, {
    remedy:
      names.length === 0
        ? 'Name a version, as in events@3, or a timestamp with a zone; varve tag gives a version a name.'
        : `Names that were given: ${names.join(', ')}.`,
    data: { root: store.root, tag, tags: names },
  })
}
