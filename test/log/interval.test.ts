import { expect, test } from 'vitest'
import { parseInterval, retentionOf } from '../../src/log/interval.ts'

const hour = 3_600_000

test.each([
  ['interval 30 days', 720 * hour],
  ['INTERVAL 1 WEEK', 168 * hour],
  ['7 days', 168 * hour],
  ['interval 1 day 12 hours 30 minutes', 36.5 * hour],
  ["interval '2' day", 48 * hour],
  ['interval 90 seconds', 90_000],
  ['interval 1500 milliseconds', 1500],
  ['interval 2000 microseconds', 2],
  ['interval 0 days', 0],
])('%s', (text, milliseconds) => {
  expect(parseInterval(text)).toBe(milliseconds)
})

test.each(['interval 1 month', '2 years', 'interval -1 days', '30', 'days', 'interval', '', '1 day 2', 'NaN days', '1e3 days', '30d'])(
  '%j is none that may be deleted by',
  (text) => {
    expect(parseInterval(text)).toBeUndefined()
  },
)

test('a table that says nothing keeps what Spark keeps', () => {
  const state = (configuration: Record<string, string>) => ({
    metadata: { id: 'x', format: { provider: 'parquet' }, partitionColumns: [], configuration },
  })
  expect(retentionOf(state({}), 'delta.deletedFileRetentionDuration')).toBe(168 * hour)
  expect(retentionOf(state({}), 'delta.logRetentionDuration')).toBe(720 * hour)
  expect(retentionOf(state({ 'delta.logRetentionDuration': 'interval 1 year' }), 'delta.logRetentionDuration')).toBeUndefined()
})
