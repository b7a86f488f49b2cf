/** Constants: which texts are dates and timestamps to every engine, and how constants are written in DuckDB's SQL and in Spark's. */
import { quoteLiteral } from '../quoting.ts'
import { toSqlType } from '../sql-type.ts'
import { formatInstant, parseDate, parseInstant } from '../temporal.ts'
import type { Literal } from './syntax.ts'

/** `yyyy-MM-dd`, where the text is a day spelt so; else `undefined`. */
export function dateText(text: string): string | undefined {
  return /^\d{4}-\d\d-\d\d$/.test(text) && parseDate(text) !== undefined ? text : undefined
}

/** `yyyy-MM-dd HH:mm:ss[.ffffff]` in UTC, where the text is a date, or a time spelt so with at most a zone behind it; else `undefined`. */
export function timestampText(text: string): string | undefined {
  if (dateText(text) !== undefined) return `${text} 00:00:00`
  const spelt = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?$/.exec(text)
  if (spelt === null) return undefined
  const instant = parseInstant(`${spelt[1]}T${spelt[2]}${spelt[3] ?? ''}${spelt[4] ?? 'Z'}`)
  if (instant === undefined) return undefined
  const instantText = formatInstant(instant.micros, ' ')
  return /^\d{4}-/.test(instantText) ? instantText.replace(/\.0+$|(?<=\.\d*[1-9])0+$/, '') : undefined
}

/** A constant in DuckDB's SQL, always with its type: left to itself DuckDB picks another than Spark. */
export function duckdbLiteral({ type, text }: Literal): string {
  switch (type) {
    case 'void':
      return 'NULL'
    case 'boolean':
      return text.toUpperCase()
    case 'string':
      return quoteLiteral(text)
    case 'binary':
      return `from_hex(${quoteLiteral(text)})`
    case 'timestamp':
      return `CAST(${quoteLiteral(`${text}+00`)} AS TIMESTAMPTZ)`
    default:
      return `CAST(${quoteLiteral(text)} AS ${toSqlType(type)})`
  }
}

/** A constant as every version of Spark reads it. */
export function sparkLiteral({ type, text }: Literal): string {
  switch (type) {
    case 'void':
      return 'NULL'
    case 'string':
      return sparkString(text)
    case 'binary':
      return `X'${text}'`
    case 'date':
      return `DATE'${text}'`
    case 'timestamp':
      // The zone is said, since another session may have another.
      return `TIMESTAMP'${text}Z'`
    case 'timestamp_ntz':
      return `TIMESTAMP_NTZ'${text}'`
    case 'byte':
      return `${text}Y`
    case 'short':
      return `${text}S`
    case 'long':
      return `${text}L`
    case 'double':
      return `${text}D`
    case 'boolean':
      return text
    case 'integer':
      return text
    default:
      return text.includes('.') ? text : `${text}BD`
  }
}

/** A text in Spark's quotes. */
export function sparkString(text: string): string {
  const named: Readonly<Record<string, string>> = { "'": "\\'", '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b' }
  return `'${text.replace(/['\\\n\r\t\b]/g, (char) => named[char]!)}'`
}
