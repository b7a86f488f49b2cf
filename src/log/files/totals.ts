/** Totals of files: how many, their bytes, and their rows as far as statistics say. */

import type { Counts } from '../state.ts'
import { type FileRows, selectColumns } from './file-rows.ts'

/** Totals of some files. */
export interface Totals {
  readonly files: number
  readonly bytes: number
  readonly rows: number
  /** Files whose rows are known. */
  readonly known: number
}

/** No files. */
export const noTotals: Totals = { files: 0, bytes: 0, rows: 0, known: 0 }

/** The aggregates of {@link Totals} over the columns `size`, `num_records` and `deletion_vector`. A vector that deletes more than there is says nothing. */
export const totalsSql = `count(*) AS files, coalesce(sum(size), 0)::HUGEINT AS bytes,
  coalesce(sum(num_records - deleted), 0)::HUGEINT AS rows, count(num_records) FILTER (num_records >= 0 AND deleted BETWEEN 0 AND num_records) AS known`

/** The columns that {@link totalsSql} needs of some rows. */
export function totalsColumns(rows: FileRows): string {
  return `${selectColumns(rows, ['size', 'num_records'])}, coalesce((${rows.columns.deletion_vector}).cardinality, 0) AS deleted`
}

/** Totals out of a row. */
export function toTotals(row: Record<string, unknown> | undefined): Totals {
  return { files: Number(row?.files ?? 0), bytes: Number(row?.bytes ?? 0), rows: Number(row?.rows ?? 0), known: Number(row?.known ?? 0) }
}

/** Both together, or the one without the other. */
export function addTotals(one: Totals, other: Totals, sign: 1 | -1 = 1): Totals {
  return {
    files: one.files + sign * other.files,
    bytes: one.bytes + sign * other.bytes,
    rows: one.rows + sign * other.rows,
    known: one.known + sign * other.known,
  }
}

/** What is told of them: rows only where all are known. */
export function countsOf({ files, bytes, rows, known }: Totals): Counts {
  return { files, bytes, rows: known === files ? rows : undefined }
}
