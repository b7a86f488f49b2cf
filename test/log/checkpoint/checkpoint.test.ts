/** What a checkpoint is made of: all of the version, or none is written. */
import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../../src/index.ts'
import { DeltaLog } from '../../../src/log/delta-log.ts'
import { checkpointKey, lastCheckpointKey, logFolder } from '../../../src/log/paths.ts'

test.each([
  ['classic', {}],
  ['V2', { 'delta.checkpointPolicy': 'v2' }],
])('%s: a checkpoint that reads well and lacks a file is not handed on', async (_, properties) => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT', properties })
  await table.append([{ id: 1 }])
  await table.append([{ id: 2 }])
  expect(await table.checkpoint()).toEqual({ version: 2, written: true })
  await table.append([{ id: 3 }])
  // The checkpoint of version 2 under the name of version 3's, and the hint leads there: one file is missing.
  const hint = JSON.parse(new TextDecoder().decode((await store.get(lastCheckpointKey)).bytes))
  const top: string | undefined = hint.v2Checkpoint?.path
  const name = top?.replace(/2(?=\.checkpoint)/, '3')
  const { bytes } = await store.get(top === undefined ? checkpointKey(2) : `${logFolder}/${top}`)
  await store.put(name === undefined ? checkpointKey(3) : `${logFolder}/${name}`, bytes)
  const moved = { version: 3, size: hint.size, ...(name === undefined ? {} : { v2Checkpoint: { ...hint.v2Checkpoint, path: name } }) }
  await store.put(lastCheckpointKey, new TextEncoder().encode(JSON.stringify(moved)))
  await table.append([{ id: 4 }])
  expect(await (await Table.open(store)).checkpoint()).toEqual({ version: 4, written: true })
  for await (const { key } of store.list(`${logFolder}/0`)) if (Number(key.slice(11, 31)) < 4) await store.delete([key])
  const log = (await DeltaLog.open(store))!
  expect(await (await log.files(log.latest)).select()).toHaveLength(4)
})

test('a version that has one gets no other', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  await table.append([{ id: 1 }])
  expect([await table.checkpoint(), await table.checkpoint()]).toEqual([
    { version: 1, written: true },
    { version: 1, written: false },
  ])
})
