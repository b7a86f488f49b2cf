/**
 * The statements of a connection: prepared, bound, run, and prepared again with casts where the codec does not read a column as it is. What
 * runs when, and what interrupts it, is the connection's matter.
 */
import { QueryError } from '../errors/index.ts'
import type { Binding } from './binding.ts'
import { castForCodec, needsCast, readable } from './casts.ts'
import { toVarveError } from './failures.ts'
import { bindParameters, type Parameters } from './parameters.ts'
import { columnsOfPrepared, columnsOfResult, type NativeResult, type NativeStatement } from './results.ts'
import type { EngineField } from './types.ts'

/** Types whose values all take the same room in a vector. */
const fixedTypes: ReadonlySet<string> = new Set([
  ...['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'FLOAT', 'DOUBLE', 'DECIMAL'],
  ...['DATE', 'TIMESTAMP', 'TIMESTAMP_TZ'],
])

/** Bytes that a stream runs ahead of its reader as DuckDB has it. */
const leastAhead = 1_000_000

/** DuckDB's own connection. */
export type NativeConnection = Awaited<ReturnType<Binding['connect']>>

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

/** A statement that has begun to run: its columns as the codec reads them, and the SQL that ran in the end. */
export interface Execution {
  readonly result: NativeResult
  readonly columns: readonly EngineField[]
  readonly executed: string
}

/** What statements need to know of the engine. */
interface StatementsHost {
  /** How many bytes the query of a stream may run ahead of its reader. */
  readonly aheadBytes: number
  /** Told each failure of the binding. */
  failed(failure: unknown): void
}

/** Runs statements on a native connection, one at a time. */
export class Statements {
  readonly #binding: Binding
  readonly #native: NativeConnection
  readonly #host: StatementsHost
  readonly #kept = new Map<string, NativeStatement>()
  #ahead = leastAhead

  constructor(binding: Binding, native: NativeConnection, host: StatementsHost) {
    this.#binding = binding
    this.#native = native
    this.#host = host
  }

  /** Lets go of the statements that were kept. */
  close(): void {
    for (const statement of this.#kept.values()) this.#binding.destroy_prepare_sync(statement)
  }

  /** Runs one statement; `streaming` where its rows are to be fetched as they are asked for. @throws what the binding throws; VarveError for what the casts find */
  async execute(sql: string, parameters: Parameters | undefined, options: QueryOptions, streaming: boolean): Promise<Execution> {
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
  async findFailure(sql: string, parameters: Parameters | undefined): Promise<never> {
    const prepared = await this.#prepare(`SELECT bit_xor(hash(COLUMNS(*))) FROM (\n${sql.replace(/[;\s]+$/, '')}\n)`, {})
    try {
      await this.#executePrepared(prepared, parameters, false)
    } finally {
      this.#binding.destroy_prepare_sync(prepared)
    }
    throw new QueryError('SQL_ERROR', 'The query failed while its rows were read.', { remedy: 'Run it again.' })
  }

  /** The columns of a statement, where its plan has them; without running it. */
  async plannedColumns(sql: string, options: QueryOptions): Promise<EngineField[] | undefined> {
    const prepared = await this.#prepare(sql, options)
    try {
      return columnsOfPrepared(this.#binding, prepared)
    } finally {
      this.#binding.destroy_prepare_sync(prepared)
    }
  }

  /** The columns of a query with its parameters bound, from a run that gives no row. */
  async boundColumns(sql: string, parameters: Parameters | undefined, options: QueryOptions): Promise<EngineField[]> {
    const prepared = await this.#prepare(`FROM (\n${sql.replace(/[;\s]+$/, '')}\n) LIMIT 0`, options)
    try {
      return columnsOfResult(this.#binding, await this.#executePrepared(prepared, parameters, false))
    } finally {
      this.#binding.destroy_prepare_sync(prepared)
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
}

/** Whether there is nothing to bind. */
export function hasNone(parameters: Parameters | undefined): boolean {
  return parameters === undefined || Object.keys(parameters).length === 0
}

/** DuckDB takes SQL up to the first NUL, in silence. */
export function checkText(sql: string): string {
  if (sql.includes('\0'))
    throw new QueryError('SQL_ERROR', 'The SQL holds a NUL character.', { remedy: 'Take it out, or bind it in a parameter.' })
  return sql
}
