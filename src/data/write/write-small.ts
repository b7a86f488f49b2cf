/**
 * The way of writing for small flat batches that are in memory: Parquet made in JavaScript, without DuckDB. Same rows, same columns
 * and same statistics as `write-copy.ts` gives; what differs is the compression (Snappy) and the page version, which are all that
 * the library has.
 */
import type { RecordBatch } from 'apache-arrow'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { serializePartitionValue } from '../../schema/partition-values.ts'
import { columnNaming, fieldId } from '../../schema/physical.ts'
import { decimalParts } from '../../schema/sql-type.ts'
import { isBounded, planStatistics } from '../../schema/statistics-plan.ts'
import type { PrimitiveType } from '../../schema/types.ts'
import type { ProjectedColumn, Projection } from './conform.ts'
import { readSmallColumn, type SmallValue } from './small-columns.ts'
import { parquetElement } from './small-schema.ts'
import { compareText, type LeafStatistics, spellStatistics } from './statistics.ts'
import { notNullViolated } from './value-check.ts'
import type { WriteTarget } from './write-target.ts'

/** A data file in memory. */
export interface SmallFile {
  readonly bytes: Uint8Array
  readonly numRecords: number
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly stats: string
}

/** Bytes of Arrow up to which rows are written this way. */
export const smallBytes = 1 << 20
/** Partitions of one write up to which rows are written this way. */
const mostPartitions = 16

/**
 * The files for batches in memory, or `undefined` where they are DuckDB's: a nested column, a value to convert, too many partitions.
 * @throws ValueError `NOT_NULL_VIOLATED`
 */
export function writeSmall(batches: readonly RecordBatch[], projection: Projection, target: WriteTarget): SmallFile[] | undefined {
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  if (rows === 0) return []
  const columns: Column[] = []
  for (const column of projection) {
    const values = readColumn(batches, column, rows)
    if (values === undefined) return undefined
    if (!column.field.nullable && values.includes(null)) throw notNullViolated(column.field.name)
    columns.push({ column, type: column.field.type as PrimitiveType, values })
  }
  const data = columns.filter(({ column }) => !target.partitionColumns.includes(column.field.name))
  const keys = target.partitionColumns.map((name) => columns.find(({ column }) => column.field.name === name)!)
  const groups = groupRows(keys, rows)
  if (groups === undefined) return undefined
  return groups.map((group) => writeGroup(data, group, target))
}

interface Column {
  readonly column: ProjectedColumn
  readonly type: PrimitiveType
  readonly values: readonly SmallValue[]
}

interface Group {
  readonly partitionValues: Readonly<Record<string, string | null>>
  /** Undefined: all rows. */
  readonly rows: number[] | undefined
}

function readColumn(batches: readonly RecordBatch[], column: ProjectedColumn, rows: number): SmallValue[] | undefined {
  const { type } = column.field
  if (typeof type !== 'string' || parquetElement('', type, undefined) === undefined) return undefined
  if (column.source === undefined || column.source.type === 'void') return new Array<SmallValue>(rows).fill(null)
  if (!column.unchanged) return undefined
  const index = batches[0]!.schema.fields.findIndex((field) => field.name === column.source!.name)
  return readSmallColumn(batches, index, type)
}

function groupRows(keys: readonly Column[], rows: number): Group[] | undefined {
  if (keys.length === 0) return [{ partitionValues: {}, rows: undefined }]
  const groups = new Map<string, Group & { readonly rows: number[] }>()
  for (let row = 0; row < rows; row += 1) {
    const texts = keys.map(({ type, values }) => serializePartitionValue(partitionInput(values[row]!, type), type))
    const id = JSON.stringify(texts)
    let group = groups.get(id)
    if (group === undefined) {
      if (groups.size === mostPartitions) return undefined
      group = { partitionValues: named(keys, texts), rows: [] }
      groups.set(id, group)
    }
    group.rows.push(row)
  }
  return [...groups.values()]
}

function named(keys: readonly Column[], texts: readonly (string | null)[]): Record<string, string | null> {
  const values = Object.create(null) as Record<string, string | null>
  for (const [index, { column }] of keys.entries()) {
    const text = texts[index] ?? null
    // The empty string is NULL as a partition value (§Partition Value Serialization).
    if (text === null && !column.field.nullable) throw notNullViolated(column.field.name)
    values[column.physicalName] = text
  }
  return values
}

/** A stored value as the serializer takes it. */
function partitionInput(value: SmallValue, type: PrimitiveType): unknown {
  if (value === null) return null
  if (type === 'date') return new Date((value as number) * 86_400_000)
  return decimalParts(type) === undefined ? value : decimalText(value as bigint, decimalParts(type)!.scale)
}

function writeGroup(columns: readonly Column[], group: Group, target: WriteTarget): SmallFile {
  const naming = columnNaming(target.properties)
  const picked = columns.map(({ column, type, values }) => ({ column, type, values: group.rows?.map((row) => values[row]!) ?? values }))
  const numRecords = picked[0]?.values.length ?? 0
  const elements = picked.map(({ column, type }) => parquetElement(column.physicalName, type, fieldId(column.field, naming))!)
  const writer = new ByteWriter()
  const parquet = new ParquetWriter({
    writer,
    schema: [{ name: 'schema', num_children: elements.length }, ...elements],
    createdBy: 'Varve',
  })
  parquet.write({
    columnData: picked.map(({ column, values }) => ({ name: column.physicalName, data: values as unknown[] })),
    rowGroupSize: rowGroup,
  })
  parquet.finish()
  const known = new Map(picked.map(({ column, type, values }) => [column.physicalName, leafStatistics(type, values)]))
  const plan = planStatistics(target.schema, target.partitionColumns, target.properties)
  const stats = spellStatistics(plan, numRecords, (leaf) => known.get(leaf.path[0]!))
  return { bytes: writer.getBytes(), numRecords, partitionValues: group.partitionValues, stats }
}

/** One row group: the rows are few by definition. */
const rowGroup = 1 << 20

function leafStatistics(type: PrimitiveType, values: readonly SmallValue[]): LeafStatistics {
  let nullCount = 0
  let hasNan = false
  let min: SmallValue = null
  let max: SmallValue = null
  const bounded = isBounded(type)
  const before =
    type === 'string'
      ? (a: SmallValue, b: SmallValue) => compareText(a as string, b as string) < 0
      : (a: SmallValue, b: SmallValue) => a! < b!
  for (const value of values) {
    if (value === null) nullCount += 1
    else if (Number.isNaN(value)) hasNan = true
    else if (bounded) {
      if (min === null || before(value, min)) min = value
      if (max === null || before(max, value)) max = value
    }
  }
  return { nullCount, hasNan, min: toBound(type, min), max: toBound(type, max) }
}

function toBound(type: PrimitiveType, value: SmallValue): bigint | number | string | undefined {
  if (value === null) return undefined
  if (typeof value === 'number') return type === 'float' || type === 'double' ? value : BigInt(value)
  const decimal = decimalParts(type)
  return decimal === undefined ? (value as bigint | string) : decimalText(value as bigint, decimal.scale)
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
