/** What a push leaves at a remote is a table that every engine reads, the log that was cut off too; and so is what a pull leaves here. */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { duckDelta, readers } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

/** Version v has the first v loads; from version 4 on every third row is gone. */
const rows = (version: number) => {
  const gone = version > 3 ? 'WHERE i % 3 <> 0' : ''
  return `SELECT i::BIGINT AS id, ('v' || i)::VARCHAR AS label FROM range(${Math.min(version, 3) * 4000}) t(i) ${gone}`
}

async function events(path: string, properties: Record<string, string> = {}): Promise<Table> {
  const table = await Table.create(path, { schema: 'id BIGINT, label VARCHAR', properties })
  for (let load = 0; load < 3; load += 1) {
    await table.append({
      query: `SELECT i::BIGINT AS id, ('v' || i)::VARCHAR AS label FROM range(${load * 4000}, ${load * 4000 + 4000}) t(i)`,
    })
  }
  await table.delete({ where: 'id % 3 = 0' })
  return table
}

async function expectRead(path: string, version: number, query: string): Promise<void> {
  const expected = await duckDelta.canonical(query)
  for (const reader of readers) sameRows(await reader.read(path, { version }), expected, `${reader.name} at ${version}`)
  sameRows(await varveRows(path, version), expected, `Varve at ${version}`)
}

it('every version of a remote, and the pulled one of a copy', async () => {
  const table = await events(join(folder.path, 'events'))
  const remote = join(folder.path, 'remote')
  await table.push(remote)
  for (const version of [1, 4]) await expectRead(remote, version, rows(version))
  const copy = join(folder.path, 'copy')
  await Table.pull(copy, { from: remote })
  await expectRead(copy, 4, rows(4))
})

it('a remote whose log begins at a checkpoint with sidecars', async () => {
  const table = await events(join(folder.path, 'cut'), { 'delta.checkpointPolicy': 'v2' })
  await setTimeout(10)
  expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ earliest: 4 })
  await table.delete({ where: 'id = 1' })
  const remote = join(folder.path, 'cut-remote')
  expect(await table.push(remote)).toMatchObject({ versions: 2 })
  await expectRead(remote, 5, `${rows(5)} AND i <> 1`)
})
