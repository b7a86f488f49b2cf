/** Looking whether the rows that are there fulfil a rule that is to be made. */
import { QueryError, ValueError } from '../../errors/index.ts'
import type { DeltaLog, FileList, TableState } from '../../log/index.ts'
import { Session, targetOf } from '../../query/index.ts'
import type { ColumnPath } from '../../schema/evolve/column-path.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { decimalParts, toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructType } from '../../schema/types.ts'
import { type Draft, metadataOf, protocolOf, type RowCheck } from './draft.ts'

const table = 't'

/** Looks at the rows that are there as a draft calls their columns: a select list over them, which gives one row. */
export type LookAtRows = (draft: Draft, select: string) => Promise<Readonly<Record<string, unknown>>>

/** The rows of a version, to be looked at. Nothing is opened where there are none; every value is then `undefined`. */
export function rowsOf(log: DeltaLog, state: TableState, signal?: AbortSignal): LookAtRows {
  let list: Promise<FileList> | undefined
  return async (draft, select) => {
    if (state.counts?.files === 0) return {}
    list ??= log.files(state)
    const files = await list
    const drafted = { ...state, protocol: protocolOf(draft), metadata: metadataOf(draft) }
    const target = targetOf(log, drafted, { files: async () => files })
    const session = new Session([{ name: table, asOf: async () => target }], {})
    const [row] = await session.query(`SELECT ${select} FROM ${table}`, { signal }).toArray()
    return row ?? {}
  }
}

/** Checks the rows that are there. @throws the error of the first rule that rows are against */
export async function checkRows(look: LookAtRows, checks: readonly RowCheck[]): Promise<void> {
  for (const { draft, violated, error } of checks) {
    const { n } = await look(draft, `count(*) FILTER (WHERE ${violated}) AS n`)
    if (Number(n ?? 0) > 0) throw error(Number(n))
  }
}

/** Whether a constant is a value of a type as it is, without rounding. */
export async function fits(sql: string, type: DataType): Promise<boolean> {
  const exact = decimalParts(type) !== undefined || ['byte', 'short', 'integer', 'long'].includes(String(type))
  const cast = `CAST(${sql} AS ${toSqlType(type)})`
  try {
    const [row] = await new Session([], {})
      .query(`SELECT ${exact ? `${cast} IS NOT DISTINCT FROM ${sql}` : `${cast} IS NULL OR true`} AS same`)
      .toArray()
    return row?.same === true
  } catch (error) {
    if (error instanceof ValueError || (error instanceof QueryError && error.code === 'SQL_ERROR')) return false
    throw error
  }
}

/** An SQL condition: NULL stands where a path leads. Where something that the column is inside of is NULL, nothing stands there. */
export function hasNull(schema: StructType, path: ColumnPath): string {
  const [first = '', ...rest] = path
  return nullIn(quoteIdentifier(first), schema.fields.find(({ name }) => name === first)!.type, rest, 0)
}

function nullIn(value: string, type: DataType, path: ColumnPath, depth: number): string {
  const [step, ...rest] = path
  if (step === undefined) return `${value} IS NULL`
  if (typeof type === 'string') throw new Error(`nothing is inside a ${type}`)
  if (type.type === 'struct') {
    const field = type.fields.find(({ name }) => name === step)!
    return `(${value} IS NOT NULL AND ${nullIn(`struct_extract(${value}, ${quoteLiteral(step)})`, field.type, rest, depth)})`
  }
  const [items, inner] =
    type.type === 'array'
      ? [value, type.elementType]
      : step === 'key'
        ? [`map_keys(${value})`, type.keyType]
        : [`map_values(${value})`, type.valueType]
  const item = `item${depth}`
  return `coalesce(len(list_filter(${items}, lambda ${item}: ${nullIn(item, inner, rest, depth + 1)})) > 0, false)`
}
