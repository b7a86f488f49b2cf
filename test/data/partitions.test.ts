import { basename, dirname } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePartitionValue } from '../../src/schema/partition-values.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import type { DataType } from '../../src/schema/types.ts'
import { field, readBack, sql, struct, temporaryFolder, visibleNames, write } from './tools.ts'

const odd = [
  null,
  '',
  'a/b',
  'a=b',
  '%2F',
  'ü',
  ' ',
  "b'c",
  '\n',
  'x'.repeat(300),
  '€'.repeat(100),
  'NULL',
  '__HIVE_DEFAULT_PARTITION__',
  'A',
  'a',
  '.',
  '..',
  'x\0y',
  '\\',
  'v',
  'h',
  '"; DROP TABLE t; --',
  'null',
]

/** Partition values beside the rows of each file, as one would read them back by the log. */
async function rowsByValue(files: Awaited<ReturnType<typeof write>>): Promise<Map<string | null, bigint[]>> {
  const byValue = new Map<string | null, bigint[]>()
  for (const [index, path] of files.paths.entries()) {
    const [value] = Object.values(files.files[index]!.partitionValues)
    const ids = (await readBack([path])).map((row) => row['id'] as bigint)
    byValue.set(value!, [...(byValue.get(value!) ?? []), ...ids].sort(compare))
  }
  return byValue
}

const expected = new Map<string | null, bigint[]>()
for (const [index, value] of odd.entries())
  expected.set(value === '' ? null : value, [...(expected.get(value === '' ? null : value) ?? []), BigInt(index)])

const schema = struct(field('id', 'long'), field('p', 'string'))
const rows = odd.map((p, id) => ({ id, p }))

describe('odd partition values', () => {
  test('by DuckDB, from files read twice', async () => {
    const plain = await write(rows, { schema })
    const written = await write({ files: plain.paths }, { schema, partitionColumns: ['p'] })
    expect(await rowsByValue(written)).toEqual(expected)
    for (const path of written.paths) expect(Object.keys((await readBack([path]))[0]!)).toEqual(['id'])
    for (const name of written.files) expect(name.path.split('/').every((part) => Buffer.byteLength(part) <= 255)).toBe(true)
  })

  test('by DuckDB, from a query read once', async () => {
    const plain = await write(rows, { schema })
    const query = `SELECT id, p, random() < 2 AS sure FROM read_parquet(${quoteLiteral(plain.paths[0]!)})`
    const table = struct(...schema.fields, field('sure', 'boolean'))
    expect(await rowsByValue(await write({ query }, { schema: table, partitionColumns: ['p'] }))).toEqual(expected)
  })

  test('in JavaScript', async () => {
    for (let at = 0; at < odd.length; at += 12) {
      const some = await write(rows.slice(at, at + 12), { schema, partitionColumns: ['p'] })
      for (const [value, ids] of await rowsByValue(some)) expect(ids.every((id) => (odd[Number(id)] || null) === value)).toBe(true)
      expect(some.files.reduce((sum, file) => sum + file.numRecords, 0)).toBe(rows.slice(at, at + 12).length)
    }
  })

  test('a partition is found under its name', async () => {
    const { files } = await write([{ id: 1, p: 'a b/c' }], { schema, partitionColumns: ['p'] })
    expect(dirname(files[0]!.path)).toBe('p=a b%2Fc')
    expect(basename(files[0]!.path)).toMatch(/^part-[-0-9a-f]{36}\.parquet$/)
  })
})

describe('types of partition columns', () => {
  const cases: [DataType, string, unknown[]][] = [
    [
      'double',
      "unnest(['nan'::DOUBLE, 'inf', '-inf', 0.1, -0.5, 1e300])",
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, -0.5, 1e300],
    ],
    ['float', "unnest([0.1::FLOAT, 1e10, 'nan'])", [Math.fround(0.1), 1e10, Number.NaN]],
    [
      'date',
      "unnest([DATE '0001-01-01', '1969-12-31', '9999-12-31'])",
      [new Date('0001-01-01'), new Date('1969-12-31'), new Date('9999-12-31')],
    ],
    [
      'timestamp',
      "unnest([TIMESTAMPTZ '1960-01-01 00:00:00.123456+00', '2024-02-29 23:59:59+00'])",
      [-315619199876544n, 1709251199000000n],
    ],
    ['timestamp_ntz', "unnest([TIMESTAMP '1960-01-01 00:00:00.123456', '2024-02-29 23:59:59'])", [-315619199876544n, 1709251199000000n]],
    ['decimal(10,2)', 'unnest([1.20::DECIMAL(10,2), -0.05])', ['1.20', '-0.05']],
    ['decimal(2,2)', 'unnest([0.20::DECIMAL(2,2), -0.05])', ['0.20', '-0.05']],
    ['decimal(38,0)', 'unnest([99999999999999999999999999999999999999::DECIMAL(38,0)])', ['99999999999999999999999999999999999999']],
    ['boolean', 'unnest([true, false])', [true, false]],
    ['long', 'unnest([9223372036854775807::BIGINT, -9223372036854775808])', [9223372036854775807n, -9223372036854775808n]],
    ['binary', "unnest(['abc'::BLOB, '\\x01'])", [Buffer.from('abc'), Buffer.from([1])]],
  ]
  test.each(cases)('%s', async (type, values, parsed) => {
    const table = struct(field('id', 'long'), field('p', type))
    const plain = await write({ query: `SELECT row_number() OVER () AS id, p FROM (SELECT ${values} AS p)` }, { schema: table })
    const copied = await write({ files: plain.paths }, { schema: table, partitionColumns: ['p'] })
    const texts = (written: typeof copied): (string | null)[] => written.files.map((file) => file.partitionValues['p']!).sort()
    const back = copied.files.map((file) => parsePartitionValue(file.partitionValues['p'], type))
    const key = (value: unknown): string => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value))
    expect(back.map(key).sort()).toEqual(parsed.map(key).sort())
    const small = await write(
      parsed.map((p, id) => ({ id, p })),
      { schema: table, partitionColumns: ['p'] },
    )
    expect(texts(small)).toEqual(texts(copied))
  })
})

test('many partitions in one write make one file each', async () => {
  const table = struct(field('id', 'long'), field('day', 'date'), field('region', 'string'))
  const query = "SELECT i AS id, DATE '2020-01-01' + (i % 300)::INTEGER AS day, 'r' || i % 2 AS region FROM range(60000) t(i)"
  const { files, paths, folder } = await write({ query }, { schema: table, partitionColumns: ['day', 'region'] })
  expect(files).toHaveLength(300)
  expect(files.every((file) => file.numRecords === 200)).toBe(true)
  expect(new Set(files.map((file) => file.path)).size).toBe(300)
  expect(await sql(`SELECT count(DISTINCT id) AS n FROM read_parquet([${paths.map(quoteLiteral).join(', ')}])`)).toEqual([{ n: 60000n }])
  expect(visibleNames(folder).every((name) => name.startsWith('day='))).toBe(true)
  const bounds = JSON.parse(
    files.find((file) => file.partitionValues['day'] === '2020-01-02' && file.partitionValues['region'] === 'r1')!.stats,
  ) as { minValues: object }
  expect(bounds.minValues).toEqual({ id: 1 })
})

test('partition columns by several names and any rows come back whole', async () => {
  const value = fc.option(fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...odd.filter((each) => each !== null))), {
    nil: null,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ a: value, B: value }), { minLength: 1, maxLength: 30 }), async (values) => {
      const table = struct(field('id', 'long'), field('a', 'string'), field('B', 'string'))
      const { files, paths } = await write(
        values.map((row, id) => ({ ...row, id })),
        { schema: table, partitionColumns: ['B', 'a'] },
      )
      const seen: [bigint, string | null, string | null][] = []
      for (const [index, path] of paths.entries()) {
        const { a, B } = files[index]!.partitionValues
        for (const row of await readBack([path])) seen.push([row['id'] as bigint, a!, B!])
      }
      expect(seen.sort((x, y) => compare(x[0], y[0]))).toEqual(values.map((row, id) => [BigInt(id), row.a || null, row.B || null]))
    }),
    { numRuns: 20 },
  )
})

test('NULL in a partition column that takes none leaves nothing behind', async () => {
  const table = struct(field('id', 'long'), field('p', 'string', false))
  const folder = temporaryFolder()
  for (const input of [[{ id: 1, p: '' }], { query: "SELECT 1::BIGINT AS id, '' AS p UNION ALL SELECT 2, 'x'" }]) {
    await expect(write(input, { schema: table, partitionColumns: ['p'], folder })).rejects.toMatchObject({
      code: 'NOT_NULL_VIOLATED',
      data: { column: 'p' },
    })
  }
  expect(visibleNames(folder)).toEqual([])
})

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
