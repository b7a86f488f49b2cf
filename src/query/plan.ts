/**
 * A query, read once and run often: the text that DuckDB gave back with a placeholder for each table, and all that is known without the
 * tables. Plans are kept by the query's text, so that asking the same again, with other parameters too, parses nothing; and by its shape
 * (`literals.ts`), so that asking the same of other numbers and texts does not either.
 */
import { randomUUID } from 'node:crypto'
import type { Connection } from '../engine/index.ts'
import { QueryError } from '../errors/index.ts'
import type { StructType } from '../schema/types.ts'
import { hideMetadata, metadataFields } from './relation/metadata-column.ts'
import { type AggregateQuery, aggregateQuery } from './skipping/aggregates.ts'
import { Pushdown, type QueryConditions } from './skipping/pushdown.ts'
import { asciiLower, isNode, type Node, nodesOf, textConstant, textOf, textsOf } from './sql/ast.ts'
import { guardDistinctFrom } from './sql/distinct-from.ts'
import { differsOnlyIn, hide, type Lifted, liftable, type SplitText, splitText, standsAlone } from './sql/literals.ts'
import { nameParameters, parameterName } from './sql/parameters.ts'
import { parseQuery, withParser, writeQuery } from './sql/parse.ts'
import { walkStatement } from './sql/walk.ts'
import type { TableUse, WalkResult } from './sql/walk-result.ts'

/** A query with placeholders. */
export interface QueryPlan {
  /** `EXPLAIN`, `EXPLAIN ANALYZE`, or nothing; to stand before the text. */
  readonly explain: string
  /** The SELECT. Each table, and each list of external files, is a name of its own in it: see {@link fillIn}. */
  readonly template: string
  /** What names of ours in the text begin with. */
  readonly token: string
  readonly tables: readonly TableUse[]
  /** The files that table functions open: the placeholder of the first argument, and what computes it. */
  readonly files: readonly { readonly functionName: string; readonly placeholder: string; readonly argument: Node }[]
  /** Names that columns may be meant by, in lower case; `undefined`: every column is needed. */
  readonly names: ReadonlySet<string> | undefined
  readonly conditions: QueryConditions
  /** The fields of the column `_metadata` that are named, where the tables are to have it. */
  readonly metadata: ReadonlySet<string>
  /** Literals that were taken out of the text, by the names that stand for them there. */
  readonly literals: ReadonlyMap<string, string>
  /** The parameters of the text, and those of the whole query. */
  readonly parameters: ReadonlySet<string>
  readonly allParameters: ReadonlySet<string>
  /** Whether lists of files can be bound as parameters. */
  readonly bindable: boolean
  /** Whether the result can have more rows than the tables. */
  readonly growing: boolean
  /** The names of the columns, where the query asks for nothing but the number of rows of its one table. */
  readonly counts: readonly string[] | undefined
  /** The query over totals, where it needs no single row of its one table. */
  readonly aggregates: AggregateQuery | undefined
}

/** How many plans are kept. */
const keptPlans = 256

/** A plan that serves every text that differs from its own in nothing but literals that were taken out. */
interface ShapePlan {
  readonly plan: QueryPlan
  readonly split: SplitText
  readonly lifted: readonly Lifted[]
}

const plans = new Map<string, Promise<QueryPlan>>()
const shapes = new Map<string, ShapePlan>()

/** The plan of a query. @throws QueryError SQL_ERROR, SQL_NOT_READ_ONLY, SQL_REFUSED */
export function planQuery(sql: string, options: { readonly allowFiles: boolean; readonly metadata?: boolean }): Promise<QueryPlan> {
  const kind = `${options.allowFiles ? '+' : '-'}${options.metadata === false ? '-' : '+'}`
  const key = `${kind}${sql}`
  const known = used(plans, key)
  if (known !== undefined) return known
  const split = splitText(sql)
  const shapeKey = `${kind}${split?.shape}`
  const alike = split === undefined ? undefined : used(shapes, shapeKey)
  if (split !== undefined && alike !== undefined && differsOnlyIn(alike.lifted, alike.split, split)) {
    return Promise.resolve(planAlike(alike, split))
  }
  const plan = withParser((connection) => planText(connection, sql, options, split, shapeKey))
  keep(plans, key, plan)
  plan.catch(() => plans.delete(key))
  return plan
}

async function planText(
  connection: Connection,
  sql: string,
  options: { readonly allowFiles: boolean; readonly metadata?: boolean },
  split: SplitText | undefined,
  shapeKey: string,
): Promise<QueryPlan> {
  const { statement, explain } = await parseQuery(connection, sql)
  // Behind EXPLAIN, places are counted from elsewhere.
  const lifted = split === undefined || explain !== '' ? [] : liftable(statement, split)
  if (split === undefined || lifted.length === 0) return planStatement(connection, statement, { ...options, explain })
  const plan = await planStatement(connection, statement, { ...options, explain, split, lifted })
  if (![...plan.literals.keys()].every((name) => standsAlone(plan.template, name))) {
    return planText(connection, sql, options, undefined, shapeKey)
  }
  keep(shapes, shapeKey, { plan, split, lifted })
  return plan
}

/** The plan of another text of the same shape. */
function planAlike({ plan, lifted }: ShapePlan, split: SplitText): QueryPlan {
  return { ...plan, literals: literalsOf(plan.token, lifted, split) }
}

function literalsOf(token: string, lifted: readonly Lifted[], { literals }: SplitText): ReadonlyMap<string, string> {
  return new Map(lifted.map(({ index }) => [`${token}_l${index}`, literals[index]!.text]))
}

/** What is kept under a key, which is then the last to be let go of. */
function used<T>(kept: Map<string, T>, key: string): T | undefined {
  const known = kept.get(key)
  if (known === undefined) return undefined
  kept.delete(key)
  kept.set(key, known)
  return known
}

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.delete(key)
  kept.set(key, value)
  const oldest = kept.keys().next().value
  if (kept.size > keptPlans && oldest !== undefined) kept.delete(oldest)
}

/** How a statement that is parsed already becomes a plan. */
export interface PlanOptions {
  readonly allowFiles: boolean
  /** Whether the tables are to have the column `_metadata` where it is named. Default: true. */
  readonly metadata?: boolean
  readonly explain?: string
  /** The statement's text, and the literals of it to take out. Default: none. */
  readonly split?: SplitText
  readonly lifted?: readonly Lifted[]
}

/** The plan of a statement that is parsed already; the tree is changed. @throws QueryError SQL_REFUSED */
export async function planStatement(
  connection: Connection,
  statement: Node,
  { allowFiles, metadata = true, explain = '', split, lifted = [] }: PlanOptions,
): Promise<QueryPlan> {
  const counts = countedColumns(statement)
  // No query can hold these names, since they are made after it was written.
  const token = `varve_${randomUUID().replaceAll('-', '')}`
  const literals = split === undefined ? new Map<string, string>() : literalsOf(token, lifted, split)
  for (const { index, constant } of lifted) hide(constant, `${token}_l${index}`)
  let tables = 0
  const walk = walkStatement(statement, { allowFiles, placeholder: () => `${token}_t${tables++}` })
  const named = metadata ? metadataFields(statement) : new Set<string>()
  if (named.size > 0) hideMetadata(statement, new Set(walk.tables.map(({ node }) => node)))
  nameParameters(statement)
  for (const { at } of walk.tables) if (at !== undefined) nameParameters(at.expression)
  const files = walk.files.map(({ functionName, call }, index) => takeFiles(functionName, call, `${token}_f${index}_`))
  for (const { argument } of files) nameParameters(argument)
  guardDistinctFrom(statement)
  const written = await writeQuery(connection, statement)
  const again = checkWritten(written.statement, walk, allowFiles)
  return {
    explain,
    template: written.sql,
    token,
    tables: walk.tables,
    files,
    names: walk.everyColumn || meansWholeRows(walk) ? undefined : walk.names,
    conditions: { selects: walk.selects, derived: walk.derived },
    metadata: named,
    literals,
    parameters: new Set([...again.parameters].filter((name) => !literals.has(name))),
    allParameters: new Set([...walk.parameters].filter((name) => !literals.has(name)).map(parameterName)),
    bindable: explain === '' && !walk.describes,
    growing: walk.grows || walk.tables.length > 1,
    counts: explain === '' ? counts : undefined,
    aggregates: explain === '' && walk.tables.length === 1 ? aggregateQuery(statement, token) : undefined,
  }
}

/** `SELECT t FROM t` gives whole rows. */
function meansWholeRows({ tables, lone }: WalkResult): boolean {
  return tables.some(({ node }) => lone.has(asciiLower(textOf(node.alias))))
}

/** The text with the placeholders replaced: a relation for each table, a list of paths for each call that opens files, each literal. */
export function fillIn(plan: QueryPlan, relations: readonly string[], paths: readonly string[]): string {
  const parts = new Map<string, string>()
  for (const [index, { placeholder }] of plan.tables.entries()) parts.set(placeholder, `(${relations[index]})`)
  for (const [index, { placeholder }] of plan.files.entries()) parts.set(`'${placeholder}'`, paths[index]!)
  for (const [name, text] of plan.literals) parts.set(`$${name}`, text)
  if (parts.size === 0) return plan.explain + plan.template
  const all = /[$']?varve_[0-9a-f]{32}_(?:t\d+|f\d+_|l\d+)'?/g
  return plan.explain + plan.template.replace(all, (name) => parts.get(name) ?? name)
}

/** What the plan's conditions say of one of its tables; `schemas`: those of all of them. */
export function filtersOf({ conditions }: QueryPlan, { node }: TableUse, schemas: ReadonlyMap<Node, StructType>) {
  if (!conditions.selects.some(({ filters }) => filters.length > 0)) return []
  const known = pushdowns.get(conditions)
  const pushdown = known?.isOver(schemas) ? known : new Pushdown(conditions, schemas)
  pushdowns.set(conditions, pushdown)
  return pushdown.predicatesOf(node)
}

/** What is found for one table of a run serves the others, and the next run over tables of the same schemas. */
const pushdowns = new WeakMap<QueryConditions, Pushdown>()

/** What will run is walked as what was asked was: DuckDB's writing a tree down must not make anything else of it. */
function checkWritten(statement: Node, walk: WalkResult, allowFiles: boolean): WalkResult {
  const placeholders = new Set(walk.tables.map(({ placeholder }) => placeholder))
  const again = walkStatement(statement, {
    allowFiles,
    placeholder: (name) => {
      if (!placeholders.has(name)) throw changed(name)
      return undefined
    },
  })
  if (again.files.length !== walk.files.length) throw changed('a table function')
  return again
}

function changed(what: string): QueryError {
  return new QueryError('SQL_REFUSED', `DuckDB does not write this query down as it read it (${what}).`, {
    remedy: 'Write the query in a plainer way.',
  })
}

function takeFiles(functionName: string, call: Node, placeholder: string) {
  const [argument, ...rest] = nodesOf(call.children)
  if (argument === undefined) {
    throw new QueryError('SQL_REFUSED', `${functionName} names no file.`, { remedy: 'Give it the path of a file.' })
  }
  call.children = [textConstant(placeholder), ...rest]
  return { functionName, placeholder, argument }
}

/** The columns of `SELECT count(*) ... FROM table` and nothing else. */
function countedColumns(statement: Node): string[] | undefined {
  const select = isNode(statement.node) ? statement.node : {}
  const from = isNode(select.from_table) ? select.from_table : {}
  const columns = nodesOf(select.select_list)
  const plain =
    select.type === 'SELECT_NODE' &&
    from.type === 'BASE_TABLE' &&
    !isNode(from.sample) &&
    textsOf(from.column_name_alias).length === 0 &&
    ['where_clause', 'having', 'sample', 'qualify'].every((field) => !isNode(select[field])) &&
    nodesOf(select.modifiers).length === 0 &&
    nodesOf(select.group_expressions).length === 0 &&
    select.aggregate_handling === 'STANDARD_HANDLING' &&
    nodesOf(isNode(select.cte_map) ? select.cte_map.map : []).length === 0 &&
    columns.length > 0 &&
    columns.every(isRowCount)
  return plain ? columns.map((column) => textOf(column.alias) || 'count_star()') : undefined
}

function isRowCount(column: Node): boolean {
  return (
    column.class === 'FUNCTION' &&
    column.function_name === 'count_star' &&
    column.schema === '' &&
    nodesOf(column.children).length === 0 &&
    !isNode(column.filter) &&
    column.distinct !== true
  )
}
