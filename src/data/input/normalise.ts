/** Relations whose columns have exactly the types that Delta has for them. */
import type { Connection, QueryOptions } from '../../engine/index.ts'
import { SchemaError } from '../../errors/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import { checked } from '../write/value-check.ts'
import type { QueryInput } from './source.ts'

/** A relation and its columns. */
export interface Relation {
  /** Can stand behind FROM. */
  readonly sql: string
  readonly schema: StructType
}

/**
 * Describes a relation and converts what DuckDB has and Delta lacks, refusing values that would change.
 * @throws SchemaError `UNSUPPORTED_TYPE` naming column and type
 */
export async function normalise(
  connection: Connection,
  sql: string,
  params?: QueryInput['params'],
  options: QueryOptions = {},
): Promise<Relation> {
  const columns = await connection.describe(`FROM ${sql}`, params, options)
  let converted = false
  const fields: StructField[] = []
  const select = columns.map(({ name, type, sqlType }) => {
    if (typeof type === 'object' && 'unsupported' in type) {
      throw new SchemaError(
        'UNSUPPORTED_TYPE',
        `The column ${JSON.stringify(name)} is of DuckDB's type ${type.unsupported}, which Delta has no type for.`,
        {
          remedy: 'Convert it in a query, for example with CAST(... AS VARCHAR), or leave it out.',
          data: { column: name, type: type.unsupported },
        },
      )
    }
    fields.push({ name, type, nullable: true, metadata: {} })
    const column = quoteIdentifier(name)
    const wanted = toSqlType(type)
    if (sameSpelling(sqlType, wanted)) return column
    converted = true
    const tried = `TRY_CAST(${column} AS ${wanted})`
    return `${checked(`CAST(${tried} AS ${sqlType}) IS DISTINCT FROM ${column}`, column, tried, name, sqlType, wanted)} AS ${column}`
  })
  const schema: StructType = { type: 'struct', fields }
  return converted ? { sql: `(SELECT ${select.join(', ')} FROM ${sql})`, schema } : { sql, schema }
}

function sameSpelling(found: string, wanted: string): boolean {
  return found.replaceAll('TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ') === wanted
}
