/**
 * Values of text formats (CSV, JSON) as a table's types. DuckDB rounds `1.5` to an integer column and `1.239` to two places without
 * a word; here a text is taken only if it says exactly such a value.
 */
import { quoteLiteral } from '../../schema/quoting.ts'
import { decimalParts, toSqlType } from '../../schema/sql-type.ts'
import type { DataType, PrimitiveType } from '../../schema/types.ts'
import { checked } from '../write/value-check.ts'

/** How strictly numbers are read. */
export interface TextRules {
  /** The type is a guess from a sample: `007` is no number then, but a name of something. */
  readonly guessed: boolean
}

/** SQL of the value of a type from SQL of its text. NULL stays NULL. */
export function fromText(text: string, type: PrimitiveType, column: string, rules: TextRules): string {
  if (type === 'string') return text
  const tried = `TRY_CAST(${text} AS ${toSqlType(type)})`
  const pattern = patternOf(type, rules)
  const bad = pattern === undefined ? `${tried} IS NULL` : `(${tried} IS NULL OR NOT regexp_full_match(${text}, ${quoteLiteral(pattern)}))`
  return checked(`${text} IS NOT NULL AND ${bad}`, text, tried, column, 'text', type, 'INVALID_VALUE')
}

/** A type with text in place of every value: how such formats are read. */
export function textType(type: DataType): DataType {
  if (typeof type === 'string') return 'string'
  switch (type.type) {
    case 'array':
      return { ...type, elementType: textType(type.elementType), containsNull: true }
    case 'map':
      return { ...type, keyType: textType(type.keyType), valueType: textType(type.valueType), valueContainsNull: true }
    case 'struct':
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: textType(field.type), nullable: true })) }
  }
}

/** What a text has to look like, beyond what DuckDB's cast takes. */
function patternOf(type: PrimitiveType, rules: TextRules): string | undefined {
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return rules.guessed ? '\\s*-?(0|[1-9][0-9]*)\\s*' : '\\s*[+-]?[0-9]+\\s*'
    case 'timestamp':
    case 'timestamp_ntz':
      // Digits below a microsecond would be cut off.
      return '[^.]*(\\.[0-9]{0,6}0*([^0-9].*)?)?'
    default: {
      const decimal = decimalParts(type)
      return decimal === undefined ? undefined : `\\s*[+-]?[0-9]*(\\.[0-9]{0,${decimal.scale}}0*)?\\s*`
    }
  }
}
