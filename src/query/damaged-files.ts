/**
 * Which of a query's files is damaged, where the engine only said that one is: each is read by itself until one cannot be.
 */

import type { ChosenFile } from '../data/prune/prune.ts'
import { trustedEngine } from '../engine/index.ts'
import { VarveError } from '../errors/index.ts'
import { quotePaths } from '../schema/quoting.ts'

/** A file, as far as it must be known here. */
export type ListedFile = Pick<ChosenFile, 'path' | 'size'>

/** So many bytes of files are read again to find it; a larger search would not be worth the wait. */
const mostBytes = 256 << 20

/** The index of the first file that cannot be read by itself, `undefined` where it was not found. */
export async function damagedFile(files: readonly ListedFile[], paths: readonly string[]): Promise<number | undefined> {
  const connection = await (await trustedEngine()).connect()
  try {
    let bytes = 0
    for (const [index, path] of paths.entries()) {
      bytes += files[index]?.size ?? 0
      if (bytes > mostBytes) return undefined
      const sql = `SELECT count(COLUMNS(*)) FROM read_parquet(${quotePaths([path])}, hive_partitioning = false)`
      const failed = await connection.all(sql).then(
        () => false,
        (error: unknown) => error instanceof VarveError,
      )
      if (failed) return index
    }
    return undefined
  } finally {
    await connection.close()
  }
}
