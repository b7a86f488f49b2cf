/** Flat Delta columns as Parquet's own schema, the same that DuckDB writes for them. */
import type { ParquetWriter } from 'hyparquet-writer'
import { decimalParts } from '../../schema/sql-type.ts'
import type { PrimitiveType } from '../../schema/types.ts'

/** An element of Parquet's own schema. */
export type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number]

/** The column as Parquet's schema has it. `undefined` for types that are not written here. */
export function parquetElement(name: string, type: PrimitiveType, id: number | undefined): SchemaElement | undefined {
  const layout = layouts[type] ?? decimalLayout(type)
  if (layout === undefined) return undefined
  return { name, repetition_type: 'OPTIONAL', ...layout, ...(id === undefined ? {} : { field_id: id }) }
}

type Layout = Omit<SchemaElement, 'name' | 'repetition_type'>

const layouts: Readonly<Partial<Record<PrimitiveType, Layout>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  binary: { type: 'BYTE_ARRAY' },
  boolean: { type: 'BOOLEAN' },
  byte: { type: 'INT32', converted_type: 'INT_8' },
  short: { type: 'INT32', converted_type: 'INT_16' },
  integer: { type: 'INT32', converted_type: 'INT_32' },
  long: { type: 'INT64', converted_type: 'INT_64' },
  float: { type: 'FLOAT' },
  double: { type: 'DOUBLE' },
  date: { type: 'INT32', converted_type: 'DATE' },
  timestamp: timestamp(true),
  timestamp_ntz: timestamp(false),
}

function timestamp(isAdjustedToUTC: boolean): Layout {
  return { type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC, unit: 'MICROS' } }
}

function decimalLayout(type: PrimitiveType): Layout | undefined {
  const parts = decimalParts(type)
  if (parts === undefined) return undefined
  const { precision, scale } = parts
  const shared = { converted_type: 'DECIMAL', precision, scale, logical_type: { type: 'DECIMAL', precision, scale } } as const
  if (precision <= 9) return { type: 'INT32', ...shared }
  return precision <= 18 ? { type: 'INT64', ...shared } : { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, ...shared }
}
