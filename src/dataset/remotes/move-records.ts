/**
 * Records of ours from one copy of a table to another: what is said of versions, whoever reads it. Which of them belong to a copy elsewhere:
 *
 *   tags     yes: names of versions, made to be read by others
 *   runs     yes: they say which version a model was trained on, wherever the model is looked into
 *   digests  yes: fingerprints of a version, which is the same there
 *   hashes   yes: by them the copy is verified, and mended
 *   holds    to a remote only: a pin is pulled from there, so what it holds must stay there too. A remote's own holds are of others, and stay
 *
 * Bookmarks (how far a reader of this copy has come), remotes and origins (what lies around it), endings (what this copy has let go of), staging,
 * clocks and hints are a copy's own.
 *
 * A record is never changed, so one that is there is the same; only of tags two copies may each have made one under the same number. A record of
 * a version that the other copy cannot read is left: it would hold there what is not there, and vacuum would stop at it. So is one that is not known here.
 */
import { isDeepStrictEqual } from 'node:util'
import { RemoteError } from '../../errors/index.ts'
import { corruptRecord, type JsonRecord, parseRecord, putRecordBytes, readRecord } from '../../log/records.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { inParallel } from './in-parallel.ts'
import { isKnownRecord } from './known-records.ts'

/** Folders of records that go from one copy to another. */
const shared = ['tags', 'runs', 'digests', 'hashes'] as const

/** Records on their way together. */
const atOnce = 32

/** Longer than any record of ours: runs hold the most. */
const mostBytes = 64 << 20

/** Where records come from and go to. */
export interface MoveRecordsOptions {
  readonly from: ObjectStore
  readonly to: ObjectStore
  /** Whether holds go too. */
  readonly holds: boolean
  /** Versions that can be read at the target; records of others stay behind. */
  readonly readable: { readonly earliest: number; readonly latest: number }
  readonly signal?: AbortSignal | undefined
}

/** What became of records. */
export interface MovedRecords {
  readonly records: number
  readonly bytes: number
  /** Tags that the target has otherwise, by their names; they stay there as they are. */
  readonly otherTags: readonly string[]
  /** Records left because the target does not have their version. */
  readonly left: number
  /** Records left, with all that belongs to them, because it is not known what they mean: their keys. */
  readonly unknown: readonly string[]
}

/** Tags that two copies have made each in its own way: names, as far as records of one number differ. @throws LogError RECORD_CORRUPT; storage errors */
export async function differingTags(one: ObjectStore, other: ObjectStore, signal?: AbortSignal): Promise<string[]> {
  const folder = '_varve/tags/'
  const theirs = new Set(await keysUnder(other, folder, signal))
  const names = new Set<string>()
  const both = (await keysUnder(one, folder, signal)).filter((key) => theirs.has(key))
  await inParallel(both, atOnce, async (key) => {
    const [own, their] = await Promise.all([readRecord(one, key, signal), readRecord(other, key, signal)])
    if (!isDeepStrictEqual(own, their)) names.add(key.slice(folder.length).split('/')[0] ?? '')
  })
  return [...names].sort()
}

/** The refusal to push tags that mean something else at the remote. */
export function tagsDiverged(remote: string, names: readonly string[]): RemoteError {
  return new RemoteError(
    'REMOTE_TAG_DIVERGED',
    `${remote} has tags of the same name that were made otherwise: ${names.join(', ')}. Nothing was moved.`,
    {
      remedy: 'Look at them (varve tags, on both), and give the version another name here: varve untag, varve tag.',
      data: { remote, tags: [...names] },
    },
  )
}

/** Moves the records that the target lacks. @throws LogError RECORD_CORRUPT; UnknownOutcomeError RECORD_UNKNOWN; storage errors */
export async function moveRecords(options: MoveRecordsOptions): Promise<MovedRecords> {
  const { from, to, holds, readable, signal } = options
  let [records, bytes, left] = [0, 0, 0]
  const unknown: string[] = []
  const otherTags = await differingTags(from, to, signal)
  for (const name of holds ? ([...shared, 'holds'] as const) : shared) {
    const folder = `_varve/${name}/`
    const there = new Set(await keysUnder(to, folder, signal))
    const missing = (await keysUnder(from, folder, signal)).filter((key) => !there.has(key))
    const groups = new Map<string, string[]>()
    for (const key of missing) {
      const group = groupOf(name, key.slice(folder.length))
      groups.set(group, [...(groups.get(group) ?? []), key])
    }
    await inParallel([...groups], atOnce, async ([group, keys]) => {
      if (name === 'tags' && otherTags.includes(group)) return
      const read = await Promise.all(keys.sort(byNumber).map((key) => readMovable(from, key, signal)))
      const strange = read.filter(({ key, record }) => !isKnownRecord(name, key.slice(folder.length), record)).map(({ key }) => key)
      // Without its beginning a run says nothing.
      const start = `${folder}${group}/start.json`
      if (name === 'runs' && !there.has(start) && !keys.includes(start)) strange.push(...keys)
      if (strange.length > 0) {
        unknown.push(...strange)
        return
      }
      // Of a tag the last record counts, and what it stood for before is a trace.
      const counting = name === 'tags' ? read.slice(-1) : read
      if (!counting.every(({ record }) => isReadable(record, readable))) {
        left += read.length
        return
      }
      // In the order in which they were made: what ends something never comes before it.
      for (const one of read) {
        if (isReadable(one.record, readable) && (await putRecordBytes(to, one.key, one.bytes, signal))) {
          records += 1
          bytes += one.bytes.length
        }
      }
    })
  }
  return { records, bytes, otherTags, left, unknown: [...new Set(unknown)].sort() }
}

/** What belongs together: all records of a tag, of a run, of a hold. */
function groupOf(kind: string, path: string): string {
  return kind === 'holds' ? path.replace(/(\.released)?\.json$/, '') : (path.split('/')[0] ?? '')
}

/** The beginnings first: a run's start, a hold before its release, a tag's records by number. */
function byNumber(one: string, other: string): number {
  const rank = (key: string) => {
    const file = key.slice(key.lastIndexOf('/') + 1)
    if (file === 'start.json') return -1
    const number = Number(file.replace(/\.json$/, ''))
    return Number.isSafeInteger(number) ? number : file.endsWith('.released.json') ? Number.MAX_SAFE_INTEGER : 0
  }
  return rank(one) - rank(other)
}

/** Whether the versions that a record speaks of, where it speaks of some, can be read at the target. */
function isReadable({ version, versions, removed }: JsonRecord, { earliest, latest }: MoveRecordsOptions['readable']): boolean {
  const named = [version, ...(Array.isArray(versions) ? versions : [])].filter((one): one is number => typeof one === 'number')
  return removed === true || named.every((one) => one >= earliest && one <= latest)
}

interface Read {
  readonly key: string
  readonly bytes: Uint8Array
  readonly record: JsonRecord
}

async function readMovable(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<Read> {
  const meta = await store.head(key, { signal })
  if ((meta?.size ?? 0) > mostBytes) throw corruptRecord(store, key, `it has ${meta?.size} bytes`)
  const { bytes } = await store.get(key, { signal })
  return { key, bytes, record: parseRecord(store, key, bytes) }
}

/** Records under a folder. Hidden files of a file manager are none. */
async function keysUnder(store: ObjectStore, folder: string, signal: AbortSignal | undefined): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(folder, { signal })) {
    const file = key.slice(key.lastIndexOf('/') + 1)
    if (file.endsWith('.json') && !file.startsWith('.')) keys.push(key)
  }
  return keys
}

/** What is said where records were left because nobody here knows what they mean. */
export function unknownWarning(unknown: readonly string[], root: string): string[] {
  if (unknown.length === 0) return []
  const which = `${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ', ...' : ''}`
  return [`Of ${root} not all records were moved, since this Varve does not know what they mean: ${which}.`]
}
