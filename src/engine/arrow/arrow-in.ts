/**
 * Arrow batches as a relation that DuckDB scans. One table function an instance, which takes the number of a registered source, gives the
 * rows of its batches 2,048 at a time as DuckDB asks for them. DuckDB's threads wait while the function runs on JavaScript's, so the
 * iterable is a synchronous one.
 *
 * Where the plan lets several threads scan, each is dealt as many rows as a row group of a Parquet file holds before the next is: rows
 * stay in order within a row group (COPY ... (PRESERVE_ORDER false)), and no more batches are held than the threads are at. Where the plan
 * keeps the order, one thread scans all.
 *
 * A source can be scanned once. A failure of the iterable ends the query and is told as it is.
 */
import type { RecordBatch, Schema } from 'apache-arrow'
import { UsageError } from '../../errors/index.ts'
import type { Binding } from '../binding.ts'
import { type ArrowData, type ArrowField, batchColumns, schemaFields } from './arrow-shape.ts'
import type { ColumnWriter } from './writer.ts'
import { columnWriter } from './writers.ts'

/** Batches that DuckDB can scan until they are released. */
export interface BatchSource {
  /** The table expression that stands behind FROM. */
  readonly relation: string
  /** What ended the scan, if the batches did. */
  readonly failure: unknown
  /** Lets go of the batches and of their iterator. */
  release(): void
}

type NativeConnection = Awaited<ReturnType<Binding['connect']>>
type BindInfo = Parameters<Parameters<Binding['table_function_set_bind']>[1]>[0]
type InitInfo = Parameters<Parameters<Binding['table_function_set_init']>[1]>[0]
type FunctionInfo = Parameters<Parameters<Binding['table_function_set_function']>[1]>[0]
type OutputChunk = Parameters<Parameters<Binding['table_function_set_function']>[1]>[1]

const functionName = 'varve_arrow_batches'

/** DuckDB's default for a row group of a Parquet file. */
const rowGroupRows = 122_880

/** More threads than this wait for JavaScript, which is one. */
const mostThreads = 4

/** The registered sources of one instance, and the function that scans them. */
export class BatchRegistry {
  readonly #binding: Binding
  readonly #sources = new Map<number, Scan>()
  #last = 0
  #registered = false

  constructor(binding: Binding) {
    this.#binding = binding
  }

  /** Registers batches. @throws SchemaError UNSUPPORTED_TYPE */
  add(connection: NativeConnection, schema: Schema, batches: Iterable<RecordBatch>): BatchSource {
    const scan = new Scan(this.#binding, schemaFields(schema), batches)
    if (!this.#registered) this.#register(connection)
    this.#registered = true
    this.#last += 1
    const id = this.#last
    this.#sources.set(id, scan)
    return {
      relation: `${functionName}(${id})`,
      get failure() {
        return scan.failure
      },
      release: () => {
        this.#sources.delete(id)
        scan.release()
      },
    }
  }

  #register(connection: NativeConnection): void {
    const binding = this.#binding
    const table = binding.create_table_function()
    binding.table_function_set_name(table, functionName)
    binding.table_function_add_parameter(table, binding.create_logical_type(binding.Type.INTEGER))
    binding.table_function_set_bind(table, (info) => {
      this.#bind(info)
    })
    binding.table_function_set_init(table, (info) => {
      this.#init(info)
    })
    binding.table_function_set_local_init(table, (info) => {
      const { scan } = binding.init_get_bind_data(info) as { scan: Scan }
      binding.init_set_init_data(info, { thread: new ScanThread(scan) })
    })
    binding.table_function_set_function(table, (info, output) => {
      this.#scan(info, output)
    })
    binding.register_table_function(connection, table)
    binding.destroy_table_function_sync(table)
  }

  #bind(info: BindInfo): void {
    const binding = this.#binding
    const id = binding.get_int32(binding.bind_get_parameter(info, 0))
    const scan = this.#sources.get(id)
    if (scan === undefined) {
      binding.bind_set_error(info, 'The batches have been released.')
      return
    }
    scan.addColumns(info)
    binding.bind_set_bind_data(info, { scan })
  }

  #init(info: InitInfo): void {
    const { scan } = this.#binding.init_get_bind_data(info) as { scan: Scan }
    this.#binding.init_set_max_threads(info, mostThreads)
    if (!scan.begin()) this.#binding.init_set_error(info, 'The batches can be read only once.')
  }

  #scan(info: FunctionInfo, output: OutputChunk): void {
    const { scan } = this.#binding.function_get_bind_data(info) as { scan: Scan }
    const { thread } = this.#binding.function_get_local_init_data(info) as { thread: ScanThread }
    let rows = 0
    try {
      rows = thread.fill(output)
    } catch (error) {
      scan.fail(error)
      this.#binding.function_set_error(info, 'The batches could not be read.')
    }
    this.#binding.data_chunk_set_size(output, rows)
  }
}

/** Rows of a batch that a thread has been dealt and not yet written. */
interface Portion {
  readonly columns: readonly ArrowData[]
  next: number
  readonly end: number
}

/** One source while it is scanned. */
class Scan {
  readonly binding: Binding
  readonly writers: readonly ColumnWriter[]
  readonly #fields: readonly ArrowField[]
  #batches: Iterable<RecordBatch> | undefined
  #iterator: Iterator<RecordBatch> | undefined
  #rest: Portion | undefined
  failure: unknown

  constructor(binding: Binding, fields: readonly ArrowField[], batches: Iterable<RecordBatch>) {
    this.binding = binding
    this.#fields = fields
    this.writers = fields.map((field) => columnWriter(binding, field))
    this.#batches = batches
  }

  addColumns(info: BindInfo): void {
    for (const [index, field] of this.#fields.entries()) {
      this.binding.bind_add_result_column(info, field.name, this.writers[index]!.logicalType())
    }
  }

  /** Starts the scan; `false` where it has been started before. */
  begin(): boolean {
    if (this.#batches === undefined) return false
    this.#iterator = this.#batches[Symbol.iterator]()
    this.#batches = undefined
    return true
  }

  /** The next rows in order: as many as asked for, fewer only at the end, in one portion for each batch that they lie in. */
  deal(rows: number): Portion[] {
    const dealt: Portion[] = []
    for (let missing = rows; missing > 0; ) {
      this.#rest ??= this.#nextBatch()
      if (this.#rest === undefined) break
      const { columns, next, end } = this.#rest
      const count = Math.min(missing, end - next)
      dealt.push({ columns, next, end: next + count })
      this.#rest = next + count < end ? { columns, next: next + count, end } : undefined
      missing -= count
    }
    return dealt
  }

  fail(error: unknown): void {
    this.failure ??= error ?? new UsageError('INVALID_ARGUMENT', 'The iterable of batches failed without an error.', { remedy: 'Mend it.' })
    this.release()
  }

  release(): void {
    const iterator = this.#iterator
    this.#iterator = undefined
    this.#batches = undefined
    this.#rest = undefined
    try {
      iterator?.return?.()
    } catch (error) {
      this.failure ??= error
    }
  }

  #nextBatch(): Portion | undefined {
    for (let next = this.#iterator?.next(); next !== undefined && next.done !== true; next = this.#iterator?.next()) {
      const columns = batchColumns(next.value, this.#fields)
      if (next.value.numRows > 0) return { columns, next: 0, end: next.value.numRows }
    }
    this.#iterator = undefined
    return undefined
  }
}

/** What one of DuckDB's threads has been dealt. */
class ScanThread {
  readonly #scan: Scan
  #portions: Portion[] = []

  constructor(scan: Scan) {
    this.#scan = scan
  }

  /** Writes the next rows. @returns how many, 0 at the end */
  fill(output: OutputChunk): number {
    const { binding, writers } = this.#scan
    if (this.#portions.length === 0) this.#portions = this.#scan.deal(rowGroupRows)
    const portion = this.#portions[0]
    if (portion === undefined) return 0
    const count = Math.min(binding.vector_size(), portion.end - portion.next)
    for (const [index, writer] of writers.entries()) {
      writer.write(binding.data_chunk_get_vector(output, index), portion.columns[index]!, portion.next, count)
    }
    portion.next += count
    if (portion.next === portion.end) this.#portions.shift()
    return count
  }
}
