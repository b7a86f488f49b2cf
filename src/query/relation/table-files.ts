/** One table of a query, from its version to local files: those that the query's conditions leave, pinned while it runs. */
import { type ChosenFile, chooseFiles } from '../../data/prune/prune.ts'
import type { Value } from '../../engine/index.ts'
import { DataFileError, LogError, ObjectNotFoundError, UsageError } from '../../errors/index.ts'
import { endingOf, versionEnded } from '../../log/index.ts'
import type { StructType } from '../../schema/types.ts'
import { materialisePlaces, placeOf } from '../../storage/index.ts'
import type { Pinned } from '../../storage/object-store.ts'
import { filtersOf, type QueryPlan } from '../plan.ts'
import { predicateWith } from '../skipping/table-predicate.ts'
import { asciiLower, type Node } from '../sql/ast.ts'
import type { TableUse } from '../sql/walk-result.ts'
import { type QueryTarget, withoutColumns } from '../target.ts'
import { zonesOf } from '../target-of.ts'
import { failureOver } from './damaged-files.ts'
import { withLiveRows } from './live-rows.ts'
import { fileMetadata } from './metadata-column.ts'
import { fileDifferences } from './nested-names.ts'
import { type RelationFile, type RelationSource, relationSql } from './relation.ts'

/** A table of a query, ready to be read. */
export interface TableFiles {
  readonly target: QueryTarget
  readonly files: readonly ChosenFile[]
  /** The same with the rows of each that are meant, where not all are. */
  readonly live: readonly RelationFile[]
  readonly pinned: Pinned
  /** The folders that the local files lie under. */
  readonly folders: readonly string[]
  /** Whether the folders are the table's own, and not made for this query. */
  readonly lasting: boolean
  /** Whether the query names only some of the columns. */
  readonly narrowed: boolean
  /** Whether some rows of some files are left out. */
  readonly masked: boolean
  /** Physical rows of the files, `undefined` where the log does not say. */
  readonly rows: number | undefined
  /** The relation for a FROM clause: the columns that the query needs, or all; written as `form` says. */
  relation(everyColumn: boolean, form: Pick<RelationSource, 'listPaths' | 'bindValue' | 'asWritten'>): string
}

/** What a table's files are chosen by. */
export interface TableChoice {
  readonly plan: QueryPlan
  readonly table: TableUse
  readonly target: QueryTarget
  /** The schemas of all tables of the query. */
  readonly schemas: ReadonlyMap<Node, StructType>
  readonly values: Readonly<Record<string, Value>>
  /** Paths of files that are left out although they may hold such rows. Default: none. */
  readonly except?: ReadonlySet<string> | undefined
  readonly signal: AbortSignal | undefined
}

/** Chooses and pins the files, and reads their deletion vectors. @throws DataFileError DATA_FILE_MISSING, VECTOR_CORRUPT, PATH_OUTSIDE_ROOT */
export async function chooseTable({ plan, table, target, schemas, values, except, signal }: TableChoice): Promise<TableFiles> {
  const { schema, partitionColumns, properties, store } = target
  if (schema.fields.length === 0) throw withoutColumns(target)
  const predicate = await predicateWith(filtersOf(plan, table, schemas), values, plan.literals)
  const list = await target.files()
  const chosen = await chooseFiles(list, zonesOf(target), predicate)
  const files = except === undefined ? chosen : chosen.filter(({ path }) => !except.has(path))
  const pinned = await pin(target, files, signal)
  const columns = neededColumns(plan, schema)
  const [nested, live, metadata] = await Promise.all([
    fileDifferences(list.connection, target, columns, pinned.paths, plan.metadata.size > 0),
    withLiveRows(target, files, pinned.paths, list.connection, signal),
    plan.metadata.size === 0 ? undefined : fileMetadata(target, files, plan.metadata),
  ]).catch(async (error: unknown) => {
    const failure = await failureOver(error, { target, files, pinned })
    await pinned.release()
    throw failure
  })
  return {
    target,
    files,
    live,
    pinned,
    folders: pinned.folders,
    lasting: store.kind === 'local',
    narrowed: columns !== undefined,
    masked: live.some(({ rows }) => rows !== undefined),
    rows: files.reduce<number | undefined>(
      (sum, { numRecords }) => (sum === undefined || numRecords === undefined ? undefined : sum + numRecords),
      0,
    ),
    relation: (everyColumn, form) =>
      ofLog(target, () =>
        relationSql({
          schema,
          partitionColumns,
          properties,
          files: live,
          paths: pinned.paths,
          nested,
          metadata,
          positions: target.positions,
          ...form,
          columns: everyColumn ? undefined : columns,
        }),
      ),
  }
}

/** All that a relation is written from is the log's: what no SQL can hold there is none of the caller's doing. */
function ofLog(target: QueryTarget, write: () => string): string {
  try {
    return write()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new LogError(
      'LOG_CORRUPT',
      `Version ${target.version} of ${target.store.root} has a name or a partition value that is none: ${error.message}`,
      {
        remedy: 'Restore the commit that wrote it, or read an earlier version.',
        data: { version: target.version, table: target.store.root },
        cause: error,
      },
    )
  }
}

function neededColumns({ names }: QueryPlan, schema: StructType): ReadonlySet<string> | undefined {
  if (names === undefined) return undefined
  const known = needed.get(names)
  if (known?.schema === schema) return known.columns
  const columns = new Set(schema.fields.filter((field) => names.has(asciiLower(field.name))).map((field) => field.name))
  needed.set(names, { schema, columns })
  return columns
}

/** The columns that names mean, as found last: what is derived from them is kept by the set. */
const needed = new WeakMap<ReadonlySet<string>, { readonly schema: StructType; readonly columns: ReadonlySet<string> }>()

/** Brings files of a version to local paths. @throws DataFileError DATA_FILE_MISSING, PATH_OUTSIDE_ROOT; VersionNotFoundError VERSION_ENDED */
export async function pin({ store, version }: QueryTarget, files: readonly ChosenFile[], signal: AbortSignal | undefined) {
  try {
    return await materialisePlaces(
      files.map(({ path }) => placeOf(store, path)),
      { signal },
    )
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error
    const ending = await endingOf(store, version, signal)
    if (ending) throw await versionEnded(store, version, ending, signal)
    const path = String(error.data.key ?? '')
    throw new DataFileError('DATA_FILE_MISSING', `The data file ${path} of version ${version} of ${store.root} is missing.`, {
      remedy:
        'Get it from a remote, where there is one (varve pull --history, varve verify --repair-from), or restore the file from a copy.',
      data: { path, version, table: store.root },
      cause: error,
    })
  }
}
