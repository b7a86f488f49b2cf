/**
 * Bookmarks: how far the reader of a name has come with a table's changes.
 *
 * A bookmark is a chain of records `_varve/bookmarks/<name>/<version>.json`. Each says which versions one reading gave, and is called by
 * the version that the bookmark stood at before, which is 0 at first; the record of the highest version counts. Records are made by
 * put-if-absent and never changed. So two readers that began at one place want to make one record, and one of them is told that it lost.
 */
import { v4 as uuid } from 'uuid'
import { ConflictError, LogError, ObjectNotFoundError, UnknownOutcomeError } from '../errors/index.ts'
import { nameKey } from '../refs/names.ts'
import { parseJson } from '../schema/json.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** Where a bookmark stands: the next reading begins at this version; `undefined` before the first. */
export type BookmarkPlace = number | undefined

const folder = '_varve/bookmarks'

/** How often a record is tried to be made while nobody can say whether it was. */
const tries = 4

/** Where a bookmark stands. @throws LogError BOOKMARK_CORRUPT */
export async function readBookmark(store: ObjectStore, name: string, signal?: AbortSignal): Promise<BookmarkPlace> {
  let last: number | undefined
  for await (const { key } of store.list(`${folder}/${nameKey(name)}/`, { delimiter: '/', signal })) {
    const [, digits] = /\/(\d{1,16})\.json$/.exec(key) ?? []
    if (digits !== undefined) last = Math.max(last ?? 0, Number(digits))
  }
  if (last === undefined) return undefined
  const key = keyOf(name, last)
  const { bytes } = await store.get(key, { signal })
  const to = lastVersion(bytes)
  if (to === undefined || to < last) {
    throw new LogError('BOOKMARK_CORRUPT', `The record ${key} of the bookmark ${name} of ${store.root} says no version.`, {
      remedy: 'Read the changes from a version that you know, and go on with a bookmark of another name.',
      data: { bookmark: name, file: key },
    })
  }
  return to + 1
}

/**
 * Moves a bookmark past a range, from where the reading began.
 * @throws ConflictError BOOKMARK_MOVED where it does not stand there any more; UnknownOutcomeError BOOKMARK_UNKNOWN
 */
export async function moveBookmark(
  store: ObjectStore,
  name: string,
  stood: BookmarkPlace,
  range: { readonly from: number; readonly to: number },
): Promise<void> {
  const key = keyOf(name, stood ?? 0)
  const record = { bookmark: name, ...range, time: new Date().toISOString(), id: uuid() }
  const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`)
  let cause: unknown
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const put = await store.putIfAbsent(key, bytes)
    if (put.outcome === 'created') return
    if (put.outcome === 'unknown') cause = put.cause
    const there = await readIfThere(store, key)
    if (there !== undefined && Buffer.compare(there, bytes) === 0) return
    if (there !== undefined) throw moved(store, name, range, lastVersion(there))
  }
  throw new UnknownOutcomeError('BOOKMARK_UNKNOWN', `It could not be found out whether the bookmark ${name} of ${store.root} was moved.`, {
    remedy: `Look whether ${key} is there before these changes are counted or read again.`,
    data: { bookmark: name, file: key, ...range },
    cause,
  })
}

function moved(store: ObjectStore, name: string, { from, to }: { from: number; to: number }, theirs: number | undefined): ConflictError {
  return new ConflictError(
    'BOOKMARK_MOVED',
    `Another reader moved the bookmark ${name} of ${store.root} past version ${theirs ?? from} while versions ${from} to ${to} were read: they are that reader's.`,
    {
      remedy:
        'Drop the rows that were read and run it again: it goes on where the other reader stopped. Give each independent reader a name of its own.',
      data: { bookmark: name, from, to, root: store.root },
    },
  )
}

async function readIfThere(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  try {
    return (await store.get(key)).bytes
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined
    throw error
  }
}

function lastVersion(bytes: Uint8Array): number | undefined {
  try {
    const { to } = parseJson(new TextDecoder().decode(bytes)) as { to?: unknown }
    return typeof to === 'number' && Number.isSafeInteger(to) && to >= 0 ? to : undefined
  } catch {
    return undefined
  }
}

function keyOf(name: string, version: number): string {
  return `${folder}/${nameKey(name)}/${version}.json`
}
