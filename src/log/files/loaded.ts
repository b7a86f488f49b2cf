/**
 * What of the process's tables is loaded: stretches of history, the longest unused of which go when all together take more memory than
 * they may. A stretch that is in use stays until it is not.
 */
import type { Timeline } from './timeline.ts'

/** Bytes that loaded stretches may take together, roughly. */
let budget = 512 << 20

/** In the order of their last use, the longest unused first. */
const loaded = new Map<Timeline, { users: number; closed: boolean }>()

/** Sets how many bytes loaded stretches may take together. */
export async function setLoadedBudget(bytes: number): Promise<void> {
  budget = bytes
  await makeRoom()
}

/** How many stretches are loaded, and their bytes. */
export function loadedNow(): { stretches: number; bytes: number } {
  return { stretches: loaded.size, bytes: [...loaded.keys()].reduce((sum, each) => sum + each.bytes, 0) }
}

/** Whether a stretch is still there. */
export function isLoaded(timeline: Timeline): boolean {
  return loaded.has(timeline)
}

/** Keeps a stretch, which must be there or new, until the function that is given back is called. */
export function hold(timeline: Timeline): () => Promise<void> {
  const entry = loaded.get(timeline) ?? { users: 0, closed: false }
  loaded.delete(timeline)
  loaded.set(timeline, entry)
  entry.users += 1
  return async () => {
    entry.users -= 1
    if (entry.closed && entry.users === 0) await timeline.close()
    await makeRoom()
  }
}

/** Lets go of a stretch, as soon as nobody uses it. */
export async function unload(timeline: Timeline): Promise<void> {
  const entry = loaded.get(timeline)
  if (!entry) return
  loaded.delete(timeline)
  entry.closed = true
  if (entry.users === 0) await timeline.close()
}

async function makeRoom(): Promise<void> {
  let bytes = 0
  for (const timeline of loaded.keys()) bytes += timeline.bytes
  for (const [timeline, { users }] of loaded) {
    if (bytes <= budget) return
    if (users > 0) continue
    bytes -= timeline.bytes
    await unload(timeline)
  }
}
