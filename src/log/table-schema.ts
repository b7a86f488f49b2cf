/** The schema of a version, parsed once: versions in a row, and all handles on one of them, share their metadata. */
import { parseSchema } from '../schema/schema-json.ts'
import type { StructType } from '../schema/types.ts'
import type { Metadata } from './actions.ts'

const parsed = new WeakMap<Metadata, StructType>()

/** The schema that metadata says. It is frozen, since others hold it too. @throws as {@link parseSchema} */
export function schemaOf(metadata: Metadata): StructType {
  const known = parsed.get(metadata)
  if (known !== undefined) return known
  const schema = frozen(parseSchema(metadata.schemaString, metadata.partitionColumns))
  parsed.set(metadata, schema)
  return schema
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}
