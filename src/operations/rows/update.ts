/**
 * UPDATE: rows for which a predicate is true get new values.
 *
 *   predicate and expressions ─ one pass over the files that may hold such rows: the rows' places, their columns before and after, kept
 *   in a temporary table ─ the places become vectors (`taken-rows.ts`), the new rows new files, both the change feed ─ one commit
 *
 * Everything is computed once, so that an expression such as random() means one thing in the rows and in the feed.
 */
import type { RelationSource } from '../../data/index.ts'
import type { Parameters } from '../../engine/index.ts'
import { UsageError } from '../../errors/index.ts'
import type { DeltaLog } from '../../log/index.ts'
import { RowStatement, storedFiles } from '../../query/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { StructField } from '../../schema/types.ts'
import type { Staging } from '../../storage/object-store.ts'
import type { CommitResult, WritingOptions } from '../written.ts'
import { type Assignment, assignedValue, assignmentsOf, refuseCounted, type SetClause, withColumnNamed } from './assignments.ts'
import { commitVerb, type PreparedVerb, takeBack } from './commit-verb.ts'
import { decideFiles, gather, staying, sum, takenMetrics } from './taken-rows.ts'
import { beginVerb, unchanged, type VerbGround } from './verb.ts'
import {
  changeTypeColumn,
  changeTypeField,
  fillsColumns,
  relationOf,
  trackedColumns,
  type Written,
  writeChanges,
  writeChangesOf,
  writeRows,
  writeStaying,
} from './write-rows.ts'

/** Options of an update. */
export interface UpdateOptions extends WritingOptions {
  /** The columns that change, or fields of them (`address.zip`), each with an expression in DuckDB's SQL over the row as it was. */
  readonly set: SetClause
  /** Which rows, as an expression in DuckDB's SQL. Default: all. A row for which it gives NULL stays as it is. */
  readonly where?: string | undefined
  /** Values for the parameters of `set` and `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
}

const operation = 'UPDATE'
const rowsTable = 'varve_updated'

/**
 * Updates rows. Where none fulfils the predicate and there is no transaction id to record, no version is made.
 * @throws QueryError SQL_ERROR, SQL_REFUSED for an expression; SchemaError UNKNOWN_COLUMN; ValueError for a value that does not fit its
 * column; ConflictError; UsageError APPEND_ONLY, INVALID_ARGUMENT; what `append` throws besides
 */
export async function updateRows(log: DeltaLog, options: UpdateOptions): Promise<CommitResult> {
  if (typeof options?.set !== 'object' || options.set === null || Object.keys(options.set).length === 0) {
    throw new UsageError('INVALID_ARGUMENT', 'No column is to get another value.', { remedy: "Give set: { column: 'an expression' }." })
  }
  const begun = await beginVerb(log, operation, options)
  if ('result' in begun) return begun.result
  const { ground } = begun
  const assignments = assignmentsOf(options.set, ground.target.schema)
  refuseCounted(assignments)
  const staging = await log.store.stage()
  const written: Written = { files: [], changeFiles: [] }
  try {
    const verb = await prepare(ground, assignments, options, staging, written)
    if (verb.changes!.files.length === 0 && !ground.txn) return unchanged(ground.state, operation, false, verb.metrics)
    return await commitVerb(ground, verb, written, options)
  } catch (error) {
    await takeBack(ground, written)
    throw error
  } finally {
    await staging.dispose()
  }
}

async function prepare(
  ground: VerbGround,
  assignments: readonly Assignment[],
  options: UpdateOptions,
  staging: Staging,
  written: Written,
): Promise<PreparedVerb> {
  const { log, state, target, name, self, vectors, changeFeed } = ground
  const { where, params, signal } = options
  const columns = new UpdatedColumns(ground, assignments)
  const statement = await RowStatement.prepare(
    async ({ expression, select, table, file, row, column }) => {
      const values = await Promise.all(assignments.map(({ field, expression: text }) => expression(text, `The value of ${field.name}`)))
      const condition = where === undefined ? undefined : await expression(where, 'The predicate')
      const named = (nodes: readonly object[], prefix: string) => nodes.map((node, index) => ({ ...node, alias: `${prefix}${index}` }))
      return select(
        [
          { ...file, alias: 'f' },
          { ...row, alias: 'r' },
          ...named(
            columns.ids.map((id) => column('_metadata', id)),
            'id',
          ),
          ...named(
            target.schema.fields.map((field) => column(field.name)),
            'o',
          ),
          ...named(values, 'n'),
        ],
        table,
        condition,
      )
    },
    { target, alias: name, others: [self], params, folders: [staging.folder], signal },
  )
  try {
    let places: Awaited<ReturnType<typeof gather>> = new Map()
    if (statement.files.files.length > 0) {
      await statement.keep(rowsTable, columns.kept())
      places = await gather(statement.connection, `SELECT f::DOUBLE, r::DOUBLE FROM ${rowsTable}`, undefined, signal)
    }
    const count = sum([...places.values()].map(({ size }) => size))
    const stored = await storedFiles(statement.files, (place) => places.has(place))
    const list = await log.files(state)
    const live = await list.liveFiles(
      [...places.keys()].map((place) => stored[place]!.path),
      signal,
    )
    const taken = decideFiles(stored, places, new Map(live.map((file) => [file.path, file])), { vectors, rewriteDead: true })
    if (count > 0) {
      const write = { staging, signal }
      const bytes = sum(
        taken.map(({ file, taken: rows }) =>
          rows === 'all' ? file.add.size : (file.add.size * rows.size) / (file.numRecords ?? rows.size),
        ),
      )
      const files = await writeRows(ground, columns.after(statement, bytes), 'changed', written, write)
      const filled = fillsColumns(ground)
      if (changeFeed) await writeChanges(ground, columns.changes(statement, 2 * bytes, !filled), written, write)
      if (changeFeed && filled) await writeChangesOf(ground, files, 'update_postimage', written, signal)
      await writeStaying(ground, taken.filter(({ rows }) => rows === 'replaced').map(staying), written, signal)
    }
    return {
      operation,
      parameters: { predicate: JSON.stringify(where === undefined ? [] : [where]) },
      metrics: { numUpdatedRows: count, ...takenMetrics(taken, written, count) },
      changes: { files: taken, mayBeGone: false, dataChange: true },
      reads: statement.reads,
      isBlindAppend: false,
    }
  } catch (error) {
    throw withColumnNamed(error, (number = -1) => assignments[number])
  } finally {
    await statement.connection.run(`DROP TABLE IF EXISTS ${rowsTable}`).catch(() => undefined)
    await statement.release()
  }
}

/** The columns of the temporary table: `o0`... as the rows were, `n0`... the values assigned, `a0`... as they become. */
class UpdatedColumns {
  /** The row ids that are kept. */
  readonly ids: readonly string[]
  readonly #ground: VerbGround
  readonly #assignments: readonly Assignment[]
  readonly #fields: readonly StructField[]

  constructor(ground: VerbGround, assignments: readonly Assignment[]) {
    this.#ground = ground
    this.#assignments = assignments
    this.#fields = ground.target.schema.fields
    this.ids = ground.rowTracking === undefined ? [] : ['row_id']
  }

  /** The SELECT list that makes the table from the statement's columns. */
  kept(): string {
    const after = this.#fields.map((field, index) => {
      const value = assignedValue(field, `o${index}`, this.#assignments, (one) => `n${this.#assignments.indexOf(one)}`)
      return value === `o${index}` ? undefined : `${value} AS a${index}`
    })
    const before = this.#fields.flatMap((_, index) => (after[index] === undefined || this.#ground.changeFeed ? [`o${index}`] : []))
    return ['f', 'r', ...this.ids.map((_, index) => `id${index}`), ...before, ...after.filter((value) => value !== undefined)].join(', ')
  }

  /** The rows as they become. */
  after(statement: RowStatement, bytes: number): RelationSource {
    const [id, version] = trackedColumns(this.#ground)
    const ids = id && version ? [`id0 AS ${quoteIdentifier(id.name)}`, `NULL::BIGINT AS ${quoteIdentifier(version.name)}`] : []
    const sql = `(SELECT ${[...this.#select('after'), ...ids].join(', ')} FROM ${rowsTable})`
    return relationOf(statement, sql, this.#written('after'), trackedColumns(this.#ground), bytes)
  }

  /** The rows as they were, and where that is known here as they become, for the change feed. */
  changes(statement: RowStatement, bytes: number, withAfter: boolean): RelationSource {
    const rows = (side: 'before' | 'after', type: string) =>
      `SELECT ${[...this.#select(side), `'${type}' AS ${changeTypeColumn}`].join(', ')} FROM ${rowsTable}`
    const after = withAfter ? ` UNION ALL BY NAME ${rows('after', 'update_postimage')}` : ''
    const sql = `(${rows('before', 'update_preimage')}${after})`
    return relationOf(statement, sql, this.#fields, [changeTypeField], bytes)
  }

  #select(side: 'before' | 'after'): string[] {
    const assigned = new Set(this.#assignments.map(({ field }) => field))
    return this.#fields.flatMap((field, index) => {
      if (side === 'after' && !this.#written(side).includes(field)) return []
      return [`${side === 'after' && assigned.has(field) ? 'a' : 'o'}${index} AS ${quoteIdentifier(field.name)}`]
    })
  }

  /** A generated column that gets no value of its own is generated anew. */
  #written(side: 'before' | 'after'): readonly StructField[] {
    if (side === 'before') return this.#fields
    const assigned = new Set(this.#assignments.map(({ field }) => field))
    return this.#fields.filter((field) => assigned.has(field) || !('delta.generationExpression' in field.metadata))
  }
}
