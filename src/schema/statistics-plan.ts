/** Which columns of a table have statistics, and of which kind (§Per-file Statistics): what files are given and what checkpoints keep typed. */
import { columnNaming, physicalName } from './physical.ts'
import { isOn } from './switches.ts'
import type { DataType, StructField, StructType } from './types.ts'

/** A leaf column whose statistics are kept. */
export interface StatisticsLeaf {
  /** Physical names from the root. */
  readonly path: readonly string[]
  /** An array, a map or a variant is a leaf with a count of NULLs at most. */
  readonly type: Exclude<DataType, StructType>
  /** Whether bounds are kept of values of that type. */
  readonly bounded: boolean
  /** Whether it was a `float` once: older files then spell its bounds as floats, which is no text of their exact values. */
  readonly wasFloat?: boolean
}

/** The leaves whose statistics a table keeps, in the order of its schema. */
export interface StatisticsPlan {
  readonly leaves: readonly StatisticsLeaf[]
  /** Spark says so on tables with deletion vectors: bounds are those of the rows that are there. */
  readonly tightBounds: boolean
}

/**
 * What to collect for a table: `delta.dataSkippingStatsColumns` where set, else the first `delta.dataSkippingNumIndexedCols` (32;
 * -1: all) leaf columns that are no partition columns.
 */
export function planStatistics(
  schema: StructType,
  partitionColumns: readonly string[],
  properties: Readonly<Record<string, string>>,
): StatisticsPlan {
  const naming = columnNaming(properties)
  const named = readColumnNames(properties['delta.dataSkippingStatsColumns'])
  const setLimit = Number(properties['delta.dataSkippingNumIndexedCols'] ?? '32')
  const limit = named !== undefined || setLimit < 0 ? Number.POSITIVE_INFINITY : setLimit
  const isPartition = new Set(partitionColumns.map((name) => name.toLowerCase()))
  const leaves: StatisticsLeaf[] = []
  const visit = (struct: StructType, logical: readonly string[], path: readonly string[]): void => {
    for (const field of struct.fields) {
      if (path.length === 0 && isPartition.has(field.name.toLowerCase())) continue
      const names = [...logical, field.name.toLowerCase()]
      const here = [...path, physicalName(field, naming)]
      if (typeof field.type === 'object' && field.type.type === 'struct') visit(field.type, names, here)
      else if (
        leaves.length < limit &&
        field.type !== 'void' &&
        (named === undefined || named.some((chosen) => startsWith(names, chosen)))
      ) {
        leaves.push({ path: here, type: field.type, bounded: isBounded(field.type), ...(wasFloat(field) && { wasFloat: true }) })
      }
    }
  }
  visit(schema, [], [])
  return { leaves, tightBounds: isOn(properties, 'delta.enableDeletionVectors') }
}

/** Whether bounds are kept of a type: not of booleans and bytes, as in every other engine. */
export function isBounded(type: DataType): boolean {
  return typeof type === 'string' && type !== 'boolean' && type !== 'binary' && type !== 'variant' && type !== 'void'
}

/** Names of the property `delta.dataSkippingStatsColumns`: comma-separated, parts by dots, backticks around odd ones; lower case. */
function readColumnNames(property: string | undefined): readonly (readonly string[])[] | undefined {
  if (property === undefined || property.trim() === '') return undefined
  const names: string[][] = [[]]
  for (const [, quoted, plain, separator] of property.matchAll(/`((?:[^`]|``)*)`|([^`.,]+)|([.,])/g)) {
    if (separator === ',') names.push([])
    const part = quoted !== undefined ? quoted.replaceAll('``', '`') : plain?.trim()
    if (part) names.at(-1)!.push(part.toLowerCase())
  }
  return names.filter((parts) => parts.length > 0)
}

function wasFloat({ type, metadata }: StructField): boolean {
  return type === 'double' && JSON.stringify(metadata['delta.typeChanges'] ?? '').includes('"float"')
}

function startsWith(names: readonly string[], chosen: readonly string[]): boolean {
  return chosen.length <= names.length && chosen.every((part, index) => names[index] === part)
}
