/**
 * The protocol, metadata, domains and load numbers that a clone begins with: those of the version, but for what is about the table's own
 * history. It gets an id of its own, its commits carry their times from the first on where the origin's do, and rows keep their ids, whose
 * versions begin anew.
 */
import { v4 as uuid } from 'uuid'
import { LogError } from '../../errors/index.ts'
import { type Action, type Add, features, type Metadata, type TableState } from '../../log/index.ts'
import { parseJson } from '../../schema/json.ts'

const trackingDomain = 'delta.rowTracking'
const versionColumn = 'delta.rowTracking.materializedRowCommitVersionColumnName'
const ofOwnHistory = /^delta\.inCommitTimestampEnablement(Version|Timestamp)$/i

/** All actions of a clone's first version but those of its files. */
export function cloneGround({ protocol, metadata, domains, txns }: TableState, now: number): Action[] {
  const kept = [...domains.values()].filter(({ domain }) => domain !== trackingDomain)
  return [
    { protocol },
    { metaData: cloneMetadata(metadata, now) },
    ...kept.map((domainMetadata) => ({ domainMetadata })),
    ...[...txns.values()].map((txn) => ({ txn })),
  ]
}

/**
 * Files as a table with row tracking adds them, with the mark of the highest id: each keeps the ids of its rows, and one without gets new ones.
 * @throws LogError LOG_CORRUPT for a file without ids whose number of rows is not known
 */
export function withKeptIds(state: TableState, adds: readonly Add[]): Action[] {
  const plain = adds.map(({ baseRowId: _, defaultRowCommitVersion: __, ...add }) => add)
  if (!features(state.protocol).writer.has('rowTracking')) return plain.map((add) => ({ add }))
  let mark = markOf(state)
  const tracked = plain.map((add, at): Action => {
    const given = adds[at]!.baseRowId ?? mark + 1n
    if (adds[at]!.baseRowId == null) mark += BigInt(recordsOf(state, add))
    return { add: { ...add, baseRowId: Number.isSafeInteger(Number(given)) ? Number(given) : given } }
  })
  if (mark < 0n) return tracked
  const configuration = `{"rowIdHighWaterMark":${mark}}`
  return [...tracked, { domainMetadata: { domain: trackingDomain, configuration, removed: false } }]
}

function cloneMetadata({ name: _, ...metadata }: Metadata, now: number): Metadata {
  const kept = Object.entries(metadata.configuration).filter(([key]) => !ofOwnHistory.test(key))
  // Under another name, versions of the origin's history that lie in files are not taken for the clone's.
  const properties = kept.map(([key, value]) => [key, key === versionColumn ? `_row-commit-version-col-${uuid()}` : value] as const)
  return { ...metadata, id: uuid(), createdTime: now, configuration: Object.fromEntries(properties) }
}

function markOf({ domains }: TableState): bigint {
  try {
    const { rowIdHighWaterMark: mark } = parseJson(domains.get(trackingDomain)?.configuration ?? '{}') as { rowIdHighWaterMark?: unknown }
    return typeof mark === 'bigint' || Number.isSafeInteger(mark) ? BigInt(mark as number) : -1n
  } catch {
    return -1n
  }
}

function recordsOf({ version }: TableState, { path, stats }: Add): number {
  const { numRecords } = (stats ? parseJson(stats) : {}) as { numRecords?: unknown }
  if (typeof numRecords === 'number') return numRecords
  throw new LogError('LOG_CORRUPT', `The file ${path} of version ${version} has no row ids and does not say how many rows it has.`, {
    remedy: 'Rewrite the file with optimize, and clone the newer version.',
    data: { path, version },
  })
}
