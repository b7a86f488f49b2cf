/** Queries over files of which some rows are deleted, beside a plain model of the rows. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RowSet } from '../../../src/data/vectors/row-set.ts'
import { trustedEngine } from '../../../src/engine/index.ts'
import type { DeletionVectorDescriptor } from '../../../src/log/actions.ts'
import { openSession, type QueryTarget } from '../../../src/query/index.ts'
import { relationSql } from '../../../src/query/relation/relation.ts'
import { quoteLiteral } from '../../../src/schema/quoting.ts'
import type { DataType, StructField } from '../../../src/schema/types.ts'
import { vectorAt, vectorBeside, vectorFile, vectorInline } from '../../support/vectors.ts'
import { codeOf, type FileSpec, makeTarget, rowsOf, schemaOf, tableFolder, tableOf } from '../tools.ts'

let folder: Awaited<ReturnType<typeof tableFolder>>
beforeAll(async () => {
  folder = await tableFolder()
})
afterAll(() => folder.remove())

let tables = 0

/** A table of which some rows of each file are deleted, by vectors of the kinds of storage in turn. */
async function tableWith(
  schema: Parameters<typeof makeTarget>[1],
  files: readonly (FileSpec & { readonly deleted?: readonly number[] })[],
  options: Parameters<typeof makeTarget>[3] = {},
): Promise<QueryTarget> {
  tables += 1
  const path = join(folder.path, `t${tables}`)
  const target = await makeTarget(path, schema, files, options)
  await deleteRows(
    target,
    path,
    files.map(({ deleted = [] }) => deleted),
  )
  return target
}

let vectors = 0

async function deleteRows(target: QueryTarget, path: string, deleted: readonly (readonly number[])[]): Promise<void> {
  const { connection, relation } = await target.files()
  const paths = (await connection.all(`SELECT path FROM ${relation} ORDER BY rowid`)).map((row) => String(row.path))
  for (const [index, rows] of deleted.entries()) {
    if (rows.length === 0) continue
    const { storageType, pathOrInlineDv, offset, sizeInBytes, cardinality } = writeVector(
      path,
      [...rows].sort((a, b) => a - b),
    )
    await connection.run(
      `UPDATE ${relation} SET deletion_vector = {storageType: $1, pathOrInlineDv: $2, "offset": $3::INTEGER, sizeInBytes: $4, cardinality: $5},
         stats = json_merge_patch(stats, '{"tightBounds":false}') WHERE path = $6`,
      [storageType, pathOrInlineDv, offset ?? null, sizeInBytes, Number(cardinality), paths[index]!],
    )
  }
}

function writeVector(path: string, rows: readonly number[]): DeletionVectorDescriptor {
  vectors += 1
  const kind = vectors % 3
  if (kind === 0) return vectorInline(rows)
  if (kind === 1) {
    const { name, descriptor } = vectorBeside(rows, `00000000-0000-4000-8000-${String(vectors).padStart(12, '0')}`)
    writeFileSync(join(path, name), vectorFile(rows))
    return descriptor
  }
  const file = join(path, `vector ${vectors}.bin`)
  writeFileSync(file, vectorFile(rows))
  return vectorAt(file.replaceAll(' ', '%20'), rows)
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('gives the rows that are left, whatever the condition and the row groups', async () => {
  const columns: Record<string, DataType> = { id: 'long', v: 'integer', s: 'string', p: 'string' }
  const file = fc.record({
    rows: fc.integer({ min: 1, max: 9000 }),
    groupRows: fc.constantFrom(2048, 4096, 122_880),
    step: fc.constantFrom(0, 1, 2, 3, 97, 5000),
    partition: fc.constantFrom('a', 'b', null),
    stats: fc.boolean(),
  })
  const condition = fc.constantFrom<[string, (row: Row) => boolean]>(
    ['true', () => true],
    ['v = 7', ({ v }) => v === 7],
    ['id % 4000 BETWEEN 10 AND 1990', ({ id }) => id % 4000 >= 10 && id % 4000 <= 1990],
    ['id > 100010', ({ id }) => id > 100_010],
    ["s = 'text 13' OR id = 2500", ({ id }) => id % 50 === 13 || id === 2500],
    ["p = 'a'", ({ p }) => p === 'a'],
    ["p IS NULL OR (p = 'b' AND v < 3)", ({ p, v }) => p === null || (p === 'b' && v < 3)],
  )
  type Row = { id: number; v: number; p: string | null }
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 1, maxLength: 5 }),
      fc.array(condition, { minLength: 2, maxLength: 3 }),
      async (files, conditions) => {
        const model: Row[] = []
        const specs = files.map(({ rows, groupRows, step, partition, stats }, index) => {
          const deleted = step === 0 ? [] : numbers(0, rows).filter((row) => row % step === 0)
          for (const row of numbers(0, rows)) {
            if (step === 0 || row % step !== 0) model.push({ id: index * 100_000 + row, v: row % 11, p: partition })
          }
          return {
            sql: `SELECT (${index} * 100000 + i)::BIGINT AS id, (i % 11)::INTEGER AS v, 'text ' || (i % 50) AS s FROM range(${rows}) t(i)`,
            copyOptions: `ROW_GROUP_SIZE ${groupRows}`,
            partition: { p: partition },
            deleted,
            ...(stats ? {} : { stats: null }),
          }
        })
        const session = openSession([tableOf('t', await tableWith(schemaOf(columns), specs, { partitionColumns: ['p'] }))])
        for (const [sql, holds] of conditions) {
          const expected = model.filter(holds)
          const [row] = await rowsOf(
            session,
            `SELECT count(*) AS n, coalesce(sum(id), 0)::BIGINT AS ids, count(p) AS p, min(id) AS least, max(id) AS greatest FROM t WHERE ${sql}`,
          )
          expect(row).toEqual({
            n: BigInt(expected.length),
            ids: BigInt(expected.reduce((sum, { id }) => sum + id, 0)),
            p: BigInt(expected.filter(({ p }) => p !== null).length),
            least: expected.length === 0 ? null : BigInt(expected[0]!.id),
            greatest: expected.length === 0 ? null : BigInt(expected.at(-1)!.id),
          })
        }
        expect((await rowsOf(session, 'SELECT id FROM t ORDER BY id')).map(({ id }) => Number(id))).toEqual(model.map(({ id }) => id))
      },
    ),
    { numRuns: 12 },
  )
})

describe('a table with deleted rows', () => {
  const sql = 'SELECT i::BIGINT AS id FROM range(10) t(i)'
  const session = async () =>
    openSession([
      tableOf('t', await tableWith(schemaOf({ id: 'long' }), [{ sql, deleted: [0, 3, 9] }, { sql: 'SELECT 10::BIGINT AS id' }])),
    ])

  test('is counted, explained, streamed and written out', async () => {
    const one = await session()
    expect(await rowsOf(one, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 8n }])
    expect(await rowsOf(one, 'SELECT count(*) AS n FROM t WHERE id < 4')).toEqual([{ n: 2n }])
    expect(await rowsOf(one, 'SELECT count(*) AS n FROM t WHERE id < $1', { params: [4] })).toEqual([{ n: 2n }])
    expect(String((await rowsOf(one, 'EXPLAIN SELECT * FROM t'))[0]?.explain_value)).toContain('READ_PARQUET')
    expect(String((await rowsOf(one, 'EXPLAIN ANALYZE SELECT * FROM t WHERE id > 1'))[0]?.explain_value)).toContain('6 rows')
    expect((await rowsOf(one, 'DESCRIBE t'))[0]).toMatchObject({ column_name: 'id', column_type: 'BIGINT' })
    expect((await rowsOf(one, 'SUMMARIZE t'))[0]).toMatchObject({ column_name: 'id', count: 8n, max: '10' })
    expect(await rowsOf(one, 'SELECT 1 AS one FROM t LIMIT 2')).toEqual([{ one: 1 }, { one: 1 }])
    for (const format of ['parquet', 'arrow'] as const) {
      expect(await one.query('SELECT * FROM t').writeTo(join(folder.path, `out.${format}`), { format })).toEqual({ rows: 8 })
    }
    const connection = await (await trustedEngine()).connect()
    expect(
      await connection.all(`SELECT list(id ORDER BY id) AS ids FROM read_parquet(${quoteLiteral(join(folder.path, 'out.parquet'))})`),
    ).toEqual([{ ids: [1n, 2n, 4n, 5n, 6n, 7n, 8n, 10n] }])
    await connection.close()
  })

  test('names its columns where a query asks for one that is not there', async () => {
    await expect((await session()).query('SELECT idd FROM t').toArray()).rejects.toMatchObject({
      code: 'SQL_ERROR',
      message: expect.stringContaining('"id"') as string,
    })
  })

  test('may have no rows left, or a vector that deletes none', async () => {
    const files = [
      { sql, deleted: numbers(0, 10) },
      { sql: 'SELECT 10::BIGINT AS id', deleted: [] },
    ]
    const target = await tableWith(schemaOf({ id: 'long' }), files)
    expect(await rowsOf(openSession([tableOf('t', target)]), 'FROM t')).toEqual([{ id: 10n }])
    const empty = await tableWith(schemaOf({ id: 'long' }), [files[1]!])
    const { connection, relation } = await empty.files()
    const { pathOrInlineDv, sizeInBytes } = vectorInline([])
    await connection.run(
      `UPDATE ${relation} SET deletion_vector = {storageType: 'i', pathOrInlineDv: $1, "offset": NULL, sizeInBytes: $2, cardinality: 0}`,
      [pathOrInlineDv, sizeInBytes],
    )
    expect(await rowsOf(openSession([tableOf('t', empty)]), 'FROM t')).toEqual([{ id: 10n }])
  })

  test('says which vector of which file and version is damaged', async () => {
    const target = await tableWith(schemaOf({ id: 'long' }), [{ sql }], { version: 4 })
    const { connection, relation } = await target.files()
    const set = (descriptor: DeletionVectorDescriptor) =>
      connection.run(
        `UPDATE ${relation} SET deletion_vector = {storageType: $1, pathOrInlineDv: $2, "offset": 1, sizeInBytes: $3, cardinality: $4}`,
        [descriptor.storageType, descriptor.pathOrInlineDv, descriptor.sizeInBytes, Number(descriptor.cardinality)],
      )
    await set(vectorInline([10]))
    const outcome = openSession([tableOf('t', target)])
      .query('FROM t')
      .toArray()
    await expect(outcome).rejects.toMatchObject({
      code: 'VECTOR_CORRUPT',
      data: { version: 4, path: expect.stringContaining('part-') as string },
    })
    const again = await tableWith(schemaOf({ id: 'long' }), [{ sql }])
    const other = await again.files()
    await other.connection.run(
      `UPDATE ${other.relation} SET deletion_vector = {storageType: 'p', pathOrInlineDv: '/elsewhere/dv.bin', "offset": 1, sizeInBytes: 40, cardinality: 1}`,
    )
    expect(await codeOf(openSession([tableOf('t', again)]), 'FROM t')).toBe('PATH_OUTSIDE_ROOT')
  })
})

test('two versions of one file do not mix', async () => {
  const path = join(folder.path, 'versions')
  const spec = { sql: 'SELECT i::BIGINT AS id FROM range(6000) t(i)', copyOptions: 'ROW_GROUP_SIZE 2048' }
  const first = await makeTarget(path, schemaOf({ id: 'long' }), [spec])
  const { connection, relation } = await first.files()
  const versionOf = async (version: number, rows: readonly number[]): Promise<QueryTarget> => {
    const copy = `${relation}_v${version}`
    await connection.run(`CREATE TABLE ${copy} AS FROM ${relation}`)
    const target: QueryTarget = { ...first, version, files: async () => ({ connection, relation: copy }) }
    await deleteRows(target, path, [rows])
    return target
  }
  const evens = numbers(0, 6000).filter((i) => i % 2 === 0)
  const versions = [first, await versionOf(1, [5]), await versionOf(2, evens)]
  const session = openSession([tableOf('t', ...versions)])
  const counts = versions.map((_, v) => `(SELECT count(*) FROM t AT (VERSION => ${v})) AS v${v}`)
  expect(await rowsOf(session, `SELECT ${counts.join(', ')}`)).toEqual([{ v0: 6000n, v1: 5999n, v2: 3000n }])
  expect(
    await rowsOf(session, 'SELECT count(*) AS n, min(o.id) AS least FROM "t@1" o LEFT JOIN t n USING (id) WHERE n.id IS NULL'),
  ).toEqual([{ n: 3000n, least: 0n }])
  expect(await rowsOf(session, 'SELECT id FROM "t@0" EXCEPT SELECT id FROM "t@1"')).toEqual([{ id: 5n }])
})

test('more partitions than have a branch each, some files with deleted rows', async () => {
  const files = numbers(0, 300).map((i) => ({
    sql: `SELECT ${i}::BIGINT AS id, j::INTEGER AS j FROM range(4) t(j)`,
    partition: { p: i % 50 === 0 ? null : `v'${i}`, q: String(i) },
    deleted: i % 3 === 0 ? [] : [i % 4],
  }))
  const target = await tableWith(schemaOf({ id: 'long', j: 'integer', p: 'string', q: 'integer' }), files, { partitionColumns: ['p', 'q'] })
  const session = openSession([tableOf('t', target)])
  expect(
    await rowsOf(
      session,
      'SELECT count(*) AS n, count(p) AS p, sum(q) AS q, bool_and(id = q) AS same, count(*) FILTER (j = q % 4 AND q % 3 <> 0) AS wrong FROM t',
    ),
  ).toEqual([
    { n: 1000n, p: 980n, q: String(numbers(0, 300).reduce((sum, i) => sum + i * (i % 3 === 0 ? 4 : 3), 0)), same: true, wrong: 0n },
  ])
  expect(await rowsOf(session, "SELECT list(j ORDER BY j) AS js FROM t WHERE p = 'v''7' AND q > 3")).toEqual([{ js: [0, 1, 2] }])
})

describe('mapped columns', () => {
  const column = (name: string, id: number, type: DataType): StructField => ({
    name,
    type,
    nullable: true,
    metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `col-${id}` },
  })
  const schema = {
    type: 'struct' as const,
    fields: [column('a b', 1, 'long'), column('file_row_number', 2, 'string'), column('mask', 3, 'integer')],
  }

  test.each([
    ['name', ''],
    ['id', ', FIELD_IDS {"col-1": 1, x: 2}'],
  ])('by %s', async (mode, ids) => {
    const second = mode === 'id' ? 'x' : '"col-2"'
    const target = await tableWith(
      schema,
      [
        {
          sql: `SELECT i::BIGINT AS "col-1", 'r' || i AS ${second} FROM range(5000) t(i)`,
          copyOptions: `ROW_GROUP_SIZE 2048${ids}`,
          partition: { 'col-3': '7' },
          stats: '{"numRecords":5000}',
          deleted: numbers(0, 4990),
        },
      ],
      { partitionColumns: ['mask'], properties: { 'delta.columnMapping.mode': mode } },
    )
    expect(await rowsOf(openSession([tableOf('t', target)]), 'SELECT * FROM t WHERE "a b" > 4997')).toEqual([
      { 'a b': 4998n, file_row_number: 'r4998', mask: 7 },
      { 'a b': 4999n, file_row_number: 'r4999', mask: 7 },
    ])
  })
})

test('a relation gives chosen rows of a file, constants in place of columns, and one file twice', async () => {
  const path = join(folder.path, 'relation')
  const target = await makeTarget(path, schemaOf({ id: 'long' }), [
    { sql: "SELECT i::BIGINT AS id, 'own' AS kind FROM range(10000) t(i)", copyOptions: 'ROW_GROUP_SIZE 2048' },
  ])
  const { connection, relation } = await target.files()
  const [row] = await connection.all(`SELECT path FROM ${relation}`)
  const file = { path: String(row?.path), size: 1, partitionValues: {}, numRecords: 10_000, deletionVector: undefined }
  const kind = (text: string) => new Map([['kind', quoteLiteral(text)]])
  const files = [
    { ...file, rows: { only: RowSet.of([3, 9999]) }, constants: kind('late') },
    { ...file, rows: { only: RowSet.of([4000, 4001]) }, constants: kind('middle') },
    { ...file, rows: { only: RowSet.empty }, constants: kind('none') },
    { ...file, rows: { allBut: RowSet.of(numbers(0, 9998)) }, constants: kind('rest') },
    { ...file, rows: { only: RowSet.of([17]) } },
    { ...file, rows: { allBut: RowSet.of(numbers(1, 10_000)) } },
  ]
  const sql = relationSql({
    schema: schemaOf({ id: 'long', kind: 'string' }),
    partitionColumns: [],
    properties: {},
    files,
    paths: files.map(({ path: name }) => join(path, name)),
  })
  const found = await connection.all(`SELECT kind, list(id ORDER BY id) AS ids FROM (${sql}) GROUP BY kind ORDER BY kind`)
  expect(found).toEqual([
    { kind: 'late', ids: [3n, 9999n] },
    { kind: 'middle', ids: [4000n, 4001n] },
    { kind: 'own', ids: [0n, 17n] },
    { kind: 'rest', ids: [9998n, 9999n] },
  ])
})
