/** A table of 150 versions with checkpoints and checksums of ours: read at any version, and from a checkpoint alone when older commits are gone. */
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { duckDelta, readers, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

const versions = 150
const rowsAfter = (version: number): string =>
  `SELECT (i // 3)::BIGINT AS id, ('v' || (i // 3))::VARCHAR AS label, (i % 3)::INTEGER AS part FROM range(${version * 3}) t(i)`

const kinds: readonly { name: string; preset?: 'wide'; properties?: Record<string, string> }[] = [
  { name: 'default' },
  { name: 'wide', preset: 'wide' },
  // Each checkpoint names sidecars of the last.
  { name: 'sidecars', properties: { 'delta.checkpointPolicy': 'v2', 'delta.checkpointInterval': '20' } },
]

describe.each(kinds)('150 versions, $name', ({ preset, properties }) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let path: string
  let checkpoints: number[]

  beforeAll(async () => {
    folder = await temporaryFolder()
    path = join(folder.path, 'events')
    const table = await Table.create(path, {
      schema: 'id BIGINT, label VARCHAR, part INTEGER',
      partitionBy: ['part'],
      ...(preset && { preset }),
      ...(properties && { properties }),
    })
    for (let id = 0; id < versions; id++) {
      await table.append([0, 1, 2].map((part) => ({ id: BigInt(id), label: `v${id}`, part })))
    }
    checkpoints = (await readdir(join(path, '_delta_log')))
      .filter((name) => /^\d{20}\.checkpoint/.test(name))
      .map((name) => Number.parseInt(name, 10))
  })
  afterAll(() => folder.dispose())

  it('has a checkpoint, a hint and checksums', async () => {
    expect(checkpoints.length).toBeGreaterThan(0)
    const names = await readdir(join(path, '_delta_log'))
    expect(names).toContain('_last_checkpoint')
    expect(names).toContain(`${String(versions).padStart(20, '0')}.crc`)
  })

  it.each([{ name: 'Varve', read: (at: string, request: { version?: number }) => varveRows(at, request.version) }, ...readers])(
    'is read by $name at versions around the checkpoint',
    async (reader) => {
      for (const version of new Set([0, 1, 99, checkpoints[0]!, checkpoints[0]! + 1, versions])) {
        sameRows(await reader.read(path, { version }), await duckDelta.canonical(rowsAfter(version)), `${reader.name} at ${version}`)
      }
    },
  )

  it('is read from the checkpoint alone when older commits are gone', async () => {
    const copy = join(folder.path, 'cut')
    await cp(path, copy, { recursive: true, preserveTimestamps: true })
    const cut = checkpoints.at(-1)!
    for (const name of await readdir(join(copy, '_delta_log'))) {
      if (/^\d{20}\./.test(name) && Number.parseInt(name, 10) < cut) await rm(join(copy, '_delta_log', name))
    }
    for (const version of [cut, versions]) {
      const expected = await duckDelta.canonical(rowsAfter(version))
      for (const reader of readers) sameRows(await reader.read(copy, { version }), expected, `${reader.name} at ${version}`)
      sameRows(await varveRows(copy, version), expected, `Varve at ${version}`)
    }
    await (await Table.open(copy)).append([{ id: 999n, label: 'after', part: 0 }])
    expect(await spark.count(copy)).toBe(versions * 3 + 1)
  })

  it('is read without checksums and hints', async () => {
    const copy = join(folder.path, 'bare')
    await cp(path, copy, { recursive: true, preserveTimestamps: true })
    await rm(join(copy, '_varve'), { recursive: true, force: true })
    for (const name of await readdir(join(copy, '_delta_log'))) {
      if (name.endsWith('.crc') || name === '_last_checkpoint') await rm(join(copy, '_delta_log', name))
    }
    const expected = await duckDelta.canonical(rowsAfter(versions))
    for (const reader of readers) sameRows(await reader.read(copy), expected, reader.name)
    sameRows(await varveRows(copy), expected, 'Varve')
  })
})

it('a table with compactions and no checkpoint is read by every engine', async () => {
  const folder = await temporaryFolder()
  try {
    const path = join(folder.path, 'events')
    const properties = { 'delta.checkpointInterval': '1000000' }
    const table = await Table.create(path, { schema: 'id BIGINT, label VARCHAR, part INTEGER', partitionBy: ['part'], properties })
    for (let id = 0; id < versions; id++) await table.append([0, 1, 2].map((part) => ({ id: BigInt(id), label: `v${id}`, part })))
    expect((await readdir(join(path, '_delta_log'))).filter((name) => name.endsWith('.compacted.json'))).toHaveLength(1)
    for (const version of [99, 100, 101, versions]) {
      const expected = await duckDelta.canonical(rowsAfter(version))
      for (const reader of readers) sameRows(await reader.read(path, { version }), expected, `${reader.name} at ${version}`)
      sameRows(await varveRows(path, version), expected, `Varve at ${version}`)
    }
  } finally {
    await folder.dispose()
  }
})

// Without commits and text there is nothing to choose files by but values.
const typedKinds: readonly Record<string, string>[] = [{}, { 'delta.checkpointPolicy': 'v2' }, { 'delta.columnMapping.mode': 'name' }]

it.each(typedKinds)('statistics that are values alone serve every engine, %j', async (properties) => {
  const folder = await temporaryFolder()
  try {
    const path = join(folder.path, 'events')
    const table = await Table.create(path, {
      schema:
        'id BIGINT, small TINYINT, price DECIMAL(20, 4), score DOUBLE, name VARCHAR, "at" TIMESTAMPTZ, nest STRUCT(n INTEGER, d DATE), day DATE',
      // DuckDB's extension reads no partition values of mapped columns.
      ...(!('delta.columnMapping.mode' in properties) && { partitionBy: ['day'] }),
      properties: { 'delta.checkpoint.writeStatsAsJson': 'false', ...properties },
    })
    const rows = (from: number, to: number): string =>
      `SELECT i::BIGINT AS id, (i % 100 - 50)::TINYINT AS small, (i / 8)::DECIMAL(20, 4) AS price, (i / 4 - 3)::DOUBLE AS score, 'n' || lpad(i::VARCHAR, 4, '0') AS name,
        TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_microseconds(i * 1000001) AS "at", {'n': (-i)::INTEGER, 'd': DATE '2024-01-01' + i::INTEGER} AS nest,
        DATE '2024-02-28' + (i // 20)::INTEGER AS day FROM range(${from}, ${to}) t(i)`
    for (let from = 0; from < 60; from += 20) await table.append({ query: rows(from, from + 20) })
    expect(await table.checkpoint()).toMatchObject({ written: true })
    for (const name of await readdir(join(path, '_delta_log'))) {
      if (/^\d{20}\.(json|crc)$/.test(name) && Number.parseInt(name, 10) < 3) await rm(join(path, '_delta_log', name))
    }
    const conditions = [`id >= 41`, `price > 6.5`, `"at" >= TIMESTAMP '2024-01-01 00:00:58'`, `nest.n <= -58`, `day = DATE '2024-03-01'`]
    for (const where of conditions) {
      const expected = await duckDelta.canonical(`SELECT * FROM (${rows(0, 60)}) WHERE ${where}`)
      for (const reader of readers) {
        const own = reader === spark ? where.replaceAll('"', '`') : where
        sameRows(await reader.read(path, { where: own }), expected, `${reader.name}: ${where}`)
      }
      const latest = await (await Table.open(path)).latest()
      const found = await (await latest.query(`SELECT count(*) AS n FROM t WHERE ${where}`, { name: 't' })).toArray()
      expect(Number(found[0]?.n), where).toBe(expected.length)
    }
  } finally {
    await folder.dispose()
  }
})
