/**
 * The rows that differ between two versions of a table, whatever lay between.
 *
 *   two states ─ files that differ (`differing-files.ts`), pinned, with the rows of each that are meant
 *              ─ one relation of both sides in the columns of the later version (`diff-columns.ts`)
 *              ─ what is left over of it (`diff-sql.ts`) ─ rows, or a summary
 *
 * No expression of the caller is in it, so the trusted instance reads. By key, what is left over is kept in a table of that instance
 * first, since whether the key tells rows apart must be known before the first row is given.
 */
import { randomUUID } from 'node:crypto'
import { type Connection, trustedEngine, type Value } from '../../engine/index.ts'
import { UsageError } from '../../errors/index.ts'
import type { DeltaLog } from '../../log/delta-log.ts'
import type { TableState } from '../../log/state.ts'
import { escapePattern, quoteIdentifier } from '../../schema/quoting.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { type AsOf, stateAsOf } from '../as-of.ts'
import { explained, type ReadTable } from '../attempt.ts'
import { partitionConstants, pinSelected, withSelectedRows } from '../changes/changed-rows.ts'
import { fileDifferences } from '../relation/nested-names.ts'
import { type RelationFile, type RelationSource, relationSql } from '../relation/relation.ts'
import { type PreparedQuery, QueryResult } from '../result.ts'
import { type ComparedTable, checkNames, comparedTable } from './diff-columns.ts'
import { countsByKey, countsWithoutKey, type DiffColumns, knownCounts, leftOver, rowsByKey, rowsWithoutKey, sharedKey } from './diff-sql.ts'
import { type DifferingFile, differingFiles } from './differing-files.ts'

/** How two versions are compared. */
export interface DiffOptions {
  /** Columns that tell rows apart: two rows of one key that differ are an update. Default: none, and every row that differs came or went. */
  readonly key?: readonly string[] | undefined
  /** The columns that are compared and shown, those of the key besides. Default: all that the later of the versions has. */
  readonly columns?: readonly string[] | undefined
  /** Numbers instead of rows. Default: `false`. */
  readonly summary?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Results of no more rows than this are small. */
const smallRows = 131_072

/**
 * The rows that differ from version `a` to version `b`, in either order of the two. Nothing is read before the result is, and errors come
 * then. @throws UsageError INVALID_ARGUMENT for lists of names that are none
 */
export function diff(log: DeltaLog, a: AsOf, b: AsOf, options: DiffOptions): QueryResult {
  checkNames(options)
  return new QueryResult(async (signal) => {
    const [before, after] = [await stateAsOf(log, a, signal), await stateAsOf(log, b, signal)]
    const origins = [before, after].map(({ version }) => ({ store: log.store, version, id: () => log.idOf(version) }))
    return { ...(await prepare(log, before, after, options, signal)), origins }
  }, options.signal)
}

async function prepare(
  log: DeltaLog,
  before: TableState,
  after: TableState,
  options: DiffOptions,
  signal: AbortSignal | undefined,
): Promise<PreparedQuery> {
  const { store } = log
  const compared = comparedTable(before, after, options, store.root)
  const { gone, come } = await differingFiles(await log.files(before), await log.files(after), signal)
  const known = options.summary === true && compared.key.length === 0 ? knownSummary(gone, come) : undefined
  if (known !== undefined)
    return reading(
      () => ({ sql: known, values: {} }),
      true,
      [],
      async () => {},
    )
  const files: readonly SidedFile[] = [
    ...gone.map((file) => ({ ...file, version: before.version, count: -1 as const })),
    ...come.map((file) => ({ ...file, version: after.version, count: 1 as const })),
  ]
  const pinned = await pinSelected(store, files, 'Compare versions that a retention has not taken files of.', signal)
  const tables = files.map((file, index) => tableOf(store, file, pinned.paths[index]!))
  const connection = await (await trustedEngine()).connect()
  try {
    const sides = await sidesOf(store, compared, files, pinned.paths, connection, signal)
    const { columns, key } = compared
    const from: DiffColumns = { columns, key, count: sides.count }
    const left = (form: Form) => leftOver(from, sides.sql(form), gone.length > 0 && come.length > 0)
    if (key.length > 0) return await byKey(from, left, options, { connection, tables, release: () => pinned.release(), signal })
    const statement = options.summary === true ? countsWithoutKey : rowsWithoutKey
    return reading(
      ({ bindPaths }) => withValues(bindPaths === 'always', (form) => statement(from, left(form))),
      options.summary === true || sides.rows <= smallRows,
      tables,
      () => pinned.release(),
    )
  } catch (error) {
    await pinned.release()
    throw await explained(error, { tables })
  } finally {
    await connection.close()
  }
}

/** A file of one of the versions. */
interface SidedFile extends DifferingFile {
  readonly version: number
  /** What each of its rows counts. */
  readonly count: 1 | -1
}

/** How a relation is written: what stands for values that are bound. */
type Form = Pick<RelationSource, 'bindValue' | 'listPaths'>

type Statement = ReturnType<PreparedQuery['statement']>

/** The rows of both sides as one relation, each row with what it counts. */
interface Sides {
  /** The column that says so. */
  readonly count: string
  /** Rows of the files, Infinity where the log does not say. */
  readonly rows: number
  sql(form: Form): string
}

async function sidesOf(
  store: ObjectStore,
  { schema, properties, partitionColumns, samePartitions, columns }: ComparedTable,
  files: readonly SidedFile[],
  paths: readonly string[],
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<Sides> {
  const count = `varve_${randomUUID().replaceAll('-', '')}`
  const selected = await withSelectedRows(store, files, paths, connection, signal)
  const named = new Set(columns.map(({ name }) => name))
  const nested = await fileDifferences(connection, { schema, properties }, named, paths)
  const counted = selected.map((file, index): RelationFile => {
    const constants = new Map(samePartitions ? [] : partitionConstants(schema, properties, file.partitionValues))
    return { ...file, constants: constants.set(count, `(${files[index]!.count})::BIGINT`) }
  })
  const source: RelationSource = {
    schema: { ...schema, fields: [...schema.fields, { name: count, type: 'long', nullable: false, metadata: {} }] },
    properties,
    partitionColumns,
    columns: new Set([...named, count]),
    files: counted,
    paths,
    nested,
  }
  return {
    count,
    rows: counted.reduce((sum, { numRecords }) => sum + (numRecords ?? Infinity), 0),
    sql: (form) => relationSql({ ...source, ...form }),
  }
}

/** The parts of a comparison by key that have nothing to do with SQL. */
interface KeyedWork {
  readonly connection: Connection
  readonly tables: readonly ReadTable[]
  readonly signal: AbortSignal | undefined
  release(): Promise<void>
}

/** Keeps what is left over in a table, which goes when the result does. */
async function byKey(
  from: DiffColumns,
  left: (form: Form) => string,
  { summary }: DiffOptions,
  { connection, tables, signal, release }: KeyedWork,
): Promise<PreparedQuery> {
  const table = quoteIdentifier(`${from.count}_left`)
  const drop = async () => {
    const dropping = await (await trustedEngine()).connect()
    await dropping.run(`DROP TABLE IF EXISTS ${table}`).finally(() => dropping.close())
  }
  try {
    const { sql, values } = withValues(false, (form) => `CREATE TABLE ${table} AS ${left(form)}`)
    const rows = await connection.run(sql, values, { signal, files: tables.flatMap(({ pinned }) => pinned.paths) })
    const kept = `SELECT * FROM ${table}`
    const [shared] = await connection.all(sharedKey(from, kept), undefined, { signal })
    if (shared !== undefined) throw notUnique(from, tables, shared)
    const statement = summary === true ? countsByKey(from, kept) : rowsByKey(from, kept)
    return reading(
      () => ({ sql: statement, values: {} }),
      summary === true || rows <= smallRows,
      tables,
      async () => {
        await drop()
        await release()
      },
    )
  } catch (error) {
    await drop()
    throw error
  }
}

/** A statement of ours as a query that is ready to run. */
function reading(
  statement: PreparedQuery['statement'],
  small: boolean,
  tables: readonly ReadTable[],
  release: () => Promise<void>,
): PreparedQuery {
  const lease = async () => {
    const connection = await (await trustedEngine()).connect()
    return { connection, release: () => connection.close() }
  }
  return { statement, small, narrowed: false, copyable: true, tables, lease, release }
}

function withValues(bindPaths: boolean, write: (form: Form) => string): Statement {
  const values: Record<string, Value> = {}
  const bindValue = (value: Value) => {
    const name = `varve_p${Object.keys(values).length}`
    values[name] = value
    return `$${name}`
  }
  const listPaths = bindPaths ? (paths: readonly string[]) => bindValue(paths.map(escapePattern)) : undefined
  return { sql: write({ bindValue, listPaths }), values }
}

/** The summary where the log alone tells it: all files that differ are of one version, so no row of them can be in both. */
function knownSummary(gone: readonly DifferingFile[], come: readonly DifferingFile[]): string | undefined {
  if (gone.length > 0 && come.length > 0) return undefined
  const [deleted, inserted] = [rowsOf(gone), rowsOf(come)]
  return Number.isNaN(deleted + inserted) ? undefined : knownCounts(inserted, deleted)
}

/** NaN where the log does not say. */
function rowsOf(files: readonly DifferingFile[]): number {
  return files.reduce((sum, { rows, numRecords = Number.NaN }) => {
    if ('allBut' in rows) return sum + numRecords - Number(rows.allBut?.cardinality ?? 0)
    return sum + (rows.except === undefined ? Number(rows.only.cardinality) : Number.NaN)
  }, 0)
}

function tableOf(store: ObjectStore, file: SidedFile, path: string): ReadTable {
  return { target: { store, version: file.version }, files: [file], pinned: { paths: [path] } }
}

function notUnique({ key }: DiffColumns, tables: readonly ReadTable[], shared: Readonly<Record<string, unknown>>): UsageError {
  const versions = tables.map(({ target }) => target.version)
  const version = shared.later === true ? versions.at(-1) : versions[0]
  const root = tables[0]?.target.store.root
  return new UsageError(
    'KEY_NOT_UNIQUE',
    `Two rows of version ${version} of ${root} that differ from the other version have the key ${shared.key}.`,
    {
      remedy: 'Name more columns with the key, so that no two rows share one, or compare without a key.',
      data: { key: shared.key as string, columns: key.map(({ name }) => name), version: version!, table: root! },
    },
  )
}
