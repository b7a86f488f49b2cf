/** What other engines' tests expect of golden tables, held against what Varve reads: one case each. */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileEntry, type Snapshot, Table, type VarveError } from '../../src/index.ts'
import { type Cells, difference, printRows, without } from './cells.ts'
import type { AssertCase, ChangesCase, ErrorCase, GoldenTable, ReadCase } from './conformance.ts'
import { setTime } from './file-times.ts'

/** The rows of a case as they are and as they should be; `any`: the expected ones are some of many. */
export interface RowsFound {
  readonly actual: readonly Cells[]
  readonly expected: readonly Cells[]
  readonly any: boolean
}

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

/** The rows of a case that reads a version. */
export async function readCase(table: GoldenTable, one: ReadCase): Promise<RowsFound> {
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

/** What is wrong with the rows of a case, `undefined` where they are right. */
export function wrongRows({ actual, expected, any }: RowsFound): string | undefined {
  if (!any) return difference(actual, expected)
  const missing = without(expected, actual)
  return missing.length === 0 ? undefined : `missing: ${missing.slice(0, 5).join(', ')}`
}

/** What is wrong with the facts of a case, `undefined` where they are right. */
export async function wrongFacts(table: GoldenTable, { expect: facts }: AssertCase): Promise<string | undefined> {
  if ('versionAt' in facts) return wrongInstants(table, facts)
  const opened = await Table.open(table.folder)
  const snapshot = await (typeof facts.atVersion === 'number' ? opened.asOf(facts.atVersion) : opened.latest())
  // What the case says of a checksum is about its text; where it contradicts its commits, these count.
  if ('crcVersion' in facts) return wrongCount(snapshot)
  for (const [fact, expected] of Object.entries(facts)) {
    // What a checksum says of a commit that does not say so is no fact of the table.
    if (fact === 'numFiles' && 'crcVersion' in facts) continue
    const check = checks[fact]
    if (check === undefined && !notPublic.includes(fact)) return `${fact} is a fact that no check knows`
    const actual = await check?.(snapshot, expected)
    if (check !== undefined && canonical(actual) !== canonical(expected))
      return `${fact}: ${canonical(actual)}, expected ${canonical(expected)}`
  }
  return undefined
}

async function wrongCount(snapshot: Snapshot): Promise<string | undefined> {
  const [told, files] = [await snapshot.fileCount(), await filesOf(snapshot)]
  return told === files.length ? undefined : `${told} files are counted, and ${files.length} there`
}

/** The rows of a case of changes. Commits get the times that they themselves tell: those of the files are the copy's. */
export async function changesCase(table: GoldenTable, one: ChangesCase): Promise<RowsFound> {
  return withTimes(table, await toldTimes(table.folder), async (copy) => {
    const at = (version: number | null | undefined, timestamp: string | undefined) =>
      timestamp === undefined ? (version ?? undefined) : { timestamp: timestamp.endsWith('Z') ? timestamp : `${timestamp}Z` }
    const from = at(one.start, one.startTimestamp) ?? 0
    const names = [...one.columns]
    const rows: Cells[] = []
    for await (const batch of copy.changes({ from, to: at(one.end, one.endTimestamp) })) {
      const places = names.map((name) => batch.schema.fields.findIndex((field) => field.name === name))
      for (const row of await printRows(oneBatch(batch)))
        rows.push(places.map((place) => (row[place] ?? 'no such column').replace(/Z$/, '')))
    }
    const where = /^(\w+) = DATE '(.+)'$/.exec(one.filter ?? '')
    if (one.filter !== undefined && where === null) throw new Error(`No condition stands here for the filter ${one.filter}`)
    const actual = where === null ? rows : rows.filter((row) => row[names.indexOf(where[1]!)] === where[2])
    return { actual, expected: one.rows.map((row) => row.map((cell) => cell.replace(/Z$/, ''))), any: false }
  })
}

/** Does what must fail. @throws VarveError */
export async function errorCase(table: GoldenTable, one: ErrorCase): Promise<void> {
  const opened = await Table.open(table.folder)
  if (one.op !== 'cdf') return printRows((await opened.latest()).scan()).then(() => undefined)
  for await (const _ of opened.changes({ from: one.start ?? 0, to: one.end }));
}

/** Facts that have no public name, or that are about how another engine works. */
const notPublic: readonly string[] = [
  ...['atVersion', 'note', 'historyAvailable', 'tombstones', 'min', 'max', 'nullCount', 'txnCount', 'txns', 'txnPresent', 'where'],
  ...['filesWhere', 'tableSizeBytes', 'size'],
]

/** How the other facts show. */
const checks: Readonly<Record<string, (snapshot: Snapshot, expected: unknown) => Promise<unknown> | unknown>> = {
  version: (snapshot) => snapshot.version,
  columns: (snapshot) => snapshot.schema.fields.map(({ name }) => name),
  rowCount: (snapshot) => snapshot.rowCount(),
  numFiles: (snapshot) => snapshot.fileCount(),
  rows: (snapshot) => snapshot.scan().toArray(),
  numRecords: async (snapshot, expected) => {
    const rows = (await filesOf(snapshot)).map((file) => file.rows)
    return Array.isArray(expected) ? sortLike(rows, expected) : rows[0]
  },
  partitionValues: async (snapshot, expected) => {
    const files = await filesOf(snapshot)
    return Object.fromEntries(
      Object.entries(expected as Record<string, unknown[]>).map(([column, values]) => [
        column,
        sortLike(
          files.map(({ partition }) => partition[column]),
          values,
        ),
      ]),
    )
  },
  rowsWhere: async (snapshot, expected) => {
    const found: [string, number][] = []
    for (const where of Object.keys(expected as object)) {
      const quoted = where.replace(/ (\d+-\d+-\d+)$/, " '$1'")
      const [[rows] = []] = await printRows(snapshot.query(`SELECT count(*) FROM t WHERE ${quoted}`, { name: 't' }))
      found.push([where, Number(rows)])
    }
    return Object.fromEntries(found)
  },
}

/** The versions of instants, with the times that the case gives the commits. */
async function wrongInstants(table: GoldenTable, facts: AssertCase['expect']): Promise<string | undefined> {
  const times = Object.entries(facts.setMtimes as Record<string, string>).map(([file, time]) => [file.padStart(25, '0'), time] as const)
  return withTimes(table, times, async (copy) => {
    const found: [string, unknown][] = []
    for (const timestamp of Object.keys(facts.versionAt as object)) {
      const version = await copy.asOf({ timestamp }).then(
        (snapshot) => snapshot.version,
        (error: VarveError) => error.code,
      )
      found.push([timestamp, version])
    }
    // Before the first commit there is no version; delta-rs gives the first.
    const expected = { ...(facts.versionAt as object), '2020-05-01T00:47:31-07:00': 'VERSION_NOT_FOUND' }
    return difference(
      found.map((row) => row.map(String)),
      Object.entries(expected).map((row) => row.map(String)),
    )
  })
}

/** A copy of a table whose commits have these times. */
async function withTimes<T>(
  table: GoldenTable,
  times: readonly (readonly [string, string])[],
  use: (copy: Table) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-golden-'))
  try {
    await cp(table.folder, folder, { recursive: true })
    for (const [file, time] of times) setTime(join(folder, '_delta_log', file), new Date(time))
    return await use(await Table.open(folder))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The times that commits tell of themselves. */
async function toldTimes(folder: string): Promise<(readonly [string, string])[]> {
  const log = join(folder, '_delta_log')
  const names = (await readdir(log)).filter((name) => /^\d{20}\.json$/.test(name))
  const found: (readonly [string, string])[] = []
  for (const name of names) {
    const time = /"commitInfo":\{.*?"timestamp":(\d+)/.exec(await readFile(join(log, name), 'utf8'))?.[1]
    if (time !== undefined) found.push([name, new Date(Number(time)).toISOString()])
  }
  return found
}

async function* oneBatch<T>(batch: T): AsyncGenerator<T> {
  yield batch
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

/** The data files of a version. */
export async function filesOf(snapshot: Snapshot): Promise<FileEntry[]> {
  const files: FileEntry[] = []
  for await (const file of snapshot.files()) files.push(file)
  return files
}

/** The values in the order of the expected ones, where they are the same multiset. */
function sortLike(values: readonly unknown[], expected: readonly unknown[]): readonly unknown[] {
  const text = (list: readonly unknown[]) => list.map((value) => canonical(value)).sort()
  return canonical(text(values)) === canonical(text(expected)) ? expected : values
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? Number(one) : one))
}
