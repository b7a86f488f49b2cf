/**
 * What every verb that changes rows begins with: the newest version, what its properties ask of a writer, and the load's number.
 */
import { UnsupportedFeatureError, UsageError } from '../../errors/index.ts'
import {
  activeProperties,
  checkAlterable,
  type DeltaLog,
  features,
  hasChangeFeed,
  type Metadata,
  type TableState,
} from '../../log/index.ts'
import { nameOfStore, type QueryTarget, type SessionTable, sessionTableOf, targetOf } from '../../query/index.ts'
import { isOn } from '../../schema/switches.ts'
import { type Isolation, judge, type TransactionId } from '../../transaction/index.ts'
import { type CommitResult, transactionId, type WritingOptions } from '../written.ts'

/** The version that a verb works on, and how. */
export interface VerbGround {
  readonly log: DeltaLog
  readonly state: TableState
  readonly target: QueryTarget
  /** The metadata that holds after the verb, as far as it is known before rows are written. */
  readonly metadata: Metadata
  /** The table's name in expressions, and the table as subqueries see it. */
  readonly name: string
  readonly self: SessionTable
  readonly txn: TransactionId | undefined
  readonly isolation: Isolation
  /** Whether rows may be deleted by vectors. */
  readonly vectors: boolean
  /** Whether the version's changes must be told. */
  readonly changeFeed: boolean
  /** The columns that row ids and versions are kept in, where rows keep theirs when they move. */
  readonly rowTracking: { readonly rowId: string; readonly rowCommitVersion: string } | undefined
}

/** What of a verb the ground depends on. */
export interface VerbNeeds {
  /** Whether it takes rows away, which append-only tables do not allow. Default: `true`. */
  readonly removes?: boolean
}

/**
 * Looks at the newest version for a verb. @returns the result instead where the load had landed before
 * @throws UnsupportedFeatureError, naming what a writer would have to know; UsageError APPEND_ONLY; TransactionOrderError
 */
export async function beginVerb(
  log: DeltaLog,
  operation: string,
  options: WritingOptions,
  { removes = true }: VerbNeeds = {},
): Promise<{ readonly ground: VerbGround } | { readonly result: CommitResult }> {
  const { signal } = options
  const txn = transactionId(options)
  const state = await log.update(signal)
  const target = targetOf(log, state)
  checkAlterable(state.protocol, log.store.root)
  const { writer } = features(state.protocol)
  const { configuration } = state.metadata
  if (removes && writer.has('appendOnly') && isOn(configuration, 'delta.appendOnly')) throw appendOnly(log, operation)
  if (txn && (await judge(log, state, txn, signal)) === 'applied') return { result: unchanged(state, operation, true) }
  const name = nameOfStore(log.store)
  return {
    ground: {
      log,
      state,
      target,
      metadata: state.metadata,
      name,
      self: sessionTableOf(name, log, state),
      txn,
      isolation:
        options.isolation === 'serializable' || configuration['delta.isolationLevel'] === 'Serializable'
          ? 'Serializable'
          : 'WriteSerializable',
      vectors: writer.has('deletionVectors') && isOn(configuration, 'delta.enableDeletionVectors'),
      changeFeed: hasChangeFeed(state.protocol, state.metadata),
      rowTracking:
        writer.has('rowTracking') && isOn(configuration, 'delta.enableRowTracking')
          ? trackingColumns(log, activeProperties(state))
          : undefined,
    },
  }
}

/** The result of a verb that changed nothing. */
export function unchanged(
  state: TableState,
  operation: string,
  alreadyApplied: boolean,
  metrics: CommitResult['metrics'] = {},
): CommitResult {
  return { version: state.version, operation, alreadyApplied, metrics, warnings: [] }
}

function trackingColumns({ store }: DeltaLog, properties: Readonly<Record<string, string>>): VerbGround['rowTracking'] {
  const rowId = properties['delta.rowTracking.materializedRowIdColumnName']
  const rowCommitVersion = properties['delta.rowTracking.materializedRowCommitVersionColumnName']
  if (rowId !== undefined && rowCommitVersion !== undefined) return { rowId, rowCommitVersion }
  throw new UnsupportedFeatureError('UNSUPPORTED_FEATURE', `${store.root} tracks rows and names no columns to keep their ids in.`, {
    remedy: 'Switch delta.enableRowTracking off and on again with the engine that made the table.',
    data: { feature: 'rowTracking', root: store.root },
  })
}

function appendOnly({ store }: DeltaLog, operation: string): UsageError {
  return new UsageError('APPEND_ONLY', `${store.root} takes rows and gives none away (delta.appendOnly): ${operation} was refused.`, {
    remedy: "Unset the property 'delta.appendOnly' where rows may be changed after all.",
    data: { root: store.root, operation },
  })
}
