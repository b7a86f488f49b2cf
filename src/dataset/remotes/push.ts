/**
 * Push: a remote gets what it lacks of a table, so that it is the same table at the same version.
 *
 *   compare the logs ─ what the commits that it lacks name ─ files, some commits' at a time ─ those commits, in order ─ derived ─ records
 *
 * - Fast-forward only: a remote whose history differs, or that is ahead, is refused before anything is moved.
 * - The remote is a table that any engine reads at every moment: a commit is put after the files that it names, and after the commit before it.
 *   What an interruption leaves is the table at an earlier version, and files that the next push finds.
 * - Every version that can be read here is readable there. Files that a vacuum took before stay missing there too; the newest version and those
 *   that something holds must be whole. A file that disappears while it is on its way is an error, and no commit that names it is put.
 * - A log that was cut off here begins there at the same version, with its checkpoint.
 */
import { RemoteError } from '../../errors/index.ts'
import { DeltaLog, isTimedByFile, readableRange } from '../../log/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { compareLogs, divergedError } from './compare-logs.ts'
import type { FileToMove } from './files-to-move.ts'
import { type Moved, type MoveProgress, moveFiles, progressOf } from './move-files.ts'
import { type MovedCommits, type MoveLogOptions, moveCommits, moveDerived, moveFirstCheckpoint } from './move-log.ts'
import { differingTags, moveRecords, tagsDiverged, unknownWarning } from './move-records.ts'
import { planMove, stepsOf } from './plan.ts'
import { Presence } from './presence.ts'
import { findRemote, recordOrigin } from './remotes.ts'

/** Options of `table.push`. */
export interface PushOptions {
  /** Called as files arrive. */
  readonly onProgress?: ((done: MoveProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What moved: what `varve push --json` prints. */
export interface PushResult {
  /** The remote's name where it has one, else its URL. */
  readonly remote: string
  readonly url: string
  /** The version that the remote is at. */
  readonly version: number
  /** Versions that it did not have. */
  readonly versions: number
  /** Data files, files of deletion vectors and change files that were moved. */
  readonly files: number
  /** Bytes that were moved, those of the log and of records among them. */
  readonly bytes: number
  /** Files of these versions that were there already. */
  readonly skipped: number
  /** Tags, runs, digests, hashes and holds that were moved. */
  readonly records: number
  /** Files of older versions that are gone here, and so are missing there. */
  readonly missing: number
  /** Whether the remote was recorded as `origin`. */
  readonly recorded: boolean
  readonly warnings: readonly string[]
}

/**
 * Pushes a table to a remote: a recorded name, a folder, a URL, or a store.
 * @throws RemoteError with nothing moved; DataFileError DATA_FILE_MISSING, DATA_FILE_CORRUPT, VECTOR_CORRUPT, DATA_FILE_DIFFERS, PATH_OUTSIDE_ROOT;
 * UnknownOutcomeError; UsageError; LogError; AbortedError; storage errors
 */
export async function push(log: DeltaLog, given: string | ObjectStore | undefined, options: PushOptions = {}): Promise<PushResult> {
  const { signal } = options
  const from = log.store
  const remote = await findRemote(from, given, signal)
  const { store: to, label } = remote
  const latest = await log.update(signal)
  const remoteLog = await DeltaLog.open(to, signal)
  const common = remoteLog && (await commonVersion(log, remoteLog, label, signal))
  const differing = await differingTags(from, to, signal)
  if (differing.length > 0) throw tagsDiverged(label, differing)

  const plan = await planMove(log, { after: common, last: latest.version, holds: true, signal })
  const moved: Moved = { files: 0, bytes: 0, skipped: 0, near: 0 }
  const commits: MovedCommits = { commits: 0, bytes: 0, timesLost: 0 }
  const logOptions: MoveLogOptions = { from, to, isTimedByFile: (version) => isTimedByFile(latest, version), signal }
  const onFile = progressOf(moved, plan.files.byKey.size - plan.absent.size, options.onProgress)
  const found: FileToMove[] = []
  const move = { from, to, hashOf: plan.hashOf, moved, onFile, onFound: (file: FileToMove) => void found.push(file), signal }
  if (common === undefined) {
    await moveFiles(plan.first, move)
    if (plan.earliest > 0) await moveFirstCheckpoint(plan.earliest, logOptions, moved)
  }
  for await (const step of stepsOf(plan, from)) {
    await moveFiles(step.files, move)
    await moveCommits(step.commits, logOptions, commits)
  }
  // A vacuum at the remote may have taken what no version there named yet when it looked.
  const gone = await new Presence(to).absentOf(
    found.map(({ key }) => key),
    signal,
  )
  const again = found.filter(({ key }) => gone.has(key))
  await moveFiles(again, { ...move, onFile: () => undefined, onFound: () => undefined })
  await moveDerived(latest.version, logOptions, moved)
  const readable = (await readableRange(to, signal)) ?? { earliest: plan.earliest, latest: latest.version }
  const records = await moveRecords({ from, to, holds: true, readable, signal })
  if (records.otherTags.length > 0) throw tagsDiverged(label, records.otherTags)
  return {
    remote: label,
    url: to.root,
    version: latest.version,
    versions: commits.commits,
    files: moved.files,
    bytes: moved.bytes + commits.bytes + records.bytes,
    skipped: moved.skipped,
    records: records.records,
    missing: plan.absent.size,
    recorded: await recordOrigin(from, remote, signal),
    warnings: [...timesWarning(commits, to), ...leftWarning(records.left, to), ...unknownWarning(records.unknown, from.root)],
  }
}

/** What is said where times of commits could not be kept. */
export function timesWarning({ timesLost }: MovedCommits, to: ObjectStore): string[] {
  if (timesLost === 0) return []
  return [
    `${timesLost} commits of this table have no time of their own, and ${to.root} cannot keep that of their files: as of an instant, they count as committed when they arrived there.`,
  ]
}

function leftWarning(left: number, to: ObjectStore): string[] {
  return left === 0 ? [] : [`${left} records of versions that ${to.root} does not have any more were not moved.`]
}

/** The newest version that both have. @throws RemoteError REMOTE_DIVERGED, REMOTE_AHEAD, REMOTE_HISTORY_GONE */
async function commonVersion(log: DeltaLog, remote: DeltaLog, label: string, signal: AbortSignal | undefined): Promise<number> {
  const compared = await compareLogs(log, remote, Number.POSITIVE_INFINITY, signal)
  if ('upTo' in compared) throw divergedError(log, remote, label, compared)
  const [own, other] = [log.latest.version, remote.latest.version]
  if (other <= own) return compared.common
  throw new RemoteError(
    'REMOTE_AHEAD',
    `${label} is at version ${other}, and ${log.store.root} at version ${own}: there is nothing to push.`,
    {
      remedy: 'Pull first (varve pull), and push what you commit then.',
      data: { root: log.store.root, remote: remote.store.root, version: own, remoteVersion: other },
    },
  )
}
