/**
 * Replay in the engine: from the files of a log segment to SQL relations of logical files (§Action Reconciliation).
 *
 *   checkpoint (Parquet or JSON, sidecars) ─┐
 *                                           ├─ the newest action of each (path, vector) ─ live files, tombstones
 *   commits (newline-delimited JSON) ───────┘
 *
 * Of the commits, the newest action of a key wins; a file of the checkpoint lives on where no commit speaks of its key. The order of
 * lines inside a commit means nothing. No action becomes an object in JavaScript.
 *
 * Every relation here has the columns `version`, `added` (an add, else a remove), `key` (the decoded path), `vector` (the id of the
 * deletion vector, or the empty text) and the fields of the action under the protocol's names; `path` is as the log spells it.
 */
import type { Connection } from '../engine/index.ts'
import { DataFileError, LogError } from '../errors/index.ts'
import { quoteIdentifier, quoteLiteral, quotePaths } from '../schema/quoting.ts'
import type { DataType } from '../schema/types.ts'
import { kindTag } from './checkpoint/sidecars.ts'
import { withLineLength } from './line-length.ts'
import type { Checkpoint } from './listing.ts'
import { decodePath, sidecarKey } from './paths.ts'

/** The fields of a file action that are kept, with their types; `add` and `remove` share most. */
export const fileFields: readonly (readonly [string, string])[] = [
  ['path', 'VARCHAR'],
  ['partitionValues', 'MAP(VARCHAR, VARCHAR)'],
  ['size', 'BIGINT'],
  ['modificationTime', 'BIGINT'],
  ['deletionTimestamp', 'BIGINT'],
  ['stats', 'VARCHAR'],
  ['tags', 'MAP(VARCHAR, VARCHAR)'],
  [
    'deletionVector',
    'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, "cardinality" BIGINT)',
  ],
  ['baseRowId', 'BIGINT'],
  ['defaultRowCommitVersion', 'BIGINT'],
  ['clusteringProvider', 'VARCHAR'],
]

const vectorFields = ['storageType', 'pathOrInlineDv', 'offset', 'sizeInBytes', 'cardinality']

/** A field of an action in JSON as its text, where the engine would make a NULL of what is no number. */
const lineShape = Object.fromEntries(
  fileFields.map(([name, type]) => [
    name,
    name === 'deletionVector' ? Object.fromEntries(vectorFields.map((field) => [field, 'VARCHAR'])) : type.replace('BIGINT', 'VARCHAR'),
  ]),
)

/** The actions in a relation of lines (see log-lines.ts). What is no number, and a vector that is none, is an error. */
export function lineActions(lines: string): string {
  const shape = quoteLiteral(JSON.stringify({ add: lineShape, remove: lineShape }))
  const vector = (field: string) => `action."deletionVector".${quoteIdentifier(field)}`
  const field = ([name, type]: readonly [string, string]): string => {
    if (name === 'stats') return `${readableStats('action.stats')} AS stats`
    if (name !== 'deletionVector') return `CAST(action.${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`
    return `CASE WHEN action."deletionVector" IS NULL THEN NULL
      WHEN ${vector('storageType')} IS NULL OR ${vector('pathOrInlineDv')} IS NULL THEN error('a deletion vector without its place')
      ELSE CAST({${vectorFields.map((one) => `${quoteLiteral(one)}: ${vector(one)}`).join(', ')}} AS ${type}) END AS "deletionVector"`
  }
  return `SELECT id, version, added, ${keyAndVector('path', '"deletionVector"')}, * EXCLUDE (id, version, added) FROM (
    SELECT id, version, added, ${fileFields.map(field).join(', ')} FROM (
      SELECT id, version, action.add IS NOT NULL AS added, coalesce(action.add, action.remove) AS action
      FROM (SELECT id, version, json_transform(line, ${shape}) AS action FROM ${lines})))`
}

/** The version of a commit or compaction, from its `filename`. */
export const versionOfFile = `CAST(regexp_extract(filename, '(\\d{20})(?:\\.compacted)?\\.json$', 1) AS BIGINT)`

/** The actions of a checkpoint: `paths` are its own files and its sidecars. */
export async function checkpointActions(
  connection: Connection,
  checkpoint: Checkpoint,
  paths: readonly string[],
  sidecars: readonly string[],
  longest: number,
): Promise<string> {
  if (checkpoint.encoding === 'json') {
    const top = jsonActions(paths, String(checkpoint.version), longest)
    return sidecars.length === 0 ? top : `${top} UNION ALL ${await parquetActions(connection, checkpoint.version, sidecars)}`
  }
  return parquetActions(connection, checkpoint.version, [...paths, ...sidecars], ['protocol', 'metaData'])
}

/** Live files: what the checkpoint (or an older list of files) holds, moved on by the commits. Either may be absent. */
export function liveFiles(base: string | undefined, commits: string | undefined): string {
  return reconciled(base, commits, 'added')
}

/** Tombstones, reconciled the same way. */
export function tombstones(base: string | undefined, commits: string | undefined): string {
  return reconciled(base, commits, 'NOT added')
}

/**
 * The store keys of a checkpoint's sidecars (§Sidecar File Information), those that hold nothing but tombstones left out where only
 * live files are wanted. @throws LogError LOG_CORRUPT for one that lies elsewhere; DataFileError for a JSON file that is no checkpoint.
 */
export async function sidecarKeys(
  connection: Connection,
  checkpoint: Checkpoint,
  paths: readonly string[],
  wanted: 'live' | 'all' = 'all',
): Promise<string[]> {
  const rows = await withLineLength(async (longest) => {
    const source = smallActions(checkpoint, paths, longest)
    if (checkpoint.encoding === 'json') {
      return connection.all(`SELECT DISTINCT sidecar.path AS path, sidecar.tags['${kindTag}'] AS kind, sidecar IS NOT NULL AS sidecar FROM ${source}
        WHERE sidecar IS NOT NULL OR "checkpointMetadata" IS NOT NULL`)
    }
    const columns = await connection.describe(`SELECT * FROM ${source}`)
    if (!columns.some((column) => column.name === 'sidecar')) return []
    return connection.all(`SELECT DISTINCT sidecar.path AS path FROM ${source} WHERE sidecar.path >= ''`)
  })
  const named = rows.filter((row) => row.path !== null && !(wanted === 'live' && row.kind === 'remove'))
  if (rows.some((row) => row.sidecar === true && row.path === null)) throw noCheckpoint(paths, 'a sidecar has no path')
  // It ends a checkpoint of ours, so one that was cut lacks it.
  if (checkpoint.encoding === 'json' && rows.every((row) => row.sidecar)) throw noCheckpoint(paths, 'it has no checkpointMetadata')
  return named.map((row) => {
    const path = decodePath(String(row.path))
    if (!path.includes('/')) return sidecarKey(path)
    throw new LogError('LOG_CORRUPT', `The checkpoint of version ${checkpoint.version} names the sidecar ${path}, which lies elsewhere.`, {
      remedy: 'Check who wrote this log.',
      data: { version: checkpoint.version, path },
    })
  })
}

/** A checkpoint's own files as a relation of all its columns, for the actions that are not of files. */
export function smallActions(checkpoint: Checkpoint, paths: readonly string[], longest: number): string {
  if (checkpoint.encoding === 'parquet') return parquetSource(paths)
  const columns = `{'protocol': 'JSON', 'metaData': 'JSON', 'txn': 'JSON', 'domainMetadata': 'JSON', 'checkpointMetadata': 'JSON',
    'sidecar': 'STRUCT(path VARCHAR, tags MAP(VARCHAR, VARCHAR))'}`
  return `read_json(${quotePaths(paths)}, format = 'newline_delimited', columns = ${columns}, maximum_object_size = ${longest})`
}

function reconciled(base: string | undefined, commits: string | undefined, keep: 'added' | 'NOT added'): string {
  if (commits === undefined) return `SELECT * FROM (${base ?? nothing()}) WHERE ${keep}`
  const newest = `newest AS MATERIALIZED (
    SELECT key, vector, arg_max(action, 2 * version + CAST(added AS INTEGER)) AS action FROM (${commits}) AS action GROUP BY key, vector)`
  const moved = `SELECT unnest(action) FROM newest WHERE action.${keep === 'added' ? 'added' : 'added = false'}`
  if (base === undefined) return `WITH ${newest} ${moved}`
  return `WITH ${newest} SELECT base.* FROM (${base}) AS base ANTI JOIN newest USING (key, vector) WHERE ${keep} UNION ALL ${moved}`
}

function jsonActions(paths: readonly string[], version: string, longest: number): string {
  const struct = `STRUCT(${fileFields.map(([name, type]) => `${quoteIdentifier(name)} ${type}`).join(', ')})`
  const columns = `{'add': ${quoteLiteral(struct)}, 'remove': ${quoteLiteral(struct)}}`
  const options = `format = 'newline_delimited', columns = ${columns}, filename = true, maximum_object_size = ${longest}`
  const field = (name: string) => (name === 'stats' ? readableStats('action.stats') : `action.${quoteIdentifier(name)}`)
  const fields = fileFields.map(([name]) => `${field(name)} AS ${quoteIdentifier(name)}`)
  return `SELECT version, added, ${keyAndVector('action.path', 'action."deletionVector"')}, ${fields.join(', ')} FROM (
    SELECT ${version} AS version, add IS NOT NULL AS added, coalesce(add, remove) AS action
    FROM read_json(${quotePaths(paths)}, ${options}) WHERE add IS NOT NULL OR remove IS NOT NULL)`
}

async function parquetActions(
  connection: Connection,
  version: number,
  paths: readonly string[],
  needed: readonly string[] = [],
): Promise<string> {
  const source = parquetSource(paths)
  const columns = await connection.describe(`SELECT * FROM ${source}`)
  const missing = needed.find((name) => !columns.some((column) => column.name === name))
  if (missing !== undefined) throw noCheckpoint(paths, `it has no column ${missing}`)
  const parts: string[] = []
  for (const action of ['add', 'remove'] as const) {
    const type = columns.find((column) => column.name === action)?.type
    if (type === undefined) continue
    if (!isStruct(type)) throw noCheckpoint(paths, `its column ${action} is no struct`)
    const present = new Set(type.fields.map((field) => field.name))
    const vectorType = type.fields.find((field) => field.name === 'deletionVector')?.type
    const fields = fileFields.map(([name, sqlType]) => {
      const value = name === 'deletionVector' ? vectorOf(action, vectorType) : fieldOf(action, name, present)
      return `CAST(${value} AS ${sqlType}) AS ${quoteIdentifier(name)}`
    })
    parts.push(`SELECT version, added, ${keyAndVector('path', '"deletionVector"')}, * EXCLUDE (version, added) FROM (
      SELECT ${version} AS version, ${action === 'add'} AS added, ${fields.join(', ')} FROM ${source} WHERE ${action}.path IS NOT NULL)`)
  }
  return parts.length > 0 ? parts.join(' UNION ALL ') : nothing()
}

/** A vector in Parquet, by the names of its fields: writers leave some out, and add some. */
export function vectorOf(action: string, type: DataType | undefined): string {
  if (!isStruct(type)) return 'NULL'
  const present = new Set(type.fields.map((field) => field.name))
  const value = (name: string) => `${action}."deletionVector".${quoteIdentifier(name)}`
  const fields = vectorFields.map((name) => `${quoteLiteral(name)}: ${present.has(name) ? value(name) : 'NULL'}`)
  return `CASE WHEN ${value('storageType')} IS NOT NULL THEN {${fields.join(', ')}} END`
}

/** A field of an action in Parquet; statistics that are there in typed form alone are put back into JSON. */
export function fieldOf(action: string, name: string, present: ReadonlySet<string>): string {
  const value = (field: string) => `${action}.${quoteIdentifier(field)}`
  if (name === 'stats' && present.has('stats_parsed')) {
    const typed = `CAST(to_json(${value('stats_parsed')}) AS VARCHAR)`
    return present.has('stats') ? `coalesce(${readableStats(value('stats'))}, ${typed})` : typed
  }
  if (name === 'stats' && present.has('stats')) return readableStats(value('stats'))
  return present.has(name) ? value(name) : 'NULL'
}

/** Statistics are a help, and one file's that are no JSON must not take the table down. */
function readableStats(stats: string): string {
  return `CASE WHEN json_valid(${stats}) THEN ${stats} END`
}

/**
 * The decoded path and the vector's id. A path is decoded once; `file:/x` and `file:///x` are `/x`. A vector's id has no `@` where
 * there is no offset.
 */
export function keyAndVector(path: string, vector: string): string {
  const decoded = `coalesce(TRY(url_decode(${path})), ${path}, error('an action on a file without its path'))`
  const odd = `${path} IS NULL OR contains(${path}, '%') OR contains(${path}, ':')`
  const key = `CASE WHEN ${odd} THEN regexp_replace(${decoded}, '^file:/*', '/', 'i') ELSE ${path} END`
  const id = `${vector}."storageType" || ${vector}."pathOrInlineDv" || coalesce('@' || ${vector}."offset", '')`
  return `${key} AS key, coalesce(${id}, '') AS vector`
}

function parquetSource(paths: readonly string[]): string {
  return `read_parquet(${quotePaths(paths)}, hive_partitioning = false, union_by_name = ${paths.length > 1})`
}

export function noCheckpoint(paths: readonly string[], why: string): DataFileError {
  return new DataFileError('DATA_FILE_CORRUPT', `${paths[0]} is no checkpoint: ${why}.`, {
    remedy: 'Restore the file from a backup.',
    data: { path: paths[0] ?? '' },
  })
}

function nothing(): string {
  const fields = fileFields.map(([name, type]) => `CAST(NULL AS ${type}) AS ${quoteIdentifier(name)}`)
  return `SELECT 0 AS version, true AS added, '' AS key, '' AS vector, ${fields.join(', ')} WHERE false`
}

export function isStruct(type: DataType | { unsupported: string } | undefined): type is Extract<DataType, { type: 'struct' }> {
  return typeof type === 'object' && 'type' in type && type.type === 'struct'
}
