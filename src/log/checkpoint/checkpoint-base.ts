/**
 * The live files of a checkpoint, read where they lie: only the columns that a question needs, and nothing of tombstones. Sidecars that
 * hold nothing but tombstones are not opened.
 */
import type { Connection } from '../../engine/index.ts'
import { quoteIdentifier, quotePaths } from '../../schema/quoting.ts'
import type { DataType, StructType } from '../../schema/types.ts'
import type { ObjectStore, Pinned } from '../../storage/object-store.ts'
import { type FileColumn, type FileRows, numRecordsOf, type TypedStatistic } from '../files/file-rows.ts'
import type { Checkpoint } from '../listing.ts'
import { fieldOf, isStruct, keyAndVector, noCheckpoint, sidecarKeys, vectorOf } from '../replay.ts'

/** More rows than a file has. */
const rowsOfFile = 2 ** 32

/** The adds of a checkpoint's Parquet files. */
export class CheckpointBase implements FileRows {
  readonly checkpoint: Checkpoint
  readonly from: string
  /** The number of the file, and in it the row's. */
  readonly place = `file_index::BIGINT * ${rowsOfFile} + file_row_number`
  readonly json: string | undefined
  readonly columns: Readonly<Record<FileColumn, string>>
  /** The key by which actions are reconciled: `key` and `vector`. */
  readonly key: string
  /** How many files there are, as far as footers say. */
  readonly files: number | undefined
  /** Bytes in memory. */
  bytes = 0
  readonly #parsed: StructType | undefined
  readonly #everywhere: ReadonlySet<string>
  readonly #pins: readonly Pinned[]

  private constructor(checkpoint: Checkpoint, pins: readonly Pinned[], paths: readonly string[], add: StructType, present: Present) {
    this.checkpoint = checkpoint
    this.files = present.files
    this.#everywhere = present.everywhere
    this.#pins = pins
    const source = `read_parquet(${quotePaths(paths)}, hive_partitioning = false, file_row_number = true, union_by_name = ${paths.length > 1})`
    // With a condition that compares, the engine passes over row groups without any, which IS NOT NULL does not do.
    this.from = `${source} WHERE add.${present.field} >= ${present.field === 'size' ? '-9223372036854775808' : "''"}`
    const names = new Set(add.fields.map(({ name }) => name))
    const field = (name: string, type: string) => `CAST(${fieldOf('add', name, names)} AS ${type})`
    const typeOf = (name: string) => add.fields.find((one) => one.name === name)?.type
    const parsed = typeOf('stats_parsed')
    this.#parsed = isStruct(parsed) ? parsed : undefined
    const vector = `CAST(${vectorOf('add', typeOf('deletionVector'))} AS ${vectorType})`
    this.key = keyAndVector('add.path', isStruct(typeOf('deletionVector')) ? vector : `CAST(NULL AS ${vectorType})`)
    const path = this.key.slice(0, this.key.lastIndexOf(' AS key'))
    const typed = this.typed('numRecords', [])
    this.json = names.has('stats') ? 'add.stats' : undefined
    const text = names.has('stats') ? numRecordsOf('add.stats') : undefined
    this.columns = {
      path,
      spelling: 'add.path',
      partition_values: field('partitionValues', 'MAP(VARCHAR, VARCHAR)'),
      size: field('size', 'BIGINT'),
      modification_time: field('modificationTime', 'BIGINT'),
      stats: field('stats', 'VARCHAR'),
      // A text that is named is read, even where it is not needed.
      num_records: typed && text && !typed.everywhere ? `coalesce(${typed.sql}, ${text})` : (typed?.sql ?? text ?? 'NULL::BIGINT'),
      deletion_vector: vector,
      base_row_id: field('baseRowId', 'BIGINT'),
      default_row_commit_version: field('defaultRowCommitVersion', 'BIGINT'),
      tags: field('tags', 'MAP(VARCHAR, VARCHAR)'),
      clustering_provider: field('clusteringProvider', 'VARCHAR'),
    }
  }

  /** Opens a checkpoint; `undefined` where it has no files in Parquet. @throws DataFileError, LogError */
  static async open(store: ObjectStore, connection: Connection, checkpoint: Checkpoint): Promise<CheckpointBase | undefined> {
    const pins = [await store.materialise(checkpoint.keys)]
    try {
      const top = pins[0]!.paths
      pins.push(await store.materialise(await sidecarKeys(connection, checkpoint, top, 'live')))
      const sidecars = pins[1]!.paths
      const paths = checkpoint.encoding === 'json' ? sidecars : [...top, ...sidecars]
      if (paths.length === 0) return await released(pins)
      const columns = await connection.describe(`SELECT * FROM read_parquet(${quotePaths(paths)}, union_by_name = ${paths.length > 1})`)
      for (const name of checkpoint.encoding === 'json' ? [] : ['protocol', 'metaData']) {
        if (!columns.some((column) => column.name === name)) throw noCheckpoint(paths, `it has no column ${name}`)
      }
      const add = columns.find((column) => column.name === 'add')?.type
      if (add === undefined) return await released(pins)
      if (!isStruct(add)) throw noCheckpoint(paths, 'its column add is no struct')
      return new CheckpointBase(
        checkpoint,
        pins,
        paths,
        add,
        await presentField(
          connection,
          paths,
          add.fields.some(({ name, type }) => name === 'size' && type === 'long'),
        ),
      )
    } catch (error) {
      await released(pins)
      throw error
    }
  }

  typed(group: 'minValues' | 'maxValues' | 'nullCount' | 'numRecords', path: readonly string[]): TypedStatistic | undefined {
    let type: DataType | undefined = this.#parsed
    let sql = 'add.stats_parsed'
    for (const name of [group, ...path]) {
      if (!isStruct(type)) return undefined
      type = type.fields.find((field) => field.name === name)?.type
      sql += `.${quoteIdentifier(name)}`
    }
    const everywhere = this.#everywhere.has(['add', 'stats_parsed', group, ...path].join(', ')) && !path.some((name) => name.includes(','))
    return typeof type === 'string' ? { sql, type, everywhere } : undefined
  }

  at(places: readonly number[]): string {
    const files = new Map<number, number[]>()
    for (const place of places) {
      const file = Math.floor(place / rowsOfFile)
      files.set(file, [...(files.get(file) ?? []), place % rowsOfFile])
    }
    const conditions = [...files].map(([file, rows]) => `(file_index = ${file} AND file_row_number IN (${rows.join(', ')}))`)
    return `(${conditions.join(' OR ')})`
  }

  keep(bytes: number): void {
    this.bytes += bytes
  }

  /** Lets go of the files. */
  async close(): Promise<void> {
    await released(this.#pins)
  }
}

const vectorType = 'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, "cardinality" BIGINT)'

interface Present {
  /** The field of `add` by which a row is known to be one. */
  readonly field: 'path' | 'size'
  readonly files: number | undefined
  /** Statistics in their own type that every file has, as Parquet names their columns. */
  readonly everywhere: ReadonlySet<string>
}

/** `path` tells an add; `size`, which is much smaller, does where footers say that it is there as often. */
async function presentField(connection: Connection, paths: readonly string[], isLong: boolean): Promise<Present> {
  const rows = await connection.all(
    `SELECT path_in_schema AS name, sum(num_values - stats_null_count)::BIGINT AS files, count(*) = count(stats_null_count) AS known
     FROM parquet_metadata(${quotePaths(paths)})
     WHERE path_in_schema IN ('add, path', 'add, size') OR starts_with(path_in_schema, 'add, stats_parsed, ') GROUP BY ALL`,
  )
  const [path, size] = ['add, path', 'add, size'].map((name) => rows.find((row) => row.name === name))
  if (!path?.known) return { field: 'path', files: undefined, everywhere: new Set() }
  const everywhere = rows.filter((row) => row.known && row.files === path.files).map((row) => String(row.name))
  return {
    field: size?.known && path.files === size.files && isLong ? 'size' : 'path',
    files: Number(path.files),
    everywhere: new Set(everywhere),
  }
}

async function released(pins: readonly Pinned[]): Promise<undefined> {
  for (const pin of pins) await pin.release()
}
