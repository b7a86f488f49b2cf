/**
 * Answers from the log alone: queries that come to totals of groups of rows (`aggregates.ts`), where the log tells the totals exactly
 * (`data/prune/totals.ts`) and decides their condition for each file as a whole. No data file is opened.
 */

import type { ZoneTable } from '../../data/prune/prune.ts'
import { hasExactBounds, type Total, type TotalsRow, totalsOf } from '../../data/prune/totals.ts'
import type { Value } from '../../engine/index.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructField } from '../../schema/types.ts'
import { filtersOf, type QueryPlan } from '../plan.ts'
import { asciiLower, selectOf, textOf } from '../sql/ast.ts'
import { withParser, writeQuery } from '../sql/parse.ts'
import { walkStatement } from '../sql/walk.ts'
import type { QueryTarget } from '../target.ts'
import { type Aggregate, type AggregateQuery, nameColumns } from './aggregates.ts'
import { predicateWith } from './table-predicate.ts'

/** A query that needs no table any more. */
export interface LogAnswer {
  readonly sql: string
  readonly values: Readonly<Record<string, Value>>
}

/** The query over what the log knows; `undefined` where it does not know enough. */
export async function answerFromLog(
  plan: QueryPlan,
  target: QueryTarget,
  values: Readonly<Record<string, Value>>,
  signal: AbortSignal | undefined,
): Promise<LogAnswer | undefined> {
  const { aggregates: query, tables, conditions } = plan
  const [table] = tables
  if (query === undefined || table === undefined) return undefined
  const request = requestOf(query, textOf(table.node.alias), target)
  if (request === undefined) return undefined
  const [where] = conditions.selects
  const filters = filtersOf(plan, table, new Map([[table.node, target.schema]]))
  if (where?.complete !== true || filters.length !== where.filters.length) return undefined
  const naming = columnNaming(target.properties)
  const columns: ZoneTable = {
    schema: target.schema,
    partitionColumns: target.partitionColumns,
    physicalName: (field) => physicalName(field, naming),
  }
  const predicate = await predicateWith(filters, values, plan.literals)
  const rows = await totalsOf(await target.files(), columns, { ...request, predicate }, signal)
  if (rows === undefined) return undefined
  const { sql, parameters } = await written(query)
  const relation = relationOf(request.groups, request.totals, query.aggregates, target.partitionColumns, rows)
  return {
    sql: sql.replaceAll(table.placeholder, () => `(${relation})`),
    values: Object.fromEntries([...parameters].map((name) => [name, values[name] ?? null])),
  }
}

interface Request {
  readonly groups: readonly StructField[]
  readonly totals: readonly Total[]
}

/** What the query asks of the log; `undefined` where the log cannot know it. */
function requestOf(query: AggregateQuery, alias: string, { schema, partitionColumns }: QueryTarget): Request | undefined {
  const find = (name: string) => schema.fields.find((field) => asciiLower(field.name) === asciiLower(name))
  const fieldOf = (names: readonly string[]) => {
    const [first = '', second, ...more] = names
    if (second === undefined) return find(first)
    return more.length === 0 && asciiLower(first) === asciiLower(alias) && find(first) === undefined ? find(second) : undefined
  }
  const groups = new Set<StructField>()
  for (const names of query.plain) {
    const field = fieldOf(names)
    if (field !== undefined && partitionColumns.includes(field.name)) groups.add(field)
    else if (field !== undefined || names.length > 1 || !query.aliases.has(asciiLower(names[0] ?? ''))) return undefined
  }
  const totals: Total[] = []
  for (const { of, names } of query.aggregates) {
    const column = names === undefined ? undefined : fieldOf(names)
    if (names !== undefined && column === undefined) return undefined
    const exact = column === undefined || of === 'count' || partitionColumns.includes(column.name) || hasExactBounds(column.type)
    if (!exact) return undefined
    totals.push(column === undefined ? { of } : { of, column })
  }
  return { groups: [...groups], totals }
}

/** The groups as a relation: their partition values, and their totals under the names that the query has for them. */
function relationOf(
  groups: readonly StructField[],
  totals: readonly Total[],
  aggregates: readonly Aggregate[],
  partitionColumns: readonly string[],
  rows: readonly TotalsRow[],
): string {
  const columns = groups.map(({ name, type }, index) => `${partitionValueFromText(`c${index}`, type)} AS ${quoteIdentifier(name)}`)
  for (const [index, { of, column }] of totals.entries()) {
    const text = `c${groups.length + index}`
    const typed =
      column === undefined || of === 'count'
        ? `CAST(${text} AS BIGINT)`
        : partitionColumns.includes(column.name)
          ? partitionValueFromText(text, column.type)
          : `CAST(${text} AS ${toSqlType(column.type)})`
    columns.push(`${typed} AS ${quoteIdentifier(aggregates[index]!.placeholder)}`)
  }
  const width = columns.length
  const names = Array.from({ length: width + 1 }, (_, index) => `c${index}`).join(', ')
  // A group may have no column at all, and no row is a group of no kind.
  const texts = rows.map((row) => `(${[...row.map((text) => (text === null ? 'NULL::VARCHAR' : quoteLiteral(text))), 'true'].join(', ')})`)
  const none = `(${[...Array.from({ length: width }, () => 'NULL::VARCHAR'), 'false'].join(', ')})`
  return `SELECT ${width === 0 ? `c0` : columns.join(', ')} FROM (VALUES ${[...texts, none].join(', ')}) AS v(${names}) WHERE c${width}`
}

interface Written {
  readonly sql: string
  readonly parameters: ReadonlySet<string>
}

const texts = new WeakMap<AggregateQuery, Promise<Written>>()

/** The query as text, written once. */
function written(query: AggregateQuery): Promise<Written> {
  let known = texts.get(query)
  if (known === undefined) {
    known = write(query)
    texts.set(query, known)
    known.catch(() => texts.delete(query))
  }
  return known
}

function write(query: AggregateQuery): Promise<Written> {
  return withParser(async (connection) => {
    const names = new Map<number, string>()
    for (const [place, expression] of query.unnamed) {
      // DuckDB names a column after its expression, as it writes it.
      const { sql } = await writeQuery(connection, selectOf([expression]))
      names.set(place, sql.replace(/^SELECT /, ''))
    }
    const { sql, statement } = await writeQuery(connection, nameColumns(query, names))
    const { parameters } = walkStatement(statement, { allowFiles: false, placeholder: () => undefined })
    return { sql, parameters }
  })
}
