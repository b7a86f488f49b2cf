/**
 * What follows every commit of ours: the checksum of the version, now and then the hint at the head, and a checkpoint when one is due,
 * with the cleanup that it allows, or a compaction of the commits since.
 *
 * All of it is derived from the log and can be made again, so a failure here does not undo or fail the commit: it is a warning.
 */
import {
  checkpointDue,
  type DeltaLog,
  dueCompaction,
  headKey,
  type TableState,
  withNewestCheckpoint,
  writeCheckpoint,
  writeChecksum,
  writeCompaction,
} from '../../log/index.ts'
import { branchOf } from '../../transaction/index.ts'
import { cleanUpAfter } from './log-cleanup.ts'

/** The head hint is rewritten whenever the version is a multiple of this. */
const headEvery = 100

/**
 * Writes what is derived from a version just committed; `checksum` is its checksum where that is on its way already.
 * @returns warnings, one for each thing that could not be written.
 */
export async function settle(log: DeltaLog, state: TableState, checksum?: Promise<unknown>): Promise<string[]> {
  // Of a transaction's own versions nothing is left but their sum.
  if (branchOf(log)) return []
  const warnings: string[] = []
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      warnings.push(`Version ${state.version} is committed, but ${what}: ${(error as Error).message}`)
    }
  }
  await attempt('its checksum could not be written', () => checksum ?? writeChecksum(log.store, state))
  if (state.version > 0 && state.version % headEvery === 0) {
    const head = new TextEncoder().encode(JSON.stringify({ version: state.version }))
    await attempt('the hint at the head could not be written', () => log.store.put(headKey, head, { durable: false }))
  }
  const before = state.checkpoint?.version ?? -1
  let written: TableState | undefined
  if (checkpointDue(state))
    await attempt('its checkpoint could not be written', async () => {
      written = await checkpoint(log, state)
    })
  if (written) await attempt('its log could not be cleaned up', () => cleanUpAfter(log, written!, before))
  const compaction = dueCompaction(log.latest.version === state.version ? log.latest : state)
  if (compaction) await attempt('the compaction of its log could not be written', () => writeCompaction(log.store, compaction))
  return warnings
}

/** Another writer may have made a checkpoint since; then this one may not be due any more. @returns the state after one that was written */
async function checkpoint(log: DeltaLog, state: TableState): Promise<TableState | undefined> {
  const newest = await withNewestCheckpoint(log.store, state)
  const due = checkpointDue(newest)
  const after = due ? await writeCheckpoint(log.store, newest, Date.now()) : newest
  if (log.latest.version === after.version) log.advanceTo(after)
  return due ? after : undefined
}
