import { type ColumnNaming, fieldId, physicalName } from '../../schema/physical.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { DataType, StructField } from '../../schema/types.ts'
import type { Projection } from './conform.ts'

/** DuckDB's FIELD_IDS of a COPY for columns that have ids (§Column Mapping), nested ones too; `undefined` where none has. */
export function fieldIds(columns: Projection, naming: ColumnNaming): string | undefined {
  const entries = columns.map((column) => entry(column.field, naming)).filter((text) => text !== undefined)
  return entries.length === 0 ? undefined : `{${entries.join(', ')}}`
}

function entry(field: StructField, naming: ColumnNaming): string | undefined {
  const id = fieldId(field, naming)
  const inner = children(field.type, naming)
  if (id === undefined && inner.length === 0) return undefined
  const name = quoteIdentifier(physicalName(field, naming))
  if (inner.length === 0) return `${name}: ${id}`
  return `${name}: {${[...(id === undefined ? [] : [`__duckdb_field_id: ${id}`]), ...inner].join(', ')}}`
}

function children(type: DataType, naming: ColumnNaming): string[] {
  if (typeof type === 'string') return []
  switch (type.type) {
    case 'struct':
      return type.fields.map((field) => entry(field, naming)).filter((text) => text !== undefined)
    case 'array':
      return named('element', type.elementType, naming)
    case 'map':
      return [...named('key', type.keyType, naming), ...named('value', type.valueType, naming)]
  }
}

function named(name: string, type: DataType, naming: ColumnNaming): string[] {
  const inner = children(type, naming)
  return inner.length === 0 ? [] : [`${name}: {${inner.join(', ')}}`]
}
