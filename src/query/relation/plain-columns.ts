/**
 * Columns of files that DuckDB must not see as plain columns: of those it asks a file's own statistics, to pass over row groups, to
 * answer for all rows of a file, and for its minima and maxima.
 */
import type { StructField } from '../../schema/types.ts'

/**
 * Whether the statistics of a file may say too little of a column, or of what is inside it. NaN is greater than every number, and Arrow and
 * parquet-rs leave it out of the bounds in their files; they also give -0 for a least 0.
 */
export function mayHideNaN({ type }: StructField): boolean {
  if (typeof type === 'string') return type === 'float' || type === 'double'
  return type.type === 'struct' && type.fields.some(mayHideNaN)
}

/** The column as an expression with the same values, which no statistics are asked for. */
export function notPlain(column: string): string {
  return `CASE WHEN ${column} IS NOT NULL THEN ${column} END`
}
