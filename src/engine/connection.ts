/**
 * A connection to an engine: the only way to run SQL. It does one thing at a time: calls wait for each other in order, and while a
 * stream is open every other call is refused, since it would wait for ever where the same task reads the stream.
 *
 * Failures are Varve's errors (failures.ts); an aborted signal interrupts the running query. Results of {@link Connection.all} are
 * small by contract; everything else comes as Arrow batches.
 */
import type { RecordBatch, Schema } from 'apache-arrow'
import { AbortedError, QueryError, UsageError } from '../errors/index.ts'
import type { DataType } from '../schema/types.ts'
import type { BatchRegistry } from './arrow/arrow-in.ts'
import { type BatchStream, openBatchStream } from './arrow/arrow-out.ts'
import type { Binding } from './binding.ts'
import { castForCodec, needsCast, readable } from './casts.ts'
import { toVarveError } from './failures.ts'
import { bindParameters, type Parameters } from './parameters.ts'
import { columnsOfPrepared, columnsOfResult, type NativeResult, type NativeStatement, rowsOfResult } from './results.ts'
import { type EngineField, toDataType, toSqlSpelling, type Unsupported } from './types.ts'

/** Types whose values all take the same room in a vector. */
const fixedTypes: ReadonlySet<string> = new Set([
  ...['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'FLOAT', 'DOUBLE', 'DECIMAL'],
  ...['DATE', 'TIMESTAMP', 'TIMESTAMP_TZ'],
])

/** Bytes that a stream runs ahead of its reader as DuckDB has it. */
const leastAhead = 1_000_000

type NativeConnection = Awaited<ReturnType<Binding['connect']>>

/** Options of one statement. */
export interface QueryOptions {
  /** Interrupts the statement. */
  readonly signal?: AbortSignal | undefined
  /** Refuses a statement that is not a single SELECT (or EXPLAIN). Default: `false`. */
  readonly readOnly?: boolean | undefined
  /** Local paths that the statement reads, so that a failure is told as that file's (see failures.ts). */
  readonly files?: readonly string[] | undefined
  /**
   * Runs a statement without parameters at once and keeps its result, which the caller knows to be small, and the text to be one SELECT,
   * or a COPY that tells what it wrote.
   * It saves DuckDB planning twice what reads files. Without effect beside `readOnly`, which looks at the plan. Default: `false`.
   */
  readonly small?: boolean | undefined
  /**
   * Keeps the statement prepared for the next time, as long as the connection lives: for the few texts of our own that run again and again
   * and whose columns the codec reads as they are. Default: `false`.
   */
  readonly kept?: boolean | undefined
}

/** A column of a result: its name, Delta's type for it, and DuckDB's spelling of its type. */
export interface ColumnDescription {
  readonly name: string
  readonly type: DataType | Unsupported
  readonly sqlType: string
}

/** A statement that has begun to run: its columns as the codec reads them, and the SQL that ran in the end. */
interface Execution {
  readonly result: NativeResult
  readonly columns: readonly EngineField[]
  readonly executed: string
}

/** What a connection needs to know of its engine. */
export interface ConnectionHost {
  readonly batches: BatchRegistry
  /** How many bytes the query of a stream may run ahead of its reader. */
  readonly aheadBytes: number
  /** Told each failure of the binding, so that an instance that is of no more use is not used again. */
  failed(failure: unknown): void
  /** Told when the connection is closed. */
  closed(connection: Connection): void
}

/** A connection. Made by `Engine.connect`. */
export class Connection {
  readonly #binding: Binding
  readonly #native: NativeConnection
  readonly #host: ConnectionHost
  #tail: Promise<unknown> = Promise.resolve()
  #stream: BatchStream | undefined
  #closing: Promise<void> | undefined
  readonly #kept = new Map<string, NativeStatement>()
  #ahead = leastAhead

  constructor(binding: Binding, native: NativeConnection, host: ConnectionHost) {
    this.#binding = binding
    this.#native = native
    this.#host = host
  }

  /**
   * Runs statements for their effect; several, separated by semicolons, where there are no parameters.
   * @returns how many rows the last one changed. @throws QueryError, ValueError, DataFileError, StoreFullError, AbortedError
   */
  run(sql: string, parameters?: Parameters, options: QueryOptions = {}): Promise<number> {
    return this.#exclusive(options, async () => {
      const result =
        hasNone(parameters) && options.readOnly !== true
          ? await this.#binding.query(this.#native, checkText(sql))
          : (await this.#execute(sql, parameters, options, false)).result
      return this.#binding.rows_changed(result)
    })
  }

  /** The rows of one statement as objects (values.ts), all at once: for small results. @throws as {@link Connection.run} */
  all(sql: string, parameters?: Parameters, options: QueryOptions = {}): Promise<Record<string, unknown>[]> {
    return this.#exclusive(options, async () => {
      const { result, columns } = await this.#execute(sql, parameters, options, false)
      return rowsOfResult(this.#binding, result, columns)
    })
  }

  /**
   * The columns that a query would give, without running it.
   * @throws as {@link Connection.run}
   */
  describe(sql: string, parameters?: Parameters, options: QueryOptions = {}): Promise<ColumnDescription[]> {
    return this.#exclusive(options, async () => {
      const columns =
        (parameters === undefined ? await this.#plannedColumns(sql, options) : undefined) ??
        (await this.#boundColumns(sql, parameters, options))
      return columns.map(({ name, type }) => ({
        name,
        type: toDataType(type),
        // Names that JSON can have inside of a value, and SQL cannot, are no matter to who does not spell the type.
        get sqlType() {
          return toSqlSpelling(type)
        },
      }))
    })
  }

  /**
   * Starts a query and gives its rows as Arrow batches, fetched as they are asked for. The stream has the connection to itself until it
   * has ended, failed, or been cancelled.
   * @param options.batchRows The rows of a batch; fewer where rows are wide. Default: 65,536.
   * @param options.whole Lets the query end before the first row is read, for who wants all rows in memory at once: a query that leaves
   * few of many rows gives them a handful at a time otherwise, and waits for its reader each time. Default: `false`.
   * @throws as {@link Connection.run}, here or while iterating
   */
  stream(
    sql: string,
    parameters?: Parameters,
    options: QueryOptions & { readonly batchRows?: number; readonly whole?: boolean } = {},
  ): Promise<BatchStream> {
    return this.#exclusive(options, async () => {
      const { result, executed, columns } = await this.#execute(sql, parameters, options, options.whole !== true)
      const stream = await openBatchStream({
        binding: this.#binding,
        result,
        columns,
        batchRows: options.batchRows ?? 65_536,
        guard: (work) => this.#guard(options, work),
        interrupt: () => this.#binding.interrupt(this.#native),
        fail: () => this.#findFailure(executed, parameters),
        release: async (finished) => {
          this.#stream = undefined
          // Only a statement that follows makes DuckDB let go of what an unfinished one holds.
          if (!finished) await this.#binding.query(this.#native, 'SELECT 1').catch(() => undefined)
        },
      })
      this.#stream = stream
      return stream
    })
  }

  /**
   * Lets DuckDB scan Arrow batches: `use` gets a table expression for a FROM clause that gives the rows once, in order. Batches are taken
   * from the iterable as DuckDB asks, so memory stays bounded. A COPY that need not keep the order should say so (`PRESERVE_ORDER false`): it
   * then compresses on every core, and rows stay in order within a row group. @throws what the iterable throws, and as {@link Connection.run}
   */
  async withBatches<T>(schema: Schema, batches: Iterable<RecordBatch>, use: (relation: string) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closedConnection()
    const source = this.#host.batches.add(this.#native, schema, batches)
    try {
      return await use(source.relation)
    } catch (error) {
      throw source.failure ?? error
    } finally {
      source.release()
    }
  }

  /** Interrupts what runs, waits for it to end, and disconnects. Closing again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const timer = this.#keepInterrupting()
    await this.#stream?.cancel()
    await this.#tail.catch(() => undefined)
    clearInterval(timer)
    for (const statement of this.#kept.values()) this.#binding.destroy_prepare_sync(statement)
    this.#binding.disconnect_sync(this.#native)
    this.#host.closed(this)
  }

  #keepInterrupting(): NodeJS.Timeout {
    this.#binding.interrupt(this.#native)
    // An interrupt before a statement has begun to run is lost, so one is not enough.
    return setInterval(() => this.#binding.interrupt(this.#native), 5)
  }

  #exclusive<T>(options: QueryOptions, work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(() => {
      if (this.#closing !== undefined) throw closedConnection()
      if (this.#stream !== undefined) throw busyConnection()
      return this.#guard(options, work)
    })
    this.#tail = turn.catch(() => undefined)
    return turn
  }

  /** Runs work that the signal may interrupt, and tells failures as Varve's errors. */
  async #guard<T>(options: QueryOptions, work: () => Promise<T>): Promise<T> {
    const { signal } = options
    if (signal?.aborted) throw new AbortedError('The query', signal.reason)
    let timer: NodeJS.Timeout | undefined
    const abort = () => {
      timer = this.#keepInterrupting()
    }
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await work()
    } catch (failure) {
      this.#host.failed(failure)
      throw toVarveError(failure, options)
    } finally {
      signal?.removeEventListener('abort', abort)
      clearInterval(timer)
    }
  }

  /**
   * DuckDB counts of the rows that wait for their reader the fixed part alone, so how far it runs ahead is bounded in memory only where no
   * value is of variable length; elsewhere it is its own 1 MB, with which threads wait for the reader, and one does the work of all.
   */
  async #letRunAhead(columns: readonly EngineField[]): Promise<void> {
    const bytes = columns.length > 0 && columns.every(({ type }) => fixedTypes.has(type.name)) ? this.#host.aheadBytes : leastAhead
    if (bytes === this.#ahead) return
    await this.#binding.query(this.#native, `SET streaming_buffer_size = '${bytes}B'`)
    this.#ahead = bytes
  }

  async #execute(sql: string, parameters: Parameters | undefined, options: QueryOptions, streaming: boolean): Promise<Execution> {
    if (options.small === true && hasNone(parameters) && options.readOnly !== true) {
      const result = await this.#binding.query(this.#native, checkText(sql))
      const columns = columnsOfResult(this.#binding, result)
      if (!columns.some((column) => needsCast(column.type))) return { result, columns, executed: sql }
    }
    if (options.kept === true) {
      const statement = this.#kept.get(sql) ?? (await this.#prepare(sql, options))
      this.#kept.set(sql, statement)
      const result = await this.#executePrepared(statement, parameters, false)
      return { result, columns: columnsOfResult(this.#binding, result), executed: sql }
    }
    const streams = streaming && options.small !== true
    const prepared = await this.#prepare(sql, options)
    let cast: string | undefined
    let columns: EngineField[] = []
    try {
      const planned = columnsOfPrepared(this.#binding, prepared)
      columns = planned ?? []
      cast = castForCodec(sql, columns)
      if (cast === undefined) {
        if (streams) await this.#letRunAhead(columns)
        const result = await this.#executePrepared(prepared, parameters, streams)
        columns = columnsOfResult(this.#binding, result)
        // With parameters, types may be settled only when they are bound.
        if (!columns.some((column) => needsCast(column.type))) return { result, columns, executed: sql }
        cast = castForCodec(sql, columns)!
      }
    } finally {
      this.#binding.destroy_prepare_sync(prepared)
    }
    const again = await this.#prepare(cast, {})
    try {
      if (streams) await this.#letRunAhead([])
      const result = await this.#executePrepared(again, parameters, streams)
      return { result, columns: columns.map(({ name, type }) => ({ name, type: readable(type) })), executed: cast }
    } catch (failure) {
      this.#host.failed(failure)
      throw toVarveError(failure, { ...options, linesBefore: 1 })
    } finally {
      this.#binding.destroy_prepare_sync(again)
    }
  }

  /**
   * Finds out why a streaming result failed: the same rows once more, into an aggregate that needs every value and keeps none.
   */
  async #findFailure(sql: string, parameters: Parameters | undefined): Promise<never> {
    const prepared = await this.#prepare(`SELECT bit_xor(hash(COLUMNS(*))) FROM (\n${sql.replace(/[;\s]+$/, '')}\n)`, {})
    try {
      await this.#executePrepared(prepared, parameters, false)
    } finally {
      this.#binding.destroy_prepare_sync(prepared)
    }
    throw new QueryError('SQL_ERROR', 'The query failed while its rows were read.', { remedy: 'Run it again.' })
  }

  async #prepare(sql: string, options: QueryOptions) {
    const prepared = await this.#binding.prepare(this.#native, checkText(sql))
    if (options.readOnly === true) {
      const type = this.#binding.prepared_statement_type(prepared)
      if (type !== this.#binding.StatementType.SELECT && type !== this.#binding.StatementType.EXPLAIN) {
        this.#binding.destroy_prepare_sync(prepared)
        throw new QueryError('SQL_NOT_READ_ONLY', 'The statement is not a query: it would change something.', {
          remedy: 'Ask with SELECT; the verbs of the library and the command line write.',
        })
      }
    }
    return prepared
  }

  #executePrepared(prepared: NativeStatement, parameters: Parameters | undefined, streaming: boolean) {
    if (parameters !== undefined) bindParameters(this.#binding, prepared, parameters)
    return streaming ? this.#binding.execute_prepared_streaming(prepared) : this.#binding.execute_prepared(prepared)
  }

  async #plannedColumns(sql: string, options: QueryOptions): Promise<EngineField[] | undefined> {
    const prepared = await this.#prepare(sql, options)
    try {
      return columnsOfPrepared(this.#binding, prepared)
    } finally {
      this.#binding.destroy_prepare_sync(prepared)
    }
  }

  async #boundColumns(sql: string, parameters: Parameters | undefined, options: QueryOptions): Promise<EngineField[]> {
    const prepared = await this.#prepare(`FROM (\n${sql.replace(/[;\s]+$/, '')}\n) LIMIT 0`, options)
    try {
      return columnsOfResult(this.#binding, await this.#executePrepared(prepared, parameters, false))
    } finally {
      this.#binding.destroy_prepare_sync(prepared)
    }
  }
}

function hasNone(parameters: Parameters | undefined): boolean {
  return parameters === undefined || Object.keys(parameters).length === 0
}

/** DuckDB takes SQL up to the first NUL, in silence. */
function checkText(sql: string): string {
  if (sql.includes('\0'))
    throw new QueryError('SQL_ERROR', 'The SQL holds a NUL character.', { remedy: 'Take it out, or bind it in a parameter.' })
  return sql
}

function closedConnection(): UsageError {
  return new UsageError('INVALID_ARGUMENT', 'The connection is closed.', { remedy: 'Open it again.' })
}

function busyConnection(): UsageError {
  return new UsageError('INVALID_ARGUMENT', 'A stream of this connection is still open.', {
    remedy: 'Read the stream to its end or cancel it first, or use a second connection.',
  })
}
