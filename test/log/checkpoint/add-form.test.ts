/** Statistics as values: what they say is what the text says, and files are chosen by them as by the text. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { firstLook } from '../../../src/data/prune/first-look.ts'
import type { Comparison, Constant, Predicate } from '../../../src/data/prune/predicate.ts'
import { chooseFiles } from '../../../src/data/prune/prune.ts'
import { trustedEngine } from '../../../src/engine/index.ts'
import { memoryStore } from '../../../src/index.ts'
import { addFormOf } from '../../../src/log/checkpoint/add-form.ts'
import { writeCheckpoint } from '../../../src/log/checkpoint/checkpoint.ts'
import { DeltaLog } from '../../../src/log/delta-log.ts'
import { commitKey, logFolder } from '../../../src/log/paths.ts'
import { quoteLiteral } from '../../../src/schema/quoting.ts'
import type { DataType, StructType } from '../../../src/schema/types.ts'
import type { ObjectStore } from '../../../src/storage/index.ts'
import { schemaOf } from '../../query/tools.ts'
import { column, mapped, metaData, protocol } from '../../support/hand-table.ts'

/** What becomes of one file's statistics as text; the values as text again. */
async function valuesOf(schema: StructType, stats: string | null, properties: Record<string, string> = {}, partition = '') {
  const connection = await (await trustedEngine()).connect()
  try {
    const columns = partition === '' ? [] : ['p']
    const form = addFormOf(schema, columns, properties)
    const file = `SELECT ${stats === null ? 'NULL' : quoteLiteral(stats)}::VARCHAR AS stats, MAP {'p': ${partition || 'NULL'}::VARCHAR} AS "partitionValues"`
    const [row] = await connection.all(
      `SELECT to_json(one)::VARCHAR AS value, typeof(one)::VARCHAR AS type FROM (SELECT {${form.typed.join(', ')}} AS one FROM (${form.source(file)}))`,
    )
    return { value: JSON.parse(String(row!.value)), json: String(row!.value), type: String(row!.type) }
  } finally {
    await connection.close()
  }
}

/** What becomes of a bound as JSON. */
async function bound(type: DataType, text: string): Promise<string> {
  const { json } = await valuesOf(schemaOf({ c: type }), `{"numRecords":1,"minValues":{"c":${text}}}`)
  return /"minValues":\{"c":(.*?)\}/.exec(json)![1]!
}

describe('a bound is what its text says, or NULL', () => {
  test.each<[DataType, string, string]>([
    ['long', '9223372036854775807', '9223372036854775807'],
    ['long', '-9223372036854775808', '-9223372036854775808'],
    ['long', '9223372036854775808', 'null'],
    ['long', '7.5', 'null'],
    ['long', '1e3', 'null'],
    ['long', 'true', 'null'],
    ['integer', '2147483648', 'null'],
    ['byte', '-128', '-128'],
    ['byte', '128', 'null'],
    ['decimal(5,2)', '-123.45', '-123.45'],
    ['decimal(5,2)', '0.125', 'null'],
    ['decimal(5,2)', '1000', 'null'],
    ['decimal(38,18)', '0.000000000000000001', '0.000000000000000001'],
    ['decimal(38,0)', '12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
    // More digits than a double has.
    ['decimal(38,10)', '1234567890123456.0123456789', 'null'],
    ['decimal(18,2)', '1234567890123456.12', 'null'],
    ['decimal(18,2)', '1234567890123.12', '1234567890123.12'],
    ['double', '-0.0', '-0.0'],
    ['double', '0.1', '0.1'],
    ['double', '"NaN"', 'null'],
    ['double', '"Infinity"', 'null'],
    ['double', '1e400', 'null'],
    ['float', '3.5', '3.5'],
    ['date', '"2024-02-29"', '"2024-02-29"'],
    ['date', '"2024-02-30"', 'null'],
    ['date', '"infinity"', 'null'],
    ['timestamp', '"2024-01-01T00:00:00.123Z"', '"2024-01-01 00:00:00.123+00"'],
    ['timestamp', '"2024-01-01T00:00:00.123-08:00"', '"2024-01-01 08:00:00.123+00"'],
    ['timestamp', '5', 'null'],
    ['timestamp_ntz', '"1969-12-31T23:59:59.999"', '"1969-12-31 23:59:59.999"'],
    ['string', '"ä\\u0000\\"x"', '"ä\\u0000\\"x"'],
    ['string', 'null', 'null'],
  ])('%s %s', async (type, text, expected) => {
    expect(await bound(type, text)).toBe(expected)
  })
})

test('fields have the names that files use, and the types of columns', async () => {
  const schema: StructType = {
    type: 'struct',
    fields: [
      column('id', 'integer', mapped(1, 'col-1')),
      column('inner', { type: 'struct', fields: [column('at', 'timestamp', mapped(3, 'col-3'))] }, mapped(2, 'col-2')),
      column('list', { type: 'array', elementType: 'string', containsNull: true }, mapped(4, 'col-4')),
      column('flag', 'boolean', mapped(5, 'col-5')),
      column('p', 'date', mapped(6, 'p')),
      column('wide', 'double', {
        metadata: { ...mapped(7, 'w').metadata, 'delta.typeChanges': [{ fromType: 'float', toType: 'double' }] },
      }),
      column('last', 'string', mapped(8, 'col-8')),
    ],
  }
  const properties = { 'delta.columnMapping.mode': 'name', 'delta.dataSkippingNumIndexedCols': '5' }
  const stats = `{"numRecords":3,"minValues":{"col-1":-1,"col-2":{"col-3":"2024-01-01T00:00:00.000Z"}},"nullCount":{"col-1":0,"col-4":2},"tightBounds":false}`
  const { value, type } = await valuesOf(schema, stats, properties, `'2024-05-06'`)
  const bounds = 'STRUCT("col-1" INTEGER, "col-2" STRUCT("col-3" TIMESTAMP WITH TIME ZONE))'
  expect(type).toBe(
    `STRUCT(stats_parsed STRUCT(numRecords BIGINT, minValues ${bounds}, maxValues ${bounds}, nullCount STRUCT("col-1" BIGINT, "col-2" STRUCT("col-3" BIGINT), "col-4" BIGINT, "col-5" BIGINT, w BIGINT), tightBounds BOOLEAN), partitionValues_parsed STRUCT(p DATE))`,
  )
  expect(value).toMatchObject({
    stats_parsed: {
      numRecords: 3,
      minValues: { 'col-1': -1 },
      maxValues: { 'col-1': null },
      nullCount: { 'col-1': 0, 'col-4': 2 },
      tightBounds: false,
    },
    partitionValues_parsed: { p: '2024-05-06' },
  })
  expect((await valuesOf(schema, null, properties, 'NULL')).value).toEqual({ stats_parsed: null, partitionValues_parsed: { p: null } })
})

test('names that differ in case alone, and names of odd letters', async () => {
  const fields = [
    column('x', 'long', mapped(1, 'A')),
    column('y', 'long', mapped(2, 'a')),
    column('z', 'long', mapped(3, `__proto__ '".,`)),
  ]
  const stats = JSON.stringify({ numRecords: 1, minValues: { A: 1, a: 2 } }).replace('"a":2', `"a":2,"__proto__ '\\".,":3`)
  const { value } = await valuesOf({ type: 'struct', fields }, stats, { 'delta.columnMapping.mode': 'name' })
  expect(value.stats_parsed.minValues).toEqual({ A: 1, [`__proto__ '".,`]: 3 })
})

const types: readonly DataType[] = [
  'long',
  'integer',
  'byte',
  'double',
  'float',
  'string',
  'date',
  'timestamp',
  'timestamp_ntz',
  'decimal(9,2)',
  'decimal(30,12)',
]
const comparisons: readonly Comparison[] = ['=', '<', '<=', '>', '>=', '<>']
const day = (days: number) => new Date(days * 86_400_000).toISOString()

/** A bound as writers spell it. */
function plainText(type: DataType): fc.Arbitrary<string> {
  const whole = fc.integer({ min: -130, max: 130 })
  if (type === 'string') return fc.string({ maxLength: 3, unit: 'binary' }).map((text) => JSON.stringify(text))
  if (type === 'date') return whole.map((days) => `"${day(days).slice(0, 10)}"`)
  if (type === 'timestamp') return whole.map((days) => `"${day(days / 1000)}"`)
  if (type === 'timestamp_ntz') return whole.map((days) => `"${day(days / 1000).slice(0, -1)}"`)
  if (/^(long|integer|byte)$/.test(type as string)) return fc.integer({ min: -128, max: 127 }).map(String)
  return whole.map((value) => (value / 4).toFixed(2))
}

/** A bound as none should be spelt. */
const oddText = fc.constantFrom('null', '"x"', '7.25', '1e3', '{}', 'true', '"NaN"', '9007199254740993', '-0.0', '123456789012345678.5')

function constantOf(type: DataType): fc.Arbitrary<Constant> {
  const whole = fc.integer({ min: -130, max: 130 })
  if (type === 'string') return fc.string({ maxLength: 3, unit: 'binary' }).map((value) => ({ kind: 'text', value }))
  if (type === 'date') return whole.map((days) => ({ kind: 'time', value: days * 86_400_000_000 }))
  if (type === 'timestamp' || type === 'timestamp_ntz') return whole.map((days) => ({ kind: 'time', value: days * 86_400_000 }))
  return whole.map((value) => ({ kind: 'number', value: value / 4 }))
}

const forms: readonly Record<string, string>[] = [
  { 'delta.checkpoint.writeStatsAsStruct': 'false' },
  {},
  { 'delta.checkpoint.writeStatsAsJson': 'false' },
]

test('files are chosen by values as by text, of random columns and statistics', async () => {
  const columns = types.flatMap((type, index) => [
    { name: `p${index}`, type, odd: false },
    { name: `o${index}`, type, odd: true },
  ])
  const cell = ({ type, odd }: (typeof columns)[number]) =>
    odd ? fc.oneof({ weight: 4, arbitrary: plainText(type) }, { weight: 1, arbitrary: oddText }) : plainText(type)
  const cells = fc.tuple(...columns.map(cell))
  const file = fc.record({ min: cells, max: cells, nulls: fc.integer({ min: 0, max: 2 }) })
  const predicates = fc.tuple(
    ...columns.map(({ type }) => fc.record({ comparison: fc.constantFrom(...comparisons), value: constantOf(type) })),
  )
  const some = fc.record({ v2: fc.boolean(), files: fc.array(file, { minLength: 10, maxLength: 30 }), predicates })
  // Every other column lies in a struct.
  const inner = columns.filter((_, index) => index % 2 === 1)
  const plain = columns.filter((_, index) => index % 2 === 0)
  const fieldsOf = (of: typeof columns) => of.map(({ name, type }) => column(name, type))
  const schema: StructType = { type: 'struct', fields: [...fieldsOf(plain), column('s', { type: 'struct', fields: fieldsOf(inner) })] }
  const textsOf = (text: (index: number) => string) => {
    const of = (some: typeof columns) => some.map((one) => `"${one.name}":${text(columns.indexOf(one))}`).join(',')
    return `{${of(plain)},"s":{${of(inner)}}}`
  }
  const table = { schema, partitionColumns: [] }

  await fc.assert(
    fc.asyncProperty(some, async ({ v2, files, predicates }) => {
      const adds = files.map(({ min, max, nulls }, index) => {
        const stats = `{"numRecords":2,"minValues":${textsOf((i) => min[i]!)},"maxValues":${textsOf((i) => max[i]!)},"nullCount":${textsOf(() => `${nulls}`)}}`
        return add(`f${index}`, stats)
      })
      const answers: string[][][] = []
      for (const form of forms) {
        const store = memoryStore()
        const configuration = {
          ...plainConfiguration,
          ...form,
          'delta.dataSkippingNumIndexedCols': '-1',
          'delta.checkpointPolicy': v2 ? 'v2' : 'classic',
        }
        await commit(store, 0, [protocol(features), metaData(schema.fields, { configuration }), ...adds])
        await writeCheckpoint(store, (await DeltaLog.open(store))!.latest, 0)
        const log = (await DeltaLog.open(store))!
        const list = await log.files(log.latest)
        const chosen: string[][] = []
        for (const [index, { comparison, value }] of predicates.entries()) {
          const { name } = columns[index]!
          const path = index % 2 === 1 ? ['s', name] : [name]
          const predicate: Predicate = {
            op: 'compare',
            left: { kind: 'column', column: { path } },
            comparison,
            right: { kind: 'value', value },
          }
          const found = (await chooseFiles(list, table, predicate)).map((one) => one.path).sort()
          const looked = await list.use(async ({ connection, parts }) => {
            const { rows } = parts[0]!
            const condition = firstLook(rows, table, predicate)
            return connection.all(`SELECT ${rows.columns.path} AS path FROM ${rows.from} ${condition ? `AND ${condition}` : ''}`)
          })
          const left = new Set(looked.map((row) => String(row.path)))
          expect(found.filter((one) => !left.has(one))).toEqual([])
          chosen.push(found)
        }
        answers.push(chosen)
      }
      const [byText, ...others] = answers
      for (const byValues of others) {
        for (const [index, { odd, name, type }] of columns.entries()) {
          const [wanted, got] = [byText![index]!, byValues[index]!]
          // What a value cannot say exactly it does not say, and the file is kept.
          if (odd)
            expect(
              wanted.filter((path) => !got.includes(path)),
              `${name} ${type}`,
            ).toEqual([])
          else expect(got, `${name} ${type}`).toEqual(wanted)
        }
      }
    }),
    { numRuns: 2, seed: 4, endOnFailure: true },
  )
})

const plainConfiguration = { 'delta.enableChangeDataFeed': 'false' }
const features = {
  readerFeatures: ['v2Checkpoint', 'typeWidening', 'timestampNtz'],
  writerFeatures: ['v2Checkpoint', 'typeWidening', 'timestampNtz'],
}

function add(path: string, stats: string) {
  return { add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, stats } }
}

async function commit(store: ObjectStore, version: number, actions: readonly object[]): Promise<void> {
  await store.putIfAbsent(commitKey(version), new TextEncoder().encode(actions.map((action) => `${JSON.stringify(action)}\n`).join('')))
}

test('sidecars of another form are written anew, those of the same are named again', async () => {
  const store = memoryStore()
  const sidecars = async () => {
    const names: string[] = []
    for await (const { key } of store.list(`${logFolder}/_sidecars/`)) names.push(key)
    return names.length
  }
  const configuration = { ...plainConfiguration, 'delta.checkpointPolicy': 'v2' }
  const one = (path: string, value: number) => add(path, `{"numRecords":1,"minValues":{"c":${value}},"maxValues":{"c":${value}}}`)
  const widened = { 'delta.typeChanges': [{ fromType: 'integer', toType: 'long' }] }
  const commits = [
    [protocol(features), metaData([column('c', 'integer')], { configuration }), ...Array.from({ length: 9 }, (_, i) => one(`a${i}`, i))],
    [one('b', 2147483647)],
    [metaData([column('c', 'long', { metadata: widened }), column('d', 'string')], { configuration }), one('c', 2147483648)],
  ]
  const counts: number[] = []
  for (const [version, actions] of commits.entries()) {
    await commit(store, version, actions)
    await writeCheckpoint(store, (await DeltaLog.open(store))!.latest, 0)
    counts.push(await sidecars())
  }
  expect(counts).toEqual([1, 2, 3])
  const log = (await DeltaLog.open(store))!
  const list = await log.files(log.latest)
  const table = { schema: schemaOf({ c: 'long', d: 'string' }), partitionColumns: [] }
  const least = (value: number): Predicate => ({
    op: 'compare',
    left: { kind: 'column', column: { path: ['c'] } },
    comparison: '>=',
    right: { kind: 'value', value: { kind: 'number', value } },
  })
  const chosen = async (value: number) => (await chooseFiles(list, table, least(value))).map(({ path }) => path).sort()
  expect([await chosen(2147483648), await chosen(2147483647), await chosen(8)]).toEqual([['c'], ['b', 'c'], ['a8', 'b', 'c']])
  await list.use(async ({ parts }) => {
    expect(parts[0]!.rows.typed?.('minValues', ['c'])).toMatchObject({ type: 'long', everywhere: true })
  })
})
