/**
 * Files of a version as one SQL relation with the table's columns: their names, order and types, whatever the files hold. Columns are
 * found in the files by physical name (by field id where the table maps columns so), widened to the table's types, and NULL where a
 * file lacks them; partition columns are constants from the log.
 */
import { type ColumnNaming, columnNaming, fieldId, physicalName } from '../data/physical.ts'
import type { ChosenFile } from '../data/prune/prune.ts'
import { UnsupportedFeatureError } from '../errors/index.ts'
import { partitionValueFromText } from '../schema/partition-values.ts'
import { quoteIdentifier, quoteLiteral, quotePaths } from '../schema/quoting.ts'
import { toSqlType } from '../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../schema/types.ts'
import type { NestedNames } from './nested-names.ts'

/** What a relation is made from. */
export interface RelationSource {
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly files: readonly ChosenFile[]
  /** Local paths of the files, in their order. */
  readonly paths: readonly string[]
  /** How a list of local paths is written: as literals, or as a parameter that it is bound to. Default: literals. */
  readonly listPaths?: ((paths: readonly string[]) => string) | undefined
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

/** How the needed columns lie in the files. */
class FileLayout {
  /** The `schema` argument of read_parquet, or nothing where no column of the files is needed. */
  readonly #schema: string
  readonly #naming: ColumnNaming
  readonly #nested: NestedNames | undefined
  readonly #names = new Map<StructField, string>()
  readonly #listPaths: (paths: readonly string[]) => string

  /** @param joined Whether the files are joined with something else, whose names the columns' must not meet. */
  constructor(
    { schema, partitionColumns, properties, listPaths }: RelationSource,
    fields: readonly StructField[],
    nested: NestedNames | undefined,
    joined: boolean,
  ) {
    this.#listPaths = listPaths ?? quotePaths
    this.#naming = columnNaming(properties)
    this.#nested = nested
    const inFiles = (field: StructField) => !partitionColumns.includes(field.name) && field.type !== 'void'
    const needed = fields.filter(inFiles)
    // Rows are counted by some column even where none is shown.
    const read = needed.length > 0 ? needed : schema.fields.filter(inFiles).slice(0, 1)
    for (const [index, field] of read.entries()) this.#names.set(field, joined ? `c${index}` : field.name)
    this.#schema = read.length === 0 ? '' : `, schema = MAP {${read.map((field) => this.#entry(field)).join(', ')}}`
    // Old writers do not mark text as such, and DuckDB would escape what is not ASCII in it. It can be told so for all columns or none.
    if (read.some(({ type }) => holds(type, 'string')) && !read.some(({ type }) => holds(type, 'binary') || holds(type, 'variant'))) {
      this.#schema += ', binary_as_string = true'
    }
  }

  files(paths: readonly string[]): string {
    return `read_parquet(${this.#listPaths(paths)}${this.#schema}, hive_partitioning = false)`
  }

  column(field: StructField): string {
    if (field.type === 'void') return `CAST(NULL AS ${toSqlType('void')}) AS ${quoteIdentifier(field.name)}`
    const inFile = quoteIdentifier(this.#names.get(field)!)
    const name = quoteIdentifier(field.name)
    const value = this.#logical(inFile, field.type)
    return value === name ? name : `${value} AS ${name}`
  }

  #entry(field: StructField): string {
    const id = this.#naming.byId ? fieldId(field, this.#naming) : undefined
    const key = id === undefined ? quoteLiteral(physicalName(field, this.#naming)) : String(id)
    const type = quoteLiteral(toSqlType(this.#physical(field.type)))
    return `${key}: {name: ${quoteLiteral(this.#names.get(field)!)}, type: ${type}, default_value: NULL}`
  }

  /** The type as it is in the files: physical names, variants as their two parts. */
  #physical(type: DataType): DataType {
    if (type === 'variant') return variantParts
    if (typeof type === 'string') return type
    switch (type.type) {
      case 'array':
        return { ...type, elementType: this.#physical(type.elementType) }
      case 'map':
        return { ...type, keyType: this.#physical(type.keyType), valueType: this.#physical(type.valueType) }
      case 'struct':
        return {
          ...type,
          fields: [
            ...type.fields.map((field) => ({ ...field, name: this.#nameInside(field), type: this.#physical(field.type) })),
            ...this.#stranger(type),
          ],
        }
    }
  }

  /** An expression of the physical type as one of the table's own. */
  #logical(sql: string, type: DataType): string {
    if (type === 'variant') return `variant_bytes_to_variant(struct_extract(${sql}, 'metadata') || struct_extract(${sql}, 'value'))`
    if (typeof type === 'string' || !this.#differs(type)) return sql
    switch (type.type) {
      case 'array':
        return `list_transform(${sql}, lambda e: ${this.#logical('e', type.elementType)})`
      case 'map': {
        const entry = `row(${this.#logical("struct_extract(e, 'key')", type.keyType)}, ${this.#logical("struct_extract(e, 'value')", type.valueType)})`
        return `map_from_entries(list_transform(map_entries(${sql}), lambda e: ${entry}))`
      }
      case 'struct': {
        const fields = type.fields.map(
          (field) =>
            `${quoteIdentifier(field.name)} := ${this.#logical(`struct_extract(${sql}, ${quoteLiteral(this.#nameInside(field))})`, field.type)}`,
        )
        return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`
      }
    }
  }

  #differs(type: DataType): boolean {
    if (typeof type === 'string') return type === 'variant'
    if (type.type === 'array') return this.#differs(type.elementType)
    if (type.type === 'map') return this.#differs(type.keyType) || this.#differs(type.valueType)
    if (this.#stranger(type).length > 0) return true
    return type.fields.some((field) => this.#nameInside(field) !== field.name || this.#differs(field.type))
  }

  /** The name of a nested field in the files; one that is no name in them where they do not have it. */
  #nameInside(field: StructField): string {
    if (this.#nested?.byId === undefined) return physicalName(field, this.#naming)
    const id = fieldId(field, this.#naming)
    return (id === undefined ? undefined : this.#nested.byId.get(id)) ?? `absent field ${id ?? field.name}`
  }

  /** A field of the files' own, where they have none of a struct's: by it DuckDB tells a struct from NULL. */
  #stranger(type: StructType): readonly StructField[] {
    const name = this.#nested?.strangers.get(type)
    return name === undefined ? [] : [{ name, type: 'string', nullable: true, metadata: {} }]
  }
}

function holds(type: DataType, wanted: DataType): boolean {
  if (typeof type === 'string') return type === wanted
  switch (type.type) {
    case 'array':
      return holds(type.elementType, wanted)
    case 'map':
      return holds(type.keyType, wanted) || holds(type.valueType, wanted)
    case 'struct':
      return type.fields.some((field) => holds(field.type, wanted))
  }
}

const variantParts: StructType = {
  type: 'struct',
  fields: ['metadata', 'value'].map((name) => ({ name, type: 'binary', nullable: true, metadata: {} })),
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
