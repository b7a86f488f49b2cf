import { expect, test } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

async function filesOf(table: Table) {
  const files = []
  for await (const file of (await table.latest()).files()) files.push(file)
  return files
}

async function idsOf(table: Table, version?: number): Promise<number[]> {
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  return (await snapshot.scan({ columns: ['id'] }).toArray()).map(({ id }) => Number(id)).sort((one, other) => one - other)
}

const upTo = (count: number) => Array.from({ length: count }, (_, id) => id)

test('many small appends leave few files, and each row is rewritten seldom', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  for (let id = 0; id < 420; id += 1) await table.append([{ id }], { compact: 'auto' })
  expect(await idsOf(table)).toEqual(upTo(420))
  const files = await filesOf(table)
  expect(files.length).toBeLessThan(45)
  expect(Math.max(...files.map(({ rows }) => rows!))).toBeGreaterThan(120)
  let rewritten = 0
  let folds = 0
  for await (const { operation, parameters, metrics } of table.history()) {
    if (operation !== 'OPTIMIZE') continue
    expect(parameters.auto).toBe('true')
    folds += 1
    rewritten += Number(metrics.numRemovedFiles)
  }
  expect(folds).toBeGreaterThan(8)
  expect(rewritten).toBeLessThan(420 + 40)
  expect((await idsOf(table, 200)).length).toBeGreaterThan(180)
  // Rows of one file are those of neighbouring appends.
  for (const { stats, rows } of files) {
    const { minValues, maxValues } = stats as unknown as Record<'minValues' | 'maxValues', { id: number }>
    expect(maxValues.id - minValues.id + 1).toBe(rows)
  }
})

test('what others delete, optimize or append meanwhile is as it was', async () => {
  const store = memoryStore()
  const table = await Table.create(store, {
    schema: 'id BIGINT, p VARCHAR',
    partitionBy: ['p'],
    properties: { 'varve.autoCompact': 'true' },
  })
  const other = await Table.open(store)
  const left = new Set<number>()
  for (let id = 0; id < 240; id += 1) {
    await (id % 3 === 0 ? other : table).append([{ id, p: id % 2 === 0 ? 'even' : null }])
    left.add(id)
    if (id % 50 === 30) {
      await other.delete({ where: `id % 7 = 0 AND id > ${id - 40}` })
      for (const one of [...left]) if (one % 7 === 0 && one > id - 40) left.delete(one)
    }
    if (id === 130) await other.optimize({ where: "p = 'even'" })
  }
  expect(await idsOf(table)).toEqual([...left])
  expect((await filesOf(table)).length).toBeLessThan(70)
  expect((await filesOf(table)).every(({ partition }) => partition.p === 'even' || partition.p === null)).toBe(true)
})

test('appends of several writers at once all land, folded or not', async () => {
  const store = memoryStore()
  await Table.create(store, { schema: 'id BIGINT' })
  const writers = await Promise.all([0, 1, 2].map(() => Table.open(store)))
  await Promise.all(
    writers.map(async (table, writer) => {
      for (let i = 0; i < 60; i += 1) await table.append([{ id: writer * 60 + i }], { compact: 'auto' })
    }),
  )
  expect(await idsOf(writers[0]!)).toEqual(upTo(180))
})

test('where folding fails, the append stands and says so', async () => {
  const inner = memoryStore()
  const store: ObjectStore = intercepted(inner, { stage: async () => Promise.reject(new Error('no room')) })
  const table = await Table.create(store, { schema: 'id BIGINT' })
  const warnings = []
  for (let id = 0; id < 40; id += 1) warnings.push(...(await table.append([{ id }], { compact: 'auto' })).warnings)
  expect(warnings).toEqual([expect.stringMatching(/^Version 32 is committed, but the small files .*no room/)])
  expect(await idsOf(await Table.open(inner))).toEqual(upTo(40))
})

test('without it, a word now and then says when optimize is due', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  const warned: number[] = []
  for (let id = 0; id < 201; id += 1) {
    const { version, warnings } = await table.append([{ id }])
    if (warnings.length > 0) warned.push(version)
  }
  expect(warned).toEqual([200])
  await table.optimize()
  for (let id = 0; id < 100; id += 1) expect((await table.append([{ id }])).warnings).toEqual([])
})
