/** The SQL that reads what the log says about one column: two bounds, and what is known of NULLs, for each file. */
import type { FileRows } from '../../log/files/file-rows.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import type { DataType, PrimitiveType, StructType } from '../../schema/types.ts'
import type { ZoneFamily, ZoneTable } from './zone.ts'
import { nullsAll, nullsNone, nullsUnknown } from './zone.ts'

/** The family of a type, `undefined` for types whose values have no statistics that are used. */
export function familyOf(type: DataType): ZoneFamily | undefined {
  if (typeof type !== 'string') return undefined
  if (/^(long|integer|short|byte|float|double|decimal\(.*)$/.test(type)) return 'number'
  if (/^(date|timestamp|timestamp_ntz)$/.test(type)) return 'time'
  if (type === 'boolean') return 'boolean'
  return type === 'string' ? 'text' : undefined
}

/** A column, by the names that files use. */
export interface ZoneColumn {
  readonly path: readonly string[]
  readonly type: DataType
  readonly partition: boolean
}

/** The column at a path of the table, `undefined` where there is none. */
export function zoneColumn(table: ZoneTable, path: readonly string[]): ZoneColumn | undefined {
  const physical: string[] = []
  let type: DataType = table.schema
  for (const name of path) {
    if (typeof type === 'string' || type.type !== 'struct') return undefined
    const field: StructType['fields'][number] | undefined = type.fields.find((one) => one.name === name)
    if (field === undefined) return undefined
    physical.push(table.physicalName?.(field) ?? field.name)
    type = field.type
  }
  return { path: physical, type, partition: path.length === 1 && table.partitionColumns.includes(path[0]!) }
}

/**
 * The query for the zones of columns: the place of each file, and for each column low, high and NULLs. `where`: a condition over `rows.from`
 * that files must fulfil.
 */
export function zonesSql(rows: FileRows, columns: readonly ZoneColumn[], where?: string): string {
  const inner = new Inner(rows)
  const selected = columns.flatMap((column, index) => zoneSql(column, inner).map((sql, part) => `${sql} AS c${index * 3 + part}`))
  return `SELECT place::DOUBLE AS place, ${selected.join(', ')} FROM (SELECT ${rows.place} AS place, ${inner.columns().join(', ')} FROM ${rows.from}${where === undefined ? '' : ` AND ${where}`})`
}

/** What the query reads of the files themselves, so that each text is parsed once. */
class Inner {
  readonly #rows: FileRows
  readonly #pointers: string[] = []
  readonly #typed: string[] = []

  constructor(rows: FileRows) {
    this.#rows = rows
  }

  /** A statistic in its own type, if it lies there so. */
  typed(
    group: 'minValues' | 'maxValues' | 'nullCount' | 'numRecords',
    path: readonly string[],
  ): { sql: string; type: DataType } | undefined {
    const found = this.#rows.typed?.(group, path)
    if (!found) return undefined
    this.#typed.push(found.sql)
    return { sql: `t${this.#typed.length}`, type: found.type }
  }

  /** A statistic as text. */
  text(path: readonly string[]): string {
    if (this.#rows.json === undefined) return 'NULL::VARCHAR'
    const pointer = jsonPointer(path)
    if (!this.#pointers.includes(pointer)) this.#pointers.push(pointer)
    return `s[${this.#pointers.indexOf(pointer) + 1}]`
  }

  columns(): string[] {
    const { json, columns } = this.#rows
    const parsed =
      this.#pointers.length > 0 ? [`TRY(json_extract_string(${json}, [${this.#pointers.map(quoteLiteral).join(', ')}])) AS s`] : []
    return [`${columns.partition_values} AS partition_values`, ...this.#typed.map((sql, index) => `${sql} AS t${index + 1}`), ...parsed]
  }
}

/** The columns of the statement for one zone: low, high, nulls. */
function zoneSql(column: ZoneColumn, inner: Inner): string[] {
  const family = familyOf(column.type)
  if (column.partition) {
    const text = `map_extract_value(partition_values, ${quoteLiteral(column.path[0]!)})`
    const value = family === undefined ? 'NULL' : `TRY(${keySql(partitionValueFromText(text, column.type), column.type as PrimitiveType)})`
    const nulls = `CASE WHEN ${text} IS NULL OR ${text} = '' THEN ${nullsAll} ELSE ${nullsNone} END`
    return [boundSql(value, family), boundSql(value, family), `${nulls}::DOUBLE`]
  }
  const bound = (group: 'minValues' | 'maxValues') => {
    if (family === undefined) return 'NULL'
    const typed = inner.typed(group, column.path)
    if (typed && familyOf(typed.type) === family) return `TRY(${keySql(typed.sql, typed.type as PrimitiveType)})`
    return `TRY(${keySql(parsedSql(inner.text([group, ...column.path]), column.type as PrimitiveType), column.type as PrimitiveType)})`
  }
  const number = (group: 'nullCount' | 'numRecords', path: readonly string[]) =>
    `TRY_CAST(${inner.typed(group, path)?.sql ?? inner.text([group, ...path])} AS BIGINT)`
  const count = number('nullCount', column.path)
  // Not every writer counts the NULLs that a field inside a struct has where the struct is NULL.
  const none = column.path.length === 1 ? `WHEN ${count} = 0 THEN ${nullsNone}` : ''
  const nulls = `CASE ${none} WHEN ${count} = ${number('numRecords', [])} THEN ${nullsAll} ELSE ${nullsUnknown} END`
  return [boundSql(bound('minValues'), family), boundSql(bound('maxValues'), family), `${nulls}::DOUBLE`]
}

function boundSql(value: string, family: ZoneFamily | undefined): string {
  return family === 'text' ? value : `coalesce((${value})::DOUBLE, 'nan'::DOUBLE)`
}

/** A statistic's text as a value of the type, NULL where it is malformed. */
function parsedSql(text: string, type: PrimitiveType): string {
  switch (type) {
    case 'string':
      return text
    case 'date':
      return `TRY_CAST(${text} AS DATE)`
    case 'timestamp':
      return `TRY_CAST(${text} AS TIMESTAMPTZ)`
    case 'timestamp_ntz':
      return `TRY_CAST(${text} AS TIMESTAMP)`
    case 'boolean':
      return `TRY_CAST(${text} AS BOOLEAN)`
    case 'float':
      return `TRY_CAST(${text} AS FLOAT)`
    default:
      return `TRY_CAST(${text} AS DOUBLE)`
  }
}

/** A typed value as the double (or the text) that it is compared by. */
export function keySql(value: string, type: PrimitiveType): string {
  switch (familyOf(type)) {
    case 'time':
      return type === 'date' ? `epoch_us((${value})::TIMESTAMP)` : `epoch_us(${value})`
    case 'boolean':
      return `(${value})::INTEGER`
    default:
      return value
  }
}

/** The JSON pointer to a value by its keys. */
export function jsonPointer(path: readonly string[]): string {
  return path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
