/** Expressions of a query that hold only constants and parameters, computed by the engine before the query runs. */
import type { Connection, Value } from '../../engine/index.ts'
import { type Node, selectOf } from './ast.ts'
import { withParser, writeQuery } from './parse.ts'
import { walkStatement } from './walk.ts'

/** A computed value: DuckDB's name of its type, and its text. */
export interface EvaluatedConstant {
  readonly type: string
  readonly text: string | null
  /** The elements, where it is a list of texts. */
  readonly texts: readonly string[] | undefined
}

interface Statement {
  readonly sql: string
  readonly parameters: ReadonlySet<string>
}

const statements = new WeakMap<Node, Promise<Statement>>()

/** The value of an expression of a plan. @throws QueryError, ValueError where it cannot be computed */
export function evaluateConstant(expression: Node, values: Readonly<Record<string, Value>>): Promise<EvaluatedConstant> {
  return withParser(async (connection) => {
    const known = statements.get(expression) ?? write(connection, expression)
    statements.set(expression, known)
    const { sql, parameters } = await known
    const bound = Object.fromEntries([...parameters].map((name) => [name, values[name] ?? null]))
    const [row] = await connection.all(sql, bound, { readOnly: true })
    const texts = row?.texts
    return {
      type: String(row?.type),
      text: typeof row?.text === 'string' ? row.text : null,
      texts: Array.isArray(texts) && texts.every((text) => typeof text === 'string') ? texts : undefined,
    }
  })
}

async function write(connection: Connection, expression: Node): Promise<Statement> {
  const { sql, statement } = await writeQuery(connection, selectOf([{ ...expression, alias: '' }]))
  const { parameters } = walkStatement(statement, { allowFiles: false, placeholder: (name) => name })
  return {
    sql: `SELECT typeof(c) AS type, CAST(c AS VARCHAR) AS text, CASE WHEN typeof(c) = 'VARCHAR[]' THEN TRY_CAST(c AS VARCHAR[]) END AS texts
      FROM (${sql}) AS v(c)`,
    parameters,
  }
}
