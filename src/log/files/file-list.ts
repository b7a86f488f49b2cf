/**
 * The logical files of one version, columnar, in the engine.
 *
 * A list is a light handle: what it stands for is a condition on a stretch of history (`timeline.ts`) that versions share, that is loaded
 * when it is needed and may be let go of in between. Only the columns that a question names are read. Nothing is a JavaScript object
 * until `select` names the files of a scan.
 *
 * Columns of the relation: `path VARCHAR` (decoded: a key relative to the root, or absolute), `partition_values MAP(VARCHAR, VARCHAR)`,
 * `size BIGINT`, `modification_time BIGINT`, `stats VARCHAR` (JSON text or NULL), `num_records BIGINT` (physical rows, NULL where not
 * known), `deletion_vector STRUCT`, `base_row_id BIGINT`, `default_row_commit_version BIGINT`, `tags MAP(VARCHAR, VARCHAR)`,
 * `clustering_provider VARCHAR`; and `spelling VARCHAR`, the path as the log spells it.
 */
import type { Connection } from '../../engine/index.ts'
import { DataFileError } from '../../errors/index.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import type { Add, DeletionVectorDescriptor } from '../actions.ts'
import { canonicalPath } from '../paths.ts'
import type { SegmentOptions } from '../segment.ts'
import type { Counts } from '../state.ts'
import type { ListPart } from './file-rows.ts'
import type { Stretches, Wanted } from './stretches.ts'
import type { Timeline } from './timeline.ts'

export { withSegment } from './segment-actions.ts'

/** Files of a list that is counted at once. */
const smallList = 100_000

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

/** A file of a version with all that its `add` says: what a transaction that changes the file must say again. */
export interface LiveFile {
  /** As {@link ScanFile} has it. */
  readonly path: string
  /** Its path is as the log spells it, for a reader may compare the texts. */
  readonly add: Add
  /** Physical rows, `undefined` where the statistics do not say. */
  readonly numRecords: number | undefined
}

/** What there is to work on while a list is in use. */
export interface ListInUse {
  /** A connection of the trusted engine on which `relation` can be queried. */
  readonly connection: Connection
  /** The files, for a FROM clause. */
  readonly relation: string
  /** The same files by where they lie. */
  readonly parts: readonly ListPart[]
}

/** The files of a version. */
export class FileList {
  readonly version: number
  readonly #stretches: Stretches
  readonly #wanted: Wanted
  #counts: Promise<Counts> | undefined
  /** The stretch that was used last. */
  #timeline: Timeline | undefined

  private constructor(stretches: Stretches, wanted: Wanted) {
    this.version = wanted.version
    this.#stretches = stretches
    this.#wanted = wanted
  }

  /**
   * The list of a version. A damaged checkpoint is passed over where older ones or the commits suffice; so is one that gives other totals
   * than those `expected`, for it may read well and be cut, doubled or another table's.
   * @throws LogError LOG_GAP, LOG_CORRUPT, LOG_INCOMPLETE
   */
  static async build(
    stretches: Stretches,
    version: number,
    options: SegmentOptions = {},
    expected?: Pick<Counts, 'files' | 'bytes'>,
  ): Promise<FileList> {
    const check = expected && ((timeline: Timeline) => checkTotals(timeline, version, expected))
    const list = new FileList(stretches, { version, options, check })
    await list.use(async () => undefined)
    return list
  }

  /** Runs work on the list while it is kept in memory. */
  async use<T>(work: (list: ListInUse) => Promise<T>): Promise<T> {
    return this.#stretches.use(this.#wanted, async (timeline) => {
      await timeline.ready()
      this.#timeline = timeline
      return work(new UsedTimeline(timeline, this.version))
    })
  }

  /** The connection of {@link FileList.use}. What is asked of it later may find the list gone, where others took the room. */
  get connection(): Connection {
    return this.#timeline!.connection
  }

  /** The relation of {@link FileList.use}, under the same reserve. */
  get relation(): string {
    return this.#timeline!.relation(this.version)
  }

  /** Whether the list is so small that counting costs next to nothing. */
  get isSmall(): boolean {
    return (this.#timeline?.size ?? Number.POSITIVE_INFINITY) <= smallList
  }

  /** The files that fulfil a condition over `relation`'s columns, all of them without one. `params` are bound. */
  async select(whereSql?: string, params?: Parameters<Connection['all']>[1], signal?: AbortSignal): Promise<ScanFile[]> {
    const condition = whereSql === undefined ? '' : `WHERE ${whereSql}`
    const columns = 'path, size, modification_time, partition_values, stats, num_records, deletion_vector'
    return this.use(async ({ connection, relation }) => {
      const rows = await connection.all(`SELECT ${columns} FROM ${relation} ${condition} ORDER BY path`, params, { signal })
      return rows.map(toScanFile)
    })
  }

  /** The files of a version that lie at some paths, or all. Those that are not of the version are not in the answer. */
  async liveFiles(paths?: readonly string[], signal?: AbortSignal): Promise<LiveFile[]> {
    return this.use(async ({ connection, relation }) => {
      const read = (where: string, values?: readonly (readonly string[])[]) =>
        connection.all(`SELECT * FROM ${relation} ${where}`, values, { signal, small: values === undefined && where !== '' })
      if (paths === undefined) return (await read('')).map(toLiveFile)
      if (paths.length === 0) return []
      const few = paths.length <= fewPaths && !paths.some((path) => path.includes('\0'))
      const among = few
        ? read(`WHERE path IN (${paths.map(quoteLiteral).join(', ')})`)
        : read('WHERE path IN (SELECT unnest($1::VARCHAR[]))', [paths])
      const found = (await among).map(toLiveFile)
      const missing = new Set(paths)
      for (const { path } of found) missing.delete(path)
      // The list may spell a path otherwise.
      if (missing.size > 0)
        found.push(
          ...(await read("WHERE contains(path, ':') OR contains(path, '/.') OR contains(path, '//')"))
            .map(toLiveFile)
            .filter(({ path }) => missing.has(path)),
        )
      return found
    })
  }

  /** Exact totals, computed once. */
  counts(): Promise<Counts> {
    this.#counts ??= this.#stretches
      .use(this.#wanted, (timeline) => timeline.counts(this.version))
      .catch((error: unknown) => {
        this.#counts = undefined
        throw error
      })
    return this.#counts
  }
}

/** What is written only for those who ask: the text of a relation is long. */
class UsedTimeline implements ListInUse {
  readonly connection: Connection
  readonly #timeline: Timeline
  readonly #version: number

  constructor(timeline: Timeline, version: number) {
    this.connection = timeline.connection
    this.#timeline = timeline
    this.#version = version
  }

  get relation(): string {
    return this.#timeline.relation(this.#version)
  }

  get parts(): readonly ListPart[] {
    return this.#timeline.parts(this.#version)
  }
}

/** So many paths are named one by one, which costs less to plan. */
const fewPaths = 100

async function checkTotals(timeline: Timeline, version: number, expected: Pick<Counts, 'files' | 'bytes'>): Promise<void> {
  if (!timeline.segment.checkpoint && timeline.segment.compactions.length === 0) return
  await timeline.ready()
  const [row] = await timeline.connection.all(
    `SELECT count(*) AS files, coalesce(sum(size), 0)::HUGEINT AS bytes FROM ${timeline.relation(version)}`,
  )
  if (Number(row?.files) === expected.files && Number(row?.bytes) === expected.bytes) return
  throw new DataFileError(
    'DATA_FILE_CORRUPT',
    `The log gives ${row?.files} files of ${row?.bytes} bytes for version ${version}, its checksum ${expected.files} of ${expected.bytes}.`,
    { remedy: 'Restore the checkpoint from a backup.', data: { version } },
  )
}

function toLiveFile(row: Record<string, unknown>): LiveFile {
  const vector = row.deletion_vector as DeletionVectorDescriptor | null
  const map = (value: unknown) => Object.fromEntries((value as Map<string, string | null> | null) ?? [])
  const number = (value: unknown) => {
    if (value === null || value === undefined) return undefined
    return Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value as bigint)
  }
  const [baseRowId, defaultRowCommitVersion] = [number(row.base_row_id), number(row.default_row_commit_version)]
  return {
    path: canonicalPath(String(row.path)),
    numRecords: row.num_records === null ? undefined : Number(row.num_records),
    add: {
      path: String(row.spelling),
      partitionValues: map(row.partition_values),
      size: Number(row.size),
      modificationTime: Number(row.modification_time),
      dataChange: true,
      ...(row.stats === null ? {} : { stats: String(row.stats) }),
      ...(row.tags === null ? {} : { tags: map(row.tags) }),
      ...(vector?.storageType ? { deletionVector: descriptorOf(vector) } : {}),
      ...(baseRowId === undefined ? {} : { baseRowId }),
      ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
      ...(row.clustering_provider === null ? {} : { clusteringProvider: String(row.clustering_provider) }),
    },
  }
}

/** A vector as the log says it: without an offset where there is none. */
function descriptorOf({
  offset,
  cardinality,
  sizeInBytes,
  storageType,
  pathOrInlineDv,
}: DeletionVectorDescriptor): DeletionVectorDescriptor {
  const rest = { sizeInBytes: Number(sizeInBytes), cardinality: Number(cardinality) }
  return offset === null || offset === undefined
    ? { storageType, pathOrInlineDv, ...rest }
    : { storageType, pathOrInlineDv, offset: Number(offset), ...rest }
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
