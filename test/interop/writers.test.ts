/** Other engines write to tables that Varve made: appends, transaction ids seen across engines, and appends at the same time. */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { deltaRs, duckDelta, readers, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

const schema = 'id BIGINT, who VARCHAR'
const row = (id: number, who: string): string => `SELECT CAST(${id} AS BIGINT) AS id, CAST('${who}' AS STRING) AS who`
const create = (path: string, preset?: 'wide'): Promise<Table> => Table.create(path, { schema, ...(preset && { preset }) })

async function holds(path: string, rows: readonly (readonly [id: number, who: string])[]): Promise<void> {
  const expected = await duckDelta.canonical(rows.map(([id, who]) => row(id, who)).join(' UNION ALL '))
  for (const reader of readers) sameRows(await reader.read(path), expected, reader.name)
  sameRows(await varveRows(path), expected, 'Varve')
}

describe('appends to a table of ours', () => {
  it('come from Spark, delta-rs and DuckDB where the preset is wide', async () => {
    const path = join(folder.path, 'wide')
    const table = await create(path, 'wide')
    await table.append([{ id: 1, who: 'varve' }])
    await spark.append(path, row(2, 'spark'))
    await table.append([{ id: 3, who: 'varve' }])
    await deltaRs.append(path, row(4, 'delta-rs'))
    await table.append([{ id: 5, who: 'varve' }])
    await duckDelta.insert(path, row(6, 'duckdb'))
    await table.append([{ id: 7, who: 'varve' }])
    await holds(path, [
      [1, 'varve'],
      [2, 'spark'],
      [3, 'varve'],
      [4, 'delta-rs'],
      [5, 'varve'],
      [6, 'duckdb'],
      [7, 'varve'],
    ])
  })

  it('come from Spark and DuckDB by default, and delta-rs refuses by name', async () => {
    const path = join(folder.path, 'default')
    const table = await create(path)
    await table.append([{ id: 1, who: 'varve' }])
    await spark.append(path, row(2, 'spark'))
    await table.append([{ id: 3, who: 'varve' }])
    await expect(deltaRs.append(path, row(4, 'delta-rs'))).rejects.toThrow(/InCommitTimestamp|inCommitTimestamp/)
    await duckDelta.insert(path, row(5, 'duckdb'))
    await table.append([{ id: 6, who: 'varve' }])
    await holds(path, [
      [1, 'varve'],
      [2, 'spark'],
      [3, 'varve'],
      [5, 'duckdb'],
      [6, 'varve'],
    ])
  })

  it('may delete through Spark by deletion vectors: queries, counts and appends go on', async () => {
    const path = join(folder.path, 'deleted')
    const table = await create(path)
    await table.append({ query: `SELECT i::BIGINT AS id, 'varve' AS who FROM range(100) t(i)` })
    await spark.sql(`DELETE FROM delta.\`${path}\` WHERE id % 10 = 3`)
    expect(await (await table.latest()).rowCount()).toBe(90)
    const left = await duckDelta.canonical(`SELECT i::BIGINT AS id, 'varve' AS who FROM range(100) t(i) WHERE i % 10 <> 3`)
    sameRows(await varveRows(path), left, 'Varve after')
    await table.append([{ id: 1000, who: 'varve' }])
    expect(await (await table.latest()).rowCount()).toBe(91)
    const expected = await duckDelta.canonical(
      `SELECT i::BIGINT AS id, 'varve' AS who FROM range(100) t(i) WHERE i % 10 <> 3 UNION ALL ${row(1000, 'varve')}`,
    )
    for (const reader of readers) sameRows(await reader.read(path), expected, reader.name)
    sameRows(await varveRows(path), expected, 'Varve')
    sameRows(
      await varveRows(path, 1),
      await duckDelta.canonical(`SELECT i::BIGINT AS id, 'varve' AS who FROM range(100) t(i)`),
      'Varve before',
    )
  })
})

describe('a transaction id', () => {
  it('that Varve used is seen by Spark, and the other way round', async () => {
    const path = join(folder.path, 'txn-spark')
    const table = await create(path)
    const bySpark = (id: number, version: number): Promise<void> =>
      spark.append(path, row(id, 'spark'), { options: { txnAppId: 'etl', txnVersion: String(version) } })
    await table.append([{ id: 1, who: 'varve' }], { txn: { appId: 'etl', version: 5 } })
    await bySpark(1, 5)
    await holds(path, [[1, 'varve']])
    await bySpark(2, 6)
    expect(await table.append([{ id: 2, who: 'varve' }], { txn: { appId: 'etl', version: 6 } })).toMatchObject({ alreadyApplied: true })
    expect(await table.append([{ id: 3, who: 'varve' }], { txn: { appId: 'etl', version: 7 } })).toMatchObject({ alreadyApplied: false })
    await bySpark(3, 7)
    await holds(path, [
      [1, 'varve'],
      [2, 'spark'],
      [3, 'varve'],
    ])
    expect(await deltaRs.txnVersion(path, 'etl')).toBe(7)
  })

  it('that delta-rs used is seen by Varve', async () => {
    const path = join(folder.path, 'txn-rs')
    const table = await create(path, 'wide')
    await table.append([{ id: 1, who: 'varve' }], { txn: { appId: 'etl', version: 1 } })
    await deltaRs.append(path, row(2, 'delta-rs'), { txn: { appId: 'etl', version: 2 } })
    expect(await table.append([{ id: 2, who: 'varve' }], { txn: { appId: 'etl', version: 2 } })).toMatchObject({ alreadyApplied: true })
    await table.append([{ id: 3, who: 'varve' }], { txn: { appId: 'etl', version: 3 } })
    await holds(path, [
      [1, 'varve'],
      [2, 'delta-rs'],
      [3, 'varve'],
    ])
  })
})

describe('appends at the same time', () => {
  it('of Spark and Varve are all there once', async () => {
    const path = join(folder.path, 'race-spark')
    const table = await create(path)
    const theirs = Array.from({ length: 6 }, (_, i) => i)
    const ours: number[] = []
    let running = true
    const byOthers = spark
      .appendMany(
        path,
        theirs.map((i) => row(i, 'spark')),
      )
      .finally(() => {
        running = false
      })
    byOthers.catch(() => {})
    while (running) {
      ours.push(ours.length)
      await table.append([{ id: ours.at(-1)!, who: 'varve' }])
      // A commit of Spark's takes hundreds of milliseconds; without a pause it would lose to us every time.
      await setTimeout(100)
    }
    await byOthers
    expect(ours.length).toBeGreaterThan(10)
    await holds(path, [...theirs.map((i) => [i, 'spark'] as const), ...ours.map((i) => [i, 'varve'] as const)])
  })

  it('of delta-rs and Varve are all there once', async () => {
    const path = join(folder.path, 'race-rs')
    const table = await create(path, 'wide')
    const numbers = Array.from({ length: 15 }, (_, i) => i)
    const byOthers = (async () => {
      for (const i of numbers) await deltaRs.append(path, row(i, 'delta-rs'))
    })()
    byOthers.catch(() => {})
    for (const i of numbers) await table.append([{ id: i, who: 'varve' }])
    await byOthers
    await holds(
      path,
      numbers.flatMap((i) => [[i, 'delta-rs'] as const, [i, 'varve'] as const]),
    )
  })
})
