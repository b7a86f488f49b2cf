/**
 * The protocol, metadata and domains of a table that gets those of an earlier version, as far as they may go back.
 *
 * What stays as it is: features of the protocol; which commits carry their own time; the highest id that a column ever had; how far identity
 * columns have counted; the high-water mark of row ids; the retention policy, which is of the table and not of a version; and the table's own id.
 */
import { type Action, activeProperties, type DomainMetadata, features, type Metadata, type TableState } from '../../log/index.ts'
import { stringifyJson } from '../../schema/json.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { parseSchema, writeSchema } from '../../schema/schema-json.ts'
import type { StructField } from '../../schema/types.ts'
import { withFeatures } from '../definition/features.ts'

const ofTable = /^(delta\.(enableInCommitTimestamps|inCommitTimestampEnablement(Version|Timestamp))$|varve\.retain\.)/i
const highestColumn = 'delta.columnMapping.maxColumnId'
const rowTracking = 'delta.rowTracking'
const [start, step, mark] = ['delta.identity.start', 'delta.identity.step', 'delta.identity.highWaterMark'] as const

/** The actions that make it so; none where it is. */
export function restoredGround(then: TableState, now: TableState): Action[] {
  const protocol = withFeatures(now.protocol, features(then.protocol).writer)
  const metadata = metadataOf(then, now)
  return [
    ...(protocol === now.protocol ? [] : [{ protocol }]),
    ...(stringifyJson(canonical(metadata)) === stringifyJson(canonical(now.metadata)) ? [] : [{ metaData: metadata }]),
    ...domainActions(then, now),
  ]
}

function metadataOf(before: TableState, after: TableState): Metadata {
  const [then, now] = [before.metadata, after.metadata]
  const kept = Object.entries(now.configuration).filter(([key]) => ofTable.test(key))
  const own = Object.entries(then.configuration).filter(([key]) => !ofTable.test(key))
  const configuration: Record<string, string> = Object.fromEntries([...own, ...kept])
  const highest = now.configuration[highestColumn]
  if (highest !== undefined && Number(highest) > Number(configuration[highestColumn] ?? 0)) configuration[highestColumn] = highest
  const schemaString = withCountedIdentities(before, after)
  return { ...then, id: now.id, configuration, ...(schemaString === undefined ? {} : { schemaString }) }
}

/** The earlier schema, whose identity columns go on counting where the later one's are, whatever these are called by then. */
function withCountedIdentities(before: TableState, after: TableState): string | null | undefined {
  const [then, now] = [before.metadata, after.metadata]
  if (!then.schemaString?.includes(step) || !now.schemaString?.includes(mark)) return then.schemaString
  const nameOf = (state: TableState) => (field: StructField) => physicalName(field, columnNaming(activeProperties(state)))
  const [nameThen, nameNow] = [nameOf(before), nameOf(after)]
  const counted = new Map(parseSchema(now.schemaString, now.partitionColumns).fields.map((field) => [nameNow(field), field]))
  const schema = parseSchema(then.schemaString, then.partitionColumns)
  const fields = schema.fields.map((field) => {
    const later = counted.get(nameThen(field))?.metadata[mark]
    return later !== undefined && isFurther(field, later) ? { ...field, metadata: { ...field.metadata, [mark]: later } } : field
  })
  return writeSchema({ ...schema, fields })
}

function isFurther({ metadata }: StructField, later: unknown): boolean {
  const numbers = [metadata[step], later, metadata[mark] ?? metadata[start]].map((value) =>
    /^-?\d+$/.test(String(value)) ? BigInt(String(value)) : undefined,
  )
  const [by, to, from] = numbers
  if (by === undefined || to === undefined || from === undefined) return false
  return by > 0n ? to > from : to < from
}

function domainActions(then: TableState, now: TableState): Action[] {
  const differing = (domain: DomainMetadata) =>
    domain.domain !== rowTracking && now.domains.get(domain.domain)?.configuration !== domain.configuration
  const back = [...then.domains.values()].filter(differing)
  const gone = [...now.domains.values()].filter(({ domain }) => domain !== rowTracking && !then.domains.has(domain))
  return [...back, ...gone.map((domain) => ({ ...domain, removed: true }))].map((domainMetadata) => ({ domainMetadata }))
}

/** The same whatever the order of its properties. */
function canonical({ configuration, ...rest }: Metadata): unknown {
  return { ...Object.fromEntries(Object.entries(rest).sort()), configuration: Object.entries(configuration).sort() }
}
