/**
 * What a table's metadata asks of every row that is written: CHECK constraints (§CHECK Constraints), column invariants (§Column
 * Invariants), generated columns (§Generated Columns), defaults (§Default Columns) and identity columns (§Identity Columns). Each counts
 * only where the protocol has its feature. Besides, the lengths of CHAR and VARCHAR, which Spark keeps and the protocol does not know. NOT NULL
 * is the matter of `../write/conform.ts`.
 *
 * The expressions are read by `schema/expression`; one that is not on its list makes the table one that cannot be written to.
 */
import { UnsupportedFeatureError } from '../../errors/index.ts'
import { features, type Metadata, type Protocol } from '../../log/index.ts'
import { type ExpressionOptions, offTheList, readExpression } from '../../schema/expression/expression.ts'
import { parseJson } from '../../schema/json.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { DataType, PrimitiveType, StructField, StructType } from '../../schema/types.ts'
import { assignment } from '../write/assign.ts'
import { type IdentityColumn, readIdentity } from './identity.ts'

/** A condition on each row. */
export interface RowCondition {
  readonly kind: 'constraint' | 'invariant'
  /** The constraint's name, or the column that the invariant stands on. */
  readonly name: string
  /** As the metadata has it. */
  readonly expression: string
  /** The columns that it names. */
  readonly columns: readonly StructField[]
  /** DuckDB's SQL. A row keeps the rule where it is true; false and NULL break it. */
  readonly sql: string
}

/** A column whose values an expression gives. */
export interface ColumnRule {
  readonly field: StructField
  /** As the metadata has it. */
  readonly expression: string
  /** The columns that it names; a default names none. */
  readonly columns: readonly StructField[]
  /** DuckDB's SQL of the value, of the column's type. */
  readonly sql: string
}

/** A column whose texts have a length, as Spark notes it beside the schema: at most so many characters, or just so many. */
export interface TextLength {
  readonly field: StructField
  /** As Spark writes it, such as `varchar(5)`. */
  readonly type: string
  readonly characters: number
  /** Whether shorter texts are filled up with blanks (CHAR). */
  readonly isFilledUp: boolean
}

/** All rules of a table. */
export interface TableRules {
  readonly conditions: readonly RowCondition[]
  /** A value that is given must be the expression's, NULL being a value; one that is not given is made. */
  readonly generated: readonly ColumnRule[]
  /** What columns hold that an input does not have. */
  readonly defaults: readonly ColumnRule[]
  /** Columns whose values are counted. */
  readonly identity: readonly IdentityColumn[]
  /** Whole columns of texts; of those inside others nothing is known. */
  readonly lengths: readonly TextLength[]
}

/** How the SQL of rules is written. */
export interface TableRulesOptions extends Pick<ExpressionOptions, 'column'> {
  /** SQL that stops the statement for a row for which a rule has no agreed result. `what` is the rule: `the CHECK constraint "c"`. */
  readonly fail?: ((what: string, expression: string, reason: string) => string) | undefined
  /** What `current_timestamp` in a default stands for. Default: this moment. */
  readonly now?: Date | undefined
}

/**
 * Reads the rules of a table.
 * @throws UnsupportedFeatureError UNSUPPORTED_EXPRESSION, naming the rule and its expression, where it is not known to mean here what it means elsewhere;
 * UNSUPPORTED_FEATURE where a rule has a form that is not known
 */
export function tableRules(
  { protocol, metadata }: { readonly protocol: Protocol; readonly metadata: Metadata },
  schema: StructType,
  options: TableRulesOptions = {},
): TableRules {
  const { writer } = features(protocol)
  const on = (feature: string, key: string) => (field: StructField) => writer.has(feature) && key in field.metadata
  const isGenerated = on('generatedColumns', 'delta.generationExpression')
  const plain: StructType = { type: 'struct', fields: schema.fields.filter((field) => !isGenerated(field)) }
  const none: StructType = { type: 'struct', fields: [] }
  const now = options.now ?? new Date()
  return {
    conditions: [
      ...(writer.has('checkConstraints') ? constraints(metadata, schema, options) : []),
      ...(writer.has('invariants') ? invariants(schema, schema, '', options) : []),
    ],
    generated: schema.fields
      .filter(isGenerated)
      .map((field) => columnRule(field, 'delta.generationExpression', 'the generated column', plain, options)),
    defaults: schema.fields
      .filter(on('allowColumnDefaults', 'CURRENT_DEFAULT'))
      .map((field) => columnRule(field, 'CURRENT_DEFAULT', 'the default of the column', none, { ...options, now })),
    identity: schema.fields.filter(on('identityColumns', 'delta.identity.step')).map(readIdentity),
    lengths: schema.fields.flatMap(textLength),
  }
}

/** The key of a column's metadata that holds its type as it was declared. */
export const declaredType = '__CHAR_VARCHAR_TYPE_STRING'

function textLength(field: StructField): TextLength[] {
  const type = String(field.metadata[declaredType] ?? '').toLowerCase()
  const [, kind, characters] = /^(char|varchar)\((\d+)\)$/.exec(type) ?? []
  if (characters === undefined || field.type !== 'string') return []
  return [{ field, type, characters: Number(characters), isFilledUp: kind === 'char' }]
}

/** The rule of a table's generated column, default or other expression whose value a column holds. @throws UnsupportedFeatureError */
function columnRule(field: StructField, key: string, kind: string, schema: StructType, options: TableRulesOptions): ColumnRule {
  const what = `${kind} ${JSON.stringify(field.name)}`
  const text = String(field.metadata[key])
  const { duckdb, type, columns } = read(text, what, schema, options, key === 'CURRENT_DEFAULT' ? options.now : undefined)
  if (!isStorable(type, field.type)) throw offTheList(text, what, `it gives another type than the column has`)
  return { field, expression: text, columns, sql: type === field.type ? duckdb : `CAST(${duckdb} AS ${toSqlType(field.type)})` }
}

function isStorable(from: DataType, to: DataType): boolean {
  if (from === 'void') return true
  return typeof from === 'string' && typeof to === 'string' && assignment(from as PrimitiveType, to as PrimitiveType) !== undefined
}

function constraints({ configuration }: Metadata, schema: StructType, options: TableRulesOptions): RowCondition[] {
  const prefix = 'delta.constraints.'
  return Object.entries(configuration)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => condition('constraint', key.slice(prefix.length), text, schema, options))
}

/** The invariants of columns and of fields inside structs. They name columns from the top of the table on. */
function invariants(type: DataType, schema: StructType, path: string, options: TableRulesOptions): RowCondition[] {
  if (typeof type === 'string') return []
  if (type.type !== 'struct') {
    // Nobody says for which of the elements it would have to hold.
    if (hasInvariant(type)) throw unknownInvariant(path, 'it stands inside an array or a map')
    return []
  }
  return type.fields.flatMap((field) => {
    const name = path === '' ? field.name : `${path}.${field.name}`
    const own = 'delta.invariants' in field.metadata ? [invariant(name, field.metadata['delta.invariants'], schema, options)] : []
    return [...own, ...invariants(field.type, schema, name, options)]
  })
}

function hasInvariant(type: DataType): boolean {
  if (typeof type === 'string') return false
  if (type.type === 'array') return hasInvariant(type.elementType)
  if (type.type === 'map') return hasInvariant(type.keyType) || hasInvariant(type.valueType)
  return type.fields.some((field) => 'delta.invariants' in field.metadata || hasInvariant(field.type))
}

function invariant(name: string, stored: unknown, schema: StructType, options: TableRulesOptions): RowCondition {
  let text: unknown
  try {
    text = (parseJson(String(stored)) as { expression?: { expression?: unknown } } | null)?.expression?.expression
  } catch {
    text = undefined
  }
  if (typeof text !== 'string') throw unknownInvariant(name, `${JSON.stringify(stored)} is no expression`)
  return condition('invariant', name, text, schema, options)
}

function condition(kind: RowCondition['kind'], name: string, text: string, schema: StructType, options: TableRulesOptions): RowCondition {
  const what = describeRule(kind, name)
  const { duckdb, type, columns } = read(text, what, schema, options)
  if (type !== 'boolean' && type !== 'void') throw offTheList(text, what, 'it is no condition')
  return { kind, name, expression: text, columns, sql: duckdb }
}

/** A rule in words. */
function describeRule(kind: RowCondition['kind'], name: string): string {
  return `${kind === 'constraint' ? 'the CHECK constraint' : 'the invariant of the column'} ${JSON.stringify(name)}`
}

function read(text: string, what: string, schema: StructType, { column, fail }: TableRulesOptions, now?: Date) {
  return readExpression(text, { schema, what, column, now, fail: fail && ((reason) => fail(what, text, reason)) })
}

function unknownInvariant(column: string, why: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    'UNSUPPORTED_FEATURE',
    `Varve cannot keep the invariant of the column ${JSON.stringify(column)}: ${why}.`,
    {
      remedy: 'Use an engine that knows it, or drop the invariant there.',
      data: { feature: 'invariants', column },
    },
  )
}
