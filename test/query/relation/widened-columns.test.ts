import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'

const widenings = [
  ['INTEGER', 'DOUBLE', ['1', '2', '3'], '1.5::DOUBLE'],
  ['INTEGER', 'DECIMAL(14,2)', ['1', '2', '3'], '1.50::DECIMAL(14,2)'],
  ['DECIMAL(4,1)', 'DECIMAL(10,4)', ['1.0', '1.2', '1.3'], '1.25::DECIMAL(10,4)'],
  ['FLOAT', 'DOUBLE', ['1.5', '0.1', '0.3'], '0.1::DOUBLE'],
  ['DATE', 'TIMESTAMP', ["DATE '2020-01-01'", "DATE '2020-01-02'"], "TIMESTAMP '2020-01-01 00:00:01'"],
] as const

// Several files, and one with a vector, are not read as one file alone is.
test.each(widenings)('a condition on a column widened from %s to %s compares in the wider type', async (from, to, values, constant) => {
  const properties = { 'delta.enableTypeWidening': 'true' }
  const table = await Table.create(memoryStore(), { schema: `x ${from}, s STRUCT(x ${from})`, properties })
  const rows = `SELECT x, {x: x} AS s FROM (SELECT unnest([${values.join(', ')}])::${from} AS x)`
  await table.append({ query: rows })
  await table.alter([{ widen: { name: 'x', type: to } }, { widen: { name: 's.x', type: to } }])
  await table.append({ query: `SELECT NULL::${to} AS x, NULL::STRUCT(x ${to}) AS s` })
  const conditions = ['=', '<>', '<', '<=', '>', '>='].flatMap((comparison) => ['x', 's.x'].map((x) => `${x} ${comparison} ${constant}`))
  const found = async (sql: (condition: string) => string) => {
    const snapshot = await table.latest()
    const counts = conditions.map((condition) => `(SELECT count(*) FROM ${sql(condition)})`)
    const [row] = await snapshot.query(`SELECT ${counts.map((count, i) => `${count} AS c${i}`).join(', ')}`, { name: 't' }).toArray()
    return Object.values(row!).map(Number)
  }
  const wide = `(SELECT unnest([${values.join(', ')}])::${from}::${to} AS x)`
  const wanted = await found((condition) => `(SELECT x, {x: x} AS s FROM ${wide}) WHERE ${condition}`)
  expect(await found((condition) => `t WHERE ${condition}`)).toEqual(wanted)
  const kept = values.length - wanted[4]!
  await table.delete({ where: conditions[4] })
  const left = await (await table.latest()).query('SELECT x FROM t WHERE x IS NOT NULL', { name: 't' }).toArray()
  expect(left).toHaveLength(kept)
})
