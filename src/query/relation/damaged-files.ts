/**
 * Which of a query's files is damaged, where the engine only said that one is: each is read by itself until one cannot be.
 */

import type { ChosenFile } from '../../data/prune/prune.ts'
import { trustedEngine } from '../../engine/index.ts'
import { DataFileError, QueryError, VarveError } from '../../errors/index.ts'
import { quotePaths } from '../../schema/quoting.ts'
import type { Pinned } from '../../storage/object-store.ts'
import type { QueryTarget } from '../target.ts'

/** A file, as far as it must be known here. */
export type ListedFile = Pick<ChosenFile, 'path' | 'size'>

/** A table of a query, as far as it must be known here. */
export interface ListedTable {
  readonly target: Pick<QueryTarget, 'version' | 'store'>
  readonly files: readonly ListedFile[]
  readonly pinned: Pick<Pinned, 'paths'>
}

/** The failure to read a local file, as that of a table's data file: by its key and version. One that is of no table stays as it is. */
export async function damageOf(error: DataFileError, tables: readonly ListedTable[]): Promise<DataFileError> {
  for (const { pinned, files, target } of tables) {
    const unnamed = error.data.path === undefined
    const index = unnamed ? await damagedFile(files, pinned.paths) : pinned.paths.indexOf(String(error.data.path))
    const key = files[index ?? -1]?.path
    if (key === undefined) continue
    const what = error.code === 'DATA_FILE_MISSING' ? 'is missing' : 'is damaged and cannot be read'
    return new DataFileError(error.code, `The data file ${key} of version ${target.version} of ${target.store.root} ${what}.`, {
      remedy: error.remedy,
      data: { path: key, version: target.version, table: target.store.root },
      cause: error,
    })
  }
  return error
}

/** The failure of a statement of our own over a table's files: it is right, so one of the files is not. */
export async function failureOver(error: unknown, table: ListedTable): Promise<unknown> {
  const failed = error instanceof QueryError && error.code === 'SQL_ERROR'
  const remedy = 'Restore the file from a copy.'
  const damage = failed
    ? new DataFileError('DATA_FILE_CORRUPT', `A file cannot be read: ${error.message}`, { cause: error, remedy })
    : error
  return damage instanceof DataFileError ? damageOf(damage, [table]) : damage
}

/** So many bytes of files are read again to find it; a larger search would not be worth the wait. */
const mostBytes = 256 << 20

/** The index of the first file that cannot be read by itself, `undefined` where it was not found. */
async function damagedFile(files: readonly ListedFile[], paths: readonly string[]): Promise<number | undefined> {
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
