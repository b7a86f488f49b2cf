/**
 * A table's rules on the rows of one write, as layers of SQL around what is written, so that they cost no pass of their own:
 *
 *   source -> columns fitted, missing ones filled from defaults or counted -> generated columns -> conditions -> files
 *
 * Rows of every verb that are new, or changed, go through it. A verb that writes columns as they were (identity columns of an update)
 * says so, and leaves out generated columns, so that they are made anew.
 */
import { SchemaError } from '../../errors/index.ts'
import type { Metadata, Protocol } from '../../log/index.ts'
import { columnByName } from '../../schema/expression/compile.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import { writeSchema } from '../../schema/schema-json.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import type { ProjectedColumn, Projection } from '../write/conform.ts'
import { checked, stop } from '../write/value-check.ts'
import { type IdentityColumn, withHighWaterMarks } from './identity.ts'
import { type RowCondition, type TableRules, tableRules } from './table-rules.ts'

/** What of a write the rules depend on. */
export interface RowRulesOptions {
  /** The rows hold the values that identity columns have already, as rows that are changed do. Default `false`: only where a column allows that. */
  readonly keepsIdentity?: boolean | undefined
  /**
   * The name of a boolean column of the source, which is not the table's, that is true for rows whose identity values are to be counted;
   * the others keep theirs. Default: all rows of a source that lacks the identity column.
   */
  readonly newRows?: string | undefined
}

/** How rows become the table's: what a `WriteTarget` needs to have its rows keep the rules. One for each write, since it counts. */
export class RowRules {
  /** Columns that are filled where the source lacks them. */
  readonly filled: ReadonlySet<StructField>
  readonly newRows: string | undefined
  readonly #rules: TableRules
  readonly #schema: StructType
  readonly #keepsIdentity: boolean
  #counted = 0n
  #counts: readonly IdentityColumn[] = []

  /** @internal */
  constructor(rules: TableRules, schema: StructType, options: RowRulesOptions) {
    this.#rules = rules
    this.#schema = schema
    this.#keepsIdentity = options.keepsIdentity ?? false
    this.newRows = options.newRows
    this.filled = new Set([...rules.generated, ...rules.defaults, ...rules.identity].map((rule) => rule.field))
  }

  /** Whether values are counted, so that a source may be read once only. Known once {@link apply} was called. */
  get counts(): boolean {
    return this.#counts.length > 0
  }

  /**
   * The columns as the rules leave them, over the relation that `from` makes of a source's.
   * @throws SchemaError IDENTITY_VALUE_GIVEN
   */
  apply(projection: Projection, partitionColumns: readonly string[]): { readonly columns: Projection; from(source: string): string } {
    const given = new Set(projection.filter((column) => column.source !== undefined).map((column) => column.field))
    const identity = this.#rules.identity.filter((column) => this.#isCounted(column, given.has(column.field)))
    this.#counts = identity
    const columns = projection.map((column) => ({ ...column, sql: quoteIdentifier(column.physicalName), unchanged: false }))
    return {
      columns,
      from: (source) =>
        this.#check(this.#generate(this.#fill(source, projection, identity), projection, given), projection, partitionColumns),
    }
  }

  /** Notes how many rows the last relation of `from` gave. The next one counts on from there. */
  advance(rows: number): void {
    this.#counted += BigInt(rows)
  }

  /** The metadata that the commit must carry, with the new high-water marks; `undefined` where nothing was counted. */
  after(metadata: Metadata): Metadata | undefined {
    if (this.#counts.length === 0 || this.#counted === 0n) return undefined
    const marks = new Map(this.#counts.map(({ field, next, step }) => [field.name, next + (this.#counted - 1n) * step]))
    return { ...metadata, schemaString: writeSchema(withHighWaterMarks(this.#schema, marks)) }
  }

  #isCounted({ field, allowExplicitInsert }: IdentityColumn, given: boolean): boolean {
    if (!given || this.newRows !== undefined) return true
    if (this.#keepsIdentity || allowExplicitInsert) return false
    throw new SchemaError(
      'IDENTITY_VALUE_GIVEN',
      `The column ${JSON.stringify(field.name)} is counted (GENERATED ALWAYS AS IDENTITY), and the input has it.`,
      {
        remedy: 'Leave the column out of the input.',
        data: { column: field.name },
      },
    )
  }

  #fill(source: string, projection: Projection, identity: readonly IdentityColumn[]): string {
    const defaults = new Map(this.#rules.defaults.map((rule) => [rule.field, rule.sql]))
    const select = projection.map((column) => {
      const counted = identity.find(({ field }) => field === column.field)
      if (counted) return named(this.#count(counted, column), column)
      const filling = column.source === undefined ? defaults.get(column.field) : undefined
      return named(this.#fitted(column.field, filling ?? column.sql), column)
    })
    return `(SELECT ${select.join(', ')} FROM ${source})`
  }

  #count({ field, next, step }: IdentityColumn, column: ProjectedColumn): string {
    const at = `${next + this.#counted * step}::HUGEINT + ${step}::HUGEINT * (row_number() OVER () - 1)`
    const overflow = stop({ code: 'IDENTITY_OVERFLOW', column: field.name })
    const counted = `CASE WHEN ${at} NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN ${overflow} ELSE CAST(${at} AS BIGINT) END`
    if (this.newRows === undefined || column.source === undefined) return counted
    return `CASE WHEN ${quoteIdentifier(this.newRows)} THEN ${counted} ELSE ${column.sql} END`
  }

  /** A text of the length that its column has. Blanks at its end count for nothing where it is too long, as Spark has it. */
  #fitted(field: StructField, sql: string): string {
    const rule = this.#rules.lengths.find((length) => length.field === field)
    if (rule === undefined) return sql
    const fitted = rule.isFilledUp ? `rpad(${sql}, ${rule.characters}, ' ')` : `left(${sql}, ${rule.characters})`
    return checked(`length(rtrim(${sql}, ' ')) > ${rule.characters}`, sql, fitted, field.name, 'string', rule.type)
  }

  #generate(source: string, projection: Projection, given: ReadonlySet<StructField>): string {
    const { generated } = this.#rules
    if (generated.length === 0) return source
    const select = projection.map((column) => {
      const rule = generated.find(({ field }) => field === column.field)
      const name = quoteIdentifier(column.physicalName)
      if (rule === undefined) return name
      const made = this.#fitted(rule.field, rule.sql)
      if (!given.has(rule.field)) return named(made, column)
      const row = shown([rule.field, ...rule.columns], projection)
      const mismatch = stop({ code: 'GENERATED_VALUE_MISMATCH', name: rule.field.name, expression: rule.expression }, row)
      return named(`CASE WHEN ${name} IS NOT DISTINCT FROM ${made} THEN ${name} ELSE ${mismatch} END`, column)
    })
    return `(SELECT ${select.join(', ')} FROM ${source})`
  }

  /** The checks are part of a column that goes into files, since others are not always looked at. */
  #check(source: string, projection: Projection, partitionColumns: readonly string[]): string {
    const { conditions } = this.#rules
    if (conditions.length === 0) return source
    const carrier = projection.find((column) => !partitionColumns.includes(column.field.name))!
    const select = projection.map((column) => {
      const name = quoteIdentifier(column.physicalName)
      if (column !== carrier) return name
      const broken = conditions.map((condition) => `WHEN (${condition.sql}) IS DISTINCT FROM true THEN ${violation(condition, projection)}`)
      return named(`CASE ${broken.join(' ')} ELSE ${name} END`, column)
    })
    return `(SELECT ${select.join(', ')} FROM ${source})`
  }
}

/**
 * The rules of a table for one write; `undefined` where there are none.
 * @throws UnsupportedFeatureError, naming the rule that cannot be kept
 */
export function rowRules(
  ground: { readonly protocol: Protocol; readonly metadata: Metadata },
  schema: StructType,
  properties: Readonly<Record<string, string>>,
  options: RowRulesOptions = {},
): RowRules | undefined {
  const naming = columnNaming(properties)
  const rules = tableRules(ground, schema, {
    column: (path) => columnByName(path, (field) => physicalName(field, naming)),
    fail: (what, expression, reason) => stop({ code: 'EXPRESSION_FAILED', name: what, expression, reason }),
  })
  if (Object.values(rules).every((some: readonly unknown[]) => some.length === 0)) return undefined
  return new RowRules(rules, schema, options)
}

function violation(condition: RowCondition, projection: Projection): string {
  const code = condition.kind === 'constraint' ? 'CONSTRAINT_VIOLATED' : 'INVARIANT_VIOLATED'
  return stop({ code, name: condition.name, expression: condition.expression }, shown(condition.columns, projection))
}

/** SQL of the row's values in those columns, by their names; of all where a rule names none. */
function shown(columns: readonly StructField[], projection: Projection): string {
  const among = projection.filter((column) => columns.length === 0 || columns.includes(column.field))
  const parts = among.map((column) => `${quoteIdentifier(column.field.name)} := ${quoteIdentifier(column.physicalName)}`)
  return `left(CAST(struct_pack(${parts.join(', ')}) AS VARCHAR), ${mostShown})`
}

/** Letters of a row that an error shows. */
const mostShown = 500

function named(sql: string, column: ProjectedColumn): string {
  return `${sql} AS ${quoteIdentifier(column.physicalName)}`
}
