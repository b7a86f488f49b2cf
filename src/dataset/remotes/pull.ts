/**
 * Pull: a folder gets a version of a table from a remote: its log up to there, and the files that the version needs; with `history` those of all
 * versions.
 *
 *   compare the logs ─ files, hashed ─ commits, in order ─ derived ─ records ─ which versions are whole
 *
 * - The log is that of the remote, from where it begins there up to the version, so the folder is a table that any engine reads, and a later pull
 *   goes on from it. Versions before that were not asked for lack files: a query of one names the file, and `history` fetches it.
 * - Fast-forward only: a table with commits of its own that the remote lacks is refused with where they begin, unless only files of a version
 *   that both have are asked for.
 * - What comes is a stranger's. Every path is checked to stay among the table's files before anything is read; every file is hashed; the commits
 *   must be those that were written after one another; and a caller who knows a version's id gets that very version or an error.
 * - Files come before the commits that name them, and each is in its place whole or not at all, so what was interrupted goes on from there.
 */
import { RemoteError } from '../../errors/index.ts'
import {
  type Commit,
  DeltaLog,
  endedBy,
  isInSpans,
  isTimedByFile,
  readCommitIfThere,
  readEndings,
  type VersionSpan,
} from '../../log/index.ts'
import { reviveVersions } from '../../refs/endings.ts'
import type { Fingerprints } from '../../refs/fingerprints.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { Chain } from './chain.ts'
import { compareLogs, divergedError } from './compare-logs.ts'
import { completeVersions } from './complete-versions.ts'
import { FilesToMove, type FileToMove } from './files-to-move.ts'
import { hashesFor } from './hashes-for.ts'
import { cutOff } from './move-errors.ts'
import { type FileSource, type Moved, type MoveProgress, moveFiles, progressOf } from './move-files.ts'
import { type MovedCommits, type MoveLogOptions, moveCommits, moveDerived, moveFirstCheckpoint } from './move-log.ts'
import { moveRecords, unknownWarning } from './move-records.ts'
import { commitsOf, liveFilesOf, planMove, stepsOf, withoutErased } from './plan.ts'
import { Presence } from './presence.ts'
import { timesWarning } from './push.ts'
import { type FoundRemote, recordOrigin } from './remotes.ts'

/** Options of a pull. */
export interface PullOptions {
  /** Fetches the files of all versions, not of one. Default `false`. */
  readonly history?: boolean | undefined
  /** Called as files arrive. */
  readonly onProgress?: ((done: MoveProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What only some callers know. */
interface Wanted {
  /** The version to have. Default: the newest of the remote. */
  readonly version?: number | undefined
  /** What the version must be; compared before anything is moved. */
  readonly fingerprints?: Fingerprints | undefined
  /** Files that lie nearer than the remote. */
  readonly near?: FileSource | undefined
}

/** What moved: what `varve pull --json` prints. */
export interface PullResult {
  /** The remote's name where it has one, else its URL. */
  readonly remote: string
  readonly url: string
  /** The version that was asked for. */
  readonly version: number
  /** Versions that the table did not have. */
  readonly versions: number
  /** Data files, files of deletion vectors and change files that arrived. */
  readonly files: number
  /** Those of them that came from the cache of this machine. */
  readonly cached: number
  /** Bytes that were moved, those of the log and of records among them. */
  readonly bytes: number
  /** Files that were there already. */
  readonly skipped: number
  /** Tags, runs, digests and hashes that were moved. */
  readonly records: number
  /** Files of older versions that the remote does not have any more. */
  readonly missing: number
  /** Versions that have all of their files here, as spans. */
  readonly complete: readonly VersionSpan[]
  /** Whether the remote was recorded as `origin`. */
  readonly recorded: boolean
  readonly warnings: readonly string[]
}

/**
 * Pulls into a folder, in which there may be a table.
 * @throws VersionNotFoundError of the remote; RemoteError with nothing moved; DataFileError; LogError; UnknownOutcomeError;
 * AbortedError; storage errors
 */
export async function pull(to: ObjectStore, remote: FoundRemote, options: PullOptions & Wanted = {}): Promise<PullResult> {
  const { history = false, signal } = options
  const { store: from, label } = remote
  const theirs = await DeltaLog.open(from, signal)
  if (theirs === undefined) throw nothingThere(from)
  const version = options.version ?? theirs.latest.version
  await checkIsWanted(theirs, version, label, options.fingerprints, signal)
  const own = await DeltaLog.open(to, signal)
  if (own !== undefined) await checkIsOne(own, theirs, options.version, label, signal)
  // What had to be erased here does not come back.
  const erased = endedBy(await readEndings(to, signal), ({ by }) => by === 'erase')
  if (own !== undefined && isInSpans(erased, version)) throw await own.versionNotFound(version, signal)
  const next = own === undefined ? undefined : own.latest.version + 1

  const moved: Moved = { files: 0, bytes: 0, skipped: 0, near: 0 }
  const commits: MovedCommits = { commits: 0, bytes: 0, timesLost: 0 }
  const logOptions: MoveLogOptions = { from, to, isTimedByFile: (at) => isTimedByFile(theirs.latest, at), signal }
  const chain = new Chain(from, own === undefined || own.latest.version > version ? null : await own.idOf(own.latest.version, signal))
  const presence = new Presence(to)
  const context: Context = { to, theirs, presence, version, next, erased, moved, commits, chain, logOptions, options }
  const missing = history ? await pullAll(context) : await pullOne(context)
  if (next === undefined || next <= version + 1) await moveDerived(version, logOptions, moved)

  const log = (await DeltaLog.open(to, signal))!
  const complete = await completeVersions(log, presence, signal)
  // A version that was let go here, and whose files came back, can be read again.
  await reviveVersions(to, history ? complete : [{ from: version, to: version }], signal)
  const readable = { earliest: await log.earliest(signal), latest: log.latest.version }
  const records = await moveRecords({ from, to, holds: false, readable, signal })
  return {
    remote: label,
    url: from.root,
    version,
    versions: commits.commits,
    files: moved.files,
    cached: moved.near,
    bytes: moved.bytes + commits.bytes + records.bytes,
    skipped: moved.skipped,
    records: records.records,
    missing,
    complete,
    recorded: await recordOrigin(to, remote, signal),
    warnings: [
      ...timesWarning(commits, to),
      ...aheadWarning(log, theirs, label, options.version),
      ...tagsWarning(records.otherTags, label),
      ...unknownWarning(records.unknown, from.root),
    ],
  }
}

interface Context {
  readonly to: ObjectStore
  readonly theirs: DeltaLog
  readonly presence: Presence
  readonly version: number
  /** The first commit that is not here; `undefined` where nothing is. */
  readonly next: number | undefined
  /** Versions that were ended here because they held rows that were to be erased. */
  readonly erased: readonly VersionSpan[]
  readonly moved: Moved
  readonly commits: MovedCommits
  readonly chain: Chain
  readonly logOptions: MoveLogOptions
  readonly options: PullOptions & Wanted
}

/** The files of one version, and then the commits up to it. @returns how many files the remote lacks: none, or it is an error */
async function pullOne(context: Context): Promise<number> {
  const { to, theirs, presence, version, next, moved, options } = context
  const { store: from } = theirs
  const { signal } = options
  const earliest = await theirs.earliest(signal)
  // Read and checked before anything of it is written.
  const added = new FilesToMove(from)
  const first = next ?? ((await readCommitIfThere(from, earliest, signal)) === undefined ? earliest + 1 : earliest)
  const commits: Commit[] = []
  for await (const commit of commitsOf(from, first, version, signal)) {
    added.addCommit(commit)
    context.chain.follow(commit)
    commits.push(commit)
  }
  const needed = new FilesToMove(from)
  needed.addLive(await liveFilesOf(theirs, version, signal), version)
  const isNamedThere = ({ key }: FileToMove) => next !== undefined && (added.byKey.get(key)?.wasThere ?? true)
  const lacking = await presence.absentOf(needed.byKey.keys(), signal)
  // What a version here names, and lies here, was checked when it came, and may have been cut off since.
  for (const { key, size } of needed.byKey.values()) {
    const there = presence.sizeOf(key)
    if (there !== undefined && there !== (size ?? there)) throw cutOff(to, key, { there, size, remote: theirs.store.root })
  }
  const files = [...needed.byKey.values()].filter((file) => lacking.has(file.key) || !isNamedThere(file))
  moved.skipped += needed.byKey.size - files.length
  const onFile = progressOf(moved, files.length, options.onProgress)
  const hashOf = await hashesFor(from, needed, signal)
  await moveFiles(files, { from, to, isNamedThere, hashOf, moved, onFile, near: options.near, signal })
  for (const { key } of files) presence.note(key)
  if (next === undefined && earliest > 0) await moveFirstCheckpoint(earliest, context.logOptions, moved)
  await moveCommits(commits, context.logOptions, context.commits)
  return 0
}

/** The files of all versions, each before the commit that names it. @returns how many files of older versions the remote lacks */
async function pullAll(context: Context): Promise<number> {
  const { to, theirs, version, next, moved, options } = context
  const { store: from } = theirs
  const { signal } = options
  const plan = await withoutErased(
    theirs,
    await planMove(theirs, { after: undefined, last: version, holds: false, signal }),
    context.erased,
    signal,
  )
  const isNamedThere = ({ version: since }: FileToMove) => next !== undefined && since < next
  const onFile = progressOf(moved, plan.files.byKey.size - plan.absent.size, options.onProgress)
  const move = { from, to, isNamedThere, hashOf: plan.hashOf, moved, onFile, near: options.near, signal }
  await moveFiles(plan.first, move)
  if (next === undefined && plan.earliest > 0) await moveFirstCheckpoint(plan.earliest, context.logOptions, moved)
  for await (const step of stepsOf(plan, from)) {
    await moveFiles(step.files, move)
    const commits = step.commits.filter((commit) => commit.version >= (next ?? 0))
    for (const commit of commits) context.chain.follow(commit)
    await moveCommits(commits, context.logOptions, context.commits)
  }
  return plan.absent.size
}

/** Makes sure that the remote's version is the one that is wanted. @throws VersionNotFoundError; RemoteError REMOTE_DIFFERS */
async function checkIsWanted(
  theirs: DeltaLog,
  version: number,
  label: string,
  wanted: Fingerprints | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  await theirs.checkNotEnded(version, signal)
  await theirs.stateAt(version, signal)
  if (wanted?.id == null) return
  const id = await theirs.computeId(version, signal)
  // Where its commits were cleaned up there, the files that come are compared afterwards.
  if (id === null || id === wanted.id) return
  throw new RemoteError(
    'REMOTE_DIFFERS',
    `Version ${version} of ${label} is not the one that is wanted: its id is ${id}, and should be ${wanted.id}.`,
    {
      remedy: 'Name the remote that the version was pushed to.',
      data: { remote: theirs.store.root, version, id, wanted: wanted.id },
    },
  )
}

/** Makes sure that what comes goes on from what is here. @throws RemoteError REMOTE_DIVERGED, REMOTE_HISTORY_GONE */
async function checkIsOne(
  own: DeltaLog,
  theirs: DeltaLog,
  version: number | undefined,
  label: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const compared = await compareLogs(own, theirs, version, signal)
  if ('upTo' in compared) throw divergedError(own, theirs, label, compared)
}

function nothingThere({ root }: ObjectStore): RemoteError {
  return new RemoteError('REMOTE_EMPTY', `There is no table at ${root} to pull from.`, {
    remedy: 'Name the place that it was pushed to: from, --from.',
    data: { remote: root },
  })
}

function aheadWarning(log: DeltaLog, theirs: DeltaLog, label: string, asked: number | undefined): string[] {
  const ahead = log.latest.version - theirs.latest.version
  if (asked !== undefined || ahead <= 0) return []
  return [`This table is ahead of ${label} by ${ahead} version${ahead === 1 ? '' : 's'}: varve push.`]
}

function tagsWarning(names: readonly string[], label: string): string[] {
  return names.length === 0 ? [] : [`Tags that stand for something else at ${label} stay as they are here: ${names.join(', ')}.`]
}
