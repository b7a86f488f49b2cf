/** What must hold of every version of a table, beside its {@link Mirror}. */
import { inspect } from 'node:util'
import { expect } from 'vitest'
import type { ObjectStore, Row, Table } from '../../src/index.ts'
import { asText, byUid, textRow, type Version } from './mirror.ts'

/** What the version before was, as far as the next is compared with it. */
export class Before {
  /** Rows by `uid`. */
  rows: ReadonlyMap<string, SeenRow> = new Map()
  /** Which row an id was given to, ever. */
  readonly owners = new Map<string, string>()
}

/** A row as it was read: its values as DuckDB's text and as JavaScript has them, its id, and the version that changed it last. */
interface SeenRow {
  readonly uid: string
  readonly text: string
  readonly values: string
  readonly id: string
  readonly version: number
}

/** What a version is compared with. */
export interface Expected {
  readonly then: Version
  readonly before: Version | undefined
  /** The verb that made it. */
  readonly verb: string
  readonly changeFeed: boolean
  readonly rowTracking: boolean
}

/** The rows, the columns, what the log says of them, the changes, and the rows' ids. */
export async function checkVersion(table: Table, version: number, expected: Expected, seen: Before): Promise<void> {
  const { then, rowTracking, changeFeed } = expected
  const what = `version ${version}, made by ${expected.verb}`
  const snapshot = await table.asOf(version)
  const names = then.columns.map(({ name }) => name)
  expect(
    snapshot.schema.fields.map(({ name }) => name),
    what,
  ).toEqual(names)
  const ids = rowTracking ? ', _metadata.row_id::VARCHAR AS "row id", _metadata.row_commit_version::INTEGER AS "row version"' : ''
  const found = await snapshot.query(`SELECT *, ${asText(then.columns)}${ids} FROM t`, { name: 't' }).toArray()
  const rows = found.map((row): SeenRow => {
    const { 'row id': id, 'row version': changed, ...all } = row
    const values = Object.fromEntries(names.map((name) => [name, all[name]]))
    return { ...textRow(then.columns, all), values: asJavaScript(values), id: String(id), version: Number(changed) }
  })
  expect(
    byUid(rows).map(({ text }) => text),
    what,
  ).toEqual(then.rows.map(({ text }) => text))
  expect(await snapshot.rowCount(), what).toBe(then.rows.length)
  let counted = 0
  for await (const file of snapshot.files()) counted += file.rows ?? Number.NaN
  expect(counted, what).toBe(then.rows.length)
  const is = new Map(rows.map((row) => [row.uid, row]))
  if (rowTracking) checkIds(seen, is, version, expected)
  if (changeFeed && version > 0) await checkChanges(table, seen.rows, is, version, expected)
  seen.rows = is
}

/** The changes of a version are what tells it from the one before, row by row. */
async function checkChanges(
  table: Table,
  was: ReadonlyMap<string, SeenRow>,
  is: ReadonlyMap<string, SeenRow>,
  version: number,
  { then, before, verb }: Expected,
): Promise<void> {
  // Rows of other columns may be refused, by name.
  if (verb === 'restore' && then.columns !== before?.columns) return
  const feed = await table.changes({ from: version, to: version }).toArray()
  const told = (types: readonly string[]) =>
    feed
      .filter(({ _change_type }) => types.includes(String(_change_type)))
      .map(({ _change_type, _commit_version, _commit_timestamp, ...row }) => asJavaScript(row))
  if (then.columns !== before?.columns) {
    // A change of columns is none of rows, and rows that come with new columns are new.
    const fresh = [...is].filter(([uid]) => !was.has(uid)).map(([, { values }]) => values)
    expect(told(['insert']).sort()).toEqual(fresh.sort())
    expect(feed.length).toBe(fresh.length)
    return
  }
  const [gone, come] = [told(['delete', 'update_preimage']), told(['insert', 'update_postimage'])]
  // A row that is given the values that it has is told of, and makes no difference.
  const same = new Set(gone.filter((values) => come.includes(values)))
  const apart = (rows: ReadonlyMap<string, SeenRow>, others: ReadonlyMap<string, SeenRow>) =>
    [...rows.values()].filter(({ uid, values }) => others.get(uid)?.values !== values).map(({ values }) => values)
  expect(gone.filter((values) => !same.has(values)).sort(), `rows that version ${version} takes`).toEqual(apart(was, is).sort())
  expect(come.filter((values) => !same.has(values)).sort(), `rows that version ${version} brings`).toEqual(apart(is, was).sort())
  if (verb === 'restore') return
  for (const { uid, _change_type: type } of feed) {
    const stays = was.has(String(uid)) && is.has(String(uid))
    expect(String(type).startsWith('update'), `${type} of the row ${uid} in version ${version}`).toBe(stays)
  }
}

/** Every row has its id, which it keeps, and which no other had before; and the version that changed it last. */
function checkIds({ rows: was, owners }: Before, is: ReadonlyMap<string, SeenRow>, made: number, { then, before, verb }: Expected): void {
  for (const { uid, id, version, text } of is.values()) {
    expect(owners.get(id) ?? uid, `whose id ${id} is`).toBe(uid)
    owners.set(id, uid)
    const old = was.get(uid)
    if (old === undefined || verb === 'restore') continue
    expect(id, `the id of row ${uid}`).toBe(old.id)
    if (then.columns === before?.columns && text !== old.text) expect(version, `the version of row ${uid}, which changed`).toBe(made)
    else if (['optimize', 'append', 'alter'].includes(verb)) expect(version, `the version of row ${uid}, which stayed`).toBe(old.version)
    else expect([old.version, made], `the version of row ${uid}`).toContain(version)
  }
}

function asJavaScript(row: Row): string {
  return inspect(row, { depth: null, sorted: true, maxStringLength: null, maxArrayLength: null })
}

/** Every file of the table is one that a version names. */
export async function checkFiles(store: ObjectStore): Promise<void> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  const commits = keys.filter((key) => /^_delta_log\/\d{20}\.json$/.test(key))
  const text = (await Promise.all(commits.map(async (key) => new TextDecoder().decode((await store.get(key)).bytes)))).join('\n')
  const unnamed = keys.filter((key) => key.endsWith('.parquet') && !key.startsWith('_delta_log/') && !text.includes(key.split('/').at(-1)!))
  expect(unnamed, 'files that no version names').toEqual([])
  const vectors = new Set([...text.matchAll(/"storageType":"u","pathOrInlineDv":("(?:[^"\\]|\\.)*")/g)].map(([, path]) => path))
  expect(keys.filter((key) => key.endsWith('.bin')).length, 'files of vectors').toBe(vectors.size)
}
