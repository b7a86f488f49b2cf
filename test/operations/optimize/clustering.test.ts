import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'

type Stats = { numRecords: number; minValues: Record<string, number>; maxValues: Record<string, number> }

async function filesOf(table: Table) {
  const files = []
  for await (const file of (await table.latest()).files()) files.push(file)
  return files
}

/** Rows spread evenly over a cube of 0 to 1000 in each column. */
const points = (rows: number, columns: readonly string[]) => ({
  query: `SELECT ${columns.map((name, i) => `(hash(i * 31 + ${i}) % 1000)::BIGINT AS ${name}`).join(', ')} FROM range(${rows}) r(i)`,
})

/** The share of files that a query for one value of a column need not open, on average. */
async function skipped(table: Table, column: string): Promise<number> {
  const bounds = (await filesOf(table)).map(({ stats }) => stats as unknown as Stats)
  let opened = 0
  for (let value = 0; value < 1000; value += 1) {
    opened += bounds.filter(({ minValues, maxValues }) => minValues[column]! <= value && value <= maxValues[column]!).length
  }
  return 1 - opened / (1000 * bounds.length)
}

test.each(['zorder', 'hilbert'] as const)('%s: queries by any of four columns need few of the files', async (curve) => {
  const columns = ['a', 'b', 'c', 'd']
  const table = await Table.create(memoryStore(), { schema: columns.map((name) => `${name} BIGINT`).join(', ') })
  await table.append(points(20_000, columns))
  const bytes = (await filesOf(table))[0]!.bytes
  const result = await table.optimize({ [curve]: columns, targetSize: Math.ceil(bytes / 64) })
  expect(result.metrics).toMatchObject({ numRemovedFiles: 1, numAddedFiles: 64 })
  const shares = await Promise.all(columns.map((column) => skipped(table, column)))
  expect(Math.min(...shares)).toBeGreaterThan(0.45)
  expect(shares.reduce((sum, share) => sum + share) / columns.length).toBeGreaterThan(0.58)
  expect(await (await table.latest()).scan({ columns: ['a'] }).toArray()).toHaveLength(20_000)
  const [newest] = [(await table.history({ limit: 1 }).next()).value]
  expect(newest.parameters[curve === 'zorder' ? 'zOrderBy' : 'clusterBy']).toBe(JSON.stringify(columns))
})

test('what lies so already stays, new files join cubes that are not much larger, and other columns begin anew', async () => {
  const table = await Table.create(memoryStore(), { schema: 'a BIGINT, b BIGINT, s VARCHAR' })
  await table.append(points(3000, ['a', 'b']))
  const zorder = ['a', 'b']
  await table.optimize({ zorder })
  expect(await table.optimize({ zorder })).toMatchObject({ version: 2, metrics: { numRemovedFiles: 0 } })
  await table.append(points(100, ['a', 'b']))
  // The cube is much larger than what came.
  expect(await table.optimize({ zorder })).toMatchObject({ metrics: { numRemovedFiles: 1, numAddedFiles: 1 } })
  await table.append(points(2000, ['a', 'b']))
  expect(await table.optimize({ zorder })).toMatchObject({ metrics: { numRemovedFiles: 3, numAddedFiles: 1 } })
  await table.delete({ where: 'a < 10' })
  expect(await table.optimize({ zorder })).toMatchObject({ metrics: { numDeletionVectorsRemoved: 1 } })
  expect(await table.optimize({ hilbert: zorder })).toMatchObject({ metrics: { numRemovedFiles: 1 } })
  expect(await table.optimize({ zorder: ['b', 'a'] })).toMatchObject({ metrics: { numRemovedFiles: 1 } })
})

test('each partition is laid out by itself, nested fields and renamed columns too', async () => {
  const properties = { 'delta.columnMapping.mode': 'name' }
  const table = await Table.create(memoryStore(), { schema: 'p VARCHAR, x BIGINT, st STRUCT(y BIGINT)', partitionBy: ['p'], properties })
  const rows = (p: string) => ({ query: `SELECT '${p}' AS p, i AS x, {y: 1000 - i} AS st FROM range(1000) r(i)` })
  await table.append(rows('a'))
  await table.append(rows('b'))
  await table.alter({ rename: { name: 'x', to: 'z' } })
  const bytes = (await filesOf(table))[0]!.bytes
  const hilbert = ['z', 'st.y']
  expect(await table.optimize({ hilbert, targetSize: Math.ceil(bytes / 4) })).toMatchObject({ metrics: { numAddedFiles: 8 } })
  await table.alter({ rename: { name: 'z', to: 'w' } })
  expect(await table.optimize({ hilbert: ['w', 'st.y'] })).toMatchObject({ metrics: { numAddedFiles: 0 } })
  const count = await (await table.latest()).scan({ where: "p = 'a' AND st.y = 1000 - w" }).toArray()
  expect(count).toHaveLength(1000)
})

test('columns that cannot serve are refused by name', async () => {
  const table = await Table.create(memoryStore(), { schema: 'a BIGINT, b BOOLEAN, l BIGINT[], p VARCHAR', partitionBy: ['p'] })
  await table.append([{ a: 1, b: true, l: [1n], p: 'x' }])
  const refused = (zorder: string[]) => expect(table.optimize({ zorder })).rejects
  await refused(['nope']).toMatchObject({ code: 'UNKNOWN_COLUMN' })
  await refused(['p']).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('partition column') })
  await refused(['b']).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('bounds') })
  await refused(['l']).toMatchObject({ code: 'INVALID_ARGUMENT' })
  await refused(['a', 'A']).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('twice') })
  await refused([]).toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(table.optimize({ zorder: ['a'], hilbert: ['a'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await table.version()).toBe(1)
})
