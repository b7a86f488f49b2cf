/** The bytes of sets of rows. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readVector } from '../../../src/data/vectors/read-vector.ts'
import { parseRows, RoaringError, serialiseRows } from '../../../src/data/vectors/roaring.ts'
import { RowSet } from '../../../src/data/vectors/row-set.ts'
import { decodeZ85, encodeZ85 } from '../../../src/data/vectors/z85.ts'
import type { DeletionVectorDescriptor } from '../../../src/log/actions.ts'
import { localStore } from '../../../src/storage/index.ts'
import { goldenTables } from '../../support/conformance.ts'
import { vectorBytes } from '../../support/vectors.ts'
import { rows } from './arbitrary.ts'

const header = 4 + 8 + 4

/** The bytes of numbers below 65,536. */
const bytesOf = (list: Iterable<number>) => serialiseRows(RowSet.of(list)).length - header

const range = (length: number, step = 1) => Array.from({ length }, (_, i) => i * step)

test('come back as they were', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const bytes = serialiseRows(RowSet.of(list))
      const read = parseRows(bytes)
      expect([...read]).toEqual([...RowSet.of(list)])
      expect(serialiseRows(read)).toEqual(bytes)
    }),
    { numRuns: 60 },
  )
})

test('are in the shortest form', () => {
  const [withoutRuns, withRuns] = [4 + 4 + 4 + 4, 4 + 1 + 4 + 2]
  expect(bytesOf(range(4096, 16))).toBe(withoutRuns + 2 * 4096)
  expect(bytesOf(range(4097, 15))).toBe(withoutRuns + 8192)
  expect(bytesOf(range(65_536))).toBe(withRuns + 4)
  expect(bytesOf([...range(100), 5000, ...range(100).map((each) => each + 6000)])).toBe(withRuns + 12)
})

test('that another implementation wrote are read', () => {
  const list = [0, 3, 4, 7, 11, 18, 29]
  expect([...parseRows(vectorBytes(list))]).toEqual(list)
  expect(vectorBytes(list).equals(serialiseRows(RowSet.of(list)))).toBe(true)
})

describe('damaged', () => {
  const whole = serialiseRows(
    RowSet.of([...range(50, 3), ...range(5000).map((each) => 70_000 + 2 * each), ...range(900).map((each) => 200_000 + each), 2 ** 33]),
  )

  test('are refused when they are cut anywhere', () => {
    for (let length = 0; length < whole.length; length += length < 200 ? 1 : 97) {
      expect(() => parseRows(whole.subarray(0, length))).toThrow(RoaringError)
    }
    expect(() => parseRows(Buffer.concat([whole, Buffer.of(1)]))).toThrow('more follows')
    expect(parseRows(Buffer.concat([whole, Buffer.alloc(3)])).size).toBe(5951)
  })

  test('are refused or give some other set, and never anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = whole.slice()
        for (const [at, byte] of changes) bytes[at] = byte
        try {
          const set = parseRows(bytes)
          expect([...set].length).toBe(set.size)
        } catch (error) {
          expect(error).toBeInstanceOf(RoaringError)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('take no memory for what they only claim to hold', () => {
    const claims = Buffer.alloc(28)
    claims.writeUInt32LE(1681511377, 0)
    claims.writeBigUInt64LE(2n ** 62n, 4)
    claims.writeUInt32LE(12346, 16)
    claims.writeUInt32LE(65_536, 20)
    expect(() => parseRows(claims)).toThrow('it ends too early')
    claims.writeUInt32LE(0xffffffff, 20)
    expect(() => parseRows(claims)).toThrow('4294967295 containers')
  })

  test('in the format that the protocol does not allow are named so', () => {
    const native = Buffer.from(whole)
    native.writeUInt32LE(1681511376, 0)
    expect(() => parseRows(native)).toThrow('native format')
  })
})

test('Z85 both ways', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = decodeZ85(encodeZ85(bytes))!
      expect(decoded.subarray(0, bytes.length)).toEqual(bytes)
      expect(decoded.subarray(bytes.length).every((byte) => byte === 0)).toBe(true)
    }),
  )
  expect(Buffer.from(decodeZ85('HelloWorld')!).toString('hex')).toBe('864fd26fb559f75b')
  expect(decodeZ85('##093')).toEqual(Uint8Array.of(3, 0))
  for (const wrong of ['Hell', 'Hel"o', '%%%%%', '####0', '#####']) expect(decodeZ85(wrong)).toBeUndefined()
})

describe.skipIf(goldenTables().length === 0)('vectors of other engines', () => {
  const vectors = goldenTables().flatMap(({ folder, name }) => descriptorsOf(folder).map((descriptor) => ({ folder, name, descriptor })))

  test('are read, and written as they were', async () => {
    expect(vectors.length).toBeGreaterThan(30)
    let files = 0
    for (const { folder, descriptor } of vectors) {
      const set = await readVector(localStore(folder), descriptor, { path: 'a file', version: 0 })
      expect(set.size).toBe(Number(descriptor.cardinality))
      if (descriptor.storageType === 'i') continue
      expect(serialiseRows(set).length).toBe(descriptor.sizeInBytes)
      files += 1
    }
    expect(files).toBeGreaterThan(20)
  })
})

/** Every vector that the commits of a table name and whose bytes are there. */
function descriptorsOf(folder: string): DeletionVectorDescriptor[] {
  const log = join(folder, '_delta_log')
  const found = new Map<string, DeletionVectorDescriptor>()
  for (const name of listed(log).filter((each) => /^\d{20}\.json$/.test(each))) {
    for (const line of readFileSync(join(log, name), 'utf8').split('\n')) {
      if (!line.includes('"deletionVector":{')) continue
      const { add } = JSON.parse(line) as { add?: { deletionVector?: DeletionVectorDescriptor } }
      const vector = add?.deletionVector
      if (vector && (vector.storageType === 'i' || (vector.storageType === 'u' && listed(folder).some((each) => each.endsWith('.bin')))))
        found.set(JSON.stringify(vector), vector)
    }
  }
  return [...found.values()]
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
