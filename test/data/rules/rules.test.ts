/** What tables ask of their rows, held against appends of every kind of input. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { tableRules } from '../../../src/data/index.ts'
import { type Input, memoryStore, Table } from '../../../src/index.ts'
import type { Metadata } from '../../../src/log/index.ts'
import { parseSchema } from '../../../src/schema/schema-json.ts'
import type { StructField } from '../../../src/schema/types.ts'
import { metadata, putCommit } from '../../log/tools.ts'
import { temporaryFolder } from '../tools.ts'

const allRules = ['checkConstraints', 'invariants', 'generatedColumns', 'allowColumnDefaults', 'identityColumns']

const column = (name: string, type: StructField['type'], more: Record<string, unknown> = {}, nullable = true): StructField => ({
  name,
  type,
  nullable,
  metadata: more,
})
const generated = (expression: string) => ({ 'delta.generationExpression': expression })
const invariant = (expression: string) => ({ 'delta.invariants': JSON.stringify({ expression: { expression } }) })
const identity = (start: number, step: number, more: Record<string, unknown> = {}) => ({
  'delta.identity.start': start,
  'delta.identity.step': step,
  'delta.identity.allowExplicitInsert': false,
  ...more,
})

async function tableOf(
  fields: readonly StructField[],
  configuration: Record<string, string> = {},
  { features = allRules, partitionColumns = [] as string[] } = {},
): Promise<Table> {
  const store = memoryStore()
  const mapped = 'delta.columnMapping.mode' in configuration
  await putCommit(store, 0, [
    mapped
      ? {
          protocol: {
            minReaderVersion: 3,
            minWriterVersion: 7,
            readerFeatures: ['columnMapping'],
            writerFeatures: ['columnMapping', ...features],
          },
        }
      : { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: features } },
    metadata(configuration, { schemaString: JSON.stringify({ type: 'struct', fields }), partitionColumns }),
  ])
  return Table.open(store)
}

const rows = async (table: Table) => (await table.latest()).query('FROM t ORDER BY ALL', { name: 't' }).toArray()
const inputs: readonly (readonly [string, (records: readonly Record<string, unknown>[]) => Input])[] = [
  ['rows', (records) => records.map((record) => ({ ...record }))],
  [
    'a query',
    (records) => ({
      query: records
        .map(
          (record) => `SELECT ${Object.entries(record).map(([name, value]) => `${value === null ? 'NULL' : value}::BIGINT AS "${name}"`)}`,
        )
        .join(' UNION ALL '),
    }),
  ],
]

describe.each(inputs)('of %s', (_, input) => {
  test('a constraint is broken by false and by NULL, and then nothing is written', async () => {
    const table = await tableOf([column('id', 'long'), column('n', 'long')], {
      'delta.constraints.positive': 'id > 0',
      'delta.constraints.small': '`n` < 10',
    })
    await table.append(input([{ id: 1, n: 2 }]))
    await expect(
      table.append(
        input([
          { id: 2, n: 3 },
          { id: -1, n: 3 },
        ]),
      ),
    ).rejects.toMatchObject({
      name: 'ValueError',
      code: 'CONSTRAINT_VIOLATED',
      data: { constraint: 'positive', expression: 'id > 0', row: "{'id': -1}" },
    })
    await expect(table.append(input([{ id: 3, n: null }]))).rejects.toMatchObject({ data: { constraint: 'small', row: "{'n': NULL}" } })
    expect(await rows(table)).toEqual([{ id: 1n, n: 2n }])
    expect((await table.latest()).version).toBe(1)
  })

  test('values of generated columns are made, or must be the right ones', async () => {
    const table = await tableOf(
      [
        column('id', 'long'),
        column('twice', 'long', generated('id * 2'), false),
        column('part', 'integer', generated('CAST(id % 2 AS INT)')),
      ],
      {},
      { partitionColumns: ['part'] },
    )
    await table.append(input([{ id: 1 }, { id: 2 }]))
    await table.append(input([{ id: 3, twice: 6 }]))
    await expect(table.append(input([{ id: 4, twice: 9 }]))).rejects.toMatchObject({
      code: 'GENERATED_VALUE_MISMATCH',
      data: { column: 'twice', expression: 'id * 2', row: "{'id': 4, 'twice': 9}" },
    })
    await expect(table.append(input([{ id: 4, part: null }]))).rejects.toMatchObject({ code: 'GENERATED_VALUE_MISMATCH' })
    // What is made is held against NOT NULL as what is given is.
    await expect(table.append(input([{ id: null }]))).rejects.toMatchObject({ code: 'NOT_NULL_VIOLATED', data: { column: 'twice' } })
    expect(await rows(table)).toEqual([
      { id: 1n, twice: 2n, part: 1 },
      { id: 2n, twice: 4n, part: 0 },
      { id: 3n, twice: 6n, part: 1 },
    ])
  })

  test('missing columns hold their default, and NULL where NULL was given', async () => {
    const table = await tableOf([
      column('id', 'long'),
      column('v', 'string', { CURRENT_DEFAULT: "'it\\'s'" }, false),
      column('n', 'long', { CURRENT_DEFAULT: '7' }),
      column('at', 'timestamp', { CURRENT_DEFAULT: 'current_timestamp()' }),
      column('none', 'long', { CURRENT_DEFAULT: 'NULL' }),
    ])
    const before = Date.now()
    await table.append(input([{ id: 1 }]))
    await table.append(input([{ id: 2, n: null }]))
    const [first, second] = await rows(table)
    expect(first).toMatchObject({ id: 1n, v: "it's", n: 7n, none: null })
    expect(second).toMatchObject({ id: 2n, v: "it's", n: null })
    expect(Number(first!.at as Date)).toBeGreaterThanOrEqual(before)
    expect(Number(first!.at as Date)).toBeLessThanOrEqual(Date.now())
  })

  test('identity values are counted on from commit to commit, in the order of the rows', async () => {
    const table = await tableOf([column('id', 'long', identity(10, -5)), column('v', 'long')])
    await table.append(input([{ v: 1 }, { v: 2 }]))
    expect(await highWaterMark(table)).toBe(5)
    await table.append(input([{ v: 3 }]))
    expect(await rows(table)).toEqual([
      { id: 0n, v: 3n },
      { id: 5n, v: 2n },
      { id: 10n, v: 1n },
    ])
    expect(await highWaterMark(table)).toBe(0)
    await expect(table.append(input([{ id: 1, v: 4 }]))).rejects.toMatchObject({ code: 'IDENTITY_VALUE_GIVEN', data: { column: 'id' } })
    await table.append(input([{ v: 5 }]), { txn: { appId: 'etl', version: 1 } })
    expect(await table.append(input([{ v: 5 }]), { txn: { appId: 'etl', version: 1 } })).toMatchObject({ alreadyApplied: true })
    expect(await highWaterMark(table)).toBe(-5)
  })
})

const highWaterMark = async (table: Table) => (await table.latest()).schema.fields[0]!.metadata['delta.identity.highWaterMark']

describe('identity columns', () => {
  test('may be given where the column allows that, and then count no further', async () => {
    const table = await tableOf([column('id', 'long', identity(1, 1, { 'delta.identity.allowExplicitInsert': true })), column('v', 'long')])
    await table.append([{ v: 1 }])
    await table.append([{ id: 100, v: 2 }])
    await table.append([{ v: 3 }])
    expect((await rows(table)).map((row) => row.id)).toEqual([1n, 2n, 100n])
  })

  test.each([
    // A mark off the sequence, one that is not yet at its start, and the last value that there is.
    [1, 10, 25, [31n, 41n]],
    [100, 1, 3, [100n, 101n]],
    [0, -3, -4, [-6n, -9n]],
    [1, 1, 9223372036854775805n, [9223372036854775806n, 9223372036854775807n]],
  ])('from %s by %s after %s the sequence goes on', async (start, step, mark, expected) => {
    const schema = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{"delta.identity.start":${start},"delta.identity.step":${step},"delta.identity.highWaterMark":${mark},"delta.identity.allowExplicitInsert":false}},{"name":"v","type":"long","nullable":true,"metadata":{}}]}`
    const store = memoryStore()
    await putCommit(store, 0, [{ protocol: { minReaderVersion: 1, minWriterVersion: 6 } }, metadata({}, { schemaString: schema })])
    const table = await Table.open(store)
    await table.append([{ v: 1 }, { v: 2 }])
    expect((await rows(table)).sort((a, b) => Number(a.v) - Number(b.v)).map((row) => row.id)).toEqual(expected)
    if (expected[1] === 9223372036854775807n) {
      await expect(table.append([{ v: 3 }])).rejects.toMatchObject({ code: 'IDENTITY_OVERFLOW', data: { column: 'id' } })
      expect(await rows(table)).toHaveLength(2)
    }
  })

  test('of partitioned tables and of streams are unique too', async () => {
    const table = await tableOf(
      [column('id', 'long', identity(1, 1)), column('p', 'long'), column('v', 'long')],
      {},
      { partitionColumns: ['p'] },
    )
    await table.append({ query: 'SELECT range % 7 AS p, range AS v FROM range(1000)' })
    async function* stream() {
      for (let v = 1000; v < 20_000; v += 1) yield { p: v % 3, v }
    }
    await table.append(stream())
    const [found] = await (await table.latest())
      .query('SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS low, max(id) AS high FROM t', { name: 't' })
      .toArray()
    expect(found).toEqual({ n: 20_000n, ids: 20_000n, low: 1n, high: 20_000n })
    expect(await highWaterMark(table)).toBe(20_000)
  })

  test('of two writers that count from the same mark one loses, and counts anew', async () => {
    const store = memoryStore()
    const fields = [column('id', 'long', identity(1, 1)), column('v', 'long')]
    await putCommit(store, 0, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 6 } },
      metadata({}, { schemaString: JSON.stringify({ type: 'struct', fields }) }),
    ])
    const writers = await Promise.all([1, 2, 3].map(() => Table.open(store)))
    let conflicts = 0
    const until = async (table: Table, v: number): Promise<void> => {
      for (;;) {
        try {
          await table.append([{ v }, { v }])
          return
        } catch (error) {
          expect(error).toMatchObject({ name: 'ConflictError', code: 'METADATA_CHANGED' })
          conflicts += 1
        }
      }
    }
    await Promise.all(writers.map(until))
    expect(conflicts).toBeGreaterThan(0)
    expect((await rows(writers[0]!)).map((row) => row.id)).toEqual([1n, 2n, 3n, 4n, 5n, 6n])
  })
})

test('invariants hold for columns and for fields inside structs', async () => {
  const inner = { type: 'struct' as const, fields: [column('x', 'integer', invariant('s.x > 3'))] }
  const table = await tableOf([column('id', 'long', invariant('id <> 5')), column('s', inner)])
  await table.append({ query: 'SELECT 1 AS id, {x: 4} AS s' })
  await expect(table.append({ query: 'SELECT 5 AS id, {x: 4} AS s' })).rejects.toMatchObject({
    code: 'INVARIANT_VIOLATED',
    data: { column: 'id' },
  })
  await expect(table.append({ query: 'SELECT 1 AS id, {x: 3} AS s' })).rejects.toMatchObject({
    code: 'INVARIANT_VIOLATED',
    data: { column: 's.x', expression: 's.x > 3', row: "{'s': {'x': 3}}" },
  })
  await expect(table.append({ query: 'SELECT 1 AS id, NULL::STRUCT(x INTEGER) AS s' })).rejects.toMatchObject({
    code: 'INVARIANT_VIOLATED',
  })
  expect(await rows(table)).toHaveLength(1)
})

test('rules go by the names of a mapped table, and files by its physical ones', async () => {
  const mapped = (id: number) => ({ 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `p${id}` })
  const s = { type: 'struct' as const, fields: [column('a b', 'long', mapped(4))] }
  const table = await tableOf(
    [
      column('The id', 'long', mapped(1)),
      column('part', 'long', { ...mapped(2), ...generated('`The id` DIV 10') }),
      column('s', s, mapped(3)),
    ],
    { 'delta.columnMapping.mode': 'name', 'delta.constraints.c': '`the ID` >= s.`a b`' },
    { partitionColumns: ['part'] },
  )
  await table.append({ query: `SELECT 25 AS "The id", {'a b': 3} AS s` })
  await expect(table.append({ query: `SELECT 25 AS "The id", {'a b': 26} AS s` })).rejects.toMatchObject({
    code: 'CONSTRAINT_VIOLATED',
    data: { row: "{'The id': 25, 's': {'p4': 26}}" },
  })
  expect(await rows(table)).toEqual([{ 'The id': 25n, part: 2n, s: { 'a b': 3n } }])
})

test('what is not known to mean the same elsewhere keeps the table from being written to, by its name', async () => {
  const constraint = await tableOf([column('id', 'long')], { 'delta.constraints.odd': 'hash(id) % 2 = 1' })
  await expect(constraint.append([{ id: 1 }])).rejects.toMatchObject({
    name: 'UnsupportedFeatureError',
    code: 'UNSUPPORTED_EXPRESSION',
    message: expect.stringContaining('the CHECK constraint "odd", "hash(id) % 2 = 1"'),
  })
  const file = await tableOf([column('v', 'string', generated("(SELECT content FROM read_text('/etc/passwd'))"))])
  await expect(file.append({ query: 'SELECT 1 AS x' })).rejects.toMatchObject({ code: 'UNSUPPORTED_EXPRESSION' })
  const chained = await tableOf([column('id', 'long'), column('a', 'long', generated('id + 1')), column('b', 'long', generated('a + 1'))])
  await expect(chained.append([{ id: 1 }])).rejects.toMatchObject({ message: expect.stringContaining('there is no column "a"') })
  const inList = {
    type: 'array' as const,
    elementType: { type: 'struct' as const, fields: [column('x', 'long', invariant('x > 0'))] },
    containsNull: true,
  }
  await expect((await tableOf([column('l', inList)])).append([])).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
    data: { column: 'l' },
  })
  const strange = await tableOf([column('id', 'long', { 'delta.invariants': 'id > 0' })])
  await expect(strange.append([])).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE', data: { feature: 'invariants' } })
  const zero = await tableOf([column('id', 'long', identity(1, 0))])
  await expect(zero.append([])).rejects.toMatchObject({ data: { feature: 'identityColumns' } })
})

test('a rule counts only where the protocol has its feature', async () => {
  const fields = [
    column('id', 'long', invariant('id > 10')),
    column('g', 'long', generated('id * 2')),
    column('d', 'long', { CURRENT_DEFAULT: '5' }),
    column('i', 'long', identity(1, 1)),
  ]
  const table = await tableOf(fields, { 'delta.constraints.c': 'id > 10' }, { features: ['appendOnly'] })
  await table.append([{ id: 1, i: 3 }])
  expect(await rows(table)).toEqual([{ id: 1n, g: null, d: null, i: 3n }])
})

test('a condition that guards another is looked at first, and what no engine agrees on stops the write', async () => {
  const table = await tableOf([column('a', 'long'), column('b', 'long')], { 'delta.constraints.ratio': 'b = 0 OR a / b > 1' })
  await table.append({ query: 'SELECT range + 1 AS a, range % 2 AS b FROM range(10) WHERE range > 0' })
  await expect(table.append([{ a: 1, b: 1 }])).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  const bare = await tableOf([column('a', 'long'), column('b', 'long')], { 'delta.constraints.ratio': 'a / b > 1' })
  await expect(bare.append([{ a: 1, b: 0 }])).rejects.toMatchObject({
    code: 'EXPRESSION_FAILED',
    data: { rule: 'the CHECK constraint "ratio"', reason: 'a division by zero' },
  })
})

test('rows must agree on whether they have a column that the table fills in', async () => {
  const table = await tableOf([column('id', 'long'), column('n', 'long', { CURRENT_DEFAULT: '7' })])
  await expect(table.append([{ id: 1 }, { id: 2, n: 3 }])).rejects.toMatchObject({ code: 'MISSING_COLUMN', data: { column: 'n' } })
  await table.append([{ ID: 1 }])
  await table.append([{ id: 2, N: null }])
  expect(await rows(table)).toEqual([
    { id: 1n, n: 7n },
    { id: 2n, n: null },
  ])
})

test('rows that a table is created with keep the rules that it is created with', async () => {
  const store = memoryStore()
  const properties = { 'delta.constraints.positive': 'id > 0' }
  await expect(Table.append(store, [{ id: 1 }, { id: -1 }], { create: true, properties })).rejects.toMatchObject({
    code: 'CONSTRAINT_VIOLATED',
  })
  await expect(Table.open(store)).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' })
  await Table.append(store, [{ id: 1 }], { create: true, properties })
  expect(await rows(await Table.open(store))).toEqual([{ id: 1n }])
})

test('a table that Spark made with all of it goes on where Spark left it', async () => {
  const folder = join(temporaryFolder(), 't')
  cpSync(fileURLToPath(new URL('../../../spec/cases/identity-defaults-generated/table', import.meta.url)), folder, { recursive: true })
  const table = await Table.open(folder)
  const before = await rows(table)
  const highest = before.map((row) => Number(row.id)).sort((a, b) => b - a)[0]!
  await table.append([{ at: new Date('2027-01-02T03:04:05Z') }])
  const added = (await rows(table)).filter((row) => !before.some((old) => old.id === row.id))
  expect(added).toEqual([{ id: BigInt(highest + 5), v: 'later', n: 7, at: new Date('2027-01-02T03:04:05Z'), day: new Date('2027-01-02') }])
})

test('the conditions of a table can be asked of rows that are there', () => {
  const fields = [column('id', 'long', invariant('id > 0')), column('g', 'long', generated('id * 2'))]
  const action = metadata({ 'delta.constraints.c': 'id < 100' }, { schemaString: JSON.stringify({ type: 'struct', fields }) }) as {
    metaData: Metadata
  }
  const rules = tableRules(
    { protocol: { minReaderVersion: 1, minWriterVersion: 4 }, metadata: action.metaData },
    parseSchema(action.metaData.schemaString),
  )
  expect(rules.conditions.map(({ kind, name, sql }) => [kind, name, sql])).toEqual([
    ['constraint', 'c', `("id" < CAST(CAST('100' AS INTEGER) AS BIGINT))`],
    ['invariant', 'id', `("id" > CAST(CAST('0' AS INTEGER) AS BIGINT))`],
  ])
  expect(rules.generated[0]).toMatchObject({ expression: 'id * 2', columns: [{ name: 'id' }] })
})
