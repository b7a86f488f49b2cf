/** What processes that were killed left in the staging folder of a local store. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** No writer is in flight for so long, in milliseconds. */
const abandonedAfter = 7 * 86_400_000

/**
 * Removes the folders of bodies that nobody has touched for seven days. What cannot be looked at or removed stays: it takes room, and does no other
 * harm.
 */
export async function removeAbandoned(staging: string, now: number = Date.now()): Promise<void> {
  for (const name of await readdir(staging).catch(() => [])) {
    const folder = join(staging, name)
    try {
      const inside = await readdir(folder)
      // A large file that is still being written is young, though its folder is not.
      const times = await Promise.all([folder, ...inside.map((file) => join(folder, file))].map(async (path) => (await stat(path)).mtimeMs))
      if (Math.max(...times) < now - abandonedAfter) await rm(folder, { recursive: true, force: true })
    } catch {
      // Another process was faster, or it is not ours.
    }
  }
}
