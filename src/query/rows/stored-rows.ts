/**
 * Rows as they lie in files of a table, to be written once more: those that stay when a file is rewritten, those that a compaction moves,
 * those that a change feed tells. No expression of a user is in it, so the trusted instance may read them.
 */
import type { QueryParameter, RelationSource } from '../../data/index.ts'
import { type ChosenFile, chooseFiles } from '../../data/prune/prune.ts'
import { trustedEngine } from '../../engine/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { StructField } from '../../schema/types.ts'
import { versionsRead } from '../read-from.ts'
import { failureOver } from '../relation/damaged-files.ts'
import { withLiveRows, withRowCounts } from '../relation/live-rows.ts'
import { fileMetadata, metadataColumn } from '../relation/metadata-column.ts'
import { fileDifferences } from '../relation/nested-names.ts'
import { type RelationFile, relationSql } from '../relation/relation.ts'
import { pin, type TableFiles } from '../relation/table-files.ts'
import type { QueryTarget } from '../target.ts'
import { zonesOf } from '../target-of.ts'

/** A file of a table at its local path, which stays valid as long as whoever pinned it lets it. */
export interface StoredFile extends RelationFile {
  readonly localPath: string
}

/** A column beside the table's: a constant, or what tells a row from all others. */
export interface AddedColumn {
  readonly field: StructField
  /** SQL of the constant, or which field of the column `_metadata` it is. */
  readonly value: { readonly sql: string } | { readonly metadata: 'row_id' | 'row_commit_version' }
}

/** The files of a statement, all that are wanted with their number of rows. */
export async function storedFiles(
  { live, pinned }: Pick<TableFiles, 'live' | 'pinned'>,
  wanted: (place: number) => boolean,
): Promise<StoredFile[]> {
  const files = live.map((file, place) => ({ ...file, place, localPath: pinned.paths[place]! }))
  const connection = await (await trustedEngine()).connect()
  try {
    const counted = await withRowCounts(
      files,
      pinned.paths,
      connection,
      ({ place, numRecords }) => numRecords === undefined && wanted(place),
    )
    return counted.map(({ place, ...file }) => file)
  } finally {
    await connection.close()
  }
}

/** Files of a version at their local paths, pinned until `release`, with the rows that their vectors leave. */
export interface OpenedFiles {
  readonly files: readonly StoredFile[]
  /** Says which file of the table is damaged, where reading them failed. */
  explain(error: unknown): Promise<unknown>
  release(): Promise<void>
}

/** Pins files of a version and reads their deletion vectors. @throws DataFileError DATA_FILE_MISSING, VECTOR_CORRUPT, PATH_OUTSIDE_ROOT */
export async function openFiles(target: QueryTarget, files: readonly ChosenFile[], signal?: AbortSignal): Promise<OpenedFiles> {
  const pinned = await pin(target, files, signal)
  const explain = (error: unknown) => failureOver(error, { target, files, pinned })
  try {
    const connection = await (await trustedEngine()).connect()
    try {
      const live = await withLiveRows(target, files, pinned.paths, connection, signal)
      return {
        files: live.map((file, place) => ({ ...file, localPath: pinned.paths[place]! })),
        explain,
        release: () => pinned.release(),
      }
    } finally {
      await connection.close()
    }
  } catch (error) {
    const failure = await explain(error)
    await pinned.release()
    throw failure
  }
}

/** The rows of files as a source: the table's columns under their names, and those added. `rows` of a file says which of its rows are meant. */
export async function storedRows(
  target: QueryTarget,
  files: readonly StoredFile[],
  added: readonly AddedColumn[] = [],
): Promise<RelationSource> {
  const { schema, partitionColumns, properties } = target
  const paths = files.map(({ localPath }) => localPath)
  const told = added.some(({ value }) => 'metadata' in value)
  const metadata = told ? await fileMetadata(target, files, new Set(['row_id', 'row_commit_version'])) : undefined
  const connection = await (await trustedEngine()).connect()
  const params: Record<string, QueryParameter> = {}
  try {
    const nested = await fileDifferences(connection, target, undefined, paths, told)
    const bindValue = (value: readonly Uint8Array[]) => {
      const name = `varve_p${Object.keys(params).length}`
      params[name] = value
      return `$${name}`
    }
    const relation = relationSql({ schema, partitionColumns, properties, files, paths, nested, metadata, bindValue })
    const columns = [
      ...schema.fields.map(({ name }) => quoteIdentifier(name)),
      ...added.map(
        ({ field, value }) => `${'sql' in value ? value.sql : `${metadataColumn}.${value.metadata}`} AS ${quoteIdentifier(field.name)}`,
      ),
    ]
    return {
      kind: 'relation',
      sql: `(SELECT ${columns.join(', ')} FROM (${relation}))`,
      schema: { type: 'struct', fields: [...schema.fields.map(unconstrained), ...added.map(({ field }) => field)] },
      ...(Object.keys(params).length > 0 ? { params } : {}),
      replayable: true,
      files: paths,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      close: async () => {},
    }
  } finally {
    await connection.close()
  }
}

/** All rows of a version as a source, its files pinned until it is closed. */
export async function openStoredRows(target: QueryTarget, signal?: AbortSignal): Promise<RelationSource> {
  const list = await target.files()
  const chosen = await chooseFiles(list, zonesOf(target), undefined, signal)
  const opened = await openFiles(target, chosen, signal)
  try {
    const source = await storedRows(target, opened.files)
    return { ...source, inputs: () => versionsRead([target]), close: () => opened.release() }
  } catch (error) {
    await opened.release()
    throw error
  }
}

/** What is asked of a field's values is asked where they are written. */
function unconstrained(field: StructField): StructField {
  return { name: field.name, type: field.type, nullable: true, metadata: {} }
}
