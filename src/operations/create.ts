/**
 * Create a table: version 0 with its protocol and metadata, and the first rows or files where they come along.
 *
 * Of racing creates one wins, by put-if-absent of version 0. A plain create then fails, or gives the winner's table where that is
 * wanted; an append that would have created the table appends to the winner's.
 */
import { type DataFile, type Input, importParquet, openSource, rowRules, type Source, writeFiles } from '../data/index.ts'
import { ConflictError, TableExistsError, UnknownOutcomeError, UsageError } from '../errors/index.ts'
import { type Action, activeProperties, DeltaLog } from '../log/index.ts'
import { writeSchema } from '../schema/schema-json.ts'
import type { StructType } from '../schema/types.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { commitFirst, type Prepared } from '../transaction/index.ts'
import { type AppendOptions, append, commitFiles } from './append.ts'
import { parseColumnList } from './definition/column-list.ts'
import { newTable, type TableDefinition } from './definition/new-table.ts'
import { hashesInputs } from './provenance.ts'
import { settle } from './settle/settle.ts'
import { addActions, type CommitResult, discard, transactionId, type WritingOptions, writeMetrics } from './written.ts'

/** Properties of a new table, whichever way it is created. */
export interface NewTableOptions extends Omit<TableDefinition, 'schema'>, WritingOptions {}

/** Options of a create: exactly one of `schema`, `like` and `fromParquet`. */
export interface CreateOptions extends NewTableOptions {
  /** The columns: a schema, or DuckDB's words for one, such as `'id BIGINT NOT NULL, city VARCHAR'`. */
  readonly schema?: StructType | string | undefined
  /** A file whose columns the table gets. */
  readonly like?: string | undefined
  /** Take the Parquet files that lie in the folder as the first version, where they are. */
  readonly fromParquet?: boolean | undefined
  /** A table that is there already is left as it is. Default `false`: an error. */
  readonly ifNotExists?: boolean | undefined
}

/** How creating ended. */
export interface Created {
  readonly log: DeltaLog
  readonly result: CommitResult
  /** `false` where the table was there and `ifNotExists` let it be. */
  readonly created: boolean
}

/**
 * Creates a table.
 * @throws TableExistsError TABLE_EXISTS; UsageError, SchemaError, InputError, UnsupportedFeatureError before anything is written.
 */
export async function create(store: ObjectStore, options: CreateOptions): Promise<Created> {
  transactionId(options)
  const existing = await DeltaLog.open(store, options.signal)
  if (existing) return there(existing, options)
  const { schema, files, partitionBy } = await contents(store, options)
  const { actions } = newTable({ ...options, schema, partitionBy, filesLieThere: options.fromParquet }, Date.now())
  const outcome = await commitTable(store, [...actions, ...addActions(files)], files, options, 'CREATE TABLE')
  if (outcome === 'exists') return there((await DeltaLog.open(store, options.signal))!, options)
  return outcome
}

/**
 * Appends to a table, or creates it with these rows as version 0 where there is none.
 * @throws what `create` and `append` throw; ConflictError TABLE_CREATED_CONCURRENTLY where another table came first and the input, a
 * stream, cannot be read again.
 */
export async function createOrAppend(store: ObjectStore, input: Input, options: NewTableOptions & AppendOptions): Promise<Created> {
  const existing = await DeltaLog.open(store, options.signal)
  if (existing) return { log: existing, result: await append(existing, input, options), created: false }
  transactionId(options)
  const source = await openSource(input, { hashInputs: hashesInputs(options), signal: options.signal })
  try {
    const { actions, protocol, metadata, schema } = newTable({ ...options, schema: source.schema }, Date.now())
    const { partitionColumns, configuration: properties } = metadata
    const rules = rowRules({ protocol, metadata }, schema, properties)
    const files = await writeFiles(source, { store, schema, partitionColumns, properties, rules, signal: options.signal })
    const outcome = await commitTable(
      store,
      [...actions, ...addActions(files)],
      files,
      { ...options, inputs: source.inputs },
      'CREATE TABLE AS SELECT',
      true,
    )
    if (outcome !== 'exists') return outcome
    const winner = (await DeltaLog.open(store, options.signal))!
    const { latest } = winner
    const alike =
      latest.metadata.schemaString === writeSchema(schema) &&
      JSON.stringify(latest.metadata.partitionColumns) === JSON.stringify(partitionColumns) &&
      rowRules(latest, schema, activeProperties(latest)) === undefined
    if (alike)
      return { log: winner, result: await commitFiles(winner, latest, files, { ...options, inputs: source.inputs }), created: false }
    await discard(store, files)
    if (!isReadableAgain(input)) throw createdConcurrently(store.root)
    return { log: winner, result: await append(winner, input, options), created: false }
  } finally {
    await source.close()
  }
}

/** Commits version 0. The files are kept on `exists` when `keep` says that the caller has a use for them. */
async function commitTable(
  store: ObjectStore,
  actions: readonly Action[],
  files: readonly DataFile[],
  options: NewTableOptions & { readonly inputs?: Source['inputs']; readonly fromParquet?: boolean | undefined },
  operation: string,
  keep = false,
): Promise<Created | 'exists'> {
  const metrics = writeMetrics(files)
  const prepared: Prepared = {
    operation,
    parameters: parametersOf(actions),
    metrics,
    actions,
    isBlindAppend: true,
    message: options.message,
    source: options.source,
    inputs: options.inputs,
    account: options.account,
  }
  let safe = options.fromParquet === true
  try {
    const outcome = await commitFirst(store, prepared, { txn: transactionId(options), signal: options.signal })
    safe ||= outcome.outcome === 'committed' || keep
    if (outcome.outcome === 'exists') return 'exists'
    const warnings = await settle(outcome.log, outcome.log.latest)
    return { log: outcome.log, created: true, result: { version: 0, operation, alreadyApplied: false, metrics, warnings } }
  } catch (error) {
    if (error instanceof UnknownOutcomeError) safe = true
    throw error
  } finally {
    if (!safe) await discard(store, files)
  }
}

/** The columns of the new table, and the files it starts with. */
async function contents(
  store: ObjectStore,
  options: CreateOptions,
): Promise<{ schema: StructType; files: readonly DataFile[]; partitionBy: readonly string[] | undefined }> {
  const { schema, like, fromParquet, partitionBy, signal } = options
  if ([schema, like, fromParquet || undefined].filter((each) => each !== undefined).length !== 1) {
    throw new UsageError(
      'INVALID_ARGUMENT',
      'A new table needs exactly one of a schema, a file to be like, and Parquet files that lie there.',
      {
        remedy: 'Pass one of schema (--schema), like (--like) and fromParquet (--from-parquet).',
      },
    )
  }
  if (fromParquet) {
    const imported = await importParquet(store, { ...(options.properties ? { properties: options.properties } : {}), signal })
    return { schema: imported.schema, files: imported.files, partitionBy: imported.partitionColumns }
  }
  if (like !== undefined) {
    const source = await openSource({ files: like }, { signal })
    await source.close()
    return { schema: source.schema, files: [], partitionBy }
  }
  return { schema: typeof schema === 'string' ? await parseColumnList(schema) : schema!, files: [], partitionBy }
}

/** The operation's parameters as Spark's history shows them: text, lists and maps as JSON. */
function parametersOf(actions: readonly Action[]): Record<string, string> {
  for (const action of actions) {
    if (!('metaData' in action)) continue
    const { partitionColumns, configuration, description } = action.metaData
    return {
      isManaged: 'false',
      ...(description ? { description } : {}),
      partitionBy: JSON.stringify(partitionColumns),
      properties: JSON.stringify(configuration),
    }
  }
  return {}
}

function there(log: DeltaLog, options: CreateOptions): Created {
  if (options.ifNotExists) {
    const result = { version: log.latest.version, operation: 'CREATE TABLE', alreadyApplied: false, metrics: {}, warnings: [] }
    return { log, result, created: false }
  }
  throw new TableExistsError('TABLE_EXISTS', `There is a table at ${log.store.root} already, at version ${log.latest.version}.`, {
    remedy: 'Append to it, choose another folder, or pass ifNotExists (--if-not-exists) to leave it as it is.',
    data: { root: log.store.root, version: log.latest.version },
  })
}

/** Whether an input gives its rows a second time: files, a query, arrays and tables do; a stream or iterator does not. */
function isReadableAgain(input: Input): boolean {
  if (Array.isArray(input)) return true
  return typeof input === 'object' && ('files' in input || 'query' in input || 'batches' in input)
}

function createdConcurrently(root: string): ConflictError {
  return new ConflictError(
    'TABLE_CREATED_CONCURRENTLY',
    `Another process created a table of other columns at ${root} meanwhile; nothing was written.`,
    {
      remedy: 'Run it again: the rows are then fitted to that table.',
      data: { root },
    },
  )
}
