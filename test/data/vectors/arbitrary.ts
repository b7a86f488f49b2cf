/** Sets of rows as vectors have them: few, many, whole stretches, on both sides of the borders of containers and bitmaps. */
import fc from 'fast-check'

const borders = [0, 4095, 4096, 65_535, 65_536, 131_072, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 65_536, 2 ** 52]

const around = fc.tuple(fc.constantFrom(...borders), fc.nat(70_000)).map(([border, more]) => border + more)

/** A row number. */
export const row: fc.Arbitrary<number> = fc.oneof(fc.nat(200_000), around)

const scattered = fc.array(row, { maxLength: 60 })

const stretch = fc
  .tuple(around, fc.nat(9_000), fc.constantFrom(1, 1, 2, 7))
  .map(([first, length, step]) => Array.from({ length }, (_, i) => first + i * step))

/** Row numbers in any order, some of them more than once. */
export const rows: fc.Arbitrary<number[]> = fc.array(fc.oneof(scattered, stretch), { maxLength: 4 }).map((parts) => parts.flat())
