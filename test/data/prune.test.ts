/** Which files may hold a row: exactly, for statistics that say much, little, or something odd. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ColumnPath, Comparison, Constant, Operand, Predicate } from '../../src/data/prune/predicate.ts'
import { chooseFiles, type FileSource, mayContain } from '../../src/data/prune/prune.ts'
import { type Connection, trustedEngine } from '../../src/engine/index.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import type { DataType } from '../../src/schema/types.ts'
import { schemaOf } from '../query/tools.ts'

let connection: Connection
let count = 0
beforeAll(async () => {
  connection = await (await trustedEngine()).connect()
})
afterAll(() => connection.close())

async function listOf(files: readonly { stats?: string; partition?: Record<string, string | null> }[]): Promise<FileSource> {
  count += 1
  const relation = `prune_files_${count}`
  const rows = files.map(({ stats, partition = {} }, i) => {
    const entries = Object.entries(partition).map(
      ([name, value]) => `(${quoteLiteral(name)}, ${value === null ? 'NULL' : quoteLiteral(value)})`,
    )
    return `('f${i}', map_from_entries([${entries.join(', ')}]::STRUCT(k VARCHAR, v VARCHAR)[]), 1, ${stats === undefined ? 'NULL' : quoteLiteral(stats)}, NULL, NULL)`
  })
  await connection.run(
    `CREATE TABLE ${relation} AS FROM (VALUES ${rows.join(', ')}) v(path, partition_values, size, stats, num_records, deletion_vector)`,
  )
  return { connection, relation }
}

const stats = (min: unknown, max: unknown, nulls: unknown = 0, rows: unknown = 10) =>
  JSON.stringify({ numRecords: rows, minValues: { c: min }, maxValues: { c: max }, nullCount: { c: nulls } })
const number = (value: number): Constant => ({ kind: 'number', value })
const text = (value: string): Constant => ({ kind: 'text', value })
const time = (value: number): Constant => ({ kind: 'time', value })
const column = (...path: string[]) => ({ kind: 'column', column: { path } }) as const
const c = column('c')
const compare = (comparison: Comparison, value: Constant, left: Operand<ColumnPath, Constant> = c): Predicate => ({
  op: 'compare',
  left,
  comparison,
  right: { kind: 'value', value },
})
const startsWith = (prefix: string, whole = true): Predicate => ({ op: 'starts-with', operand: c, from: prefix, to: prefix, whole })

async function chosen(type: DataType, list: FileSource, predicate: Predicate, partitionColumns: string[] = []): Promise<string> {
  const files = await chooseFiles(list, { schema: schemaOf({ c: type }), partitionColumns }, predicate)
  return files.map(({ path }) => path).join(' ')
}

test('what is missing or malformed skips no file', async () => {
  const list = await listOf([
    {},
    { stats: '{}' },
    { stats: '{"numRecords":3}' },
    { stats: 'not json' },
    { stats: stats('x', {}) },
    { stats: '{"numRecords":3,"minValues":{"c":null},"maxValues":{},"nullCount":{}}' },
    { stats: stats(1, 2) },
  ])
  expect(await chosen('long', list, compare('=', number(7)))).toBe('f0 f1 f2 f3 f4 f5')
  expect(await chosen('long', list, { op: 'not', term: compare('=', number(7)) })).toBe('f0 f1 f2 f3 f4 f5 f6')
  expect(await mayContain(list, { schema: schemaOf({ c: 'long' }), partitionColumns: [] }, { op: 'unknown' })).toBeUndefined()
  expect(await chosen('long', list, compare('=', number(1), column('gone')))).toBe('f0 f1 f2 f3 f4 f5 f6')
})

test('NULLs are neither true nor false', async () => {
  const list = await listOf([
    { stats: stats(1, 5) },
    { stats: stats(null, null, 10) },
    { stats: stats(1, 5, 3) },
    { stats: stats(1, 5, null) },
  ])
  expect(await chosen('long', list, { op: 'is-null', operand: c })).toBe('f1 f2 f3')
  expect(await chosen('long', list, { op: 'not', term: { op: 'is-null', operand: c } })).toBe('f0 f2 f3')
  expect(await chosen('long', list, compare('=', null))).toBe('')
  expect(await chosen('long', list, { op: 'not', term: compare('=', null) })).toBe('')
  expect(await chosen('long', list, { op: 'not', term: compare('>', number(9)) })).toBe('f0 f2 f3')
  expect(await chosen('long', list, { op: 'or', terms: [compare('>', number(9)), { op: 'is-null', operand: c }] })).toBe('f1 f2 f3')
  expect(await chosen('long', list, { op: 'in', operand: c, values: [number(7), null] })).toBe('')
})

test('integers beyond 2^53 and decimals never lose a file', async () => {
  const one = '{"numRecords":1,"minValues":{"c":9007199254740993},"maxValues":{"c":9007199254740993},"nullCount":{"c":0}}'
  const list = await listOf([{ stats: one }, { stats: stats(1, 2) }])
  for (const value of [9007199254740992, 9007199254740994]) expect(await chosen('long', list, compare('=', number(value)))).toBe('f0')
  expect(await chosen('long', list, compare('>', number(9007199254740992)))).toBe('f0')
  expect(await chosen('long', list, compare('<', number(9007199254740992)))).toBe('f0 f1')
  const exact = '{"numRecords":1,"minValues":{"c":123456789012345678.91},"maxValues":{"c":123456789012345678.92},"nullCount":{"c":0}}'
  expect(await chosen('decimal(20,2)', await listOf([{ stats: exact }]), compare('=', number(Number('123456789012345678.92'))))).toBe('f0')
})

test('timestamps are cut to the millisecond, and malformed ones unknown', async () => {
  const micros = Date.UTC(2020, 0, 1) * 1000
  const list = await listOf([
    { stats: stats('2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z') },
    { stats: stats('+48690-07-02T00:00:00Z', '+48690-07-02T00:00:00Z') },
    { stats: stats('2021-01-01T00:00:00.000-08:00', '2021-01-01T00:00:00.000-08:00') },
  ])
  expect(await chosen('timestamp', list, compare('=', time(micros + 999)))).toBe('f0 f1')
  expect(await chosen('timestamp', list, compare('>', time(micros + 1001)))).toBe('f1 f2')
  expect(await chosen('timestamp', list, compare('=', time(Date.UTC(2021, 0, 1, 8) * 1000)))).toBe('f1 f2')
  expect(
    await chosen(
      'timestamp',
      list,
      compare('=', text('2020-01-01'), { kind: 'apply', apply: { kind: 'cast', type: 'DATE', orNull: false }, of: c }),
    ),
  ).toBe('f0 f1')
  expect(await chosen('timestamp', list, compare('>=', text('2020-06-01')))).toBe('f1 f2')
  expect(await chosen('timestamp', list, compare('>=', text('sometime')))).toBe('f0 f1 f2')
})

test('text is ordered by its bytes, and an upper bound may be cut', async () => {
  const list = await listOf([
    { stats: stats('a', 'b') },
    { stats: stats('\uffff', '\uffff') },
    { stats: stats('😀', '😀') },
    { stats: stats('x'.repeat(32), `${'x'.repeat(32)}\u{10ffff}`) },
  ])
  expect(await chosen('string', list, compare('>', text('\uffff')))).toBe('f2')
  expect(await chosen('string', list, compare('=', text(`${'x'.repeat(32)}é`)))).toBe('f3')
  expect(await chosen('string', list, compare('<>', text('\uffff')))).toBe('f0 f2 f3')
  expect(await chosen('string', list, startsWith('x'))).toBe('f3')
  expect(await chosen('string', list, startsWith(`${'x'.repeat(33)}`))).toBe('f3')
  expect(await chosen('string', list, { op: 'not', term: startsWith('a') })).toBe('f0 f1 f2 f3')
  expect(await chosen('string', list, compare('=', number(1)))).toBe('f0 f1 f2 f3')
})

test('NaN is the greatest number, and zero has no sign', async () => {
  const list = await listOf([{ stats: stats(1, 2) }, { stats: stats('NaN', 'NaN') }, { stats: stats(-0, 0) }])
  expect(await chosen('double', list, compare('>', number(Number.POSITIVE_INFINITY)))).toBe('f0 f1 f2')
  expect(await chosen('double', list, compare('<', number(1)))).toBe('f1 f2')
  expect(await chosen('double', list, compare('=', number(-0)))).toBe('f1 f2')
  expect(await chosen('double', list, compare('=', number(Number.NaN)))).toBe('f0 f1 f2')
})

test('partition values are exact', async () => {
  const list = await listOf([
    { partition: { c: '1' } },
    { partition: { c: '2' } },
    { partition: { c: null } },
    { partition: { c: '' } },
    { partition: {} },
  ])
  expect(await chosen('integer', list, compare('=', number(1)), ['c'])).toBe('f0')
  expect(await chosen('integer', list, compare('<>', number(1)), ['c'])).toBe('f1')
  expect(await chosen('integer', list, { op: 'not', term: { op: 'in', operand: c, values: [number(1), number(3)] } }, ['c'])).toBe('f1')
  expect(await chosen('integer', list, { op: 'is-null', operand: c }, ['c'])).toBe('f2 f3 f4')
  expect(await chosen('string', list, { op: 'not', term: compare('=', text('1')) }, ['c'])).toBe('f1')
})

test('odd names are found in the statistics', async () => {
  for (const name of ['a.b', 'a/b', 'a~b', 'a"b', "a'b", '__proto__', '0', '*', 'ünï', '$']) {
    const one = (value: number) =>
      `{"numRecords":1,"minValues":{${JSON.stringify(name)}:${value}},"maxValues":{${JSON.stringify(name)}:${value}},"nullCount":{${JSON.stringify(name)}:0}}`
    const list = await listOf([{ stats: one(1) }, { stats: one(2) }])
    const predicate: Predicate = compare('=', number(2), column(name))
    const files = await chooseFiles(list, { schema: schemaOf(Object.fromEntries([[name, 'long']])), partitionColumns: [] }, predicate)
    expect(files.map(({ path }) => path)).toEqual(['f1'])
  }
})
