/**
 * Files to be read like a table, whatever version names them: those just written, for what must hold of new rows before they are committed and
 * for telling them as inserted; those of all versions, for what lies in them.
 */
import type { DataFile } from '../../data/index.ts'
import { trustedEngine } from '../../engine/index.ts'
import { stringifyJson } from '../../schema/json.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import type { QueryTarget } from '../target.ts'
import type { StoredFile } from './stored-rows.ts'

/** The columns of a list of files, as far as new files have something there. */
const columns = {
  path: 'VARCHAR',
  partition_values: 'MAP(VARCHAR, VARCHAR)',
  size: 'BIGINT',
  modification_time: 'BIGINT',
  stats: 'VARCHAR',
  num_records: 'BIGINT',
}

const vectorType = 'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, cardinality BIGINT)'

/** A file as far as reading it takes: of its statistics and its number of rows nothing need be known. */
export type ListedFile = Pick<DataFile, 'path' | 'size' | 'modificationTime' | 'partitionValues'> &
  Partial<Record<'stats', string | undefined> & Record<'numRecords', number | undefined>>

/** Runs work on a table that has these files and nothing else. `table` says what its columns are. No row of them is deleted. */
export async function withWrittenFiles<T>(
  table: QueryTarget,
  files: readonly ListedFile[],
  work: (target: QueryTarget) => Promise<T>,
): Promise<T> {
  const connection = await (await trustedEngine()).connect()
  try {
    const list = { connection, relation: relationOf(files) }
    const { version, store, schema, partitionColumns, properties } = table
    return await work({ version, store, schema, partitionColumns, properties, files: async () => list })
  } finally {
    await connection.close()
  }
}

/** Runs work on new files at their local paths. */
export async function withStoredFiles<T>(
  { store }: QueryTarget,
  files: readonly DataFile[],
  work: (stored: readonly StoredFile[]) => Promise<T>,
): Promise<T> {
  const pinned = await store.materialise(files.map(({ path }) => path))
  try {
    return await work(
      files.map(({ path, size, partitionValues, numRecords }, index) => ({
        path,
        size,
        partitionValues,
        numRecords,
        deletionVector: undefined,
        localPath: pinned.paths[index]!,
      })),
    )
  } finally {
    await pinned.release()
  }
}

function relationOf(files: readonly ListedFile[]): string {
  const rows = files.map(({ path, partitionValues, size, modificationTime, stats, numRecords }) => ({
    path,
    partition_values: partitionValues,
    size,
    modification_time: modificationTime,
    stats,
    num_records: numRecords,
  }))
  const absent = [
    'f.path AS spelling',
    `NULL::${vectorType} AS deletion_vector`,
    'NULL::BIGINT AS base_row_id',
    'NULL::BIGINT AS default_row_commit_version',
    'NULL::MAP(VARCHAR, VARCHAR) AS tags',
    'NULL::VARCHAR AS clustering_provider',
  ]
  const list = `SELECT unnest(from_json(${quoteLiteral(stringifyJson(rows))}, ${quoteLiteral(JSON.stringify([columns]))})) AS f`
  return `(SELECT f.*, ${absent.join(', ')} FROM (${list}))`
}
