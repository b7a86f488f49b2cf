/**
 * One window of a change feed as a query that is ready to run: its files pinned, their vectors read, and the three columns that tell of
 * the change put beside the table's own, as constants of a file or, for what happened in a change file, out of the file.
 */
import { type Connection, trustedEngine, type Value } from '../../engine/index.ts'
import type { Metadata } from '../../log/actions.ts'
import { escapePattern, quoteLiteral } from '../../schema/quoting.ts'
import type { StructType } from '../../schema/types.ts'
import type { ObjectStore, Pinned } from '../../storage/object-store.ts'
import { leaseClosed } from '../closed-engines.ts'
import { fillIn, type QueryPlan } from '../plan.ts'
import { fileDifferences } from '../relation/nested-names.ts'
import { type RelationFile, relationSql } from '../relation/relation.ts'
import type { PreparedQuery } from '../result.ts'
import { asciiLower } from '../sql/ast.ts'
import { partitionConstants, pinSelected, withSelectedRows } from './changed-rows.ts'
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

/** A window with no more rows than this has so small a result that it need not be streamed. */
const smallRows = 131_072

/** @throws DataFileError DATA_FILE_MISSING, VECTOR_CORRUPT, PATH_OUTSIDE_ROOT */
export async function prepareWindow(feed: Feed, files: readonly TimedFile[], signal: AbortSignal | undefined): Promise<PreparedQuery> {
  const { store } = feed
  const pinned = await pinSelected(store, files, 'Read changes of later versions.', signal)
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
  const selected = await withSelectedRows(feed.store, files, paths, connection, signal)
  const found: RelationFile[] = []
  for (const [index, file] of files.entries()) {
    const partitionValues = file.partitionValues ?? (await unsaidValues(feed, file))
    found.push({ ...selected[index]!, partitionValues, constants: constantsOf(feed, file, partitionValues) })
  }
  return found
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
  for (const [name, value] of partitionConstants(schema, metadata.configuration, partitionValues)) constants.set(name, value)
  return constants
}
