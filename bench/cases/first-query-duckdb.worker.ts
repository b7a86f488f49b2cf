/** The same with DuckDB alone: `node first-query-duckdb.worker.js TABLE`. It reads all Parquet files that lie in the folder. */
import { DuckDBInstance } from '@duckdb/node-api'

const connection = await (await DuckDBInstance.create(':memory:')).connect()
const result = await connection.runAndReadAll(
  `SELECT country, count(*) AS n, sum(amount) AS amount FROM read_parquet('${process.argv[2]!.replaceAll("'", "''")}/*.parquet') GROUP BY country ORDER BY country`,
)
const rows = result.getRowObjects()
process.stdout.write(`${rows.length}\n`)
process.exit(rows.length === 8 ? 0 : 1)
