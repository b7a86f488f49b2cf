/** DuckDB's own fixture of all types and random tables, through the codec and back, compared inside DuckDB. */
import type { RecordBatch } from 'apache-arrow'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'
import { batchToRows, rowsToBatch } from '../../src/schema/rows/rows.ts'
import { schemas } from '../schema/arbitrary.ts'
import { record } from '../schema/values.ts'

let connection: Connection

beforeAll(async () => {
  connection = await (await trustedEngine()).connect()
})

afterAll(() => connection.close())

/** What Arrow has no type for, or Delta (TIME), or what does not fit (the extremes of 128-bit integers). */
const left = ['hugeint', 'uhugeint', 'bignum', 'time', 'time_ns', 'time_tz', 'geometry', 'union', 'bit', 'interval']
const fixture = `(SELECT * EXCLUDE (${left.map((name) => `"${name}"`).join(', ')}) FROM test_all_types())`

async function collect(sql: string, batchRows?: number): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  for await (const batch of await connection.stream(sql, undefined, batchRows === undefined ? {} : { batchRows })) batches.push(batch)
  return batches
}

/** Stores batches in a table as they came in, and says in how many rows it differs from a query, cast to the same types. */
async function differences(batches: readonly RecordBatch[], expected: string): Promise<number> {
  await connection.withBatches(batches[0]!.schema, batches, (relation) =>
    connection.run(`CREATE OR REPLACE TEMP TABLE stored AS FROM ${relation}`),
  )
  const columns = await connection.describe('FROM stored')
  const types = columns.map(({ name, sqlType }) => `CAST("${name}" AS ${sqlType}) AS "${name}"`).join(', ')
  const cast = `SELECT ${types} FROM (${expected})`
  const [row] = await connection.all(
    `SELECT (SELECT count(*) FROM (FROM stored EXCEPT ALL ${cast})) + (SELECT count(*) FROM (${cast} EXCEPT ALL FROM stored)) AS differing`,
  )
  return Number(row!.differing)
}

describe('all types of DuckDB', () => {
  test('go out and come back in as they were', async () => {
    const batches = await collect(`FROM ${fixture}`)
    expect(batches.map((batch) => batch.numRows)).toEqual([3])
    expect(await differences(batches, `FROM ${fixture}`)).toBe(0)
  })

  test.each([1, 7, 1000, 65_536])('come in chunks of every size, in batches of %i rows', async (batchRows) => {
    // Filtered rows make chunks whose sizes are no multiple of eight, and repeated ones cross chunks and batches.
    const repeats = batchRows < 10 ? 40 : 2000
    const sql = `SELECT f.*, i FROM range(${repeats}) r(i), ${fixture} f WHERE hash(i, f.int) % 5 <> 0`
    const batches = await collect(sql, batchRows)
    const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
    expect(rows).toBeGreaterThan(repeats)
    expect(batches.slice(0, -1).every((batch) => batch.numRows === batchRows)).toBe(true)
    expect(await differences(batches, sql)).toBe(0)
  })

  test('come back in from slices that begin anywhere', async () => {
    const sql = `SELECT f.*, i FROM range(40) r(i), ${fixture} f WHERE hash(i, f.int) % 3 <> 0 ORDER BY i, f.int`
    const [whole] = await collect(sql)
    const cuts = [0, 1, 3, 8, 13, 29, 31, whole!.numRows]
    const slices = cuts.slice(1).map((end, index) => whole!.slice(cuts[index], end))
    expect(await differences(slices, sql)).toBe(0)
    expect(await differences([slices[4]!.slice(3, 11)], `FROM (${sql}) LIMIT 8 OFFSET ${13 + 3}`)).toBe(0)
  })

  test('those without an Arrow type go out as text, VARIANT as its Parquet encoding', async () => {
    const [batch] = await collect(
      `SELECT * FROM (SELECT time_tz, bit, interval, "union", uuid, small_enum, bignum, [interval] AS nested FROM test_all_types()) LIMIT 1`,
    )
    expect(batch!.schema.fields.map((field) => String(field.type))).toEqual([...Array(7).fill('Utf8'), 'List<Utf8>'])
    const [texts] = await connection.all(
      `SELECT time_tz::VARCHAR AS time_tz, bit::VARCHAR AS bit, interval::VARCHAR AS interval, "union"::VARCHAR AS "union", uuid::VARCHAR AS uuid,
        small_enum::VARCHAR AS small_enum, bignum::VARCHAR AS bignum, [interval::VARCHAR] AS nested FROM test_all_types() LIMIT 1`,
    )
    expect(batchToRows(batch!)).toEqual([texts])
    const variants = `SELECT i, CASE WHEN i <> 1 THEN {'a': i, 'b': ['x', NULL]}::VARIANT END AS v, {'in': [i::VARIANT]} AS deep FROM range(3) t(i)`
    const [second] = await collect(variants)
    expect(second!.schema.fields[1]!.metadata.get('ARROW:extension:name')).toBe('arrow.parquet.variant')
    await connection.withBatches(second!.schema, [second!], async (relation) => {
      const [row] = await connection.all(
        `SELECT list(CASE WHEN v IS NOT NULL THEN variant_bytes_to_variant(v.metadata || v.value)::JSON::VARCHAR END ORDER BY i) AS back FROM ${relation}`,
      )
      expect(row!.back).toEqual(['{"a":0,"b":["x",null]}', null, '{"a":2,"b":["x",null]}'])
    })
  })
})

test('random tables go in and out as they were, sliced and in batches of any size', async () => {
  const tables = schemas.chain((schema) =>
    fc.record({
      schema: fc.constant(schema),
      rows: fc.array(record(schema.fields), { minLength: 1, maxLength: 40 }),
      cut: fc.nat(40),
      batchRows: fc.integer({ min: 1, max: 50 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(tables, async ({ schema, rows, cut, batchRows }) => {
      const whole = rowsToBatch(
        rows.map((sample) => sample.given as Record<string, unknown>),
        schema,
      )
      const at = Math.min(cut, whole.numRows)
      const found = await connection.withBatches(whole.schema, [whole.slice(0, at), whole.slice(at)], async (relation) => {
        const out: unknown[] = []
        for await (const batch of await connection.stream(`FROM ${relation}`, undefined, { batchRows })) out.push(...batchToRows(batch))
        return out
      })
      expect(found).toEqual(rows.map((sample) => sample.back))
    }),
    { numRuns: 60 },
  )
})
