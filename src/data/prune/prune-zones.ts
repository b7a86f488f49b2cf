/**
 * What the log says about the values in each file, column by column: a lower and an upper bound and whether there are NULLs. Read out
 * of a file list once for each column that a predicate names and kept as long as the list: choosing files again costs no statement.
 *
 * Numbers, dates and timestamps are doubles here, bounds widened outwards wherever a double is not exact, so that a bound may be too
 * wide but never too narrow; text stays UTF-8 bytes. What is missing or malformed is "unknown" for that cell alone.
 */
import { type Connection, trustedEngine } from '../../engine/index.ts'
import type { FileList } from '../../log/file-list.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import type { DataType, PrimitiveType, StructType } from '../../schema/types.ts'
import type { ColumnPath } from './predicate.ts'

/** The columns of a table as a file list knows them. */
export interface ZoneTable {
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  /** The name that statistics and partition values of a file use for the field: the physical one where columns are mapped. Default: its own. */
  readonly physicalName?: (field: StructType['fields'][number]) => string
}

/** A list of files. */
export type FileSource = Pick<FileList, 'connection' | 'relation'>

/** How the values of a column are compared. */
export type ZoneFamily = 'number' | 'time' | 'boolean' | 'text'

/** NULLs in a file, as far as the log says. */
const nullsUnknown = 0
export const nullsNone = 1
export const nullsAll = 2

/** The bounds of one column in every file, in the order of the list. */
export interface Zone {
  readonly type: DataType
  /** `undefined` for types that have no order here; then only NULLs are known. */
  readonly family: ZoneFamily | undefined
  /** Bounds as numbers, NaN where unknown. Empty for text. */
  readonly low: Float64Array
  readonly high: Float64Array
  /** Bounds as text, for text. */
  readonly lowText: TextColumn | undefined
  readonly highText: TextColumn | undefined
  /** `nullsUnknown`, `nullsNone` or `nullsAll` for each file. */
  readonly nulls: Uint8Array
}

/** A column of UTF-8 texts. */
export class TextColumn {
  readonly #parts: {
    readonly bytes: Uint8Array
    readonly offsets: Int32Array
    readonly validity: Uint8Array | undefined
    readonly start: number
  }[] = []
  #length = 0

  /** Adds the texts of an Arrow Utf8 column. A bit of `validity` that is not set is an unknown text. */
  add(bytes: Uint8Array, offsets: Int32Array, validity: Uint8Array | undefined, count: number): void {
    this.#parts.push({ bytes, offsets, validity, start: this.#length })
    this.#length += count
  }

  /** The bytes of a text, `undefined` where it is unknown. */
  at(index: number): Uint8Array | undefined {
    let part = this.#parts.length - 1
    while (part > 0 && this.#parts[part]!.start > index) part -= 1
    const { bytes, offsets, validity, start } = this.#parts[part]!
    const row = index - start
    if (validity !== undefined && validity.length > 0 && ((validity[row >> 3]! >> (row & 7)) & 1) === 0) return undefined
    return bytes.subarray(offsets[row]!, offsets[row + 1]!)
  }
}

/** Orders bytes as DuckDB and Parquet order text: by UTF-8. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const known = new WeakMap<FileSource, Map<string, Promise<Zone>>>()

/** The zones of columns, by {@link zoneKey}; read from the list where they are not known yet. A column that the table lacks has none. */
export async function zonesOf(files: FileSource, table: ZoneTable, columns: readonly ColumnPath[]): Promise<Map<string, Zone>> {
  const cached = known.get(files) ?? new Map<string, Promise<Zone>>()
  known.set(files, cached)
  const missing = new Map<string, ZoneColumn>()
  for (const { path } of columns) {
    const key = zoneKey(path)
    if (cached.has(key) || missing.has(key)) continue
    const column = zoneColumn(table, path)
    if (column !== undefined) missing.set(key, column)
  }
  if (missing.size > 0) {
    const loading = loadZones(files, [...missing.values()])
    for (const [index, key] of [...missing.keys()].entries()) {
      const zone = loading.then((zones) => zones[index]!)
      cached.set(key, zone)
      zone.catch(() => cached.delete(key))
    }
  }
  const zones = new Map<string, Zone>()
  for (const { path } of columns) {
    const zone = cached.get(zoneKey(path))
    if (zone !== undefined) zones.set(zoneKey(path), await zone)
  }
  return zones
}

/** The key of a column in {@link zonesOf}. */
export function zoneKey(path: readonly string[]): string {
  return path.length === 1 ? path[0]! : JSON.stringify(path)
}

/** The family of a type, `undefined` for types whose values have no statistics that are used. */
function familyOf(type: DataType): ZoneFamily | undefined {
  if (typeof type !== 'string') return undefined
  if (/^(long|integer|short|byte|float|double|decimal\(.*)$/.test(type)) return 'number'
  if (/^(date|timestamp|timestamp_ntz)$/.test(type)) return 'time'
  if (type === 'boolean') return 'boolean'
  return type === 'string' ? 'text' : undefined
}

interface ZoneColumn {
  readonly path: readonly string[]
  readonly type: DataType
  readonly partition: boolean
}

function zoneColumn(table: ZoneTable, path: readonly string[]): ZoneColumn | undefined {
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

/** The columns of the statement for one zone: low, high, nulls. */
function zoneSql(column: ZoneColumn, statistics: string[]): string[] {
  const family = familyOf(column.type)
  if (column.partition) {
    const text = `map_extract_value(partition_values, ${quoteLiteral(column.path[0]!)})`
    const value = family === undefined ? 'NULL' : `TRY(${keySql(partitionValueFromText(text, column.type), column.type as PrimitiveType)})`
    const nulls = `CASE WHEN ${text} IS NULL OR ${text} = '' THEN ${nullsAll} ELSE ${nullsNone} END`
    return [boundSql(value, family), boundSql(value, family), `${nulls}::DOUBLE`]
  }
  const statistic = (group: string) => {
    statistics.push(jsonPointer([group, ...column.path]))
    return `s[${statistics.length}]`
  }
  const bound = (group: string) => {
    const text = statistic(group)
    return family === undefined ? 'NULL' : `TRY(${keySql(parsedSql(text, column.type as PrimitiveType), column.type as PrimitiveType)})`
  }
  const count = `TRY_CAST(${statistic('nullCount')} AS BIGINT)`
  const rows = 'TRY_CAST(s[1] AS BIGINT)'
  // Not every writer counts the NULLs that a field inside a struct has where the struct is NULL.
  const none = column.path.length === 1 ? `WHEN ${count} = 0 THEN ${nullsNone}` : ''
  const nulls = `CASE ${none} WHEN ${count} = ${rows} THEN ${nullsAll} ELSE ${nullsUnknown} END`
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
function keySql(value: string, type: PrimitiveType): string {
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

async function loadZones(files: FileSource, columns: readonly ZoneColumn[]): Promise<Zone[]> {
  const statistics = ['/numRecords']
  const selected = columns.flatMap((column, index) => zoneSql(column, statistics).map((sql, part) => `${sql} AS c${index * 3 + part}`))
  const parsed = statistics.length > 1 ? `TRY(json_extract_string(stats, [${statistics.map(quoteLiteral).join(', ')}]))` : 'NULL'
  const sql = `SELECT ${selected.join(', ')} FROM (SELECT partition_values, ${parsed} AS s FROM ${files.relation})`
  const loaders = columns.map((column) => new ZoneLoader(column))
  await withConnection(async (connection) => {
    for await (const batch of await connection.stream(sql)) {
      loaders.forEach((loader, index) => {
        loader.add([0, 1, 2].map((part) => batch.getChildAt(index * 3 + part)!.data[0]!) as unknown as ArrowColumn[])
      })
    }
  })
  return loaders.map((loader) => loader.finish())
}

/** Runs work on a connection of its own, so that the list's stays free for others. */
async function withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await (await trustedEngine()).connect()
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

/** The parts of an Arrow column that are read here. */
interface ArrowColumn {
  readonly length: number
  readonly values: Float64Array | Uint8Array
  readonly valueOffsets: Int32Array
  readonly nullBitmap: Uint8Array | undefined
}

class ZoneLoader {
  readonly #column: ZoneColumn
  readonly #family: ZoneFamily | undefined
  readonly #low: Float64Array[] = []
  readonly #high: Float64Array[] = []
  readonly #nulls: Float64Array[] = []
  readonly #lowText = new TextColumn()
  readonly #highText = new TextColumn()

  constructor(column: ZoneColumn) {
    this.#column = column
    this.#family = familyOf(column.type)
  }

  add([low, high, nulls]: readonly ArrowColumn[]): void {
    if (this.#family === 'text') {
      for (const [texts, column] of [
        [this.#lowText, low!],
        [this.#highText, high!],
      ] as const) {
        texts.add(column.values as Uint8Array, column.valueOffsets, column.nullBitmap, column.length)
      }
    } else {
      this.#low.push((low!.values as Float64Array).subarray(0, low!.length))
      this.#high.push((high!.values as Float64Array).subarray(0, high!.length))
    }
    this.#nulls.push((nulls!.values as Float64Array).subarray(0, nulls!.length))
  }

  finish(): Zone {
    const low = concat(this.#low)
    const high = concat(this.#high)
    this.#widen(low, high)
    return {
      type: this.#column.type,
      family: this.#family,
      low,
      high,
      lowText: this.#family === 'text' ? this.#lowText : undefined,
      highText: this.#family === 'text' ? this.#highText : undefined,
      nulls: Uint8Array.from(concat(this.#nulls)),
    }
  }

  #widen(low: Float64Array, high: Float64Array): void {
    const { type, partition } = this.#column
    const timestamp = type === 'timestamp' || type === 'timestamp_ntz'
    const floating = type === 'float' || type === 'double'
    const precision = type === 'float' ? 2 ** -22 : 2 ** -51
    for (let i = 0; i < low.length; i++) {
      const [from, to] = [low[i]!, high[i]!]
      if (this.#family === 'number' || this.#family === 'time') {
        if (!Number.isSafeInteger(from) || type === 'float') low[i] = from - Math.abs(from) * precision
        if (!Number.isSafeInteger(to) || type === 'float') high[i] = to + Math.abs(to) * precision
      }
      if (partition) continue
      // Statistics are cut to the millisecond; a cut towards zero moves a time before 1970 up.
      if (timestamp) {
        low[i] = low[i]! - 1000
        high[i] = high[i]! + 1000
      }
      // NaN is the greatest value, and some writers leave it out of the maximum.
      if (floating) high[i] = Number.NaN
    }
  }
}

function concat(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
