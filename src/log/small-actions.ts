/**
 * The state of a version from the log itself, where no checksum gives it: the small actions of a checkpoint (protocol, metadata,
 * transactions, domains), then every commit after it.
 *
 * A checkpoint stands alone: protocol and metadata missing in it are an error even where older commits still have them
 * (§Action Reconciliation). Counts are not known this way; a list of files gives them.
 */
import { trustedEngine } from '../engine/index.ts'
import { parseJson } from '../schema/json.ts'
import { quotePaths } from '../schema/quoting.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Action } from './actions.ts'
import { commitInfoOf, readCommit, readCommitIfThere } from './commit.ts'
import { sidecarKeys, smallActions } from './replay.ts'
import type { Checkpoint, Segment } from './segment.ts'
import { StateBuilder, type TableState } from './state.ts'

const names = ['protocol', 'metaData', 'txn', 'domainMetadata'] as const

/** Commits read at a time. */
const together = 32

/** Replays the small actions of a segment. @throws LogError LOG_CORRUPT, LOG_INCOMPLETE */
export async function replayState(store: ObjectStore, segment: Segment, signal?: AbortSignal): Promise<TableState> {
  const { checkpoint, commits, version } = segment
  const builder = new StateBuilder(checkpoint ? await checkpointState(store, checkpoint) : undefined)
  for (let i = 0; i < commits.length; i += together) {
    const read = await Promise.all(commits.slice(i, i + together).map((v) => readCommit(store, v, signal)))
    for (const commit of read) builder.applyCommit(commit)
  }
  const state = builder.build(version)
  if (commits.length > 0) return state
  // A checkpoint does not hold what its commit said of itself.
  const own = await readCommitIfThere(store, version, signal)
  const { inCommitTimestamp, txnId } = own ? commitInfoOf(own) : {}
  return { ...state, inCommitTimestamp, txnId }
}

async function checkpointState(store: ObjectStore, checkpoint: Checkpoint): Promise<TableState> {
  const connection = await (await trustedEngine()).connect()
  const pinned = await store.materialise(checkpoint.keys)
  try {
    const source = smallActions(checkpoint, pinned.paths)
    const columns = new Set((await connection.describe(`SELECT * FROM ${source}`)).map((column) => column.name))
    const builder = new StateBuilder()
    for (const name of names.filter((each) => columns.has(each))) {
      const rows = await connection.all(`SELECT CAST(to_json(${name}) AS VARCHAR) AS action FROM ${source} WHERE ${name} IS NOT NULL`)
      for (const row of rows) builder.apply({ [name]: withoutNulls(parseJson(String(row.action))) } as unknown as Action)
    }
    const sidecars = await store.materialise(await sidecarKeys(connection, checkpoint, pinned.paths))
    const counted = checkpoint.encoding === 'parquet' && sidecars.paths.length === 0 ? pinned.paths : sidecars.paths
    const [row] = counted.length === 0 ? [] : await connection.all(`SELECT count(*) AS actions FROM read_parquet(${quotePaths(counted)})`)
    await sidecars.release()
    const state = builder.build(checkpoint.version)
    return { ...state, counts: undefined, checkpoint: { version: checkpoint.version, holds: Number(row?.actions ?? 0), since: 0 } }
  } finally {
    await pinned.release()
    connection.close()
  }
}

/** A column of a checkpoint holds every field of an action, NULL where the action had none. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
}
