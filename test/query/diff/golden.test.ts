/** Golden tables of other engines, those with deletion vectors: a version and the difference to the last are the last, and the ledger is both. */
import { describe, expect, it } from 'vitest'
import { Table } from '../../../src/index.ts'
import { type Cells, difference, printRows } from '../../support/cells.ts'
import { goldenTables } from '../../support/conformance.ts'

const tables = goldenTables().filter(({ features }) => features.some((name) => /deletionVectors/i.test(name)))

describe.skipIf(tables.length === 0)('golden tables', () => {
  it('are told by what came and went, and by when', async () => {
    let held = 0
    for (const { folder, name } of tables) {
      const table = await Table.open(folder).catch(() => undefined)
      const last = await table?.version()
      if (table === undefined || last === undefined) continue
      const is = await rowsAt(table, last)
      for (const from of new Set([0, last - 1])) {
        const was = await rowsAt(table, from)
        if (is === undefined || was === undefined || from >= last || !(await sameColumns(table, from, last))) continue
        const rows = await printRows(table.diff(from, last))
        const ofType = (type: string) => rows.filter((row) => row.at(-1) === type).map((row) => row.slice(0, -1))
        expect(difference([...was, ...ofType('insert')], [...is, ...ofType('delete')]), `${name} ${from} to ${last}`).toBeUndefined()
        const ledger = await printRows(table.ledger({ from, to: last }))
        const living = (at: number) => ledger.filter((row) => Number(row.at(-2)) <= at && (row.at(-1) === '' || Number(row.at(-1)) > at))
        const bare = (found: readonly Cells[]) => found.map((row) => row.slice(0, -2))
        expect(difference(bare(living(from)), was), `${name} at ${from}`).toBeUndefined()
        expect(difference(bare(living(last)), is), `${name} at ${last}`).toBeUndefined()
        held += 1
      }
    }
    expect(held).toBeGreaterThan(5)
  })
})

async function sameColumns(table: Table, one: number, other: number): Promise<boolean> {
  return JSON.stringify((await table.asOf(one)).schema) === JSON.stringify((await table.asOf(other)).schema)
}

/** `undefined` where the copy of the table lacks files or commits. */
async function rowsAt(table: Table, version: number): Promise<Cells[] | undefined> {
  try {
    return await printRows((await table.asOf(version)).scan())
  } catch {
    return undefined
  }
}
