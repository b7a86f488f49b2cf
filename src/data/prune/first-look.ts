/**
 * A first look at many files: a condition in SQL that a file fulfils if a predicate may be true for a row of it, by the plainest parts of
 * the predicate alone. It may let too many through, which are then decided one by one (`decide.ts`), and leaves out none that may count.
 *
 *   AND of ─ column, comparison, constant ─┬─ partition value ── as its type
 *                                          ├─ stats_parsed ───── as its type; Parquet's row groups are passed over by it
 *                                          └─ stats ──────────── whole numbers, by a pattern over the text
 *
 * Most writers begin statistics with `numRecords` and `minValues`, without spaces, and each group of bounds with the table's first column.
 * There its bounds are found without parsing: a quote inside a JSON text has a backslash before it, so what reads `},"maxValues":{"id":`
 * is a key and its object's first key wherever it stands. Texts of other forms are not left out, whatever they say. Such a text is taken at
 * its word though it may be no JSON further on, as it is for the number of rows.
 */
import type { FileRows, TypedStatistic } from '../../log/files/file-rows.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import type { DataType, PrimitiveType } from '../../schema/types.ts'
import { atLeast, atMost } from './integer-patterns.ts'
import type { ColumnPath, Comparison, Constant, Predicate } from './predicate.ts'
import { aligned, mayBeValue, rangeOf } from './range.ts'
import { type Zone, type ZoneTable, zoneKey } from './zone.ts'
import { familyOf, keySql, type ZoneColumn, zoneColumn } from './zone-sql.ts'

/** The condition over `rows.from`; `undefined` where no part of the predicate is plain enough. */
export function firstLook(rows: FileRows, table: ZoneTable, predicate: Predicate): string | undefined {
  const leaves = plainLeaves(predicate)
  const isPartition = ({ path }: PlainLeaf) => path.length === 1 && table.partitionColumns.includes(path[0]!)
  // Partition values are read faster than statistics.
  const ordered = [...leaves.filter(isPartition), ...leaves.filter((leaf) => !isPartition(leaf))]
  const conditions = ordered.flatMap((leaf) => leafSql(rows, table, leaf))
  return conditions.length > 0 ? conditions.map((sql) => `(${sql})`).join(' AND ') : undefined
}

interface PlainLeaf {
  readonly path: readonly string[]
  readonly comparison: Comparison
  readonly constant: Constant
}

const turned: Readonly<Record<Comparison, Comparison>> = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

/** Comparisons of a column and a constant, all of which must be true. */
function plainLeaves(predicate: Predicate): PlainLeaf[] {
  if (predicate.op === 'and') return predicate.terms.flatMap(plainLeaves)
  if (predicate.op !== 'compare') return []
  const { left, comparison, right } = predicate
  if (left.kind === 'column' && right.kind === 'value') return [{ path: left.column.path, comparison, constant: right.value }]
  if (left.kind === 'value' && right.kind === 'column')
    return [{ path: right.column.path, comparison: turned[comparison], constant: left.value }]
  return []
}

/** Bounds of the values that fulfil a comparison, both included. */
interface Bounds {
  readonly least: number
  readonly greatest: number
}

function leafSql(rows: FileRows, table: ZoneTable, { path, comparison, constant }: PlainLeaf): string[] {
  const column = zoneColumn(table, path)
  if (column === undefined) return []
  if (column.partition && column.type === 'string') return partitionText(rows, column, comparison, constant)
  const bounds = boundsOf(column, path, comparison, constant)
  if (bounds === undefined) return []
  if (column.partition) return partitionValue(rows, column, bounds)
  const [low, high] = (['minValues', 'maxValues'] as const).map((group) => rows.typed?.(group, column.path))
  // A value of another kind, as of a column that was replaced, is measured otherwise.
  if (low && high && [low, high].some(({ type }) => familyOf(type) !== familyOf(column.type))) return []
  if (low && high) return [...typedSql(low, '<=', bounds.greatest), ...typedSql(high, '>=', bounds.least)]
  return low || high || rows.json === undefined ? [] : textSql(rows.json, table, column, bounds)
}

function boundsOf({ type }: ZoneColumn, path: readonly string[], comparison: Comparison, constant: Constant): Bounds | undefined {
  const family = familyOf(type)
  // A float is compared as the float nearest to a constant, and NaN is in no statistics.
  if ((family !== 'number' && family !== 'time') || type === 'float' || type === 'double' || comparison === '<>') return undefined
  const noFiles: Zone = { type, family, low: none, high: none, lowText: undefined, highText: undefined, nulls: new Uint8Array() }
  const operand: { kind: 'column'; column: ColumnPath } = { kind: 'column', column: { path } }
  const zones = new Map([[zoneKey(path), noFiles]])
  const [, right] = aligned(rangeOf(operand, zones), rangeOf({ kind: 'value', value: constant }, zones)) ?? []
  if (right === undefined || right.may(0) !== mayBeValue) return undefined
  const [low, high] = [right.low(0), right.high(0)]
  return {
    least: comparison === '<' || comparison === '<=' ? Number.NEGATIVE_INFINITY : low - room(low),
    greatest: comparison === '>' || comparison === '>=' ? Number.POSITIVE_INFINITY : high + room(high),
  }
}

/** So far a constant may be from its double, which is none of the whole numbers that every double tells apart. */
function room(bound: number): number {
  return Number.isSafeInteger(bound) ? 0 : Math.abs(bound) * 2 ** -50
}

const none = new Float64Array()

function partitionText(rows: FileRows, { path }: ZoneColumn, comparison: Comparison, constant: Constant): string[] {
  if (comparison !== '=' || constant?.kind !== 'text') return []
  return [`(${partitionOf(rows, path)} = ${quoteLiteral(constant.value)}) IS NOT FALSE`]
}

function partitionValue(rows: FileRows, { path, type }: ZoneColumn, { least, greatest }: Bounds): string[] {
  const value = partitionValueFromText(partitionOf(rows, path), type)
  return [...keyCondition(value, type, '<=', greatest), ...keyCondition(value, type, '>=', least)]
}

function partitionOf(rows: FileRows, path: readonly string[]): string {
  return `map_extract_value(${rows.columns.partition_values}, ${quoteLiteral(path[0]!)})`
}

/** A bound beside a typed statistic. Only where every file has it the engine can pass over row groups by it. */
function typedSql({ sql, type, everywhere }: TypedStatistic, comparison: '<=' | '>=', bound: number): string[] {
  if (!isInteger(type)) return familyOf(type) === 'time' ? keyCondition(sql, type, comparison, bound) : []
  const whole = comparison === '<=' ? Math.floor(bound) : Math.ceil(bound)
  if (!Number.isSafeInteger(whole)) return []
  const condition = `${sql} ${comparison} ${whole}::BIGINT`
  return [everywhere ? condition : `(${condition}) IS NOT FALSE`]
}

/** A bound beside the double that a value is compared by, with room for what doubles round and milliseconds cut. */
function keyCondition(value: string, type: DataType, comparison: '<=' | '>=', bound: number): string[] {
  if (!Number.isFinite(bound)) return []
  const more = Math.abs(bound) * 2 ** -50 + (familyOf(type) === 'time' ? 2000 : 0)
  const key = `(TRY(${keySql(value, type as PrimitiveType)}))::DOUBLE`
  return [`(${key} ${comparison} ${comparison === '<=' ? bound + more : bound - more}::DOUBLE) IS NOT FALSE`]
}

/**
 * Files whose statistics, as text, say that every whole number in them is out of bounds are left out. Only of the column that stands first:
 * to pass over others takes as long as parsing does.
 */
function textSql(json: string, table: ZoneTable, { type, path }: ZoneColumn, { least, greatest }: Bounds): string[] {
  const [name] = path
  if (!isInteger(type) || path.length !== 1 || name === undefined || name !== firstName(table) || !/^[\w-]+$/.test(name)) return []
  if (hasField(table.schema, table, 'maxValues')) return []
  const key = `\\{"${name}":`
  const patterns: string[] = []
  if (Math.abs(greatest) < mostLong) {
    patterns.push(`^\\{"numRecords":[0-9]+,"minValues":${key}${atLeast(BigInt(Math.floor(greatest)) + 1n)}[,}]`)
  }
  // Without an anchor a pattern is looked for by its first letters, which is faster than to read up to it.
  if (Math.abs(least) < mostLong) patterns.push(`\\},"maxValues":${key}${atMost(BigInt(Math.ceil(least)) - 1n)}[,}]`)
  const form = `starts_with(${json}, '{"numRecords":') AND ends_with(${json}, '}')`
  return patterns.map((pattern) => `(regexp_matches(${json}, ${quoteLiteral(pattern)}) AND ${form}) IS NOT TRUE`)
}

/** The name of the column that most writers begin statistics with. */
function firstName(table: ZoneTable): string | undefined {
  const first = table.schema.fields.find(({ name }) => !table.partitionColumns.includes(name))
  return first && (table.physicalName?.(first) ?? first.name)
}

/** No number of 64 bits is greater. */
const mostLong = 2 ** 63

/** Whether a field somewhere in the schema has a name that statistics give a meaning of its own. */
function hasField(type: DataType, table: ZoneTable, name: string): boolean {
  if (typeof type === 'string') return false
  if (type.type === 'array') return hasField(type.elementType, table, name)
  if (type.type === 'map') return hasField(type.valueType, table, name)
  return type.fields.some((field) => (table.physicalName?.(field) ?? field.name) === name || hasField(field.type, table, name))
}

function isInteger(type: DataType): boolean {
  return type === 'long' || type === 'integer' || type === 'short' || type === 'byte'
}
