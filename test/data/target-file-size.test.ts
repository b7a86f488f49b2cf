import { expect, test } from 'vitest'
import { targetFileSize } from '../../src/data/index.ts'
import { memoryStore, Table } from '../../src/index.ts'

test.each([
  ['104857600', 104857600],
  ['100mb', 100 << 20],
  ['2 G', 2 * 1024 ** 3],
  ['64KiB', 64 << 10],
  ['512b', 512],
  ['0', undefined],
  ['1.5mb', undefined],
  ['a lot', undefined],
  ['99999999t', undefined],
])('%j is %d bytes', (text, bytes) => {
  expect(targetFileSize({ 'delta.targetFileSize': text })).toBe(bytes)
})

test('files are folded only up to the size that the table wants, in whatever unit it says so', async () => {
  const table = await Table.create(memoryStore(), { schema: 'id BIGINT', properties: { 'delta.targetFileSize': '1kb' } })
  for (let at = 0; at < 3; at += 1) await table.append({ query: `SELECT (hash(range) >> 1)::BIGINT AS id FROM range(1000)` })
  expect(await table.optimize()).toMatchObject({ version: 3, metrics: { numRemovedFiles: 0 } })
})
