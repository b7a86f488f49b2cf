/**
 * Changes of golden tables, as other engines' own tests expect them; and that the comparison would see a row too many, one too few, or one
 * cell that is another.
 */
import { describe, expect, it } from 'vitest'
import { VarveError } from '../../../src/index.ts'
import { type Cells, difference } from '../../support/cells.ts'
import { type ChangesCase, type ErrorCase, type GoldenCase, goldenTables } from '../../support/conformance.ts'
import { changesCase, errorCase, wrongRows } from '../../support/golden-cases.ts'

const all = goldenTables().flatMap((table) => table.cases.map((one) => ({ name: `${table.name}: ${one.id}`, table, one })))
const cases = all.flatMap(({ one, ...rest }) => (isChanges(one) ? [{ ...rest, one }] : []))
const failures = all.flatMap(({ one, ...rest }) => (isFailure(one) ? [{ ...rest, one }] : []))

/** What stands behind each failure: a wrong range, or a table that cannot tell. */
const codes: Readonly<Record<string, string>> = {
  test_load_bad_version_range: 'INVALID_ARGUMENT',
  test_load_version_out_of_range: 'VERSION_NOT_FOUND',
  test_load_non_cdf: 'CHANGE_FEED_OFF',
  invalid_range_end_before_start: 'INVALID_ARGUMENT',
  invalid_range_start_after_last_version_of_table: 'VERSION_NOT_FOUND',
  cdf_disabled_0_2: 'CHANGE_FEED_OFF',
  cdf_disabled_1_2: 'CHANGE_FEED_OFF',
  cdf_disabled_2_2: 'CHANGE_FEED_OFF',
  cdf_disabled_2_3: 'CHANGE_FEED_OFF',
  schema_evolution_fails: 'SCHEMA_CHANGED',
}

describe.skipIf(all.length === 0)('changes of golden tables', () => {
  it.each(cases)('$name', async ({ table, one }) => {
    const found = await changesCase(table, one)
    expect(wrongRows(found)).toBeUndefined()
    expect(found.expected.length).toBeGreaterThan(0)
    for (const [what, wrong] of mutations(found.expected)) expect(difference(found.actual, wrong), what).toBeDefined()
  })

  it.each(failures)('$name fails for its reason', async ({ table, one }) => {
    const error = await errorCase(table, one).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(VarveError)
    expect((error as VarveError).code).toBe(codes[one.id])
  })
})

function isChanges(one: GoldenCase): one is ChangesCase {
  return one.kind === 'cdf'
}

function isFailure(one: GoldenCase): one is ErrorCase {
  return one.kind === 'error' && one.op === 'cdf'
}

/** Rows that are nearly the expected ones. */
function* mutations(rows: readonly Cells[]): Generator<readonly [string, readonly Cells[]]> {
  const [first, ...rest] = rows as [Cells, ...Cells[]]
  yield ['a row less', rest]
  yield ['a row twice', [first, ...rows]]
  for (const [index] of first.entries()) yield [`cell ${index} changed`, [first.with(index, `${first[index]}?`), ...rest]]
}
