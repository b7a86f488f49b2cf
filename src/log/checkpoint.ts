/**
 * Writing a classic checkpoint (§Checkpoints), and the rule that says when one is due.
 *
 * The engine writes it: live files, then unexpired tombstones, after the small actions. It stands alone: protocol, metadata,
 * transactions and live domains are in it; commitInfo, cdc, removed domains and the statistics and tags of tombstones are not. It is
 * derived data, put under its name only after its commit is there and never over another.
 */
import { trustedEngine } from '../engine/index.ts'
import { stringifyJson } from '../schema/json.ts'
import { quoteIdentifier, quoteLiteral } from '../schema/quoting.ts'
import { hashFile } from '../storage/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { DomainMetadata, Metadata, Protocol, Txn } from './actions.ts'
import { withSegment } from './file-list.ts'
import { readHints } from './latest.ts'
import { overSegment } from './over-segment.ts'
import { checkpointKey, lastCheckpointKey } from './paths.ts'
import { fileFields, liveFiles, tombstones } from './replay.ts'
import type { TableState } from './state.ts'

/** A checkpoint waits for this many commits, and for a tenth as many file actions as the last one holds. */
const commitsBetween = 100
const growth = 10

/**
 * Whether a version should get a checkpoint. A fixed interval would write a large list of files again and again; with a share of its
 * size all checkpoints of a table's life stay in proportion to what was committed. Only every hundredth version asks, so that of many
 * writers one makes it. `delta.checkpointInterval`, where set, is obeyed.
 */
export function checkpointDue(state: TableState): boolean {
  const interval = Number(state.metadata.configuration['delta.checkpointInterval'])
  if (Number.isSafeInteger(interval) && interval > 0) return state.version > 0 && state.version % interval === 0
  if (state.version === 0 || state.version % commitsBetween !== 0) return false
  const last = state.checkpoint
  return !last || (state.version - last.version >= commitsBetween && last.since * growth >= last.holds)
}

/** The state, with what the hint says of a checkpoint that another writer made since. */
export async function withNewestCheckpoint(store: ObjectStore, state: TableState): Promise<TableState> {
  const hint = (await readHints(store)).checkpoint
  if (!hint || hint.version > state.version || hint.version <= (state.checkpoint?.version ?? -1)) return state
  return { ...state, checkpoint: { version: hint.version, holds: hint.adds ?? 0, since: state.version - hint.version } }
}

/**
 * Writes the checkpoint of a version and moves the hint to it; a damaged one before it is passed over. `now` (milliseconds) decides which tombstones have expired.
 * @returns the state with its new checkpoint.
 */
export async function writeCheckpoint(store: ObjectStore, state: TableState, now: number): Promise<TableState> {
  const connection = await (await trustedEngine()).connect()
  const staging = await store.stage()
  try {
    const path = `${staging.folder}/${state.version}.checkpoint.parquet`
    const write = (base: string | undefined, commits: string | undefined) => {
      const removes = `SELECT * FROM (${tombstones(base, commits)}) WHERE coalesce("deletionTimestamp", 0) > ${oldestTombstone(state, now)}`
      const rows = [smallRows(state), fileRows('add', addFields, liveFiles(base, commits)), fileRows('remove', removeFields, removes)]
      return connection.run(`COPY (${rows.join(' UNION ALL BY NAME ')}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`)
    }
    const options = { hint: state.checkpoint }
    await overSegment(store, state.version, options, (segment) => withSegment(store, connection, segment, write))
    const [count] = await connection.all(
      `SELECT count(*) AS actions, count(add.path) AS adds, count(remove.path) AS removes FROM read_parquet(${quoteLiteral(path)})`,
    )
    const { size } = await hashFile(path)
    await store.putIfAbsent(checkpointKey(state.version), { path, size })
    const [actions, adds, removes] = [Number(count?.actions), Number(count?.adds), Number(count?.removes)]
    await moveHint(store, { version: state.version, size: actions, sizeInBytes: size, numOfAddFiles: adds })
    return { ...state, checkpoint: { version: state.version, holds: adds + removes, since: 0 } }
  } finally {
    connection.close()
    await staging.dispose()
  }
}

/** The hint is never moved backwards: a slower writer may finish an older checkpoint later. */
async function moveHint(
  store: ObjectStore,
  hint: { version: number; size: number; sizeInBytes: number; numOfAddFiles: number },
): Promise<void> {
  const known = (await readHints(store)).checkpoint?.version ?? -1
  if (known < hint.version) await store.put(lastCheckpointKey, new TextEncoder().encode(stringifyJson(hint)), { durable: false })
}

const fileTypes = new Map(fileFields)

const shared = ['path', 'partitionValues', 'size', 'deletionVector', 'baseRowId', 'defaultRowCommitVersion']
const addFields = fieldsOf([...shared, 'modificationTime', 'stats', 'tags', 'clusteringProvider'], `'dataChange': false`)
const removeFields = fieldsOf([...shared, 'deletionTimestamp'], `'dataChange': false, 'extendedFileMetadata': size IS NOT NULL`)

function fieldsOf(names: readonly string[], constant: string): string {
  const fields = names.map((name) => `'${name}': CAST(${quoteIdentifier(name)} AS ${fileTypes.get(name)})`)
  return `{${[...fields, constant].join(', ')}}`
}

function fileRows(action: 'add' | 'remove', fields: string, files: string): string {
  return `SELECT ${fields} AS ${action} FROM (${files})`
}

const smallShape = {
  protocol: { minReaderVersion: 'INTEGER', minWriterVersion: 'INTEGER', readerFeatures: ['VARCHAR'], writerFeatures: ['VARCHAR'] },
  metaData: {
    id: 'VARCHAR',
    name: 'VARCHAR',
    description: 'VARCHAR',
    format: { provider: 'VARCHAR', options: 'MAP(VARCHAR, VARCHAR)' },
    schemaString: 'VARCHAR',
    partitionColumns: ['VARCHAR'],
    configuration: 'MAP(VARCHAR, VARCHAR)',
    createdTime: 'BIGINT',
  },
  txn: { appId: 'VARCHAR', version: 'BIGINT', lastUpdated: 'BIGINT' },
  domainMetadata: { domain: 'VARCHAR', configuration: 'VARCHAR', removed: 'BOOLEAN' },
}

function smallRows(state: TableState): string {
  const actions: { protocol?: Protocol; metaData?: Metadata; txn?: Txn; domainMetadata?: DomainMetadata }[] = [
    { protocol: state.protocol },
    { metaData: state.metadata },
    ...[...state.txns.values()].map((txn) => ({ txn })),
    ...[...state.domains.values()].map((domainMetadata) => ({ domainMetadata })),
  ]
  const lines = actions.map((action) => quoteLiteral(stringifyJson(action))).join(', ')
  return `SELECT action.* FROM (SELECT json_transform(line, ${quoteLiteral(JSON.stringify(smallShape))}) AS action FROM unnest([${lines}]) AS lines(line))`
}

/** Tombstones deleted at or before this time have expired. An interval that cannot be read keeps all of them. */
function oldestTombstone(state: TableState, now: number): number {
  const interval = state.metadata.configuration['delta.deletedFileRetentionDuration'] ?? 'interval 7 days'
  const match = interval.trim().match(/^(?:interval\s+)?(\d+)\s+(week|day|hour|minute|second)s?$/i)
  const milliseconds = { week: 604_800_000, day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 }[
    match?.[2]?.toLowerCase() ?? ''
  ]
  return milliseconds === undefined ? -1 : now - Number(match?.[1]) * milliseconds
}
