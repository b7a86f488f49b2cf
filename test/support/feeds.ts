/** Tables by hand for the tests of changes, and what they give. */

import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChangesOptions, type Row, Table, type VarveError } from '../../src/index.ts'
import type { Action } from '../../src/log/actions.ts'
import type { StructField } from '../../src/schema/types.ts'
import { column, HandTable, metaData, protocol } from './hand-table.ts'

/** A folder for tables. */
export const feedFolder = mkdtempSync(join(tmpdir(), 'varve-changes-'))

/** Removes the folder. */
export const removeFeeds = () => rm(feedFolder, { recursive: true, force: true })

let count = 0

/** A table whose version 0 has these columns. */
export function handTable(fields: readonly StructField[], more: Parameters<typeof metaData>[1] = {}, own: Action = protocol()): HandTable {
  count += 1
  const table = new HandTable(join(feedFolder, `table-${count}`))
  table.commit([own, metaData(fields, more)])
  return table
}

/** One column. */
export const ids = [column('id', 'long')]

/** A table of three versions: nothing, ids 1 and 2, ids 3 and 4. */
export async function threeVersions(more: Parameters<typeof metaData>[1] = {}, own?: Action): Promise<HandTable> {
  const table = handTable(ids, more, own)
  table.commit([table.add(await table.file('SELECT unnest([1, 2])::BIGINT AS id'))])
  table.commit([table.add(await table.file('SELECT unnest([3, 4])::BIGINT AS id'))])
  return table
}

/** The rows of a feed. */
export async function rowsOf(table: HandTable, options: ChangesOptions): Promise<Row[]> {
  return (await Table.open(table.folder)).changes(options).toArray()
}

/** Rows as `version type values`, sorted. */
export async function told(table: HandTable, options: ChangesOptions): Promise<string[]> {
  const rows = await rowsOf(table, options)
  return rows
    .map(
      ({ _change_type, _commit_version, _commit_timestamp, ...row }) =>
        `${_commit_version} ${_change_type} ${Object.values(row).join(' ')}`,
    )
    .sort()
}

/** What reading a feed fails with. */
export async function failure(table: HandTable, options: ChangesOptions): Promise<VarveError> {
  return rowsOf(table, options).then(
    (rows) => {
      throw new Error(`no error, ${rows.length} rows`)
    },
    (error: VarveError) => error,
  )
}
