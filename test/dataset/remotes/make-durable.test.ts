/** Many files at a remote are put on stable storage before the first commit that names one, whichever way the system has for it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isDurableTogether, makeDurable } from '../../../src/dataset/remotes/make-durable.ts'
import { localStore, memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

let folder: string
const path = process.env.PATH
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-durable-'))
})
afterAll(async () => {
  process.env.PATH = path
  await rm(folder, { recursive: true, force: true })
})

it('is asked of the file system once, or where it cannot be, of each file and folder', async () => {
  const store = localStore(join(folder, 'files'))
  const keys = Array.from({ length: 5 }, (_, n) => `day=${n % 2}/part-${n}.parquet`)
  for (const key of keys) await store.put(key, Buffer.from(key), { durable: false })
  await makeDurable(store, keys)
  // No such command: each is synced, and what is gone is an error.
  process.env.PATH = '/nowhere'
  await makeDurable(store, keys)
  await expect(makeDurable(store, [...keys, 'day=0/gone.parquet'])).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
  process.env.PATH = path
  expect(isDurableTogether(memoryStore(), 1000)).toBe(false)
})

it('comes before the commit that names them', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT, part BIGINT', partitionBy: ['part'] })
  await table.append({ query: 'SELECT i AS id, i AS part FROM range(120) t(i)' })
  const inner = localStore(join(folder, 'remote'))
  const order: string[] = []
  const remote: ObjectStore = intercepted(inner, {
    putIfAbsent: (key, body, options = {}) => {
      order.push(key.endsWith('.parquet') ? `file ${options.durable !== false}` : key.startsWith('_delta_log/') ? 'commit' : 'record')
      return inner.putIfAbsent(key, body, options)
    },
  })
  expect(await table.push(remote)).toMatchObject({ files: 120, versions: 2 })
  const together = isDurableTogether(inner, 120)
  expect(order.filter((one) => one === `file ${!together}`)).toHaveLength(120)
  expect(order.lastIndexOf(`file ${!together}`)).toBeLessThan(order.indexOf('commit'))
  expect(await (await Table.open(inner)).verify()).toMatchObject({ ok: true, files: 120 })
})
