/**
 * The verb that pins a version: a hold in the table keeps it from vacuum, and a small file names it, to be kept in Git.
 *
 *   hold -> is the version still there? -> all fingerprints -> the file -> a note in the cache, .gitignore -> the hold of before is released
 *
 * The hold comes first, as with tags: a vacuum that did not see it may have ended the version, and then the hold is taken back. A pin that is there
 * already keeps its hold until the new file is in its place, so there is no moment at which nothing holds what a pin names.
 */
import { createHash } from 'node:crypto'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AbortedError, PinError, StoreDeniedError, UsageError } from '../../errors/index.ts'
import type { DeltaLog, TableState } from '../../log/index.ts'
import { type AsOf, stateAsOf } from '../../query/as-of.ts'
import { releaseHold } from '../../refs/hold-records.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { machineCache } from '../cache/file-cache.ts'
import { noteUse } from '../cache/known-projects.ts'
import { computeFingerprints } from '../fingerprints.ts'
import { knownHashes } from '../hashes.ts'
import { leaveOutOfGit } from './git-ignore.ts'
import { isConflicted, type Pin, parsePin, readPinText, writePin } from './pin-file.ts'
import { holdForPin, isHeldForPin, releaseBefore } from './pin-holds.ts'
import { isBelow, pinExtension, projectOf, realPath } from './pin-place.ts'

/** Options of `table.pin`. */
export interface PinOptions {
  /** What to pin: a version, an instant or a tag. A pin of a tag says so. Default: the newest version. */
  readonly asOf?: AsOf | undefined
  /** The tag that the pin names. Default: that of `asOf`, else none. */
  readonly tag?: string | undefined
  /** `false`: nothing is left in the table, for one that may not be written to; then it is up to its owner to keep the version. Default `true`. */
  readonly hold?: boolean | undefined
  /** The file of the pin. Default: the last part of the table's path with `.varve` behind it, in the current folder. */
  readonly file?: string | undefined
  /** The table's folder as the pin is to name it, from the current folder: for one that is reached by links. Default: the folder itself. */
  readonly path?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What pinning did. */
export interface PinResult {
  /** The file of the pin. */
  readonly file: string
  /** What it says. */
  readonly pin: Pin
  /** `false` where it said so before. */
  readonly changed: boolean
  /** The `.gitignore` that the table was added to; `null` where none had to be changed. */
  readonly ignoredIn: string | null
}

/** What only the caller knows of a table. */
interface Known {
  /** Counts the rows of a version. */
  rowCount(state: TableState): Promise<number>
  /** The URL of the remote that a pin names; `null` where there is none. */
  remote(): Promise<string | null>
}

/**
 * Pins a version.
 * @throws UsageError INVALID_ARGUMENT; PinError where another file than a pin is in the way, or one of a later format; VersionNotFoundError;
 * DataFileError where a file is missing or damaged; UnknownOutcomeError; LogError; storage errors
 */
export async function pinVersion(log: DeltaLog, known: Known, options: PinOptions = {}): Promise<PinResult> {
  const { asOf, signal } = options
  const { store } = log
  const { file, folder, table } = placeOf(store, options)
  const before = await pinBefore(file)
  const state = asOf === undefined ? await log.update(signal) : await stateAsOf(log, asOf, signal)
  const tag = options.tag ?? (typeof asOf === 'object' && 'tag' in asOf ? asOf.tag : null)
  const named = { table, version: state.version, tag }
  const remote = (await known.remote()) ?? (before?.table === table ? before.remote : null)
  if (before !== undefined && (await isSame(log, file, before, { ...named, isHeld: options.hold !== false }, signal))) {
    const pin = { ...before, remote }
    const changed = remote !== before.remote
    if (changed) await writePin(file, pin)
    return { file, pin, changed, ignoredIn: await leaveOutOfGit(folder, dirname(resolve(file))) }
  }
  const hold = options.hold === false ? null : await holdIt(store, file, state.version, signal)
  let pin: Pin
  try {
    if (!(await log.has(state.version))) throw await log.versionNotFound(state.version)
    const { counts } = state
    const rows = counts?.rows ?? (await known.rowCount(state))
    const { bytes } = counts ?? (await log.countsOf(await log.files(state)))
    const schema = createHash('sha256')
      .update(state.metadata.schemaString ?? '')
      .digest('hex')
    pin = { ...named, fingerprints: await computeFingerprints(log, state, signal), rows, bytes, schema, remote, hold }
    if (signal?.aborted) throw new AbortedError('Pinning', signal.reason)
    await writePin(file, pin)
  } catch (error) {
    if (hold !== null) await releaseHold(store, hold)
    throw error
  }
  await noteUse(machineCache(), projectOf(dirname(file)), pin, await hashesOf(log, state))
  const ignoredIn = await leaveOutOfGit(folder, dirname(resolve(file)))
  if (hold !== null) await releaseBefore(store, file, { named: before?.hold ?? null, kept: hold })
  return { file, pin, changed: true, ignoredIn }
}

/** The file of the pin, the table's folder, and the way from the one to the other. */
function placeOf(store: ObjectStore, options: PinOptions): { file: string; folder: string; table: string } {
  if (store.kind !== 'local') {
    throw new UsageError('INVALID_ARGUMENT', `The table ${store.root} cannot be pinned: it is in no folder.`, {
      remedy: 'Copy it to a folder, and pin that.',
      data: { root: store.root },
    })
  }
  const real = fileURLToPath(store.root).replace(/(?<=.)\/+$/, '')
  const folder = options.path === undefined ? real : resolve(options.path)
  if (realPath(folder) !== real) {
    throw new UsageError('INVALID_ARGUMENT', `${folder} is not the folder of the table ${store.root}.`, { remedy: 'Leave path out.' })
  }
  const file = options.file ?? `${basename(folder)}${pinExtension}`
  const pinFolder = dirname(resolve(file))
  if (isBelow(realPath(pinFolder), real)) {
    throw new UsageError('INVALID_ARGUMENT', `A pin cannot lie inside the table that it names, ${folder}.`, {
      remedy: `Name a file outside of it, as in ${join('..', basename(file))}.`,
      data: { file, table: folder },
    })
  }
  const from = options.path === undefined ? realPath(pinFolder) : pinFolder
  return { file, folder, table: relative(from, folder).split(sep).join('/') }
}

async function holdIt(store: ObjectStore, file: string, version: number, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await holdForPin(store, file, version, signal)
  } catch (error) {
    if (!(error instanceof StoreDeniedError)) throw error
    throw new StoreDeniedError(
      error.code,
      `The table ${store.root} cannot be written to, so it cannot be had to keep version ${version}.`,
      {
        remedy: 'Pin without a hold (--no-hold, hold: false) if its owner keeps the version, by a tag for instance; or pin a copy.',
        data: { ...error.data, root: store.root, version },
        cause: error,
      },
    )
  }
}

/** The hashes of a version's files, as far as they are known. */
async function hashesOf(log: DeltaLog, state: TableState): Promise<readonly string[]> {
  const live = await (await log.files(state)).liveFiles()
  return [...(await knownHashes(log.store, live)).files.values()]
}

/** The pin that is there. What Git could not merge may be pinned over, anything else that is no pin may not. */
async function pinBefore(file: string): Promise<Pin | undefined> {
  let text: string
  try {
    text = await readPinText(file)
  } catch (error) {
    if (error instanceof PinError && error.code === 'PIN_NOT_FOUND') return undefined
    throw error
  }
  return isConflicted(text) && /^varve-pin: /m.test(text) ? undefined : parsePin(text, file)
}

/** Whether a pin says all this already, and holds it. */
async function isSame(
  log: DeltaLog,
  file: string,
  before: Pin,
  { table, version, tag, isHeld }: Pick<Pin, 'table' | 'version' | 'tag'> & { readonly isHeld: boolean },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (before.table !== table || before.version !== version || before.tag !== tag) return false
  if (before.fingerprints.id === null || before.fingerprints.id !== (await log.computeId(version, signal))) return false
  return isHeld ? isHeldForPin(log.store, file, before, signal) : before.hold === null
}
