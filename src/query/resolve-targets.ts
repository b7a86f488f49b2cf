/** The tables that a statement names, each as of the version that it means. */
import { QueryError, UsageError } from '../errors/index.ts'
import type { QueryPlan } from './plan.ts'
import { type Point, parseInstant, parsePoint, toVersion } from './point.ts'
import { asciiLower, type Node } from './sql/ast.ts'
import type { EvaluatedConstant } from './sql/constants.ts'
import type { TableUse } from './sql/walk-result.ts'
import type { QueryTarget, SessionTable } from './target.ts'

/**
 * The targets of a plan's tables, in their order. `tables`: those that there are, by their names in lower case; `evaluate` computes the
 * constants of AT clauses. @throws QueryError SQL_UNKNOWN_TABLE, SQL_REFUSED; UsageError INVALID_TIMESTAMP, INVALID_REFERENCE
 */
export async function resolveTargets(
  plan: QueryPlan,
  tables: ReadonlyMap<string, SessionTable>,
  evaluate: (node: Node) => Promise<EvaluatedConstant>,
  signal: AbortSignal | undefined,
): Promise<QueryTarget[]> {
  const points = await Promise.all(plan.tables.map(({ at }) => (at === undefined ? undefined : evaluate(at.expression))))
  const known = new Map<string, Promise<QueryTarget>>()
  return Promise.all(
    plan.tables.map((use, index) => {
      const { table, point } = resolve(tables, use, points[index])
      // One table at one point is one version, even while others write.
      const key = `${JSON.stringify(point ?? null)} ${table.name}`
      const target = known.get(key) ?? table.asOf(point, { signal })
      known.set(key, target)
      return target
    }),
  )
}

function resolve(
  tables: ReadonlyMap<string, SessionTable>,
  use: TableUse,
  at: EvaluatedConstant | undefined,
): { table: SessionTable; point: Point | undefined } {
  const whole = tables.get(asciiLower(use.name))
  const point = at === undefined ? undefined : pointOfClause(use.at!.unit, at)
  if (whole !== undefined) return { table: whole, point }
  const split = use.name.lastIndexOf('@')
  const table = split < 0 ? undefined : tables.get(asciiLower(use.name.slice(0, split)))
  if (table === undefined) throw unknownTable(use.name, [...tables.values()])
  if (point !== undefined) {
    throw new QueryError('SQL_REFUSED', `${use.name} names a point of history twice.`, {
      remedy: 'Leave out the AT clause, or what follows the @.',
    })
  }
  return { table, point: parsePoint(use.name.slice(split + 1)) }
}

/** The point that an AT clause names. @throws UsageError INVALID_TIMESTAMP, INVALID_REFERENCE */
function pointOfClause(unit: string, { type, text }: EvaluatedConstant): Point {
  if (text === null)
    throw new UsageError('INVALID_REFERENCE', `AT (${unit} => NULL) names no point of history.`, { remedy: 'Give a value.' })
  if (asciiLower(unit) === 'version') {
    if (type === 'VARCHAR') return /^\d+$/.test(text) ? { version: toVersion(text) } : { tag: text }
    if (/^U?(TINY|SMALL|BIG|HUGE)INT$|^U?INTEGER$/.test(type)) return { version: toVersion(text) }
  } else if (asciiLower(unit) === 'timestamp' && /^(VARCHAR|DATE|TIMESTAMP.*)$/.test(type)) {
    return { timestamp: parseInstant(text) }
  }
  throw new UsageError('INVALID_REFERENCE', `AT (${unit} => ...) cannot be a ${type}.`, {
    remedy: "Write AT (VERSION => 3), AT (VERSION => 'a tag') or AT (TIMESTAMP => a timestamp with a zone).",
  })
}

function unknownTable(name: string, tables: readonly SessionTable[]): QueryError {
  const names = tables.map((table) => table.name)
  return new QueryError('SQL_UNKNOWN_TABLE', `There is no table ${JSON.stringify(name)} here.`, {
    remedy: names.length === 0 ? 'Open the session with the table.' : `The tables are: ${names.join(', ')}.`,
    data: { table: name, tables: names },
  })
}
