/**
 * Clustering: which files are laid out anew along a curve through the space of some columns, and writing them so.
 *
 * The files of one layout are a cube, and say so: by which columns, and which cube. Files that came since, or lost rows, are laid out
 * together, and take in those cubes that are not much larger than they, so that every row is rewritten a number of times that grows only with
 * the logarithm of the table, and rows of one time lie in few cubes.
 */
import { v4 as uuid } from 'uuid'
import { columnNaming, physicalName, planStatistics } from '../../data/index.ts'
import { type Connection, trustedEngine } from '../../engine/index.ts'
import { UsageError } from '../../errors/index.ts'
import type { StoredFile } from '../../query/index.ts'
import { type ColumnPath, findColumn, formatColumnPath, indexOfField } from '../../schema/evolve/column-path.ts'
import { parseJson } from '../../schema/json.ts'
import { quoteIdentifier, quoteLiteral } from '../../schema/quoting.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import type { VerbGround } from '../rows/verb.ts'
import { movingRows, type Written, writeRows } from '../rows/write-rows.ts'
import { byPartition, type Candidate, liveBytes } from './bins.ts'
import { type Curve, dropBoundaries, mostColumns, placesSql, setBoundaries } from './curve.ts'

/** By what rows are laid out. */
export interface Clustering {
  readonly curve: Curve
  /** The columns as the schema spells them. */
  readonly columns: readonly ColumnPath[]
  /** The same by the names in files, which stay when a column is renamed. */
  readonly physical: readonly ColumnPath[]
}

/** A cube that has at most so many times the bytes of what is laid out anew is taken in. */
const takenIn = 2

/** A file may have so much less or more than its share of the rows at each end. */
const slack = 0.2

/**
 * What a list of columns asks for. @throws SchemaError UNKNOWN_COLUMN; UsageError INVALID_ARGUMENT for a partition column, one without bounds in
 * the statistics, one that is named twice, none, or too many
 */
export function clusteringBy({ target }: VerbGround, curve: Curve, names: readonly string[]): Clustering {
  const { schema, partitionColumns, properties } = target
  if (names.length === 0) throw refused('No column is named to lay rows out by.', 'Name columns that queries filter by.')
  if (names.length > mostColumns) {
    throw refused(`${names.length} columns are too many to lay rows out by.`, `Name at most ${mostColumns}: each gets less of the others.`)
  }
  const bounded = new Set(
    planStatistics(schema, partitionColumns, properties)
      .leaves.filter((leaf) => leaf.bounded)
      .map(({ path }) => keyOf(path)),
  )
  const columns = names.map((name) => findColumn(schema, name))
  const physical = columns.map((path) => physicalPath(schema, path, properties))
  for (const [index, path] of columns.entries()) {
    const column = formatColumnPath(path)
    if (partitionColumns.includes(path[0]!)) {
      throw refused(`${column} is a partition column: its files have one value each.`, 'Name other columns.')
    }
    if (!bounded.has(keyOf(physical[index]!))) {
      throw refused(
        `No bounds of ${column} are kept in statistics, so no query could leave out files by it.`,
        'Name other columns, or let delta.dataSkippingStatsColumns name this one.',
      )
    }
    if (columns.findIndex((other) => keyOf(other) === keyOf(path)) < index) throw refused(`${column} is named twice.`, 'Name it once.')
  }
  return { curve, columns, physical }
}

/** The tag of files laid out now. */
export function clusteringMark({ curve, physical }: Clustering): string {
  return JSON.stringify({ [curve]: physical, cube: uuid() })
}

/** The files that are laid out anew, by partition. */
export function planClustering(files: readonly Candidate[], { curve, physical }: Clustering): Candidate[][] {
  const wanted = JSON.stringify(physical)
  return byPartition(files).flatMap((partition) => {
    const [fresh, cubes]: [Candidate[], Map<string, Candidate[]>] = [[], new Map()]
    for (const file of partition) {
      const cube = file.deleted > 0 ? undefined : cubeOf(file.mark, curve, wanted)
      const others = cube === undefined ? fresh : cubes.get(cube)
      if (others === undefined) cubes.set(cube!, [file])
      else others.push(file)
    }
    if (fresh.length === 0) return []
    let bytes = bytesOf(fresh)
    for (const cube of [...cubes.values()].sort((one, other) => bytesOf(one) - bytesOf(other))) {
      if (bytesOf(cube) > takenIn * bytes) break
      fresh.push(...cube)
      bytes += bytesOf(cube)
    }
    return [fresh]
  })
}

/** Writes the rows of files in the order of the curve, as files of about `targetBytes`, all with as many rows. The engine sorts, and spills to disk. */
export async function writeClustered(
  ground: VerbGround,
  files: readonly StoredFile[],
  written: Written,
  { curve, columns }: Clustering,
  targetBytes: number,
  signal?: AbortSignal,
): Promise<void> {
  const source = await movingRows(ground, files)
  const connection = await (await trustedEngine()).connect()
  // No column of the table is called so.
  const prefix = `varve_${uuid().replaceAll('-', '')}_`
  const values = columns.map((_, i) => `${prefix}value${i}`)
  const names = { values, place: `${prefix}place`, prefix }
  const table = `${prefix}rows`
  const expressions = columns.map((path, i) => `${valueSql(path)} AS ${values[i]}`)
  const relation = `(SELECT *, ${expressions.join(', ')} FROM ${source.sql})`
  try {
    let ordered = `SELECT *, 0 AS ${names.place} FROM ${relation} ORDER BY ${values[0]} NULLS FIRST`
    if (columns.length > 1) {
      await setBoundaries(connection, relation, curve, names, source.params, signal)
      ordered = `${placesSql(relation, curve, names)} ORDER BY ${names.place}`
    }
    const options = { signal, files: source.files }
    await connection.run(`CREATE TEMP TABLE ${table} AS SELECT * EXCLUDE (${values.join(', ')}) FROM (${ordered})`, source.params, options)
    const cuts = await cutsOf(connection, table, names.place, Math.max(1, Math.ceil(sizeOf(files) / targetBytes)), signal)
    for (const [index, first] of cuts.slice(0, -1).entries()) {
      const sql = `(SELECT * EXCLUDE (${names.place}) FROM ${table} WHERE rowid >= ${first} AND rowid < ${cuts[index + 1]})`
      await writeRows(ground, { ...source, sql, params: undefined, connection, files: [], bytes: 0 }, 'moved', written, { signal })
    }
  } finally {
    await connection.run(`DROP TABLE IF EXISTS temp.${table}`).catch(() => undefined)
    await dropBoundaries(connection, names).catch(() => undefined)
    await connection.close()
  }
}

/**
 * The first row of each file, and the end. A cut may lie so far from where files of one size would have it, and lies where the curve leaves the
 * largest cell: a file that reaches a little into the next one would have the bounds of both.
 */
async function cutsOf(
  connection: Connection,
  table: string,
  place: string,
  files: number,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const [counted] = await connection.all(`SELECT count(*) AS rows FROM ${table}`, undefined, { signal })
  const rows = Number(counted!.rows)
  if (rows === 0) return []
  const each = Math.max(1, rows / files)
  const near = `abs(id - cut * ${each}) <= ${each * slack} AND cut BETWEEN 1 AND ${files - 1}`
  const found = await connection.all(
    `SELECT arg_max(id, (leaves, -abs(id - cut * ${each})))::DOUBLE AS first FROM (
       SELECT rowid AS id, round(rowid / ${each}) AS cut, bit_length(bin(xor(${place}, lag(${place}) OVER ()))) AS leaves FROM ${table}
     ) WHERE ${near} GROUP BY cut ORDER BY first`,
    undefined,
    { signal },
  )
  return [0, ...found.map(({ first }) => Number(first)), rows]
}

function sizeOf(files: readonly StoredFile[]): number {
  return files.reduce((sum, { size, numRecords, deletionVector }) => {
    const deleted = Number(deletionVector?.cardinality ?? 0)
    return sum + (numRecords ? size * (1 - deleted / numRecords) : size)
  }, 0)
}

/** The cube that a file's tag names, where it was laid out in the same way. */
function cubeOf(mark: string | undefined, curve: Curve, physical: string): string | undefined {
  if (mark === undefined) return undefined
  try {
    const said = parseJson(mark) as Record<string, unknown>
    return JSON.stringify(said[curve]) === physical && typeof said.cube === 'string' ? said.cube : undefined
  } catch {
    return undefined
  }
}

function physicalPath(schema: StructType, path: ColumnPath, properties: Readonly<Record<string, string>>): ColumnPath {
  const naming = columnNaming(properties)
  let type: StructField['type'] = schema
  return path.map((name) => {
    if (typeof type !== 'object' || type.type !== 'struct') return name
    const field: StructField = type.fields[indexOfField(type.fields, name)]!
    type = field.type
    return physicalName(field, naming)
  })
}

function valueSql([first, ...rest]: ColumnPath): string {
  return rest.reduce((sql, name) => `struct_extract(${sql}, ${quoteLiteral(name)})`, quoteIdentifier(first!))
}

function bytesOf(files: readonly Candidate[]): number {
  return files.reduce((sum, file) => sum + liveBytes(file), 0)
}

function keyOf(path: ColumnPath): string {
  return JSON.stringify(path)
}

function refused(message: string, remedy: string): UsageError {
  return new UsageError('INVALID_ARGUMENT', message, { remedy })
}
