/** Records that go along to another copy: those of a run go together, and only where all versions that it reads are there. */
import { expect, it } from 'vitest'
import { moveRecords } from '../../../src/dataset/remotes/move-records.ts'
import { memoryStore } from '../../../src/index.ts'
import { putRecord } from '../../../src/log/records.ts'

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
