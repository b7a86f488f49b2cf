import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeltaLog, parseActions, readCommit } from '../../src/log/index.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { memoryStore, type ObjectStore } from '../../src/storage/index.ts'

async function table(): Promise<DeltaLog> {
  return (await create(memoryStore(), { schema: 'id BIGINT' })).log
}

async function loads(store: ObjectStore): Promise<number[]> {
  const found: number[] = []
  const { latest } = (await DeltaLog.open(store))!
  for (let version = 1; version <= latest.version; version += 1) {
    for (const action of parseActions(await readCommit(store, version)))
      if ('add' in action) found.push(JSON.parse(action.add.stats!).minValues.id)
  }
  return found.sort((a, b) => a - b)
}

const send = (log: DeltaLog, version: number, how: object = {}) =>
  append(log, [{ id: version }], { txn: { appId: 'etl', version }, ...how })

test('a load sent again changes nothing and says so', async () => {
  const log = await table()
  expect(await send(log, 3)).toMatchObject({ version: 1, alreadyApplied: false })
  expect(await send(log, 3)).toMatchObject({ version: 1, alreadyApplied: true })
  await send(log, 4)
  expect(await send(log, 3)).toMatchObject({ version: 2, alreadyApplied: true })
})

test('an older load that never landed is refused with both numbers, skipped or landed, as the caller says', async () => {
  const log = await table()
  await send(log, 5)
  await expect(send(log, 4)).rejects.toMatchObject({ code: 'TXN_OUT_OF_ORDER', data: { version: 4, latest: 5 } })
  expect(await send(log, 4, { txnSkipOlder: true })).toMatchObject({ version: 1, alreadyApplied: true })
  expect(await send(log, 4, { txnAnyOrder: true })).toMatchObject({ version: 2, alreadyApplied: false })
  expect(await send(log, 4, { txnAnyOrder: true })).toMatchObject({ version: 2, alreadyApplied: true })
  expect(log.latest.txns.get('etl')?.version).toBe(5)
  expect(await loads(log.store)).toEqual([4, 5])
})

test('numbers in any order, each sent any number of times by any handle, land once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 }), async (numbers) => {
      const log = await table()
      const handles = [log, (await DeltaLog.open(log.store))!]
      await Promise.all(numbers.map((number, i) => send(handles[i % 2]!, number, { txnAnyOrder: true })))
      expect(await loads(log.store)).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    }),
    { numRuns: 30 },
  )
}, 60_000)

test('without a choice, no number is missing in silence', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 10 }), async (numbers) => {
      const log = await table()
      const results = await Promise.allSettled(numbers.map((number) => send(log, number)))
      const landed = await loads(log.store)
      for (const [i, result] of results.entries()) {
        if (result.status === 'fulfilled') expect(landed).toContain(numbers[i])
        else expect(result.reason).toMatchObject({ code: 'TXN_OUT_OF_ORDER' })
      }
      expect(new Set(landed).size).toBe(landed.length)
    }),
    { numRuns: 30 },
  )
}, 60_000)

test.each([
  ['etl', 1.5],
  ['etl', -1],
  ['etl', Number.NaN],
  ['etl', 2 ** 53],
  ['etl', 3n as unknown as number],
  ['etl', '3' as unknown as number],
  ['', 3],
  [7 as unknown as string, 3],
])('%s with the number %s is no transaction id', async (appId, version) => {
  const log = await table()
  await expect(append(log, [{ id: 1 }], { txn: { appId, version } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(create(memoryStore(), { schema: 'id BIGINT', txn: { appId, version } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect((await log.update()).version).toBe(0)
})
