/** Scans of a table of which some rows are deleted by deletion vectors, beside the same table without. */
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Case, Contender } from '../harness/case.ts'
import { plainDuckDB } from '../harness/duckdb.ts'

const rows = 10_000_000
const deleted = rows / 100

function varve(name: string, table: string, columns: string, expected: number): Contender {
  return {
    name,
    role: 'varve',
    start: async ({ data }) => {
      const snapshot = await (await Table.open(join(data, table))).latest()
      return {
        sample: async () => {
          const [row] = await snapshot.query(`SELECT count(*) AS n, ${columns} FROM t`, { name: 't' }).toArray()
          return expectRows(Number(row?.n), expected)
        },
      }
    },
  }
}

function extension(columns: string): Contender {
  return {
    name: 'DuckDB delta extension, 1% deleted',
    role: 'peer',
    start: async ({ data, deltaExtension }) => {
      const connection = await plainDuckDB()
      await connection.run(`LOAD '${deltaExtension}'`)
      const sql = `SELECT count(*) AS n, ${columns} FROM delta_scan('${join(data, 'table-10m-vectors')}')`
      return { sample: async () => expectRows(Number((await connection.runAndReadAll(sql)).getRows()[0]![0]), rows - deleted) }
    },
  }
}

function expectRows(count: number, expected: number): undefined {
  if (count !== expected) throw new Error(`${count} rows, not ${expected}`)
  return undefined
}

function caseOf(name: string, what: string, columns: string, atMost: number): Case {
  return {
    name,
    title: `scan with 1% of the rows deleted by vectors, 10,000,000 rows in 10 files, ${what}`,
    needs: ['table-10m', 'table-10m-vectors'],
    contenders: [
      varve('varve, 1% deleted', 'table-10m-vectors', columns, rows - deleted),
      varve('varve, nothing deleted', 'table-10m', columns, rows),
      extension(columns),
    ],
    targets: [{ says: 'beside the same table without vectors', of: 'varve, 1% deleted', to: 'varve, nothing deleted', atMost }],
  }
}

/** All columns. */
export const vectorsAll = caseOf(
  'vectors-all',
  'all columns',
  'sum(id) AS id, max("at") AS at, max("user") AS user, sum(amount) AS amount, max(country) AS country',
  1.3,
)

/** Two of five. */
export const vectorsTwo = caseOf('vectors-two', 'two columns', 'sum(id) AS id, sum(amount) AS amount', 1.7)
