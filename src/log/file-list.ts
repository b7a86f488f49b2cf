/**
 * The logical files of one version, columnar, in the engine.
 *
 * `FileList.build` replays a segment into a table of the trusted engine; `FileList.advance` makes the list of a later version from an
 * earlier one and the commits between, so that successive versions read only what is new. Nothing of it is a JavaScript object until
 * `select` names the files of a scan. The table lives as long as the list is referenced.
 *
 * Columns of `relation`: `path VARCHAR` (decoded: a key relative to the root, or absolute), `partition_values MAP(VARCHAR, VARCHAR)`,
 * `size BIGINT`, `modification_time BIGINT`, `stats VARCHAR` (JSON text or NULL), `num_records BIGINT` (physical rows, NULL where not
 * known), `deletion_vector STRUCT`, `base_row_id BIGINT`, `tags MAP(VARCHAR, VARCHAR)`.
 */
import { type Connection, trustedEngine } from '../engine/index.ts'
import { DataFileError } from '../errors/index.ts'
import type { ObjectStore, Pinned } from '../storage/object-store.ts'
import type { DeletionVectorDescriptor } from './actions.ts'
import { withLineLength } from './line-length.ts'
import { diagnosing, overSegment } from './over-segment.ts'
import { canonicalPath, commitKey } from './paths.ts'
import { checkpointActions, commitActions, liveFiles, sidecarKeys } from './replay.ts'
import type { Segment, SegmentOptions } from './segment.ts'
import type { Counts } from './state.ts'

/** One file of a scan. */
export interface ScanFile {
  /** A key relative to the table's root, or an absolute local path. */
  readonly path: string
  readonly size: number
  readonly modificationTime: number
  readonly partitionValues: Readonly<Record<string, string | null>>
  /** Statistics as JSON text. */
  readonly stats: string | undefined
  /** Physical rows, `undefined` where the statistics do not say. */
  readonly numRecords: number | undefined
  readonly deletionVector: DeletionVectorDescriptor | undefined
}

let listCount = 0

const dropped = new FinalizationRegistry<{ connection: Connection; table: string }>(({ connection, table }) => {
  void connection
    .run(`DROP VIEW IF EXISTS ${viewOf(table)}; DROP TABLE IF EXISTS ${table}`)
    .catch(() => undefined)
    .finally(() => connection.close())
})

/** The files of a version. */
export class FileList {
  readonly version: number
  /** A connection of the trusted engine on which `relation` can be queried. */
  readonly connection: Connection
  /** The quoted name of the relation. */
  readonly relation: string
  readonly #table: string
  #counts: Promise<Counts> | undefined

  private constructor(version: number, connection: Connection, table: string) {
    this.version = version
    this.connection = connection
    this.#table = table
    this.relation = viewOf(table)
    dropped.register(this, { connection, table })
  }

  /**
   * Replays the log up to a version. A damaged checkpoint is passed over where older ones or the commits suffice; so is one that gives
   * other totals than those `expected`, for it may read well and be cut, doubled or another table's.
   * @throws LogError LOG_GAP, LOG_CORRUPT, LOG_INCOMPLETE
   */
  static async build(
    store: ObjectStore,
    version: number,
    options: SegmentOptions = {},
    expected?: Pick<Counts, 'files' | 'bytes'>,
  ): Promise<FileList> {
    return overSegment(store, version, options, async (segment) => {
      const list = await FileList.#materialise(store, segment)
      if (expected && segment.commits.length <= version) await list.#checkTotals(expected)
      return list
    })
  }

  /** The list of a later version: this one, moved on by the commits after it. @throws LogError as `build` does. */
  async advance(store: ObjectStore, version: number): Promise<FileList> {
    const commits = Array.from({ length: version - this.version }, (_, i) => this.version + 1 + i)
    const segment = { version, checkpoint: undefined, commits, compactions: [] }
    return diagnosing(store, segment, () => FileList.#materialise(store, segment, `SELECT * FROM ${this.#table}`))
  }

  /** The files that fulfil a condition over `relation`'s columns, all of them without one. `params` are bound. */
  async select(whereSql?: string, params?: Parameters<Connection['all']>[1], signal?: AbortSignal): Promise<ScanFile[]> {
    const rows = await this.connection.all(
      `SELECT path, size, modification_time, partition_values, stats, num_records, deletion_vector FROM ${this.relation}
       ${whereSql === undefined ? '' : `WHERE ${whereSql}`} ORDER BY path`,
      params,
      { signal },
    )
    return rows.map(toScanFile)
  }

  /** Exact totals, computed once. */
  counts(): Promise<Counts> {
    this.#counts ??= this.#count()
    return this.#counts
  }

  async #checkTotals(expected: Pick<Counts, 'files' | 'bytes'>): Promise<void> {
    const [row] = await this.connection.all(`SELECT count(*) AS files, coalesce(sum(size), 0)::HUGEINT AS bytes FROM ${this.relation}`)
    if (Number(row?.files) === expected.files && Number(row?.bytes) === expected.bytes) return
    throw new DataFileError(
      'DATA_FILE_CORRUPT',
      `The log gives ${row?.files} files of ${row?.bytes} bytes for version ${this.version}, its checksum ${expected.files} of ${expected.bytes}.`,
      { remedy: 'Restore the checkpoint from a backup.', data: { version: this.version } },
    )
  }

  async #count(): Promise<Counts> {
    const live = 'num_records - coalesce(deletion_vector.cardinality, 0)'
    const possible = `num_records >= 0 AND ${live} BETWEEN 0 AND num_records`
    const [row] = await this.connection.all(
      `SELECT count(*) AS files, coalesce(sum(size), 0)::BIGINT AS bytes, coalesce(sum(${live}), 0)::BIGINT AS rows, count(num_records) FILTER (${possible}) AS known
       FROM ${this.relation}`,
    )
    const files = Number(row?.files)
    return { files, bytes: Number(row?.bytes), rows: Number(row?.known) === files ? Number(row?.rows) : undefined }
  }

  static async #materialise(store: ObjectStore, segment: Segment, earlier?: string): Promise<FileList> {
    const connection = await (await trustedEngine()).connect()
    listCount += 1
    const table = `varve_files_${listCount}`
    try {
      const create = (base: string | undefined, commits: string | undefined) =>
        connection.run(`CREATE TABLE ${table} AS ${liveFiles(earlier ?? base, commits)}`)
      await withSegment(store, connection, segment, create, 'live')
      await connection.run(`CREATE VIEW ${viewOf(table)} AS SELECT key AS path, "partitionValues" AS partition_values, size,
        "modificationTime" AS modification_time, stats, TRY_CAST(json_extract_string(TRY_CAST(stats AS JSON), '$.numRecords') AS BIGINT) AS num_records,
        "deletionVector" AS deletion_vector, "baseRowId" AS base_row_id, tags FROM ${table}`)
      return new FileList(segment.version, connection, table)
    } catch (error) {
      connection.close()
      throw error
    }
  }
}

/**
 * Gives `use` the relations of a segment: its base (the checkpoint) and the commits after it, while their files are at hand. Of a
 * checkpoint of which only live files are wanted the tombstones may be missing.
 */
export async function withSegment<T>(
  store: ObjectStore,
  connection: Connection,
  segment: Segment,
  use: (base: string | undefined, commits: string | undefined) => Promise<T>,
  wanted: 'live' | 'all' = 'all',
): Promise<T> {
  const { checkpoint, commits, compactions } = segment
  const top = checkpoint?.keys ?? []
  const pinned = await store.materialise([...top, ...compactions.map((compaction) => compaction.key), ...commits.map(commitKey)])
  const topPaths = pinned.paths.slice(0, top.length)
  const commitPaths = pinned.paths.slice(top.length)
  let sidecars: Pinned | undefined
  try {
    if (checkpoint) sidecars = await store.materialise(await sidecarKeys(connection, checkpoint, topPaths, wanted))
    return await withLineLength(async (longest) => {
      const base = checkpoint && (await checkpointActions(connection, checkpoint, topPaths, sidecars!.paths, longest))
      return use(base, commitPaths.length === 0 ? undefined : commitActions(commitPaths, longest))
    })
  } finally {
    await sidecars?.release()
    await pinned.release()
  }
}

function toScanFile(row: Record<string, unknown>): ScanFile {
  const vector = row.deletion_vector as DeletionVectorDescriptor | null
  return {
    path: canonicalPath(String(row.path)),
    size: Number(row.size),
    modificationTime: Number(row.modification_time),
    partitionValues: Object.fromEntries((row.partition_values as Map<string, string | null> | null) ?? []),
    stats: (row.stats as string | null) ?? undefined,
    numRecords: row.num_records === null ? undefined : Number(row.num_records),
    deletionVector: vector?.storageType ? { ...vector, cardinality: Number(vector.cardinality) } : undefined,
  }
}

function viewOf(table: string): string {
  return `${table}_view`
}
