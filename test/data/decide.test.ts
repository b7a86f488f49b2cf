/** What is decided of a column and a constant is what is decided of a constant and a column. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide } from '../../src/data/prune/decide.ts'
import type { Comparison, Constant, Predicate } from '../../src/data/prune/predicate.ts'
import { nullsAll, nullsNone, type Zone, zoneKey } from '../../src/data/prune/prune-zones.ts'

const mirrored = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const
const bound = fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, -2, -1, 0, 1, 2, 2 ** 60, Number.POSITIVE_INFINITY)
const files = fc.array(fc.tuple(bound, bound, fc.constantFrom(nullsNone, nullsAll, 255)), { minLength: 1, maxLength: 20 })
const constant: fc.Arbitrary<Constant> = fc.oneof(
  fc.constantFrom<Constant>(null, undefined, { kind: 'text', value: '1' }, { kind: 'text', value: 'x' }, { kind: 'boolean', value: true }),
  bound.map((value): Constant => ({ kind: 'number', value })),
  bound.map((value): Constant => ({ kind: 'time', value })),
  fc
    .tuple(fc.constantFrom(-1, 0, 1, 2 ** 60), fc.constantFrom(0.5, 1, 256))
    .map(([value, error]): Constant => ({ kind: 'number', value, error })),
)

test('a comparison and its mirror image', () => {
  fc.assert(
    fc.property(files, constant, fc.constantFrom('number', 'time', 'boolean'), (list, value, family) => {
      const [low, high] = [0, 1].map((place) => Float64Array.from(list, (file) => file[place]!))
      const zone = {
        family,
        type: family === 'number' ? 'long' : family === 'time' ? 'date' : 'boolean',
        low,
        high,
        nulls: Uint8Array.from(list, (file) => file[2]),
      }
      const zones = new Map([[zoneKey(['c']), zone as unknown as Zone]])
      const column = { kind: 'column', column: { path: ['c'] } } as const
      for (const [comparison, other] of Object.entries(mirrored)) {
        const plain: Predicate = { op: 'compare', left: column, comparison: comparison as Comparison, right: { kind: 'value', value } }
        const mirror: Predicate = { op: 'compare', left: { kind: 'value', value }, comparison: other, right: column }
        expect([comparison, ...decide(plain, zones, list.length)]).toEqual([comparison, ...decide(mirror, zones, list.length)])
      }
    }),
    { numRuns: 2000 },
  )
})
