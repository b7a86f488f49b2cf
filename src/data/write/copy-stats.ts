/** What DuckDB's `COPY ... (RETURN_STATS)` says of the files that it wrote. */
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { StatisticsLeaf } from '../../schema/statistics-plan.ts'
import type { PrimitiveType } from '../../schema/types.ts'
import { type LeafStatistics, readBound } from './statistics.ts'

/** One file that a COPY wrote. */
export interface CopiedFile {
  /** Its local path. */
  readonly path: string
  readonly size: number
  readonly rows: number
  /** The keys of PARTITION_BY as text. */
  readonly keys: readonly (string | null)[]
  /** What is known of a leaf column. */
  statistics(leaf: StatisticsLeaf): LeafStatistics | undefined
}

type Pairs<V> = ReadonlyMap<string, V>

/** Reads the rows that the statement returned. Files without rows (DuckDB writes one where there are none) are left out. */
export function readCopiedFiles(rows: readonly Readonly<Record<string, unknown>>[], keyNames: readonly string[]): CopiedFile[] {
  return rows
    .map((row): CopiedFile => {
      const columns = row.column_statistics as Pairs<Pairs<string | null>>
      const keys = row.partition_keys as Pairs<string | null> | null
      return {
        path: String(row.filename),
        size: Number(row.file_size_bytes),
        rows: Number(row.count),
        keys: keyNames.map((name) => keys?.get(name) ?? null),
        statistics: (leaf) => leafStatistics(columns, leaf),
      }
    })
    .filter((file) => file.rows > 0)
}

function leafStatistics(columns: Pairs<Pairs<string | null>>, leaf: StatisticsLeaf): LeafStatistics | undefined {
  const path = leaf.path.map(quoteIdentifier).join('.')
  // A variant is two columns; the first is NULL exactly where the variant is.
  const found = columns.get(leaf.type === 'variant' ? `${path}."metadata"` : path)
  if (found === undefined) return undefined
  const nullCount = found.get('null_count')
  const [min, max] = leaf.bounded ? [found.get('min'), found.get('max')] : []
  return {
    nullCount: nullCount == null ? undefined : Number(nullCount),
    min: min == null ? undefined : readBound(leaf.type as PrimitiveType, min),
    max: max == null ? undefined : readBound(leaf.type as PrimitiveType, max),
    hasNan: found.get('has_nan') === 'true',
  }
}
