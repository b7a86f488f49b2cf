/**
 * The columns of a table in its data files: found by physical name, or by field id where the table maps columns so, widened to the
 * table's types, NULL where a file lacks them; and each as an expression of the table's own name and type.
 */

import { UnsupportedFeatureError } from '../../errors/index.ts'
import { type ColumnNaming, columnNaming, fieldId, physicalName } from '../../schema/physical.ts'
import { quoteIdentifier, quoteLiteral, quotePaths } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import { unmarkedIsText } from './column-forms.ts'
import type { FileMetadata, RowTracking } from './metadata-column.ts'
import type { NestedNames } from './nested-names.ts'
import { mayHideNaN, notPlain } from './plain-columns.ts'

/** The columns of a table, and how its files are listed. */
export interface LayoutSource {
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  /** Where the rows of the files are told apart, and what by. */
  readonly metadata?: FileMetadata | undefined
  /** How a list of local paths is written: as literals, or as a parameter that it is bound to. Default: literals. */
  readonly listPaths?: ((paths: readonly string[]) => string) | undefined
}

/** How the needed columns lie in the files. */
export class FileLayout {
  /** The `schema` argument of read_parquet, or nothing where no column of the files is needed. */
  readonly #schema: string
  readonly #naming: ColumnNaming
  readonly #nested: NestedNames | undefined
  readonly #names = new Map<StructField, string>()
  readonly #tracking: RowTracking | undefined
  readonly #listPaths: (paths: readonly string[]) => string

  /**
   * @param constants Columns that are not looked for in the files.
   * @param joined Whether the files are joined with something else, whose names the columns' must not meet.
   */
  constructor(
    { schema, partitionColumns, properties, listPaths, metadata }: LayoutSource,
    fields: readonly StructField[],
    constants: { has(field: StructField): boolean },
    nested: NestedNames | undefined,
    joined: boolean,
  ) {
    this.#listPaths = listPaths ?? quotePaths
    this.#naming = columnNaming(properties)
    this.#nested = nested
    const inFiles = (field: StructField) => !partitionColumns.includes(field.name) && !constants.has(field) && field.type !== 'void'
    const needed = fields.filter(inFiles)
    // Rows are counted by some column even where none is shown.
    const read = needed.length > 0 ? needed : schema.fields.filter(inFiles).slice(0, 1)
    for (const [index, field] of read.entries()) this.#names.set(field, joined ? `c${index}` : field.name)
    this.#tracking = metadata?.tracking
    const entries = [...read.map((field) => this.#entry(field)), ...materialised(this.#tracking)]
    this.#schema = entries.length === 0 ? '' : `, schema = MAP {${entries.join(', ')}}`
    if (unmarkedIsText(read)) this.#schema += ', binary_as_string = true'
  }

  /** The files for a FROM clause. DuckDB, told the columns, does not look how many rows there are, and must know to order joins well. */
  files(paths: readonly string[], rows: number): string {
    return `read_parquet(${this.#listPaths(paths)}${this.#schema}, hive_partitioning = false, explicit_cardinality = ${rows})`
  }

  column(field: StructField): string {
    if (field.type === 'void') return `CAST(NULL AS ${toSqlType('void')}) AS ${quoteIdentifier(field.name)}`
    const inFile = quoteIdentifier(this.#names.get(field)!)
    const name = quoteIdentifier(field.name)
    const read = isWidened(field) || mayHideNaN(field) ? notPlain(inFile) : inFile
    const value = this.#logical(read, field.type, this.#nested?.forms?.get(field))
    return value === name ? name : `${value} AS ${name}`
  }

  /** The column `_metadata`, from its value for the file. */
  metadata(value: string): string {
    if (this.#tracking === undefined) return value
    const part = (name: string) => `struct_extract(${value}, '${name}')`
    const kept = ['file_path', 'file_name', 'file_size', 'file_modification_time'].map((name) => `${name} := ${part(name)}`)
    const [id, version] = [`${part('row_id')} + file_row_number`, part('row_commit_version')]
    const { rowId, rowCommitVersion } = this.#tracking
    const own = (column: string | undefined, name: string, otherwise: string) =>
      `${name} := ${column === undefined ? otherwise : `coalesce(${name}, ${otherwise})`}`
    return `struct_pack(${[...kept, own(rowId, 'row_id', id), own(rowCommitVersion, 'row_commit_version', version)].join(', ')})`
  }

  #entry(field: StructField): string {
    const id = this.#naming.byId ? fieldId(field, this.#naming) : undefined
    // What is materialised has a name alone, and columns are looked for all by id or all by name.
    const byName = id === undefined || this.#tracking !== undefined
    const key = byName ? quoteLiteral(this.#nameInside(field)) : String(id)
    const type = quoteLiteral(toSqlType(this.#physical(field.type, this.#nested?.forms?.get(field))))
    return `${key}: {name: ${quoteLiteral(this.#names.get(field)!)}, type: ${type}, default_value: NULL}`
  }

  /** The type to read: physical names, and what the file's own form asks for. */
  #physical(type: DataType, form: DataType | undefined): DataType {
    if (type === 'variant') return form === 'variant' ? type : partsOf(form)
    if (type === 'string') return form === 'binary' ? form : type
    if (typeof type === 'string') return type
    switch (type.type) {
      case 'array':
        return { ...type, elementType: this.#physical(type.elementType, elementForm(form)) }
      case 'map':
        return { ...type, keyType: this.#physical(type.keyType, keyForm(form)), valueType: this.#physical(type.valueType, valueForm(form)) }
      case 'struct': {
        const fields = type.fields.map((field) => {
          const name = this.#nameInside(field)
          return { ...field, name, type: this.#physical(field.type, fieldForm(form, name)) }
        })
        return { ...type, fields: [...fields, ...this.#stranger(type)] }
      }
    }
  }

  /** An expression of the type that is read as one of the table's own. */
  #logical(sql: string, type: DataType, form: DataType | undefined): string {
    if (!this.#differs(type, form)) return sql
    if (type === 'variant') return `variant_bytes_to_variant(struct_extract(${sql}, 'metadata') || struct_extract(${sql}, 'value'))`
    if (typeof type === 'string') return `decode(${sql})`
    switch (type.type) {
      case 'array':
        return `list_transform(${sql}, lambda e: ${this.#logical('e', type.elementType, elementForm(form))})`
      case 'map': {
        const key = this.#logical("struct_extract(e, 'key')", type.keyType, keyForm(form))
        const value = this.#logical("struct_extract(e, 'value')", type.valueType, valueForm(form))
        return `map_from_entries(list_transform(map_entries(${sql}), lambda e: row(${key}, ${value})))`
      }
      case 'struct': {
        const fields = type.fields.map((field) => {
          const name = this.#nameInside(field)
          const value = this.#logical(`struct_extract(${sql}, ${quoteLiteral(name)})`, field.type, fieldForm(form, name))
          return `${quoteIdentifier(field.name)} := ${value}`
        })
        return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${fields.join(', ')}) END`
      }
    }
  }

  #differs(type: DataType, form: DataType | undefined): boolean {
    if (type === 'variant') return form !== 'variant'
    if (type === 'string') return form === 'binary'
    if (typeof type === 'string') return false
    if (type.type === 'array') return this.#differs(type.elementType, elementForm(form))
    if (type.type === 'map') return this.#differs(type.keyType, keyForm(form)) || this.#differs(type.valueType, valueForm(form))
    if (this.#stranger(type).length > 0) return true
    return type.fields.some((field) => {
      const name = this.#nameInside(field)
      return name !== field.name || this.#differs(field.type, fieldForm(form, name))
    })
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

/**
 * Whether files may hold a column, or what is inside it, in a narrower type (§Type Widening). DuckDB takes conditions on a plain column into the
 * file and converts their constants to the file's type, so that `x > 1.5` becomes `x > 2`: such a column must not be plain.
 */
function isWidened({ metadata, type }: StructField): boolean {
  return 'delta.typeChanges' in metadata || (typeof type === 'object' && type.type === 'struct' && type.fields.some(isWidened))
}

/** The columns that row ids and versions are materialised in. Other columns have names of another kind where files are told apart. */
function materialised(tracking: RowTracking | undefined): readonly string[] {
  const columns = [['row_id', tracking?.rowId] as const, ['row_commit_version', tracking?.rowCommitVersion] as const]
  return columns.flatMap(([name, column]) =>
    column === undefined ? [] : [`${quoteLiteral(column)}: {name: '${name}', type: 'BIGINT', default_value: NULL}`],
  )
}

function elementForm(form: DataType | undefined): DataType | undefined {
  return typeof form === 'object' && form.type === 'array' ? form.elementType : undefined
}

function keyForm(form: DataType | undefined): DataType | undefined {
  return typeof form === 'object' && form.type === 'map' ? form.keyType : undefined
}

function valueForm(form: DataType | undefined): DataType | undefined {
  return typeof form === 'object' && form.type === 'map' ? form.valueType : undefined
}

function fieldForm(form: DataType | undefined, name: string): DataType | undefined {
  if (typeof form !== 'object' || form.type !== 'struct') return undefined
  return form.fields.find((field) => field.name.toLowerCase() === name.toLowerCase())?.type
}

/** A variant as its two parts. @throws UnsupportedFeatureError variantShredding where the file has more of it that DuckDB does not put together */
function partsOf(form: DataType | undefined): DataType {
  if (fieldForm(form, 'typed_value') === undefined) return variantParts
  throw new UnsupportedFeatureError(
    'UNSUPPORTED_FEATURE',
    'A data file holds shredded variants (variantShredding) without marking them as variants, so that they cannot be put together.',
    {
      remedy: 'Read other columns, or have the engine that wrote the table rewrite it unshredded or with the logical type VARIANT.',
      data: { feature: 'variantShredding' },
    },
  )
}

const variantParts: StructType = {
  type: 'struct',
  fields: ['metadata', 'value'].map((name) => ({ name, type: 'binary', nullable: true, metadata: {} })),
}
