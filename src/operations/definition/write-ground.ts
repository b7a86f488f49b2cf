/** What a table is for the rows of one write: its columns as they are, or with those that the rows bring besides. */
import { type Action, activeProperties, type Metadata, type TableState } from '../../log/index.ts'
import { mergeSchemas } from '../../schema/evolve/merge-schemas.ts'
import { checkSchema, writeSchema } from '../../schema/schema-json.ts'
import type { StructType } from '../../schema/types.ts'
import { checkFeedColumns } from '../definition/properties.ts'
import { isMapped, withMapping } from './column-mapping.ts'
import { featuresOfTypes, withFeatures } from './features.ts'

/** What the rows of a write are fitted to, and the actions that make the table so. */
export interface WriteGround {
  readonly target: StructType
  readonly metadata: Metadata
  readonly actions: readonly Action[]
}

/** The table as it is. */
export function asItIs(state: TableState, schema: StructType): WriteGround {
  return { target: schema, metadata: state.metadata, actions: [] }
}

/** The table's schema with the source's new columns behind: mapped where the table's are, with the features that their types need. */
export function withNewColumns(state: TableState, schema: StructType, added: StructType): WriteGround {
  const merged = mergeSchemas(schema, added)
  if (merged === schema) return asItIs(state, schema)
  const { configuration } = state.metadata
  const mapped = isMapped(activeProperties(state)) ? withMapping(merged, configuration) : { schema: merged, properties: configuration }
  checkSchema(mapped.schema, state.metadata.partitionColumns)
  checkFeedColumns(mapped.schema, mapped.properties)
  const metadata = { ...state.metadata, schemaString: writeSchema(mapped.schema), configuration: mapped.properties }
  const protocol = withFeatures(state.protocol, featuresOfTypes(mapped.schema))
  const upgrade: Action[] = protocol === state.protocol ? [] : [{ protocol }]
  return { target: mapped.schema, metadata, actions: [...upgrade, { metaData: metadata }] }
}

/** The actions with the metadata that the rows led to, where they did: a commit has one at most. */
export function withMetadata(actions: readonly Action[], metadata: Metadata | undefined): readonly Action[] {
  return metadata === undefined ? actions : [...actions.filter((action) => !('metaData' in action)), { metaData: metadata }]
}
