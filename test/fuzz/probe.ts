/** Everything that a user can do with a table, and what came of it: rows, or the error. */
import { createHash } from 'node:crypto'
import { type Snapshot, Table, VarveError } from '../../src/index.ts'
import { bait } from './tables.ts'

/** How one thing ended: a digest of what it gave, or how it failed. `wrong` says what must never be. */
export interface Outcome {
  readonly value?: string
  readonly code?: string
  readonly message?: string
  readonly wrong?: string
}

/** The outcomes of all that was done, by name. */
export type Probe = Readonly<Record<string, Outcome>>

/** Codes that blame the caller for what the table did, or name no reaction at all. */
const blaming = new Set(['SQL_ERROR', 'SQL_REFUSED', 'INVALID_ARGUMENT', 'ABORTED', 'COMMIT_UNKNOWN'])

/** Opens a table, reads all of its newest versions and what changed in them, and appends a row. */
export async function probeTable(root: string, versions: number): Promise<Probe> {
  const outcomes: Record<string, Outcome> = {}
  const attempt = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const value = await work()
      outcomes[name] = shown(value)
      return value
    } catch (error) {
      outcomes[name] = failed(error)
      return undefined
    }
  }
  let table: Table | undefined
  const latest = await attempt('open', async () => {
    table = await Table.open(root)
    return table.version()
  })
  if (table === undefined || latest === undefined) return outcomes
  const opened = table
  for (let version = Math.max(0, latest + 1 - versions); version <= latest; version += 1) {
    let snapshot: Snapshot | undefined
    await attempt(`${version} schema`, async () => {
      snapshot = await opened.asOf(version)
      return [snapshot.schema, snapshot.partitionColumns, snapshot.properties]
    })
    if (snapshot !== undefined) await probeSnapshot(snapshot, (name, work) => attempt(`${version} ${name}`, work))
  }
  await attempt('history', async () => {
    const entries: unknown[] = []
    for await (const { version, operation, metrics, txn } of opened.history()) entries.push({ version, operation, metrics, txn })
    return entries
  })
  await attempt('changes', async () => (await opened.changes({ from: Math.max(0, latest + 1 - versions) }).toArray()).map(text).sort())
  await attempt('append', async () => {
    const before = await opened.latest()
    if (!hasIds(before)) return 'no ids'
    const rows = await rowsOf(before)
    const { version } = await opened.append([{ id: -1 }])
    const after = await rowsOf(await (await Table.open(root)).latest())
    const others = after.filter((row) => !/"id":"?-1n?"?[,}]/.test(row))
    if (after.length !== rows.length + 1 || others.join() !== rows.join())
      throw new Error(`${rows.length} rows and one more are ${after.length}`)
    return version
  })
  return outcomes
}

type Attempt = (name: string, work: () => Promise<unknown>) => Promise<unknown>

async function probeSnapshot(snapshot: Snapshot, attempt: Attempt): Promise<void> {
  await attempt('rows', () => rowsOf(snapshot))
  if (hasIds(snapshot)) {
    const query = (sql: string) => async () => (await snapshot.query(sql, { name: 't' }).toArray()).map(text)
    await attempt('some', query('SELECT count(*) AS n, sum(id)::VARCHAR AS s FROM t WHERE id % 100 < 10'))
    await attempt('chosen', query('SELECT id FROM t WHERE id = 105'))
  }
  await attempt('count', () => snapshot.rowCount())
  await attempt('files', async () => {
    const files: unknown[] = []
    for await (const { path, rows, deletedRows, partition } of snapshot.files()) files.push([path, rows, deletedRows, partition])
    return files.map(text).sort()
  })
  await attempt('describe', async () => {
    const { operation, schema, protocol, properties } = await snapshot.describe()
    return { operation, schema, protocol, properties }
  })
}

/** Golden tables have other columns. */
function hasIds({ schema }: Snapshot): boolean {
  return schema.fields.some(({ name, type }) => name === 'id' && (type === 'long' || type === 'integer'))
}

async function rowsOf(snapshot: Snapshot): Promise<string[]> {
  return (await snapshot.scan().toArray()).map(text).sort()
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part instanceof Map ? [...part] : part)) ?? 'undefined'
}

function shown(value: unknown): Outcome {
  const all = text(value)
  const digest = all.length <= 40 ? all : `${createHash('sha256').update(all).digest('hex').slice(0, 12)} of ${all.length}`
  return all.includes(bait) ? { value: digest, wrong: 'reads what lies outside' } : { value: digest }
}

function failed(error: unknown): Outcome {
  if (!(error instanceof VarveError)) return { wrong: `no VarveError: ${error instanceof Error ? error.stack : String(error)}` }
  const { code, message } = error
  const outcome = { code, message: message.length > 600 ? `${message.slice(0, 600)}...` : message }
  if (message.includes(bait)) return { ...outcome, wrong: 'tells what lies outside' }
  if (blaming.has(code) || /INTERNAL|FATAL/.test(message)) return { ...outcome, wrong: 'blames the wrong one' }
  return message.length > 10_000 ? { ...outcome, wrong: 'has a message without end' } : outcome
}
