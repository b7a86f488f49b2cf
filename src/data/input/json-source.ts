/**
 * JSON as a relation, one object a line or one array: values of the table's columns are read as text and converted by us
 * (text-values.ts), other columns have the type that fits all their values. The whole input is looked at first, so that no key that
 * turns up late is lost.
 *
 * DuckDB reads a number with a fraction as a double. Where the table has decimals that a double cannot hold, the objects are read in
 * JavaScript instead, number by number as text: slower, and exact.
 */
import { parse } from 'lossless-json'
import type { Connection } from '../../engine/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { Row } from '../../schema/rows.ts'
import { decimalParts, toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import { readInput } from '../../storage/input-stream.ts'
import { convertText } from '../write/conform.ts'
import { inputCorrupt } from './input-failure.ts'
import { splitObjects } from './json-objects.ts'
import { normalise, type Relation } from './normalise.ts'
import type { OpenOptions } from './open-options.ts'
import { pullAsync } from './pull.ts'
import { openRowStream } from './row-source.ts'
import type { BatchSource } from './source.ts'
import { fileList } from './sql-files.ts'
import { textType } from './text-values.ts'

/** Opens JSON files that DuckDB reads. */
export async function jsonRelation(
  connection: Connection,
  paths: readonly string[],
  format: string,
  options: OpenOptions,
): Promise<Relation> {
  const run = { signal: options.signal, files: paths }
  const fixed = [
    format === 'ndjson' ? "format = 'newline_delimited'" : "format = 'auto'",
    'maximum_object_size = 134217728',
    "records = 'true'",
  ]
  const read = (more: readonly string[]): string => `read_json(${[fileList(paths), ...fixed, ...more].join(', ')})`
  const looked = read([
    'sample_size = -1',
    'field_appearance_threshold = 0',
    'map_inference_threshold = -1',
    'maximum_sample_files = 1000000',
    'union_by_name = true',
  ])
  const columns = await connection.describe(`FROM ${looked}`, undefined, run)
  const known = new Map((options.tableSchema?.fields ?? []).map((field) => [field.name.toLowerCase(), field.type]))
  if (!columns.some((column) => known.has(column.name.toLowerCase()))) return normalise(connection, looked, undefined, run)
  const fields: StructField[] = []
  const types: string[] = []
  const select = columns.map(({ name, type, sqlType }) => {
    const imposed = known.get(name.toLowerCase())
    const column = quoteIdentifier(name)
    if (imposed === undefined || imposed === 'variant' || imposed === 'void') {
      types.push(`${column}: '${sqlType.replaceAll("'", "''")}'`)
      fields.push({ name, type: typeof type === 'object' && 'unsupported' in type ? 'string' : type, nullable: true, metadata: {} })
      return column
    }
    types.push(`${column}: '${toSqlType(textType(imposed)).replaceAll("'", "''")}'`)
    fields.push({ name, type: imposed, nullable: true, metadata: {} })
    return `${convertText(column, imposed, name, false)} AS ${column}`
  })
  const sql = `(SELECT ${select.join(', ')} FROM ${read([`columns = {${types.join(', ')}}`])})`
  return { sql, schema: { type: 'struct', fields } }
}

/** Whether a table has decimals that a double cannot hold, at any depth. */
export function needsExactNumbers(schema: StructType | undefined): boolean {
  return schema?.fields.some((field) => hasLongDecimal(field.type)) ?? false
}

/** Opens JSON files whose objects are read one by one in JavaScript. */
export async function openJsonRows(paths: readonly string[], options: OpenOptions): Promise<BatchSource> {
  return openRowStream(await pullAsync(jsonRows(paths, options), options.signal), options)
}

async function* jsonRows(paths: readonly string[], options: OpenOptions): AsyncGenerator<Row> {
  const types = new Map((options.tableSchema?.fields ?? []).map((field) => [field.name.toLowerCase(), field.type]))
  for (const path of paths) {
    for await (const text of splitObjects(readInput(path, { signal: options.signal }), (why) => inputCorrupt(path, why))) {
      let object: Row
      try {
        object = parse(text, undefined, (digits) => new NumberText(digits)) as Row
      } catch (error) {
        throw inputCorrupt(path, (error as Error).message, error)
      }
      yield Object.fromEntries(Object.entries(object).map(([key, value]) => [key, settle(value, types.get(key.toLowerCase()))]))
    }
  }
}

/** A number as it stands in the text, until it is known what it is to become. */
class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

function settle(value: unknown, type: DataType | undefined): unknown {
  if (value instanceof NumberText) {
    if (type !== undefined && decimalParts(type) !== undefined && /^-?[0-9.]+$/.test(value.text)) return value.text
    return /^-?[0-9]+$/.test(value.text) && !Number.isSafeInteger(Number(value.text)) ? BigInt(value.text) : Number(value.text)
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const element = typeof type === 'object' && type.type === 'array' ? type.elementType : undefined
    return value.map((each) => settle(each, element))
  }
  const inner = new Map(
    typeof type === 'object' && type.type === 'struct' ? type.fields.map((field) => [field.name.toLowerCase(), field.type]) : [],
  )
  const mapped = typeof type === 'object' && type.type === 'map' ? type.valueType : undefined
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, settle(each, mapped ?? inner.get(key.toLowerCase()))]))
}

function hasLongDecimal(type: DataType): boolean {
  if (typeof type === 'string') return (decimalParts(type)?.precision ?? 0) > 15
  switch (type.type) {
    case 'array':
      return hasLongDecimal(type.elementType)
    case 'map':
      return hasLongDecimal(type.keyType) || hasLongDecimal(type.valueType)
    case 'struct':
      return type.fields.some((field) => hasLongDecimal(field.type))
  }
}
