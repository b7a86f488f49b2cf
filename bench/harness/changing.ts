/**
 * Tables whose rows are changed: the rows of `rows-2m` in eight files, or a tenth of them in a short run. What a change did is checked by
 * two counts: all rows, and those with an amount below zero, which no row has before.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Sample, Setting } from './case.ts'
import { inputFiles, schema } from './data.ts'
import { parquetRelation, plainDuckDB } from './duckdb.ts'
import { measured } from './measure.ts'

/** What is done to the rows. */
export type Change = 'delete' | 'update' | 'merge'

/** Data sets that changes need. */
export const changingNeeds = ['rows-2m', 'arrow-2m', 'rows-merge-100k', 'arrow-merge-100k', 'rows-merge-10k', 'arrow-merge-10k'] as const

/** One row of a hundred, scattered over all files. */
export const scattered = 'id % 100 = 7'

/** What an update assigns to the amount. */
export const newAmount = '-amount - 1'

const fileCount = 8

/** Rows of the table. */
export function rowsOf({ short }: Pick<Setting, 'short'>): number {
  return short ? 200_000 : 2_000_000
}

/** The rows that are merged: a twentieth as many as the table's, half of them with a partner. */
export function mergeFile(setting: Pick<Setting, 'short' | 'data'>, kind: 'rows' | 'arrow'): string {
  return inputFiles(setting.data, `${kind}-merge-${setting.short ? '10k' : '100k'}`)[0]!
}

/** First and last id, exclusive, of each file. */
export function fileRanges(setting: Pick<Setting, 'short'>): [from: number, to: number][] {
  const rows = rowsOf(setting) / fileCount
  return Array.from({ length: fileCount }, (_, i) => [i * rows, (i + 1) * rows])
}

/** A table of ours that is loaded, and its version. */
export async function loadedTable(setting: Setting, folder: string, partitionBy?: readonly string[]): Promise<Table> {
  const table = await Table.create(folder, { schema, ...(partitionBy && { partitionBy }) })
  const relation = parquetRelation(inputFiles(setting.data, 'rows-2m'))
  for (const [from, to] of fileRanges(setting)) {
    await table.append({ query: `SELECT * FROM ${relation} WHERE id >= ${from} AND id < ${to}` })
  }
  return table
}

/** The same rows as plain Parquet files, as DuckDB writes them. */
export async function plainFiles(setting: Setting): Promise<string[]> {
  const connection = await plainDuckDB()
  const relation = parquetRelation(inputFiles(setting.data, 'rows-2m'))
  const files: string[] = []
  for (const [i, [from, to]] of fileRanges(setting).entries()) {
    const file = join(setting.work, `${i}.parquet`)
    await connection.run(
      `COPY (SELECT * FROM ${relation} WHERE id >= ${from} AND id < ${to}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`,
    )
    files.push(file)
  }
  return files
}

/** Measures a change alone: time, and what it wrote as MiB and as a share of the folder's bytes before. */
export async function measuredChange(folder: string, work: () => Promise<unknown>): Promise<Sample> {
  const before = await folderBytes(folder)
  const sample = await measured(async () => {
    await work()
    return undefined
  })
  const written = (await folderBytes(folder)) - before
  return { ...sample, written: written / 2 ** 20, share: written / before }
}

/** Checks what a change left. */
export function checkChange(change: Change, setting: Pick<Setting, 'short'>, rows: number, negative: number): void {
  const before = rowsOf(setting)
  const expected = {
    delete: [before - before / 100, 0],
    update: [before, before / 100],
    merge: [before + before / 40, before / 20],
  }[change]
  if (rows === expected[0] && negative === expected[1]) return
  throw new Error(`${rows} rows after ${change}, ${negative} of them changed, not ${expected.join(' and ')}`)
}

async function folderBytes(folder: string): Promise<number> {
  let sum = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += (await stat(join(entry.parentPath, entry.name))).size
  }
  return sum
}
