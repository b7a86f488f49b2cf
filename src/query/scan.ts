/** Rows of one table without a query: some columns, those that fulfil a condition, so many. */
import type { Parameters } from '../engine/index.ts'
import { SchemaError, UsageError } from '../errors/index.ts'
import type { StructType } from '../schema/types.ts'
import { planStatement, type QueryPlan } from './plan.ts'
import { metadataColumn } from './relation/metadata-column.ts'
import type { QueryResult } from './result.ts'
import { Session } from './session.ts'
import { asciiLower, columnRef, integerConstant, type Node, selectOf } from './sql/ast.ts'
import { parseExpression } from './sql/expression.ts'
import { withParser } from './sql/parse.ts'
import { type QueryTarget, withoutColumns } from './target.ts'

/** What to read. */
export interface ScanOptions {
  /** Names of columns, in the order wanted; `_metadata.row_id` and the like too. Default: all columns of the table. */
  readonly columns?: readonly string[] | undefined
  /** A condition in DuckDB's SQL, as after WHERE. Default: all rows. */
  readonly where?: string | undefined
  /** Values for the parameters of `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
  /** At most so many rows. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const tableName = 't'

/**
 * Reads rows of a version. Files that cannot hold such rows are not opened. Nothing is done before the result is first read, and errors
 * come then: SchemaError UNKNOWN_COLUMN, QueryError SQL_ERROR and SQL_REFUSED, besides those of every query.
 * @throws UsageError INVALID_ARGUMENT for a limit that is no count, or an empty list of columns
 */
export function scan(target: QueryTarget, options: ScanOptions = {}): QueryResult {
  const { columns, limit } = options
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new UsageError('INVALID_ARGUMENT', `${limit} is no number of rows.`, { remedy: 'Give a whole number from 0 on.' })
  }
  if (columns?.length === 0)
    throw new UsageError('INVALID_ARGUMENT', 'No column is named.', { remedy: 'Name columns, or leave them out for all.' })
  const session = new Session([{ name: tableName, asOf: async () => target }], {})
  return session.run((metadata) => {
    if (target.schema.fields.length === 0) throw withoutColumns(target)
    return planScan(target.schema, options, metadata)
  }, options)
}

/** The plan of a scan of one table with these columns; `metadata`: of which `_metadata` may be one. @throws SchemaError UNKNOWN_COLUMN, QueryError SQL_ERROR, SQL_REFUSED */
export async function planScan(
  schema: StructType,
  { columns, where, limit, orderBy }: Pick<ScanOptions, 'columns' | 'where' | 'limit'> & { readonly orderBy?: string | undefined },
  metadata = true,
): Promise<QueryPlan> {
  const names = columns === undefined ? schema.fields.map(({ name }) => [name]) : columns.map((name) => columnOf(schema, name))
  return withParser(async (connection) => {
    const statement = selectOf(names.map((path) => columnRef(tableName, ...path)))
    const select = statement.node as Node
    select.from_table = tableNode()
    select.where_clause = where === undefined ? null : await parseExpression(connection, where)
    select.modifiers = [
      ...(orderBy === undefined ? [] : [orderModifier(orderBy)]),
      ...(limit === undefined ? [] : [{ type: 'LIMIT_MODIFIER', limit: integerConstant(limit), offset: null }]),
    ]
    return planStatement(connection, statement, { allowFiles: false, metadata })
  })
}

function orderModifier(column: string): Node {
  const order = { type: 'ASCENDING', null_order: 'ORDER_DEFAULT', expression: columnRef(tableName, column) }
  return { type: 'ORDER_MODIFIER', orders: [order] }
}

function columnOf(schema: StructType, name: string): readonly string[] {
  const field = schema.fields.find((one) => one.name === name) ?? schema.fields.find((one) => asciiLower(one.name) === asciiLower(name))
  if (field !== undefined) return [field.name]
  const [first = '', ...rest] = name.split('.')
  if (asciiLower(first) === metadataColumn && rest.length <= 1) return [first, ...rest]
  const names = schema.fields.map((one) => one.name)
  throw new SchemaError('UNKNOWN_COLUMN', `There is no column ${JSON.stringify(name)}.`, {
    remedy: `The columns are: ${names.join(', ')}.`,
    data: { column: name, columns: names },
  })
}

function tableNode(): Node {
  return {
    type: 'BASE_TABLE',
    alias: '',
    sample: null,
    schema_name: '',
    table_name: tableName,
    column_name_alias: [],
    catalog_name: '',
    at_clause: null,
  }
}
