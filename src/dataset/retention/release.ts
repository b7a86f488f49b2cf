/**
 * What is said of the names and records of versions that end: a tag is removed, with the reason; a run is marked as erased; a hold is released. No
 * record is changed, each gets another one.
 */
import { ConflictError, VersionNotFoundError } from '../../errors/index.ts'
import { isInSpans, type VersionSpan } from '../../log/index.ts'
import { type JsonRecord, putRecord, readRecord } from '../../log/records.ts'
import { readHolds } from '../../refs/holds.ts'
import { listTags, removeTag, type Tag } from '../../refs/tags.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { currentAuthor } from '../git.ts'

const runFolder = '_varve/runs/'
const holdFolder = '_varve/holds/'

/** Why a tag, a run or a hold has lost its version to an erasure. */
const erased = 'the version held rows that were erased'

/** The tags on versions. @throws LogError RECORD_CORRUPT; storage errors */
export async function tagsOn(store: ObjectStore, spans: readonly VersionSpan[], signal?: AbortSignal): Promise<Tag[]> {
  return (await listTags(store, signal)).filter(({ version }) => isInSpans(spans, version))
}

/** Removes the tags on versions. One that is moved or removed meanwhile is left to whoever did so. @throws UnknownOutcomeError; storage errors */
export async function removeTagsOn(store: ObjectStore, spans: readonly VersionSpan[], reason: string, signal?: AbortSignal): Promise<void> {
  for (const { name } of await tagsOn(store, spans, signal)) {
    try {
      await removeTag(store, name, { author: await currentAuthor(), time: new Date(), reason, signal })
    } catch (error) {
      if (!(error instanceof ConflictError || error instanceof VersionNotFoundError)) throw error
    }
  }
}

/** A run that read versions, whether it is active or not. */
export interface RunOn {
  readonly id: string
  readonly versions: readonly number[]
}

/** The runs on versions. @throws LogError RECORD_CORRUPT; storage errors */
export async function runsOn(store: ObjectStore, spans: readonly VersionSpan[], signal?: AbortSignal): Promise<RunOn[]> {
  const runs: RunOn[] = []
  for await (const { key } of store.list(runFolder, { signal })) {
    const [, id] = /^([^/]+)\/start\.json$/.exec(key.slice(runFolder.length)) ?? []
    if (id === undefined) continue
    const versions = versionsOf(await readRecord(store, key, signal)).filter((version) => isInSpans(spans, version))
    if (versions.length > 0) runs.push({ id, versions })
  }
  return runs
}

/** What pins and clones elsewhere hold of versions, in the words of each hold. @throws LogError HOLD_CORRUPT; storage errors */
export async function holdsOn(
  store: ObjectStore,
  spans: readonly VersionSpan[],
  signal?: AbortSignal,
): Promise<{ readonly name: string; readonly words: string }[]> {
  const holds = (await readHolds(store, signal)).filter(({ kind, version }) => kind === 'hold' && isInSpans(spans, version))
  return holds.map(({ name, by }) => ({ name, words: /\((.*)\)$/.exec(by)?.[1] ?? by }))
}

/** Marks all that is on versions whose rows are erased. @throws UnknownOutcomeError; LogError; storage errors */
export async function markErased(store: ObjectStore, spans: readonly VersionSpan[], signal?: AbortSignal): Promise<void> {
  await removeTagsOn(store, spans, erased, signal)
  const mark = { time: new Date(), author: await currentAuthor(), message: erased }
  for (const { id, versions } of await runsOn(store, spans, signal)) {
    if (await putRecord(store, `${runFolder}${id}/erased.json`, { versions, ...mark }, signal)) continue
    const known = versionsOf(await readRecord(store, `${runFolder}${id}/erased.json`, signal))
    // A record is never changed: a run that loses another of its versions later lets go of all.
    if (!versions.every((version) => known.includes(version))) await putRecord(store, `${runFolder}${id}/retired.json`, mark, signal)
  }
  for (const { name } of await holdsOn(store, spans, signal)) await putRecord(store, `${holdFolder}${name}.released.json`, mark, signal)
}

function versionsOf(record: JsonRecord | undefined): number[] {
  const { version, versions } = record ?? {}
  return [version, ...(Array.isArray(versions) ? versions : [])].filter((one): one is number => typeof one === 'number')
}
