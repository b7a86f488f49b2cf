/**
 * The file actions of commits in a table of the engine, in the order in which they were read, each with the version of the next action of
 * its key. More are added behind, which ends some of those before; a row stays where it is.
 */
import type { RecordBatch } from 'apache-arrow'
import type { Connection } from '../../engine/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { lineActions } from '../replay.ts'
import { readColumns } from './columns.ts'
import type { FileColumn, FileRows, ListPart } from './file-rows.ts'
import { numRecordsOf } from './file-rows.ts'
import { bytesOf, type LogFile, lineSchema, readLines, type SmallEntry } from './log-lines.ts'
import { insertLines } from './segment-actions.ts'
import { noTotals, type Totals, toTotals, totalsSql } from './totals.ts'

/** What an action is until, where nothing ends it. */
const forever = Number.MAX_SAFE_INTEGER

/** Lines that were read, and their bytes. */
interface Read {
  readonly lines: number
  readonly bytes: number
}

/** Lines as parameters. */
interface FewLines {
  readonly ids: readonly bigint[]
  readonly versions: readonly bigint[]
  readonly lines: readonly string[]
}

/** Lines, and bytes of them, up to which they are few. */
const mostFew = 256
const fewBytes = 1 << 18

/** What is kept of an action; of a removal nothing but its key. */
function tailRows(actions: string): string {
  const added = (value: string, name: string) => `CASE WHEN added THEN ${value} END AS ${name}`
  return `SELECT id, version, ${forever} AS until, added, key, vector, ${[
    added('nullif(path, key)', 'spelling'),
    added('"partitionValues"', 'partition_values'),
    added('size', 'size'),
    added('"modificationTime"', 'modification_time'),
    added('stats', 'stats'),
    added(numRecordsOf('stats'), 'num_records'),
    added('"deletionVector"', 'deletion_vector'),
    added('"baseRowId"', 'base_row_id'),
    added('"defaultRowCommitVersion"', 'default_row_commit_version'),
    added('tags', 'tags'),
    added('"clusteringProvider"', 'clustering_provider'),
  ].join(', ')} FROM (${actions})`
}

/** Rows of the table that are looked at together. */
class Chunk implements FileRows {
  readonly from: string
  readonly place = 'id'
  readonly json = 'stats'
  readonly columns: Readonly<Record<FileColumn, string>> = {
    path: 'key',
    spelling: 'coalesce(spelling, key)',
    partition_values: 'partition_values',
    size: 'size',
    modification_time: 'modification_time',
    stats: 'stats',
    num_records: 'num_records',
    deletion_vector: 'deletion_vector',
    base_row_id: 'base_row_id',
    default_row_commit_version: 'default_row_commit_version',
    tags: 'tags',
    clustering_provider: 'clustering_provider',
  }
  readonly first: number
  readonly end: number
  bytes = 0
  /** Which files a version has, as asked last. */
  live: { readonly version: number; readonly places: Float64Array; readonly files: Uint8Array | undefined } | undefined

  constructor(table: string, first: number, end: number) {
    this.first = first
    this.end = end
    this.from = `${table} WHERE added AND id >= ${first} AND id < ${end}`
  }

  at(places: readonly number[]): string {
    return `id IN (${places.join(', ')})`
  }

  keep(bytes: number): void {
    this.bytes += bytes
  }
}

/** The commits of a stretch of history. */
export class Tail {
  readonly table: string
  rows = 0
  readonly #connection: Connection
  #chunks: Chunk[] = []
  #textBytes = 0
  #made = false
  /** By id: the version of an add, `forever` of a removal; and the version that ends it. */
  #spans: Promise<Float64Array[]> | undefined

  constructor(connection: Connection, table: string) {
    this.#connection = connection
    this.table = table
  }

  get bytes(): number {
    return this.#textBytes * 2 + this.rows * 64 + this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
  }

  /** Adds the actions of files of the log, which follow those that are there. */
  async load(store: ObjectStore, files: readonly LogFile[], small: SmallEntry[], signal?: AbortSignal): Promise<void> {
    const first = this.rows
    const found: SmallEntry[] = []
    const { lines, bytes } = this.#made
      ? await this.#append(readLines(store, files, found, { firstId: first, signal }))
      : await this.#make(store, files, found, signal)
    this.#made = true
    this.rows += lines
    this.#textBytes += bytes
    small.push(...found)
    this.#spans = undefined
    if (this.rows > first) this.#addChunk(first)
  }

  async #make(store: ObjectStore, files: readonly LogFile[], small: SmallEntry[], signal: AbortSignal | undefined): Promise<Read> {
    const read = await insertLines(store, this.#connection, files, { table: `TABLE ${this.table}`, as: tailRows, small, signal })
    if (read.lines > 0) await this.#connection.run(endsSql(this.table, '0'))
    return read
  }

  /** Others read the table meanwhile, so all that is new comes in at once: what is more than one batch is gathered before. */
  async #append(batches: AsyncGenerator<RecordBatch>): Promise<Read> {
    const connection = this.#connection
    const read = { lines: 0, bytes: 0 }
    const insert = (rows: string) =>
      this.#insert((fresh) => connection.run(`INSERT INTO ${this.table} ${rows}; ${endsSql(this.table, `${fresh}`)}`))
    const insertBatch = (batch: RecordBatch, use: (rows: string) => Promise<unknown>) => {
      read.lines += batch.numRows
      read.bytes += bytesOf(batch)
      return connection.withBatches(lineSchema, [batch], (relation) => use(tailRows(lineActions(relation))))
    }
    const first = await batches.next()
    if (first.done) return read
    const second = await batches.next()
    const few = second.done ? fewLines(first.value) : undefined
    if (few) {
      await this.#insert((fresh) => this.#insertFew(few, fresh))
      return { lines: first.value.numRows, bytes: bytesOf(first.value) }
    }
    if (second.done) {
      await insertBatch(first.value, insert)
      return read
    }
    const gathered = 'fresh_actions'
    try {
      await insertBatch(first.value, (rows) => connection.run(`CREATE TEMP TABLE ${gathered} AS ${rows}`))
      const gather = (batch: RecordBatch) => insertBatch(batch, (rows) => connection.run(`INSERT INTO ${gathered} ${rows}`))
      await gather(second.value)
      for await (const batch of batches) await gather(batch)
      await insert(`SELECT * FROM ${gathered}`)
      return read
    } finally {
      await connection.run(`DROP TABLE IF EXISTS ${gathered}`)
    }
  }

  /** Adds rows, the first with the id that `work` is given, and ends by them what they end: all at once. */
  async #insert(work: (first: number) => Promise<unknown>): Promise<void> {
    await this.#connection.run('BEGIN')
    try {
      await work(this.rows)
      await this.#connection.run('COMMIT')
    } catch (error) {
      await this.#connection.run('ROLLBACK').catch(() => undefined)
      throw error
    }
  }

  /** A commit follows a commit, and planning the statements takes longer than running them on a few lines: they are kept. */
  async #insertFew(lines: FewLines, first: number): Promise<void> {
    const rows = tailRows(
      lineActions('(SELECT unnest($ids::BIGINT[]) AS id, unnest($versions::BIGINT[]) AS version, unnest($lines::VARCHAR[]) AS line)'),
    )
    await this.#connection.all(`INSERT INTO ${this.table} ${rows}`, { ...lines }, { kept: true })
    await this.#connection.all(endsSql(this.table, '$first::BIGINT'), { first: BigInt(first) }, { kept: true })
  }

  /** Adds the actions of versions after one that another holds, all of which follow those that are there. Its files are not read again. */
  async adopt(other: Tail, after: number): Promise<void> {
    const { table } = this
    const first = this.rows
    const before = `(SELECT count(*) FROM ${other.table} WHERE version <= ${after})`
    const ids = `id - ${before} + ${first} AS id, ${forever} AS until`
    await this.#insert((fresh) =>
      this.#connection.run(
        `INSERT INTO ${table} SELECT * REPLACE (${ids}) FROM ${other.table} WHERE version > ${after} ORDER BY id; ${endsSql(table, `${fresh}`)}`,
      ),
    )
    const [row] = await this.#connection.all(`SELECT count(*) AS actions FROM ${table}`)
    this.rows = Number(row?.actions)
    this.#textBytes += other.#textBytes
    this.#spans = undefined
    if (this.rows > first) this.#addChunk(first)
  }

  /** The files of these commits that a version has. */
  parts(version: number): ListPart[] {
    return this.#chunks.map((rows) => ({
      rows,
      where: { kind: 'rows', sql: existsAt(version) },
      live: async (places) => {
        // Nothing that comes later changes what a version has.
        if (rows.live?.version === version && rows.live.places === places) return rows.live.files
        const [from, until] = (await this.#readSpans()) as [Float64Array, Float64Array]
        const files = liveFiles(places, from, until, version)
        rows.live = { version, places, files }
        return files
      },
    }))
  }

  /** The same files as one relation. */
  whole(version: number): Pick<ListPart, 'rows' | 'where'> {
    return { rows: new Chunk(this.table, 0, this.rows), where: { kind: 'rows', sql: existsAt(version) } }
  }

  /** Totals of the files that these commits added and a version has. */
  async totals(version: number): Promise<Totals> {
    if (this.rows === 0) return noTotals
    const [row] = await this.#connection.all(
      `SELECT ${totalsSql} FROM (SELECT size, num_records, coalesce(deletion_vector.cardinality, 0) AS deleted FROM ${this.table}
       WHERE added AND ${existsAt(version)})`,
    )
    return toTotals(row)
  }

  async actionsUpTo(version: number): Promise<number> {
    const [row] = await this.#connection.all(`SELECT count(*) AS actions FROM ${this.table} WHERE version <= ${version}`)
    return Number(row?.actions)
  }

  #readSpans(): Promise<Float64Array[]> {
    this.#spans ??= readColumns(
      `SELECT (CASE WHEN added THEN version ELSE ${forever} END)::DOUBLE AS version, until::DOUBLE AS until FROM ${this.table} ORDER BY id`,
      2,
    )
    return this.#spans
  }

  /** Chunks grow by what follows them, so that there are few, and what was read of most stays. */
  #addChunk(first: number): void {
    let begin = first
    while (this.#chunks.length > 0) {
      const before = this.#chunks.at(-1)!
      if (before.end - before.first > 2 * (this.rows - begin)) break
      begin = before.first
      this.#chunks.pop()
    }
    this.#chunks.push(new Chunk(this.table, begin, this.rows))
  }
}

/** The lines of a batch, where they are few; a line with a NUL, which is no JSON, is for whoever says so. */
function fewLines(batch: RecordBatch): FewLines | undefined {
  if (batch.numRows > mostFew || bytesOf(batch) > fewBytes) return undefined
  const column = <T>(index: number): T[] => [...batch.getChildAt(index)!] as T[]
  const lines = column<string>(2)
  return lines.some((line) => line.includes('\0')) ? undefined : { ids: column(0), versions: column(1), lines }
}

function existsAt(version: number): string {
  return `version <= ${version} AND until > ${version}`
}

/** 1 where a version has the file, by its place; `undefined` where it has all. */
function liveFiles(places: Float64Array, from: Float64Array, until: Float64Array, version: number): Uint8Array | undefined {
  const live = new Uint8Array(places.length)
  let all = true
  for (let i = 0; i < places.length; i++) {
    const id = places[i]!
    if (from[id]! <= version && until[id]! > version) live[i] = 1
    else all = false
  }
  return all ? undefined : live
}

/** Ends actions by later ones of their key; `first` is the id of the first that is new. Of one version the add comes last. */
function endsSql(table: string, first: string): string {
  const touched = first === '0' ? '' : `SEMI JOIN (SELECT key, vector FROM ${table} WHERE id >= ${first}) AS new USING (key, vector)`
  const next = `SELECT id, lead(version) OVER (PARTITION BY key, vector ORDER BY version, added, id) AS until FROM ${table} ${touched} WHERE until = ${forever}`
  return `UPDATE ${table} SET until = next.until FROM (${next}) AS next WHERE ${table}.id = next.id AND next.until IS NOT NULL`
}
