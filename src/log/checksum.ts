/**
 * Version checksums (§Version Checksum File): the state of a version in one small file beside its commit.
 *
 * Every commit of ours is followed by its checksum, made from the one before and the commit's own actions, never by a replay; where the
 * counts of the one before are not known, none is written. A checksum is derived data: written after the commit, never over another,
 * not synced, and ignored where it is missing, torn or out of step. It repeats the schema, so old ones are thinned, to one in ten, or to
 * one in a hundred where the schema is wide: from there any version is reached by reading the few commits after it.
 *
 * What the protocol has no field for (rows, progress since the checkpoint) stands under the one key `varve`.
 */
import { ObjectNotFoundError } from '../errors/index.ts'
import { parseJson, stringifyJson } from '../schema/json.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { shapeProblem } from './action-shape.ts'
import type { DomainMetadata, Metadata, Protocol, Txn } from './actions.ts'
import { commitInfoOf, isSameTransaction, readCommitIfThere } from './commit.ts'
import { checksumKey } from './paths.ts'
import { completed, type SinceCheckpoint, type TableState } from './state.ts'

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
  readonly varve?: { readonly rows?: number; readonly checkpoint?: SinceCheckpoint }
}

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
      ...(state.counts.rows === undefined ? {} : { rows: state.counts.rows }),
      ...(state.checkpoint ? { checkpoint: state.checkpoint } : {}),
    },
  }
  const bytes = new TextEncoder().encode(stringifyJson(file))
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
    const state = candidate >= 0 ? await readChecksum(store, candidate, signal) : undefined
    if (state && (await isInStep(store, state, signal))) return state
  }
  return undefined
}

/** A checksum that a commit since replaced left behind has another `txnId` than the commit that is there. */
async function isInStep(store: ObjectStore, state: TableState, signal?: AbortSignal): Promise<boolean> {
  const commit = await readCommitIfThere(store, state.version, signal)
  return !commit || isSameTransaction(commitInfoOf(commit).txnId, state.txnId)
}

/** Reads the checksum of a version; `undefined` where there is none that can be believed. */
async function readChecksum(store: ObjectStore, version: number, signal?: AbortSignal): Promise<TableState | undefined> {
  let bytes: Uint8Array
  try {
    ;({ bytes } = await store.get(checksumKey(version), { signal }))
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined
    throw error
  }
  try {
    return stateOf(parseJson(new TextDecoder().decode(bytes)) as ChecksumFile, version)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
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
