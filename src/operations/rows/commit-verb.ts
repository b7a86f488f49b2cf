/** The end of a verb that changes rows: one commit, or everything that was written is taken back. */
import { UnknownOutcomeError } from '../../errors/index.ts'
import type { Action } from '../../log/index.ts'
import { commit, type Prepared } from '../../transaction/index.ts'
import { withMetadata } from '../definition/write-ground.ts'
import { settle } from '../settle/settle.ts'
import { addActions, type CommitResult, conflictError, discard, type WritingOptions } from '../written.ts'
import { unchanged, type VerbGround } from './verb.ts'
import { changeActions, type Written } from './write-rows.ts'

/** A verb that is ready: what it does to files, and what history says of it. */
export interface PreparedVerb
  extends Pick<
    Prepared,
    'operation' | 'parameters' | 'metrics' | 'measure' | 'changes' | 'reads' | 'alone' | 'isBlindAppend' | 'inputs' | 'restored' | 'tiers'
  > {
  /** Actions beside those of files written: metadata and protocol. */
  readonly actions?: readonly Action[] | undefined
  /** `false`: the rows of the files written are not new. Default: `true`. */
  readonly dataChange?: boolean | undefined
  /** Tags of every file written, beside its hash. Default: none. */
  readonly tags?: Readonly<Record<string, string>> | undefined
}

/** Commits a verb. `written` is handed over: its lists are empty afterwards, so that nobody takes back what a version may name. @throws ConflictError, UnknownOutcomeError, TransactionOrderError, storage errors */
export async function commitVerb(ground: VerbGround, verb: PreparedVerb, written: Written, options: WritingOptions): Promise<CommitResult> {
  const { log, state, txn, isolation } = ground
  const { operation, dataChange = true } = verb
  const prepared: Prepared = {
    ...verb,
    isolation,
    actions: [
      ...withMetadata(verb.actions ?? [], written.metadata),
      ...addActions(written.files, dataChange, verb.tags),
      ...changeActions(written.changeFiles),
    ],
    message: options.message,
    source: options.source,
    account: options.account,
  }
  let kept = false
  try {
    const outcome = await commit(log, state, prepared, { txn, signal: options.signal })
    if (outcome.outcome === 'conflict') throw conflictError(log.store.root, outcome.conflict)
    if (outcome.outcome === 'applied') return unchanged(outcome.state, operation, true)
    kept = true
    const warnings = [...outcome.warnings, ...(await settle(log, outcome.state, outcome.checksum))]
    return { version: outcome.state.version, operation, alreadyApplied: false, metrics: outcome.metrics, warnings }
  } catch (error) {
    // A commit whose outcome is unknown may name these files.
    if (error instanceof UnknownOutcomeError) kept = true
    throw error
  } finally {
    const handedOver = { files: written.files.splice(0), changeFiles: written.changeFiles.splice(0) }
    if (!kept) await takeBack(ground, handedOver)
  }
}

/** Removes what a verb wrote. */
export async function takeBack({ log }: VerbGround, { files, changeFiles }: Written): Promise<void> {
  await discard(log.store, [...files, ...changeFiles])
}
