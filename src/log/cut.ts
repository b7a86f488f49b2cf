/**
 * Cutting off the beginning of a log (§Metadata Cleanup): every version from the cut on stays readable, whatever moment it is interrupted.
 *
 *   a checkpoint at the cut ─ read back, the same as what lies before it ─ the hints above the cut ─ what lies below, newest first
 *
 * The commit of the cut itself stays, since a checkpoint does not hold what it says of itself. Of what lies below the newest goes first, so
 * that what an interruption leaves is a whole beginning and no middle; but checksums and checkpoints go before all, since readers begin at
 * one of them, and the commits after it may be gone. Names that are none of the log's are left alone.
 */
import type { Connection } from '../engine/index.ts'
import { LogError } from '../errors/index.ts'
import { stringifyJson } from '../schema/json.ts'
import type { Meta, ObjectStore } from '../storage/object-store.ts'
import { writeCheckpoint } from './checkpoint/checkpoint.ts'
import { readHint, readLastCheckpoint, validVersion } from './checkpoint/last-checkpoint.ts'
import { removeUnnamedSidecars } from './checkpoint/unnamed-sidecars.ts'
import { deleteAll } from './delete-all.ts'
import type { DeltaLog } from './delta-log.ts'
import { FileList } from './files/file-list.ts'
import { Stretches } from './files/stretches.ts'
import { Timeline } from './files/timeline.ts'
import { type Checkpoint, newestComplete, readListing } from './listing.ts'
import { headKey, logFolder, parseLogName } from './paths.ts'
import { checkpointState } from './small-actions.ts'
import type { TableState } from './state.ts'

/** A file of the log that a cut takes. */
export interface CutFile {
  readonly key: string
  readonly version: number
  readonly kind: 'commit' | 'checksum' | 'checkpoint' | 'compaction'
  readonly meta: Meta | undefined
}

const order: readonly CutFile['kind'][] = ['checksum', 'checkpoint', 'compaction', 'commit']

/** What a cut takes, in the order in which it goes; `meta` asks for sizes. Of sidecars it is not known before. */
export async function filesBelow(
  store: ObjectStore,
  cut: number,
  options: { readonly meta?: boolean; readonly signal?: AbortSignal | undefined } = {},
): Promise<CutFile[]> {
  const files: CutFile[] = []
  for await (const { key, meta } of store.list(`${logFolder}/`, { delimiter: '/', ...options })) {
    const name = parseLogName(key.slice(logFolder.length + 1))
    if (!name) continue
    // A compaction that begins at the cut stands for a commit that the checkpoint holds already.
    if (name.version > cut) break
    if (name.version < cut || name.kind === 'compaction') files.push({ key, version: name.version, kind: name.kind, meta })
  }
  return files.reverse().sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind))
}

/**
 * Cuts a log off below a version. `now` is the store's time in milliseconds; `prepared`: {@link prepareCut} has just been through.
 * @returns how many files of the log went.
 * @throws LogError CHECKPOINT_UNFIT, before anything is deleted, where a checkpoint at the cut does not say what the log says; what
 * reading the log throws; storage errors
 */
export async function cutLog(
  log: DeltaLog,
  cut: number,
  options: { readonly now: number; readonly prepared?: boolean; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const { store } = log
  const { now, prepared = false, signal } = options
  const below = await filesBelow(store, cut, { signal })
  if (below.length > 0) {
    if (!prepared) await prepareCut(log, cut, options)
    await moveHead(store, log.latest.version)
    await deleteAll(
      store,
      below.map(({ key }) => key),
      signal,
    )
  }
  return below.length + (await removeUnnamedSidecars(store, now, signal)).length
}

/**
 * Makes sure that there is a checkpoint at the cut that gives all of the version, and that the hint leads there or above. Deletes nothing: who
 * deletes data files before the log asks first.
 * @throws what {@link cutLog} throws
 */
export async function prepareCut(
  log: DeltaLog,
  cut: number,
  { now, signal }: { readonly now: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { store } = log
  const state = await log.stateAt(cut, signal)
  const there = (await checkpointsAt(store, cut, signal)).length > 0
  const hint = await readLastCheckpoint(store, signal)
  const hinted = (hint?.version ?? -1) >= cut && (await checkpointsAt(store, hint!.version, signal)).length > 0
  if (!there || !hinted) {
    const written = await writeCheckpoint(store, state, now)
    if (log.latest.version === cut) log.advanceTo(written)
  }
  const checkpoints = await checkpointsAt(store, cut, signal)
  if (checkpoints.length === 0) throw unfit(store, cut, undefined, 'it is not there')
  const without = new Set(checkpoints.flatMap(({ keys }) => keys))
  const before = await contentOf(new Stretches(store), cut, without, signal)
  for (const checkpoint of checkpoints) {
    const problem = await problemOf(store, checkpoint, state, before)
    if (problem !== undefined) throw unfit(store, cut, checkpoint, problem)
  }
}

/** All complete checkpoints of a version: another engine may read any of them. */
async function checkpointsAt(store: ObjectStore, version: number, signal: AbortSignal | undefined): Promise<Checkpoint[]> {
  const { checkpoints } = await readListing(store, { from: version, until: version, signal })
  const found: Checkpoint[] = []
  const without = new Set<string>()
  for (;;) {
    const next = newestComplete(checkpoints, version, without)
    if (!next) return found
    found.push(next)
    for (const key of next.keys) without.add(key)
  }
}

/** What a version's files are, by the rest of the log; `undefined` where nothing but checkpoints at the cut tells. */
async function contentOf(
  stretches: Stretches,
  version: number,
  without: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const list = await FileList.build(stretches, version, { without, signal })
    return await list.use(({ connection, relation }) => digestOf(connection, relation))
  } catch (error) {
    if (error instanceof LogError && (error.code === 'LOG_INCOMPLETE' || error.code === 'LOG_GAP')) return undefined
    throw error
  }
}

async function problemOf(
  store: ObjectStore,
  checkpoint: Checkpoint,
  state: TableState,
  content: string | undefined,
): Promise<string | undefined> {
  const ground = ({ protocol, metadata, txns, domains }: TableState) => [
    protocol.minReaderVersion,
    protocol.minWriterVersion,
    [...(protocol.writerFeatures ?? [])].sort(),
    metadata.id,
    metadata.schemaString,
    metadata.partitionColumns,
    Object.entries(metadata.configuration).sort(),
    // Where the table lets old transactions go, a checkpoint of another engine may lack some.
    metadata.configuration['delta.setTransactionRetentionDuration'] === undefined
      ? [...txns.values()].map(({ appId, version }) => `${appId}:${version}`).sort()
      : [],
    [...domains.keys()].sort(),
  ]
  const own = await checkpointState(store, checkpoint)
  if (stringifyJson(ground(own)) !== stringifyJson(ground(state)))
    return 'its protocol, metadata, transactions or domains are others than those of the log'
  if (content === undefined) return undefined
  const { version } = checkpoint
  const timeline = await Timeline.load(store, { version, checkpoint, commits: [], compactions: [] })
  try {
    await timeline.ready()
    const same = (await digestOf(timeline.connection, timeline.relation(version))) === content
    return same ? undefined : 'its files are others than those of the log'
  } finally {
    await timeline.close()
  }
}

/** Which files there are, each with its vector, in one text. */
async function digestOf(connection: Connection, relation: string): Promise<string> {
  const vector = `deletion_vector."storageType", deletion_vector."pathOrInlineDv", deletion_vector."offset"`
  const [row] = await connection.all(
    `SELECT count(*) AS files, coalesce(sum(size), 0)::VARCHAR AS bytes,
     coalesce(bit_xor(hash(path, size, ${vector})), 0)::VARCHAR AS files_hash FROM ${relation}`,
  )
  return `${row?.files}/${row?.bytes}/${row?.files_hash}`
}

/** Our own hint is moved too, unless it is ahead. */
async function moveHead(store: ObjectStore, version: number): Promise<void> {
  const head = validVersion((await readHint(store, headKey))?.version)
  if (head !== undefined && head < version)
    await store.put(headKey, new TextEncoder().encode(JSON.stringify({ version })), { durable: false })
}

function unfit(store: ObjectStore, version: number, checkpoint: Checkpoint | undefined, why: string): LogError {
  const file = checkpoint?.keys[0] ?? ''
  return new LogError(
    'CHECKPOINT_UNFIT',
    `The log of ${store.root} cannot be cut off below version ${version}: ${file || 'a checkpoint there'} is not fit to stand alone, since ${why}. Nothing was deleted.`,
    { remedy: 'Delete that checkpoint, which is derived from the commits, and run it again.', data: { root: store.root, version, file } },
  )
}
