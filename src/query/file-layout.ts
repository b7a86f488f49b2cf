/**
 * The columns of a table in its data files: found by physical name, or by field id where the table maps columns so, widened to the
 * table's types, NULL where a file lacks them; and each as an expression of the table's own name and type.
 */
import { type ColumnNaming, columnNaming, fieldId, physicalName } from '../data/physical.ts'
import { quoteIdentifier, quoteLiteral, quotePaths } from '../schema/quoting.ts'
import { toSqlType } from '../schema/sql-type.ts'
import type { DataType, StructField, StructType } from '../schema/types.ts'
import type { NestedNames } from './nested-names.ts'

/** The columns of a table, and how its files are listed. */
export interface LayoutSource {
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  readonly properties: Readonly<Record<string, string>>
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
  readonly #listPaths: (paths: readonly string[]) => string

  /**
   * @param constants Columns that are not looked for in the files.
   * @param joined Whether the files are joined with something else, whose names the columns' must not meet.
   */
  constructor(
    { schema, partitionColumns, properties, listPaths }: LayoutSource,
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
