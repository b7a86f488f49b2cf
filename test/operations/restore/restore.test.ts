import { expect, test } from 'vitest'
import { memoryStore, type ObjectStore, type Row, Table } from '../../../src/index.ts'

const rowsOf = async (table: Table, version?: number): Promise<Row[]> => {
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  return snapshot.query('SELECT * FROM t ORDER BY ALL', { name: 't' }).toArray()
}

const idsOf = async (table: Table, version?: number) => (await rowsOf(table, version)).map(({ id }) => Number(id))

const ids = (...numbers: readonly number[]): Row[] => numbers.map((id) => ({ id }))

const keysOf = async (store: ObjectStore): Promise<string[]> => {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}

const commitOf = async (store: ObjectStore, version: number): Promise<Record<string, Record<string, unknown>>[]> => {
  const { bytes } = await store.get(`_delta_log/${String(version).padStart(20, '0')}.json`)
  return new TextDecoder()
    .decode(bytes)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Versions: 1 appends 1 to 6, 2 deletes 2, 3 deletes 3, 4 appends 7. */
async function withVectors(properties: Record<string, string> = {}) {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT', properties })
  await table.append(ids(1, 2, 3, 4, 5, 6))
  await table.delete({ where: 'id = 2' })
  await table.delete({ where: 'id = 3' })
  await table.append(ids(7))
  return { store, table }
}

test('a table with vectors goes back and forth, every version stays, and the change feed tells what changed', async () => {
  const { store, table } = await withVectors({ 'delta.enableChangeDataFeed': 'true' })
  const expected = [[], [1, 2, 3, 4, 5, 6], [1, 3, 4, 5, 6], [1, 4, 5, 6], [1, 4, 5, 6, 7]]
  let version = 4
  for (const back of [2, 3, 1, 0, 4, 2]) {
    const before = await idsOf(table)
    const result = await table.restore(back)
    version += 1
    expect(result).toMatchObject({ version, operation: 'RESTORE', restored: back, removedLoads: [] })
    expected.push(expected[back]!)
    expect(await idsOf(table)).toEqual(expected[back])
    const changes = await table.changes({ from: version, to: version }).toArray()
    const told = (kind: string) =>
      changes
        .filter((row) => row._change_type === kind)
        .map((row) => Number(row.id))
        .sort()
    expect(told('delete')).toEqual(before.filter((id) => !expected[back]!.includes(id)))
    expect(told('insert')).toEqual(expected[back]!.filter((id) => !before.includes(id)))
  }
  for (const opened of [table, await Table.open(store)]) {
    for (const [at, wanted] of expected.entries()) expect(await idsOf(opened, at)).toEqual(wanted)
    expect(await (await opened.latest()).rowCount()).toBe(5)
  }
  const [entry] = [(await table.history({ limit: 1 }).next()).value]
  expect(entry).toMatchObject({
    operation: 'RESTORE',
    parameters: { version: '2' },
    metrics: { numOfFilesAfterRestore: 1, numRemovedFiles: 2, numRestoredFiles: 1 },
  })
})

test('what is so already makes no version', async () => {
  const { table } = await withVectors()
  expect(await table.restore(4)).toMatchObject({ version: 4, restored: 4 })
  await table.append(ids(8))
  await table.restore(4)
  expect(await table.restore(4)).toMatchObject({ version: 6, restored: 4 })
  await expect(table.restore(99)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
})

test('across an optimize, and by an instant', async () => {
  const { table } = await withVectors()
  await table.optimize()
  const at = await (await table.asOf(2)).timestamp()
  await table.restore({ timestamp: at })
  expect(await idsOf(table)).toEqual([1, 3, 4, 5, 6])
  expect((await table.asOf(6)).version).toBe(6)
  expect((await (await table.latest()).timestamp()).getTime()).toBeGreaterThan((await (await table.asOf(5)).timestamp()).getTime())
})

test('schema, properties and partitions go back; the protocol and the ids of columns do not', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT, name VARCHAR', preset: 'wide', properties: { owner: 'ops' } })
  await table.append([{ id: 1, name: 'a' }])
  await table.alter([{ rename: { name: 'name', to: 'label' } }, { set: { owner: 'crm', extra: '1' } }])
  await table.alter({ add: { name: 'more', type: 'INTEGER' } })
  await table.append([{ id: 2, label: 'b', more: 3 }])
  const now = await table.latest()
  await table.restore(1)
  const restored = await table.latest()
  expect(restored.schema.fields.map(({ name }) => name)).toEqual(['id', 'name'])
  expect(restored.properties).toMatchObject({
    owner: 'ops',
    'delta.columnMapping.maxColumnId': now.properties['delta.columnMapping.maxColumnId'],
  })
  expect(restored.properties.extra).toBeUndefined()
  expect(restored.protocol).toEqual(now.protocol)
  expect(await rowsOf(table)).toEqual([{ id: 1n, name: 'a' }])
  expect(await rowsOf(table, 4)).toHaveLength(2)
  await table.append([{ id: 3, name: 'c' }])
  await table.restore(4)
  expect(await rowsOf(table)).toEqual(await rowsOf(table, 4))
  await table.restore(1)
  await table.overwrite([{ day: 'mon', n: 1 }], { overwriteSchema: true, partitionBy: ['day'] })
  await table.restore(4)
  expect([await rowsOf(table), (await table.latest()).partitionColumns]).toEqual([await rowsOf(table, 4), []])
})

test('commit times stay on, and identity columns and row ids are not given twice', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT', preset: 'wide' })
  await table.alter({ identity: { name: 'n' } })
  await table.append(ids(1))
  await table.alter({ set: { 'delta.enableInCommitTimestamps': 'true', 'delta.enableRowTracking': 'true' } })
  await table.append(ids(2, 3))
  const counted = (await rowsOf(table)).map(({ n }) => n)
  const since = await table.version()
  await table.append(ids(4))
  const mark = async () => {
    const domains = (await commitOf(store, await table.version())).filter((action) => action.domainMetadata)
    return domains.map(({ domainMetadata }) => domainMetadata!.domain)
  }
  await table.restore(since)
  expect(await mark()).toEqual([])
  await table.append(ids(5))
  const numbers = (await rowsOf(table)).filter(({ id }) => id === 5n).map(({ n }) => Number(n))
  expect(Number(numbers[0])).toBeGreaterThan(Math.max(...counted.map(Number)) + 1)
  await table.restore(2)
  expect((await table.latest()).properties['delta.enableInCommitTimestamps']).toBe('true')
  const adds = async (version: number) => (await commitOf(store, version)).flatMap(({ add }) => (add ? [Number(add.baseRowId)] : []))
  const given: number[] = []
  for (let version = 1; version <= (await table.version()); version += 1) given.push(...(await adds(version)))
  await table.append(ids(6))
  const [fresh] = await adds(await table.version())
  expect(fresh).toBeGreaterThan(Math.max(...given.filter((id) => !Number.isNaN(id))))
  // The column may have been called otherwise when it counted last.
  await table.alter({ rename: { name: 'n', to: 'seq' } })
  await table.append(ids(7))
  const last = Math.max(...(await rowsOf(table)).map(({ seq }) => Number(seq)))
  await table.restore(2)
  await table.append(ids(8))
  expect(Number((await rowsOf(table)).find(({ id }) => id === 8n)?.n)).toBeGreaterThan(last)
})

test('loads that were taken away are named, and count as applied until they are reset', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  const load = (appId: string, version: number, more = {}) => table.append(ids(version), { txn: { appId, version }, ...more })
  await load('a', 1)
  await load('a', 5)
  await load('a', 3, { txnAnyOrder: true })
  await load('a', 6)
  await load('b', 1)
  const removedLoads = [
    { appId: 'a', version: 6, restoredVersion: 5 },
    { appId: 'b', version: 1, restoredVersion: null },
  ]
  expect(await table.restore(2)).toMatchObject({ version: 6, removedLoads })
  expect(await load('a', 6)).toMatchObject({ alreadyApplied: true })
  await table.append(ids(100))
  // The numbers count since the restore as they did, and so they are still those that are reset.
  expect(await table.restore(2, { resetTxn: true, txn: { appId: 'ops', version: 1 } })).toMatchObject({ version: 8, removedLoads })
  expect((await table.history({ limit: 1 }).next()).value).toMatchObject({ txn: { appId: 'ops', version: 1 } })
  const again = await Table.open(store)
  for (const [appId, version] of [
    ['a', 5],
    ['a', 1],
    ['ops', 1],
  ] as const)
    expect(await again.append(ids(50), { txn: { appId, version } })).toMatchObject({ version: 8, alreadyApplied: true })
  await expect(load('a', 3)).rejects.toMatchObject({ code: 'TXN_OUT_OF_ORDER' })
  await load('a', 3, { txnAnyOrder: true })
  expect(await load('a', 3, { txnAnyOrder: true })).toMatchObject({ alreadyApplied: true })
  await load('a', 6)
  await load('b', 1)
  expect(await load('b', 1)).toMatchObject({ version: 11, alreadyApplied: true })
  expect(await idsOf(table)).toEqual([1, 1, 3, 5, 6])
  expect(await table.restore(8, { resetTxn: true })).toMatchObject({
    removedLoads: [
      { appId: 'a', version: 6, restoredVersion: 5 },
      { appId: 'b', version: 1, restoredVersion: null },
    ],
  })
  expect((await table.history({ limit: 1 }).next()).value).toMatchObject({ txn: null })
})

test('files that are gone are named before anything is written, with the versions that are whole', async () => {
  const { store, table } = await withVectors()
  await table.overwrite(ids(9))
  const data = (await keysOf(store)).filter((key) => key.startsWith('part-'))
  const [first] = (await commitOf(store, 1)).flatMap(({ add }) => (add ? [String(add.path)] : []))
  await store.delete([first!])
  const before = await keysOf(store)
  expect(data).toContain(first)
  await expect(table.restore(2)).rejects.toMatchObject({
    code: 'DATA_FILE_MISSING',
    message: expect.stringContaining(first!),
    remedy: expect.stringContaining('0, 5'),
    data: { version: 2, missing: [first], whole: [0, 0, 5, 5] },
  })
  expect(await keysOf(store)).toEqual(before)
})

test('a vector file that is gone is missed too', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  await table.append({ query: 'SELECT range AS id FROM range(5000)' })
  await table.delete({ where: 'hash(id) % 3 = 0' })
  await table.overwrite(ids(1))
  const [vector] = (await keysOf(store)).filter((key) => key.startsWith('deletion_vector'))
  expect(vector).toBeDefined()
  await store.delete([vector!])
  await expect(table.restore(2)).rejects.toMatchObject({ data: { missing: [vector], whole: [0, 1, 3, 3] } })
})

/** A store whose first commit, or record in another folder, waits for something else to be done. */
function raced(store: ObjectStore, meanwhile: () => Promise<unknown>, folder = '_delta_log/'): ObjectStore {
  let done = false
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = target[name as keyof ObjectStore]
      if (typeof value !== 'function') return value
      if (name !== 'putIfAbsent') return value.bind(target)
      return async (...[key, ...more]: Parameters<ObjectStore['putIfAbsent']>) => {
        if (!done && key.startsWith(folder)) {
          done = true
          await meanwhile()
        }
        return store.putIfAbsent(key, ...more)
      }
    },
  })
}

test('whatever came meanwhile is in its way', async () => {
  const { store, table } = await withVectors()
  const other = await Table.open(store)
  const stale = async (meanwhile: () => Promise<unknown>) => (await Table.open(raced(store, meanwhile))).restore(1)
  await expect(stale(() => other.append(ids(8)))).rejects.toMatchObject({ code: 'CONCURRENT_APPEND', data: { version: 5 } })
  await expect(stale(() => other.delete({ where: 'id = 8' }))).rejects.toMatchObject({ code: 'CONCURRENT_DELETE_READ' })
  await expect(stale(() => other.alter({ set: { owner: 'x' } }))).rejects.toMatchObject({ code: 'METADATA_CHANGED' })
  expect(await idsOf(table)).toEqual([1, 4, 5, 6, 7])
})

test('a vacuum leaves alone what is on its way back, and is done with it where it was first', async () => {
  const { store, table } = await withVectors()
  await table.overwrite(ids(9))
  const vacuum = async () => (await Table.open(store)).vacuum({ olderThan: '0d' })
  const late = await Table.open(raced(store, () => expect(vacuum()).resolves.toMatchObject({ files: 0, held: [{ version: 4 }] })))
  await late.restore(4)
  expect(await idsOf(table)).toEqual([1, 4, 5, 6, 7])
  // One that was killed long ago holds nothing.
  await store.put('_varve/holds/killed.json', new TextEncoder().encode('{"version":4,"until":"2026-01-01T00:00:00.000Z"}'))
  expect(await vacuum()).toMatchObject({ held: [] })
  expect(await idsOf(table)).toEqual([1, 4, 5, 6, 7])
  await table.overwrite(ids(10))
  // The hold comes too late: the vacuum is through.
  const beaten = raced(store, vacuum, '_varve/holds/')
  await expect((await Table.open(beaten)).restore(6)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  expect(await idsOf(await Table.open(store))).toEqual([10])
})
