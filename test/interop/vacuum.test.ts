/** Other engines beside our vacuum: they read what it left, and what something holds outlives a VACUUM of theirs. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { duckDelta, readers, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

describe.each([
  { name: 'default', properties: {} },
  { name: 'sidecars', properties: { 'delta.checkpointPolicy': 'v2' } },
])('a table of ours, $name', ({ properties }) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let path: string
  /** Version v has ids of loads 1 to v; from version 5 on every third is gone. */
  const rows = (version: number) => {
    const gone = version > 4 ? 'WHERE i % 3 <> 0' : ''
    return `SELECT i::BIGINT AS id, ('v' || i)::VARCHAR AS label FROM range(${Math.min(version, 4) * 4000}) t(i) ${gone}`
  }

  beforeAll(async () => {
    folder = await temporaryFolder()
    path = join(folder.path, 'events')
    const table = await Table.create(path, { schema: 'id BIGINT, label VARCHAR', properties })
    for (let load = 0; load < 4; load += 1) {
      await table.append({
        query: `SELECT i::BIGINT AS id, ('v' || i)::VARCHAR AS label FROM range(${load * 4000}, ${load * 4000 + 4000}) t(i)`,
      })
    }
    await table.delete({ where: 'id % 3 = 0' })
    await table.delete({ where: 'id = 1' })
    await mkdir(join(path, '_varve/tags/v3'), { recursive: true })
    await writeFile(join(path, '_varve/tags/v3/1.json'), '{"version":3}')
    await setTimeout(10)
    expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ earliest: 3, held: [{ version: 3, by: 'tag v3' }] })
  })
  afterAll(() => folder.dispose())

  it('is read by every engine after vacuum, at the newest version and at one that a tag holds', async () => {
    for (const [version, query] of [
      [undefined, `${rows(6)} AND i <> 1`],
      [3, rows(3)],
    ] as const) {
      const expected = await duckDelta.canonical(query)
      const request = version === undefined ? {} : { version }
      for (const reader of readers) sameRows(await reader.read(path, request), expected, `${reader.name} at ${version}`)
      sameRows(await varveRows(path, version), expected, `Varve at ${version}`)
    }
  })

  it("keeps tags and vectors through Spark's VACUUM, and Spark writes to it", async () => {
    await spark.sql(`VACUUM delta.\`${path}\``)
    await spark.append(path, `SELECT CAST(-1 AS BIGINT) AS id, 'spark' AS label`)
    const latest = await duckDelta.canonical(`${rows(6)} AND i <> 1 UNION ALL SELECT -1::BIGINT, 'spark'`)
    sameRows(await varveRows(path), latest, 'Varve')
    sameRows(await varveRows(path, 3), await duckDelta.canonical(rows(3)), 'Varve at 3')
    await (await Table.open(path)).vacuum({ olderThan: '0d' })
    for (const reader of readers) sameRows(await reader.read(path), latest, reader.name)
    expect((await readdir(join(path, '_varve/tags/v3'))).length).toBe(1)
  })
})
