/**
 * What a checkpoint makes needless: older checkpoints, which are thinned, and the beginning of the log, where the table has its cleanup on
 * (§Metadata Cleanup).
 *
 * The log is cleaned up only where `delta.enableExpiredLogCleanup` is said to be `true`: Spark does so where nothing is said, too, but a
 * table that Varve only writes to keeps its history unless someone asked. Days are whole: what goes is older than the midnight, in UTC, of the
 * day at which `delta.logRetentionDuration` ends. What something holds stays, and the log goes only up to a checkpoint, which stays.
 */
import {
  checkpointKey,
  completeVersions,
  cutLog,
  type DeltaLog,
  logFolder,
  readListing,
  retentionOf,
  type TableState,
  thinCheckpoints,
  thinningDue,
  versionAt,
} from '../../log/index.ts'
import { type Hold, readHolds } from '../../refs/holds.ts'
import { isOn } from '../../schema/switches.ts'

const day = 86_400_000

/** Cleans up after a checkpoint of `state`; `before` is the version of the last one before it, -1 without. @throws what reading holds and the log throws */
export async function cleanUpAfter(log: DeltaLog, state: TableState, before: number): Promise<void> {
  const { configuration } = state.metadata
  const expires = isOn(configuration, 'delta.enableExpiredLogCleanup')
  if (!expires && !thinningDue(state.version, before)) return
  const { store } = log
  const path = state.checkpoint?.path
  const now = (await store.head(path === undefined ? checkpointKey(state.version) : `${logFolder}/${path}`))?.modified.getTime()
  if (now === undefined) return
  const holds = await readHolds(store)
  if (expires) await expireLog(log, state, holds, now)
  if (thinningDue(state.version, before)) await thinCheckpoints(store, new Set(holds.map(({ version }) => version)), now)
}

async function expireLog(log: DeltaLog, state: TableState, holds: readonly Hold[], now: number): Promise<void> {
  const kept = retentionOf(state, 'delta.logRetentionDuration')
  if (kept === undefined) return
  const midnight = Math.floor((now - kept) / day) * day
  const version = await versionAt(log.store, state, midnight)
  if (version === undefined) return
  const needed = Math.min(version, ...holds.map((hold) => hold.version))
  const checkpoints = completeVersions((await readListing(log.store, { until: needed })).checkpoints)
  const cut = checkpoints.at(-1)
  if (cut !== undefined && cut > 0) await cutLog(log, cut, { now })
}
