/**
 * The handle on a table that a user holds. What it reads stands in `table-reader.ts`, what changes rows and columns in `table-writer.ts`; here
 * is how one comes by a table, how versions are named and kept, moved elsewhere, and let go.
 */
import type { Input } from '../data/index.ts'
import { type CloneOptions, cloneVersion } from '../dataset/clone/clone.ts'
import { unclone } from '../dataset/clone/origins.ts'
import { isPinPath } from '../dataset/pins/pin-place.ts'
import { type PinOptions, type PinResult, pinVersion } from '../dataset/pins/pin-version.ts'
import { type UnpinResult, unpin } from '../dataset/pins/unpin.ts'
import { withAccount } from '../dataset/provenance/account.ts'
import type { PullResult } from '../dataset/remotes/pull.ts'
import { type PullPinOptions, pullPin, pullTable } from '../dataset/remotes/pull-pin.ts'
import { type PushOptions, type PushResult, push } from '../dataset/remotes/push.ts'
import { originOf, Remotes } from '../dataset/remotes/remotes.ts'
import { type RetainOptions, type RetainResult, retain } from '../dataset/retention/retain.ts'
import { Runs } from '../dataset/runs/runs.ts'
import { type TagOptions, tagVersion, type UntagOptions, untag } from '../dataset/tag.ts'
import { DeltaLog, noTable } from '../log/index.ts'
import type { AppendOptions } from '../operations/append.ts'
import { type CheckpointResult, checkpoint } from '../operations/checkpoint.ts'
import { type CreateOptions, create, createOrAppend, type NewTableOptions } from '../operations/create.ts'
import { afterAppend } from '../operations/optimize/after-append.ts'
import { type VacuumOptions, type VacuumResult, vacuum } from '../operations/vacuum/vacuum.ts'
import type { CommitResult } from '../operations/written.ts'
import { stateAsOf } from '../query/as-of.ts'
import { listTags, type Tag } from '../refs/tags.ts'
import { type Location, storeOf } from './location.ts'
import { Snapshot } from './snapshot.ts'
import type { TableReader } from './table-reader.ts'
import { rowsOf, TableWriter } from './table-writer.ts'

/** Options of {@link Table.open}. */
export interface OpenOptions {
  /** Folders outside the table's own from which data files may be read that its log names by absolute path. Default: none. */
  readonly allowPaths?: readonly string[]
  readonly signal?: AbortSignal
}

/** A table. Open one with `Table.open`, make one with `Table.create`. */
export class Table extends TableWriter {
  readonly #log: DeltaLog

  private constructor(log: DeltaLog, lastWrite?: CommitResult) {
    super(log, lastWrite)
    this.#log = log
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
    input: Input | TableReader | Snapshot,
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
    return pullTable(storeOf(location), options)
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

  /** The runs that read versions of the table: `table.run.record({ metrics: { auc: 0.93 } })`, `table.run.list({ whereMetric: 'auc > 0.9' })`. */
  get run(): Runs {
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

  /** Writes a checkpoint of the newest version now; where it has one, nothing. @throws UnsupportedFeatureError; LogError; storage errors */
  async checkpoint(options: { readonly signal?: AbortSignal } = {}): Promise<CheckpointResult> {
    return checkpoint(this.#log, options)
  }

  /**
   * Ends versions that are older than an age and that nothing holds (no tag, run, pin or clone), and deletes the files that no version
   * names any more; one that none has named yet only when it is seven days old. An explicit `olderThan` is consent. `dryRun` only tells.
   * @throws UsageError INVALID_ARGUMENT; UnsupportedFeatureError; ConflictError HELD_MEANWHILE; LogError with nothing deleted, where anything
   * that stays cannot be read; TableNotFoundError TABLE_REPLACED; storage errors
   */
  async vacuum(options: VacuumOptions = {}): Promise<VacuumResult> {
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
    return retain(this.#log, options)
  }
}
