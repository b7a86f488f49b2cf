/** Writes a checkpoint of the newest version, whether one is due or not. */
import { checkAlterable, type DeltaLog, newestComplete, readListing, withNewestCheckpoint, writeCheckpoint } from '../log/index.ts'

/** What {@link checkpoint} did. */
export interface CheckpointResult {
  readonly version: number
  /** `false` where the version had one already. */
  readonly written: boolean
}

/** Writes it: with sidecars where the table's checkpoints have them. @throws UnsupportedFeatureError; LogError; storage errors */
export async function checkpoint(log: DeltaLog, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<CheckpointResult> {
  const { store } = log
  const latest = await log.update(options.signal)
  checkAlterable(latest.protocol, store.root)
  const { version } = latest
  const { checkpoints } = await readListing(store, { from: version, until: version, ...options })
  if (newestComplete(checkpoints, version)) return { version, written: false }
  log.advanceTo(await writeCheckpoint(store, await withNewestCheckpoint(store, latest), Date.now()))
  return { version, written: true }
}
