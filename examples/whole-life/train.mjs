/**
 * A training in plain Node: a logistic regression of `churned` on two numbers, by gradient descent from weights that the seed gives.
 * It reads the rows that Varve exported (VARVE_FILE, CSV) and its parameters (VARVE_PARAMS), and writes metrics and model where it is told.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const { env } = process
const { rate, epochs } = JSON.parse(readFileSync(env.VARVE_PARAMS, 'utf8'))
const [header, ...lines] = readFileSync(env.VARVE_FILE, 'utf8').trim().split('\n')
const names = header.split(',')
const column = (cells, name) => Number(cells[names.indexOf(name)])
const rows = lines
  .map((line) => line.split(','))
  .map((cells) => ({
    id: column(cells, 'id'),
    x: [1, column(cells, 'visits') / 30, column(cells, 'spent') / 100],
    y: column(cells, 'churned'),
  }))
  // The order of rows in a table means nothing, and sums of floating-point numbers depend on theirs.
  .sort((a, b) => a.id - b.id)

// A small generator, so that the seed means the same everywhere (mulberry32).
let state = Number(env.VARVE_SEED)
const random = () => {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const weights = [random(), random(), random()]
const guess = ({ x }) => 1 / (1 + Math.exp(-x.reduce((sum, value, i) => sum + value * weights[i], 0)))

const loss = []
for (let epoch = 0; epoch < epochs; epoch++) {
  const gradient = [0, 0, 0]
  let total = 0
  for (const row of rows) {
    const p = guess(row)
    total -= Math.log(row.y === 1 ? p : 1 - p)
    for (const [i, value] of row.x.entries()) gradient[i] += (p - row.y) * value
  }
  for (const [i, value] of gradient.entries()) weights[i] -= (rate * value) / rows.length
  loss.push(total / rows.length)
}
const right = rows.filter((row) => guess(row) > 0.5 === (row.y === 1)).length
writeFileSync(env.VARVE_METRICS, JSON.stringify({ accuracy: right / rows.length, rows: rows.length, loss }))
writeFileSync(env.VARVE_MODEL, JSON.stringify({ weights }))
console.log(`trained on ${rows.length} rows of ${env.VARVE_REF}: accuracy ${(right / rows.length).toFixed(3)}`)
