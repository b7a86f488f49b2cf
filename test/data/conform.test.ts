import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { conform } from '../../src/data/write/conform.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import type { Row } from '../../src/schema/rows/rows.ts'
import type { DataType } from '../../src/schema/types.ts'
import { schemas } from '../schema/arbitrary.ts'
import { record } from '../schema/values.ts'
import { field, readBack, sql, struct, write } from './tools.ts'

const list = (elementType: DataType, containsNull = true): DataType => ({ type: 'array', elementType, containsNull })
const map = (valueType: DataType, valueContainsNull = true): DataType => ({ type: 'map', keyType: 'string', valueType, valueContainsNull })

/** Appends one value, as SQL has it, to a table with a column of that type. */
async function store(value: string, type: DataType, nullable = true): Promise<unknown> {
  const { paths } = await write({ query: `SELECT ${value} AS v` }, { schema: struct(field('v', type, nullable), field('w', 'long')) })
  return (await readBack(paths))[0]!['v']
}

describe('values are assigned', () => {
  test.each([
    ['127::BIGINT', 'byte', 127],
    ['-32768::BIGINT', 'short', -32768],
    ['1::TINYINT', 'decimal(3,0)', '1'],
    ['9007199254740992::BIGINT', 'double', 9007199254740992],
    ['1.50::DECIMAL(10,2)', 'decimal(5,1)', '1.5'],
    ['7.00::DECIMAL(10,2)', 'integer', 7],
    ['0.1::DOUBLE', 'float', Math.fround(0.1)],
    ["'nan'::DOUBLE", 'float', Number.NaN],
    ["'-inf'::DOUBLE", 'float', Number.NEGATIVE_INFINITY],
    ['0.25::DOUBLE', 'decimal(4,2)', '0.25'],
    ['1.5', 'double', 1.5],
    ["DATE '2020-01-02'", 'timestamp', new Date('2020-01-02')],
    ["TIMESTAMP '2020-01-02 03:04:05'", 'timestamp', new Date('2020-01-02T03:04:05Z')],
    ['NULL', 'long', null],
  ] as [string, DataType, unknown][])('%s to %j', async (value, type, expected) => {
    expect(await store(value, type)).toEqual(expected)
  })

  test.each([
    ['128::BIGINT', 'byte'],
    ['2147483648::BIGINT', 'integer'],
    ['9007199254740993::BIGINT', 'double'],
    ['16777217::INTEGER', 'float'],
    ['1.55::DECIMAL(10,2)', 'decimal(5,1)'],
    ['7.50::DECIMAL(10,2)', 'integer'],
    ['1e300::DOUBLE', 'float'],
    ['0.123::DOUBLE', 'decimal(4,2)'],
    ["'nan'::DOUBLE", 'decimal(4,2)'],
    ['18446744073709551615::UBIGINT', 'long'],
  ] as [string, DataType][])('%s does not fit %j', async (value, type) => {
    await expect(store(value, type)).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE', data: { column: 'v', to: type } })
  })

  test.each([
    ["'1'", 'long', 'string', 'long'],
    ['1', 'string', 'integer', 'string'],
    ['1.5::DOUBLE', 'long', 'double', 'long'],
    ['true', 'integer', 'boolean', 'integer'],
    ["TIMESTAMP '2020-01-01 00:00:00'", 'date', 'timestamp_ntz', 'date'],
    ['[1]', 'integer', 'array<integer>', 'integer'],
    ["{'a': 'x'}", struct(field('a', 'long')), 'string', 'long'],
  ] as [string, DataType, string, string][])('%s is no %j', async (value, type, from, to) => {
    await expect(store(value, type)).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      data: { column: typeof type === 'string' ? 'v' : 'v.a', from, to },
    })
  })
})

describe('nested columns', () => {
  const person = struct(
    field('Name', 'string'),
    field('age', 'short'),
    field('tags', list(struct(field('k', 'string'), field('n', 'decimal(6,2)')))),
  )

  test('fields are matched by name at every level, and what is missing is NULL', async () => {
    const value = "{'tags': [{'n': 1.5, 'K': 'a'}, NULL], 'name': 'x'}"
    expect(await store(value, person)).toEqual({ Name: 'x', age: null, tags: [{ k: 'a', n: '1.50' }, null] })
    expect(await store('NULL::STRUCT(age INTEGER)', person)).toBeNull()
    expect(await store("MAP {'a': {'n': 2::BIGINT}}", map(struct(field('n', 'integer'), field('o', 'date'))))).toEqual(
      new Map([['a', { n: 2, o: null }]]),
    )
    expect(await store('NULL::MAP(VARCHAR, BIGINT)', map('integer'))).toBeNull()
    await expect(store("{'nam': 'x'}", person)).rejects.toMatchObject({ code: 'UNKNOWN_COLUMN', data: { column: 'v.nam' } })
  })

  test.each([
    ["{'a': NULL::BIGINT}", struct(field('a', 'long', false)), 'v.a'],
    ['[1, NULL]', list('integer', false), 'v.element'],
    ["MAP {'a': NULL::INTEGER}", map('integer', false), 'v.value'],
    ["[{'a': {'b': NULL::INTEGER}}]", list(struct(field('a', struct(field('b', 'integer', false))))), 'v.element.a.b'],
  ] as [string, DataType, string][])('NULL in %s is refused', async (value, type, column) => {
    await expect(store(value, type)).rejects.toMatchObject({ code: 'NOT_NULL_VIOLATED', data: { column } })
  })

  test('a NULL struct has no fields that could be NULL', async () => {
    expect(await store('NULL::STRUCT(a BIGINT)', struct(field('a', 'long', false)))).toBeNull()
    await expect(store('NULL::STRUCT(a BIGINT)', struct(field('a', 'long')), false)).rejects.toMatchObject({
      code: 'NOT_NULL_VIOLATED',
      data: { column: 'v' },
    })
    await expect(store('NULL::INTEGER[]', list('integer'), false)).rejects.toMatchObject({
      code: 'NOT_NULL_VIOLATED',
      data: { column: 'v' },
    })
  })

  test('a missing field that takes no NULL', async () => {
    await expect(store("{'a': 1}", struct(field('a', 'long'), field('b', 'long', false)))).rejects.toMatchObject({
      code: 'MISSING_COLUMN',
      data: { column: 'v.b' },
    })
  })

  test('physical names and field ids at every level', async () => {
    const mapped = (name: string, type: DataType, id: number) =>
      field(name, type, true, { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `c${id}` })
    const table = struct(
      mapped('s', struct(mapped('a', 'long', 2), mapped('b', list(struct(mapped('x', 'string', 4))), 3)), 1),
      mapped('new', struct(mapped('y', 'long', 6)), 5),
    )
    const { files, paths } = await write(
      { query: "SELECT {'B': [{'x': 'q'}], 'a': 7} AS s" },
      { schema: table, properties: { 'delta.columnMapping.mode': 'id' } },
    )
    expect(await readBack(paths)).toEqual([{ c1: { c2: 7n, c3: [{ c4: 'q' }] }, c5: null }])
    expect(
      await sql(`SELECT name, field_id FROM parquet_schema(${quoteLiteral(paths[0]!)}) WHERE field_id IS NOT NULL ORDER BY field_id`),
    ).toEqual([1, 2, 3, 4, 5, 6].map((id) => ({ name: `c${id}`, field_id: BigInt(id) })))
    expect(JSON.parse(files[0]!.stats)).toMatchObject({ minValues: { c1: { c2: 7 } }, nullCount: { c1: { c2: 0 }, c5: { c6: 1 } } })
  })

  test('a variant is written as its two parts, and NULL as NULL', async () => {
    const { files, paths } = await write(
      { query: "SELECT * FROM (VALUES (1, 42::VARIANT), (2, NULL), (3, {'a': [1]}::VARIANT)) t(id, v)" },
      { schema: struct(field('id', 'long'), field('v', 'variant')) },
    )
    expect(await sql(`SELECT name FROM parquet_schema(${quoteLiteral(paths[0]!)}) OFFSET 2`)).toEqual([
      { name: 'v' },
      { name: 'metadata' },
      { name: 'value' },
    ])
    expect((await readBack(paths))[1]).toEqual({ id: 2n, v: null })
    expect(JSON.parse(files[0]!.stats)).toMatchObject({ nullCount: { v: 1 } })
  })

  test('variants that batches carry as their two parts are written as they are, nested ones and none too', async () => {
    const variant = { metadata: new Uint8Array([1, 0, 0]), value: new Uint8Array([12, 42]) }
    const schema = struct(
      field('id', 'long'),
      field('v', 'variant'),
      field('list', { type: 'array', elementType: 'variant', containsNull: true }),
    )
    const { paths } = await write([{ id: 1n, v: variant, list: [variant, null] }, { id: 2n }], { schema })
    expect(await readBack(paths)).toEqual([
      { id: 1n, v: variant, list: [variant, null] },
      { id: 2n, v: null, list: null },
    ])
  })

  test('rows of any schema come back as they were', async () => {
    const tables = schemas.chain((schema) =>
      fc.array(record(schema.fields), { minLength: 1, maxLength: 12 }).map((samples) => ({ schema, samples })),
    )
    await fc.assert(
      fc.asyncProperty(tables, async ({ schema, samples }) => {
        const { files, paths } = await write(
          samples.map((sample) => sample.given as Row),
          { schema },
        )
        expect(files.map((file) => file.numRecords)).toEqual([samples.length])
        const back = await sql(`FROM read_parquet(${quoteLiteral(paths[0]!)})`)
        expect(back).toEqual(samples.map((sample) => sample.back))
      }),
      { numRuns: 60 },
    )
  })
})

test('columns: unknown, missing, twice', () => {
  const table = struct(field('a', 'long', false), field('b', 'string'))
  const naming = { mapped: false, byId: false }
  expect(() => conform(struct(field('b', 'string')), table, naming)).toThrow(
    expect.objectContaining({ code: 'MISSING_COLUMN', data: { column: 'a' } }),
  )
  expect(() => conform(struct(field('a', 'long'), field('A', 'long')), table, naming)).toThrow(
    expect.objectContaining({ code: 'DUPLICATE_COLUMN' }),
  )
  expect(() => conform(struct(field('a', 'long'), field('__proto__', 'long')), table, naming)).toThrow(
    expect.objectContaining({ code: 'UNKNOWN_COLUMN', data: { column: '__proto__', columns: ['a', 'b'] } }),
  )
  expect(conform(struct(field('A', 'long')), table, naming).map((column) => [column.sql, column.checkNulls])).toEqual([
    ['"A"', true],
    ['CAST(NULL AS VARCHAR)', false],
  ])
})
