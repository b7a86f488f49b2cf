/** Rows changed: one of a hundred deleted or updated, a source merged. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { tableFromIPC } from 'apache-arrow'
import { localStore, Table } from '../../src/index.ts'
import type { Case, Contender, Target } from '../harness/case.ts'
import {
  type Change,
  changingNeeds,
  checkChange,
  fileRanges,
  loadedTable,
  measuredChange,
  mergeFile,
  newAmount,
  plainFiles,
  scattered,
} from '../harness/changing.ts'
import { inputFiles } from '../harness/data.ts'
import { parquetRelation, plainDuckDB, pull, syncFile } from '../harness/duckdb.ts'
import { lance, lanceArrow } from '../harness/peers.ts'
import { unsynced } from '../harness/unsynced.ts'

function varve(change: Change, synced: boolean): Contender {
  return {
    name: synced ? 'varve' : 'varve, nothing synced',
    role: 'varve',
    start: async (setting) => {
      const folder = join(setting.work, 't')
      await loadedTable(setting, folder)
      const table = await Table.open(synced ? folder : unsynced(localStore(folder)))
      const version = await table.version()
      const source = tableFromIPC(await readFile(mergeFile(setting, 'arrow')))
      const work = {
        delete: () => table.delete({ where: scattered }),
        update: () => table.update({ where: scattered, set: { amount: newAmount } }),
        merge: () => table.upsert(source, { key: 'id' }),
      }[change]
      return {
        sample: async () => {
          const sample = await measuredChange(folder, work)
          const [row] = await (await table.latest())
            .query('SELECT count(*) AS n, count(*) FILTER (amount < 0) AS negative FROM t', { name: 't' })
            .toArray()
          checkChange(change, setting, Number(row?.n), Number(row?.negative))
          await table.restore(version)
          return sample
        },
      }
    },
  }
}

const lanceName = 'lancedb (does not sync)'

function lancedb(change: Change): Contender {
  return {
    name: lanceName,
    role: 'peer',
    start: async (setting) => {
      const { connect } = lance(setting.peers)
      const read = async (file: string) => lanceArrow(setting.peers).tableFromIPC(await readFile(file))
      const rows = await read(inputFiles(setting.data, 'arrow-2m')[0]!)
      const source = await read(mergeFile(setting, 'arrow'))
      const connection = await connect(join(setting.work, 'db'))
      const [first, ...others] = fileRanges(setting)
      const table = await connection.createTable('t', rows.slice(...first!))
      for (const range of others) await table.add(rows.slice(...range))
      const version = await table.version()
      const work = {
        delete: () => table.delete(scattered),
        update: () => table.update({ where: scattered, valuesSql: { amount: newAmount } }),
        merge: () => table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(source),
      }[change]
      return {
        sample: async () => {
          const sample = await measuredChange(setting.work, work)
          checkChange(change, setting, await table.countRows(), await table.countRows('amount < 0'))
          await table.checkout(version)
          await table.restore()
          return sample
        },
      }
    },
  }
}

const floorNames = {
  delete: 'DuckDB finds the rows',
  update: 'DuckDB finds and writes the rows, synced',
  merge: 'DuckDB joins and writes the rows, synced',
} as const

/** What must be done in any case: to find the rows and their places, and to write those that are new. */
function floor(change: Change): Contender {
  return {
    name: floorNames[change],
    role: 'floor',
    start: async (setting) => {
      const relation = parquetRelation(await plainFiles(setting))
      const connection = await plainDuckDB()
      await connection.run(`CREATE TABLE source AS FROM ${parquetRelation([mergeFile(setting, 'rows')])}`)
      const target = join(setting.work, 'new.parquet')
      const places = 'file_index, file_row_number'
      const work = {
        delete: () => pull(connection, `SELECT ${places} FROM ${relation} WHERE ${scattered}`),
        update: () =>
          keptAndWritten(connection, target, {
            kept: `SELECT ${places}, * FROM ${relation} WHERE ${scattered}`,
            columns: `* EXCLUDE (${places}) REPLACE (${newAmount} AS amount)`,
          }),
        merge: () =>
          keptAndWritten(connection, target, {
            kept: `SELECT ${places}, source.* FROM source LEFT JOIN ${relation} AS t ON t.id = source.id`,
            columns: `* EXCLUDE (${places})`,
          }),
      }[change]
      return { sample: () => measuredChange(setting.work, work) }
    },
  }
}

async function keptAndWritten(
  connection: DuckDBConnection,
  file: string,
  { kept, columns }: { readonly kept: string; readonly columns: string },
): Promise<void> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE kept AS ${kept}`)
  await pull(connection, 'SELECT file_index, file_row_number FROM kept WHERE file_index IS NOT NULL')
  await connection.run(`COPY (SELECT ${columns} FROM kept) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`)
  await syncFile(file)
}

const deltaName = 'delta-rs (does not sync)'
const duckLakeName = 'ducklake'

function changeCase(change: Change, title: string, more: readonly Target[] = []): Case {
  return {
    name: `rows-${change}`,
    title: `${title}, 2,000,000 rows in 8 files (200,000 in a short run); written: MiB, share: of the table's bytes`,
    needs: changingNeeds,
    shows: ['written', 'share'],
    contenders: [
      varve(change, true),
      varve(change, false),
      lancedb(change),
      { name: duckLakeName, role: 'peer' },
      { name: deltaName, role: 'peer' },
      floor(change),
    ],
    targets: [
      { says: 'beside delta-rs', of: 'varve', to: deltaName, atMost: 0.1 },
      { says: 'beside DuckLake', of: 'varve', to: duckLakeName, atMost: 1 },
      { says: 'beside LanceDB, which does not sync', of: 'varve', to: lanceName, atMost: 1.2 },
      ...more,
    ],
    note: 'one handle each, its table put back to the same version or made anew after every sample; what the syncs cost is the difference of the first two',
  }
}

/** Scattered rows deleted. */
export const rowsDelete = changeCase('delete', '1% of the rows deleted, scattered', [
  { says: 'bytes written as a share of the table', of: 'varve', metric: 'share', atMost: 0.01, unit: 'of the table' },
])

/** Scattered rows updated. */
export const rowsUpdate = changeCase('update', '1% of the rows updated, scattered')

/** A source merged. */
export const rowsMerge = changeCase('merge', '100,000 rows merged from an Arrow table, half of them matching')
