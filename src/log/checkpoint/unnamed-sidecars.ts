/**
 * Sidecars that no checkpoint names any more (§Metadata Cleanup). One that is young may belong to a checkpoint that is being written, whose
 * top file comes last, so it stays. A checkpoint that cannot be read may name any of them: then none is removed.
 */
import { trustedEngine } from '../../engine/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { deleteAll } from '../delete-all.ts'
import { readListing } from '../listing.ts'
import { sidecarKey } from '../paths.ts'
import { sidecarKeys } from '../replay.ts'

/** How old an unnamed sidecar must be, in milliseconds, before it is removed: a day, as the protocol says. */
const young = 86_400_000

/**
 * Removes them; `now` is the store's time in milliseconds.
 * @returns the keys that went. @throws DataFileError, QueryError where a checkpoint cannot be read; storage errors
 */
export async function removeUnnamedSidecars(store: ObjectStore, now: number, signal?: AbortSignal): Promise<string[]> {
  const unnamed = new Set<string>()
  for await (const { key, meta } of store.list(sidecarKey(''), { meta: true, signal })) {
    if (key.endsWith('.parquet') && meta && now - meta.modified.getTime() > young) unnamed.add(key)
  }
  if (unnamed.size === 0) return []
  const connection = await (await trustedEngine()).connect()
  try {
    for (const { key, version, encoding } of (await readListing(store, { signal })).checkpoints) {
      // A file without a byte names nothing; it is no checkpoint to anyone.
      if (!(await store.head(key, { signal }))?.size) continue
      const checkpoint = { version, keys: [key], encoding }
      const pinned = await store.materialise(checkpoint.keys, { signal })
      try {
        for (const named of await sidecarKeys(connection, checkpoint, pinned.paths)) unnamed.delete(named)
      } finally {
        await pinned.release()
      }
    }
  } finally {
    await connection.close()
  }
  const gone = [...unnamed]
  await deleteAll(store, gone)
  return gone
}
