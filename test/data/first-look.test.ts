/** A first look at files: none that may count is left out, whatever statistics say and in whatever form; and it does leave out. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { firstLook } from '../../src/data/prune/first-look.ts'
import { atLeast, atMost } from '../../src/data/prune/integer-patterns.ts'
import type { Comparison, Constant, Predicate } from '../../src/data/prune/predicate.ts'
import { chooseFiles, type FileSource } from '../../src/data/prune/prune.ts'
import type { ZoneTable } from '../../src/data/prune/zone.ts'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'
import { type FileRows, fileColumns } from '../../src/log/files/file-rows.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import type { DataType } from '../../src/schema/types.ts'
import { schemaOf } from '../query/tools.ts'

let connection: Connection
beforeAll(async () => {
  connection = await (await trustedEngine()).connect()
})
afterAll(() => connection.close())

interface File {
  readonly stats: string | null
  readonly day?: string | null
}

const values = ({ stats, day = null }: File) => `(${[stats, day].map((text) => (text === null ? 'NULL' : quoteLiteral(text))).join(', ')})`

/** The same files as rows that say how many they are, of which a first look may be taken, and as a list that is read whole. */
function bothWays(files: readonly File[]): { rows: FileRows; whole: FileSource } {
  const relation = `(SELECT 'f' || (i - 1) AS path, MAP {'day': day} AS partition_values, 1 AS size, stats, NULL::BIGINT AS num_records,
    NULL::STRUCT("storageType" VARCHAR) AS deletion_vector, i - 1 AS place
    FROM (SELECT *, row_number() OVER () AS i FROM (VALUES ${files.map(values).join(', ')}) v(stats, day)))`
  const rows: FileRows = {
    from: `${relation} WHERE true`,
    place: 'place',
    json: 'stats',
    files: 100_000,
    columns: Object.fromEntries(fileColumns.map((name) => [name, name])) as unknown as FileRows['columns'],
    at: (places) => `place IN (${places.join(', ')})`,
    keep: () => undefined,
  }
  return { rows, whole: { connection, relation } }
}

async function chosenBothWays(files: readonly File[], table: ZoneTable, predicate: Predicate) {
  const { rows, whole } = bothWays(files)
  const list: FileSource = {
    ...whole,
    use: (work) => work({ ...whole, parts: [{ rows, where: undefined, live: async () => undefined }] }),
  }
  const [looked, all] = [await chooseFiles(list, table, predicate), await chooseFiles(whole, table, predicate)]
  return { looked: looked.map(({ path }) => path), all: all.map(({ path }) => path) }
}

/** The files that a first look leaves. */
async function left(files: readonly File[], table: ZoneTable, predicate: Predicate): Promise<string[]> {
  const { rows } = bothWays(files)
  const found = await connection.all(`SELECT path FROM ${rows.from} AND ${firstLook(rows, table, predicate)} ORDER BY place`)
  return found.map(({ path }) => String(path))
}

const tableOf = (type: DataType): ZoneTable => ({
  schema: schemaOf({ c: type, other: 'string', day: 'date' }),
  partitionColumns: ['day'],
})
const compare = (comparison: Comparison, value: Constant, name = 'c'): Predicate => ({
  op: 'compare',
  left: { kind: 'column', column: { path: [name] } },
  comparison,
  right: { kind: 'value', value },
})
const number = (value: number): Constant => ({ kind: 'number', value })
const between = (min: unknown, max: unknown, other = 'x'): string =>
  `{"numRecords":10,"minValues":{"c":${min},"other":${JSON.stringify(other)}},"maxValues":{"c":${max},"other":"z"},"nullCount":{"c":0}}`

test('a pattern is for the numbers that it says, and for no others', async () => {
  const long = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -1100n, max: 1100n }))
  const pairs = fc.sample(fc.tuple(long, long), { numRuns: 1500, seed: 9 }).flatMap(([bound, other]) => [
    [bound, other],
    [bound, bound],
    [bound, bound + 1n],
    [bound, bound - 1n],
  ])
  const matches = (pattern: string, value: bigint) => new RegExp(`^${pattern}$`).test(String(value))
  const wrongly = (pairs as [bigint, bigint][]).filter(
    ([bound, value]) => matches(atLeast(bound), value) !== value >= bound || matches(atMost(bound), value) !== value <= bound,
  )
  expect(wrongly).toEqual([])
  // The engine's patterns are no other.
  const some = pairs.slice(0, 40).map(([bound, value]) => `('${value}', ${quoteLiteral(atLeast(bound!))}, ${value! >= bound!})`)
  const wrong = `SELECT count(*) AS wrong FROM (VALUES ${some.join(', ')}) v(t, p, expected) WHERE regexp_full_match(t, p) <> expected`
  expect(await connection.all(wrong)).toEqual([{ wrong: 0n }])
})

test('it leaves out what is surely out of bounds, and nothing in any other form', async () => {
  const files = [
    { stats: between(1, 5) },
    { stats: between(6, 9) },
    { stats: between(8, 12) },
    { stats: between(13, 14) },
    { stats: '{"numRecords": 10,"minValues":{"c":90},"maxValues":{"c":91}}' },
    { stats: '{"minValues":{"c":90},"numRecords":10,"maxValues":{"c":91}}' },
    { stats: '{"numRecords":10,"minValues":{"c":90.5,"other":"a"},"maxValues":{"c":9.1e1}}' },
    { stats: '{"numRecords":10,"minValues":{"other":"a","c":90},"maxValues":{"other":"a","c":91}}' },
    { stats: '{"numRecords":10,"minValues":{"c":90' },
    { stats: '{"numRecords":10}' },
    { stats: null },
  ]
  const all = ['f4', 'f5', 'f6', 'f7', 'f8', 'f9', 'f10']
  expect(await left(files, tableOf('long'), compare('=', number(8)))).toEqual(['f1', 'f2', ...all])
  expect(await left(files, tableOf('integer'), compare('<', number(8)))).toEqual(['f0', 'f1', 'f2', ...all])
  expect(await left(files, tableOf('short'), compare('>=', number(12.5)))).toEqual(['f3', ...all])
  const firstNot = { ...tableOf('long'), schema: schemaOf({ other: 'string', c: 'long', day: 'date' }) }
  const named = {
    ...tableOf('long'),
    schema: schemaOf({ c: 'long', s: { type: 'struct', fields: schemaOf({ maxValues: 'long' }).fields } }),
  }
  for (const table of [firstNot, named, tableOf('double'), tableOf('decimal(10,2)'), tableOf('string')]) {
    expect(firstLook(bothWays(files).rows, table, compare('=', number(8)))).toBeUndefined()
  }
})

test('text in a value that reads like statistics is none', async () => {
  const sly = '},"maxValues":{"c":1},"minValues":{"c":99},'
  const files = [{ stats: between(5, 9, sly) }, { stats: between(5, 9, `${sly}\\`) }, { stats: between(5, 9, ',"c":99') }]
  expect(await left(files, tableOf('long'), compare('=', number(7)))).toEqual(['f0', 'f1', 'f2'])
  expect(await left(files, tableOf('long'), compare('=', number(99)))).toEqual([])
})

test('statistics in types of their own', async () => {
  const from = '(FROM (VALUES (0, 1, 5), (1, 8, 9), (2, NULL, 9), (3, 8, NULL)) v(place, low, high)) WHERE true'
  const rows = bothWays([{ stats: null }]).rows
  const typedRows = (everywhere: boolean): FileRows => ({
    ...rows,
    from,
    typed: (group) => ({ sql: group === 'minValues' ? 'low::BIGINT' : 'high::BIGINT', type: 'long', everywhere }),
  })
  const places = async (everywhere: boolean, predicate: Predicate) => {
    const found = await connection.all(`SELECT place FROM ${from} AND ${firstLook(typedRows(everywhere), tableOf('long'), predicate)}`)
    return found.map(({ place }) => Number(place))
  }
  expect(await places(false, compare('=', number(7)))).toEqual([2])
  expect(await places(false, compare('>', number(7.5)))).toEqual([1, 2, 3])
  expect(await places(true, compare('<=', number(7.5)))).toEqual([0])
})

test('numbers that a double does not tell apart are not left out', async () => {
  const files = [{ stats: between('9007199254740993', '9007199254740993') }, { stats: between('9007199254750993', '9007199254750993') }]
  expect(await left(files, tableOf('long'), compare('=', { kind: 'number', value: 2 ** 53, error: 1 }))).toEqual(['f0'])
})

test('days that are partition values', async () => {
  const files = [
    { stats: between(1, 9), day: '2024-01-01' },
    { stats: between(1, 9), day: '2024-01-02' },
    { stats: between(11, 19), day: '2024-01-02' },
    { stats: between(1, 9), day: null },
    { stats: between(1, 9), day: 'no day' },
  ]
  const day = compare('=', { kind: 'time', value: Date.UTC(2024, 0, 2) * 1000 }, 'day')
  expect(await left(files, tableOf('long'), { op: 'and', terms: [compare('=', number(7)), day] })).toEqual(['f1', 'f3', 'f4'])
})

test('what is chosen is the same with a first look and without', async () => {
  const bound = fc.oneof(
    fc.integer({ min: -30, max: 30 }).map(String),
    fc.constantFrom('null', '"x"', '-0', '1.5', '1e1', '9007199254740993', '-9223372036854775808', 'NaN'),
  )
  const stats = fc.oneof(
    fc.tuple(bound, bound).map(([min, max]) => between(min, max)),
    fc.tuple(bound, bound).map(([min, max]) => between(min, max).replaceAll(',', ', ')),
    fc.constantFrom('{}', '{"numRecords":1}', 'no json'),
  )
  const file = fc.record({ stats: fc.option(stats), day: fc.constantFrom(null, '2024-01-01', '2024-01-02', '', 'x') })
  const leaf = fc.oneof(
    fc
      .tuple(fc.constantFrom<Comparison>('=', '<>', '<', '<=', '>', '>='), fc.integer({ min: -30, max: 30 }))
      .map(([comparison, value]) => compare(comparison, number(value))),
    fc.constantFrom<Comparison>('=', '<', '>=').map((comparison) => compare(comparison, { kind: 'text', value: '2024-01-02' }, 'day')),
    fc.constant(compare('=', null)),
  )
  const predicate = fc.oneof(
    leaf,
    fc.array(leaf, { minLength: 2, maxLength: 3 }).map((terms): Predicate => ({ op: 'and', terms })),
    fc.array(leaf, { minLength: 2, maxLength: 2 }).map((terms): Predicate => ({ op: 'or', terms })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 8 }), predicate, async (files, wanted) => {
      const { looked, all } = await chosenBothWays(files, tableOf('long'), wanted)
      expect(looked).toEqual(all)
    }),
    { numRuns: 60 },
  )
})
