/** CHAR and VARCHAR as Spark notes them beside the schema, whose lengths the protocol does not know. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Table } from '../../../src/index.ts'
import { column, HandTable, metaData, protocol } from '../../support/hand-table.ts'

test('texts keep to the length of their column, whichever verb writes them, and the change feed has them so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-lengths-'))
  try {
    const declared = (type: string) => ({ metadata: { __CHAR_VARCHAR_TYPE_STRING: type } })
    const fields = [column('id', 'long'), column('v', 'string', declared('varchar(3)')), column('c', 'string', declared('char(3)'))]
    const hand = new HandTable(folder)
    hand.commit([protocol(), metaData(fields, { partitionColumns: ['c'] })])
    const table = await Table.open(folder)
    await table.append([
      { id: 1, v: 'üü😀', c: 'a' },
      { id: 2, v: 'abc   ', c: 'abc ' },
      { id: 3, v: 'a ', c: null },
    ])
    await table.upsert([{ id: 1, v: 'new  ', c: 'b' }], { key: 'id' })
    await table.update({ set: { v: "v || '  '" }, where: 'id = 2' })
    const rows = [
      { id: 1n, v: 'new', c: 'b  ' },
      { id: 2n, v: 'abc', c: 'abc' },
      { id: 3n, v: 'a ', c: null },
    ]
    expect(await (await table.latest()).query('SELECT * FROM t ORDER BY id', { name: 't' }).toArray()).toEqual(rows)
    const told = (await table.changes({ from: 2 }).toArray()).filter(({ _change_type }) => _change_type === 'update_postimage')
    expect(told.map(({ id, v, c }) => ({ id, v, c }))).toEqual(rows.slice(0, 2))
    const misfit = (name: string, to: string) => ({ code: 'VALUE_OUT_OF_RANGE', data: { column: name, to } })
    await expect(table.append([{ id: 4, v: 'abcd' }])).rejects.toMatchObject(misfit('v', 'varchar(3)'))
    await expect(table.update({ set: { c: "'abcd'" } })).rejects.toMatchObject(misfit('c', 'char(3)'))
    await expect(table.upsert([{ id: 9, v: 'ab d' }], { key: 'id' })).rejects.toMatchObject(misfit('v', 'varchar(3)'))
    await expect(table.overwrite([{ id: 9, c: 'ab d' }])).rejects.toMatchObject(misfit('c', 'char(3)'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
