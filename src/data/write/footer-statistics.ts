/** What the footers of Parquet files say of their columns, over all row groups. */
import type { Connection } from '../../engine/index.ts'
import { decimalParts } from '../../schema/sql-type.ts'
import type { StatisticsLeaf } from '../../schema/statistics-plan.ts'
import type { PrimitiveType } from '../../schema/types.ts'
import { fileList } from '../input/sql-files.ts'
import { type Bound, compareText, type LeafStatistics, readBound } from './statistics.ts'

/** A file's footer. */
export interface Footer {
  readonly rows: number
  statistics(leaf: StatisticsLeaf): LeafStatistics | undefined
}

interface Chunk {
  readonly count: bigint
  readonly nulls: bigint | null
  readonly min: string | null
  readonly max: string | null
}

/** Footers by local path. */
export async function readFooters(connection: Connection, paths: readonly string[], signal?: AbortSignal): Promise<Map<string, Footer>> {
  const run = { signal, files: paths }
  const rows = await connection.all(
    `SELECT file_name AS path, num_rows AS rows FROM parquet_file_metadata(${fileList(paths)})`,
    undefined,
    run,
  )
  const chunks = await connection.all(
    `SELECT file_name AS path, path_in_schema AS leaf, num_values AS count, stats_null_count AS nulls, stats_min_value AS min, stats_max_value AS max
    FROM parquet_metadata(${fileList(paths)}) WHERE num_values > 0`,
    undefined,
    run,
  )
  const byFile = new Map<string, Map<string, Chunk[]>>(paths.map((path) => [path, new Map()]))
  for (const { path, leaf, count, nulls, min, max } of chunks) {
    const leaves = byFile.get(String(path))!
    const own = leaves.get(String(leaf))
    const chunk = { count, nulls, min, max } as Chunk
    if (own === undefined) leaves.set(String(leaf), [chunk])
    else own.push(chunk)
  }
  return new Map(rows.map((row) => [String(row['path']), footer(Number(row['rows']), byFile.get(String(row['path']))!)]))
}

function footer(rows: number, leaves: ReadonlyMap<string, readonly Chunk[]>): Footer {
  return {
    rows,
    statistics(leaf) {
      const chunks = leaves.get(leaf.path.join(', '))
      if (chunks === undefined || typeof leaf.type !== 'string' || leaf.type === 'variant') return undefined
      const nullCount = chunks.reduce<bigint | undefined>(
        (sum, { nulls }) => (sum === undefined || nulls === null ? undefined : sum + nulls),
        0n,
      )
      return {
        nullCount: nullCount === undefined ? undefined : Number(nullCount),
        ...(leaf.bounded ? bounds(leaf.type, chunks, rows, nullCount) : {}),
      }
    },
  }
}

function bounds(
  type: PrimitiveType,
  chunks: readonly Chunk[],
  rows: number,
  nullCount: bigint | undefined,
): Pick<LeafStatistics, 'min' | 'max'> {
  if (nullCount === BigInt(rows)) return {}
  const isFloat = type === 'float' || type === 'double'
  let min: Bound | undefined
  let max: Bound | undefined
  for (const chunk of chunks) {
    const low = chunk.min === null ? undefined : readBound(type, chunk.min)
    const high = chunk.max === null ? undefined : readBound(type, chunk.max)
    if (chunk.nulls === chunk.count) continue
    // Without bounds the values of a row group can be any.
    if (low === undefined || high === undefined) return {}
    if (min === undefined || compare(type, low, min) < 0) min = low
    if (max === undefined || compare(type, high, max) > 0) max = high
  }
  return { min, max: isFloat ? undefined : max }
}

function compare(type: PrimitiveType, left: Bound, right: Bound): number {
  if (type === 'string') return compareText(left as string, right as string)
  const [a, b] = decimalParts(type) === undefined ? [left, right] : [unscaled(left), unscaled(right)]
  return a < b ? -1 : a > b ? 1 : 0
}

function unscaled(bound: Bound): bigint {
  return BigInt(String(bound).replace('.', ''))
}
