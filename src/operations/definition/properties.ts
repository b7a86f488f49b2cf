/**
 * Properties of a table (`metaData.configuration`): which of the protocol's and of Delta's engines are known, what values they take, and
 * which features they switch on. Names that do not begin with `delta.` are the user's own.
 */
import { UnsupportedFeatureError, UsageError } from '../../errors/index.ts'
import { isOn } from '../../schema/switches.ts'
import type { StructType } from '../../schema/types.ts'

/** What the names of CHECK constraints begin with, as properties (§CHECK Constraints). */
export const constraintPrefix = 'delta.constraints.'

/** The property that has rows tracked (§Row Tracking). */
export const rowTrackingProperty = 'delta.enableRowTracking'

/** Properties that switch features on, with the value that does: the feature, and those that it rests on. */
const featureProperties: Readonly<Record<string, readonly [feature: string, value: RegExp, ...more: string[]]>> = {
  'delta.appendOnly': ['appendOnly', /^true$/],
  'delta.enableDeletionVectors': ['deletionVectors', /^true$/],
  'delta.enableInCommitTimestamps': ['inCommitTimestamp', /^true$/],
  'delta.enableChangeDataFeed': ['changeDataFeed', /^true$/],
  'delta.columnMapping.mode': ['columnMapping', /^(name|id)$/],
  'delta.checkpointPolicy': ['v2Checkpoint', /^v2$/],
  'delta.enableTypeWidening': ['typeWidening', /^true$/],
  [rowTrackingProperty]: ['rowTracking', /^true$/, 'domainMetadata'],
}

/** Properties whose features no table gets from us. */
const refusedProperties =
  /^delta\.(enableIcebergCompat.*|enableVariantShredding|universalFormat\..*|feature\..*|compatibility\..*|coordinatedCommits\..*)$/

type Form = readonly [fits: RegExp, words: string]

const flag: Form = [/^(true|false)$/, 'true or false']
const count: Form = [/^[1-9]\d{0,9}$/, 'a whole number from 1 on']
const days: Form = [
  /^interval(\s+\d+\s+(weeks?|days?|hours?|minutes?|seconds?|milliseconds?|microseconds?))+$/i,
  "such as 'interval 30 days'; months and years have no fixed length",
]
const size: Form = [/^[1-9]\d*\s*(b|[kmgt]i?b?)?$/i, 'a size, such as 128mb']

const known: Readonly<Record<string, Form>> = {
  'delta.appendOnly': flag,
  'delta.autoOptimize.autoCompact': [/^(true|false|auto|legacy)$/, 'true, false, auto or legacy'],
  'delta.autoOptimize.optimizeWrite': flag,
  'delta.checkpoint.writeStatsAsJson': flag,
  'delta.checkpoint.writeStatsAsStruct': flag,
  'delta.checkpointInterval': count,
  'delta.checkpointPolicy': [/^(classic|v2)$/, 'classic or v2'],
  'delta.columnMapping.mode': [/^(none|name|id)$/, 'none, name or id'],
  'delta.dataSkippingNumIndexedCols': [/^(-1|\d{1,9})$/, 'a whole number, or -1 for all columns'],
  'delta.dataSkippingStatsColumns': [/[^\s]/, 'names of columns with commas between'],
  'delta.deletedFileRetentionDuration': days,
  'delta.enableChangeDataFeed': flag,
  'delta.enableDeletionVectors': flag,
  'delta.enableExpiredLogCleanup': flag,
  'delta.enableFullRetentionRollback': flag,
  'delta.enableInCommitTimestamps': flag,
  [rowTrackingProperty]: flag,
  'delta.enableTypeWidening': flag,
  'delta.isolationLevel': [/^(Serializable|WriteSerializable|SnapshotIsolation)$/, 'Serializable or WriteSerializable'],
  'delta.logRetentionDuration': days,
  'delta.randomizeFilePrefixes': flag,
  'delta.randomPrefixLength': count,
  'delta.sampleRetentionDuration': days,
  'delta.setTransactionRetentionDuration': days,
  'delta.targetFileSize': size,
  'delta.tuneFileSizesForRewrites': flag,
}

/** Properties that the table itself keeps. */
const own = /^delta\.(columnMapping\.maxColumnId|inCommitTimestampEnablement(Version|Timestamp)|rowTracking\..*|min(Reader|Writer)Version)$/

/**
 * Checks a property that is to be set.
 * @throws UsageError `INVALID_PROPERTY` for a value that it does not take, one that the table keeps itself, and an unknown one of Delta's;
 * UnsupportedFeatureError for one whose feature is not built
 */
export function checkProperty(name: string, value: string): void {
  if (typeof value !== 'string' || name === '') throw invalid(name, `takes text, not ${JSON.stringify(value)}`)
  if (!name.startsWith('delta.')) return
  if (name.startsWith(constraintPrefix)) throw invalid(name, 'is a constraint, and not set as a property')
  if (refusedProperties.test(name)) throw refused(name)
  if (own.test(name)) throw invalid(name, 'is kept by the table itself')
  const form = Object.hasOwn(known, name) ? known[name] : undefined
  if (form === undefined) throw unknown(name)
  if (!form[0].test(value)) throw invalid(name, `is ${form[1]}, not ${JSON.stringify(value)}`)
}

/** Checks that no column has a name that the change feed needs, where there is one (§Change Data Files). @throws UsageError `INVALID_PROPERTY` */
export function checkFeedColumns({ fields }: StructType, properties: Readonly<Record<string, string>>): void {
  const taken = fields.find(({ name }) => /^_(change_type|commit_version|commit_timestamp)$/i.test(name))?.name
  if (taken === undefined || !isOn(properties, 'delta.enableChangeDataFeed')) return
  throw new UsageError('INVALID_PROPERTY', `A table with a change feed (delta.enableChangeDataFeed) cannot have the column ${taken}.`, {
    remedy: 'Rename the column, or leave the change feed off.',
    data: { property: 'delta.enableChangeDataFeed', column: taken },
  })
}

/** The features that properties switch on. */
export function featuresOfProperties(properties: Readonly<Record<string, string>>): Set<string> {
  const found = new Set<string>()
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith(constraintPrefix)) found.add('checkConstraints')
    if (!Object.hasOwn(featureProperties, name)) continue
    const [feature, switching, ...more] = featureProperties[name]!
    if (switching.test(value)) for (const one of [feature, ...more]) found.add(one)
  }
  return found
}

function refused(property: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError('UNSUPPORTED_FEATURE', `Varve cannot yet make a table have the property ${property}.`, {
    remedy: 'Leave the property out, or set it with Spark.',
    data: { property },
  })
}

function unknown(property: string): UsageError {
  const lower = property.toLowerCase()
  const near = Object.keys(known).find((name) => name.toLowerCase() === lower || alike(name.toLowerCase(), lower))
  return new UsageError('INVALID_PROPERTY', `Delta tables have no property ${property}.`, {
    remedy: `${near === undefined ? '' : `Did you mean ${near}? `}A property of your own may have any name that does not begin with delta.`,
    data: { property },
  })
}

/** Whether two names differ by one letter more, less or other. */
function alike(one: string, other: string): boolean {
  let start = 0
  while (start < one.length && one[start] === other[start]) start += 1
  let end = 0
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end += 1
  return Math.max(one.length, other.length) - start - end <= 1
}

function invalid(property: string, why: string): UsageError {
  return new UsageError('INVALID_PROPERTY', `The property ${property} ${why}.`, {
    remedy: property.startsWith(constraintPrefix)
      ? 'Add it with constraint add, which checks the rows.'
      : 'Give another value, or leave it out.',
    data: { property },
  })
}
