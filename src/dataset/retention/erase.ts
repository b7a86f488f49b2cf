/**
 * Erase: the right to be forgotten.
 *
 *   the newest version without the rows (`erased-version.ts`) ─ everywhere: which versions, change files, tags, runs and archives hold them (`survey.ts`)
 *   ─ confirmed: those versions end, here and in the archives (`erase-versions.ts`)
 *
 * An old commit is never rewritten: what the log that stays shows of the rows is said, and so is where copies may be that nobody here can reach.
 */

import type { Parameters } from '../../engine/index.ts'
import { ConflictError, UsageError, VarveError } from '../../errors/index.ts'
import { countSpans, DeltaLog, isInSpans, readEndings, spansText, type TableState, type VersionSpan } from '../../log/index.ts'
import { settle } from '../../operations/settle/settle.ts'
import type { CommitResult, WritingOptions } from '../../operations/written.ts'
import { conflictError } from '../../operations/written.ts'
import { nameOfStore, type QueryTarget, sessionTableOf, targetOf } from '../../query/index.ts'
import { type ObjectStore, openStore } from '../../storage/index.ts'
import { commit } from '../../transaction/index.ts'
import { machineCache } from '../cache/file-cache.ts'
import { withAccount } from '../provenance/account.ts'
import { Remotes } from '../remotes/remotes.ts'
import { eraseVersions } from './erase-versions.ts'
import { eraseFromNewest, eraseOperation } from './erased-version.ts'
import type { Condition } from './matching-files.ts'
import { holdsOn, runsOn, tagsOn } from './release.ts'
import { type ShownByLog, type Survey, surveyRows } from './survey.ts'

/** Options of `table.erase`. */
export interface EraseOptions extends WritingOptions {
  /** Which rows, as an expression in DuckDB's SQL. It is not recorded, since it often names a person. */
  readonly where: string
  /** Values for the parameters of `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
  /** Looks through all older versions and the archives too, and tells what holds the rows. Default `false`. */
  readonly everywhere?: boolean | undefined
  /** Ends all that holds the rows, for good. Only with `everywhere`. Default `false`: it is only told. */
  readonly confirm?: boolean | undefined
}

/** What of an archive holds the rows. */
export interface ErasedArchive {
  readonly location: string
  readonly ended: readonly VersionSpan[]
  readonly files: number
  readonly bytes: number
  /** Commits of its log that show something of the rows. */
  readonly shown: readonly ShownByLog[]
}

/** What older versions hold of the rows: what ended, or with `confirmed: false` would end. */
export interface Erasure {
  readonly confirmed: boolean
  /** The versions whose files hold the rows, also those in which a deletion vector hides them: how many, and which. */
  readonly versionsEnded: number
  readonly ended: readonly VersionSpan[]
  /** Files that go, and their bytes: those that hold the rows, and those that no version names that stays. */
  readonly files: number
  readonly bytes: number
  /** Versions that stay, and whose change feed held the rows: it cannot be read any more. */
  readonly changeFeeds: readonly number[]
  /** The tags that are removed, the runs that are marked as erased, and what pins and clones held. */
  readonly tags: readonly string[]
  readonly runs: readonly string[]
  readonly holds: readonly string[]
  readonly archives: readonly ErasedArchive[]
  /** Copies of such files in the cache of this machine, which are deleted too. */
  readonly cached: number
  /** The oldest version that the log still has. */
  readonly earliest: number
  /** Commits of the log that stay and show something of the rows. */
  readonly shown: readonly ShownByLog[]
  /** Where copies may be that this does not reach, in words. */
  readonly elsewhere: readonly string[]
}

/** What an erase did. */
export interface EraseResult extends CommitResult {
  /** `null` unless it was to look everywhere. */
  readonly everywhere: Erasure | null
}

/** How often it begins anew where rows come again while it looks. */
const tries = 5

/**
 * Erases rows.
 * @throws UsageError INVALID_ARGUMENT, APPEND_ONLY; QueryError SQL_ERROR, SQL_REFUSED for the condition; SchemaError SCHEMA_CHANGED where it cannot be told
 * which old versions hold them; ConflictError; LogError CHECKPOINT_UNFIT; what `append` throws besides
 */
export async function erase(log: DeltaLog, options: EraseOptions): Promise<EraseResult> {
  const { where, params, everywhere = false, confirm = false, ...writing } = options
  if (typeof where !== 'string' || where.trim() === '')
    throw new UsageError('INVALID_ARGUMENT', 'Which rows are to be erased is not said.', { remedy: 'Give where, such as "user_id = 42".' })
  if (confirm && !everywhere)
    throw new UsageError('INVALID_ARGUMENT', 'What is to be confirmed is said by everywhere.', {
      remedy: 'Give everywhere (--everywhere) too, or leave confirm out.',
    })
  const { signal } = writing
  // The command line of an erasure is its condition, too.
  const provenance = writing.provenance === false ? (false as const) : { ...writing.provenance, command: false as const }
  const told = withAccount({ ...writing, provenance })
  for (let attempt = 1; ; attempt += 1) {
    const result = await eraseFromNewest(log, { where, params, ...told })
    if (!everywhere) return { ...result, everywhere: null }
    const state = await log.stateAt(result.version, signal)
    const target = targetOf(log, state)
    const name = nameOfStore(log.store)
    const condition: Condition = { where, params, name, self: sessionTableOf(name, log, state) }
    const survey = await surveyRows(log, target, condition, result.version, signal)
    if (!isInSpans(survey.versions, survey.latest))
      return { ...result, everywhere: await eraseOlder(log, target, condition, survey, confirm, told) }
    if (attempt < tries) continue
    throw new ConflictError('CONCURRENT_APPEND', `Others keep adding such rows to ${log.store.root}; no older version was ended.`, {
      remedy: 'Stop whoever adds them, and run it again.',
      data: { root: log.store.root, version: survey.latest },
    })
  }
}

async function eraseOlder(
  log: DeltaLog,
  target: QueryTarget,
  condition: Condition,
  survey: Survey,
  confirm: boolean,
  { message, account, signal }: WritingOptions,
): Promise<Erasure> {
  const { store } = log
  const { versions } = survey
  const said = {
    tags: (await tagsOn(store, versions, signal)).map(({ name }) => name),
    runs: (await runsOn(store, versions, signal)).map(({ id }) => id),
    holds: (await holdsOn(store, versions, signal)).map(({ words }) => words),
  }
  const elsewhere = await placesElsewhere(store, survey, said.holds, signal)
  const archives: ErasedArchive[] = []
  // Copies go before the files by which their hashes are found.
  const cached = await takeCached(survey.hashes, confirm)
  for (const location of await archivesOf(log, signal)) {
    const found = await eraseArchive(location, target, condition, confirm, signal)
    if (typeof found === 'string') elsewhere.push(found)
    else if (found !== undefined) archives.push(found)
  }
  const record = async (ended: readonly VersionSpan[]) => {
    if (ended.length > 0) await recordErasure(log, log.latest, ended, { message, account, signal })
  }
  const { ended, files, bytes, earliest } = await eraseVersions(log, survey, { dryRun: !confirm, isArchive: false, record, signal })
  return {
    confirmed: confirm,
    versionsEnded: countSpans(ended),
    ended,
    files,
    bytes,
    changeFeeds: survey.changeFiles.map(({ version }) => version).filter((version) => version >= earliest && !isInSpans(versions, version)),
    ...said,
    archives,
    cached,
    earliest,
    shown: survey.shown.filter(({ version }) => version >= earliest),
    elsewhere,
  }
}

/** Erases from an archive. @returns nothing where it holds none of the rows, and words where it cannot be looked into */
async function eraseArchive(
  location: string,
  target: QueryTarget,
  condition: Condition,
  confirm: boolean,
  signal: AbortSignal | undefined,
): Promise<ErasedArchive | string | undefined> {
  let log: DeltaLog | undefined
  try {
    log = await DeltaLog.open(openStore(location), signal)
  } catch (error) {
    if (!(error instanceof VarveError)) throw error
    return `the archive ${location}, which cannot be opened: ${error.message}`
  }
  if (log === undefined) return `the archive ${location}, which is not there`
  const survey = await surveyRows(log, target, condition, undefined, signal)
  if (survey.dataFiles.length + survey.changeFiles.length === 0) return undefined
  const options = { dryRun: !confirm, isArchive: true, record: async () => {}, signal }
  const { ended, files, bytes, earliest } = await eraseVersions(log, survey, options)
  return { location, ended, files, bytes, shown: survey.shown.filter(({ version }) => version >= earliest) }
}

/** @returns how many copies there are, or were */
async function takeCached(hashes: readonly string[], confirm: boolean): Promise<number> {
  const cache = machineCache()
  let found = 0
  for (const hash of hashes) if (await (confirm ? cache.remove(hash) : cache.has(hash))) found += 1
  return found
}

async function archivesOf(log: DeltaLog, signal: AbortSignal | undefined): Promise<Set<string>> {
  const kept = log.latest.metadata.configuration['varve.retain.archive']
  const endings = await readEndings(log.store, signal)
  const named = endings.flatMap(({ by, archive }) => (by === 'retain' && archive !== null ? [archive] : []))
  return new Set([...named, ...(kept === undefined ? [] : [kept])])
}

/** Where copies may be that nobody here can reach. */
async function placesElsewhere(
  store: ObjectStore,
  survey: Survey,
  holds: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const places = holds.map((words) => `${words}: what it has of its own`)
  for (const { name, url } of await new Remotes(store).list({ signal })) places.push(`the remote ${name} (${url}): erase there too`)
  for (const path of survey.outside.slice(0, 10)) places.push(`${path}, a file of another table: erase there too`)
  places.push(
    'caches of other machines, clones, backups and exports of this table, and files younger than seven days that no version names',
  )
  return places
}

/** A version that records which versions were ended; no row changes. */
async function recordErasure(
  log: DeltaLog,
  state: TableState,
  ended: readonly VersionSpan[],
  { message, account, signal }: WritingOptions,
): Promise<void> {
  const prepared = {
    operation: eraseOperation,
    parameters: { ended: spansText(ended) },
    metrics: { numVersionsEnded: countSpans(ended) },
    actions: [],
    isBlindAppend: false,
    message,
    account,
  }
  const outcome = await commit(log, state, prepared, { signal })
  if (outcome.outcome === 'conflict') throw conflictError(log.store.root, outcome.conflict)
  if (outcome.outcome === 'committed') await settle(log, outcome.state, outcome.checksum)
}
