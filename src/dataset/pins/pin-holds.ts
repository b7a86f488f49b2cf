/**
 * What pins hold in a table: records that name the pin's file as their reason, so that those of a file are found though the file is gone or says another id,
 * as one that came by Git does.
 */
import { resolve } from 'node:path'
import { holdsBecause, holdVersion, isHeld, releaseHold } from '../../refs/hold-records.ts'
import type { ObjectStore } from '../../storage/index.ts'
import type { Pin } from './pin-file.ts'

/** Longer than it takes to pin, in milliseconds. */
const young = 15 * 60_000

/** Holds a version for a pin, and gives the hold's id. @throws UnknownOutcomeError RECORD_UNKNOWN; storage errors */
export async function holdForPin(store: ObjectStore, file: string, version: number, signal?: AbortSignal): Promise<string> {
  return holdVersion(store, version, reasonOf(file), signal)
}

/** Whether a table holds what a pin names: by the pin's own hold, or by one that was made here for its file. @throws LogError RECORD_CORRUPT; storage errors */
export async function isHeldForPin(
  store: ObjectStore,
  file: string,
  { version, hold }: Pick<Pin, 'version' | 'hold'>,
  signal?: AbortSignal,
): Promise<boolean> {
  if (hold !== null && (await isHeld(store, hold, version, signal))) return true
  return (await holdsBecause(store, reasonOf(file), signal)).some((one) => one.version === version)
}

/**
 * Has a table that came from elsewhere hold what a pin names, and let go of what the pin's file named before.
 * @throws LogError RECORD_CORRUPT; UnknownOutcomeError RECORD_UNKNOWN; storage errors
 */
export async function holdPulled(
  store: ObjectStore,
  file: string,
  pin: Pick<Pin, 'version' | 'hold'>,
  signal?: AbortSignal,
): Promise<void> {
  if (!(await isHeldForPin(store, file, pin, signal))) await holdForPin(store, file, pin.version, signal)
  for (const { id, version } of await holdsBecause(store, reasonOf(file), signal)) if (version !== pin.version) await releaseHold(store, id)
}

/**
 * Ends what a pin's file held before: the hold that it named, and those that were left by whoever was killed. Holds of other files stay, whatever the pin
 * says; and so do young ones, which may be those of another process that is about to write the file.
 * @throws LogError RECORD_CORRUPT; UnknownOutcomeError RECORD_UNKNOWN; storage errors
 */
export async function releaseBefore(
  store: ObjectStore,
  file: string,
  { named, kept }: { named: string | null; kept: string },
): Promise<void> {
  for (const { id, time } of await holdsBecause(store, reasonOf(file))) {
    if (id !== kept && (id === named || Date.now() - time.getTime() > young)) await releaseHold(store, id)
  }
}

/** Ends all that a pin's file holds, and says how many holds that were. @throws what {@link releaseBefore} throws */
export async function releaseAll(store: ObjectStore, file: string): Promise<number> {
  const holds = await holdsBecause(store, reasonOf(file))
  for (const { id } of holds) await releaseHold(store, id)
  return holds.length
}

function reasonOf(file: string): string {
  return `pin ${resolve(file)}`
}
