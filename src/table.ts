/**
 * The handle on a table that a user holds. It wires the layers: the store under the log, the verbs over both.
 *
 * A handle knows the newest version that it has seen and reads only what is new; it may be used by many calls at once, and any number of
 * handles and processes may use one table.
 */

import { type ChangesOptions, changesOfTable } from './changes.ts'
import type { Input } from './data/index.ts'
import { type CloneOptions, cloneVersion } from './dataset/clone/clone.ts'
import { unclone } from './dataset/clone/origins.ts'
import type { Pin } from './dataset/pins/pin-file.ts'
import { isPinPath } from './dataset/pins/pin-place.ts'
import { type PinOptions, type PinResult, pinVersion } from './dataset/pins/pin-version.ts'
import { type PinnedOptions, pinnedState } from './dataset/pins/pinned-state.ts'
import { type UnpinResult, unpin } from './dataset/pins/unpin.ts'
import { withAccount } from './dataset/provenance/account.ts'
import { type HistoryEntry, type HistoryOptions, historyOf } from './dataset/provenance/history.ts'
import { type Lineage, type LineageOptions, lineageOf } from './dataset/provenance/lineage.ts'
import { type PullResult, pull } from './dataset/remotes/pull.ts'
import { type PullPinOptions, pullPin } from './dataset/remotes/pull-pin.ts'
import { type PushOptions, type PushResult, push } from './dataset/remotes/push.ts'
import { findRemote, originOf, Remotes } from './dataset/remotes/remotes.ts'
import { type EraseOptions, type EraseResult, erase } from './dataset/retention/erase.ts'
import { type RetainOptions, type RetainResult, retain } from './dataset/retention/retain.ts'
import { Runs } from './dataset/runs/runs.ts'
import { tableStore } from './dataset/table-store.ts'
import { type TagOptions, tagVersion, type UntagOptions, untag } from './dataset/tag.ts'
import { type VerifyOptions, type VerifyResult, verifyVersion } from './dataset/verify/verify.ts'
import { UsageError } from './errors/index.ts'
import { DeltaLog, noTable } from './log/index.ts'
import { type AlterResult, alter } from './operations/alter/alter.ts'
import type { TableChange } from './operations/alter/change.ts'
import { type AppendOptions, append } from './operations/append.ts'
import { type CheckpointResult, checkpoint } from './operations/checkpoint.ts'
import { type CreateOptions, create, createOrAppend, type NewTableOptions } from './operations/create.ts'
import { afterAppend } from './operations/optimize/after-append.ts'
import { type OptimizeOptions, optimize } from './operations/optimize/optimize.ts'
import { type RestoreOptions, type RestoreResult, restore } from './operations/restore/restore.ts'
import { type DeleteOptions, deleteRows } from './operations/rows/delete.ts'
import { type MergeOptions, mergeRows } from './operations/rows/merge.ts'
import type { MergeInput } from './operations/rows/merge-source.ts'
import { type OverwriteOptions, overwrite } from './operations/rows/overwrite.ts'
import { type UpdateOptions, updateRows } from './operations/rows/update.ts'
import { type UpsertOptions, upsertClauses } from './operations/rows/upsert.ts'
import { transact } from './operations/transaction.ts'
import { type VacuumOptions, type VacuumResult, vacuum } from './operations/vacuum/vacuum.ts'
import type { CommitResult, WritingOptions } from './operations/written.ts'
import { type AsOf, stateAsOf } from './query/as-of.ts'
import { type ChangeFeed, type DiffOptions, diff, type LedgerOptions, ledger, type QueryResult } from './query/index.ts'
import { listTags, type Tag } from './refs/tags.ts'
import { Snapshot } from './snapshot.ts'
import { type ObjectStore, withRetries } from './storage/index.ts'
import { branchOf } from './transaction/index.ts'

/** Where a table lies: a folder, a `file:` URL, or a store of one's own. */
export type Location = string | ObjectStore

/** Options of {@link Table.open}. */
export interface OpenOptions {
  /** Folders outside the table's own from which data files may be read that its log names by absolute path. Default: none. */
  readonly allowPaths?: readonly string[]
  readonly signal?: AbortSignal
}

/** A table inside a transaction. */
export type Transaction = Pick<Table, 'location' | 'append' | 'delete' | 'update' | 'merge' | 'upsert' | 'overwrite' | 'alter' | 'latest'>

/** A table. Open one with `Table.open`, make one with `Table.create`. */
export class Table {
  readonly #log: DeltaLog
  #lastWrite: CommitResult | undefined

  private constructor(log: DeltaLog, lastWrite?: CommitResult) {
    this.#log = log
    this.#lastWrite = lastWrite
  }

  /**
   * Opens a table at its newest version.
   *
   * A log may name files outside the table's folder by absolute path, as that of a shallow clone does. They are read only where they lie
   * in one of the folders `allowPaths`, or in a table that holds a version for a clone at this very place, as {@link clone} has it do; else
   * PATH_OUTSIDE_ROOT names the file and its folder.
   * @throws TableNotFoundError TABLE_NOT_FOUND; UnsupportedFeatureError; LogError; UsageError for a location that is none; storage errors.
   */
  static async open(location: Location, options: OpenOptions = {}): Promise<Table> {
    const store = storeOf(location, options.allowPaths)
    const log = await DeltaLog.open(store, options.signal)
    if (log) return new Table(log)
    throw noTable(store)
  }

  /**
   * Creates a table: version 0. `table.lastWrite` tells what was committed.
   * @throws TableExistsError TABLE_EXISTS; UsageError, SchemaError, InputError, UnsupportedFeatureError before anything is written.
   */
  static async create(location: Location, options: CreateOptions): Promise<Table> {
    const { log, result } = await create(storeOf(location), withAccount(options))
    return new Table(log, result)
  }

  /**
   * Appends to the table at a location; with `create`, where there is none, makes it with these rows as version 0. Of two processes that
   * do so at once, one creates and the other appends.
   * @throws what `open`, `create` and `append` throw.
   */
  static async append(
    location: Location,
    input: Input | Table | Snapshot,
    options: AppendOptions & NewTableOptions & { readonly create?: boolean } = {},
  ): Promise<CommitResult> {
    if (!options.create) return (await Table.open(location, options.signal ? { signal: options.signal } : {})).append(input, options)
    const told = withAccount(options)
    const { log, result } = await createOrAppend(storeOf(location), await rowsOf(input), told)
    return afterAppend(log, result, told)
  }

  /**
   * Gets from a remote what a pin names, into the folder that it says; or into a folder, which may hold the table in part, the newest version. The log
   * comes, and the files of that version; with `history` those of all versions. What is here already is not moved again. `from`: a remote's name, a
   * folder, a URL or a store; default: the pin's own remote, else `origin`. A pulled pin holds its version, as `table.pin` does.
   * @throws RemoteError with nothing moved, where the table here has another history, or there is no such remote;
   * VersionNotFoundError; PinError, PinDiffersError; DataFileError; LogError; UnknownOutcomeError; AbortedError; storage errors
   */
  static async pull(location: Location, options: PullPinOptions = {}): Promise<PullResult> {
    if (typeof location === 'string' && isPinPath(location)) return pullPin(location, options)
    const store = storeOf(location)
    return pull(store, await findRemote(store, options.from, options.signal), options)
  }

  /** The root of the table, as a URL. */
  get location(): string {
    return this.#log.store.root
  }

  /** What the last write through this handle committed; `undefined` before one. */
  get lastWrite(): CommitResult | undefined {
    return this.#lastWrite
  }

  /** The newest version, after a look for news. */
  async version(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return (await this.#log.update(options.signal)).version
  }

  /**
   * Appends all rows of an input as one atomic version: of values of the program, files, a stream, a query, another table, or a version of one.
   *
   * Columns are matched by name; a nullable column that the input lacks is NULL. With `txn` the load lands exactly once.
   * With `compact: 'auto'`, or where the table's property `varve.autoCompact` is `true`, small files of the last appends are folded now and then.
   * @throws SchemaError, ValueError, InputError with nothing written; ConflictError when the schema changed meanwhile;
   * TransactionOrderError; UsageError for a transaction id that is none; TableNotFoundError TABLE_REPLACED where another table was made
   * there meanwhile; UnknownOutcomeError; UnsupportedFeatureError; LogError; storage errors.
   */
  async append(input: Input | Table | Snapshot, options: AppendOptions = {}): Promise<CommitResult> {
    const told = withAccount(options)
    this.#lastWrite = await afterAppend(this.#log, await append(this.#log, await rowsOf(input), told), told)
    return this.#lastWrite
  }

  /**
   * Changes columns and properties, all changes of a call as one atomic version: `table.alter({ add: { name: 'city', type: 'VARCHAR' } })`, or a
   * list of such changes, which apply one after the other. No data file is touched, and every older version stays as it is. Where a
   * change needs a table feature, the table gets it, and `features` of the result says so. Where all is so already, no version is made.
   * @throws UsageError, SchemaError, UnsupportedFeatureError with nothing written; ConflictError when schema, properties or protocol changed
   * meanwhile; TransactionOrderError; UnknownOutcomeError; LogError; storage errors.
   */
  async alter(changes: TableChange | readonly TableChange[], options: WritingOptions = {}): Promise<AlterResult> {
    const result = await alter(this.#log, changes, withAccount(options))
    this.#lastWrite = result
    return result
  }

  /**
   * Deletes the rows for which a predicate is true, as one atomic version; all rows without one. A row for which it gives NULL stays. Where no
   * row is to go, no version is made, unless there is a `txn` to record.
   * @throws QueryError SQL_ERROR, SQL_REFUSED for a predicate that is none; UsageError APPEND_ONLY; ConflictError for what other writers
   * changed meanwhile; and what `append` throws
   */
  async delete(options: DeleteOptions = {}): Promise<CommitResult> {
    this.#lastWrite = await deleteRows(this.#log, withAccount(options))
    return this.#lastWrite
  }

  /**
   * Gives the rows for which a predicate is true new values, as one atomic version; all rows without a predicate. The expressions see the row as
   * it was. Where no row fulfils the predicate, no version is made, unless there is a `txn` to record.
   * @throws QueryError SQL_ERROR, SQL_REFUSED for an expression; SchemaError UNKNOWN_COLUMN; ValueError where a value does not fit its column;
   * UsageError APPEND_ONLY, INVALID_ARGUMENT; ConflictError for what other writers changed meanwhile; and what `append` throws
   */
  async update(options: UpdateOptions): Promise<CommitResult> {
    this.#lastWrite = await updateRows(this.#log, withAccount(options))
    return this.#lastWrite
  }

  /**
   * Merges rows into the table, as one atomic version: those that belong to rows of the table update or delete them, others are inserted, and
   * rows of the table without a partner may be updated or deleted too. `source`: what can be appended, another table, or a version of one.
   * In expressions the table is called `target` and what is merged `source`. For each pair of rows the first clause that fits it counts.
   * @throws ValueError MERGE_AMBIGUOUS where two rows of the source would change one row of the table; QueryError SQL_ERROR, SQL_REFUSED;
   * SchemaError UNKNOWN_COLUMN; UsageError INVALID_ARGUMENT, APPEND_ONLY; ConflictError; and what `append` throws
   */
  async merge(source: Input | Table | Snapshot, options: MergeOptions): Promise<CommitResult> {
    this.#lastWrite = await mergeRows(this.#log, await mergeInput(source), withAccount(options))
    return this.#lastWrite
  }

  /**
   * Inserts rows, and updates those that are there already: a merge by equal keys, with all columns of the source that the table has.
   * @throws what `merge` throws
   */
  async upsert(source: Input | Table | Snapshot, { key, ...options }: UpsertOptions): Promise<CommitResult> {
    this.#lastWrite = await mergeRows(this.#log, await mergeInput(source), withAccount({ ...options, ...upsertClauses(key) }))
    return this.#lastWrite
  }

  /**
   * Rewrites small files, and files with deleted rows, as fewer ones of the size wanted; or lays rows out by the values of columns
   * (`zorder`, `hilbert`), so that queries that filter by them need few files. It is one atomic version in which no row changes. Files that
   * are good stay as they are; where nothing would become better, no version is made. Appends of others do not conflict with it.
   * @throws ConflictError where others deleted, updated or moved rows of the same files meanwhile; UsageError INVALID_ARGUMENT, also for a
   * predicate that is true for some rows of a file only; QueryError SQL_ERROR, SQL_REFUSED; and what `append` throws
   */
  async optimize(options: OptimizeOptions = {}): Promise<CommitResult> {
    this.#refuseInside('optimize')
    this.#lastWrite = await optimize(this.#log, withAccount(options))
    return this.#lastWrite
  }

  /**
   * Replaces rows by those of an input, as one atomic version: all rows; with `where` those for which a predicate is true, which all new ones
   * have to fulfil; with `dynamic` the partitions that the new rows have. With `overwriteSchema` the table gets the columns of the input. The
   * input may be read from the table itself: `table.overwrite((await table.latest()).query('SELECT ...'))`.
   * @throws ValueError PREDICATE_NOT_FULFILLED with nothing written; UsageError APPEND_ONLY, INVALID_ARGUMENT; QueryError SQL_ERROR, SQL_REFUSED
   * for a predicate that is none; ConflictError for what other writers changed meanwhile; and what `append` throws
   */
  async overwrite(input: Input | Table | Snapshot, options: OverwriteOptions = {}): Promise<CommitResult> {
    this.#lastWrite = await overwrite(this.#log, await rowsOf(input), withAccount(options))
    return this.#lastWrite
  }

  /**
   * Makes a new version with the rows, the schema and the properties of an earlier one, from the log alone. All versions between stay. Features
   * of the protocol stay too, and so do the rules of commit times. Where the table is so already, no version is made.
   *
   * `removedLoads` of the result names the applications whose later loads are gone from the table, and still count as applied; with
   * `resetTxn` they may be loaded again.
   * @throws DataFileError DATA_FILE_MISSING, naming what is missing and the versions that are whole, with nothing written; VersionNotFoundError;
   * ConflictError where anything else was committed meanwhile; and what `append` throws
   */
  async restore(point: AsOf, options: RestoreOptions = {}): Promise<RestoreResult> {
    this.#refuseInside('restore')
    const result = await restore(this.#log, point, withAccount(options))
    this.#lastWrite = result
    return result
  }

  /**
   * Runs several verbs as one version, or none: `await table.transaction(async (tx) => { await tx.delete(...); await tx.append(...) })`. Each
   * verb sees what those before did, and so does what is read through `tx`; nobody else sees any of it before all is committed. Where the
   * function throws, nothing is. The verbs' own results name versions that are the transaction's alone.
   *
   * The numbers of loads belong to the whole: with `txn` in `options` it lands exactly once, and where it had landed, the function is not called.
   * @throws what the function throws; ConflictError for what other writers changed meanwhile; UsageError NESTED_TRANSACTION, TRANSACTION_OVER
   */
  async transaction(work: (tx: Transaction) => Promise<unknown>, options: WritingOptions = {}): Promise<CommitResult> {
    this.#lastWrite = await transact(this.#log, (branch) => work(new Table(branch)), withAccount(options))
    return this.#lastWrite
  }

  /** The newest version as a snapshot, after a look for news. */
  async latest(options: { readonly signal?: AbortSignal } = {}): Promise<Snapshot> {
    this.#noteRead()
    return new Snapshot(this.#log, await this.#log.update(options.signal))
  }

  /**
   * The table as of a version (a number from 0 on), the last commit at or before an instant (a Date, or ISO text with a zone), or a tag.
   * @throws VersionNotFoundError with the range that can be read; UsageError INVALID_TIMESTAMP, INVALID_ARGUMENT
   */
  async asOf(point: AsOf, options: { readonly signal?: AbortSignal } = {}): Promise<Snapshot> {
    this.#noteRead()
    return new Snapshot(this.#log, await stateAsOf(this.#log, point, options.signal))
  }

  /**
   * The rows that changed between two versions, those of both meant, with `_change_type`, `_commit_version` and `_commit_timestamp`; rows of an
   * earlier version come first. They come in the columns of the last version. The table must have had its change feed on at every one of
   * the versions (`delta.enableChangeDataFeed`).
   *
   * With `sinceLast` a bookmark in the table keeps how far a reader has come. It moves by `feed.commit()`, once the rows are safe: until then
   * the same rows come again, and of two readers of one name that read the same changes, the second to commit gets a ConflictError.
   * @throws UsageError INVALID_ARGUMENT, INVALID_NAME; when the feed is first read: VersionNotFoundError; UnsupportedFeatureError
   * CHANGE_FEED_OFF; SchemaError SCHEMA_CHANGED, RESERVED_COLUMN, UNKNOWN_COLUMN; QueryError; DataFileError; LogError; AbortedError
   */
  changes(options: ChangesOptions): ChangeFeed {
    this.#noteRead()
    return changesOfTable(this.#log, options)
  }

  /**
   * Gives a version a name that stands wherever a version does: `table.asOf({ tag: 'v2.0' })`, `events@v2.0`, `AT (VERSION => 'v2.0')`. A tag
   * keeps its version from vacuum. It never moves, unless with `force`, which leaves a trace. No list of files is read for it.
   * @throws UsageError INVALID_NAME, INVALID_ARGUMENT, GIT_UNAVAILABLE; TagExistsError; ConflictError TAG_MOVED where another made or moved
   * the tag meanwhile; VersionNotFoundError; UnknownOutcomeError; LogError; storage errors
   */
  async tag(name: string, options: TagOptions = {}): Promise<Tag> {
    return tagVersion(this.#log, name, options)
  }

  /** The table's tags, by version and then by name. @throws LogError RECORD_CORRUPT; storage errors */
  async tags(options: { readonly signal?: AbortSignal } = {}): Promise<Tag[]> {
    return listTags(this.#log.store, options.signal)
  }

  /**
   * Takes a name from its version, which from then on nothing may hold any more. Returns the tag as it was.
   * @throws VersionNotFoundError TAG_NOT_FOUND; ConflictError TAG_MOVED; UnknownOutcomeError; storage errors
   */
  async untag(name: string, options: UntagOptions = {}): Promise<Tag> {
    return untag(this.#log, name, options)
  }

  /**
   * Pins a version: writes a small file for Git that names it with all its fingerprints, and stands wherever a reference does (`events.varve`).
   * The table keeps the version from vacuum. In a work tree of Git the table's folder is added to `.gitignore`. Pinning the same again changes nothing;
   * another version takes the place of the one before, which nothing holds from then on.
   * @throws UsageError INVALID_ARGUMENT; PinError PIN_INVALID, PIN_FORMAT_UNKNOWN for a file that is in the way; VersionNotFoundError; DataFileError
   * where a file is missing or damaged; UnknownOutcomeError; LogError; storage errors
   */
  async pin(options: PinOptions = {}): Promise<PinResult> {
    const log = this.#log
    const remote = () => originOf(log.store, options.signal)
    return pinVersion(log, { rowCount: (state) => new Snapshot(log, state).rowCount(), remote }, options)
  }

  /**
   * Deletes a pin of this table; nothing holds its version for it any more. Where the file is gone already, what it held is found by its path.
   * @throws PinError PIN_NOT_FOUND, PIN_INVALID, PIN_CONFLICTED; UsageError INVALID_ARGUMENT for a pin of another table; UnknownOutcomeError; storage errors
   */
  async unpin(file: string): Promise<UnpinResult> {
    return unpin(this.#log.store, file)
  }

  /** @internal The version of a pin, once it was found to be the one that was pinned. @throws PinError PIN_NOT_PULLED; PinDiffersError */
  async asPinned(pin: Pin, file: string, options: PinnedOptions = {}): Promise<Snapshot> {
    this.#noteRead()
    return new Snapshot(this.#log, await pinnedState(this.#log, pin, file, options))
  }

  /** The runs that read versions of the table: `table.run.record({ metrics: { auc: 0.93 } })`, `table.run.list({ whereMetric: 'auc > 0.9' })`. */
  get run(): Runs {
    this.#refuseInside('run')
    return new Runs(this.#log)
  }

  /** Where the same table lies elsewhere. */
  get remotes(): Remotes {
    return new Remotes(this.#log.store)
  }

  /**
   * Brings a remote to the table's newest version: files first, then the commits that name them, in order, and tags, runs and fingerprints; only
   * what it lacks. `remote`: a recorded name, a folder, a URL or a store; default: `origin`. The first place that is pushed to is recorded so.
   * @throws RemoteError with nothing moved, where the remote is ahead or has another history; DataFileError naming files that are missing or
   * damaged; LogError; UnknownOutcomeError; AbortedError; storage errors
   */
  async push(remote?: Location, options: PushOptions = {}): Promise<PushResult> {
    this.#refuseInside('push')
    return push(this.#log, remote, options)
  }

  /**
   * Makes a version the first one of another table, which has the same columns, properties, rows and numbers of loads, and a history of its
   * own: what is written to the clone is not seen here. A shallow clone names the files where they lie and copies none: a record in this table
   * keeps them from its vacuum, and lets the clone read them for as long as it lies where it was made. With `deep` the files are copied, each
   * compared with its hash. `lastWrite` of the clone tells what was committed.
   * @throws TableExistsError TABLE_EXISTS; StoreUnsupportedError for a shallow clone of what is no folder; VersionNotFoundError;
   * DataFileError where a file to be copied is missing or damaged; UnsupportedFeatureError; UnknownOutcomeError; LogError; storage errors
   */
  async clone(location: Location, options: CloneOptions = {}): Promise<Table> {
    this.#refuseInside('clone')
    const { asOf, signal } = options
    const state = asOf === undefined ? await this.#log.update(signal) : await stateAsOf(this.#log, asOf, signal)
    const { log, result } = await cloneVersion(this.#log, state, storeOf(location), withAccount(options))
    return new Table(log, result)
  }

  /**
   * Lets go of what a shallow clone at a location needed, which need not be there any more: nothing holds its version for it from then on, and
   * where the clone is still there, it may no longer read here. @returns how many holds ended @throws LogError RECORD_CORRUPT; UnknownOutcomeError; storage errors
   */
  async unclone(location: string): Promise<number> {
    return unclone(this.#log.store, storeOf(location).root)
  }

  /** Verifies a version, as {@link Snapshot.verify} does. @throws VersionNotFoundError; UsageError; and what that throws */
  async verify(point?: AsOf, options: VerifyOptions = {}): Promise<VerifyResult> {
    const state = point === undefined ? await this.#log.update(options.signal) : await stateAsOf(this.#log, point, options.signal)
    return verifyVersion(this.#log, state, options)
  }

  /** Writes a checkpoint of the newest version now; where it has one, nothing. @throws UnsupportedFeatureError; LogError; storage errors */
  async checkpoint(options: { readonly signal?: AbortSignal } = {}): Promise<CheckpointResult> {
    this.#refuseInside('checkpoint')
    return checkpoint(this.#log, options)
  }

  /**
   * Ends versions that are older than an age and that nothing holds (no tag, run, pin or clone), and deletes the files that no version
   * names any more; one that none has named yet only when it is seven days old. An explicit `olderThan` is consent. `dryRun` only tells.
   * @throws UsageError INVALID_ARGUMENT; UnsupportedFeatureError; ConflictError HELD_MEANWHILE; LogError with nothing deleted, where anything
   * that stays cannot be read; TableNotFoundError TABLE_REPLACED; storage errors
   */
  async vacuum(options: VacuumOptions = {}): Promise<VacuumResult> {
    this.#refuseInside('vacuum')
    return vacuum(this.#log, options)
  }

  /**
   * Lets go of the versions that the table's retention policy does not keep; what `options` say of the policy is kept from then on. The newest
   * version stays, and what is tagged, or held by an active run, a pin or a clone. With an archive the versions that end are moved into it, where
   * they have the same numbers; who asks here for one is told where it is. A version RETAIN records it. `dryRun` only tells.
   * @throws UsageError NO_POLICY, INVALID_ARGUMENT, INVALID_PROPERTY, ARCHIVE_UNFIT; ConflictError HELD_MEANWHILE, METADATA_CHANGED; DataFileError,
   * ObjectCorruptError for what cannot be archived; LogError; all with nothing deleted; UnsupportedFeatureError; storage errors
   */
  async retain(options: RetainOptions = {}): Promise<RetainResult> {
    this.#refuseInside('retain')
    return retain(this.#log, options)
  }

  /**
   * Erases rows: a new version without them, in files that do not hold them. With `everywhere` it tells which older versions, tags, runs and archives
   * hold them, deleted by a vector or not; with `confirm` besides those versions end for good. `where` is not recorded.
   * @throws UsageError INVALID_ARGUMENT, APPEND_ONLY; QueryError SQL_ERROR, SQL_REFUSED; SchemaError SCHEMA_CHANGED where it cannot be told which old
   * versions hold them; ConflictError; LogError; and what `append` throws
   */
  async erase(options: EraseOptions): Promise<EraseResult> {
    this.#refuseInside('erase')
    const result = await erase(this.#log, options)
    this.#lastWrite = result
    return result
  }

  /**
   * The rows that differ between two versions, whatever lay between and whichever is the later: those of `b` alone are `insert` in the column
   * `_change_type`, those of `a` alone `delete`, as often as one version has them more often than the other. With a `key`, two rows of
   * one key that differ are `update_preimage` and `update_postimage`. Only files that the versions do not have in common are read, and rows
   * that were only moved from one file to another are no difference.
   *
   * They come in the columns of the later version: a renamed column is the same one, an added one is NULL before, a dropped one is not
   * shown. NULL is the same as NULL, and NaN as NaN. With `summary` numbers come instead: rows for each `_change_type`, and with a key, by
   * `column_name`, how many values of a column the updates changed.
   * @throws UsageError INVALID_ARGUMENT; when the result is first read: UsageError KEY_NOT_UNIQUE with the key that two rows of one version
   * that differ from the other share; VersionNotFoundError; SchemaError SCHEMA_CHANGED, UNKNOWN_COLUMN, RESERVED_COLUMN; DataFileError; LogError
   */
  diff(a: AsOf, b: AsOf, options: DiffOptions = {}): QueryResult {
    this.#noteRead()
    return diff(this.#log, a, b, options)
  }

  /**
   * Every row that was in the table at one of the versions `from` to `to`, with the version that `added` it and the one that `removed` it
   * (NULL while it lives), so that one query sees all of history. As of a version v of the range the table is
   * `WHERE added <= v AND (removed IS NULL OR removed > v)`. A row that a version writes anew (an update, a compaction) is removed and added
   * by it. Rows that the first version has are told as added by it; rows that the last one has, as living.
   *
   * They come in the columns of the last version. Where the table has a column `added` or `removed`, the two are called `_added_version` and
   * `_removed_version`.
   * @throws UsageError INVALID_ARGUMENT; when the result is first read: VersionNotFoundError; SchemaError SCHEMA_CHANGED, UNKNOWN_COLUMN,
   * RESERVED_COLUMN; DataFileError DATA_FILE_MISSING with the versions that can be read, where a vacuum took a file; QueryError; LogError
   */
  ledger(options: LedgerOptions = {}): QueryResult {
    this.#noteRead()
    return ledger(this.#log, options)
  }

  /** The versions of the table, newest first, each with where it comes from. Those whose commits were cleaned up are not among them. */
  history(options: HistoryOptions = {}): AsyncGenerator<HistoryEntry> {
    return historyOf(this.#log, options)
  }

  /**
   * Where a version comes from, across tables: the versions before it, and what each of them was made from. Tables that were read are opened
   * where they lie, and known by the version's id; those that are missing, or are others, are said to be so.
   * @throws VersionNotFoundError; LogError and storage errors of this table
   */
  async lineage(options: LineageOptions = {}): Promise<Lineage> {
    return lineageOf(this.#log, options)
  }

  /** What is read inside a transaction counts when others change it. */
  #noteRead(): void {
    const branch = branchOf(this.#log)
    if (branch) branch.wasRead = true
  }

  #refuseInside(verb: string): void {
    if (branchOf(this.#log) === undefined) return
    throw new UsageError('INVALID_ARGUMENT', `There is no ${verb} inside a transaction.`, { remedy: 'Call it outside.' })
  }
}

/** A table gives its rows as of its newest version. */
async function rowsOf(input: Input | Table | Snapshot): Promise<Input> {
  const snapshot = input instanceof Table ? await input.latest() : input
  return snapshot instanceof Snapshot ? snapshot.scan() : snapshot
}

/** A table is merged as of its newest version. */
async function mergeInput(source: Input | Table | Snapshot): Promise<MergeInput> {
  if (source instanceof Table) return { target: (await source.latest()).target() }
  return source instanceof Snapshot ? { target: source.target() } : source
}

/** Only a store behind a network gives ambiguous answers that are worth asking again. */
function storeOf(location: Location, allowPaths?: readonly string[]): ObjectStore {
  if (typeof location !== 'string' && allowPaths !== undefined) {
    throw new UsageError('INVALID_ARGUMENT', 'allowPaths is for tables that are opened by their path.', {
      remedy: 'Give it to localStore, where that makes the store.',
    })
  }
  const store = typeof location === 'string' ? tableStore(location, allowPaths ? { allowPaths } : {}) : location
  return store.kind === 'local' || store.kind === 'memory' ? store : withRetries(store)
}
