import { execFile, execFileSync } from 'node:child_process'
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import fc from 'fast-check'
import { ParquetReader } from 'parquetjs-lite'
import { describe, expect, test } from 'vitest'
import { openSource } from '../../src/data/index.ts'
import { rewriteObject } from '../../src/data/input/exact-numbers.ts'
import { deltaName } from '../../src/data/write/conform.ts'
import type { VarveError } from '../../src/errors/index.ts'
import type { StructType } from '../../src/schema/types.ts'
import { field, readBack, sql, struct, temporaryFolder, write } from './tools.ts'

const folder = temporaryFolder()

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function types(schema: StructType): Record<string, string> {
  return Object.fromEntries(schema.fields.map((each) => [each.name, deltaName(each.type)]))
}

describe('CSV', () => {
  test('the types of the table are imposed, and no value changes', async () => {
    const schema = struct(
      field('zip', 'string'),
      field('n', 'long'),
      field('d', 'decimal(20,2)'),
      field('at', 'timestamp'),
      field('ok', 'boolean'),
    )
    const path = file(
      'typed.csv',
      'ZIP,n,d,at,ok\n00123,9007199254740993,123456789012345678.90,2020-01-01T00:00:00+02:00,true\n"",,,,\n,,,,\n',
    )
    const { paths } = await write({ files: path }, { schema })
    expect(await readBack(paths, 'zip NULLS LAST')).toEqual([
      { zip: '', n: null, d: null, at: null, ok: null },
      { zip: '00123', n: 9007199254740993n, d: '123456789012345678.90', at: new Date('2019-12-31T22:00:00Z'), ok: true },
      { zip: null, n: null, d: null, at: null, ok: null },
    ])
  })

  test.each([
    ['long', '1.5'],
    ['long', '9223372036854775808'],
    ['long', '1e3'],
    ['byte', '128'],
    ['decimal(10,2)', '1.239'],
    ['decimal(4,2)', '100'],
    ['double', 'x'],
    ['boolean', 'perhaps'],
    ['date', '2020-02-30'],
    ['timestamp', '2020-01-01T00:00:00.1234567'],
  ] as const)('%s does not take %s', async (type, text) => {
    const path = file('wrong.csv', `id,v\n1,${text}\n`)
    const schema = struct(field('id', 'long'), field('v', type))
    await expect(write({ files: path }, { schema })).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      data: { column: 'v', value: text, to: type },
    })
  })

  test('decimals and numbers that say the same are taken', async () => {
    const schema = struct(field('v', 'decimal(6,2)'), field('n', 'integer'))
    const { paths } = await write({ files: file('same.csv', 'v,n\n1.2300,007\n-.5,+8\n3.,-9\n') }, { schema })
    expect(await readBack(paths)).toEqual([
      { v: '-0.50', n: 8 },
      { v: '1.23', n: 7 },
      { v: '3.00', n: -9 },
    ])
  })

  test('types are guessed where there is no table, and text stays text', async () => {
    const path = file(
      'guessed.csv',
      'id,zip,account,share,day,at,clock,note\n1,00123,12345678901234567890,0.5,2020-01-01,2020-01-01 00:00:00,12:30,a\n2,1,2,2,2020-01-02,2020-01-01 10:00:00.5,01:00,\n',
    )
    const { paths, schema } = await write({ files: path })
    expect(types(schema)).toEqual({
      id: 'long',
      zip: 'string',
      account: 'string',
      share: 'double',
      day: 'date',
      at: 'timestamp_ntz',
      clock: 'string',
      note: 'string',
    })
    expect((await readBack(paths))[0]).toMatchObject({ zip: '00123', account: '12345678901234567890', clock: '12:30' })
  })

  test('a guess that a later line breaks is an error, not another value', async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `${index},x`)
    const path = file('late.csv', `id,v\n${lines.join('\n')}\n007,y\n`)
    await expect(write({ files: path })).rejects.toMatchObject({ code: 'INVALID_VALUE', data: { column: 'id', value: '007' } })
  })

  test('the header tells the separator; names and values may be odd', async () => {
    const path = file('semicolon.csv', '"a;b";__proto__;"x""; DROP TABLE t; --"\n"1;2";3;"line\nbreak"\n')
    const { paths } = await write({ files: path })
    const [row] = await readBack(paths)
    expect(Object.entries(row!)).toEqual([
      ['a;b', '1;2'],
      ['__proto__', 3n],
      ['x"; DROP TABLE t; --', 'line\nbreak'],
    ])
  })

  test('nested values', async () => {
    const schema = struct(
      field('l', { type: 'array', elementType: 'integer', containsNull: true }),
      field('s', struct(field('a', 'decimal(4,1)'))),
    )
    const { paths } = await write({ files: file('nested.csv', 'l;s\n[1, 2];{a: 1.5}\n;\n') }, { schema })
    expect(await readBack(paths)).toEqual([
      { l: [1, 2], s: { a: '1.5' } },
      { l: null, s: null },
    ])
    const map = { type: 'map', keyType: 'string', valueType: 'integer', valueContainsNull: true } as const
    const printed = file('nested3.csv', 'm,s\n"{""a"":1,"""":null}","{""x"":""q\\n\\""\\\\""}"\n{b=2},{x: y}\n')
    const read = await write({ files: printed }, { schema: struct(field('m', map), field('s', struct(field('x', 'string')))) })
    expect(await sql(`SELECT m::VARCHAR AS m, s.x AS x FROM read_parquet('${read.paths[0]}')`)).toEqual([
      { m: "{a=1, ''=NULL}", x: 'q\n"\\' },
      { m: '{b=2}', x: 'y' },
    ])
    await expect(write({ files: file('nested2.csv', 'l;s\n[1, 2.5];\n') }, { schema })).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      data: { column: 'l.element' },
    })
  })
})

describe('JSON', () => {
  const table = struct(
    field('id', 'long'),
    field('v', 'decimal(30,10)'),
    field('s', struct(field('x', 'decimal(20,0)'), field('y', 'double'))),
    field('t', 'timestamp'),
  )
  const content =
    '{"id":9007199254740993,"v":12345678901234567.0123456789,"s":{"x":12345678901234567890,"y":0.1},"t":"2020-01-01T00:00:00Z"}\n{"ID":-1,"v":"0.1","s":null}\n'

  test.each(['ndjson', 'json'])('long integers and decimals are exact in %s', async (format) => {
    const text = format === 'json' ? `[${content.trim().replace('\n', ',')}]` : content
    const { paths } = await write({ files: file(`exact.${format}`, text) }, { schema: table })
    expect(await readBack(paths, 'id DESC')).toEqual([
      {
        id: 9007199254740993n,
        v: '12345678901234567.0123456789',
        s: { x: '12345678901234567890', y: 0.1 },
        t: new Date('2020-01-01T00:00:00Z'),
      },
      { id: -1n, v: '0.1000000000', s: null, t: null },
    ])
  })

  test('the types of the table are imposed where doubles can hold its decimals', async () => {
    const schema = struct(
      field('id', 'long'),
      field('v', 'decimal(10,2)'),
      field('l', { type: 'array', elementType: 'integer', containsNull: true }),
    )
    const { paths } = await write({ files: file('small.json', '[{"id":1,"v":1.5,"l":[1,null]},{"v":"2.50","id":null}]') }, { schema })
    expect(await readBack(paths)).toEqual([
      { id: 1n, v: '1.50', l: [1, null] },
      { id: null, v: '2.50', l: null },
    ])
    for (const wrong of ['{"id":1.5}', '{"v":1.239}', '{"l":[1.5]}']) {
      await expect(write({ files: file('wrong.json', wrong) }, { schema })).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    }
  })

  test('a key that turns up late is not lost', async () => {
    const lines = Array.from({ length: 30_000 }, (_, id) => JSON.stringify(id === 29_999 ? { id, late: 'x' } : { id }))
    const path = file('late.ndjson', lines.join('\n'))
    const { schema } = await write({ files: path })
    expect(types(schema)).toEqual({ id: 'long', late: 'string' })
    await expect(write({ files: path }, { schema: struct(field('id', 'long')) })).rejects.toMatchObject({
      code: 'UNKNOWN_COLUMN',
      data: { column: 'late' },
    })
  })

  test('numbers are put in quotes in the columns that ask for it, and nothing else changes', () => {
    const quoted = (value: unknown): unknown => {
      if (typeof value === 'number' && !/e/.test(JSON.stringify(value))) return JSON.stringify(value)
      if (Array.isArray(value)) return value.map(quoted)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, quoted(each)]))
    }
    const keys = fc.oneof(fc.constantFrom('a', 'A', '\u00e4"', 'b', 'x'), fc.string())
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 })), fc.constantFrom(undefined, 1, '\t'), (object, space) => {
        const expected = Object.fromEntries(
          Object.entries(object).map(([key, value]) => [key, ['a', '\u00e4"'].includes(key.toLowerCase()) ? quoted(value) : value]),
        )
        const line = rewriteObject(JSON.stringify(object, null, space), new Set(['a', '\u00e4"']), new Set())
        expect(line).not.toContain('\n')
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(expected)))
      }),
    )
  })

  // The same values, whether or not another column has digits that ask for care.
  test.each([
    ['beside decimals that doubles hold', 'decimal(10,2)'],
    ['beside longer ones', 'decimal(38,9)'],
  ] as const)('every type, %s', async (_, decimal) => {
    const schema = struct(
      field('k', decimal),
      field('n', 'long'),
      field('f', 'float'),
      field('t', 'string'),
      field('b', 'binary'),
      field('v', 'variant'),
      field('e', { type: 'map', keyType: 'string', valueType: 'integer', valueContainsNull: true }),
      field('m', { type: 'map', keyType: 'integer', valueType: 'string', valueContainsNull: true }),
      field('s', struct(field('x', 'integer'), field('v', 'variant'))),
    )
    const lines = [
      '{"k":1.50,"n":"9223372036854775807","f":"NaN","t":1,"b":"AAEC","v":{"a":[1,"x",null]},"m":{"1":"x"},"e":{"":1},"s":{"X":"3","v":true}}',
      '{"k":"2.00","n":-1,"f":"-Infinity","t":true,"b":"","v":"1","m":{"1":"y"},"s":null}',
      '{"k":null,"n":null,"f":null,"t":null,"b":null,"v":null,"m":null,"s":{}}',
    ]
    const { paths } = await write({ files: file('every.ndjson', lines.join('\n')) }, { schema })
    const json = (parts: string) =>
      `CASE WHEN ${parts} IS NOT NULL THEN variant_bytes_to_variant(${parts}.metadata || ${parts}."value")::JSON::VARCHAR END`
    const columns = `k::VARCHAR AS k, n, f::VARCHAR AS f, t, hex(b) AS b, ${json('v')} AS v, m::VARCHAR AS m, e::VARCHAR AS e, s.x AS x, ${json('s.v')} AS sv`
    const zeros = '0'.repeat(decimal === 'decimal(10,2)' ? 0 : 7)
    expect(await sql(`SELECT ${columns} FROM read_parquet('${paths[0]}')`)).toEqual([
      {
        k: `1.50${zeros}`,
        n: 9223372036854775807n,
        f: 'nan',
        t: '1',
        b: '000102',
        v: '{"a":[1,"x",null]}',
        m: '{1=x}',
        e: "{''=1}",
        x: 3,
        sv: 'true',
      },
      { k: `2.00${zeros}`, n: -1n, f: '-inf', t: 'true', b: '', v: '"1"', m: '{1=y}', e: null, x: null, sv: null },
      { k: null, n: null, f: null, t: null, b: null, v: null, m: null, e: null, x: null, sv: null },
    ])
    for (const wrong of ['{"b":"x"}', '{"f":1e39}', '{"n":1.5}', '{"k":0.0000000001}']) {
      await expect(write({ files: file('wrong.json', wrong) }, { schema }), wrong).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    }
    const inner = { code: 'UNKNOWN_COLUMN', data: { column: 's.w' } }
    await expect(write({ files: file('inner.json', '{"s":{"x":1,"w":2}}') }, { schema })).rejects.toMatchObject(inner)
  })

  test('long decimals keep their digits in arrays, over several lines, and packed', async () => {
    const schema = struct(field('id', 'long'), field('d', 'decimal(38,9)'))
    const text = '[\n {"id": 1,\n "d": 12345678901234567890.123456789},\n {"d":0.1}]'
    const { paths } = await write({ files: file('long.json.gz', gzipSync(text)) }, { schema })
    expect(await readBack(paths)).toEqual([
      { id: 1n, d: '12345678901234567890.123456789' },
      { id: null, d: '0.100000000' },
    ])
  })

  test('no objects are no rows of a table, and something else is none', async () => {
    const schema = struct(field('id', 'long', false), field('v', 'variant'))
    for (const nothing of ['[]', '', '\n']) {
      expect((await write({ files: file('nothing.json', nothing) }, { schema })).files).toEqual([])
      await expect(write({ files: file('nothing.json', nothing) })).rejects.toMatchObject({ code: 'INPUT_CORRUPT' })
    }
    expect(
      (await readBack((await write({ files: file('empty.json', '{}\n{}') }, { schema: struct(field('v', 'long')) })).paths)).length,
    ).toBe(2)
    for (const [content, shown] of [
      ['[1]', '1'],
      ['55', '55'],
      ['{"id":1}\n[2]', '[2]'],
    ] as const) {
      const failed = write({ files: file('other.ndjson', content), format: content.startsWith('[') ? 'json' : 'ndjson' }, { schema })
      await expect(failed).rejects.toMatchObject({ code: 'INPUT_CORRUPT', message: expect.stringContaining(shown) })
    }
  })
})

describe('pipes and streams', () => {
  const content = { ndjson: '{"a":7}\n', csv: 'a\n7\n', json: '[{"a":7}]' }

  test.each(Object.entries(content))('%s is read once, and whole', async (format, text) => {
    const pipe = join(folder, `pipe-${format}`)
    execFileSync('mkfifo', [pipe])
    const writer = promisify(execFile)('bash', ['-c', 'cat "$0" > "$1"', file(`piped.${format}`, text), pipe])
    const { paths } = await write({ files: pipe, format: format as 'csv' })
    await writer
    expect(await readBack(paths)).toEqual([{ a: 7n }])
  })

  test('are called by their own names where they cannot be read', async () => {
    const bytes = async function* () {
      yield Buffer.from('no such thing')
    }
    for (const format of ['parquet', 'arrow', 'ndjson'] as const) {
      const failure = await write({ stream: bytes(), format }).catch((error: VarveError) => error)
      expect(failure).toMatchObject({
        code: 'INPUT_CORRUPT',
        data: { path: '-' },
        message: expect.stringMatching(/^The stream cannot be read: (?!The)/),
      })
      expect((failure as VarveError).message).not.toContain('varve-input')
    }
  })
})

describe('Parquet', () => {
  test('several files are matched by name', async () => {
    const one = (await write([{ a: 1, b: 'x' }])).paths[0]!
    const two = (await write([{ b: 'y', c: 2 }])).paths[0]!
    const { paths } = await write({ files: [one, two] })
    expect(await readBack(paths)).toEqual([
      { a: 1n, b: 'x', c: null },
      { a: null, b: 'y', c: 2n },
    ])
  })

  test('a name that looks like a pattern is a name, and a folder is its files', async () => {
    const inside = join(folder, 'many [1]*')
    mkdirSync(inside)
    writeFileSync(join(inside, 'a[1]*?.csv'), 'v\n1\n')
    writeFileSync(join(inside, 'a1xy.csv'), 'v\n2\n')
    expect(await readBack((await write({ files: join(inside, 'a[1]*?.csv') })).paths)).toEqual([{ v: 1n }])
    expect(await readBack((await write({ files: inside, format: 'csv' })).paths)).toEqual([{ v: 1n }, { v: 2n }])
  })

  test('parquetjs-lite reads a Snappy file of ours', async () => {
    const { paths } = await write(
      { query: "SELECT i AS id, 'name ' || i AS name, i / 4 AS share FROM range(1000) t(i)" },
      { compression: 'snappy' },
    )
    const reader = await ParquetReader.openFile(paths[0]!)
    const cursor = reader.getCursor()
    const rows: unknown[] = []
    for (let row = await cursor.next(); row; row = await cursor.next()) rows.push(row)
    await reader.close()
    expect(rows).toHaveLength(1000)
    expect(rows[7]).toEqual({ id: 7n, name: 'name 7', share: 1.75 })
  })

  test('types that Delta lacks are converted where no value changes', async () => {
    const { schema, paths } = await write({
      query: `SELECT 255::UTINYINT AS a, 18446744073709551615::UBIGINT AS b, 170141183460469231731687303715884105::HUGEINT AS c, 'x'::ENUM('x', 'y') AS d,
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID AS e, TIMESTAMP_NS '2020-01-01 00:00:00.123456000' AS f, [1::UINTEGER] AS g`,
    })
    expect(types(schema)).toEqual({
      a: 'short',
      b: 'decimal(20,0)',
      c: 'decimal(38,0)',
      d: 'string',
      e: 'string',
      f: 'timestamp_ntz',
      g: 'array<long>',
    })
    expect(await readBack(paths)).toMatchObject([
      { a: 255, b: '18446744073709551615', c: '170141183460469231731687303715884105', d: 'x', g: [4294967296n - 4294967295n] },
    ])
    await expect(write({ query: "SELECT TIMESTAMP_NS '2020-01-01 00:00:00.123456789' AS f" })).rejects.toMatchObject({
      code: 'VALUE_OUT_OF_RANGE',
      data: { column: 'f' },
    })
    await expect(openSource({ query: 'SELECT INTERVAL 1 DAY AS v' })).rejects.toMatchObject({
      code: 'UNSUPPORTED_TYPE',
      data: { column: 'v', type: 'INTERVAL' },
    })
  })
})

describe('queries', () => {
  test('parameters are bound, and 64-bit constants survive', async () => {
    const { paths } = await write({ query: 'SELECT 9007199254740993 AS a, $name AS b, $n + 1 AS c', params: { name: "x'; --", n: 41 } })
    expect(await readBack(paths)).toMatchObject([{ a: 9007199254740993n, b: "x'; --" }])
  })
})

describe('Arrow and streams', () => {
  const table = arrow.tableFromArrays({ id: BigInt64Array.of(1n, 2n, 3n), v: Float64Array.of(0.5, Number.NaN, -0) })
  const rows = [
    { id: 1n, v: 0.5 },
    { id: 2n, v: Number.NaN },
    { id: 3n, v: -0 },
  ]

  test.each(['file', 'stream'] as const)('an IPC %s', async (kind) => {
    const path = file(`ipc-${kind}.arrow`, arrow.tableToIPC(table, kind))
    for (const input of [{ files: path }, { files: [path] }, { stream: createReadStream(path), format: 'arrow' as const }]) {
      if ('stream' in input && kind === 'file') continue
      expect(await readBack((await write(input)).paths, 'id')).toEqual(rows)
    }
    const cut = file('cut.arrow', arrow.tableToIPC(table, kind).subarray(0, -40))
    await expect(write({ files: cut })).rejects.toMatchObject({ code: 'INPUT_CORRUPT', data: { path: cut } })
  })

  test('a table, a batch, a reader, and iterables of batches', async () => {
    const [batch] = table.batches
    const ipc = arrow.tableToIPC(table)
    const inputs = [
      table,
      batch!,
      [batch!],
      new Set([batch!]),
      arrow.RecordBatchReader.from(ipc),
      (async function* () {
        yield batch!
      })(),
      await arrow.RecordBatchReader.from(
        (async function* () {
          yield ipc
        })(),
      ),
    ]
    for (const input of inputs) expect(await readBack((await write(input as never)).paths, 'id')).toEqual(rows)
  })

  test.each([
    ['csv', 'id,v\n1,x\n'],
    ['ndjson', '{"id":1,"v":"x"}\n'],
  ] as const)('bytes of %s', async (format, content) => {
    const stream = (async function* () {
      yield Buffer.from(content.slice(0, 5))
      yield Buffer.from(content.slice(5))
    })()
    expect(await readBack((await write({ stream, format })).paths)).toEqual([{ id: 1n, v: 'x' }])
  })
})

describe('rows', () => {
  test('nothing at all makes no file', async () => {
    const schema = struct(field('id', 'long', false))
    for (const input of [[], (async function* () {})(), { query: 'SELECT 1::BIGINT AS id WHERE false' }])
      expect((await write(input as never, { schema })).files).toEqual([])
  })

  test('columns are matched without regard to case; a missing one is NULL', async () => {
    const schema = struct(field('Id', 'long', false), field('Note', 'string'))
    expect(await readBack((await write([{ ID: 1 }, { iD: 2, nOTE: 'x' }], { schema })).paths)).toEqual([
      { Id: 1n, Note: null },
      { Id: 2n, Note: 'x' },
    ])
    await expect(write([{ note: 'x' }], { schema })).rejects.toMatchObject({ code: 'MISSING_COLUMN', data: { column: 'Id' } })
    await expect(write([{ id: 1 }, { note: 'x' }], { schema })).rejects.toMatchObject({ code: 'NOT_NULL_VIOLATED', data: { column: 'Id' } })
    await expect(write([{ id: 1, more: 2 }], { schema })).rejects.toMatchObject({ code: 'UNKNOWN_COLUMN', data: { column: 'more' } })
  })

  test('with mergeSchema new columns are inferred behind the table’s', async () => {
    const tableSchema = struct(field('id', 'long', false), field('d', 'decimal(10,2)'))
    const source = await openSource(
      [
        { id: 1, d: '1.5', more: 0.5 },
        { id: 2, note: 'x' },
      ],
      { tableSchema, mergeSchema: true },
    )
    expect(types(source.schema)).toEqual({ id: 'long', d: 'decimal(10,2)', more: 'double', note: 'string' })
  })
})
