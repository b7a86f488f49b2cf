/**
 * The body of a commit, one attempt at a time.
 *
 * What was prepared once (the data files and their actions) stays as it is; what depends on the version is staged for each attempt:
 * the commit's time, the parent's id, the version that was read. Every body has its own `txnId`, so that two bodies are never the same
 * bytes and an ambiguous answer can be settled by reading.
 */
import { v7 as uuidv7 } from 'uuid'
import { type Action, type CommitInfo, hasInCommitTimestamps, type Metadata, type Protocol, type TableState } from '../log/index.ts'
import { stringifyJson } from '../schema/json.ts'
import { changedBy, type Told } from './account.ts'
import type { Prepared } from './prepared.ts'
import { withRowIds } from './row-ids.ts'

/** What one attempt adds. */
export interface Attempt {
  /** The state that the attempt builds on; `undefined` for the first commit of a table. */
  readonly base: TableState | undefined
  /** The id of the base, `null` where no chain leads there. */
  readonly parent: string | null
  readonly now: number
  /** The version that new rows are said to come with. Default: that of the attempt. */
  readonly rowVersion?: number | undefined
  /** The actions of files that lose rows. Default: none. */
  readonly changes?: readonly Action[] | undefined
  /** Who made it and how, and what was read for it. Default: nothing is told. */
  readonly told?: Told | undefined
  /** The transaction number to record, and the load's own number where that is lower. */
  readonly txn?: { readonly appId: string; readonly version: number; readonly records: number | bigint } | undefined
}

const engineInfo = 'Varve/0.1.0'

/** The time of a commit: never earlier than the one before, whatever the clock says (§In-Commit Timestamps). */
export function commitTimestamp(base: TableState | undefined, now: number): number {
  return base?.inCommitTimestamp === undefined ? now : Math.max(now, base.inCommitTimestamp + 1)
}

/** The actions of an attempt: commitInfo first, as in-commit timestamps ask. */
export function stage(prepared: Prepared, attempt: Attempt): { bytes: Uint8Array; actions: readonly Action[] } {
  const { base, now, parent, txn, changes = [], told = {} } = attempt
  const timestamp = commitTimestamp(base, now)
  const version = base === undefined ? 0 : base.version + 1
  const own = typeof prepared.actions === 'function' ? prepared.actions({ version, timestamp }) : prepared.actions
  const [protocol, metadata] = groundOf(own, base)
  const { author, inputs, ...how } = told
  // Where other numbers stand beside it, or a higher one, the load's own is told apart.
  const apart = txn && (txn.records !== txn.version || prepared.restored?.resetTxn)
  const commitInfo: CommitInfo = {
    timestamp,
    ...(hasInCommitTimestamps(protocol, metadata) ? { inCommitTimestamp: timestamp } : {}),
    operation: prepared.operation,
    operationParameters: prepared.parameters,
    ...(base ? { readVersion: base.version } : {}),
    isolationLevel: prepared.isBlindAppend ? 'Serializable' : (prepared.isolation ?? 'WriteSerializable'),
    isBlindAppend: prepared.isBlindAppend,
    operationMetrics: Object.fromEntries(Object.entries(prepared.metrics).map(([name, value]) => [name, String(value)])),
    ...(prepared.message === undefined ? {} : { userMetadata: prepared.message }),
    engineInfo,
    txnId: uuidv7(),
    varve: {
      parent,
      ...(author === undefined ? {} : { author }),
      ...(prepared.source === undefined ? {} : { source: prepared.source }),
      ...(inputs === undefined ? {} : { inputs }),
      ...how,
      changed: changedBy(prepared, prepared.metrics, [...changes, ...own]),
      ...(prepared.addsAgain ? { addsAgain: true } : {}),
      ...(apart ? { txn: { appId: txn.appId, version: txn.version } } : {}),
      ...(prepared.restored ? { restored: prepared.restored } : {}),
      ...(prepared.tiers ? { tiers: prepared.tiers } : {}),
    },
  }
  const transaction: Action[] = txn ? [{ txn: { appId: txn.appId, version: txn.records, lastUpdated: now } }] : []
  const actions = [{ commitInfo }, ...transaction, ...withRowIds([...changes, ...own], protocol, base, attempt.rowVersion ?? version)]
  return { bytes: new TextEncoder().encode(actions.map((action) => `${stringifyJson(action)}\n`).join('')), actions }
}

/** The protocol and metadata that hold after the commit: its own, else the base's. */
function groundOf(actions: readonly Action[], base: TableState | undefined): [Protocol, Metadata] {
  let protocol = base?.protocol
  let metadata = base?.metadata
  for (const action of actions) {
    if ('protocol' in action) protocol = action.protocol
    if ('metaData' in action) metadata = action.metaData
  }
  return [protocol!, metadata!]
}
