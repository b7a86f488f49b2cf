/**
 * Pulling what a pin names: the very version that was pinned, into the folder where its table belongs, held there as `varve pin` holds it.
 *
 *   the pin ─ may its table be written there? ─ note its use in the cache ─ pull, by id ─ the fingerprints ─ the hold ─ .gitignore
 *
 * A pin may come from a stranger, by Git: `pin-place.ts` says where its table may go. The id that it names is compared before anything moves. Where the
 * remote cannot tell the id any more, the fingerprint of the files is compared when they are here.
 */
import { dirname, resolve } from 'node:path'
import { PinDiffersError } from '../../errors/index.ts'
import { DeltaLog } from '../../log/index.ts'
import { localStore, type ObjectStore } from '../../storage/index.ts'
import { machineCache, nearby, sharing } from '../cache/file-cache.ts'
import { noteUse } from '../cache/known-projects.ts'
import { knownHashes } from '../hashes.ts'
import { leaveOutOfGit } from '../pins/git-ignore.ts'
import { readPin } from '../pins/pin-file.ts'
import { holdPulled } from '../pins/pin-holds.ts'
import { projectOf, writableTableOfPin } from '../pins/pin-place.ts'
import { differenceFrom } from '../pins/pinned-state.ts'
import { type PullOptions, type PullResult, pull } from './pull.ts'
import { findRemote } from './remotes.ts'

/** Options of the pull of a pin, or of a table. */
export interface PullPinOptions extends PullOptions {
  /** A recorded name of the pin's table, a folder, a URL or a store. Default: the remote that the pin names, else `origin` of its table. */
  readonly from?: string | ObjectStore | undefined
  /** Folders outside of the project into which the pin's table may be put. Default: none. */
  readonly allowPaths?: readonly string[] | undefined
  /**
   * The files of the table and those of the machine's cache are hard links to the same bytes, for reading only, where both are on one file system. Default
   * `false`: reflinks where the file system has them, else copies.
   */
  readonly link?: boolean | undefined
}

/**
 * Pulls a pin's version. @throws PinError where there is no pin, or its table may not be put there; PinDiffersError where what came is not what was
 * pinned; RemoteError NO_REMOTE where nobody says where from; and what {@link pull} throws
 */
export async function pullPin(file: string, options: PullPinOptions = {}): Promise<PullResult> {
  const { signal } = options
  const pin = await readPin(file)
  const folder = writableTableOfPin(file, pin, options.allowPaths)
  const to = localStore(folder)
  const remote = await findRemote(to, options.from ?? pin.remote ?? undefined, signal)
  const [cache, project] = [machineCache(), projectOf(dirname(resolve(file)))]
  // Before anything lies in the cache, so that a collection beside this keeps it.
  await noteUse(cache, project, pin)
  const result = await pull(to, remote, {
    ...options,
    version: pin.version,
    fingerprints: pin.fingerprints,
    near: sharing(cache, { link: options.link }),
  })
  const log = (await DeltaLog.open(to, signal))!
  const state = await log.stateAt(pin.version, signal)
  const difference = await differenceFrom(log, state, pin, signal)
  if (difference !== undefined) {
    throw new PinDiffersError(
      'PIN_DIFFERS',
      `Version ${pin.version} of ${result.url} is not the one that ${file} pins: ${difference.message}.`,
      {
        remedy: 'Name the remote that the version was pushed to: varve pull --from.',
        data: {
          file,
          remote: result.url,
          version: pin.version,
          fingerprint: difference.kind,
          pinned: difference.pinned,
          found: difference.found,
        },
      },
    )
  }
  const live = await (await log.files(state)).liveFiles(undefined, signal)
  await noteUse(cache, project, pin, [...(await knownHashes(to, live, signal)).files.values()])
  await holdPulled(to, file, pin, signal)
  await leaveOutOfGit(folder, dirname(resolve(file)))
  return result
}

/** Pulls a table: its newest version, or with `history` all of them. @throws RemoteError NO_REMOTE where nobody says where from; and what {@link pull} throws */
export async function pullTable(to: ObjectStore, options: PullPinOptions = {}): Promise<PullResult> {
  const remote = await findRemote(to, options.from, options.signal)
  return pull(to, remote, { ...options, near: nearby(machineCache(), { link: options.link }) })
}
