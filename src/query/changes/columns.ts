/**
 * The columns of a change feed: those of the table at the end of the range, and three that tell of the change.
 *
 * Rows of earlier versions come in the columns of the end, so whatever happened to the schema in between must leave them readable: a
 * column may be added (NULL before), renamed where columns are mapped, and widened. Where one was dropped, retyped otherwise or made NOT
 * NULL, one schema cannot tell all changes, and the version that did it is named.
 */

import { SchemaError } from '../../errors/index.ts'
import type { Metadata } from '../../log/actions.ts'
import { describeType } from '../../schema/compare.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { parseSchema } from '../../schema/schema-json.ts'
import { decimalParts } from '../../schema/sql-type.ts'
import type { DataType, PrimitiveType, StructField, StructType } from '../../schema/types.ts'
import { asciiLower } from '../sql/ast.ts'

/** The column that says what happened to the row: `insert`, `update_preimage`, `update_postimage` or `delete`. */
export const changeType = '_change_type'
/** The column with the version that changed the row. */
export const commitVersion = '_commit_version'
/** The column with the time of that version. */
export const commitTimestamp = '_commit_timestamp'

const ownColumns: readonly StructField[] = [
  { name: changeType, type: 'string', nullable: false, metadata: {} },
  { name: commitVersion, type: 'long', nullable: false, metadata: {} },
  { name: commitTimestamp, type: 'timestamp', nullable: false, metadata: {} },
]

/** The schema of the feed's rows. @throws SchemaError RESERVED_COLUMN, NO_COLUMNS */
export function feedSchema(table: StructType, root: string): StructType {
  const own = new Set(ownColumns.map(({ name }) => name))
  const taken = table.fields.find(({ name }) => own.has(asciiLower(name)))
  if (taken !== undefined) {
    throw new SchemaError('RESERVED_COLUMN', `The table ${root} has a column ${taken.name} of its own, which the change feed needs.`, {
      remedy: 'Rename the column, or compare two versions with a query.',
      data: { column: taken.name, table: root },
    })
  }
  return { type: 'struct', fields: [...table.fields, ...ownColumns] }
}

/** What of a table's metadata says how its rows are read. */
export type Layout = Pick<Metadata, 'schemaString' | 'configuration' | 'partitionColumns'>

/** What is compared of two layouts. */
export interface Compared {
  /** Names of the columns that are wanted, in lower case. Default: all. */
  readonly columns?: ReadonlySet<string> | undefined
  /** Whether columns may be gone. Those that are not wanted always may. */
  readonly dropsAllowed?: boolean
  /** Whether all columns are taken as nullable, and may lose fields inside them: of rows that are shown, and never written again. Default: `false`. */
  readonly loosely?: boolean
}

/** Why rows written under a layout cannot be read in the columns of a later one, in a few words; `undefined` where they can. */
export function unreadable(
  older: Layout,
  newer: Layout,
  { columns, dropsAllowed = columns !== undefined, loosely = false }: Compared = {},
): string | undefined {
  const wanted = (field: StructField) => columns === undefined || columns.has(asciiLower(field.name))
  const [before, after] = [layoutOf(older), layoutOf(newer)]
  const wantedOnes = { ...after.schema, fields: after.schema.fields.filter(wanted) }
  return structProblem(before.schema, wantedOnes, { before, after, loosely }, '', dropsAllowed)
}

interface Side {
  readonly schema: StructType
  readonly nameInFiles: (field: StructField) => string
}

interface Sides {
  readonly before: Side
  readonly after: Side
  readonly loosely: boolean
}

function layoutOf({ schemaString, configuration }: Layout): Side {
  const naming = columnNaming(configuration ?? {})
  return { schema: parseSchema(schemaString), nameInFiles: (field) => physicalName(field, naming) }
}

/** A column is the same one where it has the same name in files. */
function structProblem(older: StructType, newer: StructType, sides: Sides, parent: string, dropsAllowed: boolean): string | undefined {
  const { before, after, loosely } = sides
  const left = new Map(older.fields.map((field) => [asciiLower(before.nameInFiles(field)), field]))
  for (const field of newer.fields) {
    const name = asciiLower(after.nameInFiles(field))
    const known = left.get(name)
    left.delete(name)
    const column = parent + field.name
    if (known === undefined) {
      if (!field.nullable && !loosely) return `the column ${column} was added as NOT NULL`
      continue
    }
    const problem = typeProblem(known.type, field.type, sides, column)
    if (problem !== undefined) return problem
    if (known.nullable && !field.nullable && !loosely) return `the column ${column} became NOT NULL`
  }
  const [dropped] = left.values()
  return dropped === undefined || dropsAllowed ? undefined : `the column ${parent}${dropped.name} was dropped`
}

function typeProblem(older: DataType, newer: DataType, sides: Sides, column: string): string | undefined {
  if (older === newer || older === 'void') return undefined
  if (typeof older === 'string' || typeof newer === 'string') {
    if (typeof older === 'string' && typeof newer === 'string' && widens(older, newer)) return undefined
  } else if (older.type === 'struct' && newer.type === 'struct') {
    return structProblem(older, newer, sides, `${column}.`, sides.loosely)
  } else if (older.type === 'array' && newer.type === 'array') {
    if (older.containsNull && !newer.containsNull && !sides.loosely) return `the elements of ${column} became NOT NULL`
    return typeProblem(older.elementType, newer.elementType, sides, `${column}.element`)
  } else if (older.type === 'map' && newer.type === 'map') {
    if (older.valueContainsNull && !newer.valueContainsNull && !sides.loosely) return `the values of ${column} became NOT NULL`
    return (
      typeProblem(older.keyType, newer.keyType, sides, `${column}.key`) ??
      typeProblem(older.valueType, newer.valueType, sides, `${column}.value`)
    )
  }
  return `the column ${column} changed from ${describeType(older)} to ${describeType(newer)}`
}

const wider: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'long', 'double'],
  short: ['integer', 'long', 'double'],
  integer: ['long', 'double'],
  float: ['double'],
  date: ['timestamp_ntz'],
}

/** Digits of the whole types, before the point. Bytes and shorts have few; the protocol gives them ten, which tables of its preview need not have. */
const digits: Readonly<Record<string, number>> = { byte: 3, short: 5, integer: 10, long: 20 }

/** The widenings of the protocol (§Type Widening). */
function widens(older: PrimitiveType, newer: PrimitiveType): boolean {
  if (wider[older]?.includes(newer)) return true
  const to = decimalParts(newer)
  if (to === undefined) return false
  const from = decimalParts(older) ?? (digits[older] === undefined ? undefined : { precision: digits[older], scale: 0 })
  return from !== undefined && to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale
}
