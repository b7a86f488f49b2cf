/**
 * Golden tables that other engines wrote, read through the public names: every version of every table and the rows their own tests
 * expect, right but for the refusals that stand in `support/judge.ts` with their reasons. A refusal that is none any more fails too.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Cells, difference } from './support/cells.ts'
import { type GoldenCase, goldenTables, type ReadCase } from './support/conformance.ts'
import { readCase } from './support/golden-cases.ts'
import { judge, refusals, totals } from './support/judge.ts'
import { project } from './support/project.ts'

const tables = goldenTables()

describe.skipIf(tables.length === 0)('golden tables', () => {
  it.each(tables.map((table) => ({ name: table.name, table })))('reads $name, or refuses it for its reason', async ({ name, table }) => {
    const findings = await judge(table)
    expect(findings.filter(({ outcome }) => outcome === 'wrong')).toEqual([])
    expect(findings.some(({ outcome }) => outcome === 'refused')).toBe(refusals[name] !== undefined)
  })

  const readCases = tables
    .filter(({ name }) => refusals[name] === undefined)
    .flatMap((table) => table.cases.filter(isRead).map((one) => ({ name: `${table.name}: ${one.id}`, table, one })))

  it.each(readCases)('tells rows from nearly the same in $name', async ({ table, one }) => {
    const { actual, expected, any } = await readCase(table, one)
    for (const [what, wrong] of mutations(expected)) {
      expect(any && what !== 'a cell changed' ? 'some' : difference(actual, wrong), what).toBeDefined()
    }
  })

  it('has no refusal for a table that is not there', () => {
    const names = tables.map(({ name }) => name)
    for (const name of Object.keys(refusals)) expect(names).toContain(name)
  })

  it('says in the README how many come out how', async () => {
    const line = totals(await Promise.all(tables.map(judge)))
    const readme = readFileSync(join(project, 'README.md'), 'utf8')
    expect(readme.split('\n').filter((text) => text.includes('golden tables:'))).toEqual([`> ${line}`])
  })
})

function isRead(one: GoldenCase): one is ReadCase {
  return one.kind === 'read'
}

/** Rows that are nearly the expected ones. */
function* mutations(rows: readonly Cells[]): Generator<readonly [string, readonly Cells[]]> {
  const [first, ...rest] = rows
  if (first === undefined) {
    yield ['a row more', [['']]]
    return
  }
  yield ['a row less', rest]
  yield ['a row twice', [first, ...rows]]
  for (const [index] of first.entries()) yield ['a cell changed', [first.with(index, `${first[index]}?`), ...rest]]
}
