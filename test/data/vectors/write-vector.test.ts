import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readVector } from '../../../src/data/vectors/read-vector.ts'
import { RowSet } from '../../../src/data/vectors/row-set.ts'
import { RowSets } from '../../../src/data/vectors/row-sets.ts'
import { writeVectors } from '../../../src/data/vectors/write-vector.ts'
import { memoryStore } from '../../../src/storage/index.ts'

const use = { path: 'a.parquet', version: 1 }
const someRows = fc
  .array(fc.oneof(fc.nat(300), fc.nat(70_000), fc.nat(5_000_000)), { minLength: 1, maxLength: 400 })
  .map((rows) => [...new Set(rows)].sort((a, b) => a - b))

test('vectors are read as they were written, wherever they lie', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someRows, { minLength: 1, maxLength: 5 }), async (sets) => {
      const store = memoryStore()
      const { descriptors, key, stored } = writeVectors(store, sets.map(RowSet.of))
      await stored
      expect(descriptors.map(({ cardinality }) => cardinality)).toEqual(sets.map(({ length }) => length))
      expect(new Set(descriptors.map(({ storageType }) => storageType))).toEqual(new Set([key === undefined ? 'i' : 'u']))
      for (const [index, descriptor] of descriptors.entries()) {
        expect([...(await readVector(store, descriptor, use))]).toEqual(sets[index])
      }
    }),
    { numRuns: 60 },
  )
})

test('few rows stand in the descriptor, many in one file for all', async () => {
  const store = memoryStore()
  expect(writeVectors(store, [RowSet.of([3]), RowSet.of([70_000])]).key).toBeUndefined()
  const { key, stored, descriptors } = writeVectors(store, [RowSet.of([3]), RowSet.of(Array.from({ length: 5000 }, (_, i) => 3 * i))])
  await stored
  expect(key).toMatch(/^deletion_vector_[0-9a-f-]{36}\.bin$/)
  // The offset of the first is behind the byte that tells the file's format.
  expect(descriptors.map(({ offset }) => offset)).toEqual([1, 1 + descriptors[0]!.sizeInBytes + 8])
  expect((await store.get(key!)).bytes[0]).toBe(1)
})

test('rows are gathered by file in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(200_000)), { maxLength: 500 }), (pairs) => {
      const sets = new RowSets()
      const half = pairs.length >> 1
      for (const some of [pairs.slice(0, half), pairs.slice(half)]) {
        sets.add(
          Float64Array.from(some, ([file]) => file),
          Float64Array.from(some, ([, row]) => row),
          some.length,
        )
      }
      const found = new Map([...sets.sets()].map(([file, rows]) => [file, [...rows]]))
      const wanted = new Map<number, number[]>()
      for (const [file, row] of pairs) wanted.set(file, [...(wanted.get(file) ?? []), row])
      expect(found).toEqual(new Map([...wanted].map(([file, rows]) => [file, [...new Set(rows)].sort((a, b) => a - b)])))
    }),
    { numRuns: 100 },
  )
})
