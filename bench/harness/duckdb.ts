/** DuckDB as a user of its Node client has it: the floor of most cases. */
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** A connection of a fresh instance with default settings, but in UTC. */
export async function plainDuckDB(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  return connection
}

/** `read_parquet` over files. */
export function parquetRelation(files: readonly string[]): string {
  return `read_parquet([${files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ')}])`
}

/** Makes a file and its name survive a power cut. */
export async function syncFile(path: string): Promise<void> {
  for (const one of [path, dirname(path)]) {
    const handle = await open(one, 'r')
    await handle.sync()
    await handle.close()
  }
}

/** Pulls all chunks of a query and looks at no value. Returns the rows. */
export async function pull(connection: DuckDBConnection, sql: string): Promise<number> {
  const result = await connection.stream(sql)
  let rows = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return rows
    rows += chunk.rowCount
  }
}
