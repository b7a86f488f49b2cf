/** V2 checkpoints of ours: which sidecars the next one takes over, and that what they say together is the version. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { trustedEngine } from '../../../src/engine/index.ts'
import { writeCheckpoint } from '../../../src/log/checkpoint/checkpoint.ts'
import { readLastCheckpoint } from '../../../src/log/checkpoint/last-checkpoint.ts'
import { type JudgedSidecar, planSidecars, type Sidecar } from '../../../src/log/checkpoint/sidecars.ts'
import { DeltaLog } from '../../../src/log/delta-log.ts'
import { commitKey, lastCheckpointKey, logFolder, sidecarKey } from '../../../src/log/paths.ts'
import type { TableState } from '../../../src/log/state.ts'
import { memoryStore, type ObjectStore } from '../../../src/storage/index.ts'
import { countingStore } from '../../support/stores/counting-store.ts'
import { add, putCommit, putLog, remove } from '../tools.ts'
import { withPolicy } from './checkpoint-shapes.ts'

const vector = { storageType: 'u' as const, pathOrInlineDv: 'ab', offset: 4, sizeInBytes: 10, cardinality: 2 }

const judged = (rows: number, stale = 0): JudgedSidecar => ({
  sidecar: { path: `${rows}-${stale}`, sizeInBytes: rows, modificationTime: 0 },
  rows,
  stale,
})
const sizes = (of: readonly JudgedSidecar[]) => of.map((each) => each.rows)

test('what still holds is kept, what was touched is written anew, and what is small goes with the new', () => {
  const plan = planSidecars([judged(900), judged(800, 100), judged(90, 60), judged(70), judged(20), judged(30, 30)], 25, 500)
  expect(sizes(plan.kept)).toEqual([900])
  expect(sizes(plan.rewritten)).toEqual([800])
  expect(sizes(plan.merged)).toEqual([90, 20, 70])
})

test('nothing new, nothing touched: nothing is written', () => {
  expect(planSidecars([judged(900), judged(3)], 0, 500)).toEqual({ kept: [judged(900), judged(3)], rewritten: [], merged: [] })
})

test('after any number of appends there are few sidecars, and each entry was written a few times', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 300 }), (appends) => {
      let sidecars: JudgedSidecar[] = []
      let written = 0
      for (const fresh of appends) {
        const plan = planSidecars(sidecars, fresh, 1000)
        const together = plan.merged.reduce((sum, each) => sum + each.rows, fresh)
        written += together
        sidecars = [...plan.kept, judged(together)]
      }
      const total = appends.reduce((sum, each) => sum + each, 0)
      expect(sidecars.reduce((sum, each) => sum + each.rows, 0)).toBe(total)
      expect(sidecars.length).toBeLessThanOrEqual(total / 1000 + 12)
      expect(written).toBeLessThanOrEqual(total * 12)
    }),
  )
})

async function open(store: ObjectStore): Promise<{ log: DeltaLog; state: TableState }> {
  const log = (await DeltaLog.open(store))!
  return { log, state: withPolicy(log.latest) }
}

/** The sidecars that the newest checkpoint names, with what they hold. */
async function sidecarsOf(store: ObjectStore): Promise<{ path: string; kind: string; keys: string[] }[]> {
  const { bytes } = await store.get(`${logFolder}/${(await readLastCheckpoint(store))!.path}`)
  const lines = new TextDecoder().decode(bytes).trimEnd().split('\n')
  const sidecars = lines.flatMap((line) => (JSON.parse(line) as { sidecar?: Sidecar }).sidecar ?? [])
  const connection = await (await trustedEngine()).connect()
  try {
    return await Promise.all(
      sidecars.map(async ({ path, tags }) => {
        const pinned = await store.materialise([sidecarKey(path)])
        const rows = await connection.all(
          `SELECT coalesce(add.path, 'x' || remove.path) || coalesce(add."deletionVector"."pathOrInlineDv", '') AS key FROM read_parquet('${pinned.paths[0]}') ORDER BY 1`,
        )
        await pinned.release()
        return { path, kind: tags!['varve.actions']!, keys: rows.map((row) => String(row.key)) }
      }),
    )
  } finally {
    await connection.close()
  }
}

test('the next checkpoint names sidecars again, without what was removed, given a vector, or revived since', async () => {
  const store = memoryStore()
  await putLog(store, [['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((path) => add(path)), [remove('a'), remove('b')]])
  let { log, state } = await open(store)
  state = await writeCheckpoint(store, state, 0)
  const first = await sidecarsOf(store)
  expect(first.map(({ kind, keys }) => [kind, keys])).toEqual([
    ['add', ['c', 'd', 'e', 'f', 'g', 'h']],
    ['remove', ['xa', 'xb']],
  ])

  await putCommit(store, 2, [add('i')])
  await log.update()
  state = await writeCheckpoint(store, { ...withPolicy(log.latest), checkpoint: state.checkpoint }, 0)
  const second = await sidecarsOf(store)
  expect(second.map(({ kind, keys }) => [kind, keys])).toEqual([
    ['add', ['c', 'd', 'e', 'f', 'g', 'h']],
    ['add', ['i']],
    ['remove', ['xa', 'xb']],
  ])
  expect([second[0]!.path, second[2]!.path]).toEqual([first[0]!.path, first[1]!.path])

  await putCommit(store, 3, [remove('c'), add('c', { deletionVector: vector }), add('a'), add('j')])
  await log.update()
  await writeCheckpoint(store, { ...withPolicy(log.latest), checkpoint: state.checkpoint }, 0)
  const third = await sidecarsOf(store)
  expect(third.flatMap(({ kind, keys }) => (kind === 'add' ? keys : [])).sort()).toEqual(['a', 'cab', 'd', 'e', 'f', 'g', 'h', 'i', 'j'])
  expect(third.flatMap(({ kind, keys }) => (kind === 'remove' ? keys : [])).sort()).toEqual(['xb', 'xc'])

  await store.delete([0, 1, 2].map(commitKey))
  log = (await DeltaLog.open(store))!
  expect((await (await log.files(log.latest)).select()).map((file) => file.path)).toEqual(['a', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'])
})

test('a list of files does not open the sidecars of tombstones', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a'), add('b')], [remove('a')]])
  await writeCheckpoint(store, (await open(store)).state, 0)
  const { log } = await open(store)
  const tombstones = (await sidecarsOf(store)).find(({ kind }) => kind === 'remove')!
  await store.delete([sidecarKey(tombstones.path), commitKey(0)])
  expect((await (await log.files(log.latest)).select()).map((file) => file.path)).toEqual(['b'])
})

test('where a sidecar is gone the commits serve, and the next checkpoint is made of them', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a'), add('b')], [remove('a')]])
  const after = await writeCheckpoint(store, (await open(store)).state, 0)
  for (const { path } of await sidecarsOf(store)) await store.delete([sidecarKey(path)])
  await putCommit(store, 2, [add('c')])
  const { log, state } = await open(store)
  expect((await (await log.files(log.latest)).select()).map((file) => file.path)).toEqual(['b', 'c'])
  await writeCheckpoint(store, { ...state, checkpoint: after.checkpoint }, 0)
  expect((await sidecarsOf(store)).map(({ keys }) => keys)).toEqual([['b', 'c'], ['xa']])
})

test('a checkpoint that cannot be finished leaves no sidecars behind', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')]])
  const { state } = await open(store)
  const put: ObjectStore['put'] = (key, ...rest) => (key.endsWith('.json') ? Promise.reject(new Error('full')) : store.put(key, ...rest))
  const broken = new Proxy(store, {
    get: (target, name) => {
      const value = target[name as keyof ObjectStore] as unknown
      return name === 'put' ? put : typeof value === 'function' ? value.bind(target) : value
    },
  })
  await expect(writeCheckpoint(broken, state, 0)).rejects.toThrow('full')
  const left: string[] = []
  for await (const { key } of store.list(`${logFolder}/`)) left.push(key)
  expect(left).toEqual([commitKey(0)])
})

test('opening a table by its hint at a V2 checkpoint lists nothing', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')], [add('c')]])
  await writeCheckpoint(store, (await open(store)).state, 0)
  const counted = countingStore(store)
  const { log } = await open(counted)
  await (await log.files(log.latest)).select()
  expect(counted.count('list')).toBe(0)
  expect(counted.requests.some((each) => each.key === commitKey(1))).toBe(false)
})

test.each([
  ['without its checksum', (text: string) => text.replace(/,"checksum":"[^"]*"/, ''), 2],
  ['with a checksum that does not fit', (text: string) => text.replace('"version":2', '"version":1'), undefined],
  ['that is empty', () => '', undefined],
  ['that is cut', (text: string) => text.slice(0, 30), undefined],
  ['nested without end', () => `{"version":2,"checksum":"x","k":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, undefined],
] as const)('a hint %s', async (_, change, version) => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')], [add('c')]])
  await writeCheckpoint(store, (await open(store)).state, 0)
  const { bytes } = await store.get(lastCheckpointKey)
  await store.put(lastCheckpointKey, new TextEncoder().encode(change(new TextDecoder().decode(bytes))))
  expect((await readLastCheckpoint(store))?.version).toBe(version)
  const { log } = await open(store)
  expect(log.latest.version).toBe(2)
  expect(await (await log.files(log.latest)).counts()).toMatchObject({ files: 3 })
})

test('the hint is not moved backwards by a writer that finishes late', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')], [add('c')]])
  const { log } = await open(store)
  await writeCheckpoint(store, log.latest, 0)
  await writeCheckpoint(store, await log.stateAt(1), 0)
  expect((await readLastCheckpoint(store))?.version).toBe(2)
})
