/**
 * MERGE: rows of a source change rows of the table, are inserted, or tell which rows they have no partner for.
 *
 *   source ─ scratch files (`merge-source.ts`) ─ joined with the files that may hold partners, in one statement (`merge-statement.ts`)
 *   ─ its rows kept in a temporary table ─ vectors, new files, the change feed (`merged-rows.ts`) ─ one commit
 *
 * For each pair the first clause that fits counts. A row of the table that two rows of the source would change is an error, since either
 * could win; that both would delete it is none.
 */
import type { Parameters } from '../../engine/index.ts'
import { ValueError } from '../../errors/index.ts'
import type { DeltaLog } from '../../log/index.ts'
import { type MergeSide, mergeAliases, mergeStatement, RowStatement, storedFiles } from '../../query/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import type { Staging } from '../../storage/object-store.ts'
import { withNewColumns } from '../definition/write-ground.ts'
import type { CommitResult, WritingOptions } from '../written.ts'
import { withColumnNamed } from './assignments.ts'
import { commitVerb, type PreparedVerb, takeBack } from './commit-verb.ts'
import { type Clause, clausesGiven, type MergeClauses, resolved } from './merge-clauses.ts'
import { type MergeInput, partnersOf, type ScratchSource, scratchSource } from './merge-source.ts'
import { MergedRows, mergeTable } from './merged-rows.ts'
import { decideFiles, gather, staying, sum, takenMetrics } from './taken-rows.ts'
import { beginVerb, unchanged, type VerbGround } from './verb.ts'
import { type Written, writeStaying } from './write-rows.ts'

/** Options of a merge. */
export interface MergeOptions extends WritingOptions, MergeClauses {
  /** Add columns of the source that the table lacks, as nullable ones at its end. Default `false`: `all` leaves them out. */
  readonly mergeSchema?: boolean | undefined
  /** Values for the parameters of all expressions. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
}

const operation = 'MERGE'

/**
 * Merges a source into the table. Where nothing changes and there is no transaction id to record, no version is made.
 * @throws QueryError SQL_ERROR, SQL_REFUSED for an expression; SchemaError UNKNOWN_COLUMN; ValueError MERGE_AMBIGUOUS where two rows of the
 * source would change one of the table; ConflictError; what `update` and `append` throw besides
 */
export async function mergeRows(log: DeltaLog, input: MergeInput, options: MergeOptions): Promise<CommitResult> {
  const given = clausesGiven(options)
  const removes = given.some(({ kind }) => kind !== 'insert')
  const begun = await beginVerb(log, operation, options, { removes })
  if ('result' in begun) return begun.result
  const staging = await log.store.stage()
  const written: Written = { files: [], changeFiles: [] }
  try {
    const source = await scratchSource(input, begun.ground.target.schema, staging, options)
    const { ground, actions } = options.mergeSchema ? withColumnsOf(begun.ground, source.schema) : { ground: begun.ground, actions: [] }
    const clauses = given.map((clause) => resolved(clause, ground.target.schema, source.schema))
    const verb = await prepare(ground, clauses, source, options, staging, written)
    const changed = verb.changes!.files.length + written.files.length + actions.length > 0
    if (!changed && !ground.txn) return unchanged(ground.state, operation, false, verb.metrics)
    return await commitVerb(ground, { ...verb, actions, inputs: source.inputs }, written, options)
  } catch (error) {
    await takeBack(begun.ground, written)
    throw error
  } finally {
    await staging.dispose()
  }
}

async function prepare(
  ground: VerbGround,
  clauses: readonly Clause[],
  source: ScratchSource,
  options: MergeOptions,
  staging: Staging,
  written: Written,
): Promise<PreparedVerb> {
  const { log, state, target, self, vectors, changeFeed } = ground
  const { on, params, signal } = options
  const present = unusedName(source.schema)
  const merged = new MergedRows(ground, clauses)
  const statement = await RowStatement.prepare(
    (parts) =>
      mergeStatement(parts, {
        on,
        clauses: clauses.map(({ side, condition, assignments }) => ({
          side,
          condition,
          values: assignments.map(({ expression }) => expression),
        })),
        columns: merged.columns(),
        ids: merged.ids,
        present,
        restrict: async (column, key) => {
          const field = fieldNamed(source.schema, key)
          const of = fieldNamed(target.schema, column)
          return field && of && partnersOf(source, field, `${mergeAliases.target}.${quoteIdentifier(column)}`, of.type)
        },
      }),
    {
      target,
      alias: mergeAliases.target,
      source: {
        alias: mergeAliases.source,
        schema: { ...source.schema, fields: [...source.schema.fields, { name: present, type: 'boolean', nullable: true, metadata: {} }] },
        sql: `(SELECT *, true AS ${quoteIdentifier(present)} FROM ${source.sql})`,
      },
      others: [self],
      params,
      folders: [staging.folder],
      signal,
    },
  )
  const { connection } = statement
  try {
    await statement.keep(mergeTable, merged.kept(), 'k IS NOT NULL')
    const counts = await merged.counts(connection)
    const places = await gather(connection, `SELECT f::DOUBLE, r::DOUBLE FROM ${mergeTable} WHERE f IS NOT NULL`, undefined, signal)
    if (counts.found > sum([...places.values()].map(({ size }) => size))) await checkPartners(statement, clauses, merged)
    const stored = await storedFiles(statement.files, (place) => places.has(place))
    const live = await (await log.files(state)).liveFiles(
      [...places.keys()].map((place) => stored[place]!.path),
      signal,
    )
    const taken = decideFiles(stored, places, new Map(live.map((file) => [file.path, file])), { vectors, rewriteDead: true })
    const replaced = taken.filter(({ rows }) => rows === 'replaced')
    const bytes = source.bytes + sum(taken.map(({ file }) => file.add.size))
    await merged.write(statement, counts, written, { staging, signal, bytes })
    // Inserts, and deletes by vectors, are told by adds and vectors themselves.
    if (changeFeed && (counts.updated > 0 || replaced.length > 0)) await merged.writeChanges(statement, written, { staging, signal, bytes })
    await writeStaying(ground, replaced.map(staying), written, signal)
    const { reads } = statement
    return {
      operation,
      parameters: parametersOf(options, clauses),
      metrics: {
        numSourceRows: source.rows,
        numTargetRowsInserted: counts.inserted,
        numTargetRowsUpdated: counts.updated,
        numTargetRowsDeleted: counts.deleted,
        ...takenMetrics(taken, written, counts.inserted + counts.updated),
      },
      changes: { files: taken, mayBeGone: false, dataChange: true },
      reads: { ...reads, deletesMatter: reads.deletesMatter || clauses.some(({ kind }) => kind === 'insert') },
      isBlindAppend: false,
    }
  } catch (error) {
    throw withColumnNamed(error, (clause = -1, number = -1) => clauses[clause]?.assignments[number])
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${mergeTable}`).catch(() => undefined)
    await statement.release()
  }
}

/** Some row of the table has more than one partner. @throws ValueError MERGE_AMBIGUOUS where they would change it, which shows the row */
async function checkPartners({ connection, files }: RowStatement, clauses: readonly Clause[], merged: MergedRows): Promise<void> {
  const changing = clauses.flatMap(({ side, kind }, index) => (side === 'matched' && kind === 'update' ? [index] : []))
  if (changing.length === 0) return
  // Where no value from before is at hand, one partner's is as good to know the row by: they have the keys in common.
  const shown = merged.shown().map(({ sql }, index) => `, any_value(${sql})::VARCHAR AS c${index}`)
  const [row] = await connection.all(
    `SELECT count(*) AS partners, f, r${shown.join('')} FROM ${mergeTable} WHERE f IS NOT NULL GROUP BY f, r
     HAVING count(*) > 1 AND bool_or(k IN (${changing.join(', ')})) LIMIT 1`,
  )
  if (row === undefined) return
  const values = merged
    .shown()
    .map(({ name }, index) => `${name}: ${row[`c${index}`] ?? 'NULL'}`)
    .join(', ')
  const path = files.files[Number(row.f)]?.path ?? ''
  throw new ValueError('MERGE_AMBIGUOUS', `${Number(row.partners)} rows of the source would change one row of the table: ${values}.`, {
    remedy: 'Leave one row for each key in the source, or say in the conditions which one counts.',
    data: { partners: Number(row.partners), row: values, file: path, place: Number(row.r) },
  })
}

function withColumnsOf(ground: VerbGround, schema: StructType) {
  const { target, metadata, actions } = withNewColumns(ground.state, ground.target.schema, schema)
  if (actions.length === 0) return { ground, actions }
  const version = { ...ground.target, schema: target, properties: { ...ground.target.properties, ...metadata.configuration } }
  return { ground: { ...ground, target: version, metadata }, actions }
}

function fieldNamed({ fields }: StructType, name: string): StructField | undefined {
  return fields.find((field) => field.name.toLowerCase() === name.toLowerCase())
}

function unusedName({ fields }: StructType): string {
  let name = 'varve_present'
  while (fields.some((field) => field.name.toLowerCase() === name)) name += '_'
  return name
}

/** The clauses as Spark's history shows them. */
function parametersOf({ on }: MergeOptions, clauses: readonly Clause[]): Record<string, string> {
  const of = (side: MergeSide) =>
    JSON.stringify(
      clauses
        .filter((clause) => clause.side === side)
        .map(({ kind, condition }) => ({ ...(condition === undefined ? {} : { predicate: condition }), actionType: kind })),
    )
  return {
    predicate: JSON.stringify([on]),
    matchedPredicates: of('matched'),
    notMatchedPredicates: of('not matched'),
    notMatchedBySourcePredicates: of('not matched by source'),
  }
}
