/** Every version of a golden table, read whole and held against what its log tells of it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Snapshot, Table, VarveError } from '../../src/index.ts'
import type { GoldenTable } from './conformance.ts'
import { filesOf } from './golden-cases.ts'

/** What reading all versions gave. */
export interface VersionsRead {
  /** The versions that were read. */
  readonly right: readonly number[]
  /** The versions that were not, by the error: its code, and the feature where it names one. */
  readonly failed: ReadonlyMap<string, readonly number[]>
  /** What differs from the log, a line a version. */
  readonly wrong: readonly string[]
  /** Whether each data file that was not found is indeed not among the copy's. */
  readonly missingIndeed: boolean
  /** Rows of the latest version, where it was read. */
  readonly rows: number | undefined
  readonly latest: number
}

/** Reads all versions that can be reached. `invented`: columns whose statistics were written by hand, which the files do not have. */
export async function readVersions(golden: GoldenTable, invented: readonly string[]): Promise<VersionsRead> {
  const table = await Table.open(golden.folder)
  const latest = await table.version()
  const failed = new Map<string, number[]>()
  const [right, wrong]: [number[], string[]] = [[], []]
  let missingIndeed = true
  let rows: number | undefined
  for (let version = 0; version <= latest; version += 1) {
    rows = undefined
    try {
      const found = await readVersion(await table.asOf(version), invented)
      rows = found.rows
      if (found.differs === undefined) right.push(version)
      else wrong.push(`version ${version}: ${found.differs}`)
    } catch (error) {
      if (!(error instanceof VarveError)) throw error
      if (error.code === 'VERSION_NOT_FOUND') version = Number(error.data.earliest) - 1
      else failed.set(nameOf(error), [...(failed.get(nameOf(error)) ?? []), version])
      if (error.code === 'DATA_FILE_MISSING' && existsSync(join(golden.folder, String(error.data.path)))) missingIndeed = false
    }
  }
  return { right, failed, wrong, missingIndeed, rows, latest }
}

async function readVersion(snapshot: Snapshot, invented: readonly string[]): Promise<{ rows: number; differs: string | undefined }> {
  const read = new Map<string, number>(snapshot.schema.fields.map(({ name }) => [name, 0]))
  let rows = 0
  for await (const batch of snapshot.scan()) {
    rows += batch.numRows
    for (const [index, { name }] of batch.schema.fields.entries()) read.set(name, read.get(name)! + batch.getChildAt(index)!.nullCount)
  }
  const counted = await snapshot.rowCount()
  if (counted !== rows) return { rows, differs: `${rows} rows, counted as ${counted}` }
  const told = await nullsTold(snapshot)
  for (const name of invented) told.delete(name)
  const off = [...told].filter(([name, nulls]) => read.get(name) !== nulls)
  return {
    rows,
    differs: off.length === 0 ? undefined : `NULLs of ${off.map(([name, nulls]) => `${name}: ${read.get(name)}, not ${nulls}`).join('; ')}`,
  }
}

/** How many NULLs each column has as the writers' statistics and the partition values say; only columns of which all files say it. */
async function nullsTold(snapshot: Snapshot): Promise<Map<string, number>> {
  const files = await filesOf(snapshot)
  const mapped = ['name', 'id'].includes(snapshot.properties['delta.columnMapping.mode'] ?? '')
  const told = new Map<string, number>()
  for (const { name, metadata } of snapshot.schema.fields) {
    const physical = mapped ? String(metadata['delta.columnMapping.physicalName']) : name
    const nulls = files.map(({ stats, rows, deletedRows, partition }) => {
      if (snapshot.partitionColumns.includes(name)) return partition[name] ? 0 : rows
      const count = (stats as { nullCount?: Record<string, unknown> } | null)?.nullCount?.[physical]
      // Statistics are of the whole file: where rows are deleted, only none and all say how many NULLs are left.
      return deletedRows === 0 || count === 0 ? count : undefined
    })
    if (nulls.every((count) => typeof count === 'number'))
      told.set(
        name,
        nulls.reduce((sum, count) => sum + count, 0),
      )
  }
  return told
}

/** An error as the tables of exceptions spell it: `UNSUPPORTED_FEATURE geospatial`. */
export function nameOf({ code, data }: VarveError): string {
  return data.feature === undefined ? code : `${code} ${data.feature}`
}

/** `0-3, 5` */
export function ranges(versions: readonly number[]): string {
  const starts = versions.filter((version) => !versions.includes(version - 1))
  const ends = versions.filter((version) => !versions.includes(version + 1))
  return starts.map((start, index) => (start === ends[index] ? `${start}` : `${start}-${ends[index]}`)).join(', ')
}
