/**
 * Expressions that stand in a table's metadata: CHECK constraints, invariants, generated columns, defaults. They are Spark SQL, and may
 * come from a stranger, so none is ever run as it stands. It is parsed, typed against the table's columns by Spark's rules, and written
 * anew in DuckDB's SQL, out of operators and functions of a closed list that mean the same in both, or are spelt so that they do. What is
 * not on the list is refused by name. The session's time zone is UTC.
 *
 *   text -> tokens.ts -> parse.ts -> tree -> compile.ts -> DuckDB's SQL
 *                                         -> to-spark.ts -> Spark's spelling, which is what Varve stores
 *
 * Nothing of DuckDB is needed for it, and no text of the expression reaches its SQL but quoted names and constants.
 */
import { UnsupportedFeatureError } from '../../errors/index.ts'
import type { DataType, StructField, StructType } from '../types.ts'
import { compile } from './compile.ts'
import { timestampText } from './literals.ts'
import { parse } from './parse.ts'
import { Refusal } from './refusal.ts'
import { toSpark } from './to-spark.ts'
import type { Spelling } from './tokens.ts'

/** What is known of an expression before it is read. */
export interface ExpressionOptions {
  /** The columns that it may name; a struct without fields where it may name none. */
  readonly schema: StructType
  /** Where it stands, for messages: `the CHECK constraint "positive"`. */
  readonly what: string
  /** `spark` for what a table's metadata holds, `any` for what a user types. Default `spark`. */
  readonly spelling?: Spelling | undefined
  /** The SQL of a column, or of a field inside one: the fields from the outermost on. Default: by their names. */
  readonly column?: ((path: readonly StructField[]) => string) | undefined
  /** SQL that stops the statement for a row for which engines do not agree on a result. Default: DuckDB's `error` with the reason. */
  readonly fail?: ((reason: string) => string) | undefined
  /** What `current_timestamp` stands for. Default: it may not be asked for, as in anything but a default. */
  readonly now?: Date | undefined
}

/** An expression that is understood. */
export interface Expression {
  /** In Spark's spelling, which all engines read: what metadata may hold. */
  readonly spark: string
  /** In DuckDB's SQL, over the columns as `column` gives them. */
  readonly duckdb: string
  /** Its type by Spark's rules; `void` for NULL. */
  readonly type: DataType
  /** The columns at the top of the schema that it names. */
  readonly columns: readonly StructField[]
}

/**
 * Reads an expression.
 * @throws UnsupportedFeatureError UNSUPPORTED_EXPRESSION, with `expression` and `reason` in its data, where it is not on the list.
 */
export function readExpression(text: string, options: ExpressionOptions): Expression {
  const { schema, what, spelling = 'spark', column, now } = options
  const columns = new Set<StructField>()
  try {
    const tree = parse(text, spelling)
    const { sql, type } = compile(tree, {
      schema,
      column,
      used: ([first]) => columns.add(first!),
      strict: spelling === 'any',
      fail: options.fail ?? ((reason) => `error('${reason.replaceAll("'", "''")}')`),
      now: now && timestampText(now.toISOString()),
    })
    return { spark: toSpark(tree), duckdb: sql, type, columns: [...columns] }
  } catch (error) {
    if (error instanceof Refusal) throw offTheList(text, what, error.message)
    throw error
  }
}

/** The error of an expression that cannot be evaluated as Spark would. */
export function offTheList(expression: string, what: string, reason: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    'UNSUPPORTED_EXPRESSION',
    `Varve cannot evaluate ${what}, ${JSON.stringify(expression)}, as every engine would: ${reason}.`,
    {
      remedy: 'Write it with operators and functions that mean the same to Spark and DuckDB, or use Spark for this table.',
      data: { expression, reason, what },
    },
  )
}
