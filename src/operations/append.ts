/**
 * Append rows: one atomic version, exactly once where the load has a transaction id.
 *
 * input -> source -> data files -> actions -> commit -> checksum, and a checkpoint when due
 */
import { type DataFile, type Input, openSource, rowRules, type Source, writeFiles } from '../data/index.ts'
import { UnknownOutcomeError } from '../errors/index.ts'
import { type Action, activeProperties, checkAlterable, type DeltaLog, schemaOf, type TableState } from '../log/index.ts'
import { commit, judge, type Prepared } from '../transaction/index.ts'
import { asItIs, withMetadata, withNewColumns } from './definition/write-ground.ts'
import { hashesInputs } from './provenance.ts'
import { settle } from './settle/settle.ts'
import { addActions, type CommitResult, conflictError, discard, transactionId, type WritingOptions, writeMetrics } from './written.ts'

/** Options of an append. */
export interface AppendOptions extends WritingOptions {
  /** Add columns that the table does not have, as nullable ones at its end. Default `false`: they are an error. */
  readonly mergeSchema?: boolean | undefined
  /**
   * `auto`: now and then, small files of the last commits are folded into one, in a commit of its own after the append's. Default: as the
   * table's properties `varve.autoCompact` or `delta.autoOptimize.autoCompact` say.
   */
  readonly compact?: 'auto' | undefined
}

const operation = 'WRITE'

/**
 * Appends all rows of an input.
 * @throws UsageError, SchemaError, ValueError, InputError, TableNotFoundError before anything is visible; ConflictError where the table's
 * schema or protocol changed meanwhile; TransactionOrderError; UnsupportedFeatureError; LogError; UnknownOutcomeError; storage errors.
 */
export async function append(log: DeltaLog, input: Input, options: AppendOptions = {}): Promise<CommitResult> {
  const { signal } = options
  const txn = transactionId(options)
  const state = await log.update(signal)
  const schema = schemaOf(state.metadata)
  checkAlterable(state.protocol, log.store.root)
  const ruled = rowRules(state, schema, activeProperties(state))
  if (txn && (await judge(log, state, txn, signal)) === 'applied') return alreadyApplied(state)
  const source = await openSource(input, {
    tableSchema: schema,
    mergeSchema: options.mergeSchema,
    filled: ruled?.filled,
    hashInputs: hashesInputs(options),
    signal,
  })
  try {
    const { target, metadata, actions } = options.mergeSchema ? withNewColumns(state, schema, source.schema) : asItIs(state, schema)
    const { partitionColumns } = metadata
    const unfinished: Promise<unknown>[] = []
    const properties = activeProperties({ protocol: state.protocol, metadata })
    const rules = target === schema ? ruled : rowRules({ protocol: state.protocol, metadata }, target, properties)
    const files = await writeFiles(source, {
      store: log.store,
      schema: target,
      partitionColumns,
      properties,
      rules,
      signal,
      unfinished,
    })
    const all = withMetadata(actions, rules?.after(metadata))
    return await commitFiles(log, state, files, { ...options, inputs: source.inputs, actions: all, unfinished })
  } finally {
    await source.close()
  }
}

/** Commits files that are written already as an append on top of `state`. They are removed again where it does not come to that. */
export async function commitFiles(
  log: DeltaLog,
  state: TableState,
  files: readonly DataFile[],
  options: AppendOptions & {
    readonly inputs: Source['inputs']
    readonly actions?: readonly Action[]
    /** Puts of the files that are still on their way. */
    readonly unfinished?: readonly Promise<unknown>[]
  },
): Promise<CommitResult> {
  const txn = transactionId(options)
  const metrics = writeMetrics(files)
  const actions = [...(options.actions ?? []), ...addActions(files)]
  if (actions.length === 0 && !txn) return { version: state.version, operation, alreadyApplied: false, metrics, warnings: [] }
  const prepared: Prepared = {
    operation,
    parameters: { mode: 'Append', partitionBy: JSON.stringify(state.metadata.partitionColumns) },
    metrics,
    actions,
    isBlindAppend: true,
    message: options.message,
    source: options.source,
    inputs: options.inputs,
    account: options.account,
  }
  const after = options.unfinished?.length ? Promise.all(options.unfinished) : undefined
  after?.catch(() => undefined)
  let done = false
  try {
    const outcome = await commit(log, state, prepared, { txn, signal: options.signal, after })
    if (outcome.outcome === 'conflict') throw conflictError(log.store.root, outcome.conflict)
    if (outcome.outcome === 'applied') return alreadyApplied(outcome.state)
    done = true
    const warnings = [...outcome.warnings, ...(await settle(log, outcome.state, outcome.checksum))]
    return { version: outcome.state.version, operation, alreadyApplied: false, metrics, warnings }
  } catch (error) {
    // A commit whose outcome is unknown may name these files.
    if (error instanceof UnknownOutcomeError) done = true
    throw error
  } finally {
    if (!done) {
      await Promise.allSettled(options.unfinished ?? [])
      await discard(log.store, files)
    }
  }
}

function alreadyApplied(state: TableState): CommitResult {
  return { version: state.version, operation, alreadyApplied: true, metrics: writeMetrics([]), warnings: [] }
}
