/**
 * Zones of files, read once for each column that a predicate names and kept as long as the files: choosing among them again, for another
 * version too, costs no statement.
 */
import { QueryError } from '../../errors/index.ts'
import { concat, withConnection } from '../../log/files/columns.ts'
import type { FileRows } from '../../log/files/file-rows.ts'
import type { ColumnPath } from './predicate.ts'
import { type Zone, type ZoneTable, zoneBytes, zoneKey } from './zone.ts'
import { type ArrowColumn, ZoneLoader } from './zone-loader.ts'
import { type ZoneColumn, zoneColumn, zonesSql } from './zone-sql.ts'

export { compareBytes, nullsAll, nullsNone, type Zone, type ZoneFamily, type ZoneTable, zoneKey } from './zone.ts'

/** What is known of some files: where each lies, in their order, and the zones that were asked for. */
export interface Zones {
  readonly places: Float64Array
  /** By {@link zoneKey}. */
  readonly zones: ReadonlyMap<string, Zone>
}

interface Loaded {
  readonly places: Float64Array
  readonly zone: Zone
}

const known = new WeakMap<FileRows, Map<string, Promise<Loaded>>>()

/** The zones of columns, read where they are not known yet; `undefined` where the table has none of the columns. */
export async function zonesOf(rows: FileRows, table: ZoneTable, columns: readonly ColumnPath[]): Promise<Zones | undefined> {
  const cached = known.get(rows) ?? new Map<string, Promise<Loaded>>()
  known.set(rows, cached)
  const found = columnsByKey(table, columns)
  const missing = new Map<string, ZoneColumn>()
  for (const column of found.values()) if (!cached.has(cacheKey(column))) missing.set(cacheKey(column), column)
  if (missing.size > 0) {
    const loading = loadZones(rows, [...missing.values()])
    for (const [index, key] of [...missing.keys()].entries()) {
      const zone = loading.then((zones) => zones[index]!)
      cached.set(key, zone)
      zone.catch(() => cached.delete(key))
    }
  }
  const zones = new Map<string, Zone>()
  let places: Float64Array | undefined
  for (const [key, column] of found) {
    const loaded = await cached.get(cacheKey(column))
    if (loaded === undefined) continue
    zones.set(key, loaded.zone)
    places ??= loaded.places
  }
  return places && { places, zones }
}

/** The columns that the table has, by {@link zoneKey}. */
function columnsByKey(table: ZoneTable, columns: readonly ColumnPath[]): Map<string, ZoneColumn> {
  const found = new Map<string, ZoneColumn>()
  for (const { path } of columns) {
    const column = zoneColumn(table, path)
    if (column !== undefined) found.set(zoneKey(path), column)
  }
  return found
}

/**
 * By what a zone is kept. Versions share files, and a name may stand for another column in each: one was renamed or dropped and another
 * took its name, or its type was widened, or it became a partition column.
 */
function cacheKey({ path, type, partition }: ZoneColumn): string {
  return JSON.stringify([path, type, partition])
}

/** Whether the zones of these columns have been asked for before, of all files. */
export function areZonesKnown(rows: FileRows, table: ZoneTable, columns: readonly ColumnPath[]): boolean {
  const cached = known.get(rows)
  return cached !== undefined && [...columnsByKey(table, columns).values()].every((column) => cached.has(cacheKey(column)))
}

/** What the columns stand for in the files of a version, as a text: where it is the same, their zones are. */
export function meaningOf(table: ZoneTable, columns: readonly ColumnPath[]): string {
  return JSON.stringify([...columnsByKey(table, columns)].map(([key, column]) => [key, cacheKey(column)]))
}

/** The zones of columns for the files that fulfil a condition over `rows.from`. They are read anew each time. */
export async function zonesWhere(
  rows: FileRows,
  table: ZoneTable,
  columns: readonly ColumnPath[],
  where: string,
): Promise<Zones | undefined> {
  const found = columnsByKey(table, columns)
  if (found.size === 0) return undefined
  const { places, zones } = await readZones(rows, [...found.values()], where)
  if (!isAscending(places)) throw otherOrder()
  return { places, zones: new Map([...found.keys()].map((key, index) => [key, zones[index]!])) }
}

const placesOf = new WeakMap<FileRows, Float64Array>()

async function loadZones(rows: FileRows, columns: readonly ZoneColumn[]): Promise<Loaded[]> {
  const { places, zones } = await readZones(rows, columns)
  const same = samePlaces(rows, places)
  return zones.map((zone) => ({ places: same, zone }))
}

async function readZones(
  rows: FileRows,
  columns: readonly ZoneColumn[],
  where?: string,
): Promise<{ readonly places: Float64Array; readonly zones: readonly Zone[] }> {
  const loaders = columns.map((column) => new ZoneLoader(column))
  const found: Float64Array[] = []
  await withConnection(async (connection) => {
    for await (const batch of await connection.stream(zonesSql(rows, columns, where), undefined, { small: true })) {
      const columnAt = (index: number) => batch.getChildAt(index)!.data[0]! as unknown as ArrowColumn
      found.push((columnAt(0).values as Float64Array).subarray(0, columnAt(0).length))
      loaders.forEach((loader, index) => {
        loader.add([1, 2, 3].map((part) => columnAt(index * 3 + part)))
      })
    }
  })
  const zones = loaders.map((loader) => loader.finish())
  rows.keep(zones.reduce((sum, zone) => sum + zoneBytes(zone), 0))
  return { places: concat(found), zones }
}

/** All zones of some files are in one order: that of their places. */
function samePlaces(rows: FileRows, places: Float64Array): Float64Array {
  const before = placesOf.get(rows)
  if (before?.length === places.length && isSame(before, places)) return before
  if (before || !isAscending(places)) throw otherOrder()
  placesOf.set(rows, places)
  rows.keep(places.byteLength)
  return places
}

// Loops, since what is called for each of a million files takes longer than the rest.
function isSame(one: Float64Array, other: Float64Array): boolean {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}

function isAscending(places: Float64Array): boolean {
  for (let i = 1; i < places.length; i++) if (places[i]! <= places[i - 1]!) return false
  return true
}

/** Zones are told apart by their place alone: with another order they would be those of other files. */
function otherOrder(): QueryError {
  return new QueryError('SQL_ERROR', 'The files of the table came in another order than they lie in, so none was chosen among them.', {
    remedy: 'Run the query again; if it stays, it is a defect of Varve, and a report of it is welcome.',
  })
}
