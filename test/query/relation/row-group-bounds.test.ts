/** What DuckDB would take from the statistics inside files, and must not. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { column, HandTable, metaData, protocol } from '../../support/hand-table.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-bounds-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A file whose bounds leave out the NaN behind the first value, as Arrow and parquet-rs do. */
function withHiddenNaN(table: HandTable, path: string, values: readonly number[]): void {
  const columns = (['DOUBLE', 'FLOAT'] as const).map((type) => ({ name: type === 'DOUBLE' ? 'd' : 'f', data: [...values], type }))
  writeFileSync(join(table.folder, path), Buffer.from(parquetWriteBuffer({ columnData: columns })))
}

// One file, and several, are read in two ways.
test.each([1, 2])('NaN that the bounds of a file leave out is found, in %i files', async (files) => {
  const hand = new HandTable(join(folder, `nan-${files}`))
  const adds = Array.from({ length: files }, (_, index) => {
    withHiddenNaN(hand, `${index}.parquet`, [1, NaN])
    const size = statSync(join(hand.folder, `${index}.parquet`)).size
    return hand.add(`${index}.parquet`, { size, stats: JSON.stringify({ numRecords: 2 }) })
  })
  hand.commit([protocol(), metaData([column('d', 'double'), column('f', 'float')]), ...adds])
  const snapshot = await (await Table.open(hand.folder)).latest()
  for (const name of ['d', 'f']) {
    const one = async (sql: string) => Object.values((await snapshot.query(sql, { name: 't' }).toArray())[0]!).map(Number)
    expect(await one(`SELECT count(*) FROM t WHERE ${name} > 5`)).toEqual([files])
    expect(await one(`SELECT count(*) FROM t WHERE NOT (${name} <= 5)`)).toEqual([files])
    expect(await one(`SELECT count(*) FROM t WHERE ${name} = 'nan'`)).toEqual([files])
    expect(await one(`SELECT count(*) FROM t JOIN (VALUES (5.5::DOUBLE)) AS v(k) ON ${name} > k`)).toEqual([files])
    expect(await one(`SELECT max(${name}), sum((${name} > 5)::INTEGER) FROM t`)).toEqual([NaN, files])
  }
})

test('rows with NULL are distinct from a value, in row groups of nothing but NULL too', async () => {
  const hand = new HandTable(join(folder, 'distinct'))
  const rows = 'SELECT i::INTEGER AS i, CASE WHEN i < 2048 THEN NULL ELSE 5 END::INTEGER AS x FROM range(2100) AS r(i)'
  const path = await hand.file(rows, { copy: 'ROW_GROUP_SIZE 2048' })
  hand.commit([protocol(), metaData([column('i', 'integer'), column('x', 'integer')]), hand.add(path)])
  const table = await Table.open(hand.folder)
  const conditions = [
    ['x IS DISTINCT FROM 5 OR x = 7', 2048],
    ['x IS DISTINCT FROM $five OR x = 7', 2048],
    ['NOT (x IS NOT DISTINCT FROM 5 AND x <> 7)', 2048],
    ['i < 5000 AND (x = 7 OR NOT (x IS NOT DISTINCT FROM 5))', 2048],
    ['(x = 5) IS NOT TRUE OR x = 5', 2100],
    ['x IS NOT DISTINCT FROM 5 OR x = 7', 52],
    ['NOT (x IS DISTINCT FROM 5 OR x = 7)', 52],
  ] as const
  for (const [where, count] of conditions) {
    const found = (await table.latest()).scan({ where, ...(where.includes('$') && { params: { five: 5 } }) })
    expect([where, (await found.toArray()).length]).toEqual([where, count])
  }
  const joined = 'SELECT count(*)::INTEGER AS n FROM t JOIN (VALUES (1)) AS v(k) ON x IS DISTINCT FROM 5 OR x = k'
  expect(await (await table.latest()).query(joined, { name: 't' }).toArray()).toEqual([{ n: 2048 }])
  await table.delete({ where: 'x IS DISTINCT FROM 5 OR x = 7' })
  expect(await (await table.latest()).rowCount()).toBe(52)
})
