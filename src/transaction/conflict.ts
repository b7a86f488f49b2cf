/**
 * What another writer's commit means for a transaction that was staged before it (§Creation of New Log Entries).
 *
 * A blind append reads no row, so only a change of the ground under it matters: metadata (its rows were fitted to the old schema) and
 * protocol. Another number of the same application is judged by `transaction-id`.
 */
import type { Action } from '../log/index.ts'

/** Why a staged transaction cannot simply be put on top of another commit. */
export interface Conflict {
  readonly code: 'METADATA_CHANGED' | 'PROTOCOL_CHANGED'
  /** The version that is in the way. */
  readonly version: number
}

/** The conflict of a blind append with one commit, or `undefined` where it can be rebased. */
export function blindAppendConflict(version: number, actions: Iterable<Action>): Conflict | undefined {
  for (const action of actions) {
    if ('metaData' in action) return { code: 'METADATA_CHANGED', version }
    if ('protocol' in action) return { code: 'PROTOCOL_CHANGED', version }
  }
  return undefined
}
