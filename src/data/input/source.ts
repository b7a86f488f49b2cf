/**
 * What users append, as one of two things: Arrow batches, or a relation that DuckDB reads by itself (files, a query). Types are
 * Delta's by then; whether they fit a table is the matter of `conform.ts`.
 *
 * input -> openSource -> Source -> writeFiles (write.ts)
 */
import type { RecordBatch, Schema } from 'apache-arrow'
import type { Connection } from '../../engine/index.ts'
import type { VersionInput } from '../../log/actions.ts'
import type { Row } from '../../schema/rows/rows.ts'
import type { StructType } from '../../schema/types.ts'

/** A file format of input. `arrow` is Arrow's IPC, file or stream. */
export type InputFormat = 'parquet' | 'csv' | 'json' | 'ndjson' | 'arrow'

/** A value bound to a query's parameter. */
export type QueryParameter = null | boolean | number | bigint | string | Date | Uint8Array | readonly QueryParameter[]

/** An Arrow table, recognised by shape. */
export interface ArrowTableLike {
  readonly schema: Schema
  readonly batches: readonly RecordBatch[]
}

/** Files to append. The format is told by the names' endings where it is not given. A folder means the files of the format in it. */
export interface FilesInput {
  readonly files: string | readonly string[]
  readonly format?: InputFormat | undefined
}

/** A byte stream to append, such as stdin. */
export interface StreamInput {
  readonly stream: AsyncIterable<Uint8Array>
  readonly format: InputFormat
}

/** A query in DuckDB's SQL, one SELECT. It may read files: it is the user's own. */
export interface QueryInput {
  readonly query: string
  readonly params?: Readonly<Record<string, QueryParameter>> | readonly QueryParameter[] | undefined
}

/** Whatever can be appended. The first element of an iterable tells rows from batches. */
export type Input =
  | Iterable<Row>
  | AsyncIterable<Row>
  | ArrowTableLike
  | RecordBatch
  | Iterable<RecordBatch>
  | AsyncIterable<RecordBatch>
  | FilesInput
  | StreamInput
  | QueryInput

/** Tells what was read, once it was read to its end. Never fails: what cannot be found out is left out. */
export type Inputs = () => Promise<readonly VersionInput[]>

interface SourceBase {
  /** The columns that the input has. */
  readonly schema: StructType
  /** What is read, for the account that the version gives of itself. Default: values of the program, of which nothing is known. */
  readonly inputs?: Inputs | undefined
  /** Lets go of what the source holds: a scratch file, an iterator that was not read to its end. */
  close(): Promise<void>
}

/** Arrow batches, read once. All have the Arrow schema `arrowSchema`. */
export interface BatchSource extends SourceBase {
  readonly kind: 'batches'
  readonly arrowSchema: Schema
  readonly batches: Iterable<RecordBatch> | AsyncIterable<RecordBatch>
  /** Known where all batches are in memory; then `batches` is an array. */
  readonly size?: { readonly rows: number; readonly bytes: number } | undefined
}

/** SQL for the trusted engine. Its columns have exactly the types of `schema`. */
export interface RelationSource extends SourceBase {
  readonly kind: 'relation'
  /** A relation that can stand behind FROM. */
  readonly sql: string
  readonly params?: QueryInput['params']
  /** Reading it again gives the same rows, cheaply for some of the columns (Parquet files). */
  readonly replayable: boolean
  /** The connection that knows the relation, which stays the caller's. Default: one of the trusted instance. */
  readonly connection?: Connection | undefined
  /** Local paths of files that it reads: a failure that names one is that file's. */
  readonly files: readonly string[]
  /** What some of them are called in such a failure. Default: by their paths. */
  readonly fileNames?: ReadonlyMap<string, string> | undefined
  /** About how many bytes of Parquet it will be, where that can be told. */
  readonly bytes?: number | undefined
}

/** An opened input. */
export type Source = BatchSource | RelationSource
