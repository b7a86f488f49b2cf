/**
 * The zones by which a predicate is decided: of all files, which are kept for later predicates, or where there are many and it is the
 * first time that anyone asks, of the few that a first look leaves. So one question asked once costs little more than reading the log,
 * and from the second on nothing is read again.
 */
import type { FileRows } from '../../log/files/file-rows.ts'
import { keptAsObjects } from './chosen.ts'
import { firstLook } from './first-look.ts'
import { columnsOf, type Predicate } from './predicate.ts'
import { areZonesKnown, meaningOf, type Zones, type ZoneTable, zonesOf, zonesWhere } from './prune-zones.ts'

/** What was left by the first look at some files. */
interface First {
  readonly key: string
  readonly zones: Promise<Zones | undefined>
}

const looked = new WeakMap<FileRows, First>()

/**
 * The zones of a predicate's columns; `undefined` where the table has none of them. For a file that is not among their places the
 * predicate is true for no row.
 */
export async function zonesFor(rows: FileRows, table: ZoneTable, predicate: Predicate): Promise<Zones | undefined> {
  const columns = columnsOf(predicate)
  const all = () => zonesOf(rows, table, columns)
  // Files that are kept as objects are told by their places among all.
  if (rows.files === undefined || rows.files <= keptAsObjects || areZonesKnown(rows, table, columns)) return all()
  const where = firstLook(rows, table, predicate)
  if (where === undefined) return all()
  const key = JSON.stringify([where, meaningOf(table, columns)])
  const before = looked.get(rows)
  if (before !== undefined) return before.key === key ? before.zones : all()
  const first = { key, zones: zonesWhere(rows, table, columns, where) }
  looked.set(rows, first)
  first.zones.catch(() => looked.delete(rows))
  return first.zones
}
