/**
 * Overwrite: rows go and others come, as one version.
 *
 *   whole table      every file goes                       ─┐
 *   dynamic          the partitions that the new rows have  ├─ new files, old files and vectors ─ one commit
 *   by a predicate   the rows that fulfil it, as DELETE     ─┘
 *
 * A predicate is a promise of the new rows too: each of them must fulfil it. With other columns (`overwriteSchema`) nothing of the old ones is
 * left but their versions. New rows are written before anything is removed, and what they are read from may be the table itself.
 */
import { type DataFile, type Input, openSource, type RowRules, rowRules, type Source, writeFiles } from '../../data/index.ts'
import type { Parameters } from '../../engine/index.ts'
import { UsageError } from '../../errors/index.ts'
import { activeProperties, type DeltaLog, type Protocol } from '../../log/index.ts'
import type { QueryTarget } from '../../query/index.ts'
import type { AppendOptions } from '../append.ts'
import { replaceColumns } from '../definition/replaced-columns.ts'
import { asItIs, type WriteGround, withMetadata, withNewColumns } from '../definition/write-ground.ts'
import { hashesInputs } from '../provenance.ts'
import { type CommitResult, writeMetrics } from '../written.ts'
import { commitVerb, takeBack } from './commit-verb.ts'
import { type Deletion, everything, liveRows, matching } from './delete.ts'
import { checkNewRows } from './new-rows-check.ts'
import { partitionsPredicate } from './partitions-predicate.ts'
import { beginVerb, unchanged, type VerbGround } from './verb.ts'
import { type Written, writeInsertedChanges } from './write-rows.ts'

/** Options of an overwrite. */
export interface OverwriteOptions extends Omit<AppendOptions, 'compact'> {
  /** Replace the rows for which this expression in DuckDB's SQL is true, all of which it must be true for. Default: all rows. */
  readonly where?: string | undefined
  /** Values for the parameters of `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
  /** Replace only the partitions that the new rows have. Default `false`. */
  readonly dynamic?: boolean | undefined
  /** Give the table the columns of the new rows. Default `false`: they are fitted to its own. */
  readonly overwriteSchema?: boolean | undefined
  /** With `overwriteSchema`: the columns that partition the table from then on. Default: those that do. */
  readonly partitionBy?: readonly string[] | undefined
}

const operation = 'WRITE'

/**
 * Replaces rows by those of an input. An input without rows replaces by nothing, but with `dynamic` changes nothing.
 * @throws ValueError PREDICATE_NOT_FULFILLED; what `append` and `deleteRows` throw
 */
export async function overwrite(log: DeltaLog, input: Input, options: OverwriteOptions = {}): Promise<CommitResult> {
  checkOptions(options)
  const begun = await beginVerb(log, operation, options)
  if ('result' in begun) return begun.result
  const { ground } = begun
  const { target, state } = ground
  const { where, dynamic, overwriteSchema, mergeSchema, partitionBy, signal } = options
  if (dynamic && target.partitionColumns.length === 0) throw notPartitioned(log)
  const tableSchema = overwriteSchema ? undefined : target.schema
  const written: Written = { files: [], changeFiles: [] }
  const take = async (deletion: Promise<Deletion>): Promise<Deletion> => {
    const { files, changeFiles } = (await deletion).written
    written.files.push(...files)
    written.changeFiles.push(...changeFiles)
    return deletion
  }
  let source: Source | undefined
  try {
    // A predicate that is none is found before the input is read.
    const chosen = where === undefined ? undefined : await take(matching(ground, where, options))
    const ruled = overwriteSchema ? undefined : rowRules(state, target.schema, target.properties)
    source = await openSource(input, { tableSchema, mergeSchema, filled: ruled?.filled, hashInputs: hashesInputs(options), signal })
    const fitted = overwriteSchema
      ? replaceColumns(state, target.schema, source.schema, partitionBy)
      : mergeSchema
        ? withNewColumns(state, target.schema, source.schema)
        : asItIs(state, target.schema)
    const { table, protocol } = tableAfter(ground, fitted)
    const rules =
      table.schema === target.schema && ruled ? ruled : rowRules({ protocol, metadata: fitted.metadata }, table.schema, table.properties)
    const rows = await writeInput(source, table, rules, signal)
    written.files.push(...rows)
    if (where !== undefined) await checkNewRows(ground, table, rows, where, options)
    const gone = chosen ?? (await take(dynamic ? partitionsOf(ground, rows, signal) : everything(ground)))
    // Change files tell all of a version, so the new rows have to be among them.
    if (written.changeFiles.length > 0) await writeInsertedChanges({ ...ground, target: table }, rows, written, signal)
    const metrics = metricsOf(gone, rows, written)
    const actions = withMetadata(fitted.actions, rules?.after(fitted.metadata))
    if (gone.files.length === 0 && rows.length === 0 && actions.length === 0 && !ground.txn)
      return unchanged(state, operation, false, metrics)
    const parameters = {
      mode: 'Overwrite',
      partitionBy: JSON.stringify(fitted.metadata.partitionColumns),
      ...(where === undefined ? {} : { predicate: where }),
      ...(dynamic ? { isDynamicPartitionOverwrite: 'true' } : {}),
      ...(overwriteSchema ? { canOverwriteSchema: 'true' } : {}),
      ...(mergeSchema ? { canMergeSchema: 'true' } : {}),
    }
    // What is told of deleted rows must be so, whatever others delete meanwhile.
    const changes = { files: gone.files, mayBeGone: written.changeFiles.length === 0, dataChange: true }
    const verb = { operation, parameters, metrics, changes, reads: gone.reads, isBlindAppend: false, inputs: source.inputs }
    const handedOver = { files: written.files.splice(0), changeFiles: written.changeFiles.splice(0) }
    return await commitVerb(ground, { ...verb, actions }, handedOver, options)
  } finally {
    await takeBack(ground, written)
    await source?.close()
  }
}

/** The table as the new rows find it. */
function tableAfter(
  { target, state }: VerbGround,
  { target: schema, metadata, actions }: WriteGround,
): { table: QueryTarget; protocol: Protocol } {
  const upgrade = actions.find((action) => 'protocol' in action)
  const protocol = upgrade !== undefined && 'protocol' in upgrade ? upgrade.protocol : state.protocol
  const table = {
    version: target.version,
    store: target.store,
    schema,
    partitionColumns: metadata.partitionColumns,
    properties: activeProperties({ protocol, metadata }),
    files: () => target.files(),
  }
  return { table, protocol }
}

function writeInput(source: Source, table: QueryTarget, rules: RowRules | undefined, signal: AbortSignal | undefined) {
  const { store, schema, partitionColumns, properties } = table
  return writeFiles(source, { store, schema, partitionColumns, properties, rules, signal })
}

async function partitionsOf(ground: VerbGround, rows: readonly DataFile[], signal: AbortSignal | undefined): Promise<Deletion> {
  if (rows.length === 0) return { files: [], taken: [], reads: noRows(ground), written: { files: [], changeFiles: [] } }
  return matching(ground, partitionsPredicate(ground.target, rows), { signal })
}

function noRows({ target }: VerbGround): Deletion['reads'] {
  return {
    rows: { predicate: { op: 'literal', value: false }, table: { ...target, physicalName: ({ name }) => name } },
    deletesMatter: false,
  }
}

/** Counts under the names of Spark's history. */
function metricsOf({ files, taken }: Deletion, rows: readonly DataFile[], written: Written): Record<string, number> {
  const whole = files.filter((change) => typeof change.rows === 'string')
  const rowsOf = new Map(taken.map(({ file, taken: some }) => [file.path, some]))
  const deleted = files.map(({ file }) => {
    const some = rowsOf.get(file.path)
    return some === undefined || some === 'all' ? liveRows(file) : some.size
  })
  const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)
  const known = deleted.filter((number) => number !== undefined)
  return {
    ...writeMetrics(rows),
    ...(known.length === deleted.length ? { numDeletedRows: total(known) } : {}),
    numRemovedFiles: whole.length,
    numRemovedBytes: total(whole.map(({ file }) => file.add.size)),
    numDeletionVectorsAdded: files.length - whole.length,
    numCopiedRows: total(written.files.map(({ numRecords }) => numRecords)) - total(rows.map(({ numRecords }) => numRecords)),
    numAddedChangeFiles: written.changeFiles.length,
  }
}

function checkOptions({ where, dynamic, overwriteSchema, mergeSchema, partitionBy, params }: OverwriteOptions): void {
  const wrong = (message: string, remedy: string) => {
    throw new UsageError('INVALID_ARGUMENT', message, { remedy })
  }
  if (where !== undefined && dynamic) wrong('where and dynamic both say which rows are replaced.', 'Give one of them.')
  if (overwriteSchema && (where !== undefined || dynamic))
    wrong(
      'Rows that stay have the columns that the table has, so they cannot be others.',
      'Leave out overwriteSchema, or where and dynamic.',
    )
  if (overwriteSchema && mergeSchema) wrong('overwriteSchema and mergeSchema contradict each other.', 'Give one of them.')
  if (partitionBy !== undefined && !overwriteSchema)
    wrong('A table keeps its partition columns.', 'Leave out partitionBy (--partition-by), or add overwriteSchema (--overwrite-schema).')
  if (params !== undefined && where === undefined) wrong('params are values for where.', 'Leave them out, or give where.')
}

function notPartitioned({ store }: DeltaLog): UsageError {
  return new UsageError('INVALID_ARGUMENT', `${store.root} has no partitions, so dynamic does not say which rows are replaced.`, {
    remedy: 'Leave out dynamic (--dynamic) to replace all rows, or give where (--where).',
    data: { root: store.root },
  })
}
