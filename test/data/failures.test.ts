import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSource, writeFiles } from '../../src/data/index.ts'
import { StoreFullError } from '../../src/errors/index.ts'
import { localStore, type ObjectStore } from '../../src/storage/index.ts'
import { field, struct, temporaryFolder, visibleNames, write } from './tools.ts'

const schema = struct(field('id', 'long'), field('p', 'long'))
const many = 'SELECT i AS id, i % 6 AS p FROM range(60000) t(i)'

/** A store that has no room for more than a few objects. */
function fullAfter(store: ObjectStore, objects: number): ObjectStore {
  let left = objects
  return new Proxy(store, {
    get(target, name) {
      if (name === 'put') {
        return (...args: Parameters<ObjectStore['put']>) => {
          left -= 1
          if (left < 0) return Promise.reject(new StoreFullError('STORE_FULL', 'No space is left.', { remedy: 'Free some.' }))
          return target.put(...args)
        }
      }
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('a write that fails leaves no data', () => {
  test.each([0, 1, 5])('when the store is full after %i files', async (objects) => {
    const folder = temporaryFolder()
    const source = await openSource({ query: many })
    const target = { store: fullAfter(localStore(folder), objects), schema, partitionColumns: ['p'], properties: {} }
    await expect(writeFiles(source, target)).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(visibleNames(folder).filter((name) => name.endsWith('.parquet'))).toEqual([])
  })

  test('when it is aborted in the middle', async () => {
    const folder = temporaryFolder()
    const controller = new AbortController()
    const query = 'SELECT i AS id, i % 7 AS p FROM range(2000000000) t(i)'
    setTimeout(() => controller.abort(), 150)
    await expect(write({ query }, { schema, folder, signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(visibleNames(folder)).toEqual([])
  })

  test('when a row of a later batch is wrong', async () => {
    const folder = temporaryFolder()
    const rows = function* () {
      for (let id = 0; id < 20_000; id++) yield { id: id === 19_000 ? 'x' : id, p: 1 }
    }
    const source = await openSource(rows(), { tableSchema: schema })
    const written = writeFiles(source, { store: localStore(folder), schema, partitionColumns: [], properties: {} })
    await expect(written).rejects.toMatchObject({ code: 'INVALID_VALUE', data: { column: 'id', row: 19_001 } })
    expect(visibleNames(folder)).toEqual([])
  })

  test('when a stream throws', async () => {
    const folder = temporaryFolder()
    const failure = new Error('the feed broke')
    const rows = async function* () {
      for (let id = 0; id < 20_000; id++) {
        if (id === 15_000) throw failure
        yield { id, p: id % 3 }
      }
    }
    for (const partitionColumns of [[], ['p']]) {
      const source = await openSource(rows(), { tableSchema: schema })
      await expect(writeFiles(source, { store: localStore(folder), schema, partitionColumns, properties: {} })).rejects.toBe(failure)
    }
    expect(visibleNames(folder)).toEqual([])
  })
})

describe('input that is not what it should be', () => {
  const folder = temporaryFolder()
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }

  test('no file there', async () => {
    const path = join(folder, 'missing.parquet')
    await expect(openSource({ files: path })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND', data: { path } })
    mkdirSync(join(folder, 'empty'))
    await expect(openSource({ files: join(folder, 'empty') })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
  })

  test('a format that the name does not tell', async () => {
    await expect(openSource({ files: file('rows.data', 'a\n1\n') })).rejects.toMatchObject({ code: 'INPUT_FORMAT_UNKNOWN' })
    await expect(openSource({ files: [file('a.csv', 'a\n1\n'), file('a.json', '{"a":1}')] })).rejects.toMatchObject({
      code: 'INPUT_FORMAT_UNKNOWN',
    })
  })

  test.each([
    ['foreign.parquet', 'not Parquet at all, and long enough to be read as such'],
    ['empty.parquet', ''],
    ['binary.csv', Uint8Array.of(0x50, 0x41, 0x52, 0x31, 0, 1, 2, 0xff, 0xfe, 10, 0, 0)],
    ['empty.csv', ''],
    ['cut.json', '{"a":1}\n{"a":'],
    ['cut.ndjson', '{"a":1}\n{"a":'],
    ['foreign.ndjson', 'a,b\n1,2\n'],
    ['foreign.arrow', 'no Arrow here, only text that goes on for a while'],
    ['empty.arrow', ''],
  ])('%s', async (name, content) => {
    const path = file(name, content)
    const target = temporaryFolder()
    await expect(write({ files: path }, { folder: target })).rejects.toMatchObject({ code: 'INPUT_CORRUPT', data: { path } })
    expect(visibleNames(target)).toEqual([])
  })

  test('Parquet cut short, at its end and in its middle', async () => {
    const whole = (await write({ query: 'SELECT i AS id, md5(i::VARCHAR) AS text FROM range(300000) t(i)' })).paths[0]!
    const bytes = readFileSync(whole)
    const cut = file('cut.parquet', bytes.subarray(0, bytes.length / 2))
    await expect(write({ files: cut })).rejects.toMatchObject({ code: 'INPUT_CORRUPT', data: { path: cut } })
    const broken = Buffer.from(bytes)
    broken.fill(0xff, 1000, bytes.length / 2)
    const path = file('broken.parquet', broken)
    const target = temporaryFolder()
    await expect(write({ files: path }, { folder: target })).rejects.toMatchObject({ code: 'INPUT_CORRUPT', data: { path } })
    expect(visibleNames(target)).toEqual([])
  })

  test('a line of CSV with too few or too many fields', async () => {
    for (const line of ['3', '3,4,5']) {
      const path = file('ragged.csv', `a,b\n1,2\n${line}\n5,6\n`)
      await expect(write({ files: path })).rejects.toMatchObject({ code: 'INPUT_CORRUPT', data: { path } })
    }
  })

  test('no input at all', async () => {
    for (const nothing of [null, 'rows.csv', 5, {}])
      await expect(openSource(nothing as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test.each(['DELETE FROM t', 'SELECT 1; SELECT 2', "COPY (SELECT 1) TO '/tmp/x'", 'CREATE TABLE t (a INT)', ''])(
    'a query that is no single SELECT: %s',
    async (query) => {
      await expect(openSource({ query })).rejects.toMatchObject({ code: 'SQL_NOT_READ_ONLY' })
    },
  )

  test('a query with an error', async () => {
    await expect(openSource({ query: 'SELEC 1' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
    await expect(openSource({ query: 'SELECT nothing FROM range(3)' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })
})
