/**
 * Golden tables that other engines wrote, read through the public names: the rows their own tests expect, and every version of every
 * table without an error, but for the exceptions that stand here with their reasons. An exception that is none any more fails too.
 */
import { cp, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type FileEntry, type Snapshot, Table, VarveError } from '../src/index.ts'
import { type Cells, difference, printRows, without } from './support/cells.ts'
import { type GoldenCase, type GoldenTable, goldenTables, type ReadCase } from './support/conformance.ts'

/** Versions that end in an error: its code, and the feature where it names one. */
interface Exception {
  readonly error: string
  readonly versions: string
}

const vectors = (versions: string): Exception => ({ error: 'UNSUPPORTED_FEATURE deletionVectors', versions })
const noData = (versions: string): Exception => ({ error: 'DATA_FILE_MISSING', versions })

/** Files with deleted rows: to read them is not built yet. The vectors of other versions are in files that later ones removed. */
const withVectors: Readonly<Record<string, Exception>> = {
  'delta-rs/cdf-table-with-cdc-and-dvs': vectors('2, 5, 10, 12, 16, 18, 20, 22, 24-25'),
  'delta-rs/table-with-dv-small': vectors('1'),
  'delta-rs/table_with_deletion_logs': vectors('3-20'),
  'kernel-data/cdf-table-with-cdc-and-dvs': vectors('2, 5, 10, 12, 16, 18, 20, 22, 24-25'),
  'kernel-data/cdf-table-with-dv': vectors('1, 3-5'),
  'kernel-data/compacted-log-files-table': vectors('2, 5, 10, 12, 16, 18, 20, 22, 24-25'),
  'kernel-data/table-with-dv-small': vectors('1'),
  'kernel-data/with-short-dv': vectors('0'),
}

/** Tables that a reader without the feature must refuse as a whole. */
const refused: Readonly<Record<string, string>> = {
  'delta-rs/checkpoints_tombstones': 'TABLE_NOT_FOUND', // there is no log
  'delta-rs/simple_table_features': 'UNSUPPORTED_FEATURE reader version 5', // nobody knows it
  'delta-rs/spark-shredded-variant-preview-delta': 'UNSUPPORTED_FEATURE variantShredding-preview', // values lie in typed columns
  'kernel-data/crc-malformed': 'TABLE_NOT_FOUND', // a checksum is no log
  'kernel-data/table-with-geo': 'UNSUPPORTED_FEATURE geospatial', // no part of the protocol's text
}

/** What these copies lack: their data files, or a schema that a first commit did not write. */
const withoutData: Readonly<Record<string, Exception>> = {
  'delta-rs/checkpoint_with_partitions': noData('2'),
  'delta-rs/checkpoints': noData('1-12'),
  'delta-rs/checkpoints_vacuumed': noData('5-12'),
  'delta-rs/delta-live-table': { error: 'NO_COLUMNS', versions: '0' },
  'delta-rs/latest_not_checkpointed': noData('1-3'),
  'delta-rs/spark-variant-stable-feature-checkpoint': noData('0-1'),
  'delta-rs/table-with-domain-metadata': noData('108'),
  'delta-rs/with_checkpoint_no_last_checkpoint': noData('1-3'),
  'kernel-data/app-txn-with-last-updated': noData('0-3'),
  'kernel-data/table-with-cdf': noData('0'),
  'kernel-data/with_checkpoint_no_last_checkpoint': noData('1-3'),
}

/** Columns whose statistics were written by hand: the files do not have them. */
const invented: Readonly<Record<string, readonly string[]>> = { 'kernel-data/parsed-stats': ['ts_col'] }

/** The filters of the cases in SQL, and which of a case's rows fulfil them: the other engines leave rows in that only their files promise. */
const filters: Readonly<Record<string, { readonly where: string; readonly keeps: (cell: (column: string) => string) => boolean }>> = {
  'n IS NULL': { where: 'n IS NULL', keeps: (cell) => cell('n') === '' },
  'n IS NOT NULL': { where: 'n IS NOT NULL', keeps: (cell) => cell('n') !== '' },
  'missing < 10': { where: 'missing < 10', keeps: () => false },
  'id > 3': { where: 'id > 3', keeps: () => true },
  'part = 0': { where: 'part = 0', keeps: () => true },
  "timestamp BETWEEN '2023-05-24T00:00:00.000Z' AND '2023-05-25T00:00:00.000Z' LIMIT 5": {
    where: "timestamp BETWEEN '2023-05-24T00:00:00.000Z' AND '2023-05-25T00:00:00.000Z'",
    keeps: () => true,
  },
  ...Object.fromEntries(
    (['<', '<=', '=', '>=', '>'] as const).map((op) => {
      const instant = '1970-01-01T00:00:04.000400Z'
      const order = { '<': [-1], '<=': [-1, 0], '=': [0], '>=': [0, 1], '>': [1] }[op]
      const padded = (cell: string) => cell.replace('Z', '').padEnd(26, cell.includes('.') ? '0' : '.000000')
      const keeps = (cell: (column: string) => string) => {
        const [left, right] = [padded(cell('ts_col')), padded(instant)]
        return cell('ts_col') !== '' && order.includes(left < right ? -1 : left > right ? 1 : 0)
      }
      return [`ts_col ${op} ${instant}`, { where: `ts_col ${op} TIMESTAMPTZ '${instant}'`, keeps }]
    }),
  ),
}

const tables = goldenTables()
const total = { cases: 0, refused: 0, versions: 0, exceptions: 0, tables: 0 }

describe.skipIf(tables.length === 0)('golden tables', () => {
  const readCases = tables.flatMap((table) => table.cases.filter(isRead).map((one) => ({ name: `${table.name}: ${one.id}`, table, one })))

  it.each(readCases)('$name', async ({ table, one }) => {
    const exception = withVectors[table.name]
    if (exception) {
      expect(await errorOf(() => readCase(table, one))).toBe(exception.error)
      total.refused += 1
      return
    }
    const { actual, expected, any } = await readCase(table, one)
    if (any) expect(without(expected, actual)).toEqual([])
    else expect(difference(actual, expected)).toBeUndefined()
    for (const [what, wrong] of mutations(expected)) {
      expect(any && what !== 'a cell changed' ? 'some' : difference(actual, wrong), what).toBeDefined()
    }
    total.cases += 1
  })

  it.each(tables.map((table) => ({ name: table.name, table })))('every version of $name', async ({ name, table }) => {
    const whole = await errorOf(() => Table.open(table.folder))
    expect(whole).toBe(refused[name])
    if (whole !== undefined) {
      total.exceptions += 1
      return
    }
    expect(table.mustFail).toBe(false)
    const { failures, rows, latest } = await readVersions(await Table.open(table.folder), invented[name] ?? [])
    const exception = withVectors[name] ?? withoutData[name]
    expect(Object.fromEntries([...failures].map(([error, versions]) => [error, ranges(versions)]))).toEqual(
      exception === undefined ? {} : { [exception.error]: exception.versions },
    )
    expect(latest).toBe(table.latestVersion)
    if (table.rowCount !== null && rows !== undefined) expect(rows).toBe(table.rowCount)
    total.tables += 1
  })

  const asserts = tables.flatMap((table) => table.cases.filter(isAssert).map((one) => ({ name: `${table.name}: ${one.id}`, table, one })))

  it.each(asserts.filter(({ table }) => refused[table.name] === undefined))('$name', async ({ table, one }) => {
    const { expect: facts } = one
    const opened = await Table.open(table.folder)
    const snapshot = await (typeof facts.atVersion === 'number' ? opened.asOf(facts.atVersion) : opened.latest())
    for (const [fact, expected] of Object.entries(facts)) {
      const check = checks[fact]
      if (check === undefined) expect(notPublic, `${fact} is a fact that no check knows`).toContain(fact)
      else await check(snapshot, expected)
    }
  })

  it('finds the versions of instants by the times of the commits', async () => {
    const { table, facts } = asserts.map(({ table, one }) => ({ table, facts: one.expect })).find((one) => 'versionAt' in one.facts)!
    const folder = await mkdtemp(join(tmpdir(), 'varve-golden-'))
    try {
      await cp(table.folder, folder, { recursive: true })
      for (const [file, time] of Object.entries(facts.setMtimes as Record<string, string>)) {
        await utimes(join(folder, '_delta_log', file.padStart(25, '0')), new Date(time), new Date(time))
      }
      const copy = await Table.open(folder)
      const found = await Promise.all(
        Object.keys(facts.versionAt as object).map(async (timestamp) => [
          timestamp,
          await copy.asOf({ timestamp }).then(
            (snapshot) => snapshot.version,
            (error: VarveError) => error.code,
          ),
        ]),
      )
      // Before the first commit there is no version; delta-rs gives the first.
      expect(Object.fromEntries(found)).toEqual({ ...(facts.versionAt as object), '2020-05-01T00:47:31-07:00': 'VERSION_NOT_FOUND' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('has no exception for a table that is not there', () => {
    const names = tables.map(({ name }) => name)
    for (const name of [withVectors, withoutData, refused].flatMap(Object.keys)) expect(names).toContain(name)
  })

  afterAll(() => {
    const { cases, refused: cannot, versions, exceptions, tables: read } = total
    console.info(
      `Golden tables: ${cases} cases right, ${cannot} refused; ${versions} versions of ${read} tables read, ${exceptions} versions or tables refused by name.`,
    )
  })
})

function isRead(one: GoldenCase): one is ReadCase {
  return one.kind === 'read'
}

function isAssert(one: GoldenCase): one is Extract<GoldenCase, { kind: 'assert' }> {
  return one.kind === 'assert'
}

/** The rows of a case as they are and as they should be, filtered; `any`: the expected ones are some of many. */
async function readCase(table: GoldenTable, one: ReadCase) {
  const opened = await Table.open(table.folder)
  const snapshot = await (one.version === undefined ? opened.latest() : opened.asOf(one.version))
  const filter = one.filter === undefined ? undefined : filters[one.filter]
  if (one.filter !== undefined && filter === undefined) throw new Error(`No SQL stands here for the filter ${one.filter}`)
  const result = snapshot.scan({ columns: one.select ?? one.columns, where: filter?.where })
  const expected = one.rows.map((row) => withZones(row, one.columns, snapshot))
  return {
    actual: (await printRows(result)).map((row) => row.map(unsorted)),
    expected: filter === undefined ? expected : expected.filter((row) => filter.keeps((column) => row[one.columns.indexOf(column)]!)),
    any: one.filterIs?.includes('any') === true,
  }
}

/** Whether a variant's names are known to be sorted is a bit of its header that DuckDB sets where it is true, and Spark does not. */
function unsorted(cell: string): string {
  return cell.replaceAll('{metadata: 11', '{metadata: 01')
}

/** One engine prints timestamps of UTC without their Z. */
function withZones(row: Cells, columns: readonly string[], { schema }: Snapshot): Cells {
  const zoned = columns.map((name) => schema.fields.some((field) => field.name === name && field.type === 'timestamp'))
  return row.map((cell, index) => (zoned[index] && /T[\d:.]+$/.test(cell) ? `${cell}Z` : cell))
}

/** Rows that are nearly the expected ones. */
function* mutations(rows: readonly Cells[]): Generator<readonly [string, readonly Cells[]]> {
  const [first, ...rest] = rows
  if (first === undefined) {
    yield ['a row more', [['']]]
    return
  }
  yield ['a row less', rest]
  yield ['a row twice', [first, ...rows]]
  for (const [index] of first.entries()) yield ['a cell changed', [first.with(index, `${first[index]}?`), ...rest]]
}

/** Reads all versions that can be reached, and compares the NULLs of their columns with those that the log tells of; `rows` are the latest's. */
async function readVersions(table: Table, inventedColumns: readonly string[]) {
  const latest = await table.version()
  const failures = new Map<string, number[]>()
  let rows: number | undefined
  for (let version = 0; version <= latest; version += 1) {
    try {
      const snapshot = await table.asOf(version)
      const read = new Map<string, number>(snapshot.schema.fields.map(({ name }) => [name, 0]))
      rows = 0
      for await (const batch of snapshot.scan()) {
        rows += batch.numRows
        for (const [index, { name }] of batch.schema.fields.entries()) {
          read.set(name, read.get(name)! + batch.getChildAt(index)!.nullCount)
        }
      }
      expect(await snapshot.rowCount()).toBe(rows)
      const told = await nullsTold(snapshot)
      for (const name of inventedColumns) told.delete(name)
      expect(Object.fromEntries([...read].filter(([name]) => told.has(name)))).toEqual(Object.fromEntries(told))
      total.versions += 1
    } catch (error) {
      rows = undefined
      if (!(error instanceof VarveError)) throw error
      if (error.code === 'VERSION_NOT_FOUND') version = Number(error.data.earliest) - 1
      else failures.set(nameOf(error), [...(failures.get(nameOf(error)) ?? []), version])
    }
  }
  for (const [error, versions] of failures) if (error.startsWith('UNSUPPORTED')) total.exceptions += versions.length
  return { failures, rows, latest }
}

/** How many NULLs each column has as the writers' statistics and the partition values say; only columns of which all files say it. */
async function nullsTold(snapshot: Snapshot): Promise<Map<string, number>> {
  const files = await filesOf(snapshot)
  const mapped = ['name', 'id'].includes(snapshot.properties['delta.columnMapping.mode'] ?? '')
  const told = new Map<string, number>()
  for (const { name, metadata } of snapshot.schema.fields) {
    const physical = mapped ? String(metadata['delta.columnMapping.physicalName']) : name
    const nulls = files.map(({ stats, rows, partition }) => {
      if (snapshot.partitionColumns.includes(name)) return partition[name] ? 0 : rows
      return (stats as { nullCount?: Record<string, unknown> } | null)?.nullCount?.[physical]
    })
    if (nulls.every((count) => typeof count === 'number'))
      told.set(
        name,
        nulls.reduce((sum, count) => sum + count, 0),
      )
  }
  return told
}

async function errorOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof VarveError) return nameOf(error)
    throw error
  }
}

function nameOf({ code, data }: VarveError): string {
  return data.feature === undefined ? code : `${code} ${data.feature}`
}

/** `0-3, 5` */
function ranges(versions: readonly number[]): string {
  const starts = versions.filter((version) => !versions.includes(version - 1))
  const ends = versions.filter((version) => !versions.includes(version + 1))
  return starts.map((start, index) => (start === ends[index] ? `${start}` : `${start}-${ends[index]}`)).join(', ')
}

/** Facts that have no public name yet, or that are about how another engine works. */
const notPublic: readonly string[] = [
  ...['atVersion', 'note', 'historyAvailable', 'tombstones', 'min', 'max', 'nullCount', 'txnCount', 'txns', 'txnPresent', 'where'],
  ...['filesWhere', 'crcVersion', 'tableSizeBytes', 'size', 'setMtimes', 'versionAt'],
]

/** How the other facts show. */
const checks: Readonly<Record<string, (snapshot: Snapshot, expected: unknown) => Promise<void> | void>> = {
  version: (snapshot, expected) => expect(snapshot.version).toBe(expected),
  columns: (snapshot, expected) => expect(snapshot.schema.fields.map(({ name }) => name)).toEqual(expected),
  rowCount: async (snapshot, expected) => expect(await snapshot.rowCount()).toBe(expected),
  numFiles: async (snapshot, expected) => expect(await snapshot.fileCount()).toBe(expected),
  rows: async (snapshot, expected) => expect(await snapshot.scan().toArray()).toEqual(expected),
  numRecords: async (snapshot, expected) => {
    const rows = (await filesOf(snapshot)).map((file) => file.rows)
    expect(rows.sort()).toEqual([expected].flat().sort())
  },
  partitionValues: async (snapshot, expected) => {
    const files = await filesOf(snapshot)
    for (const [column, values] of Object.entries(expected as Record<string, unknown[]>)) {
      expect(files.map(({ partition }) => partition[column]).sort()).toEqual(values.sort())
    }
  },
  rowsWhere: async (snapshot, expected) => {
    for (const [where, rows] of Object.entries(expected as Record<string, number>)) {
      const quoted = where.replace(/ (\d+-\d+-\d+)$/, " '$1'")
      expect(await printRows(snapshot.query(`SELECT count(*) FROM t WHERE ${quoted}`, { name: 't' })), where).toEqual([[String(rows)]])
    }
  },
}

async function filesOf(snapshot: Snapshot): Promise<FileEntry[]> {
  const files: FileEntry[] = []
  for await (const file of snapshot.files()) files.push(file)
  return files
}
