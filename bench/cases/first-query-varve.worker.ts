/** A user's script with Varve: `node first-query-varve.worker.js TABLE`. */
import { Table } from '../../src/index.ts'

const table = await Table.open(process.argv[2]!)
const snapshot = await table.latest()
const rows = await snapshot
  .query('SELECT country, count(*) AS n, sum(amount) AS amount FROM t GROUP BY country ORDER BY country', { name: 't' })
  .toArray()
process.stdout.write(`${rows.length}\n`)
process.exit(rows.length === 8 ? 0 : 1)
