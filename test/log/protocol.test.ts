/** What a protocol action may look like, and which features it stands for. */
import { describe, expect, test } from 'vitest'
import type { Metadata, Protocol } from '../../src/log/actions.ts'
import { activeProperties, checkReadable, hasInCommitTimestamps } from '../../src/log/protocol.ts'
import { memoryStore } from '../../src/storage/index.ts'
import type { FileEntry } from '../../src/table/snapshot.ts'
import { Table } from '../../src/table/table.ts'
import { metadata as metadataAction, putCommit } from './tools.ts'

const lists = (readerFeatures: string[] | null, writerFeatures: string[] | null, minReaderVersion = 3): Protocol => ({
  minReaderVersion,
  minWriterVersion: 7,
  readerFeatures,
  writerFeatures,
})
const reading = (protocol: Protocol) => () => checkReadable(protocol, 'root')

test.each<Protocol>([
  { minReaderVersion: 1, minWriterVersion: 1 },
  { minReaderVersion: 2, minWriterVersion: 5 },
  lists([], []),
  lists(
    ['deletionVectors', 'v2Checkpoint', 'vacuumProtocolCheck'],
    ['deletionVectors', 'v2Checkpoint', 'vacuumProtocolCheck', 'appendOnly'],
  ),
  lists(['typeWidening-preview', 'variantType-preview'], ['typeWidening-preview', 'variantType-preview']),
  // Older writers listed column mapping for writers alone.
  lists(['deletionVectors'], ['deletionVectors', 'columnMapping']),
  lists(null, ['columnMapping', 'rowTracking', 'domainMetadata', 'clustering', 'inCommitTimestamp'], 2),
  // A writer feature that nobody knows asks nothing of a reader.
  lists([], ['liquid']),
])('%j is read', (protocol) => {
  expect(reading(protocol)).not.toThrow()
})

describe.each<[string, Protocol, string]>([
  ['versions that are no integers', { minReaderVersion: 1.5, minWriterVersion: 2 }, 'no positive integers'],
  ['reader version 3 without a list', lists(null, []), 'needs a list of reader features'],
  ['writer version 7 without a list', lists([], null), 'needs a list of writer features'],
  ['reader version 3 with an older writer', { ...lists([], []), minWriterVersion: 6 }, 'needs writer version 7'],
  ['a reader feature that writers lack', lists(['deletionVectors'], ['appendOnly']), 'reader feature deletionVectors'],
  ['a reader feature in the list of writers alone', lists([], ['deletionVectors']), 'feature deletionVectors'],
  ['the same below reader version 3', lists(null, ['timestampNtz'], 1), 'feature timestampNtz'],
])('a protocol with %s', (_, protocol, what) => {
  test('is not legal', () => {
    expect(reading(protocol)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT', message: expect.stringContaining(what) }))
  })
})

test.each(['catalogManaged', 'catalogOwned-preview', 'geospatial', 'collations', 'adaptiveMetadata-preview', 'strange'])(
  'the reader feature %s is refused by its name',
  (feature) => {
    const refusal = expect.objectContaining({ code: 'UNSUPPORTED_FEATURE', data: { feature, verb: 'read', root: 'root' } })
    expect(reading(lists([feature], [feature]))).toThrow(refusal)
    expect(reading(lists([feature], []))).toThrow(refusal)
  },
)

test('a property counts only where the protocol has its feature', () => {
  const metadata = (configuration: Record<string, string>) => ({ configuration }) as unknown as Metadata
  const mapped = metadata({ 'delta.columnMapping.mode': 'name', other: 'x' })
  const active = (protocol: Protocol) => activeProperties({ protocol, metadata: mapped })
  expect(active({ minReaderVersion: 2, minWriterVersion: 5 })).toEqual(mapped.configuration)
  expect(active(lists(['columnMapping'], ['columnMapping']))).toEqual(mapped.configuration)
  expect(active({ minReaderVersion: 1, minWriterVersion: 2 })).toEqual({ other: 'x' })
  expect(active(lists(['deletionVectors'], ['deletionVectors']))).toEqual({ other: 'x' })
  const timed = metadata({ 'delta.enableInCommitTimestamps': 'true' })
  expect(hasInCommitTimestamps({ minReaderVersion: 1, minWriterVersion: 2 }, timed)).toBe(false)
  expect(hasInCommitTimestamps(lists(null, ['inCommitTimestamp'], 1), timed)).toBe(true)
})

test('properties are read without regard to case, as others do, and a mode of column mapping that is not known is refused', async () => {
  const store = memoryStore()
  const mapped = { 'delta.columnMapping.id': 1, 'delta.columnMapping.physicalName': 'col-1' }
  const schemaString = JSON.stringify({ type: 'struct', fields: [{ name: 'id', type: 'long', nullable: true, metadata: mapped }] })
  const configuration = { 'delta.columnMapping.mode': 'NAME', 'delta.enableChangeDataFeed': 'True', 'delta.appendOnly': 'TRUE' }
  const both = lists(['columnMapping'], ['columnMapping', 'changeDataFeed', 'appendOnly'])
  await putCommit(store, 0, [{ protocol: both }, metadataAction(configuration, { schemaString })])
  const table = await Table.open(store)
  await table.append([{ id: 7 }])
  // A file that has the column by its physical name alone is read, and ours are written so.
  await putCommit(store, 2, [metadataAction({ ...configuration, 'delta.columnMapping.mode': 'name' }, { schemaString })])
  expect(await (await (await Table.open(store)).latest()).scan().toArray()).toEqual([{ id: 7n }])
  expect((await table.changes({ from: 1 }).toArray()).map((row) => row._change_type)).toEqual(['insert'])
  await expect(table.delete({ where: 'id = 7' })).rejects.toMatchObject({ code: 'APPEND_ONLY' })
  await putCommit(store, 3, [metadataAction({ 'delta.columnMapping.mode': 'index' }, { schemaString })])
  const odd = (await Table.open(store)).latest().then((snapshot) => snapshot.scan().toArray())
  await expect(odd).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE', data: { feature: 'columnMapping', mode: 'index' } })
})

test('a mode of column mapping that the protocol does not have changes neither what is written nor what is read', async () => {
  const store = memoryStore()
  const named = { id: 1, name: 'id', 'delta.columnMapping.physicalName': 'col-1' }
  const schemaString = JSON.stringify({ type: 'struct', fields: [{ name: 'id', type: 'long', nullable: true, metadata: named }] })
  const ground = metadataAction({ 'delta.columnMapping.mode': 'name' }, { schemaString })
  await putCommit(store, 0, [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, ground])
  const table = await Table.open(store)
  await table.append([{ id: 7 }])
  const snapshot = await table.latest()
  expect(snapshot.properties['delta.columnMapping.mode']).toBe('name')
  expect(await snapshot.scan().toArray()).toEqual([{ id: 7n }])
  const files: FileEntry[] = []
  for await (const each of snapshot.files()) files.push(each)
  expect(files[0]?.stats).toMatchObject({ minValues: { id: 7 } })
})
