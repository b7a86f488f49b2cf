/**
 * The gate in front of every table: what a reader and a writer must know (§Protocol Evolution, §Table Features).
 *
 * A reader refuses a reader version or reader feature that it does not know; a writer refuses, besides, a writer version or writer
 * feature that it does not know, and the known ones whose obligations this table would put on it and that it cannot keep. Both name
 * what they refuse. Legacy versions stand for the features that they imply.
 */
import { LogError, UnsupportedFeatureError } from '../errors/index.ts'
import { isOn } from '../schema/switches.ts'
import type { Metadata, Protocol } from './actions.ts'

const legacyWriterFeatures: readonly (readonly [number, readonly string[]])[] = [
  [2, ['appendOnly', 'invariants']],
  [3, ['checkConstraints']],
  [4, ['changeDataFeed', 'generatedColumns']],
  [5, ['columnMapping']],
  [6, ['identityColumns']],
]

/** Reader features whose tables can be read: by what is built, or because nothing is asked of a reader. */
const readable = new Set([
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'typeWidening',
  'typeWidening-preview',
  'v2Checkpoint',
  'vacuumProtocolCheck',
  'variantShredding',
  'variantShredding-preview',
  'variantType',
  'variantType-preview',
])

/** Writer features that an append keeps, or that ask nothing of it. */
const writable = new Set([
  'appendOnly',
  'changeDataFeed',
  'checkConstraints',
  'clustering',
  'columnMapping',
  'deletionVectors',
  'domainMetadata',
  'generatedColumns',
  'identityColumns',
  'allowColumnDefaults',
  'inCommitTimestamp',
  'invariants',
  'rowTracking',
  'timestampNtz',
  'typeWidening',
  'typeWidening-preview',
  'v2Checkpoint',
  'vacuumProtocolCheck',
  'variantType',
  'variantType-preview',
])

const mappingMode = 'delta.columnMapping.mode'

/** All features that the protocol of a table switches on, implied ones too. */
export function features(protocol: Protocol): { reader: ReadonlySet<string>; writer: ReadonlySet<string> } {
  const writer = new Set(protocol.minWriterVersion >= 7 ? (protocol.writerFeatures ?? []) : [])
  if (protocol.minWriterVersion < 7) {
    for (const [version, names] of legacyWriterFeatures)
      if (protocol.minWriterVersion >= version) for (const name of names) writer.add(name)
  }
  const reader = new Set(protocol.minReaderVersion >= 3 ? (protocol.readerFeatures ?? []) : [])
  if (protocol.minReaderVersion === 2) reader.add('columnMapping')
  return { reader, writer }
}

/** Checks that this table can be read. @throws UnsupportedFeatureError naming what is not known; LogError for a protocol of no legal shape. */
export function checkReadable(protocol: Protocol, root: string): void {
  checkShape(protocol, root)
  if (protocol.minReaderVersion > 3) throw unsupported(`reader version ${protocol.minReaderVersion}`, 'read', root)
  for (const feature of features(protocol).reader) if (!readable.has(feature)) throw unsupported(feature, 'read', root)
  const problem = misplaced(protocol)
  if (problem) throw illegal(protocol, problem, root)
}

/**
 * Checks that all that a writer must know of this table is known: what changing its metadata takes, and deleting its files
 * (§Vacuum Protocol Check). @throws UnsupportedFeatureError naming what is not
 */
export function checkAlterable(protocol: Protocol, root: string): void {
  checkReadable(protocol, root)
  if (protocol.minWriterVersion > 7) throw unsupported(`writer version ${protocol.minWriterVersion}`, 'write', root)
  for (const feature of features(protocol).writer) if (!writable.has(feature)) throw unsupported(feature, 'write', root)
}

/**
 * The properties of a table, without those that switch on what its protocol does not have: a mode of column mapping means nothing where
 * the feature is not supported (§Column Mapping). The mode is in lower case, as which others read it.
 * @throws UnsupportedFeatureError for a mode that is not known
 */
export function activeProperties({ protocol, metadata }: { protocol: Protocol; metadata: Metadata }): Readonly<Record<string, string>> {
  const { [mappingMode]: mode, ...others } = metadata.configuration
  if (mode === undefined) return metadata.configuration
  if (!features(protocol).reader.has('columnMapping')) return others
  const known = mode.toLowerCase()
  if (!/^(none|name|id)$/.test(known)) throw unknownMode(mode)
  return known === mode ? metadata.configuration : { ...others, [mappingMode]: known }
}

/** Whether commits of this table carry their own time (§In-Commit Timestamps). */
export function hasInCommitTimestamps(protocol: Protocol, metadata: Metadata): boolean {
  return features(protocol).writer.has('inCommitTimestamp') && isOn(metadata.configuration, 'delta.enableInCommitTimestamps')
}

function checkShape(protocol: Protocol, root: string): void {
  const { minReaderVersion: reader, minWriterVersion: writer } = protocol
  const problem = !(Number.isSafeInteger(reader) && Number.isSafeInteger(writer) && reader >= 1 && writer >= 1)
    ? 'its versions are no positive integers'
    : reader === 3 && !Array.isArray(protocol.readerFeatures)
      ? 'reader version 3 needs a list of reader features'
      : writer === 7 && !Array.isArray(protocol.writerFeatures)
        ? 'writer version 7 needs a list of writer features'
        : reader === 3 && writer < 7
          ? 'reader version 3 needs writer version 7'
          : undefined
  if (problem) throw illegal(protocol, problem, root)
}

function illegal({ minReaderVersion, minWriterVersion }: Protocol, problem: string, root: string): LogError {
  return new LogError('LOG_CORRUPT', `The protocol action of ${root} is not legal: ${problem}.`, {
    remedy: 'Ask whoever wrote this table; restore the log from a backup if it was edited by hand.',
    data: { root, minReaderVersion: Number(minReaderVersion), minWriterVersion: Number(minWriterVersion) },
  })
}

/** Features for readers that only one of the two lists has. Column mapping had a place for writers alone before there were lists. */
function misplaced(protocol: Protocol): string | undefined {
  if (protocol.minWriterVersion < 7) return undefined
  const { reader: supported } = features(protocol)
  const [reader, writer] = [[...supported], protocol.writerFeatures ?? []]
  const forReaders = protocol.minReaderVersion === 3 ? reader.find((name) => !writer.includes(name)) : undefined
  if (forReaders !== undefined) return `its reader feature ${forReaders} is not among the writer features`
  const forWriters = writer.find((name) => readable.has(name) && name !== 'columnMapping' && !reader.includes(name))
  return forWriters === undefined ? undefined : `its feature ${forWriters} is not among the reader features`
}

function unknownMode(mode: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError('UNSUPPORTED_FEATURE', `The mode ${JSON.stringify(mode)} of column mapping is not known.`, {
    remedy: `Read the table with the engine that wrote it, or set ${mappingMode} to name or id there.`,
    data: { feature: 'columnMapping', mode },
  })
}

function unsupported(feature: string, verb: 'read' | 'write', root: string, where?: string): UnsupportedFeatureError {
  const place = where ? ` (${where})` : ''
  return new UnsupportedFeatureError(
    'UNSUPPORTED_FEATURE',
    `To ${verb} the table ${root} one must know ${feature}${place}, which Varve does not.`,
    {
      remedy: `Use an engine that knows ${feature}, or drop the feature from the table there.`,
      data: { feature, verb, root },
    },
  )
}
