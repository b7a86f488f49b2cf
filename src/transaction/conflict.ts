/**
 * What other writers' commits mean for a transaction that was prepared before them (§Creation of New Log Entries): whether it can be put
 * on top of them, as it is or with its changes to files made anew, or what is in its way.
 *
 * A transaction may be put on top where that gives what it would have given, had it begun after them. So its ground (metadata, protocol)
 * must be the same; none of the rows that they added may be one that it looked for; and rows that it takes away must still be where it
 * found them. Under `WriteSerializable`, blind appends count as if they came after it.
 */
import { chooseFiles } from '../data/prune/prune.ts'
import { vectorId } from '../data/vectors/descriptor.ts'
import type { RowSet } from '../data/vectors/row-set.ts'
import type { Add, DeltaLog, LiveFile, TableState } from '../log/index.ts'
import { deletedRows } from './file-changes.ts'
import type { FileChange, FileChanges, Prepared, Reads } from './prepared.ts'
import { rowTrackingDomain } from './row-ids.ts'
import type { Winners } from './winners.ts'

/** Why a prepared transaction cannot be put on top of other commits. Running it again helps, since it then reads what they wrote. */
export interface Conflict {
  readonly code:
    | 'METADATA_CHANGED'
    | 'PROTOCOL_CHANGED'
    | 'DOMAIN_CHANGED'
    | 'CONCURRENT_APPEND'
    | 'CONCURRENT_DELETE_READ'
    | 'CONCURRENT_DELETE_DELETE'
  /** The version that is in the way. */
  readonly version: number
  /** The file or the domain that both touch, where there is one. */
  readonly what?: string | undefined
}

/** The changes to files as they are on top of the others; `undefined` where they stay as they were prepared. */
export interface Rebased {
  readonly changes: FileChanges | undefined
}

/** Judges a transaction that read a version against the commits that came since. `log` has moved on to the last of them. */
export async function judgeWinners(
  log: DeltaLog,
  read: TableState,
  prepared: Prepared,
  winners: Winners,
  signal?: AbortSignal,
): Promise<Conflict | Rebased> {
  const { metadata, protocol } = winners
  if (metadata !== undefined) return { code: 'METADATA_CHANGED', version: metadata }
  if (protocol !== undefined) return { code: 'PROTOCOL_CHANGED', version: protocol }
  if (prepared.exact) return { code: 'DOMAIN_CHANGED', version: read.version + 1, what: rowTrackingDomain }
  const domain = domainConflict(prepared, winners)
  if (domain) return domain
  const looked = winners.touches ? prepared.reads : undefined
  const found = looked && (await readConflict(log, read, looked, countsAppends(prepared), winners, signal))
  if (found) return found
  if (prepared.alone) return { code: 'CONCURRENT_APPEND', version: winners.last }
  if (!winners.touches) return { changes: prepared.changes }
  return prepared.changes ? rebase(log, prepared.changes, winners, signal) : { changes: undefined }
}

function domainConflict({ actions }: Prepared, { domains }: Winners): Conflict | undefined {
  if (domains.size === 0 || typeof actions === 'function') return undefined
  for (const action of actions) {
    if (!('domainMetadata' in action)) continue
    const { domain } = action.domainMetadata
    const version = domains.get(domain)
    if (version !== undefined && domain !== rowTrackingDomain) return { code: 'DOMAIN_CHANGED', version, what: domain }
  }
  return undefined
}

/** Rows that are appended later cannot be taken as such where the transaction changes what rows there may be. */
function countsAppends({ isolation, actions }: Prepared): boolean {
  return isolation === 'Serializable' || typeof actions === 'function' || actions.some((action) => 'metaData' in action)
}

async function readConflict(
  log: DeltaLog,
  read: TableState,
  reads: Reads,
  withAppends: boolean,
  { added, appended, lost, moved }: Winners,
  signal: AbortSignal | undefined,
): Promise<Conflict | undefined> {
  const news = withAppends ? new Map([...appended, ...added]) : added
  const seen = news.size > 0 ? await amongRead(log, log.latest, reads, news, signal) : undefined
  if (seen) return { code: 'CONCURRENT_APPEND', ...seen }
  // Rows that were added and moved on since lie in files that count as old ones: they are looked for where they came.
  for (const version of new Set([...news].filter(([path]) => moved.has(path)).map(([, at]) => at))) {
    const found = await amongRead(log, await log.stateAt(version, signal), reads, news, signal)
    if (found) return { code: 'CONCURRENT_APPEND', ...found }
  }
  // Rows that are gone are looked for where they were.
  const gone = reads.deletesMatter && lost.size > 0 ? await amongRead(log, read, reads, lost, signal) : undefined
  return gone && { code: 'CONCURRENT_DELETE_READ', ...gone }
}

/** The first of some files that may hold a row that was looked for, among those of a version. */
async function amongRead(
  log: DeltaLog,
  state: TableState,
  { rows }: Reads,
  files: ReadonlyMap<string, number>,
  signal: AbortSignal | undefined,
): Promise<{ readonly version: number; readonly what: string } | undefined> {
  if (rows === 'all') {
    const [first] = files
    return first && { version: first[1], what: first[0] }
  }
  const chosen = await chooseFiles(await log.files(state), rows.table, rows.predicate, signal)
  const found = chosen.find(({ path }) => files.has(path))
  return found && { version: files.get(found.path)!, what: found.path }
}

/** The changes on top of what others took from the same files. */
async function rebase(log: DeltaLog, changes: FileChanges, winners: Winners, signal: AbortSignal | undefined): Promise<Conflict | Rebased> {
  const touched = changes.files.filter(({ file: { path } }) => winners.lost.has(path) || winners.moved.has(path))
  if (touched.length === 0) return { changes }
  const list = await log.files(log.latest)
  const live = new Map(
    (
      await list.liveFiles(
        touched.map(({ file }) => file.path),
        signal,
      )
    ).map((file) => [file.path, file]),
  )
  const files: FileChange[] = []
  for (const change of changes.files) {
    const { path } = change.file
    const version = winners.lost.get(path) ?? winners.moved.get(path)
    const moved =
      version === undefined ? change : await onTop(log, change, live.get(path), changes.mayBeGone && !winners.moved.has(path), signal)
    if (moved === 'conflict') return { code: 'CONCURRENT_DELETE_DELETE', version: version!, what: path }
    if (moved !== 'nothing') files.push(moved)
  }
  return { changes: { ...changes, files } }
}

/** A change on top of the file as it is: the same, less, nothing where its rows are all gone, or a conflict. */
async function onTop(
  log: DeltaLog,
  { file, rows }: FileChange,
  now: LiveFile | undefined,
  mayBeGone: boolean,
  signal: AbortSignal | undefined,
): Promise<FileChange | 'nothing' | 'conflict'> {
  if (now === undefined) return mayBeGone && rows !== 'replaced' ? 'nothing' : 'conflict'
  if (vectorOf(file.add) === vectorOf(now.add)) return { file: now, rows }
  if (rows === 'replaced') return 'conflict'
  if (rows === 'all') return mayBeGone ? { file: now, rows } : 'conflict'
  const gone = await deletedRows(log.store, { ...now, numRecords: now.numRecords ?? file.numRecords }, log.latest.version, signal)
  const left: RowSet = gone === undefined ? rows : rows.difference(gone)
  if (left.size < rows.size && !mayBeGone) return 'conflict'
  return left.size === 0 ? 'nothing' : { file: { ...now, numRecords: now.numRecords ?? file.numRecords }, rows: left }
}

function vectorOf({ deletionVector }: Add): string {
  return deletionVector ? vectorId(deletionVector) : ''
}
