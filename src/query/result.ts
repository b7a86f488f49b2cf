/**
 * The rows of a query. Nothing runs before the result is first read; it can be read once, as Arrow batches, as an Arrow table, as plain
 * objects, or into a file. A reader that stops early, or that is slow, stops or slows the query; an aborted signal ends it.
 */
import { basename, dirname, resolve } from 'node:path'
import type { RecordBatch, Schema, Table } from 'apache-arrow'
import { readFrom, type Traced } from '../data/input/traced.ts'
import { type BatchStream, type Connection, trustedEngine } from '../engine/index.ts'
import { AbortedError, QueryError, UsageError } from '../errors/index.ts'
import type { VersionInput } from '../log/actions.ts'
import { quoteLiteral } from '../schema/quoting.ts'
import { batchToRows, type Row } from '../schema/rows/rows.ts'
import { localStore, statInput } from '../storage/index.ts'
import { writeArrowFile } from './arrow-file.ts'
import { type Attempted, attempt, explained, type ReadTable } from './attempt.ts'
import type { Lease } from './closed-engines.ts'
import { type ReadVersion, versionsRead } from './read-from.ts'

/** A query that is ready to run. */
export interface PreparedQuery extends Attempted {
  /** The versions that it reads, those too whose files it need not open. Default: not known. */
  readonly origins?: readonly ReadVersion[] | undefined
  /** Whether it can stand in a COPY. */
  readonly copyable: boolean
  readonly tables: readonly ReadTable[]
  /** A connection to run it on. */
  lease(): Promise<Lease>
  release(): Promise<void>
}

/** Files that a result can be written to. */
export type ResultFormat = 'parquet' | 'arrow'

interface Running {
  readonly stream: BatchStream
  readonly query: PreparedQuery
  end(): Promise<void>
}

/** The rows of a query, to be read once. */
export class QueryResult implements AsyncIterable<RecordBatch>, Traced {
  readonly #prepare: (signal: AbortSignal | undefined) => Promise<PreparedQuery>
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  #running: Promise<Running> | undefined
  #taken = false

  /** @internal */
  constructor(prepare: (signal: AbortSignal | undefined) => Promise<PreparedQuery>, signal: AbortSignal | undefined) {
    this.#prepare = prepare
    this.#signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal])
  }

  /** The columns. Starts the query; its rows are still to be read. */
  async schema(): Promise<Schema> {
    return (await this.#start()).stream.schema
  }

  /** The rows as Arrow record batches of some 64k rows. Leaving the loop ends the query. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, undefined> {
    this.#take()
    yield* this.#read(await this.#start())
  }

  async *#read(running: Running): AsyncGenerator<RecordBatch, void, undefined> {
    try {
      this.#check()
      for await (const batch of running.stream) yield batch
      // A stream that was cancelled ends as if it were complete.
      if (this.#abort.signal.aborted) this.#check()
    } catch (error) {
      throw await explained(error, running.query)
    } finally {
      await running.end()
    }
  }

  /** All rows as one Arrow table. */
  async toArrow(): Promise<Table> {
    const { Table } = await import('apache-arrow')
    const schema = await this.schema()
    const batches: RecordBatch[] = []
    for await (const batch of this) batches.push(batch)
    return new Table(schema, batches)
  }

  /** All rows as plain objects (values as `schema/rows.ts` says). */
  async toArray(): Promise<Row[]> {
    this.#take()
    const running = await this.#start(true)
    const few = this.#signal.aborted ? undefined : await running.stream.fewRows()
    if (few !== undefined) {
      await running.end()
      return few
    }
    const rows: Row[] = []
    for await (const batch of this.#read(running)) for (const row of batchToRows(batch)) rows.push(row)
    return rows
  }

  /** The rows as plain objects, one after the other. */
  async *rows(): AsyncGenerator<Row, void, undefined> {
    for await (const batch of this) yield* batchToRows(batch)
  }

  /**
   * Writes the rows to a file, which appears under its name only when it is complete, and replaces what is there.
   * @returns how many rows were written. @throws StoreDeniedError, StoreFullError, besides all that reading throws
   */
  async writeTo(path: string, { format }: { readonly format: ResultFormat }): Promise<{ rows: number }> {
    const target = resolve(path)
    return format === 'parquet' ? this.#copyTo(target) : writeArrowFile(target, await this.schema(), this, this.#signal)
  }

  /** Ends the query. Reading it afterwards throws AbortedError. */
  async cancel(): Promise<void> {
    this.#abort.abort()
    const running = await this.#running?.catch(() => undefined)
    await running?.end()
  }

  /** @internal What was read, once the query has run. */
  async [readFrom](): Promise<readonly VersionInput[]> {
    const running = await this.#running?.catch(() => undefined)
    return versionsRead(running?.query.origins ?? [])
  }

  #check(): void {
    if (this.#signal.aborted) throw new AbortedError('The query', this.#signal.reason)
  }

  #take(): void {
    if (this.#taken) {
      throw new UsageError('INVALID_ARGUMENT', 'The result has been read already.', { remedy: 'Run the query again to read it again.' })
    }
    this.#taken = true
  }

  #start(whole = false): Promise<Running> {
    this.#running ??= this.#open(whole)
    return this.#running
  }

  async #open(whole: boolean): Promise<Running> {
    const query = await this.#ready()
    let lease: Lease | undefined
    try {
      lease = await query.lease()
      const { connection } = lease
      const stream = await attempt(query, query.small ? 'with parameters' : 'always', (sql, values) => {
        const unbound = Object.keys(values).length === 0
        // A plan's text is one SELECT, by the walk; asking DuckDB too would be to plan it twice.
        return connection.stream(sql, unbound ? undefined : values, {
          ...this.#options(query),
          small: query.small,
          readOnly: !(query.small && unbound),
          whole,
        })
      })
      let ended: Promise<void> | undefined
      const finish = async () => {
        await stream.cancel()
        await lease?.release()
        await query.release()
      }
      return {
        stream,
        query,
        end: () => {
          ended ??= finish()
          return ended
        },
      }
    } catch (error) {
      const failure = await explained(error, query)
      await lease?.release()
      await query.release()
      throw failure
    }
  }

  async #ready(): Promise<PreparedQuery> {
    this.#check()
    return this.#prepare(this.#signal)
  }

  #options(query: PreparedQuery) {
    return { signal: this.#signal, readOnly: true, files: query.tables.flatMap(({ pinned }) => pinned.paths) }
  }

  async #copyTo(target: string): Promise<{ rows: number }> {
    this.#take()
    const query = await this.#ready()
    const store = localStore(dirname(target))
    const staging = await store.stage()
    let connection: Connection | undefined
    try {
      if (!query.copyable) {
        throw new QueryError('SQL_REFUSED', 'EXPLAIN cannot be written as Parquet.', { remedy: 'Print it, or run the query itself.' })
      }
      connection = await (await trustedEngine()).connect()
      const open = connection
      const staged = `${staging.folder}/rows.parquet`
      const options = { ...this.#options(query), readOnly: false }
      const rows = await attempt(query, 'never', (sql, values) =>
        open.run(`COPY (${sql}) TO ${quoteLiteral(staged)} (FORMAT parquet, COMPRESSION zstd)`, values, options),
      )
      await store.put(basename(target), { path: staged, size: (await statInput(staged))?.size ?? 0 })
      return { rows }
    } catch (error) {
      throw await explained(error, query)
    } finally {
      await connection?.close()
      await staging.dispose()
      await query.release()
    }
  }
}
