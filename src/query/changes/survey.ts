/**
 * A look at all commits of a range before its first row is given: each is there, each tells its changes, and the rows of each can be read
 * in the columns of the last. Nothing is kept of a commit but its metadata, where it sets some, and its bytes, as long as those of all
 * together are few: most ranges are read once.
 */

import { SchemaError, UnsupportedFeatureError, VersionNotFoundError } from '../../errors/index.ts'
import type { Metadata, Protocol } from '../../log/actions.ts'
import { changesOf, hasChangeFeed } from '../../log/changes.ts'
import { type Commit, parseActions, readCommitIfThere } from '../../log/commit.ts'
import type { DeltaLog } from '../../log/delta-log.ts'
import { readListing } from '../../log/listing.ts'
import { activeProperties, checkReadable } from '../../log/protocol.ts'
import { completed, type TableState } from '../../log/state.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { parseSchema } from '../../schema/schema-json.ts'
import { isOn } from '../../schema/switches.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { type Compared, unreadable } from './columns.ts'

/** Versions from the first to the last, both of them meant. */
export interface VersionRange {
  readonly from: number
  readonly to: number
}

/** What a look at a range gave. */
export interface Survey {
  /** What holds at the end of the range, with the properties that count there. */
  readonly metadata: Metadata
  /** Whether the table was partitioned by the same columns all along. */
  readonly samePartitions: boolean
  /** The commits of the range in their order, read again where they were not kept. */
  commits(): AsyncGenerator<Commit>
}

interface Epoch {
  readonly version: number
  readonly metadata: Metadata
}

/** Bytes of commits that are kept for their second reading. */
const keptBytes = 64 * 2 ** 20

/** Commits read ahead, as long as they are small. */
const mostAhead = 16

/**
 * Looks at a range. @throws VersionNotFoundError, UnsupportedFeatureError CHANGE_FEED_OFF and SchemaError SCHEMA_CHANGED, all of which
 * name the version; LogError
 */
export async function survey(log: DeltaLog, range: VersionRange, compared: Compared, signal: AbortSignal | undefined): Promise<Survey> {
  const { store } = log
  const start = await stateAt(log, range.from, signal)
  const epochs: [Epoch, ...Epoch[]] = [{ version: range.from, metadata: activeMetadata(start) }]
  let { protocol, metadata } = start
  checkFeed(store, protocol, metadata, range.from, range)
  const kept = new Map<number, Commit>()
  let room = keptBytes
  let before: TableState | undefined
  for await (const commit of commitsInOrder(store, range, signal)) {
    const { version, bytes } = commit
    room -= bytes.length
    if (room >= 0) kept.set(version, commit)
    if (!mayHold(bytes, 'metaData') && !mayHold(bytes, 'protocol')) continue
    const changes = changesOf(version, parseActions(commit))
    if (version === range.from) {
      const removes = changes.files.some(({ change }) => change === 'delete')
      if (removes && changes.metadata !== undefined && version > 0) before = await stateAt(log, version - 1, signal)
      continue
    }
    if (changes.protocol !== undefined) {
      protocol = changes.protocol
      checkReadable(protocol, store.root)
    }
    if (changes.metadata !== undefined) metadata = completed(changes.metadata)
    checkFeed(store, protocol, metadata, version, range)
    epochs.push({ version, metadata: activeMetadata({ protocol, metadata }) })
  }
  const last = epochs.at(-1)!.metadata
  checkEpochs(store, epochs, range, compared)
  const earlier = before && activeMetadata(before)
  if (earlier !== undefined) checkBefore(store, earlier, last, range.from, compared)
  const layouts = [...epochs.map((epoch) => epoch.metadata), ...(earlier === undefined ? [] : [earlier])]
  return {
    metadata: last,
    samePartitions: new Set(layouts.map(partitionNames)).size === 1,
    commits: () => commitsInOrder(store, range, signal, kept),
  }
}

/** The metadata with the properties that count under the protocol. */
export function activeMetadata({ protocol, metadata }: Pick<TableState, 'protocol' | 'metadata'>): Metadata {
  return { ...metadata, configuration: activeProperties({ protocol, metadata }) }
}

/** The first version of the unbroken run of commits that tell their changes and ends with this one; the one behind it where it does not. */
export async function firstWithFeed(log: DeltaLog, to: number, signal: AbortSignal | undefined): Promise<number> {
  const earliest = Math.min((await earliestCommit(log.store, signal)) ?? to, to)
  let { protocol, metadata } = await stateAt(log, earliest, signal)
  let first = hasChangeFeed(protocol, metadata) ? earliest : undefined
  for await (const commit of commitsInOrder(log.store, { from: earliest + 1, to }, signal)) {
    if (!mayHold(commit.bytes, 'metaData') && !mayHold(commit.bytes, 'protocol')) continue
    const changes = changesOf(commit.version, parseActions(commit))
    protocol = changes.protocol ?? protocol
    metadata = changes.metadata === undefined ? metadata : completed(changes.metadata)
    first = hasChangeFeed(protocol, metadata) ? (first ?? commit.version) : undefined
  }
  return first ?? to + 1
}

/** The first of the commits after which none is missing; `undefined` where there is none. */
export async function earliestCommit(store: ObjectStore, signal: AbortSignal | undefined): Promise<number | undefined> {
  const { commits } = await readListing(store, { signal })
  let first = [...commits].at(-1)
  while (first !== undefined && commits.has(first - 1)) first -= 1
  return first
}

/** The commits of a range, some read ahead; `kept` are not read again. @throws VersionNotFoundError with the range that is there */
export async function* commitsInOrder(
  store: ObjectStore,
  { from, to }: VersionRange,
  signal: AbortSignal | undefined,
  kept?: ReadonlyMap<number, Commit>,
): AsyncGenerator<Commit> {
  const ahead: Promise<Commit | undefined>[] = []
  let next = from
  let width = mostAhead
  for (let version = from; version <= to; version += 1) {
    while (next <= to && ahead.length < width) {
      const read = Promise.resolve(kept?.get(next) ?? readCommitIfThere(store, next, signal))
      // It is told when its turn comes.
      read.catch(() => {})
      ahead.push(read)
      next += 1
    }
    const commit = await ahead.shift()!
    if (commit === undefined) throw await commitGone(store, version, signal)
    width = Math.max(1, Math.min(mostAhead, Math.floor(keptBytes / Math.max(1, commit.bytes.length))))
    yield commit
  }
}

async function stateAt(log: DeltaLog, version: number, signal: AbortSignal | undefined): Promise<TableState> {
  try {
    return await log.stateAt(version, signal)
  } catch (error) {
    if (error instanceof VersionNotFoundError) throw await commitGone(log.store, version, signal)
    throw error
  }
}

async function commitGone(store: ObjectStore, version: number, signal: AbortSignal | undefined): Promise<VersionNotFoundError> {
  const { commits } = await readListing(store, { signal })
  const latest = [...commits].at(-1) ?? version
  const earliest = (await earliestCommit(store, signal)) ?? latest
  return new VersionNotFoundError(
    'VERSION_NOT_FOUND',
    `The commit of version ${version} of ${store.root} is not there, so its changes cannot be read; those of versions ${earliest} to ${latest} can.`,
    { remedy: `Read changes from version ${earliest} on.`, data: { root: store.root, asked: version, earliest, latest } },
  )
}

function mayHold(bytes: Uint8Array, action: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(`"${action}"`)
}

function checkFeed(store: ObjectStore, protocol: Protocol, metadata: Metadata, version: number, { from, to }: VersionRange): void {
  if (hasChangeFeed(protocol, metadata)) return
  const why = isOn(metadata.configuration, 'delta.enableChangeDataFeed')
    ? "the table's protocol does not support the feed"
    : 'the feed is off'
  throw new UnsupportedFeatureError('CHANGE_FEED_OFF', `Version ${version} of ${store.root} does not tell its changes: ${why}.`, {
    remedy: `Read changes of versions that the feed was on at (the property delta.enableChangeDataFeed), or compare two versions with a query.`,
    data: { version, from, to, root: store.root },
  })
}

function checkEpochs(store: ObjectStore, epochs: readonly Epoch[], range: VersionRange, compared: Compared): void {
  const last = epochs.at(-1)!
  for (let at = epochs.length - 2; at >= 0; at -= 1) {
    const problem = unreadable(epochs[at]!.metadata, last.metadata, compared)
    if (problem === undefined) continue
    const { version } = epochs[at + 1]!
    throw new SchemaError(
      'SCHEMA_CHANGED',
      `Changes of versions ${range.from} to ${range.to} of ${store.root} cannot be told in one schema: at version ${version} ${problem}.`,
      {
        remedy: `Read the changes up to version ${version - 1}, and those from version ${version} on, one after the other.`,
        data: { version, from: range.from, to: range.to, root: store.root, reason: problem },
      },
    )
  }
}

/** Rows that the first version removes were written under what held before it. Columns that it dropped are not asked for. */
function checkBefore(store: ObjectStore, before: Metadata, metadata: Metadata, version: number, compared: Compared): void {
  const problem = unreadable(before, metadata, { ...compared, dropsAllowed: true })
  if (problem === undefined) return
  throw new SchemaError(
    'SCHEMA_CHANGED',
    `The rows that version ${version} of ${store.root} removed cannot be read in its schema: at this version ${problem}.`,
    { remedy: `Read changes from version ${version + 1} on.`, data: { version, root: store.root, reason: problem } },
  )
}

/** By which columns a table is partitioned, by their names in files: the same text for the same columns. */
export function partitionNames({ schemaString, partitionColumns, configuration }: Metadata): string {
  const naming = columnNaming(configuration)
  const fields = parseSchema(schemaString).fields.filter(({ name }) => partitionColumns.includes(name))
  return JSON.stringify(fields.map((field) => physicalName(field, naming)).sort())
}
