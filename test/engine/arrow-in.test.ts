import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'

let connection: Connection

beforeAll(async () => {
  connection = await (await trustedEngine()).connect()
})

afterAll(() => connection.close())

/** A batch of one column called `c`. */
function batchOf(data: arrow.Data): arrow.RecordBatch {
  const schema = new arrow.Schema([new arrow.Field('c', data.type, true)])
  return new arrow.RecordBatch(
    schema,
    arrow.makeData({ type: new arrow.Struct(schema.fields), length: data.length, nullCount: 0, children: [data] }),
  )
}

const vectorBatch = (type: arrow.DataType, values: readonly unknown[]) => batchOf(arrow.vectorFromArray(values as never, type).data[0]!)

async function texts(batch: arrow.RecordBatch): Promise<unknown> {
  return connection.withBatches(batch.schema, [batch], async (relation) => {
    const rows = await connection.all(`SELECT c::VARCHAR AS text, typeof(c) AS type FROM ${relation}`)
    return [rows[0]?.type, ...rows.map((row) => row.text)]
  })
}

describe('types that other writers of Arrow use', () => {
  test('integers without a sign, and half-precision numbers', async () => {
    expect(await texts(vectorBatch(new arrow.Uint8(), [0, 255, null]))).toEqual(['UTINYINT', '0', '255', null])
    expect(await texts(vectorBatch(new arrow.Uint64(), [2n ** 64n - 1n]))).toEqual(['UBIGINT', '18446744073709551615'])
    const halves = arrow.makeData({ type: new arrow.Float16(), data: new Uint16Array([0x3c00, 0x8000, 0x7c00, 0x0001, 0xc500]) })
    expect(await texts(batchOf(halves))).toEqual(['FLOAT', '1.0', '-0.0', 'inf', '5.9604645e-08', '-5.0'])
  })

  test('dates and timestamps of other units, exact or refused', async () => {
    const day = 86_400_000n
    const dates = arrow.makeData({ type: new arrow.DateMillisecond(), data: new BigInt64Array([-day, 0n, 20000n * day]) as never })
    expect(await texts(batchOf(dates))).toEqual(['DATE', '1969-12-31', '1970-01-01', '2024-10-04'])
    const half = arrow.makeData({ type: new arrow.DateMillisecond(), data: new BigInt64Array([1n]) as never })
    await expect(texts(batchOf(half))).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE', data: { column: 'c' } })
    const at = (type: arrow.Timestamp, ...values: bigint[]) => batchOf(arrow.makeData({ type, data: new BigInt64Array(values) }))
    expect(await texts(at(new arrow.TimestampMillisecond('Europe/Berlin'), -1n))).toEqual([
      'TIMESTAMP WITH TIME ZONE',
      '1969-12-31 23:59:59.999+00',
    ])
    expect(await texts(at(new arrow.TimestampSecond('UTC'), 1n))).toEqual(['TIMESTAMP WITH TIME ZONE', '1970-01-01 00:00:01+00'])
    expect(await texts(at(new arrow.TimestampNanosecond('UTC'), -1000n))).toEqual([
      'TIMESTAMP WITH TIME ZONE',
      '1969-12-31 23:59:59.999999+00',
    ])
    await expect(texts(at(new arrow.TimestampNanosecond('UTC'), 1001n))).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE' })
    await expect(texts(at(new arrow.TimestampSecond('UTC'), 2n ** 60n))).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE' })
    expect(await texts(at(new arrow.TimestampNanosecond(), -1n))).toEqual(['TIMESTAMP_NS', '1969-12-31 23:59:59.999999999'])
  })

  test('decimals of any width, refused beyond their digits', async () => {
    const decimal = (precision: number, bits: number, ...values: bigint[]) => {
      const words = new Uint32Array((bits / 32) * values.length)
      values.forEach((value, row) => {
        for (let word = 0; word < bits / 32; word++)
          words[(row * bits) / 32 + word] = Number(BigInt.asUintN(32, value >> BigInt(32 * word)))
      })
      return batchOf(arrow.makeData({ type: new arrow.Decimal(2, precision, bits), data: words }))
    }
    for (const bits of [128, 256]) {
      for (const precision of [4, 9, 18, 38]) {
        const most = 10n ** BigInt(precision) - 1n
        const shown = `${'9'.repeat(precision - 2)}.99`
        expect(await texts(decimal(precision, bits, most, -most, 0n, -1n))).toEqual([
          `DECIMAL(${precision},2)`,
          shown,
          `-${shown}`,
          '0.00',
          '-0.01',
        ])
        await expect(texts(decimal(precision, bits, most + 1n))).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE' })
        await expect(texts(decimal(precision, bits, -most - 1n))).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE' })
      }
    }
    await expect(texts(decimal(40, 256, 1n))).rejects.toMatchObject({ code: 'UNSUPPORTED_TYPE' })
  })

  test('texts and binary values with 64-bit offsets, of one size, and as views', async () => {
    const bytes = new TextEncoder().encode('shorta text beyond twelve bytesend')
    const offsets = new BigInt64Array([0n, 5n, 31n, 31n, 34n])
    const large = arrow.makeData({
      type: new arrow.LargeUtf8(),
      data: bytes,
      valueOffsets: offsets,
      nullBitmap: new Uint8Array([0b1011]),
      nullCount: 1,
    })
    expect(await texts(batchOf(large))).toEqual(['VARCHAR', 'short', 'a text beyond twelve bytes', null, 'end'])
    expect(await texts(batchOf(large.slice(1, 3)))).toEqual(['VARCHAR', 'a text beyond twelve bytes', null, 'end'])
    const fixed = arrow.makeData({ type: new arrow.FixedSizeBinary(2), data: new Uint8Array([97, 98, 0, 255]) })
    expect(await texts(batchOf(fixed))).toEqual(['BLOB', 'ab', '\\x00\\xFF'])
    const views = new Uint8Array(32)
    const view = new DataView(views.buffer)
    view.setUint32(0, 5, true)
    views.set(bytes.subarray(0, 5), 4)
    view.setUint32(16, 26, true)
    views.set(bytes.subarray(5, 9), 20)
    view.setInt32(28, 5, true)
    const viewed = arrow.makeData({
      type: new arrow.Utf8View(),
      views,
      variadicBuffers: [bytes],
      length: 2,
    } as never) as unknown as arrow.Data
    expect(await texts(batchOf(viewed))).toEqual(['VARCHAR', 'short', 'a text beyond twelve bytes'])
  })

  test('lists of one length, NULL among them, sliced too', async () => {
    const child = arrow.vectorFromArray([1, 2, 3, 4, null, 6], new arrow.Int32()).data[0]!
    const type = new arrow.FixedSizeList(2, new arrow.Field('item', new arrow.Int32(), true))
    const lists = arrow.makeData({
      type,
      child,
      length: 3,
      nullBitmap: new Uint8Array([0b101]),
      nullCount: 1,
    } as never) as unknown as arrow.Data
    expect(await texts(batchOf(lists))).toEqual(['INTEGER[]', '[1, 2]', null, '[NULL, 6]'])
    expect(await texts(batchOf(lists.slice(1, 2)))).toEqual(['INTEGER[]', null, '[NULL, 6]'])
  })

  test('dictionaries of texts and of numbers, with NULL in the indexes and in the dictionary', async () => {
    const words = arrow.vectorFromArray(['short', null, 'a text beyond twelve bytes'], new arrow.Utf8())
    const type = new arrow.Dictionary(words.type, new arrow.Int8())
    const data = arrow.makeData({
      type,
      data: new Int8Array([2, 0, 1, 0, 2]),
      dictionary: words,
      nullBitmap: new Uint8Array([0b10111]),
      nullCount: 1,
    })
    expect(await texts(batchOf(data))).toEqual(['VARCHAR', 'a text beyond twelve bytes', 'short', null, null, 'a text beyond twelve bytes'])
    expect(await texts(batchOf(data.slice(3, 2)))).toEqual(['VARCHAR', null, 'a text beyond twelve bytes'])
    const chunked = arrow.vectorFromArray([1.5, 2.5], new arrow.Float64()).concat(arrow.vectorFromArray([-0], new arrow.Float64()))
    const numbers = arrow.makeData({
      type: new arrow.Dictionary(new arrow.Float64(), new arrow.Uint16()),
      data: new Uint16Array([2, 1, 0]),
      dictionary: chunked,
    })
    expect(await texts(batchOf(numbers))).toEqual(['DOUBLE', '-0.0', '2.5', '1.5'])
  })

  test.each([
    ['a union', new arrow.SparseUnion([0], [new arrow.Field('a', new arrow.Int8())])],
    ['a duration', new arrow.DurationSecond()],
    ['an interval', new arrow.IntervalDayTime()],
    ['a time', new arrow.TimeSecond()],
  ])('%s is refused by name', async (_, type) => {
    const schema = new arrow.Schema([new arrow.Field('c', type, true)])
    await expect(connection.withBatches(schema, [], async () => undefined)).rejects.toMatchObject({
      code: 'UNSUPPORTED_TYPE',
      data: { column: 'c' },
    })
  })
})

test('batches of another copy of apache-arrow are taken by their shape', async () => {
  const batch = arrow.tableFromArrays({ n: new Int32Array([1, 2]), s: ['a', 'a text beyond twelve bytes'] }).batches[0]!
  const plainType = (type: arrow.DataType): object => ({
    typeId: type.typeId,
    ...('bitWidth' in type ? { bitWidth: type.bitWidth, isSigned: (type as arrow.Int).isSigned } : {}),
    ...('dictionary' in type ? { dictionary: plainType(type.dictionary as arrow.DataType) } : {}),
  })
  const plainData = (data: arrow.Data): object => ({
    type: plainType(data.type),
    length: data.length,
    offset: data.offset,
    nullCount: data.nullCount,
    nullBitmap: data.nullBitmap,
    values: data.values,
    valueOffsets: data.valueOffsets,
    children: data.children.map(plainData),
    dictionary: data.dictionary && { data: data.dictionary.data.map(plainData) },
  })
  const schema = { fields: batch.schema.fields.map((field) => ({ name: field.name, type: plainType(field.type) })) }
  const foreign = { numRows: batch.numRows, schema, data: plainData(batch.data) }
  const rows = await connection.withBatches(schema as never, [foreign as never], (relation) => connection.all(`FROM ${relation}`))
  expect(rows).toEqual([
    { n: 1, s: 'a' },
    { n: 2, s: 'a text beyond twelve bytes' },
  ])
})

describe('what cannot be taken is refused before DuckDB sees it', () => {
  const utf8 = (data: Uint8Array, valueOffsets: Int32Array) =>
    batchOf(arrow.makeData({ type: new arrow.Utf8(), data, valueOffsets, nullCount: 0 }))

  test.each([
    ['text that is not UTF-8', utf8(new Uint8Array([0xff, 0xfe]), new Int32Array([0, 2]))],
    ['text cut inside a character', utf8(new TextEncoder().encode('aé'), new Int32Array([0, 2, 3]))],
    ['offsets that descend', utf8(new Uint8Array(10), new Int32Array([0, 8, 4]))],
    ['offsets beyond the bytes', utf8(new Uint8Array(10), new Int32Array([0, 11]))],
  ])('%s', async (_, batch) => {
    await expect(texts(batch)).rejects.toMatchObject({ code: 'INVALID_VALUE', data: { column: 'c' } })
  })

  test('values too few for the rows', async () => {
    const data = arrow.makeData({ type: new arrow.Int64(), data: new BigInt64Array(3), length: 5000 })
    await expect(texts(batchOf(data))).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  })

  test('a map with a NULL key', async () => {
    const entries = new arrow.Struct([new arrow.Field('key', new arrow.Utf8(), false), new arrow.Field('value', new arrow.Int32(), true)])
    const keys = arrow.vectorFromArray(['a', null], new arrow.Utf8()).data[0]!
    const child = arrow.makeData({
      type: entries,
      length: 2,
      nullCount: 0,
      children: [keys, arrow.vectorFromArray([1, 2], new arrow.Int32()).data[0]!],
    })
    const type = new arrow.Map_(new arrow.Field('entries', entries, false) as never)
    const map = arrow.makeData({
      type,
      length: 1,
      nullCount: 0,
      valueOffsets: new Int32Array([0, 2]),
      child,
    } as never) as unknown as arrow.Data
    await expect(texts(batchOf(map))).rejects.toMatchObject({ code: 'NOT_NULL_VIOLATED' })
  })

  test('a batch of another schema', async () => {
    const first = vectorBatch(new arrow.Int32(), [1])
    const second = vectorBatch(new arrow.Utf8(), ['a'])
    const reading = connection.withBatches(first.schema, [first, second], (relation) => connection.all(`FROM ${relation}`))
    await expect(reading).rejects.toMatchObject({ code: 'TYPE_MISMATCH' })
  })
})

describe('a scan', () => {
  const batch = vectorBatch(
    new arrow.Int32(),
    Array.from({ length: 5000 }, (_, index) => index),
  )

  function* endless(ended: () => void): Generator<arrow.RecordBatch> {
    try {
      for (;;) yield batch
    } finally {
      ended()
    }
  }

  test('tells the failure of its iterable as it is', async () => {
    const failure = new TypeError('the source broke')
    function* failing() {
      yield batch
      throw failure
    }
    for (const sql of ['SELECT count(*) FROM', 'CREATE OR REPLACE TEMP TABLE failed AS FROM']) {
      await expect(connection.withBatches(batch.schema, failing(), (relation) => connection.run(`${sql} ${relation}`))).rejects.toBe(
        failure,
      )
    }
    const streaming = connection.withBatches(batch.schema, failing(), async (relation) => {
      for await (const _ of await connection.stream(`FROM ${relation}`));
    })
    await expect(streaming).rejects.toBe(failure)
  })

  test('that stops early lets its iterable go, and so does an abort', async () => {
    let ended = 0
    const count = () => {
      ended++
    }
    const limited = await connection.withBatches(batch.schema, endless(count), (relation) => connection.all(`FROM ${relation} LIMIT 3`))
    expect(limited).toEqual([{ c: 0 }, { c: 1 }, { c: 2 }])
    expect(ended).toBe(1)
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 50)
    const aborted = connection.withBatches(batch.schema, endless(count), (relation) =>
      connection.run(`SELECT sum(c) FROM ${relation}`, undefined, { signal: controller.signal }),
    )
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(ended).toBe(2)
  })

  test('gives its rows once, and none after its end', async () => {
    let kept = ''
    await connection.withBatches(batch.schema, [batch], async (relation) => {
      kept = relation
      expect(await connection.all(`SELECT count(*)::INTEGER AS n FROM ${relation}`)).toEqual([{ n: 5000 }])
      await expect(connection.all(`SELECT count(*) FROM ${relation}`)).rejects.toMatchObject({ code: 'SQL_ERROR' })
    })
    await expect(connection.all(`FROM ${kept}`)).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })

  test('keeps the order of rows, and within a row group where the COPY does not', async () => {
    const batches = Array.from({ length: 100 }, (_, index) =>
      vectorBatch(
        new arrow.Int32(),
        Array.from({ length: 5001 }, (_, row) => index * 5001 + row),
      ),
    )
    const folder = await mkdtemp(join(tmpdir(), 'varve-order-'))
    const path = `'${join(folder, 'ordered.parquet')}'`
    const stored = await connection.withBatches(batch.schema, batches, async (relation) => {
      await connection.run(`CREATE OR REPLACE TEMP TABLE ordered AS FROM ${relation}`)
      return connection.all('SELECT count(*)::INTEGER AS n, count(*) FILTER (c = rowid)::INTEGER AS placed FROM ordered')
    })
    expect(stored).toEqual([{ n: 500_100, placed: 500_100 }])
    await connection.withBatches(batch.schema, batches, (relation) =>
      connection.run(`COPY (FROM ${relation}) TO ${path} (FORMAT parquet, PRESERVE_ORDER false)`),
    )
    const groups = await connection.all(
      `SELECT stats_min_value::INTEGER AS least, stats_max_value::INTEGER AS most, row_group_num_rows::INTEGER AS n FROM parquet_metadata(${path}) ORDER BY 1`,
    )
    await rm(folder, { recursive: true })
    expect(groups.reduce((sum, group) => sum + Number(group.n), 0)).toBe(500_100)
    for (const group of groups) expect(Number(group.most) - Number(group.least) + 1).toBe(Number(group.n))
  })

  test('takes odd names, no rows, and many scans without growing', async () => {
    const schema = new arrow.Schema([
      new arrow.Field('x"; DROP TABLE t; --', new arrow.Int32(), true),
      new arrow.Field('__proto__', new arrow.Utf8(), true),
    ])
    await connection.withBatches(schema, [], async (relation) => {
      expect((await connection.describe(`FROM ${relation}`)).map((column) => column.name)).toEqual(['x"; DROP TABLE t; --', '__proto__'])
      expect(await connection.all(`FROM ${relation}`)).toEqual([])
    })
    const wide = vectorBatch(
      new arrow.Utf8(),
      Array.from({ length: 20_000 }, (_, row) => `a text that is not inline ${row}`),
    )
    const round = async () => {
      const sql = (relation: string) => `SELECT bit_xor(hash(c)) FROM ${relation}`
      await connection.withBatches(wide.schema, Array(10).fill(wide), (relation) => connection.run(sql(relation)))
    }
    for (let warm = 0; warm < 4; warm++) await round()
    const before = process.memoryUsage().rss
    for (let soak = 0; soak < 15; soak++) await round()
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20)
  })
})
