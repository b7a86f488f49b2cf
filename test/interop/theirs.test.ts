/** Tables that Spark, delta-rs and DuckDB wrote: read and appended to by Varve, read again by all, and appended to further by their writers. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Row, Table, UnsupportedFeatureError } from '../../src/index.ts'
import { sameRows } from './peers/canonical.ts'
import { type AppendRequest, deltaRs, duckDelta, readers, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

interface Writer {
  readonly name: string
  create(path: string, query: string, request: AppendRequest): Promise<void>
  append(path: string, query: string, partitionBy: readonly string[]): Promise<void>
  checkpoint(path: string): Promise<void>
}

const writers: readonly Writer[] = [
  {
    name: 'Spark',
    // Spark writes INT96 timestamps unless told otherwise.
    create: (path, query, request) => spark.append(path, forSpark(query), { ...request, mode: 'overwrite' }),
    append: (path, query) => spark.append(path, forSpark(query)),
    checkpoint: async (path) => {
      await spark.sql(`ALTER TABLE delta.\`${path}\` SET TBLPROPERTIES ('delta.checkpointInterval' = '2')`)
    },
  },
  {
    name: 'delta-rs',
    create: async (path, query, request) => {
      await deltaRs.append(path, query, { ...request, mode: 'overwrite' })
    },
    append: async (path, query) => {
      await deltaRs.append(path, query)
    },
    checkpoint: (path) => deltaRs.checkpoint(path),
  },
  {
    // DuckDB inserts into tables that others made.
    name: 'DuckDB',
    create: async (path, query, request) => {
      await deltaRs.append(path, `SELECT * FROM (${query}) LIMIT 0`, { ...request, mode: 'overwrite' })
      await insertEach(path, query, request.partitionBy ?? [])
    },
    append: insertEach,
    checkpoint: (path) => deltaRs.checkpoint(path),
  },
]

// DuckDB 1.5.5 ends with a fatal error when one INSERT holds rows of two partitions, so each gets its own.
async function insertEach(path: string, query: string, partitionBy: readonly string[]): Promise<void> {
  const [column] = partitionBy
  if (column === undefined) return duckDelta.insert(path, query)
  for (const row of await duckDelta.canonical(`SELECT DISTINCT ${column}::VARCHAR AS v FROM (${query}) ORDER BY v`)) {
    await duckDelta.insert(path, `SELECT * FROM (${query}) WHERE ${column} = ${String(row[0]![1]).slice('str:'.length)}`)
  }
}

// One SQL for DuckDB and Spark, in which only the name of a timestamp differs.
const forSpark = (query: string): string => query.replaceAll('TIMESTAMPTZ', 'TIMESTAMP')

const load = (n: number): string =>
  `SELECT CAST(${n} AS BIGINT) AS id, CAST('load ${n} ü' AS STRING) AS label, CAST(${n} % 3 AS INT) AS part, CAST(${n} / 4.0 AS DOUBLE) AS d, CAST('${n}.25' AS DECIMAL(12,2)) AS price,
     CAST('19${20 + n}-02-03 04:05:06.${String(n).padStart(2, '0')}3456' AS TIMESTAMPTZ) AS ts, CAST('19${20 + n}-02-03' AS DATE) AS day, CAST('b${n}' AS BINARY) AS bin, ${n} % 2 = 0 AS even,
     CAST(NULL AS SMALLINT) AS s, CAST(1.5 AS FLOAT) AS f
   UNION ALL SELECT CAST(NULL AS BIGINT), CAST(NULL AS STRING), CAST(${n} AS INT), CAST('NaN' AS DOUBLE), CAST(NULL AS DECIMAL(12,2)), CAST(NULL AS TIMESTAMPTZ), CAST(NULL AS DATE), CAST(NULL AS BINARY),
     CAST(NULL AS BOOLEAN), CAST(${n} AS SMALLINT), CAST(NULL AS FLOAT)`

const rowsOf = (loads: number): Promise<Awaited<ReturnType<typeof duckDelta.canonical>>> =>
  loads === 0 ? Promise.resolve([]) : duckDelta.canonical(Array.from({ length: loads }, (_, n) => `(${load(n)})`).join(' UNION ALL '))

describe.each(
  writers.flatMap((writer) =>
    [[], ['part']].map((partitionBy) => ({ writer, partitionBy, name: `${writer.name}, ${partitionBy.length ? 'partitioned' : 'plain'}` })),
  ),
)('a table of $name', ({ writer, partitionBy, name }) => {
  let path: string
  /** How many loads each version holds. */
  const loads = new Map<number, number>()
  const note = async (count: number): Promise<void> => {
    loads.set((await (await Table.open(path)).latest()).version, count)
  }

  const compare = async (): Promise<void> => {
    for (const [version, count] of [...loads].slice(-4)) {
      const expected = await rowsOf(count)
      for (const reader of readers) sameRows(await reader.read(path, { version }), expected, `${reader.name} at ${version}`)
      sameRows(await varveRows(path, version), expected, `Varve at ${version}`)
    }
  }

  it('is read by Varve at each version, with and without a checkpoint', async () => {
    path = join(folder.path, name.replaceAll(/\W+/g, '-'))
    await writer.create(path, load(0), partitionBy.length ? { partitionBy } : {})
    await note(1)
    await writer.append(path, load(1), partitionBy)
    await note(2)
    await writer.checkpoint(path)
    await note(2)
    await writer.append(path, load(2), partitionBy)
    await note(3)
    await writer.append(path, load(3), partitionBy)
    await note(4)
    expect((await readdir(join(path, '_delta_log'))).filter((file) => file.includes('checkpoint.'))).not.toEqual([])
    for (const [version, count] of loads) sameRows(await varveRows(path, version), await rowsOf(count), `Varve at ${version}`)
    sameRows(
      await varveRows(path, undefined, 'part = 1 AND id IS NOT NULL'),
      await duckDelta.canonical(`SELECT * FROM (${load(1)}) WHERE id = 1`),
      'Varve where',
    )
  })

  it('is appended to by Varve, once as rows and once by a query, and read by all', async () => {
    const table = await Table.open(path)
    await table.append([
      {
        id: 4n,
        label: 'load 4 ü',
        part: 1,
        d: 1,
        price: '4.25',
        ts: '1924-02-03T04:05:06.043456Z',
        day: '1924-02-03',
        bin: Buffer.from('b4'),
        even: true,
        s: null,
        f: 1.5,
      },
      { part: 4, d: Number.NaN, s: 4 },
    ])
    await note(5)
    await table.append({ query: load(5) })
    await note(6)
    await compare()
  })

  it('is appended to again by its writer and read by all', async () => {
    const handle = await Table.open(path)
    await writer.append(path, load(6), partitionBy)
    await note(7)
    expect((await handle.latest()).version).toBe([...loads.keys()].at(-1))
    await handle.append({ query: load(7) })
    await note(8)
    await compare()
  })
})

describe('a limit of DuckDB', () => {
  it('one INSERT of rows of two partitions fails inside its extension, and leaves the table as it was', async () => {
    const path = join(folder.path, 'two-partitions')
    await deltaRs.append(path, load(0), { partitionBy: ['part'], mode: 'overwrite' })
    await expect(duckDelta.insert(path, load(4))).rejects.toThrow(/DeltaInsert/)
    sameRows(await varveRows(path), await rowsOf(1), 'Varve')
  })
})

describe('tables whose rows have rules', () => {
  const key = 'SELECT CAST(2 AS BIGINT) AS id'
  it.each<[feature: string, create: (path: string) => string[], good: Row, bad: Row, code: string, spark: string]>([
    [
      'checkConstraints',
      (path) => [
        `CREATE TABLE delta.\`${path}\` (id BIGINT) USING delta`,
        `ALTER TABLE delta.\`${path}\` ADD CONSTRAINT positive CHECK (id > 0 AND id / 4 < 100)`,
      ],
      { id: 1n },
      { id: -1n },
      'CONSTRAINT_VIOLATED',
      'SELECT CAST(-1 AS BIGINT) AS id',
    ],
    [
      'generatedColumns',
      (path) => [`CREATE TABLE delta.\`${path}\` (id BIGINT, twice BIGINT GENERATED ALWAYS AS (id * 2)) USING delta`],
      { id: 1n },
      { id: 1n, twice: 3n },
      'GENERATED_VALUE_MISMATCH',
      'SELECT CAST(1 AS BIGINT) AS id, CAST(3 AS BIGINT) AS twice',
    ],
    [
      'identityColumns',
      (path) => [
        `CREATE TABLE delta.\`${path}\` (n BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 7 INCREMENT BY -2), id BIGINT) USING delta`,
      ],
      { id: 1n },
      { id: 1n, n: 3n },
      'IDENTITY_VALUE_GIVEN',
      'SELECT CAST(1 AS BIGINT) AS id, CAST(3 AS BIGINT) AS n',
    ],
    [
      'allowColumnDefaults',
      (path) => [
        `CREATE TABLE delta.\`${path}\` (id BIGINT, v STRING NOT NULL DEFAULT 'it\\'s', d DECIMAL(5,2) DEFAULT 1.5, at DATE DEFAULT DATE'2020-02-03') USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')`,
      ],
      { id: 1n },
      { id: 1n, v: null },
      'NOT_NULL_VIOLATED',
      'SELECT CAST(1 AS BIGINT) AS id, CAST(NULL AS STRING) AS v',
    ],
  ])('%s: Varve and Spark make the same of rows, and refuse the same', async (feature, create, good, bad, code, refused) => {
    const path = join(folder.path, `feature-${feature}`)
    for (const statement of create(path)) await spark.sql(statement)
    const table = await Table.open(path)
    await table.append([good])
    const version = (await table.latest()).version
    await expect(table.append([bad])).rejects.toMatchObject({ code })
    await expect(spark.append(path, refused)).rejects.toThrow()
    expect((await table.latest()).version).toBe(version)
    await spark.append(path, key)
    await table.append({ query: 'SELECT range + 3 AS id FROM range(3)' })
    const rows = await varveRows(path)
    for (const reader of [spark, duckDelta]) sameRows(await reader.read(path), rows, reader.name)
    expect(rows).toHaveLength(5)
    const columns = rows.map((row) => row.slice(feature === 'identityColumns' ? 0 : 1).map(([, value]) => value))
    if (feature === 'identityColumns') expect(new Set(columns.map(([n]) => n)).size).toBe(5)
    if (feature === 'allowColumnDefaults') expect(columns).toEqual(Array.from({ length: 5 }, () => ["str:it's", 'dec:1.50', 'date:18295']))
    if (feature === 'generatedColumns') for (const row of rows) expect(Number(row[1]![1]!.slice(4))).toBe(2 * Number(row[0]![1]!.slice(4)))
  })

  it('an expression that is not on the list keeps Varve from writing, by its name', async () => {
    const path = join(folder.path, 'off-the-list')
    await spark.sql(`CREATE TABLE delta.\`${path}\` (id BIGINT) USING delta`)
    await spark.sql(`ALTER TABLE delta.\`${path}\` ADD CONSTRAINT odd CHECK (hash(id) <> 0)`)
    await expect((await Table.open(path)).append([{ id: 1n }])).rejects.toSatisfy(
      (error) =>
        error instanceof UnsupportedFeatureError &&
        error.message.includes('odd') &&
        error.message.includes('the function hash is not known'),
    )
    expect(await varveRows(path)).toEqual([])
  })
})
