import { expect, test } from 'vitest'
import { openSource, writeFiles } from '../../src/data/index.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import { localStore } from '../../src/storage/index.ts'
import { field, sql, struct, temporaryFolder, write } from './tools.ts'

const schema = struct(field('id', 'long'), field('note', 'string'), field('p', 'long'))
const count = 300_000

function* rows() {
  for (let id = 0; id < count; id++) yield { id, note: `a note that is longer than twelve bytes ${id}`, p: id % 5 }
}

async function* slowly() {
  yield* rows()
}

test.each([
  ['synchronous', rows],
  ['asynchronous', slowly],
])('a %s stream is written whole, and in its order within a row group', async (_, stream) => {
  const { paths, files } = await write(stream(), { schema })
  expect(files.reduce((sum, file) => sum + file.numRecords, 0)).toBe(count)
  const [found] = await sql(
    `SELECT count(DISTINCT id) AS n, count(*) FILTER (id <> before + 1) AS jumps, count(*) FILTER (note <> $1 || id) AS torn
    FROM (SELECT *, lag(id) OVER (ORDER BY file_row_number) AS before FROM read_parquet(${quoteLiteral(paths[0]!)}, file_row_number = true))`,
    ['a note that is longer than twelve bytes '],
  )
  expect(found).toMatchObject({ n: BigInt(count), torn: 0n })
  expect(Number(found!['jumps'])).toBeLessThan(8)
})

test.each([
  ['synchronous', rows],
  ['asynchronous', slowly],
])('a %s stream into partitions makes one file in each', async (_, stream) => {
  const { files } = await write(stream(), { schema, partitionColumns: ['p'] })
  expect(files.map((file) => [file.partitionValues['p'], file.numRecords]).sort()).toEqual(
    ['0', '1', '2', '3', '4'].map((p) => [p, count / 5]),
  )
})

test('what is large enough becomes several files, each with its own statistics', async () => {
  const { files, paths } = await write(
    { query: 'SELECT i AS id, hash(i)::VARCHAR AS note, i % 5 AS p FROM range(1500000) t(i)' },
    { schema, targetFileSize: 1 << 20 },
  )
  expect(files.length).toBeGreaterThan(1)
  let rowsSeen = 0
  for (const [index, path] of paths.entries()) {
    const { minValues, maxValues } = JSON.parse(files[index]!.stats) as Bounds
    const [truth] = await sql(`SELECT min(id) AS low, max(id) AS high, count(*) AS n FROM read_parquet(${quoteLiteral(path)})`)
    expect(truth).toEqual({ low: BigInt(minValues.id), high: BigInt(maxValues.id), n: BigInt(files[index]!.numRecords) })
    rowsSeen += files[index]!.numRecords
  }
  expect(rowsSeen).toBe(1_500_000)
})

interface Bounds {
  minValues: { id: number }
  maxValues: { id: number }
}

test('a stream is let go of when the write is aborted while it keeps one waiting', async () => {
  const controller = new AbortController()
  let closed = false
  const stream = {
    [Symbol.asyncIterator]: () => {
      let id = 0
      return {
        next: () =>
          id < 9000 ? Promise.resolve({ done: false as const, value: { id: id++, note: '', p: 0 } }) : new Promise<never>(() => {}),
        return: () => {
          closed = true
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }
    },
  }
  setTimeout(() => controller.abort(), 100)
  const source = await openSource(stream, { tableSchema: schema, signal: controller.signal })
  const target = { store: localStore(temporaryFolder()), schema, partitionColumns: [], properties: {}, signal: controller.signal }
  await expect(writeFiles(source, target)).rejects.toMatchObject({ code: 'ABORTED' })
  await source.close()
  expect(closed).toBe(true)
})
