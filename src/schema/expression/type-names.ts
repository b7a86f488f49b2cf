/** Types as a CAST names them: Spark's words, and for what a user types DuckDB's too. */
import { decimalType } from '../sql-type.ts'
import type { PrimitiveType } from '../types.ts'
import type { Cursor } from './cursor.ts'
import { Refusal } from './refusal.ts'
import type { Spelling } from './tokens.ts'

const types: Readonly<Record<string, PrimitiveType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'byte',
  BYTE: 'byte',
  SMALLINT: 'short',
  SHORT: 'short',
  INT: 'integer',
  INTEGER: 'integer',
  BIGINT: 'long',
  LONG: 'long',
  FLOAT: 'float',
  REAL: 'float',
  DOUBLE: 'double',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_LTZ: 'timestamp',
  TIMESTAMP_NTZ: 'timestamp_ntz',
  STRING: 'string',
  BINARY: 'binary',
}

const duckdbTypes: Readonly<Record<string, PrimitiveType>> = {
  VARCHAR: 'string',
  TEXT: 'string',
  TIMESTAMPTZ: 'timestamp',
  BLOB: 'binary',
}

/** Takes the name of a type. @throws Refusal */
export function readType(cursor: Cursor, spelling: Spelling): PrimitiveType {
  const word = cursor.name().toUpperCase()
  const known = types[word] ?? (spelling === 'any' ? duckdbTypes[word] : undefined)
  if (known !== undefined) return known
  if (word !== 'DECIMAL' && word !== 'DEC' && word !== 'NUMERIC') throw new Refusal(`the type ${word} is not known`)
  if (!cursor.symbol('(')) {
    if (spelling === 'any') throw new Refusal('a DECIMAL needs its digits, as in DECIMAL(10,2): DuckDB and Spark have different ones')
    return decimalType(10, 0)
  }
  const precision = Number(cursor.take())
  const scale = cursor.symbol(',') ? Number(cursor.take()) : 0
  cursor.expect(')')
  if (!(Number.isInteger(precision) && Number.isInteger(scale) && precision >= 1 && precision <= 38 && scale <= precision && scale >= 0))
    throw new Refusal('a DECIMAL has impossible digits')
  return decimalType(precision, scale)
}
