/**
 * Putting many files of a local folder on stable storage together: one request to the file system, where the system has one (Linux: `sync -f`, which is
 * syncfs), costs a fraction of a sync for each file and each folder. Elsewhere, or where it fails, each is synced by itself.
 */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemFailure } from '../../storage/failures.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { inParallel } from './in-parallel.ts'

/** Files synced at a time. */
const atOnce = 16

/** Fewer files are as well synced one by one. */
const many = 100

/** Whether so many files are better made durable together, by {@link makeDurable}, than each as it is put. */
export function isDurableTogether(store: ObjectStore, files: number): boolean {
  return store.kind === 'local' && process.platform === 'linux' && files >= many
}

/** Puts files that were stored without a sync on stable storage, and the names that lead to them. @throws storage errors */
export async function makeDurable(store: ObjectStore, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  const root = fileURLToPath(store.root)
  if (await syncFileSystem(root)) return
  const folders = new Set<string>([dirname(root)])
  for (const key of keys) for (let at = dirname(join(root, key)); at.length >= root.length; at = dirname(at)) folders.add(at)
  for (const paths of [keys.map((key) => join(root, key)), [...folders]]) {
    await inParallel(paths, atOnce, async (path) => {
      try {
        const file = await open(path, 'r')
        await file.sync().finally(() => file.close())
      } catch (error) {
        throw systemFailure(error, 'write', path.slice(root.length + 1), store.root)
      }
    })
  }
}

function syncFileSystem(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('sync', ['-f', folder], (error) => resolve(error === null))
  })
}
