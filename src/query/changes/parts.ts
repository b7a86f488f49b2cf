/**
 * A change feed as queries, one a window: survey of the range -> plan -> windows of files -> a query each. A window's commits are read
 * while the rows of the one before are.
 */
import type { Parameters } from '../../engine/index.ts'
import { LogError, VersionNotFoundError } from '../../errors/index.ts'
import type { Metadata } from '../../log/actions.ts'
import type { DeltaLog } from '../../log/delta-log.ts'
import { CommitTimes } from '../../log/history.ts'
import { parseSchema } from '../../schema/schema-json.ts'
import type { ReadVersion } from '../read-from.ts'
import { QueryResult } from '../result.ts'
import { planScan } from '../scan.ts'
import { asciiLower } from '../sql/ast.ts'
import { namedValues } from '../sql/parameters.ts'
import { commitVersion, feedSchema } from './columns.ts'
import { activeMetadata, type Survey, survey, type VersionRange } from './survey.ts'
import { type Feed, prepareWindow } from './window-query.ts'
import { type TimedFile, windowsOf } from './windows.ts'

/** What of a feed is wanted. */
export interface FeedOptions {
  /** Names of columns, those of the feed among them, in the order wanted. Default: all. */
  readonly columns?: readonly string[] | undefined
  /** A condition in DuckDB's SQL, as after WHERE. Default: all rows. */
  readonly where?: string | undefined
  /** Values for the parameters of `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
}

/** A feed that can be read. */
export interface OpenFeed {
  /** The versions whose changes are in it; `undefined` where it is empty for want of versions. */
  readonly range: VersionRange | undefined
  /** The last of them, as a version that is made from the feed tells. */
  readonly origin: ReadVersion | undefined
  /** Its rows, in the order of the versions; at least one result, all of the same columns. */
  readonly parts: AsyncGenerator<QueryResult, void, undefined>
}

/** A range as it was asked for: versions, or none with the version whose columns an empty feed has. */
export type AskedRange = VersionRange | { readonly emptyAt: number }

/** Opens the feed of a range. @throws as {@link survey}; SchemaError, QueryError for the options */
export async function openFeed(log: DeltaLog, asked: AskedRange, options: FeedOptions, signal: AbortSignal | undefined): Promise<OpenFeed> {
  const { columns } = options
  const compared = { columns: columns && options.where === undefined ? new Set(columns.map(asciiLower)) : undefined }
  const range = 'emptyAt' in asked ? undefined : asked
  const looked = range === undefined ? undefined : await survey(log, range, compared, signal)
  const metadata = looked?.metadata ?? activeMetadata(await log.stateAt('emptyAt' in asked ? asked.emptyAt : asked.to, signal))
  const feed = await planFeed(log, metadata, looked?.samePartitions ?? true, options, signal)
  const origin = range && { store: log.store, version: range.to, from: range.from, id: () => log.idOf(range.to) }
  return { range, origin, parts: partsOf(feed, looked, new CommitTimes(log.store, log.latest), signal) }
}

async function planFeed(
  log: DeltaLog,
  metadata: Metadata,
  samePartitions: boolean,
  { columns, where, params }: FeedOptions,
  signal: AbortSignal | undefined,
): Promise<Feed> {
  const { store } = log
  const schema = feedSchema(parseSchema(metadata.schemaString, metadata.partitionColumns), store.root)
  const plan = await planScan(schema, { columns, where })
  const orderedPlan = await planScan(schema, { columns, where, orderBy: commitVersion })
  const values = namedValues(plan.allParameters, params)
  const partitionValuesOf = (path: string, version: number) => valuesBefore(log, path, version, signal)
  return { store, schema, metadata, samePartitions, plan, orderedPlan, values, partitionValuesOf }
}

async function* partsOf(
  feed: Feed,
  looked: Survey | undefined,
  times: CommitTimes,
  signal: AbortSignal | undefined,
): AsyncGenerator<QueryResult, void, undefined> {
  const result = (files: readonly TimedFile[]) => new QueryResult((own) => prepareWindow(feed, files, own), signal)
  if (looked === undefined) return yield result([])
  const windows = windowsOf(looked, times, signal)
  let next = windows.next()
  try {
    for (let count = 0; ; count += 1) {
      const { value, done } = await next
      if (done) {
        if (count === 0) yield result([])
        return
      }
      next = windows.next()
      // It is told when its turn comes.
      next.catch(() => {})
      yield result(value)
    }
  } finally {
    await next.catch(() => {})
    await windows.return(undefined)
  }
}

/** The partition values that a file had before a version removed it, since its remove need not say them (§Add File and Remove File). */
async function valuesBefore(
  log: DeltaLog,
  path: string,
  version: number,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, string | null>>> {
  const before = await log.stateAt(version - 1, signal).catch((error: unknown) => {
    if (error instanceof VersionNotFoundError) return undefined
    throw error
  })
  const [file] = before === undefined ? [] : await (await log.files(before)).select('path = $path', { path }, signal)
  if (file !== undefined) return file.partitionValues
  throw new LogError(
    'LOG_INCOMPLETE',
    `Version ${version} of ${log.store.root} removes the file ${path} without its partition values, and no version before it that can be read tells them.`,
    { remedy: `Read changes from version ${version + 1} on.`, data: { version, path, root: log.store.root } },
  )
}
