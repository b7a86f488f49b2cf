/**
 * A table's schema and metadata on the way to their next version: what the changes of an alter work on, one after the other. A draft is
 * immutable.
 */
import type { VarveError } from '../../errors/index.ts'
import { activeProperties, features, type Metadata, type Protocol, schemaOf, type TableState } from '../../log/index.ts'
import { writeSchema } from '../../schema/schema-json.ts'
import { isOn } from '../../schema/switches.ts'
import type { StructType } from '../../schema/types.ts'
import { isMapped, withKeptNames, withMapping } from '../definition/column-mapping.ts'
import { featuresOfTypes, withFeatures } from '../definition/features.ts'
import { rowTrackingProperty } from '../definition/properties.ts'

/** Rows that are there must fulfil a new rule. */
export interface RowCheck {
  /** The table as it is called when the rule is made. */
  readonly draft: Draft
  /** An SQL condition that rows against the rule fulfil. */
  readonly violated: string
  /** The error for so many of them. */
  readonly error: (rows: number) => VarveError
}

/** A table as it is to be. */
export interface Draft {
  readonly state: TableState
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  /** Features that the changes brought, besides those that types need. */
  readonly features: ReadonlySet<string>
  readonly checks: readonly RowCheck[]
  /** Whether something in it came from the rows that are there. */
  readonly readsRows: boolean
}

/** What one change made of a draft. */
export interface Step {
  readonly draft: Draft
  /** As Spark's history names it. */
  readonly operation: string
  /** The operation's parameters in Spark's history: text, lists and objects as JSON. */
  readonly parameters: Readonly<Record<string, string>>
  /** In words, for people. */
  readonly words: string
}

/** The draft of a table as it is. */
export function draftOf(state: TableState): Draft {
  const { partitionColumns, configuration } = state.metadata
  return { state, schema: schemaOf(state.metadata), partitionColumns, configuration, features: new Set(), checks: [], readsRows: false }
}

/** The draft with a feature. */
export function withFeature(draft: Draft, ...added: readonly string[]): Draft {
  return { ...draft, features: new Set([...draft.features, ...added]) }
}

/** The protocol that the draft needs: the table's own where nothing is added. */
export function protocolOf({ state, schema, features: added }: Draft): Protocol {
  return withFeatures(state.protocol, [...featuresOfTypes(schema), ...added])
}

/** The properties of the draft that count under its protocol. */
export function propertiesOf(draft: Draft): Readonly<Record<string, string>> {
  const metadata = { ...draft.state.metadata, configuration: draft.configuration }
  return activeProperties({ protocol: protocolOf(draft), metadata })
}

/** The metadata that the draft becomes; the table's own where nothing differs. */
export function metadataOf({ state: { metadata }, schema, partitionColumns, configuration }: Draft): Metadata {
  const before = schemaOf(metadata)
  const same =
    (before === schema || writeSchema(before) === writeSchema(schema)) &&
    JSON.stringify(metadata.partitionColumns) === JSON.stringify(partitionColumns) &&
    sameProperties(metadata.configuration, configuration)
  return same ? metadata : { ...metadata, schemaString: writeSchema(schema), partitionColumns, configuration }
}

/** Whether the table's columns are mapped, in the draft. */
export function isMappedDraft(draft: Draft): boolean {
  return isMapped(propertiesOf(draft))
}

/** The draft with column mapping: columns that are there keep their names in files (§Column Mapping). */
export function mapped(draft: Draft): Draft {
  if (isMappedDraft(draft)) return draft
  const { schema, properties } = withKeptNames(draft.schema, draft.configuration)
  return withFeature({ ...draft, schema, configuration: { ...properties, 'delta.columnMapping.mode': 'name' } }, 'columnMapping')
}

/** The draft with another schema, whose new fields are mapped where the table's are. */
export function withSchema(draft: Draft, schema: StructType): Draft {
  if (schema === draft.schema) return draft
  if (!isMappedDraft(draft)) return { ...draft, schema }
  const { schema: named, properties } = withMapping(schema, draft.configuration)
  return { ...draft, schema: named, configuration: properties }
}

/** Whether rows are tracked from the draft on, and were not before (§Row Tracking). */
export function beginsTracking({ state, configuration }: Draft): boolean {
  const wasOn = isOn(state.metadata.configuration, rowTrackingProperty) && features(state.protocol).writer.has('rowTracking')
  return isOn(configuration, rowTrackingProperty) && !wasOn
}

/** The features that a draft has and its table has not. */
export function addedFeatures(draft: Draft): readonly string[] {
  const before = features(draft.state.protocol).writer
  return [...features(protocolOf(draft)).writer].filter((name) => !before.has(name))
}

function sameProperties(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && one[name] === other[name])
}
