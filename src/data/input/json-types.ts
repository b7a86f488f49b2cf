/**
 * What type a value of JSON is read as, from the type that the table has and the one that DuckDB found: the table's, with the names that
 * the file has. What the table lacks inside of a struct is kept, so that it is refused or added, and never lost.
 */
import { quoteIdentifier } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField } from '../../schema/types.ts'
import { textType } from './text-values.ts'

/** The type to read values as. `found`: `undefined` where DuckDB has a type that Delta lacks. */
export function readAs(table: DataType, found: DataType | undefined): DataType {
  if (typeof table === 'string' || typeof found !== 'object') return table
  if (table.type === 'array' && found.type === 'array') return { ...table, elementType: readAs(table.elementType, found.elementType) }
  // DuckDB takes objects that have the same keys for structs.
  if (table.type === 'map' && found.type === 'map') return { ...table, valueType: readAs(table.valueType, found.valueType) }
  if (table.type !== 'struct' || found.type !== 'struct') return table
  const known = new Map(table.fields.map((field) => [field.name.toLowerCase(), field]))
  return {
    ...table,
    fields: found.fields.map((field): StructField => {
      const own = known.get(field.name.toLowerCase())
      return own === undefined ? field : { ...own, name: field.name, type: readAs(own.type, field.type) }
    }),
  }
}

/** DuckDB's type for the texts of a type's values. What becomes a variant is read as JSON. */
export function textSqlType(type: DataType): string {
  if (type === 'variant') return 'JSON'
  if (typeof type === 'string') return toSqlType(textType(type))
  switch (type.type) {
    case 'array':
      return `${textSqlType(type.elementType)}[]`
    case 'map':
      return `MAP(${textSqlType(type.keyType)}, ${textSqlType(type.valueType)})`
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${quoteIdentifier(field.name)} ${textSqlType(field.type)}`).join(', ')})`
  }
}
