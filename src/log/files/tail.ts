/**
 * The file actions of commits in a table of the engine, in the order in which they were read, each with the version of the next action of
 * its key. More are added behind, which ends some of those before; a row stays where it is.
 */
import type { Connection } from '../../engine/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { readColumns } from './columns.ts'
import type { FileColumn, FileRows, ListPart } from './file-rows.ts'
import { numRecordsOf } from './file-rows.ts'
import type { LogFile, SmallEntry } from './log-lines.ts'
import { insertLines } from './segment-actions.ts'
import { noTotals, type Totals, toTotals, totalsSql } from './totals.ts'

/** What an action is until, where nothing ends it. */
const forever = Number.MAX_SAFE_INTEGER

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
    const { table } = this
    const first = this.rows
    const fresh = !this.#made
    const into = fresh ? table : 'fresh_actions'
    const found: SmallEntry[] = []
    const target = { table: fresh ? `TABLE ${into}` : `TEMP TABLE ${into}`, as: tailRows, small: found, firstId: first, signal }
    try {
      const { lines, bytes } = await insertLines(store, this.#connection, files, target)
      if (lines > 0)
        await this.#connection.run(`BEGIN; ${fresh ? '' : `INSERT INTO ${table} FROM ${into};`} ${endsSql(table, first)} COMMIT`)
      this.#made = true
      this.rows += lines
      this.#textBytes += bytes
    } catch (error) {
      await this.#connection.run('ROLLBACK').catch(() => undefined)
      throw error
    } finally {
      if (!fresh) await this.#connection.run(`DROP TABLE IF EXISTS ${into}`)
    }
    small.push(...found)
    this.#spans = undefined
    if (this.rows > first) this.#addChunk(first)
  }

  /** Adds the actions of versions after one that another holds, all of which follow those that are there. Its files are not read again. */
  async adopt(other: Tail, after: number): Promise<void> {
    const { table } = this
    const first = this.rows
    const before = `(SELECT count(*) FROM ${other.table} WHERE version <= ${after})`
    try {
      await this.#connection.run(
        `BEGIN; INSERT INTO ${table} SELECT * REPLACE (id - ${before} + ${first} AS id, ${forever} AS until) FROM ${other.table} WHERE version > ${after} ORDER BY id;
         ${endsSql(table, first)} COMMIT`,
      )
    } catch (error) {
      await this.#connection.run('ROLLBACK').catch(() => undefined)
      throw error
    }
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
      where: { kind: 'rows', sql: `version <= ${version} AND until > ${version}` },
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

  /** No files. */
  get none(): FileRows {
    return new Chunk(this.table, 0, 0)
  }

  /** Totals of the files that these commits added and a version has. */
  async totals(version: number): Promise<Totals> {
    if (this.rows === 0) return noTotals
    const [row] = await this.#connection.all(
      `SELECT ${totalsSql} FROM (SELECT size, num_records, coalesce(deletion_vector.cardinality, 0) AS deleted FROM ${this.table}
       WHERE added AND version <= ${version} AND until > ${version})`,
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
function endsSql(table: string, first: number): string {
  const next = `SELECT id, lead(version) OVER (PARTITION BY key, vector ORDER BY version, added, id) AS until FROM ${table} WHERE id >= ${first}`
  const inside = `UPDATE ${table} SET until = next.until FROM (${next}) AS next WHERE ${table}.id = next.id AND next.until IS NOT NULL;`
  if (first === 0) return inside
  return `${inside} UPDATE ${table} SET until = new.version FROM (SELECT key, vector, min(version) AS version FROM ${table} WHERE id >= ${first} GROUP BY ALL) AS new
    WHERE ${table}.id < ${first} AND ${table}.until = ${forever} AND ${table}.key = new.key AND ${table}.vector = new.vector;`
}
