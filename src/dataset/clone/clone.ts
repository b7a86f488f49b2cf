/**
 * Clone: a version of a table becomes the first version of another one, whose history is its own from then on.
 *
 *   shallow   its files are named where they lie; a hold in the origin keeps them
 *   deep      its files are copied, and compared with their hashes
 *
 * The hold is made first, and the version looked for afterwards: a vacuum that did not see the hold may have ended it. What was made for a
 * clone that does not come to be is taken back, but where nobody knows whether it did.
 */
import { fileURLToPath } from 'node:url'
import { StoreUnsupportedError, TableExistsError, UnknownOutcomeError } from '../../errors/index.ts'
import { type Add, checkAlterable, DeltaLog, type TableState } from '../../log/index.ts'
import { putRecord } from '../../log/records.ts'
import { settle } from '../../operations/settle/settle.ts'
import type { CommitResult, WritingOptions } from '../../operations/written.ts'
import type { AsOf } from '../../query/as-of.ts'
import { releaseHold } from '../../refs/hold-records.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { commitFirst } from '../../transaction/index.ts'
import { digestKey, knownFingerprints } from '../fingerprints.ts'
import { knownHashes } from '../hashes.ts'
import { type ClonedVersion, type CopiedFiles, type CopyOptions, copiedFiles, namedFiles, pathsOutside } from './clone-files.ts'
import { cloneGround, withKeptIds } from './clone-ground.ts'
import { holdForClone, noteOrigin, type Origin, originsOf } from './origins.ts'

/** Options of `table.clone`. */
export interface CloneOptions extends Pick<WritingOptions, 'message' | 'source' | 'provenance' | 'account' | 'signal'> {
  /** The version to clone. Default: the newest. */
  readonly asOf?: AsOf | undefined
  /** Copy the files. Default `false`: they are named where they lie, and kept there for the clone. */
  readonly deep?: boolean | undefined
  /** Called as files of a deep clone are done. */
  readonly onProgress?: CopyOptions['onProgress']
}

const operation = 'CLONE'

/**
 * Makes a table from a version of another one.
 * @throws TableExistsError TABLE_EXISTS; StoreUnsupportedError where a shallow clone cannot name the files; VersionNotFoundError where the version ended
 * meanwhile; UnsupportedFeatureError; DataFileError, of a deep clone; LogError; UnknownOutcomeError; storage errors
 */
export async function cloneVersion(
  log: DeltaLog,
  state: TableState,
  target: ObjectStore,
  options: CloneOptions = {},
): Promise<{ readonly log: DeltaLog; readonly result: CommitResult }> {
  const { deep = false, signal } = options
  const { store } = log
  checkAlterable(state.protocol, store.root)
  if (!deep) checkFolders(store, target)
  await checkFree(target, signal)
  const files = await (await log.files(state)).liveFiles(undefined, signal)
  const from: ClonedVersion = { store, version: state.version, files, hashes: await knownHashes(store, files, signal) }
  const binding = new Binding(target)
  let copied: CopiedFiles = { adds: [], keys: [] }
  let safe = false
  try {
    const origin = { root: store.root, version: state.version, id: await log.computeId(state.version, signal) }
    const warnings = deep ? [] : await bindAll(log, origin, pathsOutside(files), binding, signal)
    copied = deep ? await copiedFiles(from, target, options) : { adds: namedFiles(from), keys: [] }
    const made = await commitClone(state, origin, copied.adds, target, options)
    if (made === undefined) throw exists(target)
    safe = true
    await keepDigests(log, state, made, signal).catch(() => undefined)
    const more = await settle(made, made.latest)
    return {
      log: made,
      result: { version: 0, operation, alreadyApplied: false, metrics: metricsOf(copied.adds, deep), warnings: [...warnings, ...more] },
    }
  } catch (error) {
    // A clone that may be there needs all of it.
    if (error instanceof UnknownOutcomeError) safe = true
    throw error
  } finally {
    if (!safe) {
      await binding.undo()
      if (copied.keys.length > 0) await target.delete(copied.keys).catch(() => undefined)
    }
  }
}

/** @returns the clone's log; `undefined` where another table came first */
async function commitClone(
  state: TableState,
  origin: Origin,
  adds: readonly Add[],
  target: ObjectStore,
  { deep = false, message, source, account, signal }: CloneOptions,
): Promise<DeltaLog | undefined> {
  const { root, version, id } = origin
  const outcome = await commitFirst(
    target,
    {
      operation,
      parameters: { source: root, sourceVersion: String(version), isShallow: String(!deep) },
      metrics: metricsOf(adds, deep),
      actions: [...cloneGround(state, Date.now()), ...withKeptIds(state, adds)],
      isBlindAppend: false,
      message,
      source,
      account: account ?? Promise.resolve({ inputs: [] }),
      inputs: async () => [{ table: root, version, id }],
    },
    { signal },
  )
  return outcome.outcome === 'committed' ? outcome.log : undefined
}

/** What keeps a clone's origins, so far. */
class Binding {
  readonly #target: ObjectStore
  readonly #undo: (() => Promise<unknown>)[] = []

  constructor(target: ObjectStore) {
    this.#target = target
  }

  /** Holds a version, looks whether it is there, and notes it in the clone. @throws VersionNotFoundError */
  async bind(log: DeltaLog, origin: Origin, signal: AbortSignal | undefined): Promise<void> {
    const { store } = log
    const hold = await holdForClone(store, origin.version, this.#target.root, signal)
    this.#undo.push(() => releaseHold(store, hold))
    if (!(await log.has(origin.version, signal))) throw await log.versionNotFound(origin.version, signal)
    const key = await noteOrigin(this.#target, { ...origin, root: store.root }, hold, signal)
    this.#undo.push(() => this.#target.delete([key]))
  }

  async undo(): Promise<void> {
    for (const step of this.#undo.reverse()) await step().catch(() => undefined)
  }
}

/**
 * Binds the table and those whose files it names itself, being a shallow clone.
 * @returns warnings about files that nothing keeps
 */
async function bindAll(
  log: DeltaLog,
  origin: Origin,
  outside: readonly string[],
  binding: Binding,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  await binding.bind(log, origin, signal)
  let left = outside.filter((path) => !isUnder(log.store.root, path))
  if (left.length === 0) return []
  for (const earlier of await originsOf(log.store, signal)) {
    const within = left.filter((path) => isUnder(earlier.root, path))
    const store = log.store.allowed?.find(({ root }) => root === earlier.root)
    const there = within.length === 0 || store === undefined ? undefined : await DeltaLog.open(store, signal)
    if (there === undefined) continue
    await binding.bind(there, earlier, signal)
    left = left.filter((path) => !within.includes(path))
  }
  if (left.length === 0) return []
  return [
    `The clone names files that lie outside of ${log.store.root} and that nothing keeps for it, such as ${left[0]}: a deep clone (--deep) has files of its own.`,
  ]
}

function isUnder(root: string, path: string): boolean {
  return root.startsWith('file://') && path.startsWith(`${fileURLToPath(root).replace(/\/+$/, '')}/`)
}

/** Rows and files are the origin's, so are their digests. */
async function keepDigests(log: DeltaLog, state: TableState, made: DeltaLog, signal: AbortSignal | undefined): Promise<void> {
  const { files, rows } = await knownFingerprints(log, state.version, signal)
  if (files === null || rows === null) return
  await putRecord(made.store, digestKey(0), { version: 0, id: await made.idOf(0), files, rows }, signal)
}

/** Counts under the names of Spark's history. */
function metricsOf(adds: readonly Add[], deep: boolean): Record<string, number> {
  const bytes = adds.reduce((sum, { size }) => sum + size, 0)
  return {
    sourceTableSize: bytes,
    sourceNumOfFiles: adds.length,
    numRemovedFiles: 0,
    numCopiedFiles: deep ? adds.length : 0,
    removedFilesSize: 0,
    copiedFilesSize: deep ? bytes : 0,
  }
}

function checkFolders(store: ObjectStore, target: ObjectStore): void {
  const other = [store, target].find(({ kind }) => kind !== 'local')
  if (other === undefined) return
  throw new StoreUnsupportedError('STORE_UNSUPPORTED', `A shallow clone names files by their paths, which ${other.root} does not have.`, {
    remedy: 'Make a deep clone (--deep), which copies them.',
    data: { root: other.root },
  })
}

async function checkFree(target: ObjectStore, signal: AbortSignal | undefined): Promise<void> {
  if ((await DeltaLog.open(target, signal)) !== undefined) throw exists(target)
}

function exists({ root }: ObjectStore): TableExistsError {
  return new TableExistsError('TABLE_EXISTS', `There is a table at ${root} already.`, {
    remedy: 'Clone into another folder.',
    data: { root },
  })
}
