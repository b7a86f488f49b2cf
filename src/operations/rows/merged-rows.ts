/** The rows that a MERGE found (`merge-statement.ts`), as its temporary table holds them: what becomes of each, and how it is written. */
import type { DataFile, RelationSource } from '../../data/index.ts'
import type { Connection } from '../../engine/index.ts'
import type { RowStatement } from '../../query/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructField } from '../../schema/types.ts'
import { assignedValue } from './assignments.ts'
import type { Clause } from './merge-clauses.ts'
import type { VerbGround } from './verb.ts'
import {
  changeTypeColumn,
  changeTypeField,
  fillsColumns,
  relationOf,
  trackedColumns,
  type WriteRowsOptions,
  type Written,
  writeChanges,
  writeChangesOf,
  writeRows,
} from './write-rows.ts'

/** The temporary table: the columns of the statement, and `a0`..., the table's columns as they become. */
export const mergeTable = 'varve_merged'

/** How many rows of the table something happens to. */
export interface MergeCounts {
  readonly updated: number
  readonly deleted: number
  readonly inserted: number
  /** How often rows of the table were found, for whatever clause. */
  readonly found: number
}

/** What writing needs: roughly how many bytes it will be, too. */
interface MergeWriting extends WriteRowsOptions {
  readonly bytes: number
}

/** The rows of one merge. */
export class MergedRows {
  /** The fields of `_metadata` that rows keep. */
  readonly ids: readonly string[]
  readonly #ground: VerbGround
  readonly #clauses: readonly Clause[]
  readonly #fields: readonly StructField[]
  /** The files written, where only they say what their rows have become. */
  readonly #filesOf: Record<'insert' | 'update', DataFile[]> = { insert: [], update: [] }

  constructor(ground: VerbGround, clauses: readonly Clause[]) {
    this.#ground = ground
    this.#clauses = clauses
    this.#fields = ground.target.schema.fields
    this.ids = ground.rowTracking === undefined ? [] : ['row_id']
  }

  /** The columns of the table whose values before are needed, by their numbers: all for the change feed, else those that some update leaves. */
  columns(): ReadonlyMap<number, string> {
    const left = (field: StructField) =>
      this.#clauses.some(
        ({ kind, assignments }) => kind === 'update' && !assignments.some((one) => one.field === field && one.below.length === 0),
      )
    const needed = [...this.#fields.entries()].filter(([, field]) => this.#ground.changeFeed || left(field))
    return new Map(needed.map(([index, { name }]) => [index, name]))
  }

  /** The SELECT list that makes the table from the statement's columns. */
  kept(): string {
    const before = [...this.columns().keys()].map((index) => `o${index}`)
    return [
      'f',
      'r',
      'k',
      ...this.ids.map((_, index) => `id${index}`),
      ...before,
      ...this.#fields.map((field, index) => `${this.#after(field, index)} AS a${index}`),
    ].join(', ')
  }

  /** The columns by which a row is shown. */
  shown(): readonly { readonly name: string; readonly sql: string }[] {
    const before = this.columns()
    return this.#fields.map(({ name }, index) => ({ name, sql: `${before.has(index) ? 'o' : 'a'}${index}` }))
  }

  async counts(connection: Connection): Promise<MergeCounts> {
    const rows = (kind: Clause['kind']) => `count(*) FILTER (${this.#of(kind)})`
    const deletes = this.#clauses.some(({ kind }) => kind === 'delete')
    // Two rows of the source may delete one of the table.
    const deleted = deletes ? `count(DISTINCT {f: f, r: r}) FILTER (${this.#of('delete')})` : '0'
    const [row] = await connection.all(
      `SELECT ${rows('update')} AS updated, ${deleted} AS deleted, ${rows('insert')} AS inserted, count(f) AS found FROM ${mergeTable}`,
    )
    return { updated: Number(row?.updated), deleted: Number(row?.deleted), inserted: Number(row?.inserted), found: Number(row?.found) }
  }

  /** Writes the rows that change and those that are new. A column that a clause leaves to the table's own rules is left out. */
  async write(
    statement: RowStatement,
    { updated, inserted }: MergeCounts,
    written: Written,
    { bytes, ...options }: MergeWriting,
  ): Promise<void> {
    if (updated + inserted === 0) return
    if (!fillsColumns(this.#ground)) {
      const where = `${this.#of('update')} OR ${this.#of('insert')}`
      await writeRows(this.#ground, this.#rows(statement, where, this.#fields, bytes), 'changed', written, options)
      return
    }
    for (const [index, clause] of this.#clauses.entries()) {
      if (clause.kind === 'delete') continue
      const assigned = new Set(clause.assignments.map(({ field }) => field))
      const fields = this.#fields.filter(
        (field) => assigned.has(field) || !(clause.kind === 'insert' || 'delta.generationExpression' in field.metadata),
      )
      const [row] = await statement.connection.all(`SELECT count(*) AS rows FROM ${mergeTable} WHERE k = ${index}`)
      if (Number(row?.rows) === 0) continue
      const origin = clause.kind === 'insert' ? 'new' : 'changed'
      const files = await writeRows(this.#ground, this.#rows(statement, `k = ${index}`, fields, bytes), origin, written, options)
      this.#filesOf[clause.kind].push(...files)
    }
  }

  /** Writes what happened to each row. */
  async writeChanges(statement: RowStatement, written: Written, { bytes, ...options }: MergeWriting): Promise<void> {
    const select = (side: 'o' | 'a', type: string, kind: Clause['kind'], distinct = '') => {
      const columns = this.#fields.map(({ name }, index) => `${side}${index} AS ${quoteIdentifier(name)}`)
      return `SELECT ${distinct}${[...columns, `'${type}' AS ${changeTypeColumn}`].join(', ')} FROM ${mergeTable} WHERE ${this.#of(kind)}`
    }
    const filled = fillsColumns(this.#ground)
    const parts = [
      select('o', 'update_preimage', 'update'),
      select('o', 'delete', 'delete', 'DISTINCT ON (f, r) '),
      ...(filled ? [] : [select('a', 'update_postimage', 'update'), select('a', 'insert', 'insert')]),
    ]
    const sql = `(${parts.map((part) => `(${part})`).join(' UNION ALL ')})`
    await writeChanges(this.#ground, relationOf(statement, sql, this.#fields, [changeTypeField], 2 * bytes), written, options)
    await writeChangesOf(this.#ground, this.#filesOf.update, 'update_postimage', written, options.signal)
    await writeChangesOf(this.#ground, this.#filesOf.insert, 'insert', written, options.signal)
  }

  #rows(statement: RowStatement, where: string, fields: readonly StructField[], bytes: number): RelationSource {
    const tracked = trackedColumns(this.#ground)
    const [id, version] = tracked
    const ids = id && version ? [`id0 AS ${quoteIdentifier(id.name)}`, `NULL::BIGINT AS ${quoteIdentifier(version.name)}`] : []
    const columns = fields.map((field) => `a${this.#fields.indexOf(field)} AS ${quoteIdentifier(field.name)}`)
    const sql = `(SELECT ${[...columns, ...ids].join(', ')} FROM ${mergeTable} WHERE ${where})`
    return relationOf(statement, sql, fields, tracked, bytes)
  }

  /** A column as it becomes, by the clause of the row. */
  #after(field: StructField, index: number): string {
    const cases = this.#clauses.flatMap(({ kind, assignments }, clause) => {
      if (kind === 'delete') return []
      const old = kind === 'insert' ? `CAST(NULL AS ${toSqlType(field.type)})` : `o${index}`
      const value = assignedValue(field, old, assignments, (one) => `n${clause}_${assignments.indexOf(one)}`)
      return value === `o${index}` ? [] : [`WHEN ${clause} THEN ${value}`]
    })
    const otherwise = this.columns().has(index) ? `o${index}` : `CAST(NULL AS ${toSqlType(field.type)})`
    return cases.length === 0 ? otherwise : `CASE k ${cases.join(' ')} ELSE ${otherwise} END`
  }

  /** The condition for rows whose clause does something of a kind. */
  #of(kind: Clause['kind']): string {
    const numbers = this.#clauses.flatMap((clause, index) => (clause.kind === kind ? [index] : []))
    return numbers.length === 0 ? 'false' : `k IN (${numbers.join(', ')})`
  }
}
