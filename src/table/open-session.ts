/** Opening a session: tables, snapshots and references become what the query layer resolves its names with. */
import { Session, type SessionOptions } from '../query/session.ts'
import type { SessionTable } from '../query/target.ts'
import { resolveReference } from './resolve-reference.ts'
import { Snapshot } from './snapshot.ts'
import type { Table } from './table.ts'

/**
 * Opens several tables for SQL, each under the name of its key: a table (its newest version, looked up by every query), a snapshot, or a
 * reference such as `'data/orders@3'` or a pin such as `'orders.varve'`. Inside the SQL each can be read at any point: `FROM orders o AT (VERSION => 3)`.
 * @throws TableNotFoundError, VersionNotFoundError, UsageError INVALID_REFERENCE, PinError, PinDiffersError
 */
export async function openSession(
  tables: Readonly<Record<string, Table | Snapshot | string>>,
  options: SessionOptions = {},
): Promise<Session> {
  const opened = await Promise.all(Object.entries(tables).map(([name, table]) => sessionTable(name, table, options)))
  return new Session(opened, options)
}

async function sessionTable(name: string, given: Table | Snapshot | string, options: SessionOptions): Promise<SessionTable> {
  const table = typeof given === 'string' ? await openReference(given, options) : given
  return {
    name,
    asOf: async (point, { signal } = {}) => {
      const version = table instanceof Snapshot ? table : await table.latest(signal ? { signal } : {})
      return version.targetAsOf(point, signal)
    },
  }
}

/** Without a point it is the newest version that every query reads. */
async function openReference(text: string, { allowPaths }: SessionOptions): Promise<Table | Snapshot> {
  const { table, snapshot, isLatest } = await resolveReference(text, { allowPaths })
  return isLatest ? table : snapshot
}
