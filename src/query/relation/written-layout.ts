/**
 * The columns of a table in one file, read by the file's own schema, each cast to the table's type. DuckDB prepares that faster than a
 * list of the columns to look for, which is a good part of what a query of one small file takes. The rows are the same, since a file's values are
 * cast to the listed types in the same way, or there are none: a column that the file lacks makes the statement wrong, and whoever runs
 * it writes another, with the columns listed ({@link FileLayout}).
 *
 * So that such a column can be mistaken for nothing else, columns are named by the file's alias, which is random, and columns that
 * DuckDB offers of every file (`filename`, `file_row_number`, `file_index`) are not read so.
 */
import { randomBytes } from 'node:crypto'
import { type ColumnNaming, columnNaming, physicalName } from '../../schema/physical.ts'
import { escapePattern, quoteIdentifier, quoteLiteral, quotePaths } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructField } from '../../schema/types.ts'
import { unmarkedIsText } from './column-forms.ts'
import type { LayoutSource } from './file-layout.ts'
import { mayHideNaN, notPlain } from './plain-columns.ts'

const alias = `v${randomBytes(8).toString('hex')}`

/** How the needed columns lie in one file, where that is plain. */
export class WrittenLayout {
  readonly #naming: ColumnNaming
  readonly #listPaths: ((paths: readonly string[]) => string) | undefined
  readonly #options: string

  private constructor({ properties, listPaths }: LayoutSource, read: readonly StructField[]) {
    this.#naming = columnNaming(properties)
    this.#listPaths = listPaths
    this.#options = unmarkedIsText(read) ? ', binary_as_string = true' : ''
  }

  /** The layout; `undefined` where a column must be looked for in another way than by its name, or is not of a simple type. */
  static of(
    source: LayoutSource,
    fields: readonly StructField[],
    constants: { has(field: StructField): boolean },
  ): WrittenLayout | undefined {
    const naming = columnNaming(source.properties)
    const read = fields.filter((field) => !constants.has(field))
    const plain = ({ type }: StructField) => typeof type === 'string' && type !== 'variant' && type !== 'void'
    const all = !naming.byId && read.every((field) => plain(field) && !/^(file|row)/i.test(physicalName(field, naming)))
    return all ? new WrittenLayout(source, read) : undefined
  }

  files(paths: readonly string[]): string {
    const [path, ...others] = paths
    // One path as it stands is less to prepare than a list of it, and no path names a partition without this character.
    const literal = this.#listPaths === undefined && others.length === 0 && path !== undefined
    const files = literal ? quoteLiteral(escapePattern(path)) : (this.#listPaths ?? quotePaths)(paths)
    const options = literal && !path.includes('=') ? '' : ', hive_partitioning = false'
    return `read_parquet(${files}${this.#options}${options}) AS ${alias}`
  }

  column(field: StructField): string {
    const inFile = `${alias}.${quoteIdentifier(physicalName(field, this.#naming))}`
    const read = mayHideNaN(field) ? notPlain(inFile) : inFile
    return `CAST(${read} AS ${toSqlType(field.type)}) AS ${quoteIdentifier(field.name)}`
  }
}
