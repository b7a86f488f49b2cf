/**
 * Writing a checkpoint (§Checkpoints), and the rule that says when one is due.
 *
 * It is derived data, put under its name only after its commit is there and never over another, and it stands alone. Tables that have
 * V2 checkpoints and many files get one with sidecars (`checkpoint-v2.ts`), others a classic one (`checkpoint-classic.ts`).
 */
import { trustedEngine } from '../../engine/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { overSegment } from '../over-segment.ts'
import { features } from '../protocol.ts'
import type { TableState } from '../state.ts'
import { schemaOf } from '../table-schema.ts'
import { addFormOf } from './add-form.ts'
import { writeClassicCheckpoint } from './checkpoint-classic.ts'
import { expiredBy } from './checkpoint-rows.ts'
import { writeV2Checkpoint } from './checkpoint-v2.ts'
import { moveLastCheckpoint, readLastCheckpoint } from './last-checkpoint.ts'

/** A checkpoint waits for this many commits, and for a tenth as many file actions as the last one holds. */
const commitsBetween = 100
const growth = 10

/** From so many files on a checkpoint has sidecars, where the table allows them. */
const manyFiles = 100_000

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
  const hint = await readLastCheckpoint(store)
  if (!hint || hint.version > state.version || hint.version <= (state.checkpoint?.version ?? -1)) return state
  const { version, path, holds = 0 } = hint
  return { ...state, checkpoint: { version, ...(path === undefined ? {} : { path }), holds, since: state.version - version } }
}

/**
 * Writes the checkpoint of a version and moves the hint to it; a damaged one before it is passed over. `now` (milliseconds) decides
 * which tombstones have expired.
 * @returns the state with its new checkpoint.
 */
export async function writeCheckpoint(store: ObjectStore, state: TableState, now: number): Promise<TableState> {
  const { partitionColumns, configuration } = state.metadata
  const form = addFormOf(schemaOf(state.metadata), partitionColumns, configuration)
  const connection = await (await trustedEngine()).connect()
  const staging = await store.stage()
  const write = hasSidecars(state) ? writeV2Checkpoint : writeClassicCheckpoint
  try {
    const options = { hint: state.checkpoint }
    const written = await overSegment(store, state.version, options, (segment) =>
      write({ store, connection, staging, state, segment, form, expired: expiredBy(state, now) }),
    )
    await moveLastCheckpoint(store, written)
    const path = written.top ? { path: written.top.path } : {}
    return { ...state, checkpoint: { version: state.version, ...path, holds: written.files, since: 0 } }
  } finally {
    connection.close()
    await staging.dispose()
  }
}

/** Whether a table's checkpoints have sidecars. `delta.checkpointPolicy` decides where it is set. */
function hasSidecars(state: TableState): boolean {
  if (!features(state.protocol).writer.has('v2Checkpoint')) return false
  const policy = state.metadata.configuration['delta.checkpointPolicy']?.toLowerCase()
  if (policy === 'v2' || policy === 'classic') return policy === 'v2'
  const last = state.checkpoint
  return (state.counts?.files ?? (last ? last.holds + last.since : 0)) >= manyFiles
}
