/** Sets of rows beside plain ones. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRows, serialiseRows } from '../../../src/data/vectors/roaring.ts'
import { RowSet } from '../../../src/data/vectors/row-set.ts'
import { row, rows } from './arbitrary.ts'

/** The same rows as containers that were built, and as ones that were read, which may be runs. */
const bothForms = (list: readonly number[]) => [RowSet.of(list), parseRows(serialiseRows(RowSet.of(list)))]

const ascending = (set: Iterable<number>) => [...set].sort((a, b) => a - b)

test('holds what was put into it', () => {
  fc.assert(
    fc.property(rows, fc.array(row), (list, others) => {
      const model = new Set(list)
      const sorted = ascending(model)
      for (const set of bothForms(list)) {
        expect(set.size).toBe(model.size)
        expect([...set]).toEqual(sorted)
        expect(set.first).toBe(sorted[0] ?? Infinity)
        expect(set.last).toBe(sorted.at(-1) ?? -1)
        for (const one of [...others, ...list.slice(0, 50), ...list.slice(0, 50).map((each) => each + 1)])
          expect(set.has(one)).toBe(model.has(one))
      }
    }),
    { numRuns: 60 },
  )
})

test('unites and subtracts', () => {
  fc.assert(
    fc.property(rows, rows, fc.boolean(), (left, right, overlapping) => {
      const other = overlapping ? [...right, ...left.filter((_, i) => i % 3 === 0)] : right
      for (const one of bothForms(left)) {
        for (const two of bothForms(other)) {
          expect([...one.union(two)]).toEqual(ascending(new Set([...left, ...other])))
          const model = new Set(left)
          for (const each of other) model.delete(each)
          const difference = one.difference(two)
          expect([...difference]).toEqual(ascending(model))
          expect(difference.size).toBe(model.size)
        }
      }
    }),
    { numRuns: 15 },
  )
})

test('takes row numbers only', () => {
  for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => RowSet.of([wrong])).toThrow(RangeError)
  expect(RowSet.empty.size).toBe(0)
})
