/** Records that go along to another copy: those of a run go together, and only where all versions that it reads are there. */
import { expect, it } from 'vitest'
import { moveRecords } from '../../../src/dataset/remotes/move-records.ts'
import { memoryStore } from '../../../src/index.ts'
import { putRecord } from '../../../src/log/records.ts'
import { readHolds } from '../../../src/refs/holds.ts'
import { listTags } from '../../../src/refs/tags.ts'

it('leaves runs that read a version which the other copy does not have', async () => {
  const [from, to] = [memoryStore(), memoryStore()]
  await putRecord(from, '_varve/runs/whole/start.json', { versions: [2, 3] })
  await putRecord(from, '_varve/runs/whole/metrics/1.json', { points: [] })
  await putRecord(from, '_varve/runs/whole/end.json', { status: 'finished' })
  await putRecord(from, '_varve/runs/partly/start.json', { versions: [1, 2] })
  await putRecord(from, '_varve/runs/partly/end.json', { status: 'finished' })
  expect(await moveRecords({ from, to, holds: false, readable: { earliest: 2, latest: 3 } })).toMatchObject({ records: 3, left: 2 })
  const keys: string[] = []
  for await (const { key } of to.list('_varve/')) keys.push(key)
  expect(keys.sort()).toEqual(['end', 'metrics/1', 'start'].map((name) => `_varve/runs/whole/${name}.json`))
})

it('leaves what it does not know, with all that belongs to it, and names it', async () => {
  const [from, to] = [memoryStore(), memoryStore()]
  const put = (path: string, record: Readonly<Record<string, unknown>>) => putRecord(from, `_varve/${path}`, record)
  await put('tags/v1/1.json', { name: 'v1', version: 1 })
  await put('tags/v1/2.json', { name: 'v1', version: 2 })
  await put('tags/other/1.json', { name: 'v1', version: 1 })
  await put('tags/deep/in/1.json', { name: 'deep', version: 1 })
  await put('tags/far/1.json', { name: 'far', version: 1 })
  await put('tags/far/2.json', { name: 'far', version: '2' })
  await put('runs/newer/start.json', { versions: [1] })
  await put('runs/newer/paused.json', {})
  await put('runs/headless/end.json', { status: 'finished' })
  await put('runs/wrong/start.json', { versions: [1], data: [{ own: true, version: -1 }] })
  await put('holds/a.b.json', { version: 1 })
  await put('holds/h.json', { version: 1 })
  await put('holds/h.released.json', {})
  await from.put('_varve/tags/vast/1.json', new TextEncoder().encode('{"name":"vast","version":100000000000000000000}'))
  const { records, unknown } = await moveRecords({ from, to, holds: true, readable: { earliest: 0, latest: 3 } })
  expect(records).toBe(4)
  expect(unknown).toEqual([
    '_varve/holds/a.b.json',
    '_varve/runs/headless/end.json',
    '_varve/runs/newer/paused.json',
    '_varve/runs/wrong/start.json',
    '_varve/tags/deep/in/1.json',
    '_varve/tags/far/2.json',
    '_varve/tags/other/1.json',
    '_varve/tags/vast/1.json',
  ])
  expect(await readHolds(to)).toMatchObject([{ version: 2, by: 'tag v1' }])
  expect(await listTags(to)).toMatchObject([{ name: 'v1', version: 2 }])
})
