/**
 * What has to be moved of one copy of a table, so that another has its versions up to one.
 *
 *   files of the earliest version, where the other has nothing ─┐
 *   files that commits name, commit by commit ──────────────────┴─ those that are not gone ─ steps: some files, then their commits
 *
 * Nothing is moved here. A vacuum ends versions in the middle of a log and takes their files, while their commits stay: what it took is known to be
 * absent from the beginning. The last version must be whole, and so must those that something holds.
 */

import { vectorId } from '../../data/vectors/descriptor.ts'
import { AbortedError } from '../../errors/index.ts'
import {
  type Add,
  type Commit,
  type DeltaLog,
  decodePath,
  isInSpans,
  type LiveFile,
  parseActions,
  readCommit,
  readCommitIfThere,
  type VersionSpan,
} from '../../log/index.ts'
import { readHolds } from '../../refs/holds.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { FileLives } from './file-lives.ts'
import { FilesToMove, type FileToMove } from './files-to-move.ts'
import { hashesFor } from './hashes-for.ts'
import { missingFiles } from './move-errors.ts'
import { Presence } from './presence.ts'

/** What is to be moved. */
export interface Plan {
  /** The earliest version that can be read at the source. */
  readonly earliest: number
  /** The last version to move. */
  readonly last: number
  readonly files: FilesToMove
  /** Files of the earliest version, where all is moved. */
  readonly first: readonly FileToMove[]
  /** Keys of files that are gone at the source. */
  readonly absent: ReadonlySet<string>
  /** The hash of a file of which the log has none, where a record has it. */
  readonly hashOf: (file: FileToMove) => string | undefined
  /** Commits whose files are moved, in their order. */
  commits(): AsyncIterable<Commit>
}

/** Some files, and the commits that can be put when they are there. */
export interface Step {
  readonly files: readonly FileToMove[]
  readonly commits: readonly Commit[]
}

/** Commits are put whenever so many files, or bytes, have arrived: what is interrupted then is not begun anew. */
const stepFiles = 2000
const stepBytes = 1 << 30

/** Commits read at a time, and bytes of them that are kept from planning for moving. */
const together = 64
const keptBytes = 64 << 20

/**
 * Plans to move the versions after `after` up to `last`, or with `after` undefined all that can be read. `holds`: whether those that something
 * holds must be whole, too. @throws DataFileError DATA_FILE_MISSING where a version that must be whole is not, PATH_OUTSIDE_ROOT, PATH_RESERVED;
 * LogError; storage errors
 */
export async function planMove(
  log: DeltaLog,
  {
    after,
    last,
    holds,
    signal,
  }: { readonly after: number | undefined; readonly last: number; readonly holds: boolean; readonly signal: AbortSignal | undefined },
): Promise<Plan> {
  const { store } = log
  const earliest = await log.earliest(signal)
  const files = new FilesToMove(store)
  if (after === undefined) files.addLive(await liveFilesOf(log, earliest, signal), earliest)
  const first = [...files.byKey.values()]
  // The commit of the earliest version may be gone where its checkpoint is not.
  const there = after !== undefined || (await readCommitIfThere(store, earliest, signal)) !== undefined
  const next = after === undefined ? (there ? earliest : earliest + 1) : after + 1
  const kept: Commit[] = []
  let bytes = 0
  for await (const commit of commitsOf(store, next, last, signal)) {
    files.addCommit(commit)
    bytes += commit.bytes.length
    if (bytes <= keptBytes) kept.push(commit)
  }
  const absent = await new Presence(store).absentOf(files.byKey.keys(), signal)
  if (absent.size > 0) {
    const held = holds ? (await readHolds(store, signal)).map(({ version }) => version).filter((version) => version >= next) : []
    for (const version of new Set([last, ...held])) await checkWhole(log, version, absent, signal)
  }
  const commits = async function* () {
    yield* kept
    yield* commitsOf(store, next + kept.length, last, signal)
  }
  const hashOf = await hashesFor(store, files, signal)
  return { earliest, last, files, first: first.filter(({ key }) => !absent.has(key)), absent, hashOf, commits }
}

/** A plan without the files that only erased versions have: they do not come back. */
export async function withoutErased(
  log: DeltaLog,
  plan: Plan,
  erased: readonly VersionSpan[],
  signal: AbortSignal | undefined,
): Promise<Plan> {
  if (erased.length === 0) return plan
  const lives = new FileLives(await liveFilesOf(log, plan.earliest, signal), plan.earliest)
  for await (const commit of plan.commits()) if (commit.version > plan.earliest) lives.follow(commit)
  const isErased = ({ key, version }: FileToMove) =>
    // A change file is of the version that names it alone.
    (lives.spans.get(key) ?? [{ from: version, to: version }]).every(({ from, to }) => {
      for (let at = from; at <= (to ?? plan.last); at += 1) if (!isInSpans(erased, at)) return false
      return true
    })
  const gone = [...plan.files.byKey.values()].filter(isErased).map(({ key }) => key)
  const absent = new Set([...plan.absent, ...gone])
  return { ...plan, absent, first: plan.first.filter(({ key }) => !absent.has(key)) }
}

/** The steps of a plan. */
export async function* stepsOf({ files, first, absent, commits }: Plan, store: ObjectStore): AsyncGenerator<Step> {
  const seen = new Set(first.map(({ key }) => key))
  let step: { files: FileToMove[]; commits: Commit[] } = { files: [], commits: [] }
  let bytes = 0
  for await (const commit of commits()) {
    const named = new FilesToMove(store)
    named.addCommit(commit)
    for (const key of named.byKey.keys()) {
      if (seen.has(key) || absent.has(key)) continue
      seen.add(key)
      const file = files.byKey.get(key)!
      step.files.push(file)
      bytes += file.size ?? 0
    }
    step.commits.push(commit)
    bytes += commit.bytes.length
    if (step.files.length < stepFiles && bytes < stepBytes && step.commits.length < stepFiles) continue
    yield step
    step = { files: [], commits: [] }
    bytes = 0
  }
  if (step.commits.length > 0) yield step
}

/** Commits of a range of versions, both meant. @throws ObjectNotFoundError; AbortedError; storage errors */
export async function* commitsOf(store: ObjectStore, from: number, to: number, signal: AbortSignal | undefined): AsyncGenerator<Commit> {
  for (let at = from; at <= to; at += together) {
    const versions = Array.from({ length: Math.min(together, to - at + 1) }, (_, i) => at + i)
    if (signal?.aborted) throw new AbortedError('Reading the log', signal.reason)
    yield* await Promise.all(versions.map((version) => readCommit(store, version, signal)))
  }
}

/**
 * The files of a version: from the commits by themselves where they are all there and not many bytes, which saves starting the engine; else from
 * the log as queries read it. @throws VersionNotFoundError; LogError; storage errors
 */
export async function liveFilesOf(
  log: DeltaLog,
  version: number,
  signal: AbortSignal | undefined,
): Promise<readonly Pick<LiveFile, 'add'>[]> {
  const fromEngine = async () => (await log.files(await log.stateAt(version, signal))).liveFiles(undefined, signal)
  if ((await log.earliest(signal)) > 0) return fromEngine()
  const live = new Map<string, Pick<LiveFile, 'add'>>()
  const idOf = ({ path, deletionVector }: Pick<Add, 'path' | 'deletionVector'>) =>
    `${decodePath(path)}\0${deletionVector ? vectorId(deletionVector) : ''}`
  let bytes = 0
  for await (const commit of commitsOf(log.store, 0, version, signal)) {
    bytes += commit.bytes.length
    if (bytes > keptBytes) return fromEngine()
    const actions = [...parseActions(commit)]
    // What a commit adds is there, whatever it removes of the same name (§Action Reconciliation).
    for (const action of actions) if ('remove' in action) live.delete(idOf(action.remove))
    for (const action of actions) if ('add' in action) live.set(idOf(action.add), { add: action.add })
  }
  return [...live.values()]
}

/** Makes sure that nothing of a version is among what is absent. @throws DataFileError DATA_FILE_MISSING */
async function checkWhole(log: DeltaLog, version: number, absent: ReadonlySet<string>, signal: AbortSignal | undefined): Promise<void> {
  const needed = new FilesToMove(log.store)
  needed.addLive(await liveFilesOf(log, version, signal), version)
  const missing = [...needed.byKey.keys()].filter((key) => absent.has(key))
  if (missing.length > 0) throw missingFiles(log.store, missing.sort())
}
