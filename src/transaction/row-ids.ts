/**
 * Row ids and row commit versions of what a commit adds (§Row Tracking): where the protocol supports row tracking, each file gets fresh ids
 * above the table's high-water mark, which the commit moves, and the commit's own version; a file that is added again keeps its own.
 */
import { LogError } from '../errors/index.ts'
import { type Action, type Add, features, type Protocol, type TableState } from '../log/index.ts'
import { parseJson } from '../schema/json.ts'

/** The domain that keeps the high-water mark. */
export const rowTrackingDomain = 'delta.rowTracking'

/** The actions of a commit with row ids, as it is to become `version`. @throws LogError LOG_CORRUPT for a mark that is none */
export function withRowIds(
  actions: readonly Action[],
  protocol: Protocol,
  base: TableState | undefined,
  version: number,
): readonly Action[] {
  if (!features(protocol).writer.has('rowTracking')) return actions
  const before = highWaterMark(base)
  let mark = before
  const staged = actions.map((action): Action => {
    if (!('add' in action)) return action
    const { add } = action
    const baseRowId = add.baseRowId ?? mark + 1n
    if (add.baseRowId === undefined || add.baseRowId === null) mark += BigInt(recordsOf(add))
    return { add: { ...add, baseRowId: plain(baseRowId), defaultRowCommitVersion: add.defaultRowCommitVersion ?? version } }
  })
  if (mark === before) return staged
  const configuration = `{"rowIdHighWaterMark":${mark}}`
  return [...staged, { domainMetadata: { domain: rowTrackingDomain, configuration, removed: false } }]
}

/** The highest row id given so far; -1 before the first. */
function highWaterMark(base: TableState | undefined): bigint {
  const domain = base?.domains.get(rowTrackingDomain)
  if (domain === undefined) return -1n
  try {
    const { rowIdHighWaterMark: mark } = parseJson(domain.configuration) as { rowIdHighWaterMark?: unknown }
    if (typeof mark === 'bigint' || Number.isSafeInteger(mark)) return BigInt(mark as number)
  } catch {
    // It is told below.
  }
  throw new LogError('LOG_CORRUPT', `The domain ${rowTrackingDomain} of version ${base?.version} holds no high-water mark of row ids.`, {
    remedy: 'Ask whoever wrote this log.',
    data: { version: base?.version ?? null, domain: rowTrackingDomain },
  })
}

function recordsOf({ path, stats }: Add): number {
  const { numRecords } = (stats ? parseJson(stats) : {}) as { numRecords?: unknown }
  if (typeof numRecords === 'number') return numRecords
  throw new LogError('LOG_CORRUPT', `The file ${path} is to be added without its number of rows, which row tracking needs.`, {
    remedy: 'Add it with statistics.',
    data: { path },
  })
}

function plain(id: number | bigint): number | bigint {
  return typeof id === 'bigint' && id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : id
}
