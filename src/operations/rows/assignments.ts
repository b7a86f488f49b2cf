/** `SET column = expression`, of UPDATE and MERGE: which columns get which values, fields inside structs too. */
import { SchemaError, UsageError, ValueError } from '../../errors/index.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'

/** Columns, or fields of them (`address.zip`), each with an expression in DuckDB's SQL. */
export type SetClause = Readonly<Record<string, string>>

/** One value that is assigned. */
export interface Assignment {
  /** The column of the table. */
  readonly field: StructField
  /** Names of the fields below it, down to the one that gets the value; none for the column itself. */
  readonly below: readonly string[]
  readonly expression: string
}

/** The assignments of a clause. @throws SchemaError UNKNOWN_COLUMN; UsageError INVALID_ARGUMENT for none, or two of one column */
export function assignmentsOf(set: SetClause, schema: StructType): readonly Assignment[] {
  const assignments = Object.entries(set).map(([name, expression]) => {
    if (typeof expression !== 'string') {
      throw new UsageError('INVALID_ARGUMENT', `What is assigned to ${JSON.stringify(name)} is no text.`, {
        remedy: "Give an expression in DuckDB's SQL, such as { price: 'price * 1.1' }; bind values as parameters: { price: '$price' }.",
        data: { column: name },
      })
    }
    return { ...placeOf(name, schema), expression }
  })
  for (const [index, one] of assignments.entries()) {
    const path = pathOf(one)
    const other = assignments.find((each, at) => at > index && isWithin(pathOf(each), path))
    if (other === undefined) continue
    throw new UsageError('INVALID_ARGUMENT', `${path.join('.')} is assigned twice.`, {
      remedy: 'Assign each column once, and either a struct or fields of it.',
      data: { column: path.join('.') },
    })
  }
  return assignments
}

/**
 * Refuses assignments to columns that the table counts: rows that are there keep their numbers (§Identity Columns).
 * @throws SchemaError IDENTITY_VALUE_GIVEN
 */
export function refuseCounted(assignments: readonly Assignment[]): void {
  const counted = assignments.find(({ field }) => 'delta.identity.step' in field.metadata)?.field.name
  if (counted === undefined) return
  throw new SchemaError(
    'IDENTITY_VALUE_GIVEN',
    `The column ${JSON.stringify(counted)} is counted by the table, and rows keep their numbers.`,
    {
      remedy: 'Leave it out of what is assigned.',
      data: { column: counted },
    },
  )
}

/**
 * The error of a value that does not fit what it is assigned to, with the column's name in place of ours. `assignmentOf` finds the assignment of the
 * column of a statement that has a name such as `n0` or `n1_0`.
 */
export function withColumnNamed(error: unknown, assignmentOf: (...numbers: readonly number[]) => Assignment | undefined): unknown {
  if (!(error instanceof ValueError) || error.code !== 'VALUE_OUT_OF_RANGE') return error
  const [ours = '', numbers] = / when casting from source column n(\d+(?:_\d+)?)$/.exec(error.message) ?? []
  const assignment = numbers && assignmentOf(...numbers.split('_').map(Number))
  if (!assignment) return error
  const column = pathOf(assignment).join('.')
  const message = `A value does not fit the column ${JSON.stringify(column)}: ${error.message.slice(0, -ours.length)}`
  return new ValueError(error.code, message, { remedy: error.remedy, data: { ...error.data, column }, cause: error.cause })
}

/** SQL of a column's value after assignments: `old` is its value before, `sqlOf` gives the SQL of an assigned value. */
export function assignedValue(
  field: StructField,
  old: string,
  assignments: readonly Assignment[],
  sqlOf: (assignment: Assignment) => string,
): string {
  const own = assignments.filter((one) => one.field === field)
  return own.length === 0
    ? old
    : valueAt(
        field.type,
        old,
        own.map((one) => ({ below: one.below, value: sqlOf(one) })),
      )
}

interface Placed {
  readonly below: readonly string[]
  readonly value: string
}

/** A value is converted as DuckDB converts what UPDATE assigns; a struct gets the fields that are assigned and keeps its others. */
function valueAt(type: DataType, old: string, placed: readonly Placed[]): string {
  const whole = placed.find(({ below }) => below.length === 0)
  if (whole !== undefined) return `CAST(${whole.value} AS ${toSqlType(type)})`
  const fields = (type as StructType).fields.map(({ name, type: inner }) => {
    const before = `struct_extract(${old}, ${quoteLiteral(name)})`
    const within = placed.filter(({ below }) => below[0] === name).map(({ below, value }) => ({ below: below.slice(1), value }))
    return `${quoteIdentifier(name)} := ${within.length === 0 ? before : valueAt(inner, before, within)}`
  })
  return `struct_pack(${fields.join(', ')})`
}

/** A name as a whole comes before one that is taken apart at its dots. */
function placeOf(name: string, schema: StructType): Pick<Assignment, 'field' | 'below'> {
  const whole = fieldOf(schema, name)
  if (whole !== undefined) return { field: whole, below: [] }
  const [first = '', ...rest] = name.split('.')
  const field = fieldOf(schema, first)
  const below: string[] = []
  let type = field?.type
  for (const part of rest) {
    const inner = typeof type === 'object' && type.type === 'struct' ? fieldOf(type, part) : undefined
    if (inner === undefined) throw unknownColumn(name, schema)
    below.push(inner.name)
    type = inner.type
  }
  if (field === undefined || rest.length === 0) throw unknownColumn(name, schema)
  return { field, below }
}

function fieldOf({ fields }: StructType, name: string): StructField | undefined {
  return fields.find((one) => one.name === name) ?? fields.find((one) => one.name.toLowerCase() === name.toLowerCase())
}

function pathOf({ field, below }: Assignment): string[] {
  return [field.name, ...below]
}

function isWithin(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return short.every((part, index) => part === long[index])
}

function unknownColumn(name: string, schema: StructType): SchemaError {
  const columns = schema.fields.map((field) => field.name)
  return new SchemaError('UNKNOWN_COLUMN', `There is no column ${JSON.stringify(name)} to assign to.`, {
    remedy: `The columns are: ${columns.join(', ')}.`,
    data: { column: name, columns },
  })
}
