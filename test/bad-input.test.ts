/** Every kind of bad input ends in an error with a code, names what is at fault, and leaves the table as it was. */
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { type Input, Table, VarveError } from '../src/index.ts'
import { commitKey } from '../src/log/paths.ts'
import { localStore, memoryStore } from '../src/storage/index.ts'
import { faultyStore } from './support/stores/faulty-store.ts'

const root = await mkdtemp(join(tmpdir(), 'varve-bad-'))
afterAll(() => rm(root, { recursive: true }))

let count = 0
let folder = ''
let table: Table

beforeEach(async () => {
  count += 1
  folder = join(root, `t${count}`)
  table = await Table.create(folder, { schema: 'id BIGINT NOT NULL, name VARCHAR, small TINYINT, price DECIMAL(6,2), on_day DATE' })
  await table.append([{ id: 1, name: 'one', small: 1, price: '1.50', on_day: new Date('2026-01-01') }])
})

/** The error of a promise, which must be one of Varve's with a remedy. */
async function errorOf(work: Promise<unknown>): Promise<VarveError> {
  const error = await work.then(
    (value) => value,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(VarveError)
  expect((error as VarveError).remedy).not.toBe('')
  return error as VarveError
}

/** The table is as `beforeEach` made it, and takes the next append. */
async function expectUnharmed(): Promise<void> {
  const fresh = await Table.open(folder)
  expect(await fresh.version()).toBe(1)
  expect(await (await fresh.latest()).query('SELECT id, name FROM t', { name: 't' }).toArray()).toEqual([{ id: 1n, name: 'one' }])
  expect(await fresh.append([{ id: 2 }])).toMatchObject({ version: 2 })
}

test('no table there', async () => {
  expect(await errorOf(Table.open(join(root, 'nothing')))).toMatchObject({ code: 'TABLE_NOT_FOUND' })
  await mkdir(join(root, 'empty'), { recursive: true })
  expect(await errorOf(Table.append(join(root, 'empty'), [{ id: 1 }]))).toMatchObject({ code: 'TABLE_NOT_FOUND' })
})

test('a file where a folder should be', async () => {
  const path = join(root, 'file')
  await writeFile(path, 'not a folder')
  expect(await errorOf(Table.open(path))).toMatchObject({ code: 'NOT_A_FOLDER' })
  expect(await errorOf(Table.create(path, { schema: 'id INT' }))).toMatchObject({ code: 'NOT_A_FOLDER' })
  expect(await readFile(path, 'utf8')).toBe('not a folder')
})

test('a table already there', async () => {
  expect(await errorOf(Table.create(folder, { schema: 'other INT' }))).toMatchObject({ code: 'TABLE_EXISTS' })
  await expectUnharmed()
})

test.each<[string, Input, string, RegExp]>([
  ['a column too many', [{ id: 2, nmae: 'x' }], 'UNKNOWN_COLUMN', /nmae/],
  ['a missing column that is NOT NULL', [{ name: 'x' }], 'MISSING_COLUMN', /id/],
  ['NULL where NOT NULL', [{ id: 2 }, { id: null }], 'NOT_NULL_VIOLATED', /id/],
  ['a value of another type', [{ id: 2, name: 3 }], 'INVALID_VALUE', /name/],
  ['text for a number', [{ id: 'two' }], 'INVALID_VALUE', /id/],
  ['a column of another type', { query: 'SELECT TRUE AS id' }, 'TYPE_MISMATCH', /id/],
  ['a value beyond its type', [{ id: 2, small: 128 }], 'VALUE_OUT_OF_RANGE', /small/],
  ['a fraction for an integer', [{ id: 2.5 }], '(TYPE_MISMATCH|INVALID_VALUE|VALUE_OUT_OF_RANGE)', /id/],
  ['a decimal too long', [{ id: 2, price: '12345.00' }], 'VALUE_OUT_OF_RANGE', /price/],
  ['a decimal too fine', [{ id: 2, price: '1.555' }], '(VALUE_OUT_OF_RANGE|INVALID_VALUE)', /price/],
  ['a date that does not exist', [{ id: 2, on_day: '2026-02-30' }], '(INVALID_VALUE|VALUE_OUT_OF_RANGE)', /on_day/],
  ['two columns of one name', [{ id: 2, ID: 3 }], 'DUPLICATE_COLUMN', /id/i],
  ['text that is no Unicode', [{ id: 2, name: '\ud800' }], 'INVALID_VALUE', /name/],
  ['a query that fails', { query: 'SELECT nothing FROM nowhere' }, 'SQL_ERROR', /nowhere/],
  ['a query that writes', { query: "COPY (SELECT 1) TO 'x.csv'" }, 'SQL_.*', /./],
])('append of %s', async (_, input, code, names) => {
  const error = await errorOf(table.append(input))
  expect(error.code).toMatch(new RegExp(`^${code}$`))
  expect(error.message).toMatch(names)
  await expectUnharmed()
})

test('a truncated, a foreign and a missing file', async () => {
  const good = join(root, `good${count}.parquet`)
  await (await table.latest()).scan().writeTo(good, { format: 'parquet' })
  const bytes = await readFile(good)
  for (const [name, content] of [
    ['short', bytes.subarray(0, bytes.length - 9)],
    ['holed', Buffer.concat([bytes.subarray(0, 30), Buffer.alloc(40, 7), bytes.subarray(70)])],
    ['foreign', Buffer.from('<html></html>')],
    ['empty', Buffer.alloc(0)],
  ] as const) {
    const path = join(root, `${name}${count}.parquet`)
    await writeFile(path, content)
    const error = await errorOf(table.append({ files: path }))
    expect(error.code, name).toBe('INPUT_CORRUPT')
    expect(error.message).toContain(path)
  }
  expect(await errorOf(table.append({ files: join(root, 'absent.parquet') }))).toMatchObject({ code: 'INPUT_NOT_FOUND' })
  expect(await errorOf(table.append({ files: folder }))).toMatchObject({ code: 'INPUT_IS_TABLE' })
  expect(await errorOf(table.append({ files: good, format: 'xml' as never }))).toMatchObject({
    code: expect.stringMatching(/INPUT_FORMAT_UNKNOWN|INVALID_ARGUMENT/),
  })
  await expectUnharmed()
})

test('points that are not in the history', async () => {
  expect(await errorOf(table.asOf(2))).toMatchObject({ code: 'VERSION_NOT_FOUND', data: { earliest: 0, latest: 1 } })
  for (const version of [-1, 1.5, Number.NaN, 2 ** 60])
    expect(await errorOf(table.asOf(version))).toMatchObject({ code: 'VERSION_NOT_FOUND' })
  expect(await errorOf(table.asOf({ timestamp: '2026-01-01T00:00:00' }))).toMatchObject({ code: 'INVALID_TIMESTAMP' })
  expect(await errorOf(table.asOf({ timestamp: new Date(Number.NaN) }))).toMatchObject({ code: 'INVALID_TIMESTAMP' })
  for await (const { version, timestamp } of table.history()) {
    if (version > 0) continue
    const since = timestamp.toISOString()
    expect(await errorOf(table.asOf({ timestamp: '1999-01-01' }))).toMatchObject({
      code: 'VERSION_NOT_FOUND',
      message: expect.stringContaining(since),
      data: { asked: '1999-01-01T00:00:00.000Z', earliest: 0, latest: 1, since },
    })
    expect((await table.asOf({ timestamp: since })).version).toBe(0)
  }
  expect(await errorOf(table.asOf({ tag: 'v1' }))).toMatchObject({ code: 'TAG_NOT_FOUND' })
})

test('a corrupt commit line is named, earlier versions are still read', async () => {
  await table.append([{ id: 2 }])
  await writeFile(join(folder, commitKey(2)), '{"commitInfo":{}}\n{"add":{"path":"x"')
  await rm(join(folder, '_delta_log', '00000000000000000002.crc'))
  expect(await errorOf(Table.open(folder))).toMatchObject({ code: 'LOG_CORRUPT', data: { version: 2, line: 2 } })
})

test('a hole in the log is named, and never written into', async () => {
  await table.append([{ id: 2 }])
  await rm(join(folder, commitKey(1)))
  const error = await errorOf(
    Table.open(folder).then(async (opened) => (await opened.latest()).query('SELECT * FROM t', { name: 't' }).toArray()),
  )
  expect(error).toMatchObject({ code: 'LOG_GAP', data: { version: 1 } })
})

test('a data file that is missing or cut short is named', async () => {
  const snapshot = await table.latest()
  const file = (await snapshot.files().next()).value
  const path = join(folder, file!.path)
  const bytes = await readFile(path)
  for (const [code, damage] of [
    ['DATA_FILE_CORRUPT', () => truncate(path, bytes.length - 20)],
    ['DATA_FILE_MISSING', () => rm(path)],
  ] as const) {
    await damage()
    const error = await errorOf((await (await Table.open(folder)).latest()).scan().toArray())
    expect(error.code).toBe(code)
    expect(error.message).toContain(file!.path)
  }
  await writeFile(path, bytes)
  await expectUnharmed()
})

test('SQL that is wrong, or that writes', async () => {
  const snapshot = await table.latest()
  const query = (sql: string) => errorOf(snapshot.query(sql, { name: 't' }).toArray())
  expect(await query('SELEC 1')).toMatchObject({ code: 'SQL_ERROR' })
  expect(await query('SELECT nothing FROM t')).toMatchObject({ code: 'SQL_ERROR' })
  expect(await query('SELECT * FROM elsewhere')).toMatchObject({ code: 'SQL_UNKNOWN_TABLE' })
  for (const sql of ['DELETE FROM t', 'DROP TABLE t', 'CREATE TABLE x AS SELECT 1', "COPY t TO 'x.csv'"]) {
    expect(await query(sql)).toMatchObject({ code: 'SQL_NOT_READ_ONLY' })
  }
  await expectUnharmed()
})

test('a disk that is full', async () => {
  const inner = memoryStore()
  const roomy = await Table.create(inner, { schema: 'id BIGINT' })
  await roomy.append([{ id: 1 }])
  const full = faultyStore(inner, { faults: [{ kind: 'drop', operation: ['put', 'putIfAbsent'], times: 99 }] })
  await errorOf(Table.open(full).then((opened) => opened.append([{ id: 2 }])))
  expect(await (await (await Table.open(inner)).latest()).rowCount()).toBe(1)
})

test('names that look like something else are names', async () => {
  const odd = ['x"; DROP TABLE t; --', '__proto__', "a'b`c", 'with space', 'ünï.çode', 'at', '{"json":1}', 'new\nline', '%20', '$1']
  const row = Object.fromEntries(odd.map((name, i) => [name, i]))
  const path = join(root, `odd${count}`)
  await Table.append(path, [row], { create: true })
  await Table.append(path, [row])
  const snapshot = await (await Table.open(path)).latest()
  const rows = await snapshot.scan({ columns: odd, where: '"__proto__" = 1' }).toArray()
  expect(rows.map((each) => Object.entries(each))).toEqual([1, 2].map(() => odd.map((name, i) => [name, BigInt(i)])))
  expect(await errorOf(Table.append(join(root, 'nul'), [{ 'a\0b': 1 }], { create: true }))).toMatchObject({
    code: expect.stringMatching(/INVALID_/),
  })
})

test('a store of the local kind says where it is', () => {
  expect(localStore(folder).root).toMatch(/^file:\/\//)
})
