/**
 * What else in a table's metadata names a column: expressions of constraints, generated columns and invariants, lists of columns for
 * statistics and clustering. A change that would leave such a name behind is refused, naming it.
 */
import { UsageError } from '../../errors/index.ts'
import { type ColumnPath, formatColumnPath } from '../../schema/evolve/column-path.ts'
import { allFields } from '../../schema/evolve/fields.ts'
import { parseJson } from '../../schema/json.ts'
import type { StructType } from '../../schema/types.ts'
import { constraintPrefix } from '../definition/properties.ts'
import { type Draft, isMappedDraft } from './draft.ts'

/** Checks that nothing rests on a column whose name or type is to change. @throws UsageError `COLUMN_IN_USE` naming what does */
export function checkUnused(draft: Draft, path: ColumnPath, change: 'renamed' | 'dropped' | 'widened'): void {
  for (const [what, expression] of expressionsOf(draft)) {
    if (mentions(expression, path)) throw inUse(path, change, `${what} (${expression})`)
  }
  if (change === 'widened') return
  const listed = draft.configuration[statisticsColumns]
  if (listed !== undefined && mentions(listed, path)) throw inUse(path, change, `the property ${statisticsColumns} (${listed})`)
  // Clustering names columns as files do, which a new name does not change.
  if (change === 'dropped' && isClustered(draft, path)) throw inUse(path, change, 'the clustering of the table')
}

const statisticsColumns = 'delta.dataSkippingStatsColumns'

function* expressionsOf({ configuration, schema }: Draft): Generator<[what: string, expression: string]> {
  for (const [key, value] of Object.entries(configuration)) {
    if (key.startsWith(constraintPrefix)) yield [`the constraint ${key.slice(constraintPrefix.length)}`, value]
  }
  for (const [path, { metadata }] of allFields(schema)) {
    const name = formatColumnPath(path)
    const generated = metadata['delta.generationExpression']
    if (typeof generated === 'string') yield [`the generated column ${name}`, generated]
    const invariants = metadata['delta.invariants']
    if (typeof invariants === 'string') yield [`the invariant of the column ${name}`, invariants]
  }
}

/**
 * Whether an expression names a column, what it is inside of, or what is inside of it. Told by its words alone, so that no dialect
 * matters; a word that could be the column's name is taken for it.
 */
function mentions(expression: string, path: ColumnPath): boolean {
  const words = expression.matchAll(
    /'(?:[^'\\]|\\.|'')*'|(?:`(?:[^`]|``)+`|[\p{L}\p{N}_$]+)(?:\s*\.\s*(?:`(?:[^`]|``)+`|[\p{L}\p{N}_$]+))*/gu,
  )
  const lower = path.map((part) => part.toLowerCase())
  for (const [word] of words) {
    if (word.startsWith("'")) continue
    const parts = [...word.matchAll(/`((?:[^`]|``)+)`|[\p{L}\p{N}_$]+/gu)].map(([plain, ticked]) =>
      (ticked?.replaceAll('``', '`') ?? plain).toLowerCase(),
    )
    const shared = Math.min(parts.length, lower.length)
    if (lower.slice(0, shared).every((part, index) => part === parts[index])) return true
  }
  return false
}

function isClustered(draft: Draft, path: ColumnPath): boolean {
  const domain = draft.state.domains.get('delta.clustering')
  if (domain === undefined) return false
  const { clusteringColumns } = parseJson(domain.configuration) as { clusteringColumns?: unknown }
  const physical = isMappedDraft(draft) ? physicalPath(draft.schema, path) : path
  return (Array.isArray(clusteringColumns) ? clusteringColumns : []).some((column: unknown) => {
    const parts = (Array.isArray(column) ? column : [column]).map(String)
    return physical.every((part, index) => part === parts[index])
  })
}

function physicalPath(schema: StructType, path: ColumnPath): ColumnPath {
  let last: ColumnPath = path
  for (const [logical, , physical] of allFields(schema)) if (formatColumnPath(logical) === formatColumnPath(path)) last = physical
  return last
}

function inUse(path: ColumnPath, change: string, what: string): UsageError {
  return new UsageError('COLUMN_IN_USE', `The column ${formatColumnPath(path)} cannot be ${change}: it is named by ${what}.`, {
    remedy: 'Drop that first, and make it anew for the changed column.',
    data: { column: formatColumnPath(path), by: what },
  })
}
