/**
 * A statement of a verb that tells the rows of a table apart: which file each lies in, and which row of it it is.
 *
 *   expressions of the user ─ parsed one by one ─ a tree of ours around them ─ walked and planned as queries are (`plan.ts`)
 *   ─ files chosen by its conditions, less those that the verb takes as a whole ─ run in a closed instance, as a query is
 *
 * The instance may open the table's folder and the folders that the verb names, and nothing else. Its connection is the verb's alone
 * until the statement is released, so what the verb keeps in temporary tables is seen by nobody.
 */
import { randomUUID } from 'node:crypto'
import type { Predicate } from '../../data/prune/predicate.ts'
import type { ZoneTable } from '../../data/prune/prune.ts'
import { filesWhollyTrue } from '../../data/prune/whole-files.ts'
import type { Connection, Parameters, Value } from '../../engine/index.ts'
import { UsageError } from '../../errors/index.ts'
import { escapePattern } from '../../schema/quoting.ts'
import type { StructType } from '../../schema/types.ts'
import { attempt, explained } from '../attempt.ts'
import { type Lease, leaseClosed } from '../closed-engines.ts'
import { fillIn, filtersOf, planStatement, type QueryPlan } from '../plan.ts'
import { checkTracking } from '../relation/metadata-column.ts'
import type { Positions } from '../relation/positions.ts'
import { chooseTable, type TableFiles } from '../relation/table-files.ts'
import { resolveTargets } from '../resolve-targets.ts'
import { predicateWith } from '../skipping/table-predicate.ts'
import { asciiLower, columnRef, type Node, selectOf, textOf } from '../sql/ast.ts'
import { evaluateConstant } from '../sql/constants.ts'
import { parseExpression } from '../sql/expression.ts'
import { namedValues } from '../sql/parameters.ts'
import { withParser } from '../sql/parse.ts'
import type { QueryTarget, SessionTable } from '../target.ts'
import { zonesOf } from '../target-of.ts'
import { checkRowExpression } from './row-expression.ts'

/** What a statement is made from. */
export interface RowStatementOptions {
  /** The table whose rows are told apart, and its name in the expressions. */
  readonly target: QueryTarget
  readonly alias: string
  /** A relation of the connection beside it, such as the source of MERGE. */
  readonly source?: SourceRelation | undefined
  /** Tables that a subquery may name. */
  readonly others: readonly SessionTable[]
  readonly params?: Parameters | undefined
  /** Folders that the connection may open besides, to write into them too. */
  readonly folders?: readonly string[] | undefined
  /** Takes files of which every row fulfils the conditions out of the statement, and names them in `wholeFiles`. Default: `false`. */
  readonly takeWholeFiles?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Rows beside the table's. */
export interface SourceRelation {
  readonly alias: string
  readonly schema: StructType
  /** The relation for a FROM clause, once there is a connection. */
  readonly sql: string
}

/** What a statement is built of. */
export interface StatementParts {
  /** Parses an expression of the user. @throws QueryError SQL_ERROR, SQL_REFUSED naming `what` */
  expression(text: string, what: string): Promise<Node>
  /** A column of the table. */
  column(...names: string[]): Node
  /** A SELECT of expressions over what stands in a FROM clause, of the rows that fulfil a condition. All have an alias, or none has. */
  select(expressions: readonly Node[], from: Node, where?: Node): Node
  /** The table, and the source, for the FROM clause. */
  readonly table: Node
  readonly source: Node
  /** The columns that tell the table's rows apart. */
  readonly file: Node
  readonly row: Node
}

/** A statement that is ready to run, and what it will read. */
export class RowStatement {
  /** The table's files that the statement reads. */
  readonly files: TableFiles
  /** Paths of files of which every row fulfils the conditions, where they were asked for. */
  readonly wholeFiles: ReadonlySet<string>
  /** The rows of the table that it looks at: all, where a subquery may look anywhere. */
  readonly reads: {
    readonly rows: 'all' | { readonly predicate: Predicate | undefined; readonly table: ZoneTable }
    readonly deletesMatter: boolean
  }
  readonly connection: Connection
  readonly #plan: QueryPlan
  /** The names of its columns, in their order; empty ones where it has none. */
  readonly #names: readonly string[]
  readonly #tables: readonly (TableFiles | SourceRelation)[]
  readonly #values: Readonly<Record<string, Value>>
  readonly #lease: Lease
  readonly #signal: AbortSignal | undefined

  private constructor(
    plan: QueryPlan,
    names: readonly string[],
    tables: readonly (TableFiles | SourceRelation)[],
    place: number,
    chosen: { readonly wholeFiles: ReadonlySet<string>; readonly predicate: Predicate | undefined },
    values: Readonly<Record<string, Value>>,
    lease: Lease,
    signal: AbortSignal | undefined,
  ) {
    this.files = tables[place] as TableFiles
    this.wholeFiles = chosen.wholeFiles
    const elsewhere = tables.some((table, index) => index !== place && 'target' in table)
    const rows = elsewhere ? 'all' : { predicate: chosen.predicate, table: zonesOf(this.files.target) }
    this.reads = { rows, deletesMatter: elsewhere }
    this.connection = lease.connection
    this.#plan = plan
    this.#names = names
    this.#tables = tables
    this.#values = values
    this.#lease = lease
    this.#signal = signal
  }

  /** Makes a statement ready. @throws QueryError, UsageError, SchemaError, DataFileError, LogError, VersionNotFoundError */
  static async prepare(build: (parts: StatementParts) => Promise<Node>, options: RowStatementOptions): Promise<RowStatement> {
    const { target, alias, source, others, params, folders = [], takeWholeFiles = false, signal } = options
    const token = `varve_${randomUUID().replaceAll('-', '')}`
    const positions: Positions = { file: `${token}_file`, row: `${token}_row` }
    const [main, beside] = [`${token}_table`, `${token}_source`]
    let names: readonly string[] = []
    const plan = await withParser(async (connection) => {
      const statement = await build({
        expression: async (text, what) => {
          const node = await parseExpression(connection, text, what)
          checkRowExpression(node, what)
          return node
        },
        // Expressions of users may not see our names beside them, which they could take for columns.
        select: (expressions, from, where) => {
          names = expressions.map(({ alias: name }) => textOf(name))
          const apart = expressions.map((node, index) => (names[index] === '' ? node : { ...node, alias: `${token}_${index}` }))
          return selectFrom(apart, from, where)
        },
        column: (...names) => columnRef(alias, ...names),
        table: tableNode(main, alias),
        source: tableNode(beside, source?.alias ?? ''),
        file: columnRef(alias, positions.file),
        row: columnRef(alias, positions.row),
      })
      return planStatement(connection, statement, { allowFiles: false })
    })
    const given = namedValues(plan.allParameters, params)
    const isOther = ({ name }: QueryPlan['tables'][number]) => name !== main && name !== beside
    const tables = new Map(others.map((table) => [asciiLower(table.name), table]))
    const named = { ...plan, tables: plan.tables.filter(isOther) }
    const targets = await resolveTargets(named, tables, (node) => evaluateConstant(node, given), signal)
    const apart: QueryTarget = { ...target, positions, files: () => target.files() }
    const targetOf = (use: QueryPlan['tables'][number]) =>
      use.name === main ? apart : use.name === beside ? undefined : targets[named.tables.indexOf(use)]!
    checkTracking([apart, ...targets], plan.metadata)
    const schemas = new Map(plan.tables.map((use) => [use.node, targetOf(use)?.schema ?? source!.schema]))
    const place = plan.tables.findIndex(({ name }) => name === main)
    if (place < 0) throw new UsageError('INVALID_ARGUMENT', 'The statement names no table.', { remedy: 'Name the table.' })
    const chosen = await choose(plan, place, apart, schemas, given, takeWholeFiles)
    const opened: (TableFiles | SourceRelation)[] = []
    try {
      for (const [index, table] of plan.tables.entries()) {
        const of = targetOf(table)
        const except = index === place ? chosen.wholeFiles : undefined
        opened.push(of === undefined ? source! : await chooseTable({ plan, table, target: of, schemas, values: given, except, signal }))
      }
      const seen = opened.flatMap((table) => ('target' in table ? table.folders : []))
      const lease = await leaseClosed(new Set(withoutInner([...seen, ...folders])), new Set())
      const values = Object.fromEntries([...plan.parameters].map((name) => [name, given[name] ?? null]))
      return new RowStatement(plan, names, opened, place, chosen, values, lease, signal)
    } catch (error) {
      await Promise.all(opened.map((table) => ('target' in table ? table.pinned.release() : undefined)))
      throw error
    }
  }

  /** Runs the statement inside a text of ours. @throws QueryError, ValueError, DataFileError, AbortedError */
  async run<T>(use: (sql: string, values: Readonly<Record<string, Value>>) => Promise<T>): Promise<T> {
    const tables = this.#tables.filter((table) => 'target' in table)
    try {
      return await attempt(
        {
          statement: (form) => this.#statement(form),
          small: false,
          narrowed: tables.some(({ narrowed }) => narrowed),
        },
        'never',
        use,
      )
    } catch (error) {
      throw await explained(error, { tables })
    }
  }

  /** Makes a temporary table of the statement's rows, or of those that fulfil a condition of ours. */
  async keep(table: string, columns = '*', where = 'true'): Promise<void> {
    const options = { signal: this.#signal, files: this.files.pinned.paths }
    await this.run((sql, values) =>
      this.connection.run(`CREATE OR REPLACE TEMP TABLE ${table} AS SELECT ${columns} FROM (${sql}) WHERE ${where}`, values, options),
    )
  }

  /** Lets go of the files and the connection; temporary tables are the caller's to drop before. */
  async release(): Promise<void> {
    await this.#lease.release()
    await Promise.all(this.#tables.map((table) => ('target' in table ? table.pinned.release() : undefined)))
  }

  #statement({ everyColumn, bindPaths }: StatementForm): { sql: string; values: Readonly<Record<string, Value>> } {
    const bound: Record<string, Value> = { ...this.#values }
    const bindValue = (value: Value) => {
      const name = `${this.#plan.token}_p${Object.keys(bound).length}`
      bound[name] = value
      return `$${name}`
    }
    const listPaths = bindPaths === 'always' ? (paths: readonly string[]) => bindValue(paths.map(escapePattern)) : undefined
    const relations = this.#tables.map((table) =>
      'target' in table ? table.relation(everyColumn, { listPaths, bindValue }) : `SELECT * FROM ${table.sql}`,
    )
    const sql = fillIn(this.#plan, relations, [])
    if (this.#names.includes('')) return { sql, values: bound }
    return { sql: `SELECT * FROM (${sql}) AS ${this.#plan.token}_rows(${this.#names.join(', ')})`, values: bound }
  }
}

type StatementForm = { readonly everyColumn: boolean; readonly bindPaths: 'always' | 'never' | 'with parameters' }

/** What the conditions say of the table, and the files that they are true for as a whole. */
async function choose(
  plan: QueryPlan,
  place: number,
  target: QueryTarget,
  schemas: ReadonlyMap<Node, StructType>,
  values: Readonly<Record<string, Value>>,
  takeWholeFiles: boolean,
): Promise<{ wholeFiles: ReadonlySet<string>; predicate: Predicate | undefined }> {
  const filters = filtersOf(plan, plan.tables[place]!, schemas)
  const predicate = await predicateWith(filters, values, plan.literals)
  const [where] = plan.conditions.selects
  const complete = plan.tables.length === 1 && where?.complete === true && filters.length === where.filters.length
  if (!takeWholeFiles || !complete) return { wholeFiles: new Set(), predicate }
  return { wholeFiles: await filesWhollyTrue(await target.files(), zonesOf(target), predicate), predicate }
}

/** Folders without those that lie in another of them. */
function withoutInner(folders: readonly string[]): string[] {
  return [...new Set(folders)].filter((folder) => !folders.some((other) => other !== folder && folder.startsWith(`${other}/`)))
}

function selectFrom(expressions: readonly Node[], from: Node, where?: Node): Node {
  const statement = selectOf(expressions)
  const select = statement.node as Node
  select.from_table = from
  select.where_clause = where ?? null
  return statement
}

function tableNode(name: string, alias: string): Node {
  return {
    type: 'BASE_TABLE',
    alias,
    sample: null,
    schema_name: '',
    table_name: name,
    column_name_alias: [],
    catalog_name: '',
    at_clause: null,
  }
}
