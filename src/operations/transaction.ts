/**
 * Several verbs as one version, or none.
 *
 *   a branch of the log ─ each verb commits there ─ what they come to together (`squash.ts`) ─ one commit to the table
 *
 * Files that were written inside and are not of the one commit are removed, all of them where it does not come to it. Where the change feed is
 * on and some verb had to tell its changes itself, one set of change files tells those of all.
 */
import type { RecordBatch } from 'apache-arrow'
import { type DataFile, openSource, writeFiles } from '../data/index.ts'
import { SchemaError, UnknownOutcomeError, UnsupportedFeatureError, UsageError } from '../errors/index.ts'
import { activeProperties, checkAlterable, type DeltaLog, hasChangeFeed, schemaOf } from '../log/index.ts'
import { ChangeFeed, openFeed } from '../query/index.ts'
import { type Branch, branchOf, commit, judge, openBranch, type Prepared, squash } from '../transaction/index.ts'
import { unchanged } from './rows/verb.ts'
import { changeActions, changeTypeField } from './rows/write-rows.ts'
import { settle } from './settle/settle.ts'
import { type CommitResult, conflictError, transactionId, type WritingOptions } from './written.ts'

const operation = 'TRANSACTION'

/**
 * Runs `work` on a branch of the log and commits what it did as one version. Where it did nothing and there is no transaction id to record, no
 * version is made; where the load had landed before, `work` is not called.
 * @throws what `work` throws, with nothing committed; ConflictError; UsageError NESTED_TRANSACTION; what the verbs throw
 */
export async function transact(
  log: DeltaLog,
  work: (branch: DeltaLog) => Promise<unknown>,
  options: WritingOptions = {},
): Promise<CommitResult> {
  const { signal } = options
  if (branchOf(log)) throw nested(log)
  const txn = transactionId(options)
  const state = await log.update(signal)
  checkAlterable(state.protocol, log.store.root)
  if (txn && (await judge(log, state, txn, signal)) === 'applied') return unchanged(state, operation, true)
  const branch = openBranch(log, state)
  const changeFiles: DataFile[] = []
  let named: ReadonlySet<string> = new Set()
  let unknown = false
  try {
    await work(branch.log)
    branch.store.close()
    if (branch.prepared.length === 0 && !txn) return unchanged(state, operation, false)
    const squashed = await squash(log, branch, signal)
    if (squashed.actions.length === 0 && squashed.changes === undefined && !txn) return unchanged(state, operation, false)
    if (squashed.cdc.length > 0) changeFiles.push(...(await writeChangesOf(log, branch, signal)))
    const account = accountOf(branch.prepared)
    const prepared: Prepared = {
      ...account,
      ...squashed,
      actions: [...squashed.actions, ...changeActions(changeFiles)],
      isolation: options.isolation === 'serializable' ? 'Serializable' : account.isolation,
      message: options.message,
      source: options.source,
      account: options.account,
    }
    const outcome = await commit(log, state, prepared, { txn, signal })
    if (outcome.outcome === 'conflict') throw conflictError(log.store.root, outcome.conflict)
    if (outcome.outcome === 'applied') return unchanged(outcome.state, operation, true)
    named = new Set([...squashed.named, ...changeFiles.map(({ path }) => path)])
    const warnings = [...outcome.warnings, ...(await settle(log, outcome.state, outcome.checksum))]
    return { version: outcome.state.version, operation: prepared.operation, alreadyApplied: false, metrics: prepared.metrics, warnings }
  } catch (error) {
    // A commit whose outcome is unknown may name these files.
    if (error instanceof UnknownOutcomeError) unknown = true
    throw error
  } finally {
    branch.store.close()
    const left = [...branch.store.written, ...changeFiles.map(({ path }) => path)].filter((key) => !named.has(key))
    if (!unknown && left.length > 0) await log.store.delete(left).catch(() => undefined)
  }
}

/** What history says: the one verb, or all of them. */
function accountOf(verbs: readonly Prepared[]): Pick<Prepared, 'operation' | 'parameters' | 'metrics' | 'inputs' | 'isolation'> {
  const isolation = verbs.some((verb) => verb.isolation === 'Serializable') ? 'Serializable' : 'WriteSerializable'
  const inputs = async () => (await Promise.all(verbs.map((verb) => verb.inputs?.() ?? []))).flat()
  const [first] = verbs
  if (first !== undefined && verbs.length === 1) {
    const { operation: name, parameters, metrics } = first
    return { operation: name, parameters, metrics, inputs, isolation }
  }
  const metrics: Record<string, number> = {}
  for (const verb of verbs) for (const [name, value] of Object.entries(verb.metrics)) metrics[name] = (metrics[name] ?? 0) + value
  return { operation, parameters: { operations: JSON.stringify(verbs.map((verb) => verb.operation)) }, metrics, inputs, isolation }
}

/** Writes what the versions of a branch tell as changed into change files. Across columns that are others nobody could tell it. */
async function writeChangesOf(log: DeltaLog, { base, log: own }: Branch, signal: AbortSignal | undefined): Promise<DataFile[]> {
  const { latest } = own
  if (!hasChangeFeed(latest.protocol, latest.metadata) || !hasChangeFeed(base.protocol, base.metadata)) return []
  const range = { from: base.version + 1, to: latest.version }
  const feed = new ChangeFeed({ open: (ended) => openFeed(own, range, {}, ended) }, signal)
  try {
    const names = [...schemaOf(latest.metadata).fields.map(({ name }) => name), changeTypeField.name]
    const source = await openSource(selected(feed, names), { signal })
    try {
      return await writeFiles(source, {
        store: log.store,
        schema: schemaOf(latest.metadata),
        partitionColumns: latest.metadata.partitionColumns,
        properties: activeProperties(latest),
        hidden: [changeTypeField],
        purpose: 'changes',
        signal,
      })
    } finally {
      await source.close()
    }
  } catch (error) {
    if (error instanceof SchemaError && error.code === 'SCHEMA_CHANGED') return []
    if (error instanceof UnsupportedFeatureError && error.code === 'CHANGE_FEED_OFF') return []
    throw error
  }
}

async function* selected(feed: ChangeFeed, names: readonly string[]): AsyncGenerator<RecordBatch> {
  for await (const batch of feed) yield batch.select([...names] as never) as RecordBatch
}

function nested({ store }: DeltaLog): UsageError {
  return new UsageError('NESTED_TRANSACTION', `${store.root} is in a transaction already.`, {
    remedy: 'Call the verbs of the outer transaction.',
    data: { root: store.root },
  })
}
