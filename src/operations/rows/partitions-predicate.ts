/** The predicate that is true for the rows of some partitions. */
import type { DataFile } from '../../data/index.ts'
import { columnNaming, physicalName } from '../../data/index.ts'
import type { QueryTarget } from '../../query/index.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { quoteIdentifier, quoteValue } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructField } from '../../schema/types.ts'

/** An expression in DuckDB's SQL that is true for the rows of the partitions that files lie in, and for no others. */
export function partitionsPredicate({ schema, partitionColumns, properties }: QueryTarget, files: readonly DataFile[]): string {
  const naming = columnNaming(properties)
  const fields = partitionColumns.map((name) => schema.fields.find((field) => field.name === name)!)
  const partitions = new Set(
    files.map(({ partitionValues }) =>
      fields.map((field) => termOf(field, partitionValues[physicalName(field, naming)] ?? null)).join(' AND '),
    ),
  )
  return [...partitions].map((partition) => `(${partition})`).join(' OR ')
}

/** Compared by value: other writers may spell it otherwise. */
function termOf({ name, type }: StructField, text: string | null): string {
  const column = quoteIdentifier(name)
  if (text === null) return `${column} IS NULL`
  if (type === 'string') return `${column} = ${quoteValue(text)}`
  if (type === 'binary') return `${column} = ${partitionValueFromText(quoteValue(text), type)}`
  return `${column} = CAST(${quoteValue(text.replace(/^\+/, ''))} AS ${toSqlType(type)})`
}
