/**
 * What a checkpoint says of a live file (§Checkpoint Schema): the fields of `add`, its statistics as text, as values of the columns' types,
 * or both, and its partition values as values too.
 *
 *   stats ───────────── parsed once, every leaf as text ── a value where the text says exactly one ── stats_parsed
 *   partitionValues ──────────────────────────────────────────────────────────────────────────────── partitionValues_parsed
 *
 * A value says what its text says, or is NULL: one that the type cannot hold, that would be rounded, or of whose text the engine's JSON has
 * not kept all digits. So a reader that trusts the values skips no file that the text would keep. Names are those that files use.
 */
import { createHash } from 'node:crypto'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import { decimalParts, toSqlType } from '../../schema/sql-type.ts'
import { planStatistics } from '../../schema/statistics-plan.ts'
import type { DataType, StructType } from '../../schema/types.ts'

/** How statistics and partition values stand in the checkpoints of a table. */
export interface AddForm {
  /** Statistics as text (`delta.checkpoint.writeStatsAsJson`, by default so). */
  readonly text: boolean
  /** Further fields of the struct `add`, as SQL over {@link AddForm.source}. */
  readonly typed: readonly string[]
  /** Files of a relation of the replay, with what `typed` reads. */
  source(files: string): string
  /** The same for two forms only if the columns of their files have the same names and types. */
  readonly id: string
}

/**
 * The form that a table asks for. Like Spark's, checkpoints have values unless `delta.checkpoint.writeStatsAsStruct` is `false`: a reader
 * that looks for few of many files then reads the columns that it asks for, and parses nothing.
 */
export function addFormOf(schema: StructType, partitionColumns: readonly string[], properties: Readonly<Record<string, string>>): AddForm {
  const text = properties['delta.checkpoint.writeStatsAsJson']?.toLowerCase() !== 'false'
  const typed: string[] = []
  let source = (files: string): string => files
  if (properties['delta.checkpoint.writeStatsAsStruct']?.toLowerCase() !== 'false') {
    const statistics = statisticsOf(schema, partitionColumns, properties)
    const shape = quoteLiteral(statistics.shape())
    source = (files) => `SELECT *, json_transform(stats, ${shape}) AS ${parsed} FROM (${files})`
    typed.push(`'stats_parsed': CASE WHEN ${parsed} IS NOT NULL THEN ${statistics.sql(parsed)} END`)
    const partition = partitionValuesOf(schema, partitionColumns, properties)
    if (partition !== undefined) typed.push(`'partitionValues_parsed': ${partition}`)
  }
  const id = createHash('md5')
    .update(JSON.stringify([text, typed]))
    .digest('hex')
  return { text, typed, source, id }
}

const parsed = 'parsed_stats'

function statisticsOf(schema: StructType, partitionColumns: readonly string[], properties: Readonly<Record<string, string>>): Tree {
  const tree = new Tree()
  const { leaves } = planStatistics(schema, partitionColumns, properties)
  tree.set(['numRecords'], (text) => integerSql(text, 'BIGINT'))
  for (const { path, type, bounded, wasFloat } of leaves) {
    if (!bounded || wasFloat) continue
    for (const group of ['minValues', 'maxValues']) tree.set([group, ...path], (text) => valueSql(text, type))
  }
  for (const { path } of leaves) tree.set(['nullCount', ...path], (text) => integerSql(text, 'BIGINT'))
  tree.set(['tightBounds'], (text) => `TRY_CAST(${text} AS BOOLEAN)`)
  return tree
}

function partitionValuesOf(
  schema: StructType,
  partitionColumns: readonly string[],
  properties: Readonly<Record<string, string>>,
): string | undefined {
  const naming = columnNaming(properties)
  const tree = new Tree()
  for (const column of partitionColumns) {
    const field = schema.fields.find(({ name }) => name.toLowerCase() === column.toLowerCase())
    if (field === undefined) continue
    const name = physicalName(field, naming)
    tree.set([name], () => `TRY(${partitionValueFromText(`map_extract_value("partitionValues", ${quoteLiteral(name)})`, field.type)})`)
  }
  return tree.size > 0 ? tree.sql('') : undefined
}

type LeafSql = (text: string) => string

/** A struct of structs. The engine knows names apart by more than their case only: of two such the first is kept. */
class Tree {
  readonly #children = new Map<string, readonly [name: string, child: Tree | LeafSql]>()

  get size(): number {
    return this.#children.size
  }

  set([first, ...rest]: readonly string[], sql: LeafSql): void {
    const name = first!
    const known = this.#children.get(name.toLowerCase())
    if (known && (rest.length === 0 || known[0] !== name)) return
    const child = known?.[1] ?? (rest.length === 0 ? sql : new Tree())
    this.#children.set(name.toLowerCase(), [name, child])
    if (child instanceof Tree) child.set(rest, sql)
  }

  /** The shape in which every leaf is read, as text. */
  shape(): string {
    const fields = [...this.#children.values()].map(
      ([name, child]) => `${JSON.stringify(name)}:${child instanceof Tree ? child.shape() : '"VARCHAR"'}`,
    )
    return `{${fields.join(',')}}`
  }

  /** The struct of values, out of one of texts. */
  sql(texts: string): string {
    const fields = [...this.#children.values()].map(([name, child]) => {
      const text = `${texts}.${quoteIdentifier(name)}`
      return `${quoteLiteral(name)}: ${child instanceof Tree ? child.sql(text) : child(text)}`
    })
    return `{${fields.join(', ')}}`
  }
}

/** A bound's text as a value of its type, NULL where it is none or not the same. */
function valueSql(text: string, type: DataType): string {
  const sqlType = toSqlType(type)
  const cast = `TRY_CAST(${text} AS ${sqlType})`
  switch (type) {
    case 'string':
      return text
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return integerSql(text, sqlType)
    case 'float':
    case 'double':
    case 'date':
    case 'timestamp':
    case 'timestamp_ntz':
      // NaN has no order that all readers share, and an infinite time is none of Delta's.
      return `CASE WHEN isfinite(${cast}) THEN ${cast} END`
    default:
      return decimalSql(text, cast, type)
  }
}

/** The engine rounds what has digits behind the point, which its own text tells. */
function integerSql(text: string, type: string): string {
  const cast = `TRY_CAST(${text} AS ${type})`
  return `CASE WHEN CAST(${cast} AS VARCHAR) = ${text} THEN ${cast} END`
}

/**
 * The engine's JSON reads numbers with a point as doubles. Fifteen digits come through that whole, and a bound has no more behind the point
 * than its type; whole numbers come through as they are.
 */
function decimalSql(text: string, cast: string, type: DataType): string {
  const { scale } = decimalParts(type)!
  if (scale === 0) return `CASE WHEN CAST(${cast} AS VARCHAR) = ${text} THEN ${cast} END`
  const double = `TRY_CAST(${text} AS DOUBLE)`
  return `CASE WHEN abs(${double}) < 1e${15 - scale} AND CAST(${cast} AS DOUBLE) = ${double} THEN ${cast} END`
}
