/** A version of a table as queries read it, from the log and its state there. */

import type { ZoneTable } from '../data/prune/prune.ts'
import { activeProperties, type DeltaLog, type FileList, schemaOf, type TableState } from '../log/index.ts'
import { columnNaming, physicalName } from '../schema/physical.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { type AsOf, stateAsOf } from './as-of.ts'
import type { QueryTarget, SessionTable } from './target.ts'

/** What a target may know already. */
export interface KnownOfTarget {
  /** Gives the list of files. Default: the log's. */
  readonly files?: () => Promise<FileList>
  /** Gives the number of rows, where the log knows it. Default: not known. */
  readonly rowCount?: () => Promise<number | undefined>
}

/** The version of a state. */
export function targetOf(log: DeltaLog, state: TableState, { files, rowCount }: KnownOfTarget = {}): QueryTarget {
  let list: Promise<FileList> | undefined
  const read = () => {
    list ??= log.files(state)
    return list
  }
  return {
    version: state.version,
    schema: schemaOf(state.metadata),
    partitionColumns: state.metadata.partitionColumns,
    properties: activeProperties(state),
    store: log.store,
    files: files ?? read,
    id: () => log.idOf(state.version),
    ...(rowCount ? { rowCount } : {}),
  }
}

/** How the columns of a table are found in the statistics of its files. */
export function zonesOf({
  schema,
  partitionColumns,
  properties,
}: Pick<QueryTarget, 'schema' | 'partitionColumns' | 'properties'>): ZoneTable {
  const naming = columnNaming(properties)
  return { schema, partitionColumns, physicalName: (field) => physicalName(field, naming) }
}

/** A table in SQL, which is as of a state where no point is named. */
export function sessionTableOf(name: string, log: DeltaLog, state: TableState): SessionTable {
  return {
    name,
    asOf: async (point: AsOf | undefined, { signal } = {}) =>
      targetOf(log, point === undefined ? state : await stateAsOf(log, point, signal)),
  }
}

/** A table's name in SQL where none is given: the last part of its location. */
export function nameOfStore(store: ObjectStore): string {
  const known = names.get(store)
  if (known !== undefined) return known
  const name = decodeURIComponent(store.root.replace(/\/+$/, '').split('/').at(-1) ?? '') || 't'
  names.set(store, name)
  return name
}

const names = new WeakMap<ObjectStore, string>()
