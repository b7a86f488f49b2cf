/**
 * CSV as a relation. Every value is read as text and converted by us (text-values.ts), to the table's type where it has the column,
 * else to a type that DuckDB guesses from the first rows. Unquoted nothing is NULL, `""` is the empty string.
 *
 * The dialect is fixed but for the separator, which the header tells: DuckDB's own guessing skips lines that it does not like.
 */
import type { Connection } from '../../engine/index.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField } from '../../schema/types.ts'
import { readInput } from '../../storage/input-stream.ts'
import { convertText, deltaName } from '../write/conform.ts'
import { checked } from '../write/value-check.ts'
import { inputCorrupt } from './input-failure.ts'
import type { Relation } from './normalise.ts'
import type { OpenOptions } from './open-options.ts'
import { fileList } from './sql-files.ts'
import { textType } from './text-values.ts'

/** Opens CSV files with a header line. */
export async function csvRelation(
  connection: Connection,
  paths: readonly string[],
  _format: string,
  options: OpenOptions,
): Promise<Relation> {
  const run = { signal: options.signal, files: paths }
  const read = await reader(paths, options)
  const asText = read('all_varchar = true')
  const columns = await connection.describe(`FROM ${asText}`, undefined, run)
  const known = new Map((options.tableSchema?.fields ?? []).map((field) => [field.name.toLowerCase(), field.type]))
  const unknown = columns.filter((column) => !known.has(column.name.toLowerCase()))
  const guessed = unknown.length === 0 ? new Map<string, DataType>() : await guess(connection, read, asText, run)
  const fields: StructField[] = []
  const select = columns.map(({ name }) => {
    const type = known.get(name.toLowerCase())
    const used = type ?? guessed.get(name) ?? 'string'
    fields.push({ name, type: used, nullable: true, metadata: {} })
    return `${value(quoteIdentifier(name), used, name, type === undefined)} AS ${quoteIdentifier(name)}`
  })
  return { sql: `(SELECT ${select.join(', ')} FROM ${asText})`, schema: { type: 'struct', fields } }
}

/**
 * Nested values stand in CSV as DuckDB writes them, `[1, 2]`, `{'a': 1}`, `{k=1}`, or as JSON, which is how we print them. What could be
 * both is the former, whose numbers keep all their digits, unless it has JSON's escapes.
 */
function value(text: string, type: DataType, column: string, guessed: boolean): string {
  if (type === 'variant') return `CAST(${text} AS VARIANT)`
  if (typeof type === 'string') return convertText(text, type, column, guessed)
  const wanted = toSqlType(textType(type))
  const literal = `TRY_CAST(${text} AS ${wanted})`
  const json = `TRY_CAST(TRY_CAST(${text} AS JSON) AS ${wanted})`
  const texts = `CASE WHEN contains(${text}, '\\') THEN coalesce(${json}, ${literal}) ELSE coalesce(${literal}, ${json}) END`
  return checked(
    `${text} IS NOT NULL AND ${texts} IS NULL`,
    text,
    convertText(texts, type, column, guessed),
    column,
    'text',
    deltaName(type),
    'INVALID_VALUE',
  )
}

async function reader(paths: readonly string[], options: OpenOptions): Promise<(more: string) => string> {
  const separator = await separatorOf(paths[0]!, options)
  const fixed = [
    'header = true',
    `delim = ${quoteLiteral(separator)}`,
    `quote = '"'`,
    `escape = '"'`,
    "comment = ''",
    'skip = 0',
    'strict_mode = true',
    'null_padding = false',
    'allow_quoted_nulls = false',
    ...(paths.length > 1 ? ['union_by_name = true'] : []),
  ]
  return (more) => `read_csv(${fileList(paths)}, ${[...fixed, more].join(', ')})`
}

const candidates = "['BOOLEAN', 'BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP', 'TIMESTAMPTZ', 'VARCHAR']"
const sampleRows = 20_480

async function guess(connection: Connection, read: (more: string) => string, asText: string, run: object): Promise<Map<string, DataType>> {
  const typed = read(`auto_type_candidates = ${candidates}, dateformat = '%Y-%m-%d', sample_size = ${sampleRows}`)
  const found = new Map<string, DataType>()
  for (const { name, type } of await connection.describe(`FROM ${typed}`, undefined, run)) {
    if (typeof type === 'string' || !('unsupported' in type)) found.set(name, type)
  }
  const doubles = [...found].filter(([, type]) => type === 'double').map(([name]) => name)
  if (doubles.length === 0) return found
  // More digits than a double holds: an account number, not a measurement.
  const digits = doubles.map((name, index) => `max(length(regexp_replace(${quoteIdentifier(name)}, '[^0-9]', '', 'g'))) AS n${index}`)
  const [longest] = await connection.all(`SELECT ${digits.join(', ')} FROM (FROM ${asText} LIMIT ${sampleRows})`, undefined, run)
  for (const [index, name] of doubles.entries()) if (Number(longest?.[`n${index}`] ?? 0) > 17) found.set(name, 'string')
  return found
}

/** The separator that the header line uses most, outside quotes; a comma where it has none. */
async function separatorOf(path: string, options: OpenOptions): Promise<string> {
  if (/\.(gz|zst)$/i.test(path)) return /\.tsv\./i.test(path) ? '\t' : ','
  let head = ''
  for await (const piece of readInput(path, { end: 1 << 16, signal: options.signal })) head += Buffer.from(piece).toString('latin1')
  if (head.trim() === '') throw inputCorrupt(path, 'it is empty')
  const [line = ''] = head.replace(/"(?:[^"]|"")*"/g, '').split(/\r?\n/, 1)
  const counts = [',', '\t', ';', '|'].map((separator) => ({ separator, count: line.split(separator).length }))
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).separator
}
