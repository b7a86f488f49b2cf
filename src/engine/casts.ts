/**
 * Types that the codec does not read are cast by DuckDB before they reach it: text for what Arrow and JavaScript have no type for,
 * and the Parquet encoding for VARIANT (§Variant Data Type: a struct of `metadata` and `value`).
 */
import { quoteIdentifier } from '../schema/quoting.ts'
import { type EngineField, type EngineType, toSqlSpelling } from './types.ts'

const asText: ReadonlySet<string> = new Set(['ENUM', 'UUID', 'BIT', 'INTERVAL', 'UNION', 'BIGNUM', 'TIME_TZ'])

/**
 * The query with its columns cast to what the codec reads, or `undefined` where it reads all of them already. The columns keep their
 * names and order.
 */
export function castForCodec(sql: string, columns: readonly EngineField[]): string | undefined {
  if (!columns.some((column) => needsCast(column.type))) return undefined
  const names = columns.map((_, index) => `c${index}`)
  const list = columns.map((column, index) => `${castExpression(names[index]!, column.type)} AS ${quoteIdentifier(column.name)}`)
  return `SELECT ${list.join(', ')} FROM (\n${sql.replace(/[;\s]+$/, '')}\n) AS source(${names.join(', ')})`
}

/** Whether the codec cannot read a type as it is. */
export function needsCast(type: EngineType): boolean {
  switch (type.name) {
    case 'LIST':
    case 'ARRAY':
      return needsCast(type.child)
    case 'MAP':
      return needsCast(type.key) || needsCast(type.value)
    case 'STRUCT':
      return type.fields.some((field) => needsCast(field.type))
    default:
      return asText.has(type.name) || type.name === 'VARIANT' || type.name === 'UHUGEINT' || type.name === 'GEOMETRY'
  }
}

/** An expression of the type that the codec reads. A plain cast reaches into nested types; VARIANT needs a function for each value. */
function castExpression(expression: string, type: EngineType, depth = 0): string {
  const element = `e${depth}`
  if (!needsCast(type)) return expression
  if (!hasVariant(type)) return `CAST(${expression} AS ${toSqlSpelling(readable(type))})`
  switch (type.name) {
    case 'LIST':
    case 'ARRAY':
      return `list_transform(${expression}::${toSqlSpelling(type.child)}[], lambda ${element}: ${castExpression(element, type.child, depth + 1)})`
    case 'MAP': {
      const key = castExpression(`${element}.key`, type.key, depth + 1)
      const value = castExpression(`${element}.value`, type.value, depth + 1)
      return `map_from_entries(list_transform(map_entries(${expression}), lambda ${element}: struct_pack(key := ${key}, value := ${value})))`
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => {
        const name = quoteIdentifier(field.name)
        return `${name} := ${castExpression(`${expression}.${name}`, field.type, depth)}`
      })
      return `CASE WHEN ${expression} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`
    }
    default:
      return `CASE WHEN ${expression} IS NOT NULL THEN variant_to_parquet_variant(${expression}) END`
  }
}

function hasVariant(type: EngineType): boolean {
  switch (type.name) {
    case 'LIST':
    case 'ARRAY':
      return hasVariant(type.child)
    case 'MAP':
      return hasVariant(type.key) || hasVariant(type.value)
    case 'STRUCT':
      return type.fields.some((field) => hasVariant(field.type))
    default:
      return type.name === 'VARIANT'
  }
}

/** The type that the codec reads after the cast. VARIANT keeps its name, so that a reader is told what the struct is. */
export function readable(type: EngineType): EngineType {
  switch (type.name) {
    case 'LIST':
      return { ...type, child: readable(type.child) }
    case 'ARRAY':
      return { ...type, child: readable(type.child) }
    case 'MAP':
      return { ...type, key: readable(type.key), value: readable(type.value) }
    case 'STRUCT':
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: readable(field.type) })) }
    case 'UHUGEINT':
      return { name: 'DECIMAL', width: 38, scale: 0 }
    case 'GEOMETRY':
      return { name: 'BLOB' }
    default:
      return asText.has(type.name) ? { name: 'VARCHAR' } : type
  }
}
