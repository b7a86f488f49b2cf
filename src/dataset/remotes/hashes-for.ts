/** Hashes of files of which the log has none, as records of the table know them. */
import type { ObjectStore } from '../../storage/index.ts'
import { recordedHashes } from '../hashes.ts'
import type { FilesToMove, FileToMove } from './files-to-move.ts'

/** The hash of a file that a record has; records are read only where the log lacks one. @throws LogError RECORD_CORRUPT; storage errors */
export async function hashesFor(
  store: ObjectStore,
  files: FilesToMove,
  signal: AbortSignal | undefined,
): Promise<(file: FileToMove) => string | undefined> {
  const without = [...files.byKey.values()].some(({ sha256, size }) => sha256 === undefined && size !== undefined)
  if (!without) return () => undefined
  const { files: recorded } = await recordedHashes(store, signal)
  return ({ key, size }) => {
    const hash = recorded.get(key)
    return hash !== undefined && hash.size === size ? hash.sha256 : undefined
  }
}
