/**
 * A table as of one version. A snapshot never changes, even while others write: everything it reads is immutable.
 *
 * What the log knows is answered from the log (rows, files, schema, properties); rows come through DuckDB, from the files that are left
 * after pruning by partition values and statistics.
 */

import { columnNaming, physicalName, readFrom, type Traced } from '../data/index.ts'
import { computeFingerprints, knownFingerprints } from '../dataset/fingerprints.ts'
import { type Provenance, provenanceOf } from '../dataset/provenance/history.ts'
import { type RunName, runsByVersion } from '../dataset/runs/by-version.ts'
import { type VerifyOptions, type VerifyResult, verifyVersion } from '../dataset/verify/verify.ts'
import {
  activeProperties,
  CommitTimes,
  type Counts,
  checkpointKey,
  commitInfoOf,
  type DeltaLog,
  type FileList,
  isShallow,
  type Protocol,
  readCommitIfThere,
  schemaOf,
  type TableState,
  type VersionInput,
} from '../log/index.ts'
import { type AsOf, stateAsOf } from '../query/as-of.ts'
import {
  nameOfStore,
  type QueryOptions,
  type QueryResult,
  type QueryTarget,
  type ScanOptions,
  Session,
  scan,
  targetOf,
  versionsRead,
} from '../query/index.ts'
import type { Fingerprints } from '../refs/fingerprints.ts'
import { tagsByVersion } from '../refs/tags.ts'
import { parseJson } from '../schema/json.ts'
import type { StructType } from '../schema/types.ts'

/** What a version is: the fields of `varve show --json`. */
export interface TableDescription {
  readonly version: number
  readonly timestamp: Date
  /** As history names it; `null` where the commit does not say, or is gone. */
  readonly operation: string | null
  /** Rows, deleted ones not counted; `null` where the log cannot say. */
  readonly rows: number | null
  readonly files: number | null
  /** Bytes of the data files; `null` where the log cannot say. */
  readonly bytes: number | null
  readonly schema: StructType
  readonly partitionBy: readonly string[]
  readonly protocol: Protocol
  readonly properties: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly fingerprints: Fingerprints
  /** The runs that read it. */
  readonly runs: readonly RunName[]
  /** Where it comes from. */
  readonly provenance: Provenance
}

/** One data file of a version: a line of `varve files --json`. */
export interface FileEntry {
  /** The file's key relative to the table's folder, decoded; or an absolute path. */
  readonly path: string
  readonly bytes: number
  /** Rows that are not deleted; `null` where the statistics do not say. */
  readonly rows: number | null
  readonly deletedRows: number
  /** Partition values as the log spells them. */
  readonly partition: Readonly<Record<string, string | null>>
  /** The file's statistics, parsed; `null` where it has none, or none that are JSON (NaN is not). */
  readonly stats: unknown
  readonly modified: Date
}

/** A table as of a version. Made by `table.asOf` and `table.latest`. */
export class Snapshot implements Traced {
  readonly version: number
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  /** The table's properties. */
  readonly properties: Readonly<Record<string, string>>
  readonly protocol: Protocol
  readonly #log: DeltaLog
  readonly #state: TableState
  #files: Promise<FileList> | undefined

  /** @internal */
  constructor(log: DeltaLog, state: TableState) {
    this.#log = log
    this.#state = state
    this.version = state.version
    this.schema = schemaOf(state.metadata)
    this.partitionColumns = state.metadata.partitionColumns
    this.properties = state.metadata.configuration
    this.protocol = state.protocol
  }

  /** The properties that count under the table's protocol. */
  get #active(): Readonly<Record<string, string>> {
    return activeProperties(this.#state)
  }

  /** The root of the table, as a URL. */
  get location(): string {
    return this.#log.store.root
  }

  /** When the version was committed. */
  async timestamp(options: { readonly signal?: AbortSignal } = {}): Promise<Date> {
    const { inCommitTimestamp } = this.#state
    if (inCommitTimestamp !== undefined) return new Date(inCommitTimestamp)
    const commit = await readCommitIfThere(this.#log.store, this.version, options.signal)
    // Of a version of which only the checkpoint is left, the checkpoint's own time is the best there is.
    if (!commit) return (await this.#log.store.head(checkpointKey(this.version), options))?.modified ?? new Date(0)
    return new Date(await new CommitTimes(this.#log.store, this.#log.latest).of(commit, options.signal))
  }

  /** The number of rows: from the log where it knows, else counted. Deleted rows do not count. */
  async rowCount(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    const known = await this.#rows()
    if (known !== undefined) return known
    const [row] = await this.query('SELECT count(*) AS n FROM t', { name: 't', ...options }).toArray()
    return Number(row?.n)
  }

  /** The number of data files. */
  async fileCount(): Promise<number> {
    return (await this.#counts()).files
  }

  /**
   * The three fingerprints of the version, computed where they are not known, and kept for the next time. `rows` reads the files by which the
   * version differs from the nearest one whose digest is known, or all; `files` reads those whose hash the log does not carry. `rows` is
   * null where a column holds variants, `id` where the commits it takes were cleaned up.
   * @throws DataFileError where a file is missing or damaged; LogError; QueryError OUT_OF_MEMORY; storage errors
   */
  async fingerprints(options: { readonly signal?: AbortSignal } = {}): Promise<Fingerprints> {
    return computeFingerprints(this.#log, this.#state, options.signal)
  }

  /**
   * Whether the version is what was written: the length and SHA-256 of every data file, the checksum of every deletion vector, the chain of
   * commits, what tags and runs recorded; with `deep` the digest of the rows. Damage is a result and no error.
   * @throws LogError and storage errors where the log itself cannot be read; AbortedError
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyResult> {
    return verifyVersion(this.#log, this.#state, options)
  }

  /** What the version is, from the log and records alone; with `fingerprints` those are computed, as by {@link fingerprints}. */
  async describe(options: { readonly fingerprints?: boolean | undefined; readonly signal?: AbortSignal } = {}): Promise<TableDescription> {
    const { store } = this.#log
    const [counts, timestamp, fingerprints] = [
      await this.#counts(),
      await this.timestamp(options),
      options.fingerprints ? await this.fingerprints(options) : await knownFingerprints(this.#log, this.version, options.signal),
    ]
    const commit = await readCommitIfThere(store, this.version, options.signal)
    const info = commit ? commitInfoOf(commit) : {}
    return {
      version: this.version,
      timestamp,
      operation: info.operation ?? null,
      rows: counts.rows ?? null,
      files: counts.files,
      bytes: counts.bytes,
      schema: this.schema,
      partitionBy: this.partitionColumns,
      protocol: this.protocol,
      properties: this.properties,
      tags: (await tagsByVersion(store, options.signal)).get(this.version) ?? [],
      fingerprints,
      runs: (await runsByVersion(store, options.signal)).get(this.version) ?? [],
      provenance: provenanceOf(commit, info),
    }
  }

  /** The data files of the version, by path. */
  async *files(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<FileEntry> {
    const list = await this.#fileList()
    const naming = columnNaming(this.#active)
    const logical = new Map(this.schema.fields.map((field) => [physicalName(field, naming), field.name]))
    for (const file of await list.select(undefined, undefined, options.signal)) {
      const deletedRows = Number(file.deletionVector?.cardinality ?? 0)
      yield {
        path: file.path,
        bytes: file.size,
        rows: file.numRecords === undefined ? null : file.numRecords - deletedRows,
        deletedRows,
        partition: Object.fromEntries(Object.entries(file.partitionValues).map(([name, value]) => [logical.get(name) ?? name, value])),
        stats: file.stats === undefined ? null : statsOf(file.stats),
        modified: new Date(file.modificationTime),
      }
    }
  }

  /**
   * Runs one SELECT in DuckDB's SQL over this version. The table is called by the last part of its path, or by `name`. Other versions of
   * it can be read in the same statement: `FROM events AT (VERSION => 3)`.
   * @throws QueryError when the result is first read: SQL_ERROR, SQL_NOT_READ_ONLY, SQL_REFUSED, SQL_UNKNOWN_TABLE
   */
  query(sql: string, options: QueryOptions & { readonly name?: string } = {}): QueryResult {
    const name = options.name ?? nameOfStore(this.#log.store)
    return new Session([{ name, asOf: (point, { signal } = {}) => this.targetAsOf(point, signal) }], {}).query(sql, options)
  }

  /**
   * Reads rows: some columns, those that fulfil a predicate, so many. Files that cannot hold such rows are not opened.
   * @throws QueryError, SchemaError UNKNOWN_COLUMN when the result is first read
   */
  scan(options: ScanOptions = {}): QueryResult {
    return scan(this.target(), options)
  }

  /** @internal Another version of the same table as the query layer reads it; this one without a point. */
  async targetAsOf(point: AsOf | undefined, signal?: AbortSignal): Promise<QueryTarget> {
    return point === undefined ? this.target() : new Snapshot(this.#log, await stateAsOf(this.#log, point, signal)).target()
  }

  /** @internal The version, as one that is made from it tells of it. */
  async [readFrom](): Promise<readonly VersionInput[]> {
    return versionsRead([this.target()])
  }

  /** @internal The version as the query layer reads it. */
  target(): QueryTarget {
    return targetOf(this.#log, this.#state, { files: () => this.#fileList(), rowCount: () => this.#rows() })
  }

  #fileList(): Promise<FileList> {
    // A failure may pass: the next call tries again.
    this.#files ??= this.#log.files(this.#state).catch((error: unknown) => {
      this.#files = undefined
      throw error
    })
    return this.#files
  }

  /** Totals as the log has them; the list of files says how many rows there are where the state does not. */
  async #counts(): Promise<Counts> {
    const { counts } = this.#state
    return counts?.rows === undefined ? this.#log.countsOf(await this.#fileList()) : counts
  }

  async #rows(): Promise<number | undefined> {
    return (await this.#counts()).rows
  }
}

function statsOf(text: string): unknown {
  try {
    const stats = parseJson(text)
    return isShallow(stats) ? stats : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
