/**
 * The comparison of two multisets of rows as SQL. A row of the earlier version counts -1 and one of the later 1; rows that are the same are
 * summed up, and what is left over is the difference. Whatever was only moved (a compaction, the rows of a rewritten file that stayed)
 * comes to nothing. Grouping and sorting spill to disk where they must.
 */
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import type { StructField } from '../../schema/types.ts'
import { changeType } from '../changes/columns.ts'
import { comparable, comparesPlainly } from './comparable.ts'

/** What a comparison is written from. */
export interface DiffColumns {
  readonly columns: readonly StructField[]
  readonly key: readonly StructField[]
  /** The name of a column beside them, which is no column of the table: how often a row is there, below zero where it is gone. */
  readonly count: string
}

/**
 * The rows left over, each once, with its count. `sides`: a relation of rows of one of the versions or both, each with its count.
 * Where all are of one version, nothing can come to nothing, and the rows are taken as they are.
 */
export function leftOver({ columns, count }: DiffColumns, sides: string, bothSides: boolean): string {
  const n = quoteIdentifier(count)
  const names = columns.map(({ name }) => quoteIdentifier(name))
  if (!bothSides) return `SELECT ${[...names, n].join(', ')} FROM (${sides})`
  const shown = columns.map((field) => {
    const name = quoteIdentifier(field.name)
    return comparesPlainly(field.type) ? name : `first(${name}) AS ${name}`
  })
  const groups = columns.map(({ name, type }) => comparable(quoteIdentifier(name), type))
  return `SELECT ${[...shown, `sum(${n})::BIGINT AS ${n}`].join(', ')} FROM (${sides}) GROUP BY ${groups.join(', ')} HAVING sum(${n}) <> 0`
}

/** The rows as they are shown where no key tells them apart: each as often as it is there, deleted or inserted. */
export function rowsWithoutKey({ columns, count }: DiffColumns, left: string): string {
  const [n, times] = [quoteIdentifier(count), quoteIdentifier(`${count}_times`)]
  const names = columns.map(({ name }) => quoteIdentifier(name))
  const type = `CASE WHEN ${n} < 0 THEN 'delete' ELSE 'insert' END AS ${quoteIdentifier(changeType)}`
  return `SELECT ${[...names, type].join(', ')} FROM (SELECT *, unnest(range(abs(${n}))) AS ${times} FROM (${left}))`
}

/** The rows as they are shown by their key, in its order: a key that is there on both sides was updated. No key comes twice on a side. */
export function rowsByKey({ columns, key, count }: DiffColumns, left: string): string {
  const [n, both] = [quoteIdentifier(count), quoteIdentifier(`${count}_both`)]
  const names = columns.map(({ name }) => quoteIdentifier(name))
  const keys = keysOf(key)
  const kind = `CASE WHEN ${both} THEN CASE WHEN ${n} < 0 THEN 'update_preimage' ELSE 'update_postimage' END WHEN ${n} < 0 THEN 'delete' ELSE 'insert' END`
  const paired = `SELECT *, count(*) OVER (PARTITION BY ${keys.join(', ')}) > 1 AS ${both} FROM (${left})`
  return `SELECT ${[...names, `${kind} AS ${quoteIdentifier(changeType)}`].join(', ')} FROM (${paired}) ORDER BY ${[...keys, n].join(', ')}`
}

/** One key that two rows of one side share, as JSON text in `key`; no row where there is none. */
export function sharedKey({ key, count }: DiffColumns, left: string): string {
  const n = quoteIdentifier(count)
  const shown = key.map(({ name }) => `${quoteLiteral(name)}: first(${quoteIdentifier(name)})`)
  return `SELECT to_json({${shown.join(', ')}})::VARCHAR AS "key", coalesce(sum(${n}) FILTER (${n} > 0), 0) > 1 AS "later"
    FROM (${left}) GROUP BY ${keysOf(key).join(', ')} HAVING sum(${n}) FILTER (${n} > 0) > 1 OR sum(${n}) FILTER (${n} < 0) < -1 LIMIT 1`
}

/** How many rows came and went. */
export function countsWithoutKey({ count }: DiffColumns, left: string): string {
  const n = quoteIdentifier(count)
  return summary(
    [
      ['insert', undefined, `coalesce(sum(${n}) FILTER (${n} > 0), 0)`],
      ['delete', undefined, `coalesce(-sum(${n}) FILTER (${n} < 0), 0)`],
    ],
    `(${left})`,
  )
}

/** The same of numbers that are known. */
export function knownCounts(inserted: number, deleted: number): string {
  return summary(
    [
      ['insert', undefined, String(inserted)],
      ['delete', undefined, String(deleted)],
    ],
    undefined,
  )
}

/** How many rows came, went and were updated, and how many values of each column the updates changed. */
export function countsByKey({ columns, key, count }: DiffColumns, left: string): string {
  const n = quoteIdentifier(count)
  const [before, after] = [quoteIdentifier(`${count}_before`), quoteIdentifier(`${count}_after`)]
  const value = (side: string, { name, type }: StructField) => comparable(`${side}.${quoteIdentifier(name)}`, type)
  const on = key.map((field) => `${value(before, field)} IS NOT DISTINCT FROM ${value(after, field)}`)
  const sides = `(SELECT * FROM (${left}) WHERE ${n} < 0) AS ${before} FULL JOIN (SELECT * FROM (${left}) WHERE ${n} > 0) AS ${after} ON ${on.join(' AND ')}`
  const both = `${before}.${n} IS NOT NULL AND ${after}.${n} IS NOT NULL`
  const changed = columns
    .filter((field) => !key.includes(field))
    .map(
      (field) =>
        ['update', field.name, `count(*) FILTER (${both} AND ${value(before, field)} IS DISTINCT FROM ${value(after, field)})`] as const,
    )
  return summary(
    [
      ['insert', undefined, `count(*) FILTER (${before}.${n} IS NULL)`],
      ['delete', undefined, `count(*) FILTER (${after}.${n} IS NULL)`],
      ['update', undefined, `count(*) FILTER (${both})`],
      ...changed,
    ],
    sides,
  )
}

/** Counts as rows: `_change_type`, `column_name` and `rows`. Columns of which no value changed are left out. */
function summary(counts: readonly (readonly [kind: string, column: string | undefined, sql: string])[], from: string | undefined): string {
  const list = (values: readonly string[]) => `unnest([${values.join(', ')}])`
  const kinds = list(counts.map(([kind]) => quoteLiteral(kind)))
  const columns = list(counts.map(([, column]) => (column === undefined ? 'NULL::VARCHAR' : quoteLiteral(column))))
  const source = from === undefined ? '' : ` FROM ${from}`
  const numbers = counts.map(([, , sql], index) => `(${sql})::BIGINT AS c${index}`)
  const rows = list(counts.map((_, index) => `c${index}`))
  const all = `SELECT ${kinds} AS ${quoteIdentifier(changeType)}, ${columns} AS column_name, ${rows} AS "rows" FROM (SELECT ${numbers.join(', ')}${source})`
  return `SELECT * FROM (${all}) WHERE column_name IS NULL OR "rows" > 0`
}

function keysOf(key: readonly StructField[]): string[] {
  return key.map(({ name, type }) => comparable(quoteIdentifier(name), type))
}
