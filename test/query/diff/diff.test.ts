/** The difference of two versions: that of their rows as multisets, whatever lay between; by key, with updates; and its summary. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { trustedEngine } from '../../../src/engine/index.ts'
import { memoryStore, openSession, type Row, Table, type VarveError } from '../../../src/index.ts'
import { handTable, ids, removeFeeds } from '../../support/feeds.ts'
import { column, firstTime, metaData, withVector } from '../../support/hand-table.ts'
import { commits, randomHistory, textOf } from '../../support/random-history.ts'
import { vectorInline } from '../../support/vectors.ts'

afterAll(removeFeeds)

const bare = ({ _change_type, ...row }: Row): Row => row
const ofType = (rows: readonly Row[], ...types: string[]) => rows.filter((row) => types.includes(String(row._change_type))).map(bare)

/** Rows of one version that the other has not, as often as it has them more often: as DuckDB sees it. */
async function without(table: Table, version: number, other: number): Promise<Row[]> {
  const session = await openSession({ t: table })
  const tags = 'list_transform(s.tags, lambda e: list_sort(map_entries(e)))'
  const rows = (at: number) =>
    `SELECT id, v, list_sort(map_entries(m)) AS m, CASE WHEN s IS NULL THEN NULL ELSE {'x': s.x, 'tags': ${tags}} END AS s, part FROM t AT (VERSION => ${at})`
  const map = (list: string) => `map_from_entries(${list})`
  const back = `id, v, ${map('m')} AS m, CASE WHEN s IS NULL THEN NULL ELSE {'x': s.x, 'tags': list_transform(s.tags, lambda e: ${map('e')})} END AS s, part`
  return session.query(`SELECT ${back} FROM (${rows(version)} EXCEPT ALL ${rows(other)})`).toArray()
}

const texts = (rows: readonly Row[]) => rows.map(textOf).sort()

describe('random histories', () => {
  it('differ by what DuckDB finds in one version and not in the other', async () => {
    await fc.assert(
      fc.asyncProperty(commits, fc.nat(), fc.nat(), fc.boolean(), async (history, x, y, turned) => {
        const { folder, version } = await randomHistory(history)
        const table = await Table.open(folder)
        const first = 1 + (x % (version - 1))
        const second = first + 1 + (y % (version - first))
        const [a, b] = turned ? [second, first] : [first, second]
        const [gone, come] = [await without(table, a, b), await without(table, b, a)]
        const rows = await table.diff(a, b).toArray()
        expect(texts(ofType(rows, 'delete'))).toEqual(texts(gone))
        expect(texts(ofType(rows, 'insert'))).toEqual(texts(come))
        expect(rows).toHaveLength(gone.length + come.length)
        expect(await table.diff(a, b, { summary: true }).toArray()).toEqual([
          { _change_type: 'insert', column_name: null, rows: BigInt(come.length) },
          { _change_type: 'delete', column_name: null, rows: BigInt(gone.length) },
        ])
        await checkByKey(table, [a, b], gone, come)
      }),
      { numRuns: 20, seed: 20260310 },
    )
  })
})

/** By the key id, which tells the rows apart or is refused. */
async function checkByKey(table: Table, [a, b]: readonly [number, number], gone: readonly Row[], come: readonly Row[]): Promise<void> {
  const byKey = (rows: readonly Row[]) => {
    const groups = new Map<unknown, Row[]>()
    for (const row of rows) groups.set(row.id, [...(groups.get(row.id) ?? []), row])
    return groups
  }
  const [before, after] = [byKey(gone), byKey(come)]
  const options = { key: ['id'] }
  const shared = [...before, ...after]
    .filter(([, rows]) => rows.length > 1)
    .map(([id]) => JSON.stringify({ id: id === null ? null : Number(id) }))
  if (shared.length > 0) {
    const error = await table
      .diff(a, b, options)
      .toArray()
      .catch((thrown: VarveError) => thrown)
    expect(error).toMatchObject({ code: 'KEY_NOT_UNIQUE' })
    expect(shared).toContain((error as VarveError).data.key)
    return
  }
  const pairs = [...before].flatMap(([id, [row]]) => (after.has(id) ? [[row!, after.get(id)![0]!] as const] : []))
  const rows = await table.diff(a, b, options).toArray()
  expect(texts(ofType(rows, 'update_preimage'))).toEqual(texts(pairs.map(([row]) => row)))
  expect(texts(ofType(rows, 'update_postimage'))).toEqual(texts(pairs.map(([, row]) => row)))
  expect(texts(ofType(rows, 'update_preimage', 'delete'))).toEqual(texts(gone))
  expect(texts(ofType(rows, 'update_postimage', 'insert'))).toEqual(texts(come))
  const counts = new Map(
    (await table.diff(a, b, { ...options, summary: true }).toArray()).map((row) => [row.column_name ?? row._change_type, Number(row.rows)]),
  )
  const alone = (name: string) => ({ id: 0, v: 0, m: null, s: null, part: null, [name]: undefined })
  const changed = (name: 'v' | 'm' | 's' | 'part') =>
    pairs.filter(
      ([one, other]) => textOf({ ...alone(name), [name]: one[name] } as Row) !== textOf({ ...alone(name), [name]: other[name] } as Row),
    ).length
  const columns = (['v', 'm', 's', 'part'] as const).map((name) => [name, changed(name)] as const).filter(([, count]) => count > 0)
  expect(counts).toEqual(
    new Map<unknown, number>([
      ['insert', come.length - pairs.length],
      ['delete', gone.length - pairs.length],
      ['update', pairs.length],
      ...columns,
    ]),
  )
}

describe('tables of our own', () => {
  type Verb = readonly [kind: 'append' | 'delete' | 'rename' | 'add' | 'drop', value: number]
  const verb: fc.Arbitrary<Verb> = fc.tuple(
    fc.constantFrom(
      'append' as const,
      'append' as const,
      'delete' as const,
      'delete' as const,
      'rename' as const,
      'add' as const,
      'drop' as const,
    ),
    fc.nat(5),
  )

  it('differ by columns that were renamed, added and dropped as their rows read in the later columns do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(verb, { minLength: 2, maxLength: 8 }), fc.boolean(), async (history, vectors) => {
        const properties = { 'delta.columnMapping.mode': 'name', 'delta.enableDeletionVectors': String(vectors) }
        const table = await Table.create(memoryStore(), { schema: 'id INTEGER, c0 INTEGER', properties })
        // The names of the columns by what they are, at each version.
        let columns = new Map([[0, 'c0']])
        const versions = [columns]
        let count = 0
        for (const [kind, value] of history) {
          count += 1
          const [first] = columns.keys()
          if (kind === 'append') {
            const values = [...columns.values()].map((name) => `(range % 2 + ${value})::INTEGER AS ${name}`)
            await table.append({ query: `SELECT ${[`(range + ${value})::INTEGER AS id`, ...values].join(', ')} FROM range(3)` })
          } else if (kind === 'delete') await table.delete({ where: `id = ${value}` })
          else if (kind === 'add') {
            columns = new Map([...columns, [count, `c${count}`]])
            await table.alter({ add: { name: `c${count}`, type: 'INTEGER' } })
          } else if (first !== undefined) {
            columns = new Map(columns)
            const name = columns.get(first)!
            if (kind === 'drop') columns.delete(first)
            else columns.set(first, `n${count}`)
            await table.alter(kind === 'drop' ? { drop: name } : { rename: { name, to: `n${count}` } })
          }
          while (versions.length <= (await table.version())) versions.push(columns)
        }
        const last = versions.length - 1
        const session = await openSession({ t: table })
        const rows = (at: number) =>
          `SELECT id${[...columns].map(([column, name]) => `, ${versions[at]!.get(column) ?? 'NULL::INTEGER'} AS ${name}`).join('')} FROM t AT (VERSION => ${at})`
        for (const at of [0, Math.floor(last / 2)]) {
          const expected = await session
            .query(`(SELECT *, 'delete' AS _change_type FROM (${rows(at)} EXCEPT ALL ${rows(last)})) UNION ALL
            (SELECT *, 'insert' AS _change_type FROM (${rows(last)} EXCEPT ALL ${rows(at)}))`)
            .toArray()
          const sorted = (found: readonly Row[]) => found.map((row) => JSON.stringify(row)).sort()
          expect(sorted(await table.diff(at, last).toArray())).toEqual(sorted(expected))
          const turned = await table.diff(last, at).toArray()
          expect(sorted(ofType(turned, 'insert'))).toEqual(sorted(ofType(expected, 'delete')))
          expect(sorted(ofType(turned, 'delete'))).toEqual(sorted(ofType(expected, 'insert')))
        }
      }),
      { numRuns: 8, seed: 20260311 },
    )
  })
})

describe('what is read', () => {
  it('is what the versions do not have in common: rows of a file by its vectors, nothing of the others', async () => {
    const table = handTable(ids)
    const [one, two, three] = [
      await table.file('SELECT range AS id FROM range(3)'),
      await table.file('SELECT 10 AS id'),
      await table.file('SELECT 20::BIGINT AS id'),
    ]
    const stats = JSON.stringify({ numRecords: 3 })
    table.commit([table.add(one, { stats }), table.add(two)])
    table.commit([table.remove(one), table.add(one, { stats, ...withVector(vectorInline([1])) }), table.add(three)])
    rmSync(join(table.folder, two))
    const opened = await Table.open(table.folder)
    const rows = (await opened.diff(1, 2).toArray()).map(({ id, _change_type }) => `${_change_type} ${id}`)
    expect(rows.sort()).toEqual(['delete 1', 'insert 20'])
    expect(
      (await opened.diff({ version: 2 }, { timestamp: new Date(firstTime + 60_000) }, { columns: ['ID'] }).toArray())
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1n, 20n])
  })

  it('is nothing for a summary that the log knows', async () => {
    const table = handTable(ids)
    const path = await table.file('SELECT range AS id FROM range(3)')
    table.commit([table.add(path, { stats: JSON.stringify({ numRecords: 3 }), ...withVector(vectorInline([1])) })])
    rmSync(join(table.folder, path))
    const opened = await Table.open(table.folder)
    expect((await opened.diff(1, 0, { summary: true }).toArray()).map(({ _change_type, rows }) => [_change_type, rows])).toEqual([
      ['insert', 0n],
      ['delete', 2n],
    ])
    const error = await opened
      .diff(0, 1)
      .toArray()
      .catch((thrown: VarveError) => thrown)
    expect(error).toMatchObject({ code: 'DATA_FILE_MISSING', data: { path, version: 1 } })
  })
})

describe('columns', () => {
  it('are those of the later version, partition columns by what each file says, and of the earlier where they were narrowed', async () => {
    const fields = [column('id', 'long', { nullable: false }), column('p', 'long')]
    const table = handTable(fields, { partitionColumns: ['p'] })
    table.commit([table.add(await table.file('SELECT 1::BIGINT AS id'), { partitionValues: { p: '7' } })])
    table.commit([
      metaData(fields),
      table.remove('part-1.parquet', { partitionValues: { p: '7' } }),
      table.add(await table.file('SELECT 1::BIGINT AS id, 7::BIGINT AS p')),
      table.add(await table.file('SELECT 2::BIGINT AS id, 7::BIGINT AS p')),
    ])
    const narrow = [column('id', 'integer'), column('p', 'long')]
    table.commit([
      metaData(narrow),
      table.remove('part-2.parquet'),
      table.remove('part-3.parquet'),
      table.add(await table.file('SELECT 1::INTEGER AS id, 7::BIGINT AS p')),
    ])
    table.commit([metaData([column('id', 'date')])])
    const opened = await Table.open(table.folder)
    expect(await opened.diff(1, 2).toArray()).toEqual([{ id: 2n, p: 7n, _change_type: 'insert' }])
    expect(await opened.diff(1, 3).toArray()).toEqual([])
    expect(await opened.diff(3, 2).toArray()).toEqual([{ id: 2n, p: 7n, _change_type: 'insert' }])
    const error = await opened
      .diff(1, 4)
      .toArray()
      .catch((thrown: VarveError) => thrown)
    expect(error).toMatchObject({ code: 'SCHEMA_CHANGED', data: { versions: [1, 4] } })
  })

  it('may be some, with those of the key before them, and must be there', async () => {
    const table = await Table.create(memoryStore(), { schema: 'a INTEGER, id INTEGER, b VARIANT' })
    await table.append({ query: "SELECT 1 AS a, 1 AS id, {'x': 1, 'y': 2}::VARIANT AS b" })
    await table.delete()
    await table.append({ query: "SELECT 2 AS a, 1 AS id, {'x': 1, 'y': 2}::VARIANT AS b UNION ALL SELECT 1, NULL, NULL" })
    expect(await table.diff(1, 3, { key: ['ID'], columns: ['a'] }).toArray()).toEqual([
      { id: 1, a: 1, _change_type: 'update_preimage' },
      { id: 1, a: 2, _change_type: 'update_postimage' },
      { id: null, a: 1, _change_type: 'insert' },
    ])
    expect(await table.diff(1, 3, { columns: ['a'] }).toArray()).toEqual([{ a: 2, _change_type: 'insert' }])
    const summary = await table.diff(1, 3, { key: ['id'], summary: true }).toArray()
    expect(summary.map((row) => Object.values(row))).toEqual([
      ['insert', null, 1n],
      ['delete', null, 0n],
      ['update', null, 1n],
      ['update', 'a', 1n],
    ])
    const failure = (options: Parameters<Table['diff']>[2]) =>
      table
        .diff(1, 3, options)
        .toArray()
        .catch((thrown: VarveError) => thrown)
    expect(await failure({ columns: ['c'] })).toMatchObject({ code: 'UNKNOWN_COLUMN', data: { columns: ['a', 'id', 'b'] } })
    expect(
      await table
        .diff(2, 9)
        .toArray()
        .catch((thrown: VarveError) => thrown),
    ).toMatchObject({ code: 'VERSION_NOT_FOUND' })
    for (const wrong of [{ key: [] }, { columns: [] }, { key: ['a', 'A'] }])
      expect(() => table.diff(0, 1, wrong)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('of a name that the comparison needs are refused, unless others are named', async () => {
    const table = await Table.create(memoryStore(), { schema: 'id INTEGER, _CHANGE_type INTEGER' })
    await table.append([{ id: 1, _CHANGE_type: 2 }])
    expect(
      await table
        .diff(0, 1)
        .toArray()
        .catch((thrown: VarveError) => thrown),
    ).toMatchObject({ code: 'RESERVED_COLUMN' })
    expect(await table.diff(0, 1, { columns: ['id'] }).toArray()).toEqual([{ id: 1, _change_type: 'insert' }])
  })
})

it('leaves no table behind, neither after the last row nor after a failure', async () => {
  const tables = async () => {
    const connection = await (await trustedEngine()).connect()
    try {
      return (await connection.all("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '%_left'")).length
    } finally {
      await connection.close()
    }
  }
  const table = await Table.create(memoryStore(), { schema: 'id INTEGER' })
  await table.append([{ id: 1 }, { id: 1 }])
  await table.append({ query: 'SELECT (range + 2)::INTEGER AS id FROM range(200000)' })
  await expect(table.diff(0, 1, { key: ['id'] }).toArray()).rejects.toMatchObject({
    code: 'KEY_NOT_UNIQUE',
    data: { key: '{"id":1}', version: 1 },
  })
  for await (const row of table.diff(1, 2, { key: ['id'] }).rows()) {
    expect(row).toEqual({ id: 2, _change_type: 'insert' })
    break
  }
  expect(await tables()).toBe(0)
})
