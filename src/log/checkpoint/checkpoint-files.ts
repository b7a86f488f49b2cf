/** All files of a checkpoint, in the order in which a copy must put them: a name that readers look for comes after what it names. */
import { trustedEngine } from '../../engine/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { Checkpoint } from '../listing.ts'
import { sidecarKeys } from '../replay.ts'

/** The keys of a checkpoint's sidecars, and then of its own files. @throws LogError, DataFileError, QueryError for one that cannot be read; storage errors */
export async function checkpointFiles(store: ObjectStore, checkpoint: Checkpoint, signal?: AbortSignal): Promise<string[]> {
  const pinned = await store.materialise(checkpoint.keys, { signal })
  const connection = await (await trustedEngine()).connect()
  try {
    return [...(await sidecarKeys(connection, checkpoint, pinned.paths)), ...checkpoint.keys]
  } finally {
    await connection.close()
    await pinned.release()
  }
}
