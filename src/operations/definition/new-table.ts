/**
 * The protocol and metadata of a new table: which features it has from version 0 on, and why.
 *
 * The default has deletion vectors and in-commit timestamps, together, and keeps its history: Spark's own defaults would take what a
 * tag names. `wide` has none of that, so that engines that know only the oldest versions can write to the table too. A property that
 * switches a feature on brings the feature; columns bring those that their types or names need.
 */
import { v4 as uuid } from 'uuid'
import type { Action, Metadata, Protocol } from '../../log/index.ts'
import { checkSchema, writeSchema } from '../../schema/schema-json.ts'
import type { StructType } from '../../schema/types.ts'
import { isMapped, needsMapping, withMapping } from './column-mapping.ts'
import { readConstraint } from './constraints.ts'
import { featuresOfColumns, featuresOfTypes, readerFeatures } from './features.ts'
import { checkFeedColumns, checkProperty, constraintPrefix, featuresOfProperties } from './properties.ts'
import { withTrackingColumns } from './row-tracking.ts'

/** What a new table is made from. */
export interface TableDefinition {
  readonly schema: StructType
  readonly partitionBy?: readonly string[] | undefined
  readonly properties?: Readonly<Record<string, string>> | undefined
  readonly preset?: 'wide' | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  /** The table's files exist already, so their columns are called what they are called. */
  readonly filesLieThere?: boolean | undefined
}

const history = {
  'delta.logRetentionDuration': 'interval 36500 days',
  'delta.deletedFileRetentionDuration': 'interval 36500 days',
  'delta.enableExpiredLogCleanup': 'false',
}

const modern = { 'delta.enableDeletionVectors': 'true', 'delta.enableInCommitTimestamps': 'true' }

const defaultFeatures = ['deletionVectors', 'v2Checkpoint', 'inCommitTimestamp', 'appendOnly', 'invariants']

/** The lowest legacy writer version that implies a feature, for tables without a list of features. */
const legacyWriter: Readonly<Record<string, number>> = {
  appendOnly: 2,
  invariants: 2,
  checkConstraints: 3,
  changeDataFeed: 4,
  generatedColumns: 4,
  columnMapping: 5,
  identityColumns: 6,
}

/** The first actions of a table. @throws SchemaError, UsageError, UnsupportedFeatureError before anything is written. */
export function newTable(
  options: TableDefinition,
  now: number,
): { actions: Action[]; protocol: Protocol; metadata: Metadata; schema: StructType } {
  const partitionColumns = (options.partitionBy ?? []).map((name) => sameColumn(options.schema, name))
  checkSchema(options.schema, partitionColumns)
  const given: Record<string, string> = {
    ...history,
    ...(options.preset === 'wide' ? {} : modern),
    ...withTrackingColumns(checkedProperties(options)),
  }
  if (given['delta.columnMapping.mode'] === undefined && !options.filesLieThere && needsMapping(options.schema)) {
    given['delta.columnMapping.mode'] = 'name'
  }
  checkFeedColumns(options.schema, given)
  const { schema, properties } = isMapped(given) ? withMapping(options.schema, given) : { schema: options.schema, properties: given }
  const metadata: Metadata = {
    id: uuid(),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.description === undefined ? {} : { description: options.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: writeSchema(schema),
    partitionColumns,
    createdTime: now,
    configuration: properties,
  }
  const protocol = protocolFor(schema, properties, options.preset === 'wide')
  return { actions: [{ protocol }, { metaData: metadata }], protocol, metadata, schema }
}

function protocolFor(schema: StructType, properties: Readonly<Record<string, string>>, wide: boolean): Protocol {
  const features = new Set(wide ? ['appendOnly', 'invariants'] : defaultFeatures)
  for (const feature of featuresOfProperties(properties)) features.add(feature)
  for (const feature of [...featuresOfTypes(schema), ...featuresOfColumns(schema)]) features.add(feature)
  const names = [...features]
  const legacy = wide && names.every((name) => legacyWriter[name] !== undefined)
  if (legacy) {
    return {
      minReaderVersion: features.has('columnMapping') ? 2 : 1,
      minWriterVersion: Math.max(...names.map((name) => legacyWriter[name]!)),
    }
  }
  const forReaders = names.filter((name) => readerFeatures.has(name))
  if (forReaders.length === 0) return { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: names }
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: forReaders, writerFeatures: names }
}

/** The properties that were asked for, constraints in Spark's spelling. @throws UsageError, UnsupportedFeatureError, SchemaError */
function checkedProperties({ properties = {}, schema, filesLieThere }: TableDefinition): Readonly<Record<string, string>> {
  const entries = Object.entries(properties).map(([name, value]): [string, string] => {
    if (!name.startsWith(constraintPrefix) || filesLieThere) {
      checkProperty(name, value)
      return [name, value]
    }
    const constraint = readConstraint(name.slice(constraintPrefix.length), value, schema)
    return [constraint.key, constraint.spark]
  })
  return Object.fromEntries(entries)
}

/** The column that a name means, whatever its case; the name itself where there is none, for `checkSchema` to report. */
function sameColumn(schema: StructType, name: string): string {
  const lower = name.toLowerCase()
  const exact = schema.fields.find((field) => field.name === name)
  return (exact ?? schema.fields.find((field) => field.name.toLowerCase() === lower))?.name ?? name
}
