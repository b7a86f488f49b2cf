/**
 * SQL over several tables, each at any point of its history.
 *
 * A query goes: plan (parse, walk; `plan.ts`) -> each table of it resolved to a version -> the files that its conditions leave
 * (`data/prune/prune.ts`) -> one SELECT over relations of those files (`relation.ts`) -> run in a closed instance that can open the tables'
 * folders and nothing else. Nothing is done before the result is first read.
 */
import type { Parameters, Value } from '../engine/index.ts'
import { UsageError } from '../errors/index.ts'
import { escapePattern, quotePaths } from '../schema/quoting.ts'
import { leaseClosed } from './closed-engines.ts'
import { fillIn, planQuery, type QueryPlan } from './plan.ts'
import { checkTracking, hasOwnMetadata } from './relation/metadata-column.ts'
import { chooseTable, type TableFiles } from './relation/table-files.ts'
import { resolveTargets } from './resolve-targets.ts'
import { type PreparedQuery, QueryResult } from './result.ts'
import { answerFromLog, type LogAnswer } from './skipping/log-answer.ts'
import { asciiLower, type Node } from './sql/ast.ts'
import { evaluateConstant } from './sql/constants.ts'
import { externalFiles } from './sql/external-files.ts'
import { namedValues } from './sql/parameters.ts'
import type { QueryOptions, SessionTable } from './target.ts'

/** Options of a session. */
export interface SessionOptions {
  /** Lets `read_csv`, `read_parquet` and the like open the local files that they name. Default: `false`. */
  readonly allowExternal?: boolean | undefined
  /** For tables that are named by references: as for `Table.open`. */
  readonly allowPaths?: readonly string[] | undefined
}

/** A query over no more rows than this has so small a result that it need not be streamed. */
const smallRows = 131_072

/** Several tables that can be queried together. */
export class Session {
  readonly #tables = new Map<string, SessionTable>()
  readonly #allowExternal: boolean
  readonly #folders = new Set<string>()
  #closed = false

  /** @internal */
  constructor(tables: Iterable<SessionTable>, options: SessionOptions) {
    this.#allowExternal = options.allowExternal === true
    for (const table of tables) this.add(table)
  }

  /** Adds a table. @throws UsageError INVALID_ARGUMENT where the name is taken; names differ without regard to case */
  add(table: SessionTable): void {
    const key = asciiLower(table.name)
    if (this.#tables.has(key)) {
      throw new UsageError('INVALID_ARGUMENT', `Two tables of the session are called ${table.name}.`, {
        remedy: 'Give one of them another name.',
        data: { name: table.name },
      })
    }
    this.#tables.set(key, table)
  }

  /**
   * Runs one SELECT in DuckDB's SQL when the result is first read. Errors come then: QueryError SQL_ERROR, SQL_NOT_READ_ONLY, SQL_REFUSED,
   * SQL_UNKNOWN_TABLE; VersionNotFoundError; UsageError INVALID_TIMESTAMP; DataFileError; AbortedError.
   */
  query(sql: string, options: QueryOptions = {}): QueryResult {
    return this.run((metadata) => planQuery(sql, { allowFiles: this.#allowExternal, metadata }), options)
  }

  /** @internal Runs a plan, which is asked for with the column `_metadata` first, and without where a table has one of its own. */
  run(plan: (metadata: boolean) => Promise<QueryPlan>, options: QueryOptions): QueryResult {
    return new QueryResult(async (signal) => {
      if (this.#closed) throw new UsageError('INVALID_ARGUMENT', 'The session is closed.', { remedy: 'Open a new one.' })
      return this.#prepare(plan, true, options.params, signal)
    }, options.signal)
  }

  /** Ends the session. Results that are being read go on. */
  async close(): Promise<void> {
    this.#closed = true
  }

  async #prepare(
    planned: (metadata: boolean) => Promise<QueryPlan>,
    metadata: boolean,
    params: Parameters | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PreparedQuery> {
    const plan = await planned(metadata)
    const given = namedValues(plan.allParameters, params)
    const evaluate = (node: Node) => evaluateConstant(node, given)
    const targets = await resolveTargets(plan, this.#tables, evaluate, signal)
    if (plan.metadata.size > 0 && targets.some(hasOwnMetadata)) return this.#prepare(planned, false, params, signal)
    checkTracking(targets, plan.metadata)
    const external = await Promise.all(
      plan.files.map(async ({ functionName, argument }) => externalFiles(functionName, await evaluate(argument))),
    )
    const counted = plan.counts === undefined ? undefined : await targets[0]?.rowCount?.()
    if (plan.counts !== undefined && counted !== undefined) return withoutTables(countQuery(plan.counts, counted), targets)
    const answer = plan.aggregates === undefined ? undefined : await answerFromLog(plan, targets[0]!, given, signal)
    if (answer !== undefined) return withoutTables(answer, targets)
    const schemas = new Map(plan.tables.map(({ node }, index) => [node, targets[index]!.schema]))
    const tables: TableFiles[] = []
    try {
      for (const [index, table] of plan.tables.entries()) {
        tables.push(await chooseTable({ plan, table, target: targets[index]!, schemas, values: given, signal }))
      }
    } catch (error) {
      await Promise.all(tables.map(({ pinned }) => pinned.release()))
      throw error
    }
    for (const { folders, lasting } of tables) if (lasting) for (const folder of folders) this.#folders.add(folder)
    const folders = new Set([...this.#folders, ...tables.flatMap((table) => table.folders)])
    const values = Object.fromEntries([...plan.parameters].map((name) => [name, given[name] ?? null]))
    return {
      statement: ({ everyColumn, bindPaths, asWritten = false }) => {
        const bound: Record<string, Value> = { ...values }
        const bindValue = (value: Value) => {
          const name = `${plan.token}_p${Object.keys(bound).length}`
          bound[name] = value
          return `$${name}`
        }
        const listPaths = (paths: readonly string[]) => bindValue(paths.map(escapePattern))
        // EXPLAIN reads no row, but writes what is bound out as text.
        const bindMasks = (masks: readonly Uint8Array[]) =>
          bindValue(plan.explain.trim() === 'EXPLAIN' ? masks.map(() => Uint8Array.of(0)) : masks)
        const others = plan.parameters.size > 0 || tables.some(({ masked }) => masked)
        const bind = plan.bindable && (bindPaths === 'always' || (bindPaths === 'with parameters' && others))
        const relations = tables.map((table) =>
          table.relation(everyColumn, {
            listPaths: bind ? listPaths : undefined,
            bindValue: bindMasks,
            asWritten,
          }),
        )
        return { sql: fillIn(plan, relations, external.map(quotePaths)), values: bound }
      },
      small: plan.growing ? false : tables.every(({ rows }) => rows !== undefined && rows <= smallRows),
      narrowed: tables.some(({ narrowed }) => narrowed),
      copyable: plan.explain === '',
      tables,
      origins: targets,
      lease: () => leaseClosed(folders, new Set(external.flat())),
      release: async () => {
        await Promise.all(tables.map(({ pinned }) => pinned.release()))
      },
    }
  }
}

/** Opens a session over tables. @throws UsageError INVALID_ARGUMENT where two have one name */
export function openSession(tables: Iterable<SessionTable>, options: SessionOptions = {}): Session {
  return new Session(tables, options)
}

function countQuery(names: readonly string[], rows: number): LogAnswer {
  return { sql: `SELECT ${names.map((name) => `${rows}::BIGINT AS "${name.replaceAll('"', '""')}"`).join(', ')}`, values: {} }
}

function withoutTables(answer: LogAnswer, origins: PreparedQuery['origins']): PreparedQuery {
  const none = new Set<string>()
  return {
    statement: () => answer,
    small: true,
    narrowed: false,
    copyable: true,
    tables: [],
    origins,
    lease: () => leaseClosed(none, none),
    release: async () => {},
  }
}
