/** CHECK constraints on their way into a table's metadata (§CHECK Constraints). */
import { SchemaError, UsageError } from '../../errors/index.ts'
import { describeType } from '../../schema/compare.ts'
import { type Expression, readExpression } from '../../schema/expression/expression.ts'
import type { StructType } from '../../schema/types.ts'
import { constraintPrefix } from './properties.ts'

/** A constraint that can be a table's. */
export interface Constraint extends Expression {
  /** The property that holds it. */
  readonly key: string
  /** Its name in messages. */
  readonly what: string
}

/**
 * Reads what a user gives as a constraint over these columns. Where engines do not agree on its value, its SQL gives NULL.
 * @throws UsageError INVALID_ARGUMENT for the name; UnsupportedFeatureError UNSUPPORTED_EXPRESSION; SchemaError TYPE_MISMATCH for what is no condition
 */
export function readConstraint(name: string, expression: string, schema: StructType): Constraint {
  const key = constraintKey(name)
  const what = `the constraint ${JSON.stringify(name)}`
  const read = readExpression(expression, { schema, what, spelling: 'any', fail: () => 'NULL' })
  if (read.type === 'boolean') return { ...read, key, what }
  throw new SchemaError('TYPE_MISMATCH', `The constraint ${JSON.stringify(name)} gives ${describeType(read.type)}, not true or false.`, {
    remedy: 'Write a condition, as after WHERE.',
    data: { constraint: name, expression },
  })
}

/** The property of a constraint, whose names do not differ by case. @throws UsageError INVALID_ARGUMENT */
export function constraintKey(name: string): string {
  if (typeof name === 'string' && /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(name)) return constraintPrefix + name.toLowerCase()
  throw new UsageError('INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of a constraint.`, {
    remedy: 'Begin with a letter, and use letters, digits, dashes and underscores.',
  })
}
