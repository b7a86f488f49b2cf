/**
 * Changes of what a table asks of its rows, or fills into them: CHECK constraints, defaults, generated columns and identity columns.
 *
 * Expressions are stored in Spark's spelling, which all engines read, and only such as mean the same to all
 * (`schema/expression/`). Rows that are there must fulfil a new rule.
 */
import { SchemaError, UsageError, ValueError } from '../../errors/index.ts'
import { describeType, sameType } from '../../schema/compare.ts'
import { type ColumnPath, findColumn, formatColumnPath, indexOfField, newColumnPath } from '../../schema/evolve/column-path.ts'
import { addField, annotateField } from '../../schema/evolve/evolve.ts'
import { type Expression, readExpression } from '../../schema/expression/expression.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import { field, struct } from '../../schema/schema-json.ts'
import { decimalParts } from '../../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import { constraintKey, readConstraint } from '../definition/constraints.ts'
import { constraintPrefix } from '../definition/properties.ts'
import type { Asked, ColumnName } from './change.ts'
import { typeOf } from './columns.ts'
import { type Draft, type Step, withFeature, withSchema } from './draft.ts'
import { fits, type LookAtRows } from './row-checks.ts'

const generation = 'delta.generationExpression'
const currentDefault = 'CURRENT_DEFAULT'
const identity = [
  'delta.identity.start',
  'delta.identity.step',
  'delta.identity.highWaterMark',
  'delta.identity.allowExplicitInsert',
] as const

/** A condition that every row fulfils from now on, those that are there too. */
export function addConstraint(draft: Draft, { name, expression }: Asked<'addConstraint'>): Step {
  const { key, what, spark, duckdb } = readConstraint(name, expression, draft.schema)
  const step = {
    operation: 'ADD CONSTRAINT',
    parameters: { name: name.toLowerCase(), expr: spark },
    words: `added ${what}: ${spark}`,
  }
  const before = draft.configuration[key]
  if (before === spark) return { ...step, draft }
  if (before !== undefined) {
    throw new UsageError('DUPLICATE_CONSTRAINT', `There is a constraint ${JSON.stringify(name)} already: ${before}.`, {
      remedy: 'Drop it first, or choose another name.',
      data: { constraint: name, expression: before },
    })
  }
  const error = (rows: number) =>
    new ValueError('CONSTRAINT_VIOLATED', `${capital(what)} cannot be added: ${rowsAre(rows)} against ${spark}.`, {
      remedy: `Look at them with a query WHERE (${expression}) IS NOT TRUE; change or delete them, and run it again.`,
      data: { constraint: name, expression: spark, rows },
    })
  const ruled = withFeature({ ...draft, configuration: { ...draft.configuration, [key]: spark } }, 'checkConstraints')
  return { ...step, draft: { ...ruled, checks: [...draft.checks, { draft, violated: `(${duckdb}) IS NOT TRUE`, error }] } }
}

/** The condition is dropped. */
export function dropConstraint(draft: Draft, name: Asked<'dropConstraint'>): Step {
  const key = constraintKey(name)
  const { [key]: expr, ...configuration } = draft.configuration
  if (expr === undefined) {
    const names = Object.keys(configuration).flatMap((one) =>
      one.startsWith(constraintPrefix) ? [one.slice(constraintPrefix.length)] : [],
    )
    throw new UsageError('UNKNOWN_CONSTRAINT', `There is no constraint ${JSON.stringify(name)}.`, {
      remedy: names.length === 0 ? 'The table has no constraints.' : `The constraints are: ${names.join(', ')}.`,
      data: { constraint: name, constraints: names },
    })
  }
  return {
    draft: { ...draft, configuration },
    operation: 'DROP CONSTRAINT',
    parameters: { name: name.toLowerCase(), expr },
    words: `dropped the constraint ${JSON.stringify(name)}: ${expr}`,
  }
}

/** What a column holds where a row does not say; rows that are there stay as they are. Without an expression, NULL again. */
export async function defaultColumn(draft: Draft, { name, expression }: Asked<'default'>): Promise<Step> {
  const path = topColumn(draft, name, 'defaults')
  const column = columnAt(draft.schema, path)
  const what = `the default of the column ${formatColumnPath(path)}`
  if (expression === undefined || expression === null)
    return changed(draft, annotate(draft, path, { [currentDefault]: undefined }), path, `dropped ${what}`)
  if (generation in column.metadata || identity[1] in column.metadata) throw taken(path)
  const { spark, duckdb, type } = readExpression(expression, { schema: struct(), what, spelling: 'any', now: new Date(), fail: unsure })
  if (!isAssignable(type, column.type) || !(await fits(duckdb, column.type)))
    throw mismatch(`${what} is ${describeType(type)}, and the column ${describeType(column.type)}`, expression)
  const next = annotate(draft, path, { [currentDefault]: spark })
  return changed(draft, next === draft ? draft : withFeature(next, 'allowColumnDefaults'), path, `${what} is ${spark}`)
}

/** A column, new or there already, whose values come from an expression over the others. Rows that are there must have its values. */
export async function generatedColumn(draft: Draft, asked: Asked<'generated'>): Promise<Step> {
  const type = await typeOf(asked.type)
  const { ground, path, isNew } = withTopColumn(draft, asked.name, type, 'generated values')
  const [column, what] = [columnAt(ground.schema, path), `the generated column ${formatColumnPath(path)}`]
  if (!sameType(column.type, type, { ignoreNullability: true }))
    throw mismatch(`${what} is ${describeType(column.type)} in the table, not ${describeType(type)}`, asked.expression)
  if (identity[1] in column.metadata || currentDefault in column.metadata) throw taken(path)
  // Of what is generated itself nothing is made, so that values do not depend on an order.
  const others = struct(...ground.schema.fields.filter((one) => one !== column && !(generation in one.metadata)))
  const made = readExpression(asked.expression, { schema: others, what, spelling: 'any', fail: unsure })
  if (!sameType(made.type, column.type, { ignoreNullability: true }))
    throw mismatch(
      `${what} is ${describeType(column.type)}, and its expression gives ${describeType(made.type)}; put a CAST around it`,
      asked.expression,
    )
  const words = `${formatColumnPath(path)} is generated as ${made.spark}`
  const next = annotate(ground, path, { [generation]: made.spark })
  if (next === ground && !isNew) return changed(draft, draft, path, words)
  const check = { draft: ground, violated: differs(path, made), error: (rows: number) => notGenerated(path, made.spark, rows) }
  return changed(draft, { ...withFeature(next, 'generatedColumns'), checks: [...ground.checks, check] }, path, words)
}

/**
 * A BIGINT column, new or there already, whose values the table counts. It goes on behind the values that are there; none of them may be
 * NULL.
 */
export async function identityColumn(draft: Draft, asked: Asked<'identity'>, look: LookAtRows): Promise<Step> {
  const {
    name,
    start = 1,
    step = 1,
    allowExplicitInsert = false,
  } = typeof asked === 'object' && 'name' in asked ? asked : { name: asked as ColumnName }
  if (![start, step].every(Number.isSafeInteger) || step === 0) {
    throw new UsageError('INVALID_ARGUMENT', 'An identity column begins at a whole number and goes on by one that is not 0.', {
      remedy: 'Give start and step as whole numbers.',
    })
  }
  const { ground, path } = withTopColumn(draft, name, 'long', 'identity values')
  const [column, text] = [columnAt(ground.schema, path), formatColumnPath(path)]
  const words = `${text} is an identity column`
  if (identity[1] in column.metadata) return changed(draft, draft, path, words)
  if (column.type !== 'long')
    throw mismatch(`The identity column ${text} is ${describeType(column.type)} in the table, and has to be BIGINT`, text)
  if (generation in column.metadata || currentDefault in column.metadata) throw taken(path)
  const value = quoteIdentifier(column.name)
  const { nulls, last } = await look(
    ground,
    `count(*) FILTER (WHERE ${value} IS NULL) AS nulls, ${step > 0 ? 'max' : 'min'}(${value}) AS last`,
  )
  if (Number(nulls ?? 0) > 0) {
    throw new SchemaError(
      'NOT_NULL_VIOLATED',
      `The column ${text} cannot become an identity column: ${rowsHave(Number(nulls))} no value in it.`,
      {
        remedy: 'Add it as a BIGINT column, fill it with an update, and make it an identity column then.',
        data: { column: text, rows: Number(nulls) },
      },
    )
  }
  const mark = last === null || last === undefined ? undefined : onGrid(BigInt(last as bigint), BigInt(start), BigInt(step))
  const notes = { [identity[0]]: start, [identity[1]]: step, [identity[2]]: mark, [identity[3]]: allowExplicitInsert }
  return changed(draft, withFeature({ ...annotate(ground, path, notes), readsRows: true }, 'identityColumns'), path, words)
}

/** Where engines do not agree on an expression's value, no row fulfils it. */
function unsure(): string {
  return 'NULL'
}

/** The last value on the way that is not before the one that is there; `undefined` where counting has not begun. */
function onGrid(last: bigint, start: bigint, step: bigint): number | bigint | undefined {
  const behind = (last - start) * (step > 0n ? 1n : -1n)
  if (behind < 0n) return undefined
  const width = step > 0n ? step : -step
  const mark = start + ((behind + width - 1n) / width) * step
  return Number.isSafeInteger(Number(mark)) ? Number(mark) : mark
}

function differs(path: ColumnPath, { duckdb }: Expression): string {
  return `${quoteIdentifier(path[0]!)} IS DISTINCT FROM (${duckdb})`
}

/** The draft with a column of that name: the one that is there, or a new one at its end. */
function withTopColumn(draft: Draft, name: ColumnName, type: DataType, what: string): { ground: Draft; path: ColumnPath; isNew: boolean } {
  const asked = typeof name === 'string' ? name : name.length === 1 ? name[0]! : undefined
  const isThere = asked === undefined || indexOfField(draft.schema.fields, asked) >= 0
  if (isThere) return { ground: draft, path: topColumn(draft, name, what), isNew: false }
  const path = newColumnPath(draft.schema, name)
  if (path.length > 1) throw onlyTop(path, what)
  return { ground: withSchema(draft, addField(draft.schema, path, field(path[0]!, type))), path, isNew: true }
}

function topColumn({ schema }: Draft, name: ColumnName, what: string): ColumnPath {
  const path = findColumn(schema, name)
  if (path.length > 1) throw onlyTop(path, what)
  return path
}

function columnAt({ fields }: StructType, [name]: ColumnPath): StructField {
  return fields.find((one) => one.name === name)!
}

function annotate(draft: Draft, path: ColumnPath, notes: Readonly<Record<string, unknown>>): Draft {
  const schema = annotateField(draft.schema, path, notes)
  return schema === draft.schema ? draft : { ...draft, schema }
}

function changed(before: Draft, draft: Draft, path: ColumnPath, words: string): Step {
  const parameters = {
    column: JSON.stringify(columnAt(draft.schema, path), (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  }
  return { draft: draft === before ? before : draft, operation: 'CHANGE COLUMN', parameters, words }
}

/** Whether a value of the one type is one of the other without being judged. */
function isAssignable(from: DataType, to: DataType): boolean {
  if (from === 'void' || sameType(from, to, { ignoreNullability: true })) return true
  const isNumber = (type: DataType) =>
    decimalParts(type) !== undefined || ['byte', 'short', 'integer', 'long', 'float', 'double'].includes(String(type))
  return (
    (isNumber(from) && isNumber(to)) ||
    (['date', 'timestamp', 'timestamp_ntz'].includes(String(from)) && (to === 'timestamp' || to === 'timestamp_ntz'))
  )
}

function onlyTop(path: ColumnPath, what: string): UsageError {
  return new UsageError('INVALID_ARGUMENT', `${formatColumnPath(path)} is inside another column: only whole columns have ${what}.`, {
    remedy: 'Name a column of the table.',
    data: { column: formatColumnPath(path) },
  })
}

function taken(path: ColumnPath): UsageError {
  const column = formatColumnPath(path)
  return new UsageError('COLUMN_IN_USE', `The column ${column} has another rule for its values already.`, {
    remedy: 'A column has a default, or is generated, or counts; use another column.',
    data: { column },
  })
}

function notGenerated(path: ColumnPath, expression: string, rows: number): ValueError {
  const column = formatColumnPath(path)
  return new ValueError(
    'GENERATED_VALUE_MISMATCH',
    `The column ${column} cannot be generated as ${expression}: ${rowsHave(rows)} another value in it.`,
    {
      remedy: `Add ${column} as a plain column, fill it with an update, and make it a generated one then.`,
      data: { column, expression, rows },
    },
  )
}

function mismatch(why: string, expression: string): SchemaError {
  return new SchemaError('TYPE_MISMATCH', `${capital(why)}.`, { remedy: 'Give an expression of the right type.', data: { expression } })
}

function rowsAre(rows: number): string {
  return rows === 1 ? 'a row is' : `${rows} rows are`
}

function rowsHave(rows: number): string {
  return rows === 1 ? 'a row has' : `${rows} rows have`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
