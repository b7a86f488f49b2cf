/** Calls at once on one handle, and stores that do not say how a put ended: nothing is lost, doubled or taken back. */
import { expect, test } from 'vitest'
import { ObjectNotFoundError, StoreUnreachableError } from '../../src/errors/index.ts'
import { DeltaLog } from '../../src/log/index.ts'
import { commitKey } from '../../src/log/paths.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { parseSchema } from '../../src/schema/schema-json.ts'
import { memoryStore, type ObjectStore } from '../../src/storage/index.ts'
import { commit } from '../../src/transaction/index.ts'
import { add, metadata } from '../log/tools.ts'
import { intercepted } from '../support/stores/intercepted.ts'

const prepared = { operation: 'WRITE', parameters: {}, metrics: {}, actions: [add('f')], isBlindAppend: true }

test('a change of the schema that another call on the same handle commits is seen, however the two interleave', async () => {
  const inner = memoryStore()
  await create(inner, { schema: 'id BIGINT' })
  let meanwhile: (() => Promise<unknown>) | undefined
  // The names beyond the newest commit are looked at when a call has caught up: just then the other call lands.
  const store = intercepted(inner, {
    head: async (key, ...rest) => {
      const work = key === commitKey(3) ? meanwhile : undefined
      meanwhile = work ? undefined : meanwhile
      await work?.()
      return inner.head(key, ...rest)
    },
  })
  const log = (await DeltaLog.open(store))!
  const read = log.latest
  await append((await DeltaLog.open(inner))!, [{ id: 1 }])
  meanwhile = () => commit(log, log.latest, { ...prepared, actions: [metadata()] })
  expect(await commit(log, read, prepared)).toEqual({ outcome: 'conflict', conflict: { code: 'METADATA_CHANGED', version: 2 } })
})

test('columns that calls at once add are all there, or the call says that it lost', async () => {
  const { log } = await create(memoryStore(), { schema: 'id BIGINT' })
  const names = Array.from({ length: 8 }, (_, i) => `c${i}`)
  const results = await Promise.allSettled(names.map((name) => append(log, [{ id: 1, [name]: 'x' }], { mergeSchema: true })))
  const columns = parseSchema((await log.update()).metadata.schemaString).fields.map((field) => field.name)
  for (const [i, result] of results.entries()) {
    if (result.status === 'fulfilled') expect(columns).toContain(names[i])
    else expect(result.reason).toMatchObject({ code: 'METADATA_CHANGED' })
  }
})

test('a put that may still land is not taken for lost because the next one is refused', async () => {
  const inner = memoryStore()
  await create(inner, { schema: 'id BIGINT' })
  let puts = 0
  const store = intercepted(inner, {
    putIfAbsent: async (key, body, options) => {
      if (key !== commitKey(1)) return inner.putIfAbsent(key, body, options)
      puts += 1
      if (puts > 1) throw new StoreUnreachableError('STORE_UNREACHABLE', 'No answer.', { remedy: 'Wait.' })
      setTimeout(() => void inner.putIfAbsent(key, body), 25)
      return { outcome: 'unknown', cause: new Error('no answer') }
    },
  })
  expect(await append((await DeltaLog.open(store))!, [{ id: 7 }])).toMatchObject({ version: 1 })
  const log = (await DeltaLog.open(inner))!
  const [file] = await (await log.files(log.latest)).select()
  expect(await inner.head(file!.path)).toBeDefined()
})

test('a name that is taken by nothing readable is an error, not an endless loop', async () => {
  const inner = memoryStore()
  await create(inner, { schema: 'id BIGINT' })
  const store = intercepted(inner, {
    putIfAbsent: async (key, body, options) => (key === commitKey(1) ? { outcome: 'exists' } : inner.putIfAbsent(key, body, options)),
  })
  await expect(append((await DeltaLog.open(store))!, [{ id: 7 }])).rejects.toBeInstanceOf(ObjectNotFoundError)
  expect(await data(inner)).toBe(0)
})

async function data(store: ObjectStore): Promise<number> {
  let count = 0
  for await (const { key } of store.list('part-')) count += key ? 1 : 0
  return count
}
