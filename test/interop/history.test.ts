/** Spark's DESCRIBE HISTORY of our tables, and time travel by timestamp: the provenance that Varve writes is the provenance that Spark shows. */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { deltaRs, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

describe.each(['default', 'wide'] as const)('history of a table of ours, preset %s', (preset) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let path: string

  beforeAll(async () => {
    folder = await temporaryFolder()
    path = join(folder.path, 'orders')
    const table = await Table.create(path, {
      schema: 'id BIGINT, city VARCHAR',
      partitionBy: ['city'],
      properties: { 'delta.appendOnly': 'false', owner: 'test "quoted"' },
      message: 'the first',
      ...(preset === 'wide' && { preset }),
    })
    // Spark shows the times of files as they are, and two commits of one millisecond as if they were of one time.
    await setTimeout(10)
    await table.append(
      [
        { id: 1n, city: 'Köln' },
        { id: 2n, city: null },
      ],
      { message: 'two "rows"\nin two lines', source: 'unit test' },
    )
    await setTimeout(10)
    await table.append({ query: `SELECT 3::BIGINT AS id, 'x' AS city` }, { txn: { appId: 'etl', version: 7 } })
  })
  afterAll(() => folder.dispose())

  it('is shown by Spark with operation, parameters, metrics and message', async () => {
    const history = await spark.history(path)
    expect(history.map((entry) => [entry.version, entry.operation])).toEqual([
      [2, 'WRITE'],
      [1, 'WRITE'],
      [0, 'CREATE TABLE'],
    ])
    const [second, first, create] = history
    expect(create!.userMetadata).toBe('the first')
    expect(JSON.parse(create!.operationParameters.partitionBy!)).toEqual(['city'])
    expect(JSON.parse(create!.operationParameters.properties!)).toMatchObject({ owner: 'test "quoted"' })
    expect(first!.userMetadata).toBe('two "rows"\nin two lines')
    expect(first!.operationParameters.mode).toBe('Append')
    expect(first!.operationMetrics).toMatchObject({ numFiles: '2', numOutputRows: '2' })
    expect(Number(first!.operationMetrics.numOutputBytes)).toBeGreaterThan(100)
    expect(first!.isBlindAppend).toBe(true)
    expect(second!.operationMetrics).toMatchObject({ numFiles: '1', numOutputRows: '1' })
    for (const entry of history) expect(entry.engineInfo).toMatch(/varve/i)
  })

  it('has the same times in Spark and here', async () => {
    const table = await Table.open(path)
    for (const entry of await spark.history(path)) {
      const snapshot = await table.asOf(entry.version)
      expect((await snapshot.timestamp()).toISOString()).toBe(new Date(`${entry.timestamp}Z`).toISOString())
    }
  })

  it('is found by timestamp alike', async () => {
    const history = await spark.history(path)
    const table = await Table.open(path)
    for (const entry of history) {
      const at = await table.asOf({ timestamp: new Date(`${entry.timestamp}Z`) })
      expect(at.version).toBe(Math.max(...history.filter((other) => other.timestamp <= entry.timestamp).map((other) => other.version)))
      sameRows(await spark.readAt(path, entry.timestamp), await varveRows(path, at.version), `Spark at ${entry.timestamp}`)
    }
  })

  it('is shown by delta-rs', async () => {
    const history = await deltaRs.history(path)
    expect(history.map((entry) => entry.operation)).toEqual(['WRITE', 'WRITE', 'CREATE TABLE'])
    expect(history[1]!.userMetadata).toBe('two "rows"\nin two lines')
  })

  it('shows Spark’s and ours to Varve', async () => {
    await spark.append(path, `SELECT CAST(4 AS BIGINT) AS id, 'spark' AS city`, { options: { userMetadata: 'by Spark' } })
    const table = await Table.open(path)
    const entries = []
    for await (const entry of table.history()) entries.push(entry)
    expect(entries.map((entry) => [entry.version, entry.operation, entry.message ?? null])).toEqual([
      [3, 'WRITE', 'by Spark'],
      [2, 'WRITE', null],
      [1, 'WRITE', 'two "rows"\nin two lines'],
      [0, 'CREATE TABLE', 'the first'],
    ])
    expect(entries[0]!.engine).toMatch(/Spark/)
    expect(entries[1]!.txn).toEqual({ appId: 'etl', version: 7 })
    expect(entries[2]!.source).toBe('unit test')
    expect(Number(entries[0]!.metrics.numOutputRows)).toBe(1)
  })
})
