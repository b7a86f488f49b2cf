/**
 * What is known of a version without its files: protocol, metadata, transactions, domains and counts.
 *
 * A state is immutable. It comes from a version checksum, or from the small actions of a checkpoint, and moves forward one commit at a
 * time (§Action Reconciliation): the newest protocol, metadata, transaction of an application and domain win. Counts move by the
 * commit's own adds and removes, and are forgotten as soon as an action does not say what it changes: a count is exact or absent.
 */
import { LogError } from '../errors/index.ts'
import { parseJson } from '../schema/json.ts'
import type { Action, Add, DomainMetadata, Metadata, Protocol, Remove, Txn } from './actions.ts'
import { type Commit, parseActions } from './commit.ts'

/** Exact totals of a version. */
export interface Counts {
  /** Logical files. */
  readonly files: number
  /** Their bytes. */
  readonly bytes: number
  /** Rows, deleted ones not counted; `undefined` where a file's statistics do not say. */
  readonly rows: number | undefined
}

/** How far the log has come since its last checkpoint; decides when the next is due. */
export interface SinceCheckpoint {
  /** The version of the checkpoint, -1 where there is none. */
  readonly version: number
  /** The name of its file, where it is not the classic one. */
  readonly path?: string
  /** File actions that it holds. */
  readonly holds: number
  /** File actions committed since. */
  readonly since: number
}

/** A version, without its files. */
export interface TableState {
  readonly version: number
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly txns: ReadonlyMap<string, Txn>
  readonly domains: ReadonlyMap<string, DomainMetadata>
  readonly counts: Counts | undefined
  /** The commit's own time in milliseconds, where the table's commits carry one. */
  readonly inCommitTimestamp: number | undefined
  /** The `txnId` of the commit: tells whether a checksum belongs to it. */
  readonly txnId: string | undefined
  readonly checkpoint: SinceCheckpoint | undefined
}

/** A state under construction: what the actions of one or more versions have said so far. */
export class StateBuilder {
  readonly #txns: Map<string, Txn>
  readonly #domains: Map<string, DomainMetadata>
  #protocol: Protocol | undefined
  #metadata: Metadata | undefined
  #counts: Counts | undefined
  #inCommitTimestamp: number | undefined
  #txnId: string | undefined
  #ours = false
  #addsAgain = false
  #since: number
  readonly #checkpoint: SinceCheckpoint | undefined

  /** Starts from a state, or from an empty table: nothing is there and everything is known. */
  constructor(base?: TableState) {
    this.#txns = new Map(base?.txns)
    this.#domains = new Map(base?.domains)
    this.#protocol = base?.protocol
    this.#metadata = base?.metadata
    this.#counts = base ? base.counts : { files: 0, bytes: 0, rows: 0 }
    this.#checkpoint = base ? base.checkpoint : { version: -1, holds: 0, since: 0 }
    this.#since = this.#checkpoint?.since ?? 0
  }

  /** Takes one action in. */
  apply(action: Action): void {
    if ('add' in action) this.#file(action.add, 1)
    else if ('remove' in action) this.#file(action.remove, -1)
    else if ('protocol' in action) this.#protocol = action.protocol
    else if ('metaData' in action) this.#metadata = completed(action.metaData)
    else if ('txn' in action) this.#txns.set(action.txn.appId, action.txn)
    else if ('domainMetadata' in action) {
      if (action.domainMetadata.removed) this.#domains.delete(action.domainMetadata.domain)
      else this.#domains.set(action.domainMetadata.domain, action.domainMetadata)
    } else if ('commitInfo' in action) {
      this.#inCommitTimestamp = action.commitInfo.inCommitTimestamp
      this.#txnId = action.commitInfo.txnId
      this.#ours = action.commitInfo.varve !== undefined
      this.#addsAgain = action.commitInfo.varve?.addsAgain === true
    }
  }

  /**
   * Takes a whole commit in. Only our own commits move the counts: another engine may add a file that is there already, to change its
   * statistics, and a count would then be one too many.
   */
  applyCommit(commit: Pick<Commit, 'version' | 'bytes'>): void {
    this.#inCommitTimestamp = undefined
    this.#txnId = undefined
    this.#ours = false
    this.#addsAgain = false
    for (const action of parseActions(commit)) this.apply(action)
    if (!this.#ours) this.#counts = undefined
  }

  /** Takes in what a compaction says, and how many files it speaks of. It has no account of its own, and its files are not counted. */
  applyCompaction(actions: Iterable<Action>, files: number): void {
    for (const action of actions) this.apply(action)
    this.#inCommitTimestamp = undefined
    this.#txnId = undefined
    this.#counts = undefined
    this.#since += files
  }

  /** The state of `version`. @throws LogError LOG_INCOMPLETE where no protocol or metadata has been seen. */
  build(version: number): TableState {
    const [protocol, metadata] = [this.#protocol, this.#metadata]
    if (!protocol || !metadata) {
      const missing = protocol ? 'metadata' : 'protocol'
      throw new LogError('LOG_INCOMPLETE', `The log has no ${missing} action at or before version ${version}.`, {
        remedy: 'The table was never fully created, or a checkpoint of it is damaged; restore the log from a backup.',
        data: { version, missing },
      })
    }
    return {
      version,
      protocol,
      metadata,
      txns: this.#txns,
      domains: this.#domains,
      counts: this.#counts,
      inCommitTimestamp: this.#inCommitTimestamp,
      txnId: this.#txnId,
      checkpoint: this.#checkpoint && { ...this.#checkpoint, since: this.#since },
    }
  }

  #file(file: Add | Remove, sign: 1 | -1): void {
    this.#since += 1
    const counts = this.#counts
    if (!counts || this.#addsAgain) return
    const rows = liveRows(file)
    this.#counts =
      file.size == null
        ? undefined
        : {
            files: counts.files + sign,
            bytes: counts.bytes + sign * file.size,
            rows: counts.rows === undefined || rows === undefined ? undefined : counts.rows + sign * rows,
          }
  }
}

/** Metadata whose lists a writer left out: there is nothing in them. */
export function completed(metadata: Metadata): Metadata {
  return { ...metadata, partitionColumns: metadata.partitionColumns ?? [], configuration: metadata.configuration ?? {} }
}

/** The state after one more commit; without a state, after a table's first. */
export function advance(state: TableState | undefined, commit: Pick<Commit, 'version' | 'bytes'>): TableState {
  const builder = new StateBuilder(state)
  builder.applyCommit(commit)
  return builder.build(commit.version)
}

/** Rows of a file that are not deleted (§Per-file Statistics: numRecords is physical), `undefined` where the statistics do not say. */
function liveRows(file: Add | Remove): number | undefined {
  if (!file.stats) return undefined
  let stats: unknown
  try {
    stats = parseJson(file.stats)
  } catch {
    return undefined
  }
  const records = (stats as { numRecords?: unknown } | null)?.numRecords
  return typeof records === 'number' ? records - Number(file.deletionVector?.cardinality ?? 0) : undefined
}
