/**
 * What a verb writes beside vectors: rows into new data files, the rows that stay of files that are replaced, and the change feed. All of it
 * is taken back where the verb does not come to commit.
 */
import { type DataFile, declaredType, type RelationSource, type RowRules, rowRules, writeFiles } from '../../data/index.ts'
import { type Action, encodePath, type Metadata } from '../../log/index.ts'
import { type AddedColumn, type RowStatement, type StoredFile, storedRows, withStoredFiles } from '../../query/index.ts'
import { parseSchema } from '../../schema/schema-json.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import type { Staging } from '../../storage/object-store.ts'
import type { VerbGround } from './verb.ts'

/** The column of change files that says what happened to the row (§Change Data Files). */
export const changeTypeColumn = '_change_type'

/** The same as a field. */
export const changeTypeField: StructField = { name: changeTypeColumn, type: 'string', nullable: true, metadata: {} }

/** What a verb has written so far. */
export interface Written {
  readonly files: DataFile[]
  readonly changeFiles: DataFile[]
  /** The metadata that the commit must carry, where rows were counted (§Identity Columns). */
  metadata?: Metadata | undefined
}

/** Options of {@link writeRows}. */
export interface WriteRowsOptions {
  /** Where files are staged, if the source's connection must be able to write there. */
  readonly staging?: Staging | undefined
  readonly signal?: AbortSignal | undefined
}

/** The columns beside the table's in which rows that move keep their ids. */
export function trackedColumns({ rowTracking }: VerbGround): readonly StructField[] {
  if (rowTracking === undefined) return []
  return [rowTracking.rowId, rowTracking.rowCommitVersion].map((name) => ({ name, type: 'long', nullable: true, metadata: {} }))
}

/** Rows of a statement's connection as a source: some of the table's columns under their names, and those added. `bytes`: about how many. */
export function relationOf(
  { connection }: RowStatement,
  sql: string,
  fields: readonly StructField[],
  added: readonly StructField[],
  bytes: number,
): RelationSource {
  const plain = fields.map(({ name, type }) => ({ name, type, nullable: true, metadata: {} }))
  const schema = { type: 'struct' as const, fields: [...plain, ...added] }
  return { kind: 'relation', sql, schema, connection, replayable: true, files: [], bytes, close: async () => {} }
}

/** What rows are to the table: new, changed, or moved as they are. New and changed ones are held to the table's rules. */
export type RowOrigin = 'new' | 'changed' | 'moved'

/** Writes rows of the table's columns and of those that keep row ids. @returns the files written */
export async function writeRows(
  ground: VerbGround,
  source: RelationSource,
  origin: RowOrigin,
  written: Written,
  options: WriteRowsOptions,
): Promise<readonly DataFile[]> {
  const { state, metadata, target } = ground
  const { protocol } = state
  const { schema } = written.metadata === undefined ? target : tableSchema(written.metadata)
  const rules =
    origin === 'moved'
      ? undefined
      : rowRules({ protocol, metadata: written.metadata ?? metadata }, schema, target.properties, {
          keepsIdentity: origin === 'changed',
        })
  const table = { ...ground, target: { ...target, schema } }
  const files = await write(table, source, trackedColumns(ground), 'rows', options, rules)
  written.files.push(...files)
  written.metadata = rules?.after(written.metadata ?? metadata) ?? written.metadata
  return files
}

/** The columns after rows were counted: more rows are counted on from there. */
function tableSchema({ schemaString, partitionColumns }: Metadata): { readonly schema: StructType } {
  return { schema: parseSchema(schemaString, partitionColumns) }
}

/** Writes rows of the table's columns with what happened to each, as files of the change feed. */
export async function writeChanges(ground: VerbGround, source: RelationSource, written: Written, options: WriteRowsOptions): Promise<void> {
  written.changeFiles.push(...(await write(ground, source, [changeTypeField], 'changes', options)))
}

/** Whether the table itself has a say in what a column holds: then only the files written say what a row has become. */
export function fillsColumns({ target }: VerbGround): boolean {
  return target.schema.fields.some(hasRule)
}

function hasRule({ metadata }: StructField): boolean {
  return ['CURRENT_DEFAULT', 'delta.generationExpression', 'delta.identity.step', declaredType].some((key) => key in metadata)
}

/** Writes the rows of files just written as files of the change feed. */
export async function writeChangesOf(
  ground: VerbGround,
  files: readonly DataFile[],
  change: 'update_postimage' | 'insert',
  written: Written,
  signal?: AbortSignal,
): Promise<void> {
  const { store } = ground.log
  const pinned = await store.materialise(
    files.map(({ path }) => path),
    { signal },
  )
  try {
    const stored = files.map(({ path, size, partitionValues, numRecords }, index) => {
      return { path, size, partitionValues, numRecords, deletionVector: undefined, localPath: pinned.paths[index]! }
    })
    await writeStoredChanges(ground, stored, change, written, signal)
  } finally {
    await pinned.release()
  }
}

/** Writes the rows that stay of files that are replaced. `rows` of a file are those. */
export async function writeStaying(
  ground: VerbGround,
  files: readonly StoredFile[],
  written: Written,
  signal?: AbortSignal,
): Promise<void> {
  if (files.length === 0) return
  await writeRows(ground, await movingRows(ground, files), 'moved', written, { signal })
}

/** Rows as they lie in files, with what tells each from all others where the table keeps it: a source for {@link writeRows}. */
export async function movingRows(ground: VerbGround, files: readonly StoredFile[]): Promise<RelationSource> {
  const [id, version] = trackedColumns(ground)
  const kept: AddedColumn[] =
    id && version
      ? [
          { field: id, value: { metadata: 'row_id' } },
          { field: version, value: { metadata: 'row_commit_version' } },
        ]
      : []
  return storedRows(ground.target, files, kept)
}

/** Writes rows as they lie in files as files of the change feed. */
export async function writeStoredChanges(
  ground: VerbGround,
  files: readonly StoredFile[],
  change: 'delete' | 'insert' | 'update_postimage',
  written: Written,
  signal?: AbortSignal,
): Promise<void> {
  if (files.length === 0) return
  const source = await storedRows(ground.target, files, [{ field: changeTypeField, value: { sql: `'${change}'` } }])
  await writeChanges(ground, source, written, { signal })
}

/** Writes the rows of new files as inserted ones into files of the change feed. */
export async function writeInsertedChanges(
  ground: VerbGround,
  files: readonly DataFile[],
  written: Written,
  signal?: AbortSignal,
): Promise<void> {
  await withStoredFiles(ground.target, files, (stored) => writeStoredChanges(ground, stored, 'insert', written, signal))
}

/** The actions of files of the change feed. */
export function changeActions(files: readonly DataFile[]): Action[] {
  return files.map((file) => ({
    cdc: {
      path: encodePath(file.path),
      partitionValues: file.partitionValues,
      size: file.size,
      dataChange: false,
      tags: { 'varve.sha256': file.sha256 },
    },
  }))
}

function write(
  { log, target }: VerbGround,
  source: RelationSource,
  hidden: readonly StructField[],
  purpose: 'rows' | 'changes',
  { staging, signal }: WriteRowsOptions,
  rules?: RowRules,
): Promise<DataFile[]> {
  const { schema, partitionColumns, properties } = target
  const more = { ...(hidden.length > 0 ? { hidden } : {}), ...(staging ? { staging } : {}), ...(rules ? { rules } : {}) }
  return writeFiles(source, { store: log.store, schema, partitionColumns, properties, purpose, signal, ...more })
}
