/**
 * A table as far as its rows and columns are changed: the verbs that make a version. A transaction gets one of these, on a branch of the log.
 */
import type { Input } from '../data/index.ts'
import { withAccount } from '../dataset/provenance/account.ts'
import { type EraseOptions, type EraseResult, erase } from '../dataset/retention/erase.ts'
import { UsageError } from '../errors/index.ts'
import type { DeltaLog } from '../log/index.ts'
import { type AlterResult, alter } from '../operations/alter/alter.ts'
import type { TableChange } from '../operations/alter/change.ts'
import { type AppendOptions, append } from '../operations/append.ts'
import { afterAppend } from '../operations/optimize/after-append.ts'
import { type OptimizeOptions, optimize } from '../operations/optimize/optimize.ts'
import { type RestoreOptions, type RestoreResult, restore } from '../operations/restore/restore.ts'
import { type DeleteOptions, deleteRows } from '../operations/rows/delete.ts'
import { type MergeOptions, mergeRows } from '../operations/rows/merge.ts'
import type { MergeInput } from '../operations/rows/merge-source.ts'
import { type OverwriteOptions, overwrite } from '../operations/rows/overwrite.ts'
import { type UpdateOptions, updateRows } from '../operations/rows/update.ts'
import { type UpsertOptions, upsertClauses } from '../operations/rows/upsert.ts'
import { transact } from '../operations/transaction.ts'
import type { CommitResult, WritingOptions } from '../operations/written.ts'
import type { AsOf } from '../query/as-of.ts'
import { branchOf } from '../transaction/index.ts'
import { Snapshot } from './snapshot.ts'
import { TableReader } from './table-reader.ts'

/** A table inside a transaction. */
export type Transaction = Pick<
  TableWriter,
  'location' | 'append' | 'delete' | 'update' | 'merge' | 'upsert' | 'overwrite' | 'alter' | 'latest'
>

/** What can be read of a table, and changed in it. */
export class TableWriter extends TableReader {
  readonly #log: DeltaLog
  #lastWrite: CommitResult | undefined

  /** @internal */
  constructor(log: DeltaLog, lastWrite?: CommitResult) {
    super(log)
    this.#log = log
    this.#lastWrite = lastWrite
  }

  /** What the last write through this handle committed; `undefined` before one. */
  get lastWrite(): CommitResult | undefined {
    return this.#lastWrite
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
  async append(input: Input | TableReader | Snapshot, options: AppendOptions = {}): Promise<CommitResult> {
    const told = withAccount(options)
    this.#lastWrite = await afterAppend(this.#log, await append(this.#log, await rowsOf(input), told), told)
    return this.#lastWrite
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
  async merge(source: Input | TableReader | Snapshot, options: MergeOptions): Promise<CommitResult> {
    this.#lastWrite = await mergeRows(this.#log, await mergeInput(source), withAccount(options))
    return this.#lastWrite
  }

  /**
   * Inserts rows, and updates those that are there already: a merge by equal keys, with all columns of the source that the table has.
   * @throws what `merge` throws
   */
  async upsert(source: Input | TableReader | Snapshot, { key, ...options }: UpsertOptions): Promise<CommitResult> {
    this.#lastWrite = await mergeRows(this.#log, await mergeInput(source), withAccount({ ...options, ...upsertClauses(key) }))
    return this.#lastWrite
  }

  /**
   * Replaces rows by those of an input, as one atomic version: all rows; with `where` those for which a predicate is true, which all new ones
   * have to fulfil; with `dynamic` the partitions that the new rows have. With `overwriteSchema` the table gets the columns of the input. The
   * input may be read from the table itself: `table.overwrite((await table.latest()).query('SELECT ...'))`.
   * @throws ValueError PREDICATE_NOT_FULFILLED with nothing written; UsageError APPEND_ONLY, INVALID_ARGUMENT; QueryError SQL_ERROR, SQL_REFUSED
   * for a predicate that is none; ConflictError for what other writers changed meanwhile; and what `append` throws
   */
  async overwrite(input: Input | TableReader | Snapshot, options: OverwriteOptions = {}): Promise<CommitResult> {
    this.#lastWrite = await overwrite(this.#log, await rowsOf(input), withAccount(options))
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
    this.#lastWrite = await transact(this.#log, (branch) => work(new TableWriter(branch)), withAccount(options))
    return this.#lastWrite
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

  #refuseInside(verb: string): void {
    if (branchOf(this.#log) === undefined) return
    throw new UsageError('INVALID_ARGUMENT', `There is no ${verb} inside a transaction.`, { remedy: 'Call it outside.' })
  }
}

/** What a verb takes, as the rows that it means: a table gives those of its newest version. */
export async function rowsOf(input: Input | TableReader | Snapshot): Promise<Input> {
  const snapshot = input instanceof TableReader ? await input.latest() : input
  return snapshot instanceof Snapshot ? snapshot.scan() : snapshot
}

/** A table is merged as of its newest version. */
async function mergeInput(source: Input | TableReader | Snapshot): Promise<MergeInput> {
  if (source instanceof TableReader) return { target: (await source.latest()).target() }
  return source instanceof Snapshot ? { target: source.target() } : source
}
