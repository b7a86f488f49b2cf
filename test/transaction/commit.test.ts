import { expect, test } from 'vitest'
import { chainId, commitInfoOf, DeltaLog, parseActions, readCommit } from '../../src/log/index.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { memoryStore, type ObjectStore, withRetries } from '../../src/storage/index.ts'
import { commit } from '../../src/transaction/index.ts'
import { add, metadata, putCommit } from '../log/tools.ts'
import { faultyStore } from '../support/stores/faulty-store.ts'

const prepared = { operation: 'WRITE', parameters: {}, metrics: {}, actions: [add('f')], isBlindAppend: true }

async function table(store: ObjectStore = memoryStore()) {
  await create(store, { schema: 'id BIGINT' })
  return store
}

async function ids(store: ObjectStore): Promise<bigint[]> {
  const log = (await DeltaLog.open(store))!
  const rows: bigint[] = []
  for (let version = 1; version <= log.latest.version; version += 1) {
    for (const action of parseActions(await readCommit(store, version))) {
      if ('add' in action) rows.push(BigInt(JSON.parse(action.add.stats!).minValues.id))
    }
  }
  return rows
}

test('a blind append rebases over other appends', async () => {
  const store = await table()
  const [a, b] = [(await DeltaLog.open(store))!, (await DeltaLog.open(store))!]
  const read = a.latest
  await append(b, [{ id: 1 }])
  await append(b, [{ id: 2 }])
  const outcome = await commit(a, read, prepared)
  expect(outcome).toMatchObject({ outcome: 'committed', state: { version: 3, counts: { files: 3 } } })
})

test.each([
  ['METADATA_CHANGED', metadata({ 'delta.appendOnly': 'false' })],
  ['PROTOCOL_CHANGED', { protocol: { minReaderVersion: 1, minWriterVersion: 3 } }],
])('%s underneath is a conflict, also where the handle has seen it already', async (code, action) => {
  const store = await table()
  const log = (await DeltaLog.open(store))!
  const read = log.latest
  await putCommit(store, 1, [action])
  expect(await commit(log, read, prepared)).toEqual({ outcome: 'conflict', conflict: { code, version: 1 } })
  await log.update()
  expect(await commit(log, read, prepared)).toEqual({ outcome: 'conflict', conflict: { code, version: 1 } })
})

test('each version carries the id of its parent, and the chain is the same for every reader', async () => {
  const store = await table()
  const log = (await DeltaLog.open(store))!
  for (let i = 1; i <= 3; i += 1) await append(log, [{ id: i }])
  await putCommit(store, 4, [add('theirs')])
  await append((await DeltaLog.open(store))!, [{ id: 5 }])
  let id: string | null = null
  for (let version = 0; version <= 5; version += 1) {
    const { bytes } = await readCommit(store, version)
    const { varve } = commitInfoOf({ version, bytes })
    if (varve) expect(varve.parent).toBe(id)
    id = chainId(id, bytes)
    expect(await (await DeltaLog.open(store))!.idOf(version)).toBe(id)
  }
})

test('a clock that runs backwards does not turn time back, and one far ahead is warned about', async () => {
  const store = await table()
  const log = (await DeltaLog.open(store))!
  const first = log.latest.inCommitTimestamp!
  const back = await commit(log, log.latest, prepared, { clock: () => 1000 })
  expect(back).toMatchObject({ outcome: 'committed', state: { inCommitTimestamp: first + 1 } })
  expect((back as { warnings?: readonly string[] }).warnings?.[0]).toMatch(/minutes ahead/)
  const later = await commit(log, log.latest, prepared, { clock: () => first + 500 })
  expect(later).toMatchObject({ state: { inCommitTimestamp: first + 500 }, warnings: [] })
})

test.each(['lost-response', 'lands-late', 'drop', 'reset'] as const)('a commit whose put ends in %s lands once', async (kind) => {
  const inner = await table()
  const faulty = faultyStore(inner, { faults: [{ kind, operation: 'putIfAbsent', key: /\.json$/, times: 2 }] })
  const log = (await DeltaLog.open(withRetries(faulty)))!
  const result = await append(log, [{ id: 7 }])
  await faulty.landed()
  expect(result.version).toBe(1)
  expect(await ids(inner)).toEqual([7n])
})

test('an outcome that the store leaves open is settled by reading, never by a second version', async () => {
  const inner = await table()
  const faulty = faultyStore(inner, { faults: [{ kind: 'lands-late', operation: 'putIfAbsent', key: /\.json$/, lateMs: 30 }] })
  const unsure: ObjectStore = Object.create(faulty, {
    putIfAbsent: {
      value: (...args: Parameters<ObjectStore['putIfAbsent']>) =>
        faulty.putIfAbsent(...args).catch((cause: unknown) => ({ outcome: 'unknown' as const, cause })),
    },
    kind: { value: 'memory' },
    root: { value: inner.root },
  })
  const log = (await DeltaLog.open(inner))!
  const through = (await DeltaLog.open(bound(unsure)))!
  await append(through, [{ id: 8 }])
  await faulty.landed()
  await log.update()
  expect(log.latest.version).toBe(1)
  expect(await ids(inner)).toEqual([8n])
})

/** Methods of a store with private fields must be called on the store itself. */
function bound(store: ObjectStore): ObjectStore {
  const inner = Object.getPrototypeOf(store) as ObjectStore
  return new Proxy(inner, {
    get(target, name) {
      if (Object.hasOwn(store, name)) return store[name as keyof ObjectStore]
      const value = target[name as keyof ObjectStore] as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
