import { describe, expect, test } from 'vitest'
import { compareText, type LeafStatistics, spellStatistics } from '../../src/data/write/statistics.ts'
import { planStatistics } from '../../src/schema/statistics-plan.ts'
import type { DataType } from '../../src/schema/types.ts'
import { field, struct } from './tools.ts'

const nested = struct(
  field('p', 'string'),
  field('a', 'long'),
  field('s', struct(field('x', 'long'), field('in.ner', struct(field('y', 'string'))))),
  field('l', { type: 'array', elementType: 'long', containsNull: true }),
  field('b', 'boolean'),
)

function leaves(properties: Record<string, string>): string[] {
  return planStatistics(nested, ['p'], properties).leaves.map((leaf) => leaf.path.join('/'))
}

function spell(type: DataType, known: LeafStatistics): unknown {
  const plan = planStatistics(struct(field('v', type)), [], {})
  return JSON.parse(spellStatistics(plan, 9, () => known)) as unknown
}

describe('which columns have statistics', () => {
  test('the first leaves, without partition columns', () => {
    expect(leaves({})).toEqual(['a', 's/x', 's/in.ner/y', 'l', 'b'])
    expect(leaves({ 'delta.dataSkippingNumIndexedCols': '2' })).toEqual(['a', 's/x'])
    expect(leaves({ 'delta.dataSkippingNumIndexedCols': '0' })).toEqual([])
    const wide = struct(...Array.from({ length: 40 }, (_, index) => field(`c${index}`, 'long')))
    expect(planStatistics(wide, [], {}).leaves).toHaveLength(32)
    expect(planStatistics(wide, [], { 'delta.dataSkippingNumIndexedCols': '-1' }).leaves).toHaveLength(40)
  })

  test('those that are named, whatever their number', () => {
    const named = { 'delta.dataSkippingNumIndexedCols': '0' }
    expect(leaves({ ...named, 'delta.dataSkippingStatsColumns': 'B, s' })).toEqual(['s/x', 's/in.ner/y', 'b'])
    expect(leaves({ ...named, 'delta.dataSkippingStatsColumns': 's.`in.ner`.y' })).toEqual(['s/in.ner/y'])
  })
})

describe('how bounds are spelt', () => {
  test.each([
    ['string', 'x'.repeat(33), `${'x'.repeat(32)}`, `${'x'.repeat(32)}\u007f`],
    ['string', `${'x'.repeat(32)}é`, 'x'.repeat(32), `${'x'.repeat(32)}\u{10ffff}`],
    ['string', '😀'.repeat(33), '😀'.repeat(32), `${'😀'.repeat(32)}\u{10ffff}`],
    ['string', '😀'.repeat(32), '😀'.repeat(32), '😀'.repeat(32)],
    ['string', '\u{10ffff}'.repeat(33), '\u{10ffff}'.repeat(32), undefined],
    ['timestamp', 1n, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.001Z'],
    ['timestamp_ntz', -1n, '1969-12-31T23:59:59.999', '1970-01-01T00:00:00.000'],
    ['timestamp', 253_402_300_800_000_000n, undefined, undefined],
    ['date', -719_163n, undefined, undefined],
    ['date', -719_162n, '0001-01-01', '0001-01-01'],
    ['double', Number.POSITIVE_INFINITY, undefined, undefined],
    ['float', Math.fround(0.1), 0.1, 0.1],
  ] as [DataType, bigint | number | string, unknown, unknown][])('%s %s', (type, value, min, max) => {
    const stats = spell(type, { nullCount: 0, min: value, max: value })
    const only = (bound: unknown): object => (bound === undefined ? {} : { v: bound })
    expect(stats).toEqual({ numRecords: 9, minValues: only(min), maxValues: only(max), nullCount: { v: 0 } })
  })

  test('zero is the lesser one below and the greater one above', () => {
    const plan = planStatistics(struct(field('v', 'double')), [], {})
    expect(spellStatistics(plan, 1, () => ({ min: 0, max: -0 }))).toBe(
      '{"numRecords":1,"minValues":{"v":-0.0},"maxValues":{"v":0.0},"nullCount":{}}',
    )
  })

  test('with NaN among the values there is no greatest', () => {
    expect(spell('double', { nullCount: 0, min: 1, max: 2, hasNan: true })).toEqual({
      numRecords: 9,
      minValues: { v: 1 },
      maxValues: {},
      nullCount: { v: 0 },
    })
  })

  test('long integers keep all their digits', () => {
    const plan = planStatistics(struct(field('__proto__', 'long')), [], { 'delta.enableDeletionVectors': 'true' })
    const text = spellStatistics(plan, 1, () => ({ nullCount: 0, min: 9007199254740993n, max: 9223372036854775807n }))
    expect(text).toBe(
      '{"numRecords":1,"minValues":{"__proto__":9007199254740993},"maxValues":{"__proto__":9223372036854775807},"nullCount":{"__proto__":0},"tightBounds":true}',
    )
  })
})

test('text is ordered by its bytes', () => {
  const words = ['', 'Z', 'a', 'ab', 'é', '\uffff', '😀', '😀a', '\u{10ffff}']
  expect(words.toReversed().toSorted(compareText)).toEqual(words.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
})
