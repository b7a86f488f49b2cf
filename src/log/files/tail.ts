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
import { forever, Spans } from './spans.ts'
import { noTotals, type Totals, toTotals, totalsSql } from './totals.ts'

/** Lines that were read, and their bytes. */
interface Read {
  readonly lines: number
  readonly bytes: number
  readonly changes?: Changes | undefined
}

/** What a load changed, where it was little: rows that came, and ends that they set. */
interface Changes {
  readonly added: { readonly id: number; readonly from: number }[]
  readonly ended: readonly { readonly id: number; readonly until: number }[]
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
  /** Rows of a load that failed half-way may be there, behind those that count. */
  #torn = false
  #spans: Spans | undefined

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
    const { lines, bytes, changes } = this.#made
      ? await this.#append(readLines(store, files, found, { firstId: first, signal }))
      : await this.#make(store, files, found, signal)
    this.#made = true
    this.rows += lines
    this.#textBytes += bytes
    small.push(...found)
    if (lines === 0) return
    this.#spans = this.#spans?.length === first && changes ? moved(this.#spans, changes) : undefined
    this.#addChunk(first)
  }

  async #make(store: ObjectStore, files: readonly LogFile[], small: SmallEntry[], signal: AbortSignal | undefined): Promise<Read> {
    const read = await insertLines(store, this.#connection, files, { table: `TABLE ${this.table}`, as: tailRows, small, signal })
    if (read.lines > 0) await this.#connection.run(endsSql(this.table, '0'))
    return read
  }

  /**
   * Others read the table meanwhile, of versions before these: neither rows that come nor ends that are set change what those have. Ids follow
   * the order of the lines, so what is more than one batch is gathered before.
   */
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
      const changes = await this.#insert((fresh) => this.#insertFew(few, fresh))
      return { lines: first.value.numRows, bytes: bytesOf(first.value), changes }
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

  /**
   * Adds rows, the first with the id that `work` is given, and ends by them what they end. It is no transaction of the engine, which a question
   * of somebody else on the connection could fail: rows that a failure leaves are taken out before the next come.
   */
  async #insert<T>(work: (first: number) => Promise<T>): Promise<T> {
    if (this.#torn) await this.#connection.run(`DELETE FROM ${this.table} WHERE id >= ${this.rows}`)
    this.#torn = true
    const done = await work(this.rows)
    this.#torn = false
    return done
  }

  /** A commit follows a commit, and planning the statements takes longer than running them on a few lines: they are kept. */
  async #insertFew(lines: FewLines, first: number): Promise<Changes> {
    const rows = tailRows(
      lineActions('(SELECT unnest($ids::BIGINT[]) AS id, unnest($versions::BIGINT[]) AS version, unnest($lines::VARCHAR[]) AS line)'),
    )
    const told = `RETURNING id::DOUBLE AS id, (CASE WHEN added THEN version ELSE ${forever} END)::DOUBLE AS "from"`
    const added = await this.#connection.all(`INSERT INTO ${this.table} ${rows} ${told}`, { ...lines }, { kept: true })
    // An UPDATE that returned its rows would write them anew, and they are to stay where they are.
    const ended = await this.#connection.all(nextSql(this.table, '$first::BIGINT'), { first: BigInt(first) }, { kept: true })
    if (ended.length > 0) {
      await this.#connection.all(
        updateSql(this.table, 'SELECT unnest($ids::DOUBLE[]) AS id, unnest($until::DOUBLE[]) AS until'),
        { ids: ended.map(({ id }) => Number(id)), until: ended.map(({ until }) => Number(until)) },
        { kept: true },
      )
    }
    return { added, ended } as unknown as Changes
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
    this.#spans = undefined
    this.rows = Number(row?.actions)
    this.#textBytes += other.#textBytes
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
        const files = (await this.#readSpans()).live(places, version)
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

  async #readSpans(): Promise<Spans> {
    if (this.#spans) return this.#spans
    const { rows, table } = this
    const [from, until] = await readColumns(
      `SELECT (CASE WHEN added THEN version ELSE ${forever} END)::DOUBLE AS version, until::DOUBLE AS until FROM ${table} WHERE id < ${rows} ORDER BY id`,
      2,
    )
    const spans = new Spans(from!, until!)
    // What a load that has not ended sets meanwhile, it sets here too.
    if (this.rows === rows) this.#spans = spans
    return spans
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

/** The spans with what a load changed. */
function moved(spans: Spans, { added, ended }: Changes): Spans {
  for (const { from } of added.sort((one, other) => one.id - other.id)) spans.push(from)
  for (const { id, until } of ended) spans.end(id, until)
  return spans
}

/** Ends actions by later ones of their key; `first` is the id of the first that is new. */
function endsSql(table: string, first: string): string {
  return updateSql(table, nextSql(table, first))
}

/** The actions that later ones of their key end, and the versions of those. Of one version the add comes last. */
function nextSql(table: string, first: string): string {
  const touched = first === '0' ? '' : `SEMI JOIN (SELECT key, vector FROM ${table} WHERE id >= ${first}) AS new USING (key, vector)`
  const next = `SELECT id, lead(version) OVER (PARTITION BY key, vector ORDER BY version, added, id) AS until FROM ${table} ${touched} WHERE until = ${forever}`
  return `SELECT id::DOUBLE AS id, until::DOUBLE AS until FROM (${next}) WHERE until IS NOT NULL`
}

function updateSql(table: string, ends: string): string {
  return `UPDATE ${table} SET until = ends.until::BIGINT FROM (${ends}) AS ends WHERE ${table}.id = ends.id::BIGINT`
}
