/** The column `_metadata`: what a query learns of the files and identities of rows, and where it must not show. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Session, scan } from '../../../src/query/index.ts'
import { codeOf, makeTarget, rowsOf, schemaOf, tableFolder, tableOf } from '../tools.ts'

let folder: Awaited<ReturnType<typeof tableFolder>>
beforeAll(async () => {
  folder = await tableFolder()
})
afterAll(() => folder.remove())

let count = 0
const target = (...[schema, files, options]: Parameters<typeof makeTarget> extends [string, ...infer Rest] ? Rest : never) => {
  count += 1
  return makeTarget(`${folder.path}/${count}`, schema, files, options)
}
const schema = schemaOf({ id: 'long', p: 'string' })
const plain = () =>
  target(
    schema,
    [
      { sql: 'SELECT i AS id FROM range(3) t(i)', partition: { p: 'a' } },
      { sql: 'SELECT i + 3 AS id FROM range(2) t(i)', partition: { p: 'b' } },
    ],
    { partitionColumns: ['p'] },
  )
const tracking = {
  'delta.enableRowTracking': 'true',
  'delta.rowTracking.materializedRowIdColumnName': '_row-id',
  'delta.rowTracking.materializedRowCommitVersionColumnName': '_row-version',
}

describe('of files', () => {
  it('says which file a row comes from, as the list of files has it', async () => {
    const session = new Session([tableOf('t', await plain())], {})
    const rows = await rowsOf(
      session,
      `SELECT _metadata.file_path AS path, _metadata.file_name AS name, _metadata.file_size > 100 AS sized, t._metadata.file_modification_time AS at, count(*) AS n
       FROM t GROUP BY ALL ORDER BY path`,
    )
    expect(rows).toEqual([
      { path: expect.stringMatching(/^part-\d+-0\.parquet$/), name: rows[0]!.path, sized: true, at: new Date(0), n: 3n },
      { path: expect.stringMatching(/^part-\d+-1\.parquet$/), name: rows[1]!.path, sized: true, at: new Date(0), n: 2n },
    ])
    const filtered = `SELECT id FROM t WHERE _metadata.file_name = '${rows[1]!.name}' ORDER BY id`
    expect(await rowsOf(session, filtered)).toEqual([{ id: 3n }, { id: 4n }])
  })

  it('is in no star', async () => {
    const session = new Session([tableOf('t', await plain()), tableOf('u', await plain())], {})
    const columns = async (sql: string) => {
      for await (const batch of session.query(sql)) return batch.schema.fields.map(({ name }) => name)
      return undefined
    }
    const where = '_metadata.file_size > 0'
    expect(await columns(`SELECT * FROM t WHERE ${where}`)).toEqual(['id', 'p'])
    expect(await columns(`FROM t WHERE ${where}`)).toEqual(['id', 'p'])
    expect(await columns('SELECT *, _metadata.file_name FROM t')).toEqual(['id', 'p', 'file_name'])
    expect(await columns('SELECT t.*, u.id, u._metadata.file_name FROM t JOIN u USING (id)')).toEqual(['id', 'p', 'id', 'file_name'])
    expect(await columns('SELECT * FROM t JOIN u ON t.id = u.id WHERE t._metadata.file_size > 0')).toEqual(['id', 'p', 'id', 'p'])
    expect(await columns('SELECT * FROM (SELECT *, _metadata.file_name FROM t) s')).toEqual(['id', 'p', 'file_name'])
    expect(await columns('WITH s AS (SELECT id, _metadata FROM t) SELECT * FROM s')).toEqual(['id', '_metadata'])
    expect(await columns('SELECT * EXCLUDE (p) FROM t WHERE _metadata IS NOT NULL')).toEqual(['id'])
    expect(await columns('SELECT * EXCLUDE (_metadata) FROM t WHERE _metadata IS NOT NULL')).toEqual(['id', 'p'])
    expect(await columns(`SELECT COLUMNS(*) FROM t WHERE ${where}`)).toEqual(['id', 'p'])
  })

  it('is refused where columns are meant that are not named', async () => {
    const session = new Session([tableOf('t', await plain()), tableOf('u', await plain())], {})
    expect(await codeOf(session, 'SELECT id, t._metadata.file_name FROM t NATURAL JOIN u')).toBe('SQL_REFUSED')
  })

  it('is the table’s own column where it has one', async () => {
    const own = await target(schemaOf({ id: 'long', _metadata: schemaOf({ row_id: 'string' }) }), [
      { sql: `SELECT 1::BIGINT AS id, {'row_id': 'mine'} AS _metadata` },
    ])
    const session = new Session([tableOf('t', own)], {})
    expect(await rowsOf(session, 'SELECT *, _metadata.row_id AS r FROM t')).toEqual([{ id: 1n, _metadata: { row_id: 'mine' }, r: 'mine' }])
    expect(await codeOf(session, 'SELECT _metadata.file_name FROM t')).toBe('SQL_ERROR')
  })

  it('is there of a table without files', async () => {
    const session = new Session([tableOf('t', await target(schema, []))], {})
    expect(await rowsOf(session, 'SELECT *, _metadata.file_name FROM t')).toEqual([])
  })
})

describe('of rows', () => {
  const files = [
    { sql: 'SELECT i AS id FROM range(4) t(i)', partition: { p: 'a' }, tracked: [100, 1] as const },
    // Rows that an update brought here keep who they are.
    {
      sql: `SELECT * FROM (VALUES (10::BIGINT, 7::BIGINT, NULL::BIGINT), (11, NULL, 2), (12, NULL, NULL)) v(id, "_row-id", "_row-version")`,
      partition: { p: 'b' },
      tracked: [200, 5] as const,
    },
  ]
  const tracked = () => target(schema, files, { partitionColumns: ['p'], properties: tracking })
  const ids = [
    [0, 100, 1],
    [1, 101, 1],
    [2, 102, 1],
    [3, 103, 1],
    [10, 7, 5],
    [11, 201, 2],
    [12, 202, 5],
  ].map(([id, row, version]) => ({ id: BigInt(id!), row_id: BigInt(row!), row_commit_version: BigInt(version!) }))

  it('counts rows of the file from its base, but for those that were materialised', async () => {
    const session = new Session([tableOf('t', await tracked())], {})
    const sql = 'SELECT id, _metadata.row_id, _metadata.row_commit_version FROM t'
    expect(await rowsOf(session, `${sql} ORDER BY id`)).toEqual(ids)
    expect(await rowsOf(session, `${sql} WHERE id IN (2, 12) ORDER BY id`)).toEqual([ids[2], ids[6]])
    expect(await rowsOf(session, `${sql} WHERE _metadata.row_id = 201`)).toEqual([ids[5]])
  })

  it('is a column of a scan', async () => {
    const rows = await scan(await tracked(), { columns: ['id', '_metadata.row_id'], where: '_metadata.row_commit_version = 5' }).toArray()
    expect(rows.sort((a, b) => Number(a.id) - Number(b.id))).toEqual([
      { id: 10n, row_id: 7n },
      { id: 12n, row_id: 202n },
    ])
  })

  it('finds what is materialised by its name where the table maps columns by id', async () => {
    const mapped = (name: string, id: number) => ({
      name,
      type: 'long' as const,
      nullable: true,
      metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `p${id}` },
    })
    const found = await target(
      { type: 'struct', fields: [mapped('id', 1), mapped('gone', 2)] },
      [
        { sql: `SELECT 5::BIGINT AS other, 77::BIGINT AS "_row-id"`, copyOptions: 'FIELD_IDS {other: 1}', tracked: [0, 3], stats: null },
        { sql: `SELECT 6::BIGINT AS p1`, copyOptions: 'FIELD_IDS {p1: 1}', tracked: [40, 4], stats: null },
      ],
      { properties: { ...tracking, 'delta.columnMapping.mode': 'id' } },
    )
    const session = new Session([tableOf('t', found)], {})
    expect(await rowsOf(session, 'SELECT *, _metadata.row_id, _metadata.row_commit_version AS v FROM t ORDER BY id')).toEqual([
      { id: 5n, gone: null, row_id: 77n, v: 3n },
      { id: 6n, gone: null, row_id: 40n, v: 4n },
    ])
  })

  it('is refused of tables that do not track rows, and of files that have no ids', async () => {
    const session = new Session([tableOf('t', await plain())], {})
    expect(await codeOf(session, 'SELECT _metadata.row_id FROM t')).toBe('NO_ROW_TRACKING')
    expect(await codeOf(session, 'SELECT id FROM t WHERE _metadata.row_commit_version > 1')).toBe('NO_ROW_TRACKING')
    const damaged = await target(schemaOf({ id: 'long' }), [{ sql: 'SELECT 1::BIGINT AS id' }], { properties: tracking })
    expect(await codeOf(new Session([tableOf('t', damaged)], {}), 'SELECT _metadata.row_id FROM t')).toBe('LOG_CORRUPT')
  })
})
