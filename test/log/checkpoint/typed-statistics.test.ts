/** Statistics in types of their own: where every file has one, and where not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { trustedEngine } from '../../../src/engine/index.ts'
import { CheckpointBase } from '../../../src/log/checkpoint/checkpoint-base.ts'
import { localStore } from '../../../src/storage/index.ts'

test('a statistic is everywhere only if no file lacks it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-test-typed-'))
  const connection = await (await trustedEngine()).connect()
  const parsed = (rows: string, low: string) => `{numRecords: ${rows}, minValues: {id: ${low}, "a, b": 1}, maxValues: {id: 9, "a, b": 1}}`
  const add = (path: string, stats: string) =>
    `SELECT {path: '${path}', size: 1::BIGINT, stats: '{"numRecords":7}', stats_parsed: ${stats}} AS add`
  const small = 'SELECT {minReaderVersion: 1} AS protocol, {id: \'x\'} AS "metaData"'
  const open = async (name: string, ...adds: string[]) => {
    await connection.run(`COPY (${[small, ...adds].join(' UNION ALL BY NAME ')}) TO '${join(folder, name)}' (FORMAT parquet)`)
    const base = (await CheckpointBase.open(localStore(folder), connection, { version: 1, encoding: 'parquet', keys: [name] }))!
    const rows = await connection.all(`SELECT ${base.columns.num_records} AS n FROM ${base.from} ORDER BY add.path`)
    await base.close()
    return { base, rows: rows.map(({ n }) => Number(n)) }
  }
  try {
    const { base, rows } = await open(
      'some.parquet',
      add('a', parsed('5', '1')),
      add('b', parsed('NULL::INTEGER', 'NULL::INTEGER')),
      add('c', 'NULL'),
    )
    expect(rows).toEqual([5, 7, 7])
    for (const group of ['minValues', 'maxValues'] as const) expect(base.typed(group, ['id'])?.everywhere).toBe(false)
    const all = await open('all.parquet', add('a', parsed('5', '1')), add('b', parsed('6', 'NULL::INTEGER')))
    expect(all.rows).toEqual([5, 6])
    expect(all.base.typed('minValues', ['id'])?.everywhere).toBe(false)
    expect(all.base.typed('maxValues', ['id'])).toMatchObject({ everywhere: true, type: 'integer' })
    // A comma in a name may be one between names.
    expect(all.base.typed('maxValues', ['a, b'])?.everywhere).toBe(false)
    expect(all.base.typed('maxValues', ['other'])).toBeUndefined()
  } finally {
    await connection.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
