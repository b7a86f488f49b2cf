/** Delta's types in DuckDB's spelling: what a CAST, a column list or a typed NULL names. */
import { SchemaError } from '../errors/index.ts'
import { quoteIdentifier } from './quoting.ts'
import type { DataType, PrimitiveType } from './types.ts'

const sqlNames: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMPTZ',
  timestamp_ntz: 'TIMESTAMP',
  variant: 'VARIANT',
  void: '"NULL"',
}

/**
 * The type as DuckDB spells it, names inside structs quoted: `STRUCT("a" BIGINT)[]`.
 * @param quote How names are quoted. Default: always; messages quote only where they must.
 * @throws SchemaError `UNSUPPORTED_TYPE` for a struct without fields, which DuckDB does not have.
 */
export function toSqlType(type: DataType, quote: (name: string) => string = quoteIdentifier): string {
  if (typeof type === 'string') return sqlNames[type] ?? decimalName(type)
  switch (type.type) {
    case 'array':
      return `${toSqlType(type.elementType, quote)}[]`
    case 'map':
      return `MAP(${toSqlType(type.keyType, quote)}, ${toSqlType(type.valueType, quote)})`
    case 'struct':
      if (type.fields.length === 0) {
        throw new SchemaError('UNSUPPORTED_TYPE', 'A struct without fields cannot be read or written.', {
          remedy: 'Give the struct a field, or leave the column out.',
        })
      }
      return `STRUCT(${type.fields.map((child) => `${quote(child.name)} ${toSqlType(child.type, quote)}`).join(', ')})`
  }
}

/** Precision and scale of a decimal type, `undefined` for every other type. */
export function decimalParts(type: DataType): { readonly precision: number; readonly scale: number } | undefined {
  const match = typeof type === 'string' ? /^decimal\((\d+),(\d+)\)$/.exec(type) : null
  return match === null ? undefined : { precision: Number(match[1]), scale: Number(match[2]) }
}

/** The decimal type of that precision (1 to 38) and scale. */
export function decimalType(precision: number, scale: number): PrimitiveType {
  return `decimal(${precision},${scale})`
}

function decimalName(type: PrimitiveType): string {
  const { precision, scale } = decimalParts(type)!
  return `DECIMAL(${precision},${scale})`
}
