/**
 * The columns that two versions are compared in: those of the later version, which a table's schema grows towards. A column that was
 * renamed is the same one, one that came in between is NULL in the earlier version, one that was dropped is not compared. Where rows of
 * the earlier version cannot be read so (after a restore to a narrower schema), the columns are the earlier version's.
 */
import { SchemaError, UsageError } from '../../errors/index.ts'
import type { Metadata } from '../../log/actions.ts'
import type { TableState } from '../../log/state.ts'
import { parseSchema } from '../../schema/schema-json.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import { changeType, unreadable } from '../changes/columns.ts'
import { activeMetadata, partitionNames } from '../changes/survey.ts'
import { asciiLower } from '../sql/ast.ts'

/** How rows of both versions are read. */
export interface ComparedTable {
  /** All columns, each of which may be NULL. */
  readonly schema: StructType
  readonly properties: Readonly<Record<string, string>>
  /** None where the versions are partitioned by different columns: then each file says itself. */
  readonly partitionColumns: readonly string[]
  readonly samePartitions: boolean
  /** The columns that are compared and shown, in their order; those of the key are among them. */
  readonly columns: readonly StructField[]
  readonly key: readonly StructField[]
}

/** What is asked of a comparison. */
export interface ColumnsAsked {
  readonly key?: readonly string[] | undefined
  readonly columns?: readonly string[] | undefined
}

/** @throws SchemaError SCHEMA_CHANGED, NO_COLUMNS, RESERVED_COLUMN, UNKNOWN_COLUMN */
export function comparedTable(one: TableState, other: TableState, { key = [], columns }: ColumnsAsked, root: string): ComparedTable {
  const [earlier, later] = [one, other].sort((a, b) => a.version - b.version) as [TableState, TableState]
  const [before, after] = [activeMetadata(earlier), activeMetadata(later)]
  const layout = layoutFor(before, after, [earlier.version, later.version], { key, columns }, root)
  const schema = looseSchema(layout)
  const fields = columns?.map((name) => columnOf(schema, name, root)) ?? schema.fields
  const keys = key.map((name) => columnOf(schema, name, root))
  const missing = keys.filter((field) => !fields.includes(field))
  const compared = [...new Set([...missing, ...fields])]
  if (compared.length === 0) {
    throw new SchemaError('NO_COLUMNS', `Version ${later.version} of ${root} has no columns, so there is nothing to compare.`, {
      remedy: 'Compare versions that have a schema.',
      data: { version: later.version, table: root },
    })
  }
  checkReserved(compared, root)
  const samePartitions = partitionNames(before) === partitionNames(after)
  return {
    schema,
    properties: layout.configuration,
    partitionColumns: samePartitions ? layout.partitionColumns : [],
    samePartitions,
    columns: compared,
    key: keys,
  }
}

/** The columns of a table as they are read to be shown: whether a value must be there is no matter. */
export function looseSchema({ schemaString, partitionColumns }: Metadata): StructType {
  const schema = parseSchema(schemaString, partitionColumns)
  return { ...schema, fields: schema.fields.map((field) => ({ ...field, nullable: true })) }
}

function layoutFor(
  before: Metadata,
  after: Metadata,
  versions: readonly [number, number],
  { key = [], columns }: ColumnsAsked,
  root: string,
): Metadata {
  const wanted = columns && new Set([...key, ...columns].map(asciiLower))
  const rules = { columns: wanted, dropsAllowed: true, loosely: true }
  const problem = unreadable(before, after, rules)
  if (problem === undefined) return after
  if (unreadable(after, before, rules) === undefined) return before
  throw new SchemaError(
    'SCHEMA_CHANGED',
    `Versions ${versions[0]} and ${versions[1]} of ${root} cannot be compared in one schema: ${problem}.`,
    {
      remedy: 'Name the columns to compare, without that one.',
      data: { versions: [...versions], root, reason: problem },
    },
  )
}

/** A column by its name. @throws SchemaError UNKNOWN_COLUMN */
function columnOf(schema: StructType, name: string, root: string): StructField {
  const field = schema.fields.find((one) => one.name === name) ?? schema.fields.find((one) => asciiLower(one.name) === asciiLower(name))
  if (field !== undefined) return field
  const names = schema.fields.map((one) => one.name)
  throw new SchemaError('UNKNOWN_COLUMN', `There is no column ${JSON.stringify(name)} to compare in ${root}.`, {
    remedy: `The columns are: ${names.join(', ')}.`,
    data: { column: name, columns: names },
  })
}

function checkReserved(columns: readonly StructField[], root: string): void {
  const taken = columns.find(({ name }) => asciiLower(name) === changeType)
  if (taken === undefined) return
  throw new SchemaError('RESERVED_COLUMN', `The table ${root} has a column ${taken.name} of its own, which a comparison needs.`, {
    remedy: 'Name the columns to compare, without this one.',
    data: { column: taken.name, table: root },
  })
}

/** @throws UsageError INVALID_ARGUMENT for lists of names that are none */
export function checkNames({ key, columns }: ColumnsAsked): void {
  for (const [what, names] of [
    ['key', key],
    ['columns', columns],
  ] as const) {
    if (names === undefined) continue
    if (names.length === 0) {
      throw new UsageError('INVALID_ARGUMENT', `${what} names no column.`, { remedy: 'Name columns, or leave it out.' })
    }
    const twice = names.find((name, index) => names.findIndex((one) => asciiLower(one) === asciiLower(name)) < index)
    if (twice !== undefined) {
      throw new UsageError('INVALID_ARGUMENT', `${what} names the column ${twice} twice.`, {
        remedy: 'Name it once.',
        data: { column: twice },
      })
    }
  }
}
