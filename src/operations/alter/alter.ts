/**
 * Alter: changes of a table's columns, rules and properties, all of a call as one atomic version.
 *
 * table -> draft -> one change after the other -> rows that are there are checked -> protocol and metadata -> commit
 *
 * No data file is touched. Every older version has the schema, properties and protocol that it had. Changes that change nothing make no
 * version, unless there is a transaction number to record.
 */
import { UsageError } from '../../errors/index.ts'
import { type Action, checkAlterable, commitKey, type DeltaLog, hasInCommitTimestamps, type TableState } from '../../log/index.ts'
import { checkSchema } from '../../schema/schema-json.ts'
import { commit, judge, type Landing, type Prepared } from '../../transaction/index.ts'
import { readerFeatures } from '../definition/features.ts'
import { checkFeedColumns } from '../definition/properties.ts'
import { settle } from '../settle/settle.ts'
import { type CommitResult, conflictError, transactionId, type WritingOptions } from '../written.ts'
import { backfill } from './backfill.ts'
import type { Asked, TableChange } from './change.ts'
import { addColumn, commentColumn, dropColumn, moveColumn, notNullColumn, nullableColumn, renameColumn, widenColumn } from './columns.ts'
import { addedFeatures, beginsTracking, type Draft, draftOf, metadataOf, protocolOf, type Step } from './draft.ts'
import { checkRows, type LookAtRows, rowsOf } from './row-checks.ts'
import { addConstraint, defaultColumn, dropConstraint, generatedColumn, identityColumn } from './rules.ts'
import { propertyWarnings, setProperties, unsetProperties } from './table-properties.ts'

/** What an alter did. */
export interface AlterResult extends CommitResult {
  /** What was changed, in words; empty where the table was so already, and no version was made. */
  readonly changes: readonly string[]
  /** Table features that the changes brought (§Table Features): engines that lack one can no longer read or write the table. */
  readonly features: readonly string[]
}

/** How often rows that came meanwhile are checked anew before it is given up. */
const tries = 8

/**
 * Alters a table.
 * @throws UsageError, SchemaError, UnsupportedFeatureError with nothing written; SchemaError NOT_NULL_VIOLATED and ValueError where
 * rows that are there are against a new rule; ConflictError where schema, properties or protocol changed meanwhile; TransactionOrderError; UnknownOutcomeError; LogError;
 * storage errors.
 */
export async function alter(
  log: DeltaLog,
  changes: TableChange | readonly TableChange[],
  options: WritingOptions = {},
): Promise<AlterResult> {
  const { signal } = options
  const txn = transactionId(options)
  const asked = (Array.isArray(changes) ? changes : [changes]) as readonly TableChange[]
  const kinds = asked.map(kindOf)
  for (let attempt = 1; ; attempt += 1) {
    const state = await log.update(signal)
    if (txn && (await judge(log, state, txn, signal)) === 'applied') return result(state, 'ALTER TABLE', { alreadyApplied: true })
    checkAlterable(state.protocol, log.store.root)
    const look = rowsOf(log, state, signal)
    const { draft, steps } = await draftFor(state, asked, kinds, look)
    const { operation, parameters } = accountOf(steps)
    const actions = actionsOf(draft)
    if (actions.length === 0 && !txn) return result(state, operation)
    await checkRows(look, draft.checks)
    const dated = enablesCommitTimes(draft)
    const again = beginsTracking(draft) ? await backfill(log, state, signal) : []
    const prepared: Prepared = {
      operation,
      parameters,
      metrics: {},
      actions: dated ? (landing) => [...actionsOf(datedFrom(draft, landing)), ...again] : [...actions, ...again],
      // A file that another one takes away meanwhile must not come back.
      alone: again.length > 0,
      addsAgain: again.length > 0,
      // Rows that come meanwhile are to be checked too, and a first time of a commit's own has to be later than they are.
      reads: draft.checks.length > 0 || draft.readsRows || dated ? { rows: 'all', deletesMatter: false } : undefined,
      isBlindAppend: false,
      isolation: 'Serializable',
      message: options.message,
      source: options.source,
      account: options.account,
    }
    const outcome = await commit(log, state, prepared, { txn, signal, clock: dated ? await clockAfter(log, state, signal) : undefined })
    if (outcome.outcome === 'applied') return result(outcome.state, 'ALTER TABLE', { alreadyApplied: true })
    if (outcome.outcome === 'conflict') {
      if (outcome.conflict.code === 'CONCURRENT_APPEND' && attempt < tries) continue
      throw conflictError(log.store.root, outcome.conflict)
    }
    const warnings = [...outcome.warnings, ...(await settle(log, outcome.state, outcome.checksum))]
    const features = addedFeatures(draft)
    return result(outcome.state, operation, {
      changes: steps.map(({ words }) => words),
      features,
      warnings: [...features.map(featureWarning), ...propertyWarnings(draft), ...warnings],
    })
  }
}

/** The table with all changes, and those of them that changed something. @throws SchemaError, UsageError */
async function draftFor(
  state: TableState,
  asked: readonly TableChange[],
  kinds: readonly Kind[],
  look: LookAtRows,
): Promise<{ draft: Draft; steps: readonly Step[] }> {
  let draft = draftOf(state)
  const steps: Step[] = []
  for (const [index, change] of asked.entries()) {
    const kind = kinds[index]!
    const apply = appliers[kind] as (draft: Draft, value: unknown, look: LookAtRows) => Step | Promise<Step>
    const step = await apply(draft, (change as Readonly<Record<string, unknown>>)[kind], look)
    if (step.draft !== draft) steps.push(step)
    draft = step.draft
  }
  if (steps.length > 0) {
    checkSchema(draft.schema, draft.partitionColumns)
    checkFeedColumns(draft.schema, draft.configuration)
  }
  return { draft, steps }
}

type Kind = TableChange extends infer Change ? (Change extends unknown ? keyof Change : never) : never

const appliers: { readonly [K in Kind]: (draft: Draft, value: Asked<K>, look: LookAtRows) => Step | Promise<Step> } = {
  add: addColumn,
  rename: renameColumn,
  drop: dropColumn,
  widen: widenColumn,
  nullable: nullableColumn,
  notNull: notNullColumn,
  comment: commentColumn,
  move: moveColumn,
  addConstraint,
  dropConstraint,
  default: defaultColumn,
  generated: generatedColumn,
  identity: identityColumn,
  set: setProperties,
  unset: unsetProperties,
}

function kindOf(change: TableChange): Kind {
  const [kind, ...more] = Object.keys(typeof change === 'object' && change !== null ? change : {})
  if (kind !== undefined && more.length === 0 && Object.hasOwn(appliers, kind)) return kind as Kind
  throw new UsageError('INVALID_ARGUMENT', `${JSON.stringify(change)} is no change of a table.`, {
    remedy: `Give objects with one key, one of: ${Object.keys(appliers).join(', ')}.`,
  })
}

function actionsOf(draft: Draft): Action[] {
  const { state } = draft
  const [protocol, metadata] = [protocolOf(draft), metadataOf(draft)]
  return [...(protocol === state.protocol ? [] : [{ protocol }]), ...(metadata === state.metadata ? [] : [{ metaData: metadata }])]
}

/** Whether the commit is the first that carries its own time, on a table whose earlier commits do not. */
function enablesCommitTimes(draft: Draft): boolean {
  const { protocol, metadata } = draft.state
  return hasInCommitTimestamps(protocolOf(draft), metadataOf(draft)) && !hasInCommitTimestamps(protocol, metadata)
}

/** The draft that says since when commits carry their own time (§In-Commit Timestamps). */
function datedFrom(draft: Draft, { version, timestamp }: Landing): Draft {
  const since = {
    'delta.inCommitTimestampEnablementVersion': String(version),
    'delta.inCommitTimestampEnablementTimestamp': String(timestamp),
  }
  return { ...draft, configuration: { ...draft.configuration, ...since } }
}

/** A clock that is past the time of a version's file, which whatever keeps the files may have from another clock. */
async function clockAfter(log: DeltaLog, { version }: TableState, signal: AbortSignal | undefined): Promise<() => number> {
  const file = await log.store.head(commitKey(version), { signal })
  return () => Math.max(Date.now(), Math.floor(file?.modified.getTime() ?? 0) + 1)
}

/** What history says: the one change, or all of them. */
function accountOf(steps: readonly Step[]): Pick<Prepared, 'operation' | 'parameters'> {
  const [first, ...more] = steps
  if (first !== undefined && more.length === 0) return first
  const changes = steps.map(({ operation, parameters }) => ({ operation, ...parameters }))
  const same = first !== undefined && more.every(({ operation }) => operation === first.operation)
  return { operation: same ? first.operation : 'ALTER TABLE', parameters: { changes: JSON.stringify(changes) } }
}

function featureWarning(feature: string): string {
  const what = readerFeatures.has(feature) ? 'read or write it' : 'write to it'
  return `The table has the feature ${feature} from this version on: engines that do not know it can no longer ${what}.`
}

function result(state: TableState, operation: string, more: Partial<AlterResult> = {}): AlterResult {
  return { version: state.version, operation, alreadyApplied: false, metrics: {}, warnings: [], changes: [], features: [], ...more }
}
