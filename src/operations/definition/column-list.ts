/**
 * A table's columns as text, in DuckDB's words: `id BIGINT NOT NULL, ts TIMESTAMPTZ, tags VARCHAR[]`.
 *
 * DuckDB itself reads it, in an instance without any directory that is thrown away afterwards: whatever the text does there touches
 * nothing.
 */
import { throwAwayEngine } from '../../engine/index.ts'
import { SchemaError, UsageError, VarveError } from '../../errors/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import { field } from '../../schema/schema-json.ts'
import type { DataType, StructType } from '../../schema/types.ts'

const table = 'varve_columns'

/**
 * The schema that a column list describes. @throws UsageError INVALID_SCHEMA where it is no column list, or says more than names,
 * types and NOT NULL. @throws SchemaError UNSUPPORTED_TYPE naming a column that Delta has no type for.
 */
export async function parseColumnList(text: string): Promise<StructType> {
  const engine = await throwAwayEngine()
  const connection = await engine.connect()
  try {
    await connection.run(`CREATE TABLE ${table} (${text}\n)`)
    const tables = await connection.all('SELECT table_name FROM duckdb_tables() WHERE NOT internal')
    if (tables.length !== 1 || tables[0]?.table_name !== table) throw invalid(text)
    const facts = await connection.all(
      'SELECT column_name, is_nullable, column_default FROM duckdb_columns() WHERE NOT internal ORDER BY column_index',
    )
    const constraints = await connection.all(`SELECT constraint_type FROM duckdb_constraints() WHERE constraint_type <> 'NOT NULL'`)
    const extra = constraints[0]?.constraint_type ?? facts.find((fact) => fact.column_default !== null)?.column_name
    if (extra !== undefined) throw invalid(text, `It asks for more than types and NOT NULL: ${String(extra)}.`)
    const columns = await connection.describe(
      `SELECT ${facts.map((fact) => quoteIdentifier(String(fact.column_name))).join(', ')} FROM ${table}`,
    )
    return {
      type: 'struct',
      fields: columns.map(({ name, type }, index) => {
        if (typeof type === 'object' && 'unsupported' in type) throw unsupportedType(name, type.unsupported)
        return field(name, type, facts[index]?.is_nullable !== false)
      }),
    }
  } catch (error) {
    if (error instanceof VarveError && error.code === 'SQL_ERROR') throw invalid(text, error.message)
    throw error
  } finally {
    await connection.close()
    await engine.close()
  }
}

/** The type of one column in DuckDB's words, such as `DECIMAL(10,2)[]`. @throws what {@link parseColumnList} throws */
export async function parseColumnType(text: string): Promise<DataType> {
  const { fields } = await parseColumnList(`column_of_its_own ${text}`)
  const [column, ...more] = fields
  if (column === undefined || more.length > 0 || column.name !== 'column_of_its_own') throw invalidType(text)
  if (!column.nullable) {
    throw new UsageError('INVALID_SCHEMA', `${JSON.stringify(text)} asks for more than a type.`, {
      remedy: 'A new column has NULL in the rows that are there: add it, fill it, and make it NOT NULL then.',
    })
  }
  return column.type
}

function invalidType(text: string): UsageError {
  return new UsageError('INVALID_SCHEMA', `${JSON.stringify(text)} is no type.`, {
    remedy: "Write one of DuckDB's types, such as BIGINT or VARCHAR[].",
  })
}

/** A column type that no Delta table can hold. */
function unsupportedType(column: string, type: string): SchemaError {
  return new SchemaError('UNSUPPORTED_TYPE', `The column ${JSON.stringify(column)} is of type ${type}, which Delta tables do not have.`, {
    remedy: 'Cast it to a type that Delta has: VARCHAR holds anything.',
    data: { column, type },
  })
}

function invalid(text: string, why = ''): UsageError {
  return new UsageError('INVALID_SCHEMA', `${JSON.stringify(text)} is no list of columns. ${why}`.trim(), {
    remedy: "Write names with DuckDB's types, such as 'id BIGINT NOT NULL, ts TIMESTAMPTZ, city VARCHAR'.",
  })
}
