/**
 * Values as rows are compared by: NULL is the same as NULL, NaN as NaN, and 0.0 as -0.0, as in GROUP BY; two maps with the same entries are
 * the same in whatever order they hold them, anywhere inside a value. A variant is compared as DuckDB does, by what it says.
 */
import { quoteLiteral } from '../../schema/quoting.ts'
import type { DataType } from '../../schema/types.ts'

/** Whether values of the type are compared as they are. */
export function comparesPlainly(type: DataType): boolean {
  if (typeof type === 'string') return true
  switch (type.type) {
    case 'array':
      return comparesPlainly(type.elementType)
    case 'map':
      return false
    case 'struct':
      return type.fields.every((field) => comparesPlainly(field.type))
  }
}

/** SQL of a value that is the same for values that count as the same. */
export function comparable(sql: string, type: DataType, depth = 0): string {
  if (comparesPlainly(type) || typeof type === 'string') return sql
  const inner = `e${depth}`
  switch (type.type) {
    case 'array':
      return `list_transform(${sql}, lambda ${inner}: ${comparable(inner, type.elementType, depth + 1)})`
    case 'map': {
      const key = comparable(`struct_extract(${inner}, 'key')`, type.keyType, depth + 1)
      const value = comparable(`struct_extract(${inner}, 'value')`, type.valueType, depth + 1)
      return `list_sort(list_transform(map_entries(${sql}), lambda ${inner}: {'key': ${key}, 'value': ${value}}))`
    }
    case 'struct': {
      const fields = type.fields.map(({ name, type: of }) => {
        const field = comparable(`struct_extract(${sql}, ${quoteLiteral(name)})`, of, depth)
        return `${quoteLiteral(name)}: ${field}`
      })
      return `CASE WHEN ${sql} IS NULL THEN NULL ELSE {${fields.join(', ')}} END`
    }
  }
}
