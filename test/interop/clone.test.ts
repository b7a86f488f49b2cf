/** Clones of ours as other engines read them: files and vectors by their paths, and copied. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { duckDelta, readers, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

const rows = `SELECT i::BIGINT AS id, ('v' || i)::VARCHAR AS label, ('day ' || i % 3)::VARCHAR AS part FROM range(6000) t(i)`

describe.each([{ deep: false }, { deep: true }])('a clone, %o', ({ deep }) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let path: string

  beforeAll(async () => {
    folder = await temporaryFolder()
    path = join(folder.path, 'the clone')
    const origin = await Table.create(join(folder.path, 'the origin'), {
      schema: 'id BIGINT, label VARCHAR, part VARCHAR',
      partitionBy: ['part'],
    })
    await origin.append({ query: rows })
    await origin.delete({ where: "id % 7 = 0 AND part <> 'day 1'" })
    await origin.delete({ where: 'id = 1' })
    await origin.clone(path, { deep })
    if (deep) await rm(join(folder.path, 'the origin'), { recursive: true })
  })
  afterAll(() => folder.dispose())

  it('is read by every engine, and written by Spark', async () => {
    const expected = `SELECT * FROM (${rows}) WHERE NOT (id % 7 = 0 AND part <> 'day 1') AND id <> 1`
    const first = await duckDelta.canonical(expected)
    // DuckDB's extension looks for absolute paths under the table's own folder, whoever wrote them.
    for (const reader of readers.filter(({ name }) => deep || name !== 'DuckDB')) sameRows(await reader.read(path), first, reader.name)
    sameRows(await varveRows(path), first, 'Varve')
    await spark.append(path, `SELECT CAST(-1 AS BIGINT) AS id, 'spark' AS label, 'day 0' AS part`)
    await (await Table.open(path)).delete({ where: 'id = 2' })
    const second = await duckDelta.canonical(`SELECT * FROM (${expected}) WHERE id <> 2 UNION ALL SELECT -1::BIGINT, 'spark', 'day 0'`)
    sameRows(await spark.read(path), second, 'Spark')
    sameRows(await varveRows(path), second, 'Varve')
    expect((await spark.history(path)).map(({ operation }) => operation)).toEqual(['DELETE', 'WRITE', 'CLONE'])
  })
})
