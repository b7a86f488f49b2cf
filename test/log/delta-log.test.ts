/** The handle on a log: it never goes back, names what is missing, and gets over damage to what is derived. */
import { expect, test, vi } from 'vitest'
import { writeCheckpoint } from '../../src/log/checkpoint/checkpoint.ts'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { FileList } from '../../src/log/files/file-list.ts'
import { checkpointKey, checksumKey, commitKey } from '../../src/log/paths.ts'
import { append } from '../../src/operations/append.ts'
import { create } from '../../src/operations/create.ts'
import { memoryStore } from '../../src/storage/index.ts'
import { add, putCommit, putLog } from './tools.ts'

test('counts that come late do not turn the handle back', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')]])
  const log = (await DeltaLog.open(store))!
  const counts = FileList.prototype.counts
  // The rows are counted while another call on the handle looks for news.
  const slowly = vi.spyOn(FileList.prototype, 'counts').mockImplementationOnce(async function (this: FileList) {
    await putCommit(store, 1, [add('b')])
    expect((await log.update()).version).toBe(1)
    return counts.call(this)
  })
  await log.files(log.latest)
  slowly.mockRestore()
  expect(log.latest.version).toBe(1)
})

test('a hole between a checksum and the version asked for is named', async () => {
  const store = memoryStore()
  const { log } = await create(store, { schema: 'id BIGINT' })
  for (let id = 1; id <= 6; id += 1) await append(log, [{ id }])
  await store.delete([commitKey(3), ...[1, 2, 3, 4, 5].map(checksumKey)])
  await expect((await DeltaLog.open(store))!.stateAt(5)).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 3 } })
})

test('a damaged checkpoint does not keep the next one from being written', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')], [add('c')]])
  const first = await writeCheckpoint(store, await (await DeltaLog.open(store))!.stateAt(1), 0)
  await store.put(checkpointKey(1), new TextEncoder().encode('PAR1 or so'))
  const log = (await DeltaLog.open(store))!
  await writeCheckpoint(store, { ...log.latest, checkpoint: first.checkpoint }, 0)
  await store.delete([0, 1, 2].map(commitKey))
  await putCommit(store, 3, [add('d')])
  const fresh = (await DeltaLog.open(store))!
  expect(await (await fresh.files(fresh.latest)).counts()).toMatchObject({ files: 4 })
})

test('a list of files is built anew where the commits between are gone', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')]])
  const log = (await DeltaLog.open(store))!
  await log.files(log.latest)
  for (const version of [2, 3, 4]) await putCommit(store, version, [add(`f${version}`)])
  await writeCheckpoint(store, await log.update(), 0)
  await store.delete([0, 1, 2, 3].map(commitKey))
  expect(await (await log.files(log.latest)).counts()).toMatchObject({ files: 5 })
})
