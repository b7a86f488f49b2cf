/**
 * Files of a version as one SQL relation with the table's columns: their names, order and types, whatever the files hold. Columns are
 * found in the files by physical name (by field id where the table maps columns so), widened to the table's types, and NULL where a
 * file lacks them; partition columns are constants from the log.
 */
import { columnNaming, physicalName } from '../data/physical.ts'
import type { ChosenFile } from '../data/prune/prune.ts'
import { UnsupportedFeatureError } from '../errors/index.ts'
import { partitionValueFromText } from '../schema/partition-values.ts'
import { quoteIdentifier, quoteLiteral } from '../schema/quoting.ts'
import { toSqlType } from '../schema/sql-type.ts'
import type { StructField } from '../schema/types.ts'
import { FileLayout, type LayoutSource } from './file-layout.ts'
import type { NestedNames } from './nested-names.ts'

/** What a relation is made from. */
export interface RelationSource extends LayoutSource {
  readonly files: readonly ChosenFile[]
  /** Local paths of the files, in their order. */
  readonly paths: readonly string[]
  /** How the files, in their order, differ from the table inside their columns. */
  readonly nested?: readonly (NestedNames | undefined)[] | undefined
  /** The columns that are needed, as the schema spells them. Default: all. */
  readonly columns?: ReadonlySet<string> | undefined
}

/** With more distinct partition values than this, they are joined to the rows by file name instead of one branch each. */
const mostBranches = 256

/** The relation as a SELECT, for a FROM clause in parentheses. @throws UnsupportedFeatureError for what cannot be read yet */
export function relationSql(source: RelationSource): string {
  const fields = neededFields(source)
  if (source.files.length === 0) {
    return `SELECT ${fields.map((field) => `CAST(NULL AS ${toSqlType(field.type)}) AS ${quoteIdentifier(field.name)}`).join(', ')} WHERE false`
  }
  refuseVectors(source.files)
  return groupByNames(source)
    .map(([files, names]) => selectFiles(files, fields, names))
    .join(' UNION ALL ')
}

/** The relation of files that name what is inside their columns in one way. */
function selectFiles(source: RelationSource, fields: readonly StructField[], names: NestedNames | undefined): string {
  const partitions = fields.filter((field) => source.partitionColumns.includes(field.name))
  const groups = partitions.length === 0 ? [] : groupByPartition(source, partitions)
  const joined = groups.length > mostBranches
  const layout = new FileLayout(source, fields, names, joined)
  if (partitions.length === 0) return selectBranch(layout, fields, source.paths, () => undefined)
  if (!joined) {
    const constant = (group: PartitionGroup) => (field: StructField) =>
      partitions.includes(field) ? partitionSql(field, group.values.get(field.name)) : undefined
    return groups.map((group) => selectBranch(layout, fields, group.paths, constant(group))).join(' UNION ALL ')
  }
  return selectJoined(layout, fields, partitions, source, groups)
}

/** The files by the names inside their columns; nearly always they are one group. */
function groupByNames(source: RelationSource): readonly (readonly [RelationSource, NestedNames | undefined])[] {
  const { nested = [], files, paths } = source
  if (nested.every((names) => names === undefined)) return [[source, undefined]]
  const groups = new Map<NestedNames | undefined, { files: ChosenFile[]; paths: string[] }>()
  for (const [index, file] of files.entries()) {
    const names = nested[index]
    const group = groups.get(names) ?? { files: [], paths: [] }
    groups.set(names, group)
    group.files.push(file)
    group.paths.push(paths[index]!)
  }
  return [...groups].map(([names, group]) => [{ ...source, ...group }, names])
}

/** A file whose rows are partly deleted must not be read as if it were whole. */
function refuseVectors(files: readonly ChosenFile[]): void {
  const file = files.find(({ deletionVector }) => deletionVector !== undefined)
  if (file === undefined) return
  throw new UnsupportedFeatureError(
    'UNSUPPORTED_FEATURE',
    `The file ${file.path} has deleted rows (deletionVectors), which cannot be read yet.`,
    {
      remedy: 'Read it with an engine that applies deletion vectors, or rewrite the table there (OPTIMIZE, REORG).',
      data: { feature: 'deletionVectors', path: file.path },
    },
  )
}

function neededFields({ schema, columns }: RelationSource): readonly StructField[] {
  const needed = columns === undefined ? schema.fields : schema.fields.filter((field) => columns.has(field.name))
  return needed.length > 0 ? needed : schema.fields.slice(0, 1)
}

interface PartitionGroup {
  /** Text of each partition column by its own name. */
  readonly values: ReadonlyMap<string, string | null>
  readonly paths: string[]
}

function groupByPartition(source: RelationSource, partitions: readonly StructField[]): PartitionGroup[] {
  const naming = columnNaming(source.properties)
  const groups = new Map<string, PartitionGroup>()
  source.files.forEach((file, index) => {
    const texts = partitions.map((field) => {
      const name = physicalName(field, naming)
      return Object.hasOwn(file.partitionValues, name) ? (file.partitionValues[name] ?? null) : null
    })
    const key = JSON.stringify(texts)
    let group = groups.get(key)
    if (group === undefined) {
      group = { values: new Map(partitions.map((field, i) => [field.name, texts[i] ?? null])), paths: [] }
      groups.set(key, group)
    }
    group.paths.push(source.paths[index]!)
  })
  return [...groups.values()]
}

function partitionSql(field: StructField, text: string | null | undefined): string {
  const name = quoteIdentifier(field.name)
  if (text === null || text === undefined || text === '') return `CAST(NULL AS ${toSqlType(field.type)}) AS ${name}`
  return `${partitionValueFromText(quoteLiteral(text), field.type)} AS ${name}`
}

function selectBranch(
  layout: FileLayout,
  fields: readonly StructField[],
  paths: readonly string[],
  partition: (field: StructField) => string | undefined,
): string {
  const columns = fields.map((field) => partition(field) ?? layout.column(field))
  return `SELECT ${columns.join(', ')} FROM ${layout.files(paths)}`
}

function selectJoined(
  layout: FileLayout,
  fields: readonly StructField[],
  partitions: readonly StructField[],
  source: RelationSource,
  groups: readonly PartitionGroup[],
): string {
  const columns = fields.map((field) => {
    const place = partitions.indexOf(field)
    return place < 0 ? layout.column(field) : `${partitionValueFromText(`p${place}`, field.type)} AS ${quoteIdentifier(field.name)}`
  })
  const rows = groups.flatMap(({ values, paths }) => {
    const texts = partitions.map((field) => textSql(values.get(field.name)))
    return paths.map((path) => `(${[quoteLiteral(path), ...texts].join(', ')})`)
  })
  const names = ['path', ...partitions.map((_, index) => `p${index}`)]
  return `SELECT ${columns.join(', ')} FROM ${layout.files(source.paths)} AS f JOIN (VALUES ${rows.join(', ')}) AS p(${names.join(', ')}) ON f.filename = p.path`
}

function textSql(text: string | null | undefined): string {
  return text === null || text === undefined ? 'NULL::VARCHAR' : quoteLiteral(text)
}
