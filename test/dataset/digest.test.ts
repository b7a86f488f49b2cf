/**
 * The digest of rows: unchanged by whatever moves rows, changed by any one cell, and the same whether it is computed from all files or from
 * what differs from another version.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryStore, type Row, Table } from '../../src/index.ts'

const schema = `id BIGINT, name VARCHAR, x DOUBLE, f FLOAT, price DECIMAL(10,2), day DATE, ts TIMESTAMPTZ, local TIMESTAMP, raw BLOB, ok BOOLEAN,
  tags VARCHAR[], place STRUCT(city VARCHAR, zip INTEGER), scores MAP(VARCHAR, DOUBLE), part VARCHAR`

const text = fc.option(fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('', ',', '1:a', '[]', 'é', '\u0001')))
const double = fc.option(fc.oneof(fc.double(), fc.constantFrom(0, -0, NaN, Infinity)))
const instant = fc.option(fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }))
const row: fc.Arbitrary<Row> = fc.record({
  id: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  name: text,
  x: double,
  f: fc.option(fc.float()),
  price: fc.option(fc.constantFrom('0.05', '-0.05', '12.50', '99999999.99')),
  day: fc.option(fc.constantFrom('1969-12-31', '2026-03-15', '0001-01-01')),
  ts: instant,
  local: instant,
  raw: fc.option(fc.uint8Array({ maxLength: 3 })),
  ok: fc.option(fc.boolean()),
  tags: fc.option(fc.array(text, { maxLength: 2 })),
  place: fc.option(fc.record({ city: text, zip: fc.option(fc.integer()) })),
  scores: fc.option(
    fc.constantFrom(
      new Map(),
      new Map([
        ['a', 1],
        ['b', -1],
      ]),
      new Map([
        ['b', -1],
        ['a', 1],
      ]),
      new Map([['a', null]]),
    ),
  ),
  part: fc.constantFrom('p', 'q', null),
})

const digest = async (table: Table) => (await (await table.latest()).fingerprints()).rows

/** The digest of rows in a table of their own: nothing to go on from. */
async function fresh(rows: readonly Row[], partitionBy: readonly string[] = []): Promise<string | null> {
  const table = await Table.create(memoryStore(), { schema, partitionBy })
  await table.append(rows)
  return digest(table)
}

it('is the same for the same rows, however they lie and came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), fc.nat(), async (rows, cut) => {
      const expected = await fresh(rows)
      const table = await Table.create(memoryStore(), { schema, partitionBy: ['part'] })
      const at = cut % rows.length
      const moved = [...rows.slice(at), ...rows.slice(0, at)]
      await table.append(moved.slice(0, at))
      await digest(table)
      await table.append(moved.slice(at))
      expect(await digest(table)).toBe(expected)
      await table.append([{ id: 7n, name: 'gone', part: 'p' }])
      const more = await digest(table)
      expect(more).not.toBe(expected)
      await table.delete({ where: "id = 7 AND name = 'gone' AND part = 'p'" })
      expect(await digest(table)).toBe(expected)
      await table.optimize()
      expect(await digest(table)).toBe(expected)
    }),
    { numRuns: 6 },
  )
})

it('is another for any one changed cell, for a row more or less, and for a doubled row', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 5 }), row, fc.nat(), fc.nat(), async (rows, other, which, column) => {
      const expected = await fresh(rows)
      const at = which % rows.length
      const name = Object.keys(other)[column % Object.keys(other).length]!
      const changed = rows.map((one, n) => (n === at ? { ...one, [name]: other[name]! } : one))
      expect((await fresh(changed)) === expected).toBe(same(rows[at]![name], other[name]))
      expect(await fresh([...rows, rows[at]!])).not.toBe(expected)
      expect(await fresh(rows.slice(1))).not.toBe(expected)
    }),
    { numRuns: 8 },
  )
})

/** Values that count as the same: zeros of both signs, NaN, and maps whatever their order. */
function same(a: unknown, b: unknown): boolean {
  const plain = (value: unknown): unknown => {
    if (value instanceof Map) return ['map', [...value].sort(([one], [two]) => (one < two ? -1 : 1))]
    if (typeof value === 'bigint') return ['bigint', String(value)]
    if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : String(value)
    return value instanceof Uint8Array ? ['bytes', [...value]] : value
  }
  const json = (value: unknown) => JSON.stringify(value, (_, inner) => plain(inner))
  return json(a) === json(b)
}

it('tells columns by names and order, and what is empty', async () => {
  const one = async (columns: string, rows: readonly Row[]) => {
    const table = await Table.create(memoryStore(), { schema: columns })
    if (rows.length > 0) await table.append(rows)
    return digest(table)
  }
  const digests = await Promise.all([
    one('a BIGINT, b BIGINT', [{ a: 1n, b: 2n }]),
    one('b BIGINT, a BIGINT', [{ a: 1n, b: 2n }]),
    one('a BIGINT, c BIGINT', [{ a: 1n, c: 2n }]),
    one('a BIGINT, b INTEGER', [{ a: 1n, b: 2 }]),
    one('a BIGINT, b BIGINT', []),
    one('a BIGINT, c BIGINT', []),
    one('a VARCHAR', [{ a: null }]),
    one('a VARCHAR', [{ a: '' }]),
    one('a STRUCT(b VARCHAR)', [{ a: null }]),
    one('a STRUCT(b VARCHAR)', [{ a: { b: null } }]),
    one('a VARCHAR[]', [{ a: null }]),
    one('a VARCHAR[]', [{ a: [] }]),
    one('a VARCHAR[]', [{ a: [null] }]),
  ])
  expect(new Set(digests).size).toBe(digests.length)
})

it('goes on from the nearest version that has one, past renames, and past what a vacuum took', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT, name VARCHAR', properties: { 'delta.columnMapping.mode': 'name' } })
  await table.append([
    { id: 1n, name: 'a' },
    { id: 2n, name: 'b' },
  ])
  const first = await digest(table)
  await table.update({ where: 'id = 1', set: { name: "'c'" } })
  const second = await digest(table)
  expect(second).not.toBe(first)
  await table.update({ where: 'id = 1', set: { name: "'a'" } })
  expect(await digest(table)).toBe(first)
  await table.alter({ rename: { name: 'name', to: 'label' } })
  const renamed = await digest(table)
  expect(renamed).not.toBe(first)
  await table.optimize()
  await table.append([{ id: 3n, label: 'x' }])
  await table.vacuum({ olderThan: '0d' })
  await table.delete({ where: 'id = 3' })
  expect(await digest(table)).toBe(renamed)
})

it('has no digest of variants, and says so', async () => {
  const table = await Table.create(memoryStore(), { schema: 'v VARIANT' })
  expect(await (await table.latest()).fingerprints()).toMatchObject({ rows: null, files: expect.stringMatching(/^[0-9a-f]{64}$/) })
})
