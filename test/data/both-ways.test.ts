import fc from 'fast-check'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { openSource, writeFiles } from '../../src/data/index.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import type { StructType } from '../../src/schema/types.ts'
import { memoryStore } from '../../src/storage/index.ts'
import { field, readBack, sql, struct, write } from './tools.ts'

const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', "'", '"', 'é'.repeat(40), '\u{10ffff}'.repeat(40), `${'a'.repeat(32)}\u{10ffff}z`, '\uffff', '😀'),
)

/** A column of each flat type, and values for it. */
const columns: Record<string, [StructType['fields'][number], fc.Arbitrary<unknown>]> = {
  long: [field('long', 'long'), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  integer: [field('integer', 'integer'), fc.integer()],
  short: [field('short', 'short'), fc.integer({ min: -32768, max: 32767 })],
  byte: [field('byte', 'byte'), fc.integer({ min: -128, max: 127 })],
  float: [field('float', 'float'), fc.float()],
  double: [field('double', 'double'), fc.oneof(fc.double(), fc.constantFrom(0, -0, 1e21, 5e-324))],
  string: [field('string', 'string'), text],
  boolean: [field('boolean', 'boolean'), fc.boolean()],
  binary: [field('binary', 'binary'), fc.uint8Array({ maxLength: 40 })],
  date: [field('date', 'date'), fc.integer({ min: -719162, max: 2932896 }).map((days) => new Date(days * 86_400_000))],
  timestamp: [field('timestamp', 'timestamp'), micros],
  ntz: [field('ntz', 'timestamp_ntz'), micros],
  small: [field('small', 'decimal(4,2)'), decimals(4, 2)],
  medium: [field('medium', 'decimal(18,0)'), decimals(18, 0)],
  large: [field('large', 'decimal(38,38)'), decimals(38, 38)],
  ['__proto__']: [field('__proto__', 'long'), fc.bigInt({ min: 0n, max: 9n })],
  'x"; DROP TABLE t; --': [field('x"; DROP TABLE t; --', 'string'), text],
}

function decimals(precision: number, scale: number): fc.Arbitrary<string> {
  const limit = 10n ** BigInt(precision) - 1n
  return fc.bigInt({ min: -limit, max: limit }).map((unscaled) => {
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
    return `${unscaled < 0n ? '-' : ''}${scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`}`
  })
}

const schema = struct(...Object.values(columns).map(([column]) => column))
const rows = fc.array(
  fc.tuple(...Object.values(columns).map(([, value]) => fc.option(value))).map((values) => {
    const row = Object.create(null) as Record<string, unknown>
    for (const [index, name] of Object.keys(columns).entries()) row[name] = values[index]
    return row
  }),
  { minLength: 1, maxLength: 20 },
)
const parquetColumns = 'name, type, type_length, repetition_type, converted_type, scale, precision, logical_type, field_id'

describe('the small way and the way of DuckDB', () => {
  test('give the same rows, schema and statistics', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (values) => {
        const small = await write(values, { schema, properties: { 'delta.dataSkippingNumIndexedCols': '-1' } })
        const copied = await write({ files: small.paths }, { schema, properties: { 'delta.dataSkippingNumIndexedCols': '-1' } })
        const [layout, theirLayout] = await Promise.all(
          [small, copied].map(({ paths }) => sql(`SELECT ${parquetColumns} FROM parquet_schema(${quoteLiteral(paths[0]!)}) OFFSET 1`)),
        )
        expect(layout).toEqual(theirLayout)
        expect(await sql(`SELECT DISTINCT compression FROM parquet_metadata(${quoteLiteral(copied.paths[0]!)})`)).toEqual([
          { compression: 'ZSTD' },
        ])
        const back = await readBack(small.paths)
        expect(back).toEqual(await readBack(copied.paths))
        expect(small.files[0]!.stats).toBe(copied.files[0]!.stats)
        expect(small.files[0]!.numRecords).toBe(values.length)
        const [first, theirs] = [await multiset(small.paths), values.map((row) => row['long'] as bigint | null)]
        expect(first).toEqual([...theirs].sort(bigints))
      }),
      { numRuns: 60 },
    )
  })

  test('with mapped columns and a partition column', async () => {
    const mapped = (name: string, type: 'long' | 'string', id: number) =>
      field(name, type, true, { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `col-${id}` })
    const table = struct(mapped('a b', 'long', 1), mapped('p', 'string', 2), mapped('c', 'string', 3))
    const properties = { 'delta.columnMapping.mode': 'name', 'delta.enableDeletionVectors': 'true' }
    const values = [
      { 'a b': 1, p: 'x', c: 'one' },
      { 'A B': 2, P: 'x', c: null },
    ]
    const small = await write(values, { schema: table, properties, partitionColumns: ['p'] })
    const copied = await write(
      { query: "SELECT * FROM (VALUES (1::BIGINT, 'x', 'one'), (2, 'x', NULL)) t(\"a b\", p, c)" },
      { schema: table, properties, partitionColumns: ['p'] },
    )
    for (const { files, paths } of [small, copied]) {
      expect(files).toHaveLength(1)
      expect({ ...files[0]!.partitionValues }).toEqual({ 'col-2': 'x' })
      expect(files[0]!.stats).toBe(
        '{"numRecords":2,"minValues":{"col-1":1,"col-3":"one"},"maxValues":{"col-1":2,"col-3":"one"},"nullCount":{"col-1":0,"col-3":1},"tightBounds":true}',
      )
      expect(await sql(`SELECT name, field_id FROM parquet_schema(${quoteLiteral(paths[0]!)}) OFFSET 1`)).toEqual([
        { name: 'col-1', field_id: 1n },
        { name: 'col-3', field_id: 3n },
      ])
    }
    expect(await readBack(small.paths)).toEqual(await readBack(copied.paths))
  })

  test('statistics are those of the rows', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (values) => {
        const { files, paths } = await write(values, { schema, properties: { 'delta.dataSkippingNumIndexedCols': '-1' } })
        const stats = files[0]!.stats
        const bounds = ['string', 'timestamp', 'double'].flatMap((name) => [
          fromStats(stats, 'minValues', name),
          fromStats(stats, 'maxValues', name),
        ])
        const [truth] = await sql(
          `SELECT count(*) AS n, min("integer") AS lo, max("integer") AS hi, count(*) FILTER ("string" IS NULL) AS nulls,
            count(*) FILTER ("string" < $1::VARCHAR OR "string" > $2::VARCHAR) AS texts,
            count(*) FILTER ("timestamp" < $3::TIMESTAMPTZ OR "timestamp" > $4::TIMESTAMPTZ) AS times,
            count(*) FILTER ("double" < $5::DOUBLE OR "double" > $6::DOUBLE) AS doubles
          FROM read_parquet(${quoteLiteral(paths[0]!)})`,
          bounds,
        )
        const parsed = JSON.parse(stats) as {
          numRecords: number
          minValues: Record<string, unknown>
          maxValues: Record<string, unknown>
          nullCount: Record<string, number>
        }
        expect(BigInt(parsed.numRecords)).toBe(truth!['n'])
        expect(parsed.minValues['integer'] ?? null).toBe(truth!['lo'])
        expect(parsed.maxValues['integer'] ?? null).toBe(truth!['hi'])
        expect(BigInt(parsed.nullCount['string']!)).toBe(truth!['nulls'])
        expect([truth!['texts'], truth!['times'], truth!['doubles']]).toEqual([0n, 0n, 0n])
      }),
      { numRuns: 60 },
    )
  })

  test('hyparquet reads both', async () => {
    const values = [
      { a: 1n, d: '1.50' },
      { a: null, d: null },
    ]
    const table = struct(field('a', 'long'), field('d', 'decimal(10,2)'))
    for (const input of [values, { query: 'SELECT * FROM (VALUES (1::BIGINT, 1.50::DECIMAL(10,2)), (NULL, NULL)) t(a, d)' }]) {
      const { paths } = await write(input, { schema: table, compression: 'snappy' })
      expect(await parquetReadObjects({ file: await asyncBufferFromFile(paths[0]!) })).toEqual([
        { a: 1n, d: 1.5 },
        { a: null, d: null },
      ])
    }
  })

  test('a file of a memory store is what its hash says', async () => {
    const store = memoryStore()
    const source = await openSource([{ a: 1 }])
    const [file] = await writeFiles(source, { store, schema: source.schema, partitionColumns: [], properties: {} })
    const { bytes } = await store.get(file!.path)
    const { createHash } = await import('node:crypto')
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(file!.sha256)
    expect(bytes.byteLength).toBe(file!.size)
  })
})

function fromStats(stats: string, part: 'minValues' | 'maxValues', name: string): string | number | null {
  const value = (JSON.parse(stats) as Record<string, Record<string, unknown>>)[part]![name]
  return (value ?? null) as string | number | null
}

async function multiset(paths: readonly string[]): Promise<unknown[]> {
  return (await sql(`SELECT "long" AS v FROM read_parquet(${quoteLiteral(paths[0]!)})`))
    .map((row) => row['v'] as bigint | null)
    .sort(bigints)
}

function bigints(a: bigint | null, b: bigint | null): number {
  return a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1
}
