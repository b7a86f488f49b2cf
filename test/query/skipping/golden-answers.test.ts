/** Golden tables of other engines: what the log answers is what their rows say, and choosing files by any of their values leaves out none that has it. */
import { describe, expect, it } from 'vitest'
import { planQuery } from '../../../src/query/plan.ts'
import { answerFromLog } from '../../../src/query/skipping/log-answer.ts'
import { quoteIdentifier, quoteLiteral } from '../../../src/schema/quoting.ts'
import { toSqlType } from '../../../src/schema/sql-type.ts'
import type { Snapshot } from '../../../src/table/snapshot.ts'
import { Table } from '../../../src/table/table.ts'
import { goldenTables } from '../../support/conformance.ts'

/** Columns that the statistics of a golden table, made up for other tests, say something wrong of. */
const wrong: Readonly<Record<string, string>> = { 'delta-rs/issue_1374': 'timestamp', 'kernel-data/parsed-stats': 'ts_col' }

const tables = goldenTables()
let answered = 0
let asked = 0

const conditions: readonly ((column: string, value: string) => string)[] = [
  (column, value) => `${column} = ${value}`,
  (column, value) => `NOT (${column} <> ${value})`,
  (column, value) => `${column} BETWEEN ${value} AND ${value}`,
  (column, value) => `${column} IN (${value}, NULL)`,
  (column, value) => `${column} IS NOT DISTINCT FROM ${value}`,
  (column, value) => `${column} <> ${value} OR ${column} IS NULL`,
  (column, value) => `${column} > ${value}`,
]

/** The latest version, where it can be read. */
async function latest(folder: string): Promise<Snapshot | undefined> {
  try {
    const snapshot = await (await Table.open(folder)).latest()
    await snapshot.query('SELECT * FROM t LIMIT 1', { name: 't' }).toArray()
    return snapshot
  } catch {
    // Some must be refused, and say so elsewhere.
    return undefined
  }
}

describe.skipIf(tables.length === 0)('golden tables', () => {
  it.each(tables.map(({ name, folder }) => ({ name, folder })))('$name', async ({ name: table, folder }) => {
    const snapshot = await latest(folder)
    if (snapshot === undefined) return
    const rows = (sql: string) => snapshot.query(sql, { name: 't' }).toArray()
    for (const { name, type } of snapshot.schema.fields) {
      if (typeof type !== 'string' || /^(binary|variant|void)$/.test(type) || wrong[table] === name) continue
      const column = quoteIdentifier(name)
      for (const list of [`min(${column}) AS a, max(${column}) AS b`, `count(${column}) AS a, count(*) AS b`]) {
        const sql = `SELECT ${list} FROM t`
        const answer = await answerFromLog(await planQuery(sql, { allowFiles: false }), snapshot.target(), {}, undefined)
        if (answer !== undefined) answered += 1
        expect(await rows(sql), sql).toEqual(await rows(`SELECT ${list} FROM (SELECT ${column} FROM t)`))
      }
      const values = await rows(`SELECT DISTINCT ${column}::VARCHAR AS text FROM t WHERE ${column} IS NOT NULL ORDER BY 1 LIMIT 2`)
      for (const { text } of values) {
        const value = `(${quoteLiteral(String(text))}::${toSqlType(type)})`
        const where = conditions[asked++ % conditions.length]!(column, value)
        // Behind a window function no file is left out.
        const all = `(SELECT ${column}, row_number() OVER () AS place FROM t)`
        expect(await rows(`SELECT count(*) AS n FROM t WHERE ${where}`), where).toEqual(
          await rows(`SELECT count(*) AS n FROM ${all} WHERE ${where}`),
        )
      }
    }
  })

  it('are answered from the log in part', () => {
    expect(answered).toBeGreaterThan(100)
  })
})
