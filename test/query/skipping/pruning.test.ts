/** The same rows with and without choosing files, over random data and conditions. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../../src/engine/index.ts'
import { condition, randomFile, randomTable } from '../random-table.ts'
import { tableFolder } from '../tools.ts'

let folder: Awaited<ReturnType<typeof tableFolder>>
let connection: Connection
beforeAll(async () => {
  folder = await tableFolder()
  connection = await (await trustedEngine()).connect()
})
afterAll(async () => {
  await connection.close()
  await folder.remove()
})

test('choosing files never changes the rows', async () => {
  let queries = 0
  let opened = 0
  let there = 0
  const tables = fc.sample(fc.array(randomFile, { minLength: 8, maxLength: 14 }), { numRuns: 6, seed: 20_260_315 })
  for (const [index, files] of tables.entries()) {
    const name = `oracle_${index}`
    const before = queries
    const session = await randomTable(connection, files, { folder: folder.path, name, mapped: index % 2 === 1 }, (count) => {
      opened += count
    })
    await fc.assert(
      fc.asyncProperty(condition, async (where) => {
        const expected = await connection.all(`SELECT id FROM ${name} AS t WHERE ${where} ORDER BY id`).catch((error: unknown) => error)
        if (expected instanceof Error) return
        const actual = await session.query(`SELECT id FROM t WHERE ${where} ORDER BY id`).toArray()
        expect(actual, where).toEqual(expected)
        queries += 1
      }),
      { numRuns: 80, seed: 7 + index },
    )
    there += files.length * (queries - before)
  }
  // Enough conditions hold to compare, and enough files are left out for the comparison to mean something.
  expect(queries).toBeGreaterThan(300)
  expect(opened / there).toBeLessThan(0.75)
}, 60_000)
