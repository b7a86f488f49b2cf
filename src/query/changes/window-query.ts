/**
 * One window of a change feed as a query that is ready to run: its files pinned, their vectors read, and the three columns that tell of
 * the change put beside the table's own, as constants of a file or, for what happened in a change file, out of the file.
 */
import { columnNaming, physicalName } from '../../data/physical.ts'
import { readVector } from '../../data/vectors/read-vector.ts'
import type { RowSelection } from '../../data/vectors/row-selection.ts'
import { type Connection, trustedEngine, type Value } from '../../engine/index.ts'
import { DataFileError, ObjectNotFoundError } from '../../errors/index.ts'
import type { Metadata } from '../../log/actions.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { escapePattern, quoteLiteral } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructType } from '../../schema/types.ts'
import { materialisePlaces, placeOf } from '../../storage/index.ts'
import type { ObjectStore, Pinned } from '../../storage/object-store.ts'
import { leaseClosed } from '../closed-engines.ts'
import { fillIn, type QueryPlan } from '../plan.ts'
import { withRowCounts } from '../relation/live-rows.ts'
import { fileDifferences } from '../relation/nested-names.ts'
import { type RelationFile, relationSql } from '../relation/relation.ts'
import type { PreparedQuery } from '../result.ts'
import { asciiLower } from '../sql/ast.ts'
import { changeType, commitTimestamp, commitVersion } from './columns.ts'
import { byNamesInFiles, groupBy } from './mapped-by-id.ts'
import type { TimedFile } from './windows.ts'

/** What the windows of a feed have in common. */
export interface Feed {
  readonly store: ObjectStore
  /** The table's columns and those of the feed. */
  readonly schema: StructType
  readonly metadata: Metadata
  readonly samePartitions: boolean
  /** What is asked, and the same with the rows ordered by version. */
  readonly plan: QueryPlan
  readonly orderedPlan: QueryPlan
  readonly values: Readonly<Record<string, Value>>
  /** The partition values of a removed file whose remove does not say them. */
  partitionValuesOf(path: string, version: number): Promise<Readonly<Record<string, string | null>>>
}

/** Vectors read at a time. */
const together = 16

/** A window with no more rows than this has so small a result that it need not be streamed. */
const smallRows = 131_072

/** @throws DataFileError DATA_FILE_MISSING, VECTOR_CORRUPT, PATH_OUTSIDE_ROOT */
export async function prepareWindow(feed: Feed, files: readonly TimedFile[], signal: AbortSignal | undefined): Promise<PreparedQuery> {
  const { store } = feed
  const pinned = await pin(store, files, signal)
  try {
    const connection = await (await trustedEngine()).connect()
    try {
      return await prepared(feed, files, pinned, connection, signal)
    } finally {
      await connection.close()
    }
  } catch (error) {
    await pinned.release()
    throw error
  }
}

async function prepared(
  feed: Feed,
  files: readonly TimedFile[],
  pinned: Pinned & { readonly folders: readonly string[] },
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<PreparedQuery> {
  const { metadata, store, values } = feed
  const plan = files[0]?.version === files.at(-1)?.version ? feed.plan : feed.orderedPlan
  const relationFiles = await withRows(feed, files, pinned.paths, connection, signal)
  const columns = plan.names && new Set(feed.schema.fields.map(({ name }) => name).filter((name) => plan.names!.has(asciiLower(name))))
  const partitionColumns = feed.samePartitions ? metadata.partitionColumns : []
  const groups = await byNamesInFiles(connection, { schema: feed.schema, properties: metadata.configuration }, relationFiles, pinned.paths)
  const relations = await Promise.all(
    groups.map(async (group) => ({
      ...group,
      partitionColumns,
      columns,
      nested: await fileDifferences(connection, group, columns, group.paths),
    })),
  )
  return {
    statement: ({ bindPaths }) => {
      const bound: Record<string, Value> = { ...values }
      const bindValue = (value: Value) => {
        const name = `${plan.token}_p${Object.keys(bound).length}`
        bound[name] = value
        return `$${name}`
      }
      const listPaths = bindPaths === 'always' ? (paths: readonly string[]) => bindValue(paths.map(escapePattern)) : undefined
      const relation = relations.map((source) => relationSql({ ...source, listPaths, bindValue })).join(' UNION ALL ')
      return { sql: fillIn(plan, [relation], []), values: bound }
    },
    small: relationFiles.reduce((sum, { numRecords }) => sum + (numRecords ?? Infinity), 0) <= smallRows,
    narrowed: false,
    copyable: true,
    tables: [...groupBy(files.keys(), (index) => files[index]!.version)].map(([version, indexes]) => ({
      target: { store, version },
      files: indexes.map((index) => files[index]!),
      pinned: { paths: indexes.map((index) => pinned.paths[index]!) },
    })),
    lease: () => leaseClosed(new Set(pinned.folders), new Set()),
    release: () => pinned.release(),
  }
}

/** The files as a relation takes them: their rows, and the columns that are constants of each. */
async function withRows(
  feed: Feed,
  files: readonly TimedFile[],
  paths: readonly string[],
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<readonly RelationFile[]> {
  const bare = files.map(({ path, size, numRecords }) => ({ path, size, numRecords, partitionValues: {}, deletionVector: undefined }))
  const masked = new Set(bare.filter((_, index) => isMasked(files[index]!)))
  const counted = await withRowCounts(bare, paths, connection, (file) => masked.has(file))
  const found: RelationFile[] = []
  for (let start = 0; start < files.length; start += together) {
    const some = files.slice(start, start + together).map(async (file, at): Promise<RelationFile> => {
      const one = counted[start + at]!
      const partitionValues = file.partitionValues ?? (await unsaidValues(feed, file))
      return {
        ...one,
        partitionValues,
        rows: await selection(feed.store, file, one.numRecords, signal),
        constants: constantsOf(feed, file, partitionValues),
      }
    })
    found.push(...(await Promise.all(some)))
  }
  return found
}

function isMasked({ rows }: TimedFile): boolean {
  return !('allBut' in rows) || rows.allBut !== undefined
}

async function selection(
  store: ObjectStore,
  { rows, path, version }: TimedFile,
  numRecords: number | undefined,
  signal: AbortSignal | undefined,
): Promise<RowSelection | undefined> {
  const read = (vector: Parameters<typeof readVector>[1]) => readVector(store, vector, { path, version, rows: numRecords, signal })
  if ('allBut' in rows) return rows.allBut === undefined ? undefined : { allBut: await read(rows.allBut) }
  const [only, except] = await Promise.all([read(rows.only), rows.except === undefined ? undefined : read(rows.except)])
  return { only: except === undefined ? only : only.difference(except) }
}

async function unsaidValues(
  { metadata, partitionValuesOf }: Feed,
  { path, version }: TimedFile,
): Promise<Readonly<Record<string, string | null>>> {
  return metadata.partitionColumns.length === 0 ? {} : partitionValuesOf(path, version)
}

function constantsOf(
  { schema, metadata, samePartitions }: Feed,
  { change, version, time }: TimedFile,
  partitionValues: Readonly<Record<string, string | null>>,
): ReadonlyMap<string, string> {
  const constants = new Map([
    [commitVersion, `${version}::BIGINT`],
    [commitTimestamp, `make_timestamptz(${Math.round(time)}000::BIGINT)`],
  ])
  if (change !== undefined) constants.set(changeType, quoteLiteral(change))
  if (samePartitions) return constants
  // The file was written while the table was partitioned otherwise: its own values say by what.
  const naming = columnNaming(metadata.configuration)
  for (const field of schema.fields) {
    const name = physicalName(field, naming)
    if (!Object.hasOwn(partitionValues, name)) continue
    const text = partitionValues[name] ?? ''
    constants.set(
      field.name,
      text === '' ? `CAST(NULL AS ${toSqlType(field.type)})` : partitionValueFromText(quoteLiteral(text), field.type),
    )
  }
  return constants
}

async function pin(store: ObjectStore, files: readonly TimedFile[], signal: AbortSignal | undefined) {
  try {
    return await materialisePlaces(
      files.map(({ path }) => placeOf(store, path)),
      { signal },
    )
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error
    const key = String(error.data.key ?? '')
    const { path = key, version = -1 } = files.find((file) => file.path === key || placeOf(store, file.path).key === key) ?? {}
    throw new DataFileError('DATA_FILE_MISSING', `The file ${path} with changes of version ${version} of ${store.root} is missing.`, {
      remedy:
        'A vacuum may have taken it, as it takes files that the newest versions do not need; restore it from a copy, or read changes of later versions.',
      data: { path, version, table: store.root },
      cause: error,
    })
  }
}
