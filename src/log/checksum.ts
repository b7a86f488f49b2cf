/**
 * Version checksums (§Version Checksum File): the state of a version in one small file beside its commit.
 *
 * Every commit of ours is followed by its checksum, made from the one before and the commit's own actions, never by a replay; where the
 * counts of the one before are not known, none is written. A checksum is derived data: written after the commit, never over another,
 * not synced, and ignored where it is missing, torn or out of step. It repeats the schema, so old ones are thinned, to one in ten, or to
 * one in a hundred where the schema is wide: from there any version is reached by reading the few commits after it.
 *
 * What the protocol has no field for (rows, progress since the checkpoint, a digest of the text) stands under the one key `varve`.
 *
 * Another engine's checksum is believed where the one before it and the commit between say the same; its counts are not built on.
 */
import { ObjectNotFoundError } from '../errors/index.ts'
import { parseJson, stringifyJson } from '../schema/json.ts'
import { hashBytes } from '../storage/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { shapeProblem } from './action-shape.ts'
import type { DomainMetadata, Metadata, Protocol, Txn } from './actions.ts'
import { type Commit, commitInfoOf, isSameTransaction, parseActions, readCommitIfThere } from './commit.ts'
import { checksumKey } from './paths.ts'
import { advance, completed, type SinceCheckpoint, type TableState } from './state.ts'

/** Of small and of large checksums, those are kept whose version is a multiple of this. */
const kept = { small: 10, large: 100 }

/** From this many bytes on a checksum is a large one. */
const large = 8 << 10

/** Thinning comes once for so many versions, and leaves the last so many alone. */
const thinnedTogether = 100

interface ChecksumFile {
  readonly txnId?: string
  readonly tableSizeBytes: number
  readonly numFiles: number
  readonly numMetadata: number
  readonly numProtocol: number
  readonly inCommitTimestampOpt?: number
  readonly setTransactions?: readonly Txn[]
  readonly domainMetadata?: readonly DomainMetadata[]
  readonly metadata: Metadata
  readonly protocol: Protocol
  readonly varve?: { readonly sum: string; readonly rows?: number; readonly checkpoint?: SinceCheckpoint }
}

/** What a checksum of ours says of itself: the beginning of the SHA-256 of its text without this. A flipped bit is not believed. */
const sumStart = '"varve":{"sum":"'
const sumLength = 16

/** Writes the checksum of a state whose counts are known, and thins old ones. Failures are left to the caller to report. */
export async function writeChecksum(store: ObjectStore, state: TableState): Promise<void> {
  if (!state.counts) return
  const file: ChecksumFile = {
    ...(state.txnId === undefined ? {} : { txnId: state.txnId }),
    tableSizeBytes: state.counts.bytes,
    numFiles: state.counts.files,
    numMetadata: 1,
    numProtocol: 1,
    ...(state.inCommitTimestamp === undefined ? {} : { inCommitTimestampOpt: state.inCommitTimestamp }),
    setTransactions: [...state.txns.values()],
    domainMetadata: [...state.domains.values()],
    metadata: state.metadata,
    protocol: state.protocol,
    varve: {
      sum: '',
      ...(state.counts.rows === undefined ? {} : { rows: state.counts.rows }),
      ...(state.checkpoint ? { checkpoint: state.checkpoint } : {}),
    },
  }
  const text = stringifyJson(file)
  const at = text.lastIndexOf(sumStart) + sumStart.length
  const bytes = new TextEncoder().encode(text.slice(0, at) + sumOf(text) + text.slice(at))
  await store.putIfAbsent(checksumKey(state.version), bytes, { durable: false })
  if (state.version % thinnedTogether !== 0 || state.version < 2 * thinnedTogether) return
  const first = state.version - 2 * thinnedTogether + 1
  const versions = Array.from({ length: thinnedTogether - 1 }, (_, i) => first + i)
  const every = bytes.length < large ? kept.small : kept.large
  await store.delete(versions.filter((version) => version % every !== 0).map(checksumKey))
}

/** Reads the checksum nearest to a version, at it or below, among those that writing and thinning leave. */
export async function nearestChecksum(store: ObjectStore, version: number, signal?: AbortSignal): Promise<TableState | undefined> {
  const candidates = new Set([version, version - 1, version - (version % kept.small), version - (version % kept.large)])
  for (const candidate of candidates) {
    const found = candidate >= 0 ? await readChecksum(store, candidate, signal) : undefined
    if (!found) continue
    const commit = await readCommitIfThere(store, candidate, signal)
    // One that a commit since replaced left behind has another `txnId` than the commit that is there.
    if (commit && !isSameTransaction(commitInfoOf(commit).txnId, found.state.txnId)) continue
    if (found.ours) return found.state
    const state = commit && (await confirmed(store, found.state, commit, signal))
    if (state) return state
  }
  return undefined
}

/**
 * The state that another engine's checksum gives, where the one before it and the commit between say the same of it, to the byte. Of
 * its counts nothing is taken over: what we write must be exact.
 */
async function confirmed(store: ObjectStore, state: TableState, commit: Commit, signal?: AbortSignal): Promise<TableState | undefined> {
  const { version } = state
  const before = version > 0 ? (await readChecksum(store, version - 1, signal))?.state : undefined
  if (version > 0 && !before) return undefined
  let files = before?.counts?.files ?? 0
  let bytes = before?.counts?.bytes ?? 0
  for (const action of parseActions(commit)) {
    const file = 'add' in action ? action.add : 'remove' in action ? action.remove : undefined
    if (!file) continue
    if (file.size == null) return undefined
    files += 'add' in action ? 1 : -1
    bytes += 'add' in action ? file.size : -file.size
  }
  const { protocol, metadata } = advance(before, commit)
  const same = state.counts?.files === files && state.counts.bytes === bytes && isSameGround(state, { protocol, metadata })
  return same ? { ...state, counts: undefined } : undefined
}

type Ground = Pick<TableState, 'protocol' | 'metadata'>

function isSameGround(one: Ground, other: Ground): boolean {
  const text = ({ protocol, metadata }: Ground) =>
    stringifyJson([
      [
        protocol.minReaderVersion,
        protocol.minWriterVersion,
        [...(protocol.readerFeatures ?? [])].sort(),
        [...(protocol.writerFeatures ?? [])].sort(),
      ],
      [metadata.id, metadata.schemaString, metadata.partitionColumns, Object.entries(metadata.configuration).sort()],
    ])
  return text(one) === text(other)
}

function sumOf(text: string): string {
  return hashBytes(new TextEncoder().encode(text)).slice(0, sumLength)
}

/** Reads the checksum of a version; `undefined` where there is none that can be believed. */
async function readChecksum(
  store: ObjectStore,
  version: number,
  signal?: AbortSignal,
): Promise<{ state: TableState; ours: boolean } | undefined> {
  let bytes: Uint8Array
  try {
    ;({ bytes } = await store.get(checksumKey(version), { signal }))
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined
    throw error
  }
  const text = new TextDecoder().decode(bytes)
  try {
    const file = parseJson(text) as ChecksumFile
    const ours = file.varve != null
    if (ours && !fitsSum(text)) return undefined
    const state = stateOf(file, version)
    return state && { state, ours }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

function fitsSum(text: string): boolean {
  const at = text.lastIndexOf(sumStart) + sumStart.length
  return text.slice(at, at + sumLength) === sumOf(text.slice(0, at) + text.slice(at + sumLength))
}

/**
 * Lists of transactions and domains are optional fields: a checksum without them does not say that there are none, so only one that
 * has both can stand for a version.
 */
function stateOf(file: ChecksumFile, version: number): TableState | undefined {
  const complete =
    file.numMetadata === 1 &&
    file.numProtocol === 1 &&
    typeof file.metadata?.schemaString === 'string' &&
    file.protocol?.minReaderVersion >= 1
  if (!complete || !Array.isArray(file.setTransactions) || !Array.isArray(file.domainMetadata)) return undefined
  if (!isCount(file.numFiles) || !isCount(file.tableSizeBytes) || !isSound(file)) return undefined
  return {
    version,
    protocol: file.protocol,
    metadata: completed(file.metadata),
    txns: new Map(file.setTransactions.map((txn) => [txn.appId, txn])),
    domains: new Map(file.domainMetadata.filter((domain) => !domain.removed).map((domain) => [domain.domain, domain])),
    counts: { files: file.numFiles, bytes: file.tableSizeBytes, rows: file.varve?.rows },
    inCommitTimestamp: file.inCommitTimestampOpt ?? undefined,
    txnId: file.txnId,
    checkpoint: file.varve?.checkpoint,
  }
}

/** Whether all that a state is made from has the shape that it should have. */
function isSound({
  protocol,
  metadata,
  setTransactions = [],
  domainMetadata = [],
  inCommitTimestampOpt,
  txnId,
  varve,
}: ChecksumFile): boolean {
  const actions = [
    ['protocol', protocol],
    ['metaData', metadata],
    ...setTransactions.map((txn) => ['txn', txn] as const),
    ...domainMetadata.map((domain) => ['domainMetadata', domain] as const),
  ] as const
  const { rows, checkpoint } = varve ?? {}
  return (
    actions.every(([kind, action]) => shapeProblem(kind, action) === undefined) &&
    (inCommitTimestampOpt == null || isCount(inCommitTimestampOpt)) &&
    (txnId == null || typeof txnId === 'string') &&
    (rows === undefined || isCount(rows)) &&
    (checkpoint === undefined || (isCount(checkpoint.version + 1) && isCount(checkpoint.holds) && isCount(checkpoint.since)))
  )
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
