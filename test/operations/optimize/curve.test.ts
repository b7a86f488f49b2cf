/** The curves as SQL, held against what they are by definition. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../../src/engine/index.ts'
import { type Curve, dropBoundaries, placesSql, setBoundaries } from '../../../src/operations/optimize/curve.ts'

let connection: Connection

beforeAll(async () => {
  connection = await (await trustedEngine()).connect()
})
afterAll(() => connection.close())

const prefix = 'curve_test_'

/** The points of a grid of 2 ** bits values a column, in the order of the curve. */
async function walk(curve: Curve, columns: number, bits: number): Promise<number[][]> {
  const values = Array.from({ length: columns }, (_, i) => `v${i}`)
  const side = 2 ** bits
  const from = values.map((name) => `range(${side}) AS t_${name}(${name})`).join(', ')
  const relation = `(SELECT ${values.join(', ')} FROM ${from})`
  const names = { values, place: 'place', prefix }
  await setBoundaries(connection, relation, curve, names, undefined, undefined)
  const rows = await connection.all(`SELECT * FROM (${placesSql(relation, curve, names)}) ORDER BY place`)
  await dropBoundaries(connection, names)
  expect(new Set(rows.map(({ place }) => String(place))).size).toBe(side ** columns)
  return rows.map((row) => values.map((name) => Number(row[name])))
}

test.each([
  [2, 4],
  [3, 3],
  [4, 2],
  [5, 2],
])("Hilbert's curve in %i dimensions goes through every cell, each a step beside the one before", async (columns, bits) => {
  const points = await walk('hilbert', columns, bits)
  for (let i = 1; i < points.length; i += 1) {
    const steps = points[i]!.map((value, column) => Math.abs(value - points[i - 1]![column]!))
    expect(steps.reduce((sum, step) => sum + step, 0)).toBe(1)
  }
})

test('the z-order curve interleaves the bits of ranks', async () => {
  const bits = 3
  const points = await walk('zorder', 2, bits)
  const place = ([x, y]: number[]) => {
    let code = 0
    for (let bit = bits - 1; bit >= 0; bit -= 1) code = code * 4 + ((x! >> bit) & 1) * 2 + ((y! >> bit) & 1)
    return code
  }
  expect(points.map(place)).toEqual(Array.from({ length: 64 }, (_, i) => i))
})

test.each([
  ["CASE WHEN i % 10 = 0 THEN NULL WHEN i % 10 = 1 THEN 'NaN'::DOUBLE ELSE i END", 'DOUBLE'],
  ["'x' || lpad(i::VARCHAR, 5, '0')", 'VARCHAR'],
  ['(i / 3)::DECIMAL(20,2)', 'DECIMAL(20,2)'],
  ["TIMESTAMPTZ '1969-12-31 12:00:00+00' + INTERVAL (i) MINUTE", 'TIMESTAMPTZ'],
  ["DATE '1969-12-31' + (i % 7)::INTEGER", 'DATE'],
])('ranks follow the order of values, NULL first and NaN last: %s', async (value) => {
  const relation = `(SELECT ${value} AS v, 0 AS w FROM range(3000) r(i))`
  const names = { values: ['v', 'w'], place: 'place', prefix }
  await setBoundaries(connection, relation, 'zorder', names, undefined, undefined)
  const sql = placesSql(relation, 'zorder', names)
  const [row] = await connection.all(`SELECT count(DISTINCT place) AS places, count(*) FILTER (before > place) AS turned
    FROM (SELECT place, lag(place) OVER (ORDER BY v NULLS FIRST) AS before FROM (${sql}))`)
  await dropBoundaries(connection, names)
  expect(Number(row!.turned)).toBe(0)
  expect(Number(row!.places)).toBeGreaterThan(value.includes('% 7') ? 5 : 500)
})
