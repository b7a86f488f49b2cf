import type { StructField, StructType } from '../../schema/types.ts'
import type { ObjectStore, Staging } from '../../storage/index.ts'
import type { RowRules } from '../rules/row-rules.ts'

/** Where rows go, and as what. */
export interface WriteTarget {
  readonly store: ObjectStore
  /** The table's schema. */
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  /** The table's properties: column mapping and which statistics are kept. */
  readonly properties: Readonly<Record<string, string>>
  /** What the table asks of each row. Default: nothing, as of rows that lie in the table already. */
  readonly rules?: RowRules | undefined
  /** Columns of the files that are not the table's, and of which no statistics are kept. Default: none. */
  readonly hidden?: readonly StructField[] | undefined
  /** What the files are for: rows of the table, or rows of its change feed (§Change Data Files). Default: `rows`. */
  readonly purpose?: 'rows' | 'changes' | undefined
  /** Where files are staged, which stays the caller's. Default: a folder of the write's own. */
  readonly staging?: Staging | undefined
  /** Bytes of a data file at which the next is begun. Default: `delta.targetFileSize`, else 128 MiB. */
  readonly targetFileSize?: number | undefined
  /** Of files that DuckDB writes. Default `zstd`. */
  readonly compression?: 'zstd' | 'snappy' | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Where given, small files may still be on their way when `writeFiles` ends: their puts are added here, and whoever names the files
   * waits for all of them first. So their syncs overlap with the commit's own.
   */
  readonly unfinished?: Promise<unknown>[] | undefined
}

/** A data file that is in the store, on stable storage (but see `unfinished`), and in no version yet. */
export interface DataFile {
  /** Its key in the store, decoded. */
  readonly path: string
  readonly size: number
  /** Milliseconds since 1970, by the store's clock. */
  readonly modificationTime: number
  /** By physical name; serialized (§Partition Value Serialization). */
  readonly partitionValues: Readonly<Record<string, string | null>>
  /** JSON text. */
  readonly stats: string
  readonly numRecords: number
  /** Lower-case hex. */
  readonly sha256: string
}
