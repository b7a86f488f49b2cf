import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CommitResult, memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

/** All rows with the values of every column, sorted, as text that tells NaN, -0.0 and large integers apart. */
async function rowsOf(table: Table, version?: number): Promise<string[]> {
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  const rows = await snapshot.scan().toArray()
  return rows.map((row) => JSON.stringify(Object.entries(row), spelled)).sort()
}

function spelled(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

async function filesOf(table: Table) {
  const files = []
  for await (const file of (await table.latest()).files()) files.push(file)
  return files
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) if (key.endsWith('.parquet') && !key.startsWith('_')) keys.push(key)
  return keys.sort()
}

async function ids(count: number, schema = 'id BIGINT', options = {}): Promise<{ table: Table; store: ObjectStore }> {
  const store = memoryStore()
  const table = await Table.create(store, { schema, ...options })
  for (let id = 0; id < count; id += 1) {
    await table.append([{ id }])
    // Files are told in order by their times, which are whole milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return { table, store }
}

const nothing = (version: number): Partial<CommitResult> => ({
  version,
  operation: 'OPTIMIZE',
  metrics: expect.objectContaining({ numRemovedFiles: 0, numAddedFiles: 0 }),
})

describe('optimize', () => {
  test('small files become one, whose rows lie in the order in which they came, and a second time there is nothing to do', async () => {
    const { table } = await ids(5)
    const before = await rowsOf(table)
    const result = await table.optimize()
    expect(result).toMatchObject({ version: 6, operation: 'OPTIMIZE', metrics: { numRemovedFiles: 5, numAddedFiles: 1 } })
    expect(await rowsOf(table)).toEqual(before)
    expect((await (await table.latest()).scan().toArray()).map(({ id }) => id)).toEqual([0n, 1n, 2n, 3n, 4n])
    const [file] = await filesOf(table)
    expect(file).toMatchObject({ rows: 5, stats: { minValues: { id: 0 }, maxValues: { id: 4 }, tightBounds: true } })
    expect(await table.optimize()).toMatchObject(nothing(6))
    expect(await rowsOf(table, 5)).toEqual(before)
    const [newest] = [(await table.history({ limit: 1 }).next()).value]
    expect(newest).toMatchObject({ operation: 'OPTIMIZE', parameters: { predicate: '[]', zOrderBy: '[]', auto: 'false' } })
  })

  test('files of the size wanted stay, and files with vectors are rewritten without the deleted rows', async () => {
    const store = memoryStore()
    const table = await Table.create(store, { schema: 'id BIGINT, s VARCHAR' })
    await table.append({ query: 'SELECT i AS id, md5(i::VARCHAR) AS s FROM range(20000) r(i)' })
    await table.append([{ id: -1, s: 'a' }])
    await table.append([{ id: -2, s: 'b' }])
    const large = (await filesOf(table)).find(({ rows }) => rows === 20000)!
    const targetSize = large.bytes
    expect(await table.optimize({ targetSize })).toMatchObject({ metrics: { numRemovedFiles: 2, numAddedFiles: 1 } })
    expect((await filesOf(table)).map(({ path }) => path)).toContain(large.path)
    await table.delete({ where: 'id BETWEEN 100 AND 200' })
    const before = await rowsOf(table)
    expect(await table.optimize({ targetSize })).toMatchObject({ metrics: { numDeletionVectorsRemoved: 1 } })
    const after = await filesOf(table)
    expect(after.every(({ deletedRows }) => deletedRows === 0)).toBe(true)
    expect(after.map(({ path }) => path)).not.toContain(large.path)
    expect(await rowsOf(table)).toEqual(before)
    expect(await table.optimize({ targetSize })).toMatchObject(nothing(await table.version()))
  })

  test('a bin holds no more than a file should, and each of its own partition', async () => {
    const store = memoryStore()
    const table = await Table.create(store, { schema: 'id BIGINT, p VARCHAR', partitionBy: ['p'] })
    for (let id = 0; id < 6; id += 1)
      await table.append([
        { id, p: 'a' },
        { id: id + 100, p: id === 0 ? null : 'b' },
      ])
    const [one] = await filesOf(table)
    const before = await rowsOf(table)
    await table.optimize({ targetSize: (one!.bytes * 3.5) | 0 })
    const files = await filesOf(table)
    expect(files.map(({ partition, rows }) => `${partition.p} ${rows}`).sort()).toEqual(['a 3', 'a 3', 'b 2', 'b 3', 'null 1'])
    expect(await rowsOf(table)).toEqual(before)
  })

  test('a predicate keeps it to whole files, and one that parts a file is refused by its name', async () => {
    const store = memoryStore()
    const table = await Table.create(store, { schema: 'id BIGINT, p VARCHAR', partitionBy: ['p'] })
    for (let id = 0; id < 4; id += 1)
      await table.append([
        { id, p: 'a' },
        { id: id + 100, p: 'b' },
      ])
    await expect(table.optimize({ where: 'id % 2 = 0 OR id < 3', targetSize: 1 << 20 })).resolves.toMatchObject({
      metrics: { numRemovedFiles: 5 },
    })
    const { path } = (await filesOf(table)).find(({ partition, rows }) => partition.p === 'a' && rows === 3)!
    await expect(table.optimize({ where: 'id > 1' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', data: { path } })
    for (let id = 4; id < 6; id += 1)
      await table.append([
        { id, p: 'a' },
        { id: id + 100, p: 'b' },
      ])
    const result = await table.optimize({ where: "upper(p) LIKE $1 || '%'", params: ['B'] })
    expect(result).toMatchObject({ metrics: { numRemovedFiles: 5, numAddedFiles: 1 } })
    await expect(table.optimize({ where: 'no_column' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
    await expect(table.optimize({ targetSize: 0.5 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('readers of changes see none', async () => {
    const { table } = await ids(3, 'id BIGINT', { properties: { 'delta.enableChangeDataFeed': 'true' } })
    const { version } = await table.optimize()
    expect(await table.changes({ from: version, to: version }).toArray()).toEqual([])
  })

  test('a table that only takes rows is optimized too, and a load with a number lands once', async () => {
    const { table } = await ids(2, 'id BIGINT', { properties: { 'delta.appendOnly': 'true' } })
    const txn = { appId: 'nightly', version: 1 }
    expect(await table.optimize({ txn })).toMatchObject({ version: 3, alreadyApplied: false })
    expect(await table.optimize({ txn })).toMatchObject({ version: 3, alreadyApplied: true })
    expect(await table.optimize({ txn: { ...txn, version: 2 } })).toMatchObject({ version: 4, metrics: { numAddedFiles: 0 } })
  })
})

describe('beside other writers', () => {
  /** A table that another handle changes while the next optimize is about to commit. */
  async function interrupted(change: (other: Table) => Promise<unknown>): Promise<{ table: Table; store: ObjectStore }> {
    const { store } = await ids(3)
    const other = await Table.open(store)
    let done = false
    const late = intercepted(store, {
      async putIfAbsent(...args: Parameters<ObjectStore['putIfAbsent']>) {
        if (!done) {
          done = true
          await change(other)
        }
        return store.putIfAbsent(...args)
      },
    })
    return { table: await Table.open(late), store }
  }

  test('an append comes between, and both land', async () => {
    const { table } = await interrupted((other) => other.append([{ id: 9 }]))
    expect(await table.optimize()).toMatchObject({ version: 5 })
    expect((await rowsOf(table)).length).toBe(4)
    expect((await filesOf(table)).length).toBe(2)
  })

  test.each([
    ['delete', (other: Table) => other.delete({ where: 'id = 1' })],
    ['delete of a file', (other: Table) => other.delete({ where: 'id >= 2' })],
    ['optimize', (other: Table) => other.optimize()],
  ])('a %s of the same files is a conflict, and nothing is left behind', async (_, change) => {
    const { table, store } = await interrupted(change)
    let keys: string[] = []
    const other = await Table.open(store)
    await expect(table.optimize()).rejects.toMatchObject({ code: 'CONCURRENT_DELETE_DELETE' })
    keys = await keysOf(store)
    expect(await other.version()).toBe(4)
    for (const { path } of await filesOf(other)) expect(keys).toContain(path)
    expect(keys.length).toBeLessThanOrEqual(4)
    expect(await table.optimize()).toMatchObject({ operation: 'OPTIMIZE' })
  })

  test('a failure before the commit leaves the table as it was', async () => {
    const { store } = await ids(3)
    const before = await keysOf(store)
    const failing = intercepted(store, { putIfAbsent: async () => Promise.reject(new Error('gone')) })
    await expect((await Table.open(failing)).optimize()).rejects.toThrow('gone')
    expect(await keysOf(store)).toEqual(before)
    const table = await Table.open(store)
    expect([await table.version(), (await rowsOf(table)).length]).toEqual([3, 3])
  })
})

test('whatever a table is like, its rows stay the same', async () => {
  const columns =
    'id BIGINT, n DOUBLE, s VARCHAR, t TIMESTAMPTZ, d DECIMAL(20,2), b BLOB, st STRUCT(a INTEGER, l VARCHAR[]), m MAP(VARCHAR, INTEGER), i INTEGER, p VARCHAR'
  const values = `i AS id, CASE i % 5 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN -0.0 WHEN 2 THEN NULL ELSE i / 3 END AS n, CASE WHEN i % 4 = 0 THEN NULL ELSE 's' || i END AS s,
    TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' + INTERVAL (i) SECOND AS t, (i * 1.25)::DECIMAL(20,2) AS d, CASE WHEN i % 3 = 0 THEN encode('x' || i) END AS b,
    CASE WHEN i % 7 = 0 THEN NULL ELSE {a: i::INTEGER, l: [NULL, 'l' || i]} END AS st, CASE WHEN i % 2 = 0 THEN MAP {'k': i::INTEGER} END AS m, i::INTEGER AS i,
    CASE i % 3 WHEN 0 THEN 'a b/%' WHEN 1 THEN NULL ELSE 'é' END AS p`
  const property = (mode: string) => (mode === 'none' ? {} : { 'delta.columnMapping.mode': mode })
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        mode: fc.constantFrom('none', 'name', 'id'),
        vectors: fc.boolean(),
        partitioned: fc.boolean(),
        wide: fc.boolean(),
        steps: fc.array(fc.constantFrom('append', 'append', 'delete', 'widen', 'rename', 'add', 'drop', 'update'), {
          minLength: 3,
          maxLength: 7,
        }),
        targetSize: fc.constantFrom(1, 6000, 9000, 1 << 20),
        layout: fc.constantFrom({}, {}, { zorder: ['id'] }, { zorder: ['n', 't'] }, { hilbert: ['id', 'd', 'st.a'] }),
      }),
      async ({ mode, vectors, partitioned, wide, steps, targetSize, layout }) => {
        const properties = {
          ...property(mode),
          ...(vectors || wide ? {} : { 'delta.enableDeletionVectors': 'false' }),
        }
        const table = await Table.create(memoryStore(), {
          schema: columns,
          properties,
          ...(partitioned ? { partitionBy: ['p'] } : {}),
          ...(wide ? { preset: 'wide' } : {}),
        })
        let next = 0
        const done = new Set<string>()
        const append = async () => {
          const star = `*${done.has('drop') ? ' EXCLUDE (b)' : ''}${done.has('rename') ? ' RENAME (s AS renamed)' : ''}`
          await table.append({ query: `SELECT ${star} FROM (SELECT ${values} FROM range(${next}, ${next + 12}) r(i))` })
          next += 12
        }
        await append()
        for (const step of steps) {
          if (step === 'append') await append()
          else if (step === 'delete') await table.delete({ where: `id % 5 = ${next % 5}` })
          else if (step === 'update') await table.update({ set: { i: 'i + 1' }, where: `id % 6 = ${next % 6}` })
          else if (done.has(step)) continue
          else if (step === 'widen' && !wide) await table.alter({ widen: { name: 'i', type: 'BIGINT' } })
          else if (step === 'add') await table.alter({ add: { name: 'extra', type: 'STRUCT(x INTEGER)' } })
          else if (step === 'rename' && mode !== 'none') await table.alter({ rename: { name: 's', to: 'renamed' } })
          else if (step === 'drop' && mode !== 'none') await table.alter({ drop: 'b' })
          else continue
          done.add(step)
        }
        const version = await table.version()
        const before = await rowsOf(table)
        await table.optimize({ targetSize, ...layout })
        expect(await rowsOf(table)).toEqual(before)
        expect(await rowsOf(table, version)).toEqual(before)
        expect((await filesOf(table)).filter(({ deletedRows }) => deletedRows > 0)).toEqual([])
        const optimized = await table.version()
        expect(await table.optimize({ targetSize, ...layout })).toMatchObject({ version: optimized })
      },
    ),
    { numRuns: Number(process.env.OPTIMIZE_RUNS ?? 6) },
  )
}, 60_000)
