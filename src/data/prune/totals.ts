/**
 * Numbers of rows, counts, minima and maxima of a version from the log alone, where that is exact: nothing is given where a file's entry
 * leaves doubt.
 *
 * Rows are the physical ones less the deleted (§Deletion Vectors). Bounds are those of the rows that are there only where they are tight
 * (§Per-file Statistics) and no row of the file is deleted; they are values only of types that every writer spells whole: whole numbers,
 * dates, booleans, and decimals of few enough digits for the numbers of JSON. Text may be cut, times are cut to milliseconds, and NaN is
 * in no bound. Partition values are exact whatever their type.
 */
import type { Connection } from '../../engine/index.ts'
import { type ListPart, selectColumns } from '../../log/files/file-rows.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import { decimalParts, toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField } from '../../schema/types.ts'
import { mayBeTrue } from './answers.ts'
import { keptFiles } from './chosen.ts'
import { decide } from './decide.ts'
import { type FileSource, inUse } from './file-source.ts'
import { columnsOf, type Predicate } from './predicate.ts'
import { decidePart } from './prune.ts'
import type { ZoneTable } from './prune-zones.ts'
import { addRows, type FilesAtHand } from './row-totals.ts'
import { jsonPointer } from './zone-sql.ts'

/** What is asked of the rows of one group: their number, how many are not NULL in a column, or its least or greatest value. */
export interface Total {
  readonly of: 'rows' | 'count' | 'min' | 'max'
  /** A column of the table; none for `rows`. */
  readonly column?: StructField
}

/** What is asked of the log. */
export interface TotalsQuery {
  /** Partition columns: the rows of each combination of their values are a group. */
  readonly groups: readonly StructField[]
  readonly totals: readonly Total[]
  /** The rows that count. Default: all. */
  readonly predicate?: Predicate | undefined
}

/** A group that has rows: the texts of its partition values, and of its totals, as the log and DuckDB write them. */
export type TotalsRow = readonly (string | null)[]

/** With more groups than this nothing is gained. */
const mostGroups = 10_000

/** Whether the log can know the least and the greatest value of a column. */
export function hasExactBounds(type: DataType): boolean {
  return typeof type === 'string' && (/^(long|integer|short|byte|date|boolean)$/.test(type) || decimalParts(type) !== undefined)
}

/**
 * The totals of each group; `undefined` where the log does not tell them all exactly, where it does not decide the predicate for each file
 * as a whole, or where there are too many groups.
 */
export function totalsOf(files: FileSource, table: ZoneTable, query: TotalsQuery, signal?: AbortSignal): Promise<TotalsRow[] | undefined> {
  if (query.predicate !== undefined) return readTotals(files, table, query, signal)
  const known = answers.get(files) ?? new Map<string, Promise<TotalsRow[] | undefined>>()
  answers.set(files, known)
  const key = JSON.stringify([query.groups.map(({ name }) => name), query.totals.map(({ of, column }) => [of, column?.name])])
  // What others wait for too is not given up when one of them is aborted.
  const answer = known.get(key) ?? readTotals(files, table, query, undefined)
  known.set(key, answer)
  answer.catch(() => known.delete(key))
  return answer
}

/** What was asked of whole lists. */
const answers = new WeakMap<FileSource, Map<string, Promise<TotalsRow[] | undefined>>>()

function readTotals(
  files: FileSource,
  table: ZoneTable,
  query: TotalsQuery,
  signal: AbortSignal | undefined,
): Promise<TotalsRow[] | undefined> {
  return inUse(files, async ({ connection, parts }) => {
    const chosen: Chosen[] = []
    for (const part of parts) {
      const places = await placesOf(part, table, query.predicate)
      if (places === 'unsure') return undefined
      if (places === 'all' || places.length > 0) chosen.push({ part, places })
    }
    if (chosen.length === 0) return []
    const onlyRows = query.totals.every(({ of }) => of === 'rows')
    return (
      (onlyRows ? await countRows(connection, chosen, table, query) : undefined) ?? queryTotals(connection, chosen, table, query, signal)
    )
  })
}

async function countRows(
  connection: Connection,
  chosen: readonly Chosen[],
  table: ZoneTable,
  { groups, totals }: TotalsQuery,
): Promise<TotalsRow[] | undefined> {
  const atHand: FilesAtHand[] = []
  for (const { part, places } of chosen) {
    const kept = await keptFiles(connection, part.rows)
    if (kept === undefined) return undefined
    atHand.push({ part, kept, places })
  }
  const names = groups.map((field) => nameOf(field, table))
  const found = await addRows(atHand, names)
  if (found === undefined || found.length > mostGroups) return undefined
  return found.map(({ texts, rows }) => [...texts, ...totals.map(() => String(rows))])
}

async function queryTotals(
  connection: Connection,
  chosen: readonly Chosen[],
  table: ZoneTable,
  { groups, totals }: TotalsQuery,
  signal: AbortSignal | undefined,
): Promise<TotalsRow[] | undefined> {
  const texts = new Statistics(table)
  const columns = totals.map((total) => totalSql(total, table, texts))
  const keys = groups.map((field) => partitionText(field, table))
  const selected = [
    ...keys.map((key, index) => `${key} AS k${index}`),
    ...columns.map(({ value }, index) => `CAST(${value} AS VARCHAR) AS v${index}`),
    'coalesce(sum(rows), 0) > 0 AS some',
    `bool_and(coalesce(rows IS NOT NULL AND (rows = 0 OR (${['true', ...columns.map(({ known }) => known)].join(' AND ')})), false)) AS exact`,
  ]
  const lists = chosen.flatMap(({ places }) => (places === 'all' ? [] : [places]))
  const rows = await connection.all(
    `SELECT ${selected.join(', ')} FROM (
       SELECT partition_values, num_records, coalesce(deletion_vector.cardinality, 0) AS deleted,
         num_records - coalesce(deletion_vector.cardinality, 0) AS rows, ${texts.sql()} AS s
       FROM (${filesSql(chosen)}))
     ${keys.length === 0 ? '' : `GROUP BY ${keys.map((_, index) => `k${index}`).join(', ')}`} LIMIT ${mostGroups + 1}`,
    lists.length === 0 ? undefined : lists,
    { signal },
  )
  if (rows.length > mostGroups || rows.some(({ exact }) => exact === false)) return undefined
  const names = [...keys.map((_, index) => `k${index}`), ...columns.map((_, index) => `v${index}`)]
  return rows.filter(({ some }) => some === true).map((row) => names.map((name) => (typeof row[name] === 'string' ? row[name] : null)))
}

/** Files of a part of which every row counts. */
interface Chosen {
  readonly part: ListPart
  readonly places: readonly number[] | 'all'
}

/** The places of the files of which every row counts, where no other file has a row that does. */
async function placesOf(part: ListPart, table: ZoneTable, predicate: Predicate | undefined): Promise<number[] | 'all' | 'unsure'> {
  if (predicate === undefined) return 'all'
  if (columnsOf(predicate).length === 0) {
    const answer = decide(predicate, new Map(), 1)[0]!
    return answer === mayBeTrue ? 'all' : (answer & mayBeTrue) === 0 ? [] : 'unsure'
  }
  const decided = await decidePart(part, table, predicate)
  if (decided === undefined) return 'unsure'
  const { places, answers, live } = decided
  const chosen: number[] = []
  for (const [index, answer] of answers.entries()) {
    if (live?.[index] === 0) continue
    if (answer === mayBeTrue) chosen.push(places[index]!)
    else if ((answer & mayBeTrue) !== 0) return 'unsure'
  }
  return chosen
}

/** The files as SQL; each list of places is a parameter. */
function filesSql(chosen: readonly Chosen[]): string {
  let lists = 0
  const selects = chosen.map(({ part: { rows, where }, places }) => {
    const all = `SELECT ${selectColumns(rows, ['place', 'partition_values', 'num_records', 'deletion_vector', 'stats'])} FROM ${rows.from}`
    if (places !== 'all') return `SELECT * FROM (${all}) WHERE place IN (SELECT unnest($${++lists}::BIGINT[]))`
    if (where === undefined) return all
    return where.kind === 'rows' ? `${all} AND ${where.sql}` : `SELECT * FROM (${all}) ANTI JOIN (${where.sql}) AS gone USING (place)`
  })
  return selects.join(' UNION ALL ')
}

/** Texts out of the statistics, all taken at once. */
class Statistics {
  readonly #table: ZoneTable
  readonly #pointers: string[] = []

  constructor(table: ZoneTable) {
    this.#table = table
  }

  of(...path: readonly (string | StructField)[]): string {
    const names = path.map((part) => (typeof part === 'string' ? part : nameOf(part, this.#table)))
    return `s[${this.#pointers.push(jsonPointer(names))}]`
  }

  sql(): string {
    return this.#pointers.length === 0 ? 'NULL' : `TRY(json_extract_string(stats, [${this.#pointers.map(quoteLiteral).join(', ')}]))`
  }
}

function nameOf(field: StructField, table: ZoneTable): string {
  return table.physicalName?.(field) ?? field.name
}

function partitionText(field: StructField, table: ZoneTable): string {
  return `nullif(map_extract_value(partition_values, ${quoteLiteral(nameOf(field, table))}), '')`
}

/** A total of the files with rows, and whether a file tells it. */
function totalSql({ of, column }: Total, table: ZoneTable, statistics: Statistics): { value: string; known: string } {
  if (column === undefined || of === 'rows') return { value: 'coalesce(sum(rows), 0)', known: 'true' }
  if (table.partitionColumns.includes(column.name)) {
    const text = partitionText(column, table)
    if (of === 'count') return { value: `coalesce(sum(rows) FILTER (WHERE ${text} IS NOT NULL), 0)`, known: 'true' }
    // The text goes on, which the value is read from again.
    const best = of === 'min' ? 'arg_min' : 'arg_max'
    const value = partitionValueFromText(text, column.type)
    return { value: `${best}(${text}, ${value}) FILTER (WHERE rows > 0 AND ${text} IS NOT NULL)`, known: 'true' }
  }
  const nulls = `TRY_CAST(${statistics.of('nullCount', column)} AS BIGINT)`
  const tight = `(deleted = 0 AND coalesce(${statistics.of('tightBounds')}, 'true') <> 'false')`
  if (of === 'count') {
    const count = `CASE WHEN ${nulls} = 0 THEN rows WHEN ${nulls} = num_records THEN 0 WHEN ${tight} THEN num_records - ${nulls} END`
    return { value: `coalesce(sum(${count}), 0)`, known: `(${count}) IS NOT NULL` }
  }
  const bound = exactBound(statistics.of(of === 'min' ? 'minValues' : 'maxValues', column), column.type)
  return { value: `${of}(${bound}) FILTER (WHERE rows > 0)`, known: `(${nulls} = num_records OR (${tight} AND (${bound}) IS NOT NULL))` }
}

/** The value that a statistic's text is, NULL where it may be another. */
function exactBound(text: string, type: DataType): string {
  const value = `TRY_CAST(${text} AS ${toSqlType(type)})`
  const decimal = decimalParts(type)
  const spelled =
    type === 'date'
      ? '\\d{4}-\\d{2}-\\d{2}'
      : type === 'boolean'
        ? 'true|false'
        : decimal === undefined || decimal.scale === 0
          ? '-?\\d+'
          : `-?\\d+([.]\\d{1,${decimal.scale}})?`
  // A double has 15 digits that are surely those of the text that it was read from.
  const digits = decimal === undefined ? '' : ` AND length(regexp_replace(${text}, '[^0-9]', '', 'g')) <= 15`
  return `CASE WHEN regexp_full_match(${text}, '${spelled}')${digits} THEN ${value} END`
}
