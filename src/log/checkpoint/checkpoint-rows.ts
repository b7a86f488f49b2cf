/**
 * What a checkpoint holds, as rows (§Checkpoints, §Checkpoint Schema): the small actions of a state, and files and tombstones as the
 * structs `add` and `remove`. CommitInfo, cdc, removed domains and the statistics and tags of tombstones are not in it.
 */
import type { Connection } from '../../engine/index.ts'
import { DataFileError } from '../../errors/index.ts'
import { stringifyJson } from '../../schema/json.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import type { ObjectStore, Staging } from '../../storage/object-store.ts'
import type { DomainMetadata, Metadata, Protocol, Txn } from '../actions.ts'
import { retentionOf } from '../interval.ts'
import { fileFields } from '../replay.ts'
import type { Segment } from '../segment.ts'
import type { TableState } from '../state.ts'
import type { AddForm } from './add-form.ts'
import type { WrittenCheckpoint } from './last-checkpoint.ts'

/** What writing a checkpoint needs. Tables made on the connection go with it. */
export interface CheckpointWork {
  readonly store: ObjectStore
  readonly connection: Connection
  readonly staging: Staging
  readonly state: TableState
  readonly segment: Segment
  /** How live files are described. */
  readonly form: AddForm
  /** Tombstones of this time and before are left out. */
  readonly expired: number
}

/** A checkpoint that is there, and the file actions in it. */
export type Written = WrittenCheckpoint & { readonly files: number }
const fileTypes = new Map(fileFields)

const shared = ['path', 'partitionValues', 'size', 'deletionVector', 'baseRowId', 'defaultRowCommitVersion']

/** Files of a relation of the replay as a checkpoint's rows. */
export function fileRows(action: 'add' | 'remove', files: string, form: AddForm): string {
  if (action === 'remove') {
    const fields = fieldsOf([...shared, 'deletionTimestamp'])
    return `SELECT {${fields}, 'dataChange': false, 'extendedFileMetadata': size IS NOT NULL} AS remove FROM (${files})`
  }
  const fields = [fieldsOf([...shared, 'modificationTime', ...(form.text ? ['stats'] : []), 'tags', 'clusteringProvider']), ...form.typed]
  return `SELECT {${fields.join(', ')}, 'dataChange': false} AS add FROM (${form.source(files)})`
}

function fieldsOf(names: readonly string[]): string {
  return names.map((name) => `'${name}': CAST(${quoteIdentifier(name)} AS ${fileTypes.get(name)})`).join(', ')
}

/** An action that is not of a file. */
export type SmallAction =
  | { readonly protocol: Protocol }
  | { readonly metaData: Metadata }
  | { readonly txn: Txn }
  | { readonly domainMetadata: DomainMetadata }

/** The actions of a state that are not of files. */
export function smallActionsOf(state: TableState): SmallAction[] {
  return [
    { protocol: state.protocol },
    { metaData: state.metadata },
    ...[...state.txns.values()].map((txn) => ({ txn })),
    ...[...state.domains.values()].map((domainMetadata) => ({ domainMetadata })),
  ]
}

const smallShape = {
  protocol: { minReaderVersion: 'INTEGER', minWriterVersion: 'INTEGER', readerFeatures: ['VARCHAR'], writerFeatures: ['VARCHAR'] },
  metaData: {
    id: 'VARCHAR',
    name: 'VARCHAR',
    description: 'VARCHAR',
    format: { provider: 'VARCHAR', options: 'MAP(VARCHAR, VARCHAR)' },
    schemaString: 'VARCHAR',
    partitionColumns: ['VARCHAR'],
    configuration: 'MAP(VARCHAR, VARCHAR)',
    createdTime: 'BIGINT',
  },
  txn: { appId: 'VARCHAR', version: 'BIGINT', lastUpdated: 'BIGINT' },
  domainMetadata: { domain: 'VARCHAR', configuration: 'VARCHAR', removed: 'BOOLEAN' },
}

/** The same as rows of a relation. */
export function smallRows(state: TableState): string {
  const lines = smallActionsOf(state).map((action) => quoteLiteral(stringifyJson(action)))
  return `SELECT action.* FROM (SELECT json_transform(line, ${quoteLiteral(JSON.stringify(smallShape))}) AS action FROM unnest([${lines.join(', ')}]) AS lines(line))`
}

/** Makes a temporary table and counts its rows. Out of a table rows come in order, which they do not out of the joins of the replay. */
export async function materialise(connection: Connection, name: string, sql: string): Promise<number> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${name} AS ${sql}`)
  const [row] = await connection.all(`SELECT count(*) AS rows FROM ${name}`)
  return Number(row?.rows)
}

/** Those of these tombstones that have not expired. */
export function unexpired(removes: string, expired: number): string {
  return `SELECT * FROM (${removes}) WHERE coalesce("deletionTimestamp", 0) > ${expired}`
}

/** Tombstones deleted at or before this time have expired by `now`. An interval that cannot be read keeps all of them. */
export function expiredBy(state: TableState, now: number): number {
  const kept = retentionOf(state, 'delta.deletedFileRetentionDuration')
  return kept === undefined ? -1 : now - kept
}

/**
 * Makes sure that what was read of a segment is all of the version, by the counts that its checksum gives: a checkpoint may read well and
 * be cut, and the next one must not hand that on. @throws DataFileError, upon which the checkpoint that was read is passed over.
 */
export function checkWhole({ state, segment }: Pick<CheckpointWork, 'state' | 'segment'>, adds: number): void {
  const { counts, version } = state
  // Counts without rows come from elsewhere; and commits are the log itself.
  if (counts?.rows === undefined || counts.files === adds || !(segment.checkpoint || segment.compactions.length > 0)) return
  throw new DataFileError('DATA_FILE_CORRUPT', `The log gives ${adds} files for version ${version}, its checksum ${counts.files}.`, {
    remedy: 'Restore the checkpoint before it from a backup.',
    data: { version },
  })
}
