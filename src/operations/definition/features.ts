/** Table features (§Table Features) that a schema needs, and how a table gets them. */
import { features, type Protocol } from '../../log/index.ts'
import { allFields } from '../../schema/evolve/fields.ts'
import type { DataType, StructType } from '../../schema/types.ts'

/** Features that stand among the reader's too. */
export const readerFeatures: ReadonlySet<string> = new Set([
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'typeWidening',
  'v2Checkpoint',
  'variantType',
])

/** The features that the types of a schema need. */
export function featuresOfTypes(schema: StructType): Set<string> {
  const needed = new Set<string>()
  for (const type of allTypes(schema)) {
    if (type === 'timestamp_ntz') needed.add('timestampNtz')
    if (type === 'variant') needed.add('variantType')
  }
  return needed
}

/** What the metadata of columns asks of writers, by its key. */
const columnFeatures: Readonly<Record<string, string>> = {
  'delta.invariants': 'invariants',
  'delta.generationExpression': 'generatedColumns',
  'delta.identity.step': 'identityColumns',
  CURRENT_DEFAULT: 'allowColumnDefaults',
}

/** The features that the metadata of columns needs, so that it means something. */
export function featuresOfColumns(schema: StructType): Set<string> {
  const keys = [...allFields(schema)].flatMap(([, { metadata }]) => Object.keys(metadata))
  return new Set(keys.flatMap((key) => (Object.hasOwn(columnFeatures, key) ? [columnFeatures[key]!] : [])))
}

/** The protocol with features added; itself where it has them all. Legacy versions become the lists that they stand for. */
export function withFeatures(protocol: Protocol, added: Iterable<string>): Protocol {
  const has = features(protocol)
  const wanted = [...added]
  const missing = wanted.filter((name) => !has.writer.has(name))
  // Column mapping may be known to the writer's list alone, and means nothing then.
  const unread = wanted.filter((name) => readerFeatures.has(name) && !has.reader.has(name))
  if (missing.length + unread.length === 0) return protocol
  const writer = [...has.writer, ...missing]
  const reader = [...has.reader, ...unread]
  if (reader.length === 0) return { minReaderVersion: protocol.minReaderVersion, minWriterVersion: 7, writerFeatures: writer }
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: reader, writerFeatures: writer }
}

/** A type and all types inside it. */
export function* allTypes(type: DataType): Generator<DataType> {
  yield type
  if (typeof type === 'string') return
  if (type.type === 'struct') for (const field of type.fields) yield* allTypes(field.type)
  else if (type.type === 'array') yield* allTypes(type.elementType)
  else {
    yield* allTypes(type.keyType)
    yield* allTypes(type.valueType)
  }
}
