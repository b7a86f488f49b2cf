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

/** SQL of the value of a type from SQL of its text. NULL stays NULL. Bytes are read as base64, the form in which they are printed. */
export function fromText(text: string, type: PrimitiveType, column: string, rules: TextRules): string {
  if (type === 'string') return text
  const tried = type === 'binary' ? `TRY(from_base64(${text}))` : `TRY_CAST(${text} AS ${toSqlType(type)})`
  const bad = [`${tried} IS NULL`]
  const pattern = patternOf(type, rules)
  if (pattern !== undefined) bad.push(`NOT regexp_full_match(${text}, ${quoteLiteral(pattern)})`)
  // A number that is too large becomes infinite in silence.
  if (type === 'float' || type === 'double')
    bad.push(`(isinf(${tried}) AND NOT regexp_full_match(${text}, ${quoteLiteral('(?i)\\s*[+-]?inf(inity)?\\s*')}))`)
  return checked(`${text} IS NOT NULL AND (${bad.join(' OR ')})`, text, tried, column, 'text', type, 'INVALID_VALUE')
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
    case 'date':
      // A time of day would be cut off, and `infinity` is a day to DuckDB alone.
      return `${day}([T ]+00:00(:00(\\.0*)?)?${utc}?)?\\s*`
    case 'timestamp':
      // Digits below a microsecond would be cut off.
      return `${day}([^.]*(\\.[0-9]{0,6}0*([^0-9].*)?)?)?`
    case 'timestamp_ntz':
      // An offset, too.
      return `${day}([T ]+[0-9:]+(\\.[0-9]{0,6}0*)?${utc}?)?\\s*`
    default: {
      const decimal = decimalParts(type)
      return decimal === undefined ? undefined : `\\s*[+-]?[0-9]*(\\.[0-9]{0,${decimal.scale}}0*)?\\s*`
    }
  }
}

/** As DuckDB takes days, the endless ones left out. */
const day = '\\s*[+-]?[0-9]+[-/ ][0-9]+[-/ ][0-9]+( \\(BC\\))?'
const utc = '\\s*(Z|UTC|[+-]00(:?00)?)'
