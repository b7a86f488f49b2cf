/**
 * Putting a prepared transaction into the log (§Creation of New Log Entries).
 *
 *   judge the transaction id ─ stage for the newest version ─ put-if-absent ─ committed
 *          ▲                                                      │
 *          └── rebase: read the winners, look for conflicts ◄─────┴─ taken by another writer
 *
 * The outcome is committed, already applied, or a conflict: values, not exceptions. Where the store cannot say whether a put landed,
 * the name is read: our bytes, another's, or nothing, and then the same bytes are put again under the same name. No other version is
 * tried while the outcome of the last is unknown.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { AbortedError, ObjectNotFoundError, UnknownOutcomeError, UsageError, type VarveError } from '../errors/index.ts'
import {
  type Action,
  chainId,
  commitKey,
  DeltaLog,
  gap,
  parseActions,
  readCommit,
  StateBuilder,
  type TableState,
  writeChecksum,
} from '../log/index.ts'
import { stringifyJson } from '../schema/json.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { toldBy } from './account.ts'
import { type Branch, branchOf } from './branch.ts'
import { type Conflict, judgeWinners } from './conflict.ts'
import { type StagedChanges, stageChanges } from './file-changes.ts'
import type { FileChanges, Prepared } from './prepared.ts'
import { type Attempt, commitTimestamp, stage } from './stage.ts'
import { judge, type TransactionId } from './transaction-id.ts'
import { Winners } from './winners.ts'

/** How a transaction ended. */
export type CommitOutcome =
  | {
      readonly outcome: 'committed'
      readonly state: TableState
      readonly warnings: readonly string[]
      readonly metrics: Prepared['metrics']
      /** The checksum on its way, where the store let it follow the commit at once. */
      readonly checksum: Promise<unknown> | undefined
    }
  | { readonly outcome: 'applied'; readonly state: TableState }
  | { readonly outcome: 'conflict'; readonly conflict: Conflict }

/** What a commit needs besides the transaction. */
export interface CommitOptions {
  readonly txn?: TransactionId | undefined
  /** Writes that must be on stable storage before the commit is seen: data files still on their way. */
  readonly after?: Promise<unknown> | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** A previous commit time this far ahead of our clock, in milliseconds, is warned about: it drags all later ones. */
const tolerableLead = 5 * 60_000

/** How often an unknown outcome is looked into before it is reported as unknown. */
const resolveTries = 8

/**
 * Commits on top of the log's newest version, rebasing over other writers' commits until it is there or cannot be. `read` is the state
 * that the transaction was prepared for; every commit since is looked at for a conflict. Vectors that no version came to name are removed.
 */
export async function commit(log: DeltaLog, read: TableState, prepared: Prepared, options: CommitOptions = {}): Promise<CommitOutcome> {
  const branch = branchOf(log)
  if (branch) checkInside(log, prepared, options)
  const changes = new ChangesInWork(log.store, options.signal)
  let named: StagedChanges | undefined | 'unknown'
  try {
    return await attempts(log, read, prepared, changes, options, branch, (staged) => {
      named = staged
      branch?.prepared.push(prepared)
    })
  } catch (error) {
    if (error instanceof UnknownOutcomeError) named = 'unknown'
    throw error
  } finally {
    await changes.discardAllBut(named)
  }
}

async function attempts(
  log: DeltaLog,
  read: TableState,
  prepared: Prepared,
  changesInWork: ChangesInWork,
  options: CommitOptions,
  branch: Branch | undefined,
  committed: (staged: StagedChanges | undefined) => void,
): Promise<CommitOutcome> {
  const { txn, signal } = options
  const clock = options.clock ?? Date.now
  const winners = new Winners(read.version)
  const told = await toldBy(log.store, prepared)
  let changes = prepared.changes
  let judged = read.version
  for (let unread = 0; ; ) {
    // Other calls move the handle on too: a version is built on only when its commit was looked at.
    while (log.latest.version > winners.last) {
      const before = winners.last
      await lookAt(log, winners, signal)
      if (winners.last > before) continue
      if (!isSameGround(read, log.latest, prepared)) throw gap(log.store, before + 1)
      winners.last = log.latest.version
    }
    const base = log.latest
    await log.confirm(signal)
    if (log.latest !== base) continue
    if (winners.last > judged) {
      const verdict = await judgeWinners(log, read, prepared, winners, signal)
      if ('code' in verdict) return { outcome: 'conflict', conflict: verdict }
      changes = verdict.changes
      judged = winners.last
      if (log.latest !== base) continue
    }
    const verdict = txn ? await judge(log, base, txn, signal) : 'new'
    if (verdict === 'applied') return { outcome: 'applied', state: base }
    const now = clock()
    const stagedChanges = changes && (await changesInWork.stage(changes, base.version, now))
    const attempt: Attempt = {
      base,
      parent: await log.idOf(base.version, signal),
      now,
      told,
      txn: recorded(base, txn, verdict),
      changes: stagedChanges?.actions,
      rowVersion: branch && branch.base.version + 1,
    }
    const metrics = changes && changes !== prepared.changes && prepared.measure ? prepared.measure(changes) : prepared.metrics
    const staged = stage({ ...prepared, metrics }, attempt)
    const version = base.version + 1
    const state = afterCommit(base, version, staged.actions)
    let checksum: Promise<unknown> | undefined
    // The checksum's name follows the commit's in the same folder, so no power cut leaves it there alone.
    const onStored = (): void => {
      if (branch) return
      checksum = writeChecksum(log.store, state)
      // `settle` reports a failure.
      checksum.catch(() => undefined)
    }
    const after = afterAll(options.after, stagedChanges?.vectors?.stored)
    if ((await putCommit(log.store, version, staged.bytes, { ...options, after, onStored })) === 'created') {
      committed(stagedChanges)
      log.advanceTo(state, chainId(attempt.parent, staged.bytes))
      return { outcome: 'committed', state, warnings: clockWarnings(base, attempt.now), metrics, checksum }
    }
    await lookAt(log, winners, signal)
    if (winners.last > base.version) continue
    // The name is taken, and nothing can be read under it: soon, perhaps; else the error says which name it is.
    unread += 1
    if (unread > resolveTries) await readCommit(log.store, version, signal)
    await sleep(10 * unread)
  }
}

/** Numbers of loads are judged against all that others commit, which a verb inside a transaction does not see; so are commit times. */
function checkInside({ store }: DeltaLog, { actions }: Prepared, { txn }: CommitOptions): void {
  const data = { root: store.root }
  if (txn !== undefined)
    throw new UsageError('INVALID_ARGUMENT', 'A verb inside a transaction has no transaction id of its own.', {
      remedy: 'Give txn to the transaction as a whole.',
      data,
    })
  if (typeof actions === 'function')
    throw new UsageError('INVALID_ARGUMENT', 'Commit times cannot be switched on inside a transaction.', {
      remedy: 'Switch them on before.',
      data,
    })
}

/** The changes to files of one transaction, staged once for all attempts between which nothing touches their files. */
class ChangesInWork {
  readonly #store: ObjectStore
  readonly #signal: AbortSignal | undefined
  readonly #all: StagedChanges[] = []
  #last: { readonly changes: FileChanges; readonly staged: StagedChanges } | undefined

  constructor(store: ObjectStore, signal: AbortSignal | undefined) {
    this.#store = store
    this.#signal = signal
  }

  async stage(changes: FileChanges, version: number, now: number): Promise<StagedChanges> {
    if (this.#last?.changes === changes) return this.#last.staged
    const staged = await stageChanges(this.#store, changes, version, now, this.#signal)
    this.#all.push(staged)
    this.#last = { changes, staged }
    return staged
  }

  /** What cannot be removed is left to vacuum; so is all where nobody knows what was committed. */
  async discardAllBut(named: StagedChanges | undefined | 'unknown'): Promise<void> {
    const others = this.#all.filter((staged) => named !== 'unknown' && staged !== named && staged.vectors?.key !== undefined)
    if (others.length === 0) return
    await Promise.allSettled(others.map(({ vectors }) => vectors!.stored))
    await this.#store.delete(others.map(({ vectors }) => vectors!.key!)).catch(() => undefined)
  }
}

function afterAll(...writes: readonly (Promise<unknown> | undefined)[]): Promise<unknown> | undefined {
  const all = writes.filter((write) => write !== undefined)
  if (all.length === 0) return undefined
  const together = Promise.all(all)
  together.catch(() => undefined)
  return together
}

/** Whether nothing that a blind append rests on differs, where the commits between were cleaned up. */
function isSameGround(read: TableState, latest: TableState, prepared: Prepared): boolean {
  const ground = ({ metadata, protocol }: TableState) => stringifyJson({ metadata, protocol })
  return prepared.isBlindAppend && ground(read) === ground(latest)
}

/** Reads what other writers committed since; the log has moved there then. */
async function lookAt(log: DeltaLog, winners: Winners, signal: AbortSignal | undefined): Promise<void> {
  for await (const winner of log.commitsAfter(winners.last, signal)) winners.take(winner.version, parseActions(winner))
}

/** Writes version 0. `exists` where another writer has it. */
export async function commitFirst(
  store: ObjectStore,
  prepared: Prepared,
  options: CommitOptions = {},
): Promise<{ readonly outcome: 'committed'; readonly log: DeltaLog } | { readonly outcome: 'exists' }> {
  const { txn } = options
  const told = await toldBy(store, prepared)
  const now = (options.clock ?? Date.now)()
  const attempt: Attempt = { base: undefined, parent: null, now, told, txn: recorded(undefined, txn, 'new') }
  const staged = stage(prepared, attempt)
  if ((await putCommit(store, 0, staged.bytes, options)) === 'exists') return { outcome: 'exists' }
  const log = DeltaLog.created(store, afterCommit(undefined, 0, staged.actions))
  log.advanceTo(log.latest, chainId(null, staged.bytes))
  return { outcome: 'committed', log }
}

/** The state after a commit of ours: from its actions, not from its text. */
function afterCommit(base: TableState | undefined, version: number, actions: readonly Action[]): TableState {
  const builder = new StateBuilder(base)
  for (const action of actions) builder.apply(action)
  return builder.build(version)
}

/** Puts a commit's body under its name and settles the outcome. */
async function putCommit(
  store: ObjectStore,
  version: number,
  bytes: Uint8Array,
  options: CommitOptions & { readonly onStored?: () => void },
): Promise<'created' | 'exists'> {
  const { signal, after, onStored } = options
  if (signal?.aborted) throw new AbortedError('The commit', signal.reason)
  const first = await store.putIfAbsent(commitKey(version), bytes, { signal, after, onStored })
  if (first.outcome !== 'unknown') return first.outcome
  // What the commit names comes first in any case: where that failed, no attempt has stored anything.
  await after
  for (let tries = 0; tries < resolveTries; tries += 1) {
    const found = await readCommitBytes(store, version)
    if (found !== undefined && found !== 'unreadable') return Buffer.compare(found, bytes) === 0 ? 'created' : 'exists'
    // Nothing there yet: the same bytes again. "Exists" may then be the first attempt, landed late, so only reading tells.
    // A refusal says nothing of the first attempt, which may land yet.
    const again = found === undefined ? await store.putIfAbsent(commitKey(version), bytes).catch(() => undefined) : undefined
    if (again?.outcome === 'created') return 'created'
    await sleep(Math.min(1000, 10 * 2 ** tries))
  }
  throw unknown(store, version, first.cause)
}

async function readCommitBytes(store: ObjectStore, version: number): Promise<Uint8Array | 'unreadable' | undefined> {
  try {
    return (await store.get(commitKey(version))).bytes
  } catch (error) {
    return error instanceof ObjectNotFoundError ? undefined : 'unreadable'
  }
}

/** The number that the protocol's action keeps: the highest of the application. */
function recorded(base: TableState | undefined, txn: TransactionId | undefined, verdict: 'new' | 'late'): Attempt['txn'] {
  if (!txn) return undefined
  const highest = verdict === 'late' ? base?.txns.get(txn.appId)?.version : undefined
  return { appId: txn.appId, version: txn.version, records: highest ?? txn.version }
}

function clockWarnings(base: TableState, now: number): string[] {
  const lead = commitTimestamp(base, now) - now
  if (lead <= tolerableLead) return []
  const minutes = Math.round(lead / 60_000)
  return [
    `Version ${base.version} was committed by a clock ${minutes} minutes ahead of this one; commit times never run backwards, so this version's is ahead too.`,
  ]
}

function unknown(store: ObjectStore, version: number, cause: unknown): VarveError {
  return new UnknownOutcomeError(
    'COMMIT_UNKNOWN',
    `Whether version ${version} of ${store.root} was committed cannot be found out: the store does not answer.`,
    {
      remedy: 'Look at the history once the store answers again; run the load again with its transaction id, which lands at most once.',
      data: { root: store.root, version },
      cause,
    },
  )
}
