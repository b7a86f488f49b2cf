/**
 * The row ledger: every row that was in one of the versions of a range, with the version that added it and the one that removed it.
 *
 *   commits ─ when each file lived, and with which deletion vector (`file-lives.ts`)
 *           ─ when each of its rows lived (`row-lives.ts`) ─ one relation (`ledger-relation.ts`) ─ a query in a closed instance
 *
 * As of any version of the range it is the table: `WHERE added <= v AND (removed IS NULL OR removed > v)`. A row that a version writes
 * anew, unchanged as it may be (an update, a compaction), is removed and added by that version.
 */
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { readVector } from '../../data/vectors/read-vector.ts'
import { RowSet } from '../../data/vectors/row-set.ts'
import { type Connection, type Parameters, trustedEngine, type Value } from '../../engine/index.ts'
import { DataFileError, SchemaError, UsageError } from '../../errors/index.ts'
import type { DeltaLog } from '../../log/delta-log.ts'
import { readableRange } from '../../log/listing.ts'
import { escapePattern } from '../../schema/quoting.ts'
import type { StructField } from '../../schema/types.ts'
import { placeOf } from '../../storage/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { type AsOf, stateAsOf } from '../as-of.ts'
import { explained, type ReadTable } from '../attempt.ts'
import { partitionConstants, pinSelected } from '../changes/changed-rows.ts'
import type { VersionRange } from '../changes/survey.ts'
import { leaseClosed } from '../closed-engines.ts'
import { looseSchema } from '../diff/diff-columns.ts'
import { fillIn } from '../plan.ts'
import { withRowCounts } from '../relation/live-rows.ts'
import { fileDifferences } from '../relation/nested-names.ts'
import { type PreparedQuery, QueryResult } from '../result.ts'
import { planScan } from '../scan.ts'
import { asciiLower } from '../sql/ast.ts'
import { namedValues } from '../sql/parameters.ts'
import { type FileLives, fileLives, type LivedFile } from './file-lives.ts'
import { type LedgerFile, ledgerSql } from './ledger-relation.ts'
import { type DeletedRows, type RowLives, rowLives } from './row-lives.ts'

/** Which part of a ledger is wanted. */
export interface LedgerOptions {
  /** The first version. Rows that it has are told as added by it, whichever did. Default: the first that can be read. */
  readonly from?: AsOf | undefined
  /** The last version. Rows that it has are not removed, whatever came after. Default: the newest. */
  readonly to?: AsOf | undefined
  /** Names of columns, `added` and `removed` among them, in the order wanted. Default: all. */
  readonly columns?: readonly string[] | undefined
  /** A condition in DuckDB's SQL, as after WHERE. Default: all rows. */
  readonly where?: string | undefined
  /** Values for the parameters of `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
  readonly signal?: AbortSignal | undefined
}

/** The names of the two columns; the second pair where the table has a column of the first. */
const ownNames = [
  ['added', 'removed'],
  ['_added_version', '_removed_version'],
] as const

/** Files looked at at a time. */
const together = 16

/** Results of files with no more rows than this are small. */
const smallRows = 131_072

/** The ledger of a range. Nothing is read before the result is, and errors come then. @throws UsageError INVALID_ARGUMENT for no columns */
export function ledger(log: DeltaLog, options: LedgerOptions): QueryResult {
  if (options.columns?.length === 0)
    throw new UsageError('INVALID_ARGUMENT', 'No column is named.', { remedy: 'Name columns, or leave them out for all.' })
  return new QueryResult(async (signal) => prepare(log, await rangeOf(log, options, signal), options, signal), options.signal)
}

async function rangeOf(log: DeltaLog, { from, to }: LedgerOptions, signal: AbortSignal | undefined): Promise<VersionRange> {
  const last = to === undefined ? (await log.update(signal)).version : (await stateAsOf(log, to, signal)).version
  const first =
    from === undefined ? ((await readableRange(log.store, signal))?.earliest ?? last) : (await stateAsOf(log, from, signal)).version
  if (first <= last) return { from: first, to: last }
  throw new UsageError('INVALID_ARGUMENT', `The ledger would begin at version ${first} and end before it, at version ${last}.`, {
    remedy: 'Give a from that is not later than to.',
    data: { from: first, to: last },
  })
}

async function prepare(
  log: DeltaLog,
  range: VersionRange,
  { columns, where, params }: LedgerOptions,
  signal: AbortSignal | undefined,
): Promise<PreparedQuery> {
  const { store } = log
  const wanted = columns && where === undefined ? new Set(columns.map(asciiLower)) : undefined
  const lives = await fileLives(log, range, { columns: wanted }, signal)
  const fields = ledgerFields(lives, store.root, range)
  const plan = await planScan({ type: 'struct', fields }, { columns, where }, false)
  const given = namedValues(plan.allParameters, params)
  await checkThere(store, lives.files, range, signal)
  const versioned = lives.files.map((file) => ({ ...file, rows: { allBut: undefined }, version: file.times[0]!.added }))
  const pinned = await pinSelected(store, versioned, 'Read the ledger from a later version on.', signal)
  const tables: ReadTable[] = versioned.map((file, index) => ({
    target: { store, version: file.version },
    files: [file],
    pinned: { paths: [pinned.paths[index]!] },
  }))
  const { names } = plan
  const needed = names && new Set(fields.map(({ name }) => name).filter((name) => names.has(asciiLower(name))))
  const connection = await (await trustedEngine()).connect()
  try {
    const files = await ledgerFiles(store, lives, fields, needed, pinned.paths, connection, signal)
    const { metadata, samePartitions } = lives
    const source = {
      fields,
      columns: needed,
      files,
      properties: metadata.configuration,
      partitionColumns: samePartitions ? metadata.partitionColumns : [],
      token: plan.token,
    }
    return {
      statement: ({ bindPaths }) => {
        const values: Record<string, Value> = { ...given }
        const bindValue = (value: Value) => {
          const name = `${plan.token}_p${Object.keys(values).length}`
          values[name] = value
          return `$${name}`
        }
        const listPaths = bindPaths === 'always' ? (paths: readonly string[]) => bindValue(paths.map(escapePattern)) : undefined
        return { sql: fillIn(plan, [ledgerSql({ ...source, bindValue, listPaths })], []), values }
      },
      small: files.reduce((sum, { file }) => sum + (file.numRecords ?? Infinity), 0) <= smallRows,
      narrowed: false,
      copyable: true,
      tables,
      origins: [{ store, version: range.to, from: range.from, id: () => log.idOf(range.to) }],
      lease: () => leaseClosed(new Set(pinned.folders), new Set()),
      release: () => pinned.release(),
    }
  } catch (error) {
    await pinned.release()
    throw await explained(error, { tables })
  } finally {
    await connection.close()
  }
}

/** The table's columns and the two of the ledger. @throws SchemaError NO_COLUMNS, RESERVED_COLUMN */
function ledgerFields({ metadata }: FileLives, root: string, { to }: VersionRange): readonly StructField[] {
  const { fields } = looseSchema(metadata)
  if (fields.length === 0) {
    throw new SchemaError('NO_COLUMNS', `Version ${to} of ${root} has no columns, so no rows can be read.`, {
      remedy: 'Read the ledger to a later version, which has a schema.',
      data: { version: to, table: root },
    })
  }
  const taken = new Set(fields.map(({ name }) => asciiLower(name)))
  const names = ownNames.find((pair) => !pair.some((name) => taken.has(name)))
  if (names !== undefined) return [...fields, ...names.map((name) => ({ name, type: 'long' as const, nullable: true, metadata: {} }))]
  const column = ownNames[1].find((name) => taken.has(name))!
  throw new SchemaError(
    'RESERVED_COLUMN',
    `The table ${root} has columns of its own by every name that the ledger would use, ${column} among them.`,
    {
      remedy: 'Rename the column.',
      data: { column, table: root },
    },
  )
}

/** The files with the lives of their rows. */
async function ledgerFiles(
  store: ObjectStore,
  { metadata, samePartitions, files }: FileLives,
  fields: readonly StructField[],
  needed: ReadonlySet<string> | undefined,
  paths: readonly string[],
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<readonly LedgerFile[]> {
  const table = { schema: { type: 'struct' as const, fields: fields.slice(0, -2) }, properties: metadata.configuration }
  const nested = await fileDifferences(connection, table, needed, paths)
  const bare = files.map((file) => ({ ...file, deletionVector: undefined }))
  const counted = await withRowCounts(bare, paths, connection, isMixed)
  const found: LedgerFile[] = []
  for (let start = 0; start < counted.length; start += together) {
    const some = counted.slice(start, start + together).map(async ({ times, ...file }, at): Promise<LedgerFile> => {
      const constants = samePartitions ? undefined : partitionConstants(table.schema, metadata.configuration, file.partitionValues)
      const lives = isMixed({ times }) ? await livesOf(store, { ...file, times }, signal) : times[0]!
      return { file: { ...file, constants }, path: paths[start + at]!, nested: nested[start + at], lives }
    })
    found.push(...(await Promise.all(some)))
  }
  return found
}

/** Whether rows of a file may have lives of their own, or more than one. */
function isMixed({ times }: Pick<LivedFile, 'times'>): boolean {
  return times.length > 1 || times[0]!.vector !== undefined
}

async function livesOf(store: ObjectStore, { path, numRecords, times }: LivedFile, signal: AbortSignal | undefined): Promise<RowLives> {
  const deleted = async function* (): AsyncGenerator<DeletedRows> {
    for (const { vector, added, removed } of times) {
      const use = { path, version: added, rows: numRecords, signal }
      yield { added, removed, deleted: vector === undefined ? RowSet.empty : await readVector(store, vector, use) }
    }
  }
  return rowLives(deleted())
}

/**
 * Makes sure that what no version needs any more, so that a vacuum may have taken it, is still there, before anything is read.
 * @throws DataFileError DATA_FILE_MISSING with the first version from which on the ledger can be read
 */
async function checkThere(
  store: ObjectStore,
  files: readonly LivedFile[],
  { to }: VersionRange,
  signal: AbortSignal | undefined,
): Promise<void> {
  /** The version from which on each object is not needed. */
  const until = new Map<string, number>()
  for (const { path, times } of files) {
    const last = times.at(-1)!.removed
    if (last !== undefined) until.set(path, Math.max(last, until.get(path) ?? 0))
    for (const { vector, removed } of times) {
      const file = vector === undefined ? undefined : vectorPath(vector)
      if (file !== undefined && removed !== undefined) until.set(file, Math.max(removed, until.get(file) ?? 0))
    }
  }
  let missing: { readonly path: string; readonly version: number } | undefined
  const asked = [...until]
  for (let start = 0; start < asked.length; start += together) {
    await Promise.all(
      asked.slice(start, start + together).map(async ([path, version]) => {
        const place = placeOf(store, path)
        if (await place.store.head(place.key, { signal })) return
        if (missing === undefined || missing.version < version) missing = { path, version }
      }),
    )
  }
  if (missing === undefined) return
  const { path, version } = missing as { readonly path: string; readonly version: number }
  throw new DataFileError(
    'DATA_FILE_MISSING',
    `The file ${path}, whose rows lived until version ${version} of ${store.root}, is missing; the ledger of versions ${version} to ${to} can be read.`,
    {
      remedy: `Read the ledger from version ${version} on; a vacuum takes files that newer versions do not need, and a pull without history leaves them (varve pull --history).`,
      data: { path, earliest: version, latest: to, table: store.root },
    },
  )
}
