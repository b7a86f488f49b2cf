/** Other engines beside retention: they read the table that was trimmed, the archive at the numbers that its versions had, and both after an erasure. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { duckDelta, readers, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let [path, archive] = ['', '']

/** Version v has ids of loads 1 to v; from version 4 on every third is gone. */
const rows = (version: number) =>
  `SELECT i::BIGINT AS id, ('v' || i)::VARCHAR AS label FROM range(${Math.min(version, 3) * 400}) t(i) ${version > 3 ? 'WHERE i % 3 <> 0' : ''}`

beforeAll(async () => {
  folder = await temporaryFolder()
  ;[path, archive] = [join(folder.path, 'events'), join(folder.path, 'archive')]
  const table = await Table.create(path, { schema: 'id BIGINT, label VARCHAR' })
  for (let load = 0; load < 3; load += 1) {
    await table.append({
      query: `SELECT i::BIGINT AS id, ('v' || i)::VARCHAR AS label FROM range(${load * 400}, ${load * 400 + 400}) t(i)`,
    })
  }
  await table.delete({ where: 'id % 3 = 0' })
  await table.optimize()
  await table.tag('v2', { version: 2 })
  expect(await table.retain({ keepLast: 1, archive })).toMatchObject({
    ended: [
      { from: 0, to: 1 },
      { from: 3, to: 4 },
    ],
  })
})
afterAll(() => folder.dispose())

it('the table that is left, at its newest version and at one that is held', async () => {
  for (const [version, query] of [
    [undefined, rows(5)],
    [2, rows(2)],
  ] as const) {
    const expected = await duckDelta.canonical(query)
    const request = version === undefined ? {} : { version }
    for (const reader of readers) sameRows(await reader.read(path, request), expected, `${reader.name} at ${version}`)
    sameRows(await varveRows(path, version), expected, `Varve at ${version}`)
  }
})

it('the archive, at each version that went into it', async () => {
  for (const version of [1, 3, 4]) {
    const expected = await duckDelta.canonical(rows(version))
    for (const reader of readers) sameRows(await reader.read(archive, { version }), expected, `${reader.name} at ${version}`)
    sameRows(await varveRows(archive, version), expected, `Varve at ${version}`)
  }
})

it('both, when rows were erased from them everywhere, and Spark goes on writing', async () => {
  const { everywhere } = await (await Table.open(path)).erase({ where: 'id = 500', everywhere: true, confirm: true })
  // Version 2 was held by a tag, and held the row.
  expect(everywhere).toMatchObject({ tags: ['v2'], archives: [{ ended: [{ from: 3, to: 4 }] }] })
  await spark.append(path, `SELECT CAST(-1 AS BIGINT) AS id, 'spark' AS label`)
  const expected = await duckDelta.canonical(`${rows(5)} AND i <> 500 UNION ALL SELECT -1::BIGINT, 'spark'`)
  for (const reader of readers) sameRows(await reader.read(path), expected, reader.name)
  sameRows(await varveRows(path), expected, 'Varve')
  const before = await duckDelta.canonical(rows(1))
  for (const reader of readers) sameRows(await reader.read(archive, { version: 1 }), before, `${reader.name}, archive`)
})
