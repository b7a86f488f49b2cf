/** Vectors in files and in descriptors: read where they are whole, refused with the reason where they are not. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { vectorFileName, vectorFileText, vectorId, vectorPath } from '../../../src/data/vectors/descriptor.ts'
import { readVector, type VectorUse } from '../../../src/data/vectors/read-vector.ts'
import { serialiseRows } from '../../../src/data/vectors/roaring.ts'
import { RowSet } from '../../../src/data/vectors/row-set.ts'
import type { DeletionVectorDescriptor } from '../../../src/log/actions.ts'
import { localStore } from '../../../src/storage/index.ts'
import { vectorFile, vectorInline } from '../../support/vectors.ts'
import { temporaryFolder } from '../tools.ts'

const deleted = [1, 5, 8]
const uuid = '61d16c75-6994-46b7-a15b-8b538852e50e'
const size = serialiseRows(RowSet.of(deleted)).length
const beside: DeletionVectorDescriptor = {
  storageType: 'u',
  pathOrInlineDv: vectorFileText(uuid),
  offset: 1,
  sizeInBytes: size,
  cardinality: 3,
}
const inline: DeletionVectorDescriptor = vectorInline(deleted)

/** A folder with one file of vectors, by default the right one at the right place. */
function folderWith(bytes: Uint8Array = vectorFile(deleted), name = vectorFileName(uuid)): string {
  const path = join(temporaryFolder(), 'table')
  mkdirSync(dirname(join(path, name)), { recursive: true })
  writeFileSync(join(path, name), bytes)
  return path
}

async function read(folder: string, descriptor: DeletionVectorDescriptor, use: Partial<VectorUse> = {}): Promise<number[]> {
  return [...(await readVector(localStore(folder), descriptor, { path: 'part-1.parquet', version: 7, rows: 9, ...use }))]
}

describe('a whole vector', () => {
  test('lies beside the data, in a folder of its own, at an absolute path, or in the descriptor', async () => {
    expect(await read(folderWith(), beside)).toEqual(deleted)
    const inFolder = { ...beside, pathOrInlineDv: `ab${beside.pathOrInlineDv}` }
    expect(vectorPath(inFolder)).toBe(`ab/deletion_vector_${uuid}.bin`)
    expect(await read(folderWith(undefined, `ab/${vectorFileName(uuid)}`), inFolder)).toEqual(deleted)
    const folder = folderWith(undefined, 'a b%/dv.bin')
    for (const path of [`${folder}/a b%25/dv.bin`, `file://${folder}/a%20b%25/dv.bin`]) {
      expect(await read(folder, { ...beside, storageType: 'p', pathOrInlineDv: path })).toEqual(deleted)
    }
    expect(await read(folderWith(), inline)).toEqual(deleted)
  })

  test('begins behind the version of its file where its descriptor gives no offset', async () => {
    const { offset: _, ...without } = beside
    expect(await read(folderWith(), without)).toEqual(deleted)
    expect(await read(folderWith(), { ...beside, offset: null })).toEqual(deleted)
    expect([without, { ...beside, offset: null }, beside].map(vectorId)).toEqual([
      `u${beside.pathOrInlineDv}`,
      `u${beside.pathOrInlineDv}`,
      `u${beside.pathOrInlineDv}@1`,
    ])
  })

  test('may be one of many in its file', async () => {
    const lists = Array.from({ length: 400 }, (_, i) => [i, i + 1, 2 * i + 3])
    let offset = 1
    const descriptors: DeletionVectorDescriptor[] = []
    const parts = lists.map((list) => {
      const part = vectorFile(list).subarray(1)
      descriptors.push({ ...beside, offset, sizeInBytes: part.length - 8 })
      offset += part.length
      return part
    })
    const folder = folderWith(Buffer.concat([Buffer.of(1), ...parts]))
    for (const i of [0, 1, 60, 399]) expect(await read(folder, descriptors[i]!, { rows: 1000 })).toEqual(lists[i])
  })
})

describe('a vector is refused that', () => {
  const changed = (at: number, byte: number) => {
    const bytes = vectorFile(deleted)
    bytes[at] = byte
    return bytes
  }
  const file = vectorFile(deleted)

  test.each<[string, Uint8Array, Partial<DeletionVectorDescriptor>, string]>([
    ['lies in a file of another format', changed(0, 2), {}, 'format version 2'],
    ['has another size than is said', file, { sizeInBytes: size - 2 }, `it has ${size} bytes, and its descriptor says ${size - 2}`],
    ['says another size itself', changed(4, size + 1), {}, `it has ${size + 1} bytes`],
    ['is longer than its file', file, { sizeInBytes: 2 ** 31 - 1 }, 'its file ends before it'],
    ['is longer than any', file, { sizeInBytes: 2 ** 32 }, 'its descriptor gives it 4294967296 bytes'],
    ['has no bytes', file, { sizeInBytes: 0 }, 'its descriptor gives it 0 bytes'],
    ['lies behind its file', file, { offset: 50_000 }, 'its file ends before it'],
    ['lies before its file', file, { offset: -1 }, 'places it at -1'],
    ['begins at the version of the file', file, { offset: 0 }, 'bytes, and its descriptor says'],
    ['is cut', file.subarray(0, -1), {}, 'its file ends before it'],
    ['was changed', changed(file.length - 6, 3), {}, 'its checksum does not match'],
    ['has a wrong checksum', changed(file.length - 1, file.at(-1)! ^ 1), {}, 'its checksum does not match'],
    ['deletes fewer rows than is said', file, { cardinality: 4 }, 'it deletes 3 rows, and its descriptor says 4'],
    ['is named by no UUID', file, { pathOrInlineDv: 'short' }, 'names no file'],
    ['is named in no Z85', file, { pathOrInlineDv: ' '.repeat(20) }, 'names no file'],
  ])('%s', async (_, bytes, descriptor, reason) => {
    await expect(read(folderWith(bytes), { ...beside, ...descriptor })).rejects.toMatchObject({
      code: 'VECTOR_CORRUPT',
      message: expect.stringContaining(reason) as string,
      data: { path: 'part-1.parquet', version: 7 },
    })
  })

  test.each<[string, Partial<DeletionVectorDescriptor>, string]>([
    ['is no Z85', { pathOrInlineDv: 'abc' }, 'no Z85'],
    ['is shorter than is said', { sizeInBytes: 100 }, 'its descriptor says 100'],
    ['is longer than is said', { sizeInBytes: 20 }, 'its descriptor says 20'],
    ['begins otherwise', { pathOrInlineDv: `00000${inline.pathOrInlineDv.slice(5)}` }, 'magic number'],
    ['deletes more rows than is said', { cardinality: 2 }, 'it deletes 3 rows'],
  ])('is inline and %s', async (_, descriptor, reason) => {
    await expect(read(folderWith(), { ...inline, ...descriptor })).rejects.toMatchObject({
      code: 'VECTOR_CORRUPT',
      message: expect.stringContaining(reason) as string,
    })
  })

  test('deletes rows that its file does not have', async () => {
    expect(await read(folderWith(), beside, { rows: undefined })).toEqual(deleted)
    await expect(read(folderWith(), beside, { rows: 8 })).rejects.toMatchObject({
      code: 'VECTOR_CORRUPT',
      message: expect.stringContaining('row 8 of a file that has 8') as string,
    })
  })

  test('is missing, lies outside the table, or is stored in an unknown way', async () => {
    const [folder, other] = [folderWith(), folderWith()]
    const missing = { ...beside, pathOrInlineDv: vectorFileText(uuid.replace('6', '7')) }
    await expect(read(folder, missing)).rejects.toMatchObject({ code: 'DATA_FILE_MISSING', data: { path: 'part-1.parquet', version: 7 } })
    const outside = { ...beside, storageType: 'p' as const, pathOrInlineDv: `${other}/${vectorFileName(uuid)}` }
    await expect(read(folder, outside)).rejects.toMatchObject({ code: 'PATH_OUTSIDE_ROOT' })
    const climbing = { ...beside, pathOrInlineDv: `../table${beside.pathOrInlineDv}` }
    await expect(read(folder, climbing)).rejects.toMatchObject({ code: expect.stringMatching(/PATH_OUTSIDE_ROOT|INVALID_KEY/) as string })
    await expect(read(folder, { ...beside, storageType: 'x' as 'u' })).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
  })
})
