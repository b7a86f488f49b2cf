/** Metrics: conditions on them agree with DuckDB's, and a file of them is read as it was meant, or says what is wrong with it. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { metricFilter } from '../../../src/dataset/runs/metric-filter.ts'
import { checkedMetrics, finalValues } from '../../../src/dataset/runs/metrics.ts'
import { parseMetrics } from '../../../src/dataset/runs/metrics-file.ts'
import { trustedEngine } from '../../../src/engine/index.ts'
import { UsageError } from '../../../src/index.ts'

const names = ['auc', 'loss', 'f1'] as const
const number: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...names),
  fc.integer({ min: -3, max: 3 }).map((value) => `(${value})`),
  fc.constantFrom('0.5', '1e1'),
)
const { condition } = fc.letrec<{ condition: string; sum: string }>((tie) => ({
  sum: fc.oneof(
    { maxDepth: 3 },
    number,
    fc.tuple(tie('sum'), fc.constantFrom('+', '-', '*'), number).map((parts) => `(${parts.join(' ')})`),
  ),
  condition: fc.oneof(
    { maxDepth: 4 },
    fc.tuple(tie('sum'), fc.constantFrom('>', '>=', '<', '<=', '=', '<>', '!='), tie('sum')).map((parts) => `(${parts.join(' ')})`),
    fc.tuple(tie('sum'), fc.constantFrom('IS NULL', 'IS NOT NULL')).map((parts) => `(${parts.join(' ')})`),
    fc
      .tuple(tie('sum'), fc.constantFrom('', 'NOT '), number, number)
      .map(([sum, not, low, high]) => `(${sum} ${not}BETWEEN ${low} AND ${high})`),
    fc
      .tuple(tie('sum'), fc.constantFrom('', 'NOT '), number, number)
      .map(([sum, not, one, other]) => `(${sum} ${not}IN (${one}, ${other}))`),
    fc.tuple(tie('condition'), fc.constantFrom('AND', 'OR'), tie('condition')).map((parts) => `(${parts.join(' ')})`),
    tie('condition').map((inner) => `(NOT ${inner})`),
  ),
}))

it('finds what DuckDB finds, a missing metric being NULL', async () => {
  const connection = await (await trustedEngine()).connect()
  const metrics = fc.record(
    Object.fromEntries(names.map((name) => [name, fc.option(fc.constantFrom<number[]>(-3, -0.5, 0, 0.5, 1, 2, 10))])),
  )
  try {
    await fc.assert(
      fc.asyncProperty(condition, metrics, async (text, values) => {
        const columns = names.map((name) => `CAST(${values[name] ?? 'NULL'} AS DOUBLE) AS ${name}`).join(', ')
        const [row] = await connection.all(`SELECT coalesce(${text}, false) AS found FROM (SELECT ${columns})`)
        const known = Object.fromEntries(Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== null))
        expect(metricFilter(text)(known)).toBe(row?.found)
      }),
      { numRuns: 150 },
    )
  } finally {
    await connection.close()
  }
})

it('compares NaN with nothing, and finds names by quotes, dots and any case', () => {
  const metrics = { auc: NaN, 'val.loss': 0.1, 'val/auc': 0.9, Top1: 1 }
  const found = (text: string) => metricFilter(text)(metrics)
  expect(found('auc > 0.9 OR auc <= 0.9')).toBe(false)
  expect(found('auc IS NULL')).toBe(false)
  expect(found('val.loss < 0.2 AND "val/auc" > 0.8 AND top1 = 1')).toBe(true)
})

it.each(['auc', '1', "auc = 'high'", 'auc > 0.9; DROP TABLE x', 'read_csv(auc) > 1', 'auc > (SELECT 1)', '(auc > 1) + 1 > 2', '', 'auc >'])(
  'refuses %j',
  (text) => {
    expect(() => metricFilter(text)).toThrow(UsageError)
  },
)

it('of a metric the value without a step is the final one, else the last', () => {
  expect(finalValues(checkedMetrics({ loss: [3, 2, 1], auc: 0.9, val: { auc: 0.8, loss: [] } }))).toEqual({
    loss: 1,
    auc: 0.9,
    'val.auc': 0.8,
  })
  const points = [
    { name: 'a', value: 1, step: null },
    { name: 'a', value: 2, step: 7 },
    { name: 'b', value: 3, step: 7 },
    { name: 'b', value: 4, step: 6 },
  ]
  expect(finalValues(points)).toEqual({ a: 1, b: 4 })
  expect(() => checkedMetrics({ auc: 'high' as unknown as number })).toThrow(UsageError)
})

it('reads one object, or lines, and bare NaN', () => {
  expect(parseMetrics('{\n "auc": 0.9,\n "loss": [1, NaN], "note NaN": -Infinity }')).toEqual({
    metrics: [
      { name: 'auc', value: 0.9, step: null },
      { name: 'loss', value: 1, step: 0 },
      { name: 'loss', value: NaN, step: 1 },
      { name: 'note NaN', value: -Infinity, step: null },
    ],
    problems: [],
  })
  expect(parseMetrics('{"step": 1, "loss": 0.5}\n\n{"step": 2, "loss": 0.25, "val": {"auc": 0.7}}\n{"auc": 0.9}\n')).toEqual({
    metrics: [
      { name: 'loss', value: 0.5, step: 1 },
      { name: 'loss', value: 0.25, step: 2 },
      { name: 'val.auc', value: 0.7, step: 2 },
      { name: 'auc', value: 0.9, step: null },
    ],
    problems: [],
  })
  expect(parseMetrics('')).toEqual({ metrics: [], problems: [] })
})

it('takes what it understands of a damaged file, and says what it left out', () => {
  const cut = parseMetrics('{"step": 1, "loss": 0.5}\n{"step": 2, "lo')
  expect(cut.metrics).toEqual([{ name: 'loss', value: 0.5, step: 1 }])
  expect(cut.problems).toEqual(['Line 2 of the file of metrics is no JSON; it was left out.'])
  const odd = parseMetrics('{"auc": "high", "loss": 1, "list": [1, null]}')
  expect(odd.metrics.map(({ name }) => name)).toEqual(['loss', 'list'])
  expect(odd.problems).toHaveLength(2)
  expect(parseMetrics('[1, 2]').problems).toHaveLength(1)
  expect(parseMetrics('{"step": "first", "loss": 1}').problems).toHaveLength(1)
})
