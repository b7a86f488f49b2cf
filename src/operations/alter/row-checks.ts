/** Looking whether the rows that are there fulfil a rule that is to be made. */
import type { DeltaLog, TableState } from '../../log/index.ts'
import { Session } from '../../query/index.ts'
import type { ColumnPath } from '../../schema/evolve/column-path.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import type { DataType, StructType } from '../../schema/types.ts'
import { propertiesOf, type RowCheck } from './draft.ts'

const table = 't'

/** Checks the rows of a version. @throws the error of the first rule that rows are against */
export async function checkRows(log: DeltaLog, state: TableState, checks: readonly RowCheck[], signal?: AbortSignal): Promise<void> {
  if (checks.length === 0 || state.counts?.files === 0) return
  const files = await log.files(state)
  for (const { draft, violated, error } of checks) {
    const target = {
      version: state.version,
      schema: draft.schema,
      partitionColumns: draft.partitionColumns,
      properties: propertiesOf(draft),
      store: log.store,
      files: async () => files,
    }
    const session = new Session([{ name: table, asOf: async () => target }], {})
    const [row] = await session.query(`SELECT count(*) AS n FROM ${table} WHERE ${violated}`, { signal }).toArray()
    const rows = Number(row?.n)
    if (rows > 0) throw error(rows)
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
