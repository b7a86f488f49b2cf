/**
 * The way of writing for everything but small flat batches: one COPY of DuckDB that converts, checks, compresses and counts in a
 * single pass. It writes into a staging folder; nothing is in the table until the staged files are handed over.
 *
 * Partitioned: the values are serialized inside DuckDB and come back with its statistics, never from folder names. A few partitions
 * are written side by side; many are sorted first, or each flush would leave a small file in each. To know which, the values are
 * read once before, so a relation that cannot be read twice is written to a scratch file first.
 */
import { v4 as uuid } from 'uuid'
import type { Connection } from '../../engine/index.ts'
import { partitionValueToText } from '../../schema/partition-values.ts'
import { type ColumnNaming, columnNaming } from '../../schema/physical.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { planStatistics, type StatisticsPlan } from '../../schema/statistics-plan.ts'
import { type Staging, scratchFolder } from '../../storage/index.ts'
import type { RelationSource } from '../input/source.ts'
import type { ProjectedColumn, Projection } from './conform.ts'
import { type CopiedFile, readCopiedFiles } from './copy-stats.ts'
import { fieldIds } from './field-ids.ts'
import { spellStatistics } from './statistics.ts'
import { targetFileSize } from './target-file-size.ts'
import { notNullViolated, readCheck } from './value-check.ts'
import type { WriteTarget } from './write-target.ts'

/** A file that is written and not yet in the store. */
export interface StagedFile {
  readonly localPath: string
  readonly size: number
  readonly numRecords: number
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly stats: string
}

/** What to copy. */
export type CopySource = Pick<RelationSource, 'sql' | 'params' | 'replayable' | 'files' | 'bytes'>

/** One write: the connection, the folder that files are staged in, and what they become. */
export class CopyWriter {
  readonly #connection: Connection
  readonly #staging: Staging
  readonly #target: WriteTarget
  readonly #columns: Projection
  /** The relation that the columns are over, from that of a source. */
  readonly #from: (source: string) => string
  readonly #partitions: readonly ProjectedColumn[]
  readonly #statistics: StatisticsPlan
  readonly #naming: ColumnNaming
  readonly #keys: readonly string[]
  readonly #collected: string[] = []
  #scratch: Staging | undefined

  constructor(connection: Connection, staging: Staging, target: WriteTarget, projection: Projection) {
    this.#connection = connection
    this.#staging = staging
    this.#target = target
    this.#naming = columnNaming(target.properties)
    const ruled = target.rules?.apply(projection, target.partitionColumns)
    const columns = ruled?.columns ?? projection
    this.#from = ruled?.from ?? ((sql) => sql)
    this.#columns = columns.filter((column) => !target.partitionColumns.includes(column.field.name))
    this.#partitions = target.partitionColumns.map((name) => columns.find((column) => column.field.name === name)!)
    this.#keys = this.#keyNames()
    this.#statistics = planStatistics(target.schema, target.partitionColumns, target.properties)
  }

  /**
   * Writes a relation as staged files. @throws ValueError `NOT_NULL_VIOLATED`, `VALUE_OUT_OF_RANGE`, and what the engine throws.
   */
  async copy(source: CopySource): Promise<StagedFile[]> {
    if (this.#partitions.length === 0) {
      const files = await this.#copyPlain({ ...source, sql: this.#from(source.sql) }, this.#select(), {})
      this.#target.rules?.advance(files.reduce((rows, file) => rows + file.numRecords, 0))
      return files
    }
    // What is counted would be counted anew by every pass.
    if (source.replayable && !this.#target.rules?.counts) return this.#copyByKeys({ ...source, sql: this.#keyed(source) })
    await this.collect(source)
    return this.copyCollected()
  }

  /**
   * Takes rows in that {@link copyCollected} will write: a stream into partitions comes in pieces, and pieces written one by one would
   * leave as many files in each partition. They wait in scratch files.
   */
  async collect(source: CopySource): Promise<void> {
    const path = `${await this.#scratchFolder()}/collected-${uuid()}.parquet`
    const [copied] = await this.#run(
      `COPY (SELECT * FROM ${this.#keyed(source)}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION snappy)`,
      source,
    )
    this.#target.rules?.advance(Number(copied!.Count))
    this.#collected.push(path)
  }

  /** Writes what was collected as staged files. */
  async copyCollected(): Promise<StagedFile[]> {
    if (this.#collected.length === 0) return []
    const sql = `read_parquet([${this.#collected.map(quoteLiteral).join(', ')}], hive_partitioning = false)`
    return this.#copyByKeys({ sql, replayable: true, files: this.#collected })
  }

  /** A connection that may write to the staging folder alone keeps what waits there, too. */
  async #scratchFolder(): Promise<string> {
    if (this.#target.staging !== undefined) return this.#target.staging.folder
    this.#scratch ??= await scratchFolder('varve-spool-')
    return this.#scratch.folder
  }

  /** Removes the scratch files. Staged files are the owner's of the staging folder. */
  async dispose(): Promise<void> {
    await this.#scratch?.dispose()
  }

  /** The columns as they will be in files, and the partition values as text. */
  #keyed(source: CopySource): string {
    const keys = this.#partitions.map((column, index) => `${partitionValueToText(column.sql, column.field.type)} AS ${this.#keys[index]}`)
    return `(SELECT ${[...this.#select(), ...keys].join(', ')} FROM ${this.#from(source.sql)})`
  }

  async #copyByKeys(source: CopySource): Promise<StagedFile[]> {
    const names = this.#keys
    const found = await this.#run(`SELECT DISTINCT ${names.join(', ')} FROM ${source.sql} LIMIT ${sortAbove + 1}`, source)
    const values = found.map((row) => this.#partitionValues(names.map((name) => row[unquoted(name)] as string | null)))
    const columns = this.#columns.map((column) => quoteIdentifier(column.physicalName))
    if (values.length === 0) return []
    // One partition is written like a table without any: in its order, and cut into files by size.
    if (values.length === 1) return this.#copyPlain(source, columns, values[0]!)
    const long = new Map<string, string>()
    const keys = await Promise.all(names.map((name, index) => this.#folderKey(name, this.#partitions[index]!, source, long)))
    const order = values.length > sortAbove ? ` ORDER BY ${names.join(', ')}` : ''
    const options = [`PARTITION_BY (${names.join(', ')})`, "FILENAME_PATTERN 'part-{uuid}'"]
    const select = [...columns, ...keys.map((key, index) => `${key} AS ${names[index]}`)]
    const files = await this.#copyTo(
      `${this.#nextPath()}`,
      `SELECT ${select.join(', ')} FROM (FROM ${source.sql}${order})`,
      options,
      source,
    )
    return readCopiedFiles(files, names.map(unquoted)).map((file) => {
      const texts = file.keys.map((key, index) => (isText(this.#partitions[index]!) ? readFolderKey(key, long) : key))
      return this.#staged(file, this.#partitionValues(texts))
    })
  }

  /** What DuckDB names the folder by: the value where that makes a name of fair length, else its hash, kept in `long`. */
  async #folderKey(name: string, column: ProjectedColumn, source: CopySource, long: Map<string, string>): Promise<string> {
    if (!isText(column)) return name
    const isLong = `strlen(${name}) > ${longestKey}`
    for (const row of await this.#run(
      `SELECT DISTINCT md5(${name}) AS hash, ${name} AS value FROM ${source.sql} WHERE ${isLong}`,
      source,
    )) {
      long.set(String(row.hash), String(row.value))
    }
    return `CASE WHEN ${isLong} THEN 'h' || md5(${name}) ELSE 'v' || ${name} END`
  }

  async #copyPlain(source: CopySource, columns: readonly string[], values: Readonly<Record<string, string | null>>): Promise<StagedFile[]> {
    const size = this.#fileSize()
    // One file keeps the order of the rows. Cut by size, row groups come only roughly in theirs, and a stream, which DuckDB would
    // read with one thread for the sake of order, costs a third less.
    const split = source.bytes === undefined || source.bytes > size
    const path = split ? this.#nextPath() : `${this.#nextPath()}.parquet`
    const options = split ? [`FILE_SIZE_BYTES ${size}`, 'PRESERVE_ORDER false'] : []
    const files = await this.#copyTo(path, `SELECT ${columns.join(', ')} FROM ${source.sql}`, options, source)
    return readCopiedFiles(files, []).map((file) => this.#staged(file, values))
  }

  async #copyTo(path: string, select: string, options: readonly string[], source: CopySource) {
    const ids = fieldIds(this.#columns, this.#naming)
    const all = [
      'FORMAT parquet',
      `COMPRESSION ${this.#target.compression ?? 'zstd'}`,
      'PARQUET_VERSION V1',
      'RETURN_STATS',
      ...(ids === undefined ? [] : [`FIELD_IDS ${ids}`]),
      ...options,
    ]
    return this.#run(`COPY (${select}) TO ${quoteLiteral(path)} (${all.join(', ')})`, source, true)
  }

  async #run(sql: string, source: CopySource, small = false) {
    try {
      return await this.#connection.all(sql, source.params, { signal: this.#target.signal, files: source.files, small })
    } catch (failure) {
      throw readCheck(failure)
    }
  }

  #staged(file: CopiedFile, partitionValues: Readonly<Record<string, string | null>>): StagedFile {
    for (const column of this.#columns) {
      if (!column.checkNulls) continue
      const counted = file.statistics({ path: [column.physicalName], type: 'string', bounded: false })?.nullCount
      if (counted !== 0) throw notNullViolated(column.field.name)
    }
    const stats = spellStatistics(this.#statistics, file.rows, (leaf) => file.statistics(leaf))
    return { localPath: file.path, size: file.size, numRecords: file.rows, partitionValues, stats }
  }

  #partitionValues(texts: readonly (string | null)[]): Record<string, string | null> {
    const values = Object.create(null) as Record<string, string | null>
    for (const [index, column] of this.#partitions.entries()) {
      const text = texts[index] ?? null
      if (text === null && !column.field.nullable) throw notNullViolated(column.field.name)
      values[column.physicalName] = text
    }
    return values
  }

  #select(): string[] {
    return this.#columns.map((column) => `${column.sql} AS ${quoteIdentifier(column.physicalName)}`)
  }

  /** Quoted names for the partition keys that no data column has. */
  #keyNames(): string[] {
    const taken = new Set(this.#columns.map((column) => column.physicalName.toLowerCase()))
    return this.#partitions.map((_, index) => {
      let name = `key${index}`
      while (taken.has(name)) name = `_${name}`
      return quoteIdentifier(name)
    })
  }

  #fileSize(): number {
    return this.#target.targetFileSize ?? targetFileSize(this.#target.properties) ?? defaultFileSize
  }

  #nextPath(): string {
    return `${this.#staging.folder}/copy-${uuid()}`
  }
}

const defaultFileSize = 128 * 1024 * 1024
/** Partitions that are written side by side at most; DuckDB keeps a hundred files open. */
const sortAbove = 64
/** Bytes of a value that a folder is named by: percent-encoded they are three times as many. */
const longestKey = 60

function isText(column: ProjectedColumn): boolean {
  return column.field.type === 'string' || column.field.type === 'binary'
}

function readFolderKey(key: string | null, long: ReadonlyMap<string, string>): string | null {
  return key === null ? null : key.startsWith('v') ? key.slice(1) : long.get(key.slice(1))!
}

function unquoted(name: string): string {
  return name.slice(1, -1)
}
