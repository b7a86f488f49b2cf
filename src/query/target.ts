/** What queries need of a table: its versions, and the files of each. */
import type { Parameters } from '../engine/index.ts'
import { SchemaError } from '../errors/index.ts'
import type { FileList } from '../log/files/file-list.ts'
import type { StructType } from '../schema/types.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Point } from './point.ts'
import type { Positions } from './relation/positions.ts'

/** A table as a session sees it. */
export interface SessionTable {
  /** Its name in SQL. */
  readonly name: string
  /** The table as of a point; without one, as the session means it. @throws VersionNotFoundError */
  asOf(point: Point | undefined, options?: { readonly signal?: AbortSignal | undefined }): Promise<QueryTarget>
}

/** A version of a table, as queries read it. */
export interface QueryTarget {
  readonly version: number
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly store: ObjectStore
  /** Two columns beside the table's own that tell its rows apart. Default: none. */
  readonly positions?: Positions | undefined
  files(): Promise<Pick<FileList, 'connection' | 'relation'>>
  /** The version's id, where it is known. Default: not known. */
  id?(): Promise<string | null>
  /** The number of rows, where the log knows it without a list of files. */
  rowCount?(): Promise<number | undefined>
}

/** Options of a query. */
export interface QueryOptions {
  /** Values for `$name`, or in order for `$1` and `?`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
  readonly signal?: AbortSignal | undefined
}

/** A version before its table got a schema has no rows to read. */
export function withoutColumns({ store, version }: QueryTarget): SchemaError {
  return new SchemaError('NO_COLUMNS', `Version ${version} of ${store.root} has no columns, so no rows can be read.`, {
    remedy: 'Read a later version, which has a schema.',
    data: { version, table: store.root },
  })
}
