/**
 * The columns of a table all of whose rows are replaced: those of the rows that come, whatever they were before. Older versions keep their own.
 */
import { UsageError } from '../../errors/index.ts'
import { type Action, activeProperties, type TableState } from '../../log/index.ts'
import { sameType } from '../../schema/compare.ts'
import { checkSchema, writeSchema } from '../../schema/schema-json.ts'
import type { StructType } from '../../schema/types.ts'
import { isMapped, needsMapping, withMapping } from './column-mapping.ts'
import { featuresOfTypes, withFeatures } from './features.ts'
import { checkFeedColumns } from './properties.ts'
import { asItIs, type WriteGround } from './write-ground.ts'

const mappingMode = 'delta.columnMapping.mode'
const clusteringDomain = 'delta.clustering'

/**
 * The table with other columns; as it is where they are the same. Mapped columns get names and ids that no column had before, and names that
 * need mapping switch it on. A table that was clustered is so no more.
 * @throws SchemaError for columns that no table can have; UsageError INVALID_ARGUMENT where a partition column is not among them
 */
export function replaceColumns(
  state: TableState,
  schema: StructType,
  columns: StructType,
  partitionBy: readonly string[] | undefined,
): WriteGround {
  const partitionColumns = (partitionBy ?? state.metadata.partitionColumns).map((name) =>
    columnOf(columns, name, partitionBy === undefined),
  )
  const samePartitions = JSON.stringify(partitionColumns) === JSON.stringify(state.metadata.partitionColumns)
  if (samePartitions && sameType(schema, columns)) return asItIs(state, schema)
  checkSchema(columns, partitionColumns)
  checkFeedColumns(columns, state.metadata.configuration)
  const maps = !isMapped(activeProperties(state)) && needsMapping(columns)
  const protocol = withFeatures(state.protocol, [...featuresOfTypes(columns), ...(maps ? ['columnMapping'] : [])])
  const configuration = maps ? { ...state.metadata.configuration, [mappingMode]: 'name' } : state.metadata.configuration
  const active = activeProperties({ protocol, metadata: { ...state.metadata, configuration } })
  const plain = withoutMetadata(columns)
  const mapped = isMapped(active) ? withMapping(plain, configuration) : { schema: plain, properties: configuration }
  const metadata = { ...state.metadata, partitionColumns, schemaString: writeSchema(mapped.schema), configuration: mapped.properties }
  const actions: Action[] = [...(protocol === state.protocol ? [] : [{ protocol }]), { metaData: metadata }]
  const clustering = state.domains.get(clusteringDomain)
  if (clustering) actions.push({ domainMetadata: { ...clustering, configuration: withoutClustering(clustering.configuration) } })
  return { target: mapped.schema, metadata, actions }
}

/** The column that a name means, whatever its case. */
function columnOf({ fields }: StructType, name: string, kept: boolean): string {
  const found = fields.find((field) => field.name === name) ?? fields.find((field) => field.name.toLowerCase() === name.toLowerCase())
  if (found !== undefined) return found.name
  const columns = fields.map((field) => field.name)
  throw new UsageError('INVALID_ARGUMENT', `The new rows have no column ${JSON.stringify(name)} to partition by.`, {
    remedy: kept
      ? 'Say with partitionBy (--partition-by) which of their columns partition the table; an empty list means none.'
      : `Name one of their columns: ${columns.join(', ')}.`,
    data: { column: name, columns },
  })
}

/** What files said of their columns means nothing to the table. */
function withoutMetadata(schema: StructType): StructType {
  return { ...schema, fields: schema.fields.map((field) => ({ ...field, metadata: {} })) }
}

function withoutClustering(configuration: string): string {
  try {
    return JSON.stringify({ ...(JSON.parse(configuration) as object), clusteringColumns: [] })
  } catch {
    return '{"clusteringColumns":[]}'
  }
}
