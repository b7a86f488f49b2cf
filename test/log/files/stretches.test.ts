/** One handle that jumps about in a history says of every version what its commits say, and lets go of what it has loaded. */
import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { chooseFiles } from '../../../src/data/prune/prune.ts'
import { trustedEngine } from '../../../src/engine/index.ts'
import { writeCheckpoint } from '../../../src/log/checkpoint/checkpoint.ts'
import { writeCompaction } from '../../../src/log/compaction.ts'
import { DeltaLog } from '../../../src/log/delta-log.ts'
import { loadedNow, setLoadedBudget } from '../../../src/log/files/loaded.ts'
import { checkpointKey, commitKey } from '../../../src/log/paths.ts'
import { localStore, memoryStore, type ObjectStore } from '../../../src/storage/index.ts'
import { countingStore } from '../../support/stores/counting-store.ts'
import { putCheckpoint, shapes } from '../checkpoint/checkpoint-shapes.ts'
import { add, metadata, protocol, putCommit, putLog, remove } from '../tools.ts'

const vector = { storageType: 'u' as const, pathOrInlineDv: 'ab', offset: 4, sizeInBytes: 10, cardinality: 2 }
const usual = 512 << 20

afterEach(() => setLoadedBudget(usual))

/** What a model knows of a file. */
interface Known {
  readonly path: string
  readonly size: number
  readonly vector: boolean
}

const file = fc.record({ path: fc.nat(15), added: fc.boolean(), vector: fc.boolean(), size: fc.nat(99) })
const commitFiles = fc.uniqueArray(file, { maxLength: 6, selector: (each) => `${each.path}/${each.vector}` })
type Files = typeof commitFiles extends fc.Arbitrary<infer T> ? T : never
const derived = fc.record({
  kind: fc.constantFrom(...shapes, 'compaction' as const),
  at: fc.nat(99),
  length: fc.integer({ min: 1, max: 9 }),
})
const step = fc.record({ at: fc.nat(99), forget: fc.boolean(), value: fc.nat(99), refresh: fc.boolean() })

/** Spellings of one path that a log may use by turns. */
const spellings = (path: number): string[] => [`part%20${path}`, `part ${path}`, `%70art%20${path}`]

async function putFiles(store: ObjectStore, version: number, files: Files): Promise<void> {
  const lines = files.map((each) => {
    const path = spellings(each.path)[version % 3]!
    const stats = JSON.stringify({ numRecords: 3, minValues: { id: each.size }, maxValues: { id: each.size + 9 }, nullCount: { id: 0 } })
    const extra = { size: each.size, ...(each.vector ? { deletionVector: vector } : {}) }
    return each.added ? add(path, { ...extra, stats }) : remove(path, extra)
  })
  await putCommit(store, version, [...(version === 0 ? [protocol, metadata()] : []), ...lines])
}

/** The files of every version, by a replay of objects. */
function modelOf(commits: readonly Files[]): Known[][] {
  const live = new Map<string, Known>()
  return commits.map((files) => {
    for (const { path, added, vector: has, size } of files) {
      if (added) live.set(`${path}/${has}`, { path: `part ${path}`, size, vector: has })
      else live.delete(`${path}/${has}`)
    }
    return [...live.values()]
  })
}

const spelled = (files: readonly Known[]): string[] => files.map((each) => `${each.path} ${each.size} ${each.vector}`).sort()

/** Asks a handle for a version in every way there is. */
async function check(log: DeltaLog, version: number, known: readonly Known[], value: number): Promise<void> {
  const list = await log.files(await log.stateAt(version))
  const told = await list.select()
  expect(spelled(told.map((each) => ({ path: each.path, size: each.size, vector: each.deletionVector !== undefined })))).toEqual(
    spelled(known),
  )
  expect(await list.counts()).toEqual({
    files: known.length,
    bytes: known.reduce((sum, { size }) => sum + size, 0),
    rows: known.reduce((sum, each) => sum + (each.vector ? 1 : 3), 0),
  })
  const schema = { type: 'struct', fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }] } as const
  const table = { schema, partitionColumns: [] }
  const predicate = {
    op: 'compare',
    left: { kind: 'column', column: { path: ['id'] } },
    comparison: '=',
    right: { kind: 'value', value: { kind: 'number', value } },
  } as const
  const chosen = await chooseFiles(list, table, predicate)
  const may = known.filter(({ size }) => size <= value && value <= size + 9)
  expect(spelled(chosen.map((each) => ({ path: each.path, size: each.size, vector: each.deletionVector !== undefined })))).toEqual(
    spelled(may),
  )
}

test('a handle that jumps about in a random history that grows, and forgets at times, has the files that a model has', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(commitFiles, { minLength: 2, maxLength: 20 }),
      fc.array(derived, { maxLength: 4 }),
      fc.array(step, { minLength: 5, maxLength: 25 }),
      async (commits, others, steps) => {
        const store = memoryStore()
        const model = modelOf(commits)
        const half = Math.ceil(commits.length / 2)
        for (const [version, files] of commits.slice(0, half).entries()) await putFiles(store, version, files)
        const log = (await DeltaLog.open(store))!
        let there = half
        for (const { at, forget, value, refresh } of steps) {
          if (refresh && there < commits.length) {
            await putFiles(store, there, commits[there]!)
            there += 1
            await log.update()
          }
          if (forget) {
            await setLoadedBudget(0)
            await setLoadedBudget(usual)
          }
          const version = at % there
          await check(log, version, model[version]!, value)
        }
        for (let version = there; version < commits.length; version += 1) await putFiles(store, version, commits[version]!)
        const writer = (await DeltaLog.open(store))!
        for (const { kind, at, length } of others) {
          const version = at % commits.length
          if (kind !== 'compaction') await putCheckpoint(store, writer, version, kind)
          else if (version >= length) await writeCompaction(store, { first: version - length, last: version })
        }
        const other = (await DeltaLog.open(store))!
        for (const { at, value } of steps) await check(other, at % commits.length, model[at % commits.length]!, value)
      },
    ),
    { numRuns: 15 },
  )
}, 300_000)

test('a stretch that is made longer reads no commit again that it has', async () => {
  const inner = memoryStore()
  const model = Array.from(
    { length: 13 },
    (_, version): Files => [
      { path: version, added: true, vector: false, size: version },
      { path: version - 3, added: false, vector: false, size: 0 },
    ],
  )
  for (const [version, files] of model.entries()) await putFiles(inner, version, files)
  await writeCheckpoint(inner, await (await DeltaLog.open(inner))!.stateAt(8), 0)
  const store = countingStore(inner)
  const log = (await DeltaLog.open(store))!
  await check(log, 12, modelOf(model)[12]!, 12)
  store.reset()
  for (const version of [3, 11, 5, 12]) await check(log, version, modelOf(model)[version]!, version)
  expect([1, 2, 4, 8, 9, 10].map((version) => store.count('get', commitKey(version)))).toEqual([1, 1, 1, 1, 0, 0])
})

test('a checkpoint that turns out to be damaged, or is gone, after it was opened is passed over', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a'), add('b')], [remove('a')], [add('c')]])
  await writeCheckpoint(store, (await DeltaLog.open(store))!.latest, 0)
  const log = (await DeltaLog.open(store))!
  const list = await log.files(log.latest)
  await store.delete([checkpointKey(2)])
  await setLoadedBudget(0)
  await setLoadedBudget(usual)
  expect((await list.select()).map((each) => each.path)).toEqual(['b', 'c'])
})

test('a checkpoint that is damaged while it is open is passed over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'varve-stretches-'))
  try {
    const store = localStore(folder)
    await putLog(store, [[add('a'), add('b')], [remove('a')], [add('c')]])
    await writeCheckpoint(store, (await DeltaLog.open(store))!.latest, 0)
    const log = (await DeltaLog.open(store))!
    const list = await log.files(log.latest)
    await truncate(join(folder, checkpointKey(2)), 300)
    expect((await list.select()).map((each) => each.path)).toEqual(['b', 'c'])
    expect((await list.counts()).files).toBe(2)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('what nobody uses goes where there is no room, what is in use stays until it is not', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')]])
  const log = (await DeltaLog.open(store))!
  const list = await log.files(log.latest)
  const before = await tables()
  await list.use(async ({ connection, relation }) => {
    await setLoadedBudget(0)
    expect(await connection.all(`SELECT count(*)::INTEGER AS n FROM ${relation}`)).toEqual([{ n: 2 }])
  })
  expect(await tables()).toBeLessThan(before)
  expect(loadedNow().stretches).toBe(0)
  expect((await list.counts()).files).toBe(2)
})

test('statistics that cannot be read cost nothing but themselves', async () => {
  const store = memoryStore()
  const stats = (id: string) => `{"numRecords":3,"minValues":{"id":${id}},"maxValues":{"id":${id}}}`
  await putLog(store, [[add('a', { stats: stats('1') }), add('b', { stats: stats('"x"') }), add('c', { stats: '{"numRecords":3,' })]])
  const log = (await DeltaLog.open(store))!
  await writeCheckpoint(store, log.latest, 0)
  for (const handle of [log, (await DeltaLog.open(store))!]) {
    const schema = { type: 'struct', fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }] } as const
    const right = { kind: 'value', value: { kind: 'number', value: 2 } } as const
    const predicate = { op: 'compare', left: { kind: 'column', column: { path: ['id'] } }, comparison: '=', right } as const
    const chosen = await chooseFiles(await handle.files(handle.latest), { schema, partitionColumns: [] }, predicate)
    expect(chosen.map((each) => [each.path, each.numRecords])).toEqual([
      ['b', 3],
      ['c', undefined],
    ])
  }
})

test('a vector that does not say where it lies is an error, and so is a number that is none', async () => {
  for (const deletionVector of [
    'abc',
    { storageType: 'u' },
    { storageType: 'u', pathOrInlineDv: 'ab', offset: 'x', sizeInBytes: 1, cardinality: 1 },
  ]) {
    const store = memoryStore()
    await putLog(store, [
      [add('a')],
      [{ add: { path: 'b', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, deletionVector } }],
    ])
    const outcome = (async () => {
      const log = (await DeltaLog.open(store))!
      return (await log.files(log.latest)).select()
    })()
    await expect(outcome).rejects.toMatchObject({ code: 'LOG_CORRUPT', data: { version: 1 } })
  }
})

async function tables(): Promise<number> {
  const connection = await (await trustedEngine()).connect()
  try {
    const [row] = await connection.all(`SELECT count(*)::INTEGER AS n FROM duckdb_tables() WHERE table_name LIKE 'varve_log_%'`)
    return Number(row?.n)
  } finally {
    await connection.close()
  }
}
