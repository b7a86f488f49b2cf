/**
 * Files of a version as one SQL relation with the table's columns: their names, order and types, whatever the files hold. Columns are
 * found in the files by physical name (by field id where the table maps columns so), widened to the table's types, and NULL where a
 * file lacks them; partition columns are constants from the log.
 *
 * Rows that a deletion vector deletes are left out by their number in the file, which the engine counts before any filter and whatever
 * row groups it skips (§Deletion Vectors).
 */

import type { ChosenFile } from '../../data/prune/prune.ts'
import type { RowSelection } from '../../data/vectors/row-selection.ts'
import { partitionValueFromText } from '../../schema/partition-values.ts'
import { columnNaming, physicalName } from '../../schema/physical.ts'
import { quoteIdentifier, quoteValue } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructField } from '../../schema/types.ts'
import { FileLayout, type LayoutSource } from './file-layout.ts'
import type { NestedNames } from './nested-names.ts'
import type { Positions } from './positions.ts'
import { maskOf } from './row-masks.ts'
import { WrittenLayout } from './written-layout.ts'

/** One file of a relation. */
export interface RelationFile extends ChosenFile {
  /** The rows that are meant, where not all are. A file with a deletion vector must say; its number of rows must be known. */
  readonly rows?: RowSelection | undefined
  /** Columns of the relation that have one value in this file, whatever it holds: an SQL expression of the column's type, by the column's name. */
  readonly constants?: ReadonlyMap<string, string> | undefined
}

/** What a relation is made from. */
export interface RelationSource extends LayoutSource {
  /** One file may come twice, with other rows of it. */
  readonly files: readonly RelationFile[]
  /** Local paths of the files, in their order. */
  readonly paths: readonly string[]
  /** How the files, in their order, differ from the table inside their columns. */
  readonly nested?: readonly (NestedNames | undefined)[] | undefined
  /** Where rows are told apart. */
  readonly positions?: Positions | undefined
  /** The columns that are needed, as the schema spells them. Default: all. */
  readonly columns?: ReadonlySet<string> | undefined
  /** How a value is written, as a parameter that it is bound to. Default: as a literal, which is slow for files with `rows`. */
  readonly bindValue?: ((value: readonly Uint8Array[]) => string) | undefined
  /** Whether the text may be wrong where a file lacks a column; it is then to be written without. It is faster where there is one file. Default: `false`. */
  readonly asWritten?: boolean | undefined
}

/** With more distinct values of partition columns than this, they are joined to the rows by file instead of one branch each. */
const mostBranches = 256

/** What a row is taken to need where the log does not say how many a file has. */
const bytesOfRow = 32

/** The relation as a SELECT, for a FROM clause in parentheses. */
export function relationSql(source: RelationSource): string {
  return plainSql(source) ?? groupedSql(source)
}

/** The text of one file's relation but for its path, where no column is a constant and every row is meant. */
interface PlainText extends Pick<RelationSource, 'schema' | 'properties' | 'partitionColumns'> {
  readonly layout: WrittenLayout | undefined
  readonly select: string
}

/** By the columns that are needed. Small queries of one file are so quick that writing the text anew would be a good part of them. */
const plainTexts = new WeakMap<ReadonlySet<string>, PlainText>()

function plainSql(source: RelationSource): string | undefined {
  const { files, paths, columns, schema, properties, partitionColumns } = source
  const [file] = files
  if (source.asWritten !== true || columns === undefined || file === undefined || files.length > 1) return undefined
  if (source.listPaths !== undefined || source.metadata !== undefined || source.nested?.[0] !== undefined) return undefined
  if (source.positions !== undefined) return undefined
  if (file.rows !== undefined || file.deletionVector !== undefined || file.constants !== undefined) return undefined
  let text = plainTexts.get(columns)
  if (text?.schema !== schema || text.properties !== properties || text.partitionColumns !== partitionColumns) {
    text = plainText(source)
    plainTexts.set(columns, text)
  }
  return text.layout && text.select + text.layout.files(paths)
}

function plainText(source: RelationSource): PlainText {
  const { schema, properties, partitionColumns } = source
  const fields = neededFields(source)
  const none = new Map<StructField, string>()
  const layout = fields.some(({ name }) => partitionColumns.includes(name)) ? undefined : WrittenLayout.of(source, fields, none)
  const select = layout === undefined ? '' : selectFrom(layout, fields, none)
  return { schema, properties, partitionColumns, layout, select }
}

function groupedSql(source: RelationSource): string {
  const fields = [...neededFields(source), ...(source.metadata === undefined ? [] : [source.metadata.field])]
  const entries = source.files.map((file, index) => entryOf(source, fields, file, index))
  if (entries.length === 0) {
    const columns = fields.map((field) => `CAST(NULL AS ${toSqlType(field.type)}) AS ${quoteIdentifier(field.name)}`)
    return `SELECT ${[...columns, ...positionColumns(source, 'NULL::BIGINT', 'NULL::BIGINT')].join(', ')} WHERE false`
  }
  return alike(entries)
    .map((group) => selectFiles(source, fields, group))
    .join(' UNION ALL ')
}

/** A file, and all that its rows are made of beside what it holds. */
interface Entry {
  readonly path: string
  /** Its place among all files. */
  readonly place: number
  readonly names: NestedNames | undefined
  readonly file: RelationFile
  /** The columns that are constants of the file. */
  readonly constants: ReadonlyMap<StructField, string>
}

function entryOf(source: RelationSource, fields: readonly StructField[], file: RelationFile, index: number): Entry {
  if (file.deletionVector !== undefined && file.rows === undefined) throw new Error(`the deletion vector of ${file.path} was not read`)
  const naming = columnNaming(source.properties)
  const constants = new Map<StructField, string>()
  for (const field of fields) {
    const constant = field === source.metadata?.field ? source.metadata.values[index] : file.constants?.get(field.name)
    if (constant !== undefined) constants.set(field, constant)
    else if (source.partitionColumns.includes(field.name))
      constants.set(field, partitionSql(field, partitionText(file, physicalName(field, naming))))
  }
  return { path: source.paths[index]!, place: index, names: source.nested?.[index], file, constants }
}

function partitionText({ partitionValues }: ChosenFile, name: string): string | null {
  return Object.hasOwn(partitionValues, name) ? (partitionValues[name] ?? null) : null
}

/** Files that one list of them can give: alike inside their columns, in which columns are constants, and in how their rows are chosen. */
function alike(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const numbers = new Map<NestedNames | undefined, number>()
  const groups = new Map<string, Entry[]>()
  for (const entry of entries) {
    const { names, file, constants } = entry
    if (!numbers.has(names)) numbers.set(names, numbers.size)
    const key = `${numbers.get(names)} ${kindOf(file.rows)} ${JSON.stringify([...constants.keys()].map(({ name }) => name))}`
    push(groups, key, entry)
  }
  return [...groups.values()]
}

function kindOf(rows: RowSelection | undefined): string {
  return rows === undefined ? 'all' : 'only' in rows ? 'only' : 'all but'
}

/** The relation of files that are alike. */
function selectFiles(source: RelationSource, fields: readonly StructField[], entries: readonly Entry[]): string {
  const [{ names, file, constants }] = entries as [Entry]
  const branches = new Map<string, Entry[]>()
  if (constants.size > 0) for (const entry of entries) push(branches, [...entry.constants.values()].join(' '), entry)
  const scattered = source.positions !== undefined && ![...(branches.size > 0 ? branches.values() : [entries])].every(isConsecutive)
  const joined = file.rows !== undefined || source.metadata !== undefined || branches.size > mostBranches || scattered
  const written =
    source.asWritten === true && entries.length === 1 && !joined && names === undefined && source.positions === undefined
      ? WrittenLayout.of(source, fields, constants)
      : undefined
  if (written !== undefined) return selectBranch(source, written, fields, entries)
  const layout = new FileLayout(source, fields, constants, names, joined || source.positions !== undefined)
  if (joined) return selectJoined(source, layout, fields, entries)
  if (branches.size === 0) return selectBranch(source, layout, fields, entries)
  return [...branches.values()].map((branch) => selectBranch(source, layout, fields, branch)).join(' UNION ALL ')
}

function selectBranch(
  source: RelationSource,
  layout: FileLayout | WrittenLayout,
  fields: readonly StructField[],
  entries: readonly Entry[],
): string {
  const { constants, place } = entries[0]!
  const positions = positionColumns(source, `${place}::BIGINT + file_index::BIGINT`, 'file_row_number')
  return selectFrom(layout, fields, constants, positions) + layout.files(pathsOf(entries), rowsIn(entries))
}

function selectFrom(
  layout: FileLayout | WrittenLayout,
  fields: readonly StructField[],
  constants: ReadonlyMap<StructField, string>,
  positions: readonly string[] = [],
): string {
  const columns = fields.map((field) => {
    const constant = constants.get(field)
    return constant === undefined ? layout.column(field) : `${constant} AS ${quoteIdentifier(field.name)}`
  })
  return `SELECT ${[...columns, ...positions].join(', ')} FROM `
}

function positionColumns({ positions }: RelationSource, file: string, row: string): string[] {
  return positions === undefined ? [] : [`${file} AS ${quoteIdentifier(positions.file)}`, `${row} AS ${quoteIdentifier(positions.row)}`]
}

function isConsecutive(entries: readonly Entry[]): boolean {
  return entries.every(({ place }, index) => place === entries[0]!.place + index)
}

function pathsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ path }) => path)
}

/** About how many rows the files have, as good as the log knows; never none, which would mean that nobody knows. */
function rowsIn(entries: readonly Entry[]): number {
  const rows = entries.reduce((sum, { file }) => sum + (file.numRecords ?? file.size / bytesOfRow), 0)
  return Math.ceil(Math.min(Math.max(rows, entries.length, 1), Number.MAX_SAFE_INTEGER))
}

/** What differs between files as a table of its own, which their rows are joined with by the file's place in the list. */
function selectJoined(source: RelationSource, layout: FileLayout, fields: readonly StructField[], entries: readonly Entry[]): string {
  const fixed = [...entries[0]!.constants.keys()]
  const columns = fields.map((field) => {
    if (!fixed.includes(field)) return layout.column(field)
    const value = `m.k${fixed.indexOf(field)}`
    return `${field === source.metadata?.field ? layout.metadata(value) : value} AS ${quoteIdentifier(field.name)}`
  })
  // DuckDB looks keys up in an array, and not in a hash table, where they lie close together with a gap among them: hence one more.
  const lists = [`list_append(range(${entries.length}), ${entries.length + 1}::BIGINT)::UBIGINT[]`]
  for (const field of fixed) {
    const values = entries.map(({ constants }) => constants.get(field)!)
    lists.push(`[${[...values, `CAST(NULL AS ${toSqlType(field.type)})`].join(', ')}]`)
  }
  const names = ['place', ...fixed.map((_, index) => `k${index}`)]
  const conditions: string[] = []
  if (source.positions !== undefined) {
    lists.push(`[${[...entries.map(({ place }) => place), -1].join(', ')}]::BIGINT[]`)
    names.push('position')
    columns.push(...positionColumns(source, 'm.position', 'f.file_row_number'))
  }
  if (entries[0]!.file.rows !== undefined) {
    lists.push(`${masksSql(source, entries)}::BIT[]`)
    names.push('mask')
    conditions.push('get_bit(m.mask, CAST(f.file_row_number AS INTEGER)) = 0', ...rangeSql(entries))
  }
  const rows = `SELECT ${lists.map((list, index) => `unnest(${list}) AS ${names[index]}`).join(', ')}`
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  // The table of constants must be the smaller side, which is the one that DuckDB keeps in memory.
  const files = layout.files(pathsOf(entries), Math.max(rowsIn(entries), 100 * entries.length))
  return `SELECT ${columns.join(', ')} FROM ${files} AS f JOIN (${rows}) AS m ON f.file_index = m.place${where}`
}

/** A bit for each row of each file: 1 where it is left out. */
function masksSql({ bindValue }: RelationSource, entries: readonly Entry[]): string {
  const masks = entries.map(({ file: { path, rows, numRecords } }) => {
    if (rows === undefined || numRecords === undefined) throw new Error(`the number of rows of ${path} is not known`)
    return maskOf(rows, numRecords)
  })
  masks.push(Uint8Array.of(0))
  if (bindValue !== undefined) return `${bindValue(masks)}::BLOB[]`
  return `[${masks.map((mask) => `from_base64('${Buffer.from(mask.buffer, mask.byteOffset, mask.length).toString('base64')}')`).join(', ')}]`
}

/** Where only some rows are meant, row groups before the first and behind the last are not read. */
function rangeSql(entries: readonly Entry[]): string[] {
  let [first, last] = [Infinity, -1]
  for (const { file } of entries) {
    if (file.rows === undefined || !('only' in file.rows)) return []
    first = Math.min(first, file.rows.only.first)
    last = Math.max(last, file.rows.only.last)
  }
  return last < 0 ? ['false'] : [`f.file_row_number >= ${first}`, `f.file_row_number <= ${last}`]
}

function neededFields({ schema, columns }: RelationSource): readonly StructField[] {
  const needed = columns === undefined ? schema.fields : schema.fields.filter((field) => columns.has(field.name))
  return needed.length > 0 ? needed : schema.fields.slice(0, 1)
}

function partitionSql(field: StructField, text: string | null): string {
  if (text === null || text === '') return `CAST(NULL AS ${toSqlType(field.type)})`
  return partitionValueFromText(quoteValue(text), field.type)
}

function push<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [value])
  else group.push(value)
}
