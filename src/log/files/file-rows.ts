/**
 * Files of a list where they lie: rows that never change, in an order that never changes, as SQL over a checkpoint or over a table of the
 * engine. What is read out of them (zones, objects) is kept beside them for every version that has them.
 */
import type { DataType } from '../../schema/types.ts'

/** What is read of a file. */
export type FileColumn =
  | 'path'
  | 'spelling'
  | 'partition_values'
  | 'size'
  | 'modification_time'
  | 'stats'
  | 'num_records'
  | 'deletion_vector'
  | 'base_row_id'
  | 'default_row_commit_version'
  | 'tags'
  | 'clustering_provider'

/** The columns of a file in the order of `FileList.relation`. */
export const fileColumns: readonly FileColumn[] = [
  'path',
  'spelling',
  'partition_values',
  'size',
  'modification_time',
  'stats',
  'num_records',
  'deletion_vector',
  'base_row_id',
  'default_row_commit_version',
  'tags',
  'clustering_provider',
]

/** A statistic in its own type, as an expression over `FileRows.from`. */
export interface TypedStatistic {
  readonly sql: string
  readonly type: DataType
  /** Whether every file surely has it. */
  readonly everywhere: boolean
}

/** Files in a fixed order. */
export interface FileRows {
  /** What stands behind FROM, with the condition that a row is a file. */
  readonly from: string
  /** A number for each file, ascending in the order of the rows. */
  readonly place: string
  /** An expression over `from` for each column. */
  readonly columns: Readonly<Record<FileColumn, string>>
  /** A statistic that lies there in its own type (`stats_parsed`). */
  typed?(group: 'minValues' | 'maxValues' | 'nullCount' | 'numRecords', path: readonly string[]): TypedStatistic | undefined
  /** Statistics in JSON as they are, valid or not. `undefined`: there are none. */
  readonly json: string | undefined
  /** How many there are, where that is known. */
  readonly files?: number | undefined
  /** A condition over `from` for files at some places. */
  at(places: readonly number[]): string
  /** Takes note of bytes that are kept in memory for these files. */
  keep(bytes: number): void
}

/** Files of a version: those of some rows that it has. */
export interface ListPart {
  readonly rows: FileRows
  /** What tells them in SQL: a condition over `from`, or a SELECT of the places of those that it lacks. `undefined`: it has all. */
  readonly where: { readonly kind: 'rows' | 'without'; readonly sql: string } | undefined
  /** The same by the places of all rows: 1 where the version has it. `undefined`: it has all. */
  live(places: Float64Array): Promise<Uint8Array | undefined>
}

/** Columns by their names. */
export function selectColumns(rows: FileRows, names: readonly (FileColumn | 'place')[]): string {
  return names.map((name) => `${name === 'place' ? rows.place : rows.columns[name]} AS ${name}`).join(', ')
}

/** Physical rows by statistics in JSON; most writers put the number first. */
export function numRecordsOf(stats: string): string {
  const plain = `starts_with(${stats}, '{"numRecords":') AND ends_with(${stats}, '}')`
  const first = `TRY_CAST(regexp_extract(${stats}, '^\\{"numRecords":(\\d+)[,}]', 1) AS BIGINT)`
  const any = `TRY_CAST(json_extract_string(TRY_CAST(${stats} AS JSON), '$.numRecords') AS BIGINT)`
  return `CASE WHEN ${plain} THEN coalesce(${first}, ${any}) ELSE ${any} END`
}
