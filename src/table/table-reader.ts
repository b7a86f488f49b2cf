/**
 * A table as far as it is read: its versions, the rows that changed between them, and where they come from.
 *
 * A handle knows the newest version that it has seen and reads only what is new; it may be used by many calls at once, and any number of
 * handles and processes may use one table.
 */
import type { Pin } from '../dataset/pins/pin-file.ts'
import { type PinnedOptions, pinnedState } from '../dataset/pins/pinned-state.ts'
import { type HistoryEntry, type HistoryOptions, historyOf } from '../dataset/provenance/history.ts'
import { type Lineage, type LineageOptions, lineageOf } from '../dataset/provenance/lineage.ts'
import { type VerifyOptions, type VerifyResult, verifyVersion } from '../dataset/verify/verify.ts'
import type { DeltaLog } from '../log/index.ts'
import { type AsOf, stateAsOf } from '../query/as-of.ts'
import { type ChangeFeed, type DiffOptions, diff, type LedgerOptions, ledger, type QueryResult } from '../query/index.ts'
import { branchOf } from '../transaction/index.ts'
import { type ChangesOptions, changesOfTable } from './changes.ts'
import { Snapshot } from './snapshot.ts'

/** What can be read of a table. */
export class TableReader {
  readonly #log: DeltaLog

  /** @internal */
  constructor(log: DeltaLog) {
    this.#log = log
  }

  /** The root of the table, as a URL. */
  get location(): string {
    return this.#log.store.root
  }

  /** The newest version, after a look for news. */
  async version(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return (await this.#log.update(options.signal)).version
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

  /** Verifies a version, as {@link Snapshot.verify} does. @throws VersionNotFoundError; UsageError; and what that throws */
  async verify(point?: AsOf, options: VerifyOptions = {}): Promise<VerifyResult> {
    const state = point === undefined ? await this.#log.update(options.signal) : await stateAsOf(this.#log, point, options.signal)
    return verifyVersion(this.#log, state, options)
  }

  /** @internal The version of a pin, once it was found to be the one that was pinned. @throws PinError PIN_NOT_PULLED; PinDiffersError */
  async asPinned(pin: Pin, file: string, options: PinnedOptions = {}): Promise<Snapshot> {
    this.#noteRead()
    return new Snapshot(this.#log, await pinnedState(this.#log, pin, file, options))
  }

  /** What is read inside a transaction counts when others change it. */
  #noteRead(): void {
    const branch = branchOf(this.#log)
    if (branch) branch.wasRead = true
  }
}
