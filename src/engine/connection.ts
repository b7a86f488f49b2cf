/**
 * A connection to an engine: the only way to run SQL. It does one thing at a time: calls wait for each other in order, and while a
 * stream is open every other call is refused, since it would wait for ever where the same task reads the stream.
 *
 * Failures are Varve's errors (failures.ts); an aborted signal interrupts the running query. Results of {@link Connection.all} are
 * small by contract; everything else comes as Arrow batches.
 */
import type { RecordBatch, Schema } from 'apache-arrow'
import { AbortedError, UsageError } from '../errors/index.ts'
import type { DataType } from '../schema/types.ts'
import type { BatchRegistry } from './arrow/arrow-in.ts'
import { type BatchStream, openBatchStream } from './arrow/arrow-out.ts'
import type { Binding } from './binding.ts'
import { toVarveError } from './failures.ts'
import type { Parameters } from './parameters.ts'
import { rowsOfResult } from './results.ts'
import { checkText, hasNone, type NativeConnection, type QueryOptions, Statements } from './statements.ts'
import { toDataType, toSqlSpelling, type Unsupported } from './types.ts'

/** A column of a result: its name, Delta's type for it, and DuckDB's spelling of its type. */
export interface ColumnDescription {
  readonly name: string
  readonly type: DataType | Unsupported
  readonly sqlType: string
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
  readonly #statements: Statements
  #tail: Promise<unknown> = Promise.resolve()
  #stream: BatchStream | undefined
  #closing: Promise<void> | undefined

  constructor(binding: Binding, native: NativeConnection, host: ConnectionHost) {
    this.#binding = binding
    this.#native = native
    this.#host = host
    this.#statements = new Statements(binding, native, host)
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
          : (await this.#statements.execute(sql, parameters, options, false)).result
      return this.#binding.rows_changed(result)
    })
  }

  /** The rows of one statement as objects (values.ts), all at once: for small results. @throws as {@link Connection.run} */
  all(sql: string, parameters?: Parameters, options: QueryOptions = {}): Promise<Record<string, unknown>[]> {
    return this.#exclusive(options, async () => {
      const { result, columns } = await this.#statements.execute(sql, parameters, options, false)
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
        (parameters === undefined ? await this.#statements.plannedColumns(sql, options) : undefined) ??
        (await this.#statements.boundColumns(sql, parameters, options))
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
      const { result, executed, columns } = await this.#statements.execute(sql, parameters, options, options.whole !== true)
      const stream = await openBatchStream({
        binding: this.#binding,
        result,
        columns,
        batchRows: options.batchRows ?? 65_536,
        guard: (work) => this.#guard(options, work),
        interrupt: () => this.#binding.interrupt(this.#native),
        fail: () => this.#statements.findFailure(executed, parameters),
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
    this.#statements.close()
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
}

function closedConnection(): UsageError {
  return new UsageError('INVALID_ARGUMENT', 'The connection is closed.', { remedy: 'Open it again.' })
}

function busyConnection(): UsageError {
  return new UsageError('INVALID_ARGUMENT', 'A stream of this connection is still open.', {
    remedy: 'Read the stream to its end or cancel it first, or use a second connection.',
  })
}
