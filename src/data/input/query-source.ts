/**
 * A query as a source. It runs in the trusted instance with the user's own rights (it may read files), so all that is asked of it is
 * that it changes nothing: one SELECT, and what runs is what DuckDB's own serializer gives back of it.
 */
import { trustedEngine } from '../../engine/index.ts'
import { QueryError } from '../../errors/index.ts'
import { normalise } from './normalise.ts'
import type { OpenOptions } from './open-options.ts'
import { queryInputs } from './query-inputs.ts'
import type { QueryInput, RelationSource } from './source.ts'

/** Opens a query. @throws QueryError `SQL_ERROR`, `SQL_NOT_READ_ONLY`; SchemaError `UNSUPPORTED_TYPE` */
export async function openQuery(input: QueryInput, options: OpenOptions): Promise<RelationSource> {
  const connection = await (await trustedEngine()).connect()
  try {
    const [parsed] = await connection.all(
      "SELECT s, json_array_length(s, '$.statements') AS statements, s->>'$.error_type' AS kind, s->>'$.error_message' AS message FROM (SELECT json_serialize_sql($sql::VARCHAR) AS s)",
      { sql: input.query },
    )
    const { kind, message, statements } = parsed as { kind: string | null; message: string | null; statements: bigint | null }
    if (kind === 'not implemented') throw notReadOnly(message ?? kind)
    if (kind !== null) throw new QueryError('SQL_ERROR', `The query cannot be read: ${message}`, { remedy: 'Correct the SQL.' })
    if (Number(statements) !== 1) throw notReadOnly('it is not one statement')
    const [row] = await connection.all('SELECT json_deserialize_sql(json_serialize_sql($sql::VARCHAR)) AS sql', { sql: input.query })
    const relation = await normalise(connection, `(${String(row!.sql)})`, input.params, { signal: options.signal })
    const { inputs, stop } = await queryInputs(connection, input.query, String(parsed!.s), options)
    return { kind: 'relation', ...relation, params: input.params, replayable: false, files: [], inputs, close: async () => stop() }
  } finally {
    await connection.close()
  }
}

function notReadOnly(why: string): QueryError {
  return new QueryError('SQL_NOT_READ_ONLY', `Only one SELECT can be appended: ${why}`, {
    remedy: 'Give a single query; write with the verbs.',
  })
}
