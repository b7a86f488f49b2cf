/**
 * Query results as Arrow batches. DuckDB gives chunks of at most 2,048 rows, one native call each; they are gathered into batches while
 * the next chunk is already being fetched. Nothing is fetched that was not asked for, but for that one chunk, so a slow reader
 * holds up the query and memory stays flat.
 */
import type { RecordBatch, Schema } from 'apache-arrow'
import type { Binding } from '../binding.ts'
import { rowsOfResult } from '../results.ts'
import type { EngineField } from '../types.ts'
import { arrowField, type BuilderContext, type ColumnBuilder, makeData } from './builder.ts'
import { columnBuilder } from './builders.ts'

/** Rows as Arrow batches, once. Leaving the loop early cancels the query. */
export interface BatchStream extends AsyncIterable<RecordBatch> {
  readonly schema: Schema
  /**
   * All rows as objects (values as `schema/rows.ts` says), where the result is so small and so plain that batches are not worth the work;
   * else `undefined`, and nothing is read. The stream has ended then.
   */
  fewRows(): Promise<Record<string, unknown>[] | undefined>
  /** Ends the query and frees the connection. Does nothing when the stream has ended. */
  cancel(): Promise<void>
}

/** What a stream is made of; the connection gives it. */
export interface StreamSource {
  readonly binding: Binding
  readonly result: NativeResult
  readonly columns: readonly EngineField[]
  readonly batchRows: number
  /** Runs native work under the caller's signal, telling failures as Varve's errors. */
  guard<T>(work: () => Promise<T>): Promise<T>
  interrupt(): void
  /** Rejects with what made the result fail, which DuckDB tells nobody who fetches chunks. */
  fail(): Promise<never>
  /** Told once, when the stream needs the connection no more. */
  release(finished: boolean): Promise<void>
}

type NativeResult = Awaited<ReturnType<Binding['query']>>
type Chunk = Awaited<ReturnType<Binding['fetch_chunk']>>

/** Text and binary bytes after which a batch is given out, however few rows it has. */
const batchBytes = 64 * 2 ** 20

/** Types whose values are the same, be they read from DuckDB's vectors or from Arrow's. */
const plainTypes: ReadonlySet<string> = new Set([
  ...['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL', 'VARCHAR', 'BLOB'],
  ...['DATE', 'TIMESTAMP', 'TIMESTAMP_TZ'],
])

let library: Promise<typeof import('apache-arrow')> | undefined

/** Opens a stream over a streaming result. */
export async function openBatchStream(source: StreamSource): Promise<BatchStream> {
  // An import that is there already still takes as long as a small query.
  library ??= import('apache-arrow')
  return new ResultStream(source, { binding: source.binding, arrow: await library })
}

class ResultStream implements BatchStream {
  readonly #source: StreamSource
  readonly #context: BuilderContext
  #columns: { readonly builders: readonly ColumnBuilder[]; readonly schema: Schema } | undefined
  #batches: AsyncGenerator<RecordBatch, void, void> | undefined
  /** The chunks of a result that is there as a whole, which are got without a turn of a thread. */
  readonly #kept: { readonly count: number; next: number } | undefined
  #fetching: Promise<Chunk> | undefined
  #released: Promise<void> | undefined

  constructor(source: StreamSource, context: BuilderContext) {
    this.#source = source
    const { binding, result } = source
    this.#kept = binding.result_is_streaming(result) ? undefined : { count: binding.result_chunk_count(result), next: 0 }
    this.#context = context
    if (!this.#isPlain()) this.#arrowColumns()
  }

  get schema(): Schema {
    return this.#arrowColumns().schema
  }

  async fewRows(): Promise<Record<string, unknown>[] | undefined> {
    const { binding, result, columns } = this.#source
    const few = this.#kept !== undefined && this.#kept.count <= 1 && this.#batches === undefined && this.#released === undefined
    if (!few || !this.#isPlain()) return undefined
    const rows = rowsOfResult(binding, result, columns)
    await this.#release(true)
    return rows
  }

  [Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, void> {
    this.#batches ??= this.#read()
    return this.#batches
  }

  async cancel(): Promise<void> {
    await this.#release(false)
  }

  #isPlain(): boolean {
    return this.#source.columns.every(({ type }) => plainTypes.has(type.name))
  }

  #arrowColumns() {
    if (this.#columns === undefined) {
      const context = this.#context
      const builders = this.#source.columns.map((column) => columnBuilder(context, column.type))
      const fields = this.#source.columns.map((column, index) => arrowField(context, column.name, column.type, builders[index]!))
      this.#columns = { builders, schema: new context.arrow.Schema(fields) }
    }
    return this.#columns
  }

  async *#read(): AsyncGenerator<RecordBatch, void, void> {
    const { builders } = this.#arrowColumns()
    let finished = false
    try {
      let bytes = 0
      let rows = 0
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
        const count = this.#source.binding.data_chunk_get_size(chunk)
        const chunkBytes = this.#load(chunk, count)
        // A chunk of wide rows is more than a batch, so it is cut.
        const step = chunkBytes <= batchBytes ? count : Math.ceil((count * batchBytes) / chunkBytes)
        for (let start = 0; start < count; ) {
          const size = Math.min(step, count - start, this.#source.batchRows - rows)
          for (const builder of builders) builder.take(start, size)
          start += size
          rows += size
          bytes += (chunkBytes * size) / count
          if (rows < this.#source.batchRows && bytes < batchBytes) continue
          yield this.#finish(rows)
          rows = 0
          bytes = 0
        }
      }
      finished = true
      if (rows > 0) yield this.#finish(rows)
    } finally {
      await this.#release(finished)
    }
  }

  /** The next chunk that has rows, with the fetching of the one after it begun. */
  async #next(): Promise<NonNullable<Chunk> | undefined> {
    if (this.#released !== undefined) return undefined
    const chunk = await this.#source.guard(() => this.#fetching ?? this.#fetch())
    if (chunk === null || this.#source.binding.data_chunk_get_size(chunk) === 0) {
      const { binding, result } = this.#source
      // A failure looks like the end of the rows, but for this.
      if (binding.result_return_type(result) !== binding.ResultType.QUERY_RESULT) await this.#source.guard(() => this.#source.fail())
      return undefined
    }
    this.#fetching = this.#fetch()
    // Its failure is told when it is asked for.
    this.#fetching.catch(() => undefined)
    return chunk
  }

  #fetch(): Promise<Chunk> {
    const { binding, result } = this.#source
    if (this.#kept === undefined) return binding.fetch_chunk(result)
    const next = this.#kept.next++
    return Promise.resolve(next < this.#kept.count ? binding.result_get_chunk(result, next) : null)
  }

  #load(chunk: NonNullable<Chunk>, count: number): number {
    let bytes = 0
    for (const [index, builder] of this.#arrowColumns().builders.entries()) {
      bytes += builder.load(this.#source.binding.data_chunk_get_vector(chunk, index), count)
    }
    return bytes
  }

  #finish(rows: number): RecordBatch {
    const { arrow } = this.#context
    const { builders, schema } = this.#arrowColumns()
    const children = builders.map((builder) => builder.finish())
    const type = new arrow.Struct(schema.fields)
    const data = makeData(this.#context, { type, length: rows, nullCount: 0, children })
    return new arrow.RecordBatch(schema, data as ConstructorParameters<typeof arrow.RecordBatch>[1])
  }

  #release(finished: boolean): Promise<void> {
    this.#released ??= this.#end(finished)
    return this.#released
  }

  async #end(finished: boolean): Promise<void> {
    if (!finished) {
      this.#source.interrupt()
      await this.#fetching?.catch(() => undefined)
    }
    await this.#source.release(finished)
  }
}
