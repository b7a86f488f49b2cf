/**
 * How the tables here stand to the pins below a folder, from logs and the names and lengths of files alone; with `deep` every byte and row is looked at too.
 *
 *   same      the table's newest version is the one that is pinned
 *   ahead     the pinned version is there, and later ones are
 *   missing   there is no table, it lacks the version, or data files of it
 *   differs   the table has another version under the same number; or its files, or with `deep` their bytes or rows, are not what was written
 *   unknown   it could not be found out: the pin or the log cannot be read
 */
import { dirname, join } from 'node:path'
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { DataFileError, VarveError } from '../../errors/index.ts'
import { shellWord } from '../../errors/shell-word.ts'
import { DeltaLog, type TableState } from '../../log/index.ts'
import { type ObjectStore, placeOf } from '../../storage/index.ts'
import { inParallel } from '../remotes/in-parallel.ts'
import { tableStore } from '../table-store.ts'
import { verifyVersion } from '../verify/verify.ts'
import { findPins } from './find-pins.ts'
import { type Pin, readPin } from './pin-file.ts'
import { tableOfPin } from './pin-place.ts'
import { differenceFrom, stateIfThere, whyNotThere } from './pinned-state.ts'

/** How a table stands to a pin: a line of `varve status --json`. */
export interface PinStatus {
  /** The file of the pin, as a path that begins with the folder that was asked for. */
  readonly file: string
  readonly status: 'same' | 'ahead' | 'missing' | 'differs' | 'unknown'
  /** The table's folder as the pin names it; `null` where the pin cannot be read, as of the two below. */
  readonly table: string | null
  /** The version that is pinned. */
  readonly version: number | null
  /** The tag that it was pinned by. */
  readonly tag: string | null
  /** The newest version of the table here; `null` where there is none. */
  readonly latest: number | null
  /** What is wrong or different, as a sentence; `null` for `same`. */
  readonly message: string | null
  /** What can be done about it; `null` where nothing has to be. */
  readonly remedy: string | null
}

/** Options of {@link status}. */
export interface StatusOptions {
  /** Verifies the versions that are here: every file by its SHA-256, and the rows by the digest that the pin has. Default `false`. */
  readonly deep?: boolean | undefined
  /** Folders outside the tables' own from which data files may be read that their logs name by absolute path. Default: none. */
  readonly allowPaths?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** Files looked for at a time. */
const together = 64

/**
 * How the tables here stand to the pins in a folder and below, one after the other, by the pins' names. Folders of Git, of packages (`node_modules`) and
 * of tables are not looked into, and links are not followed. `folder`: default, the current one.
 * @throws UsageError INVALID_ARGUMENT where there is no such folder; StoreDeniedError where one cannot be read; AbortedError
 */
export async function* status(folder = '.', options: StatusOptions = {}): AsyncGenerator<PinStatus> {
  for await (const file of findPins(folder, options.signal)) yield await statusOfPin(file, options)
}

async function statusOfPin(file: string, options: StatusOptions): Promise<PinStatus> {
  const nothing = { file, table: null, version: null, tag: null, latest: null, remedy: null }
  let told: Omit<PinStatus, 'status' | 'message'> = nothing
  try {
    const pin = await readPin(file)
    told = { ...nothing, table: pin.table, version: pin.version, tag: pin.tag }
    const store = tableStore(tableOfPin(file, pin), options.allowPaths ? { allowPaths: options.allowPaths } : {})
    const log = await DeltaLog.open(store, options.signal)
    if (log === undefined) return { ...told, ...missing(file, `There is no table ${pin.table}.`) }
    told = { ...told, latest: log.latest.version }
    return { ...told, ...(await compare(log, pin, file, options)) }
  } catch (error) {
    if (!(error instanceof VarveError) || options.signal?.aborted) throw error
    return { ...told, status: 'unknown', message: error.message, remedy: error.remedy }
  }
}

type Compared = Pick<PinStatus, 'status' | 'message' | 'remedy'>

async function compare(log: DeltaLog, pin: Pin, file: string, { deep, signal }: StatusOptions): Promise<Compared> {
  const { version } = log.latest
  const state = await stateIfThere(log, pin.version, signal)
  if (state === undefined) return missing(file, await whyNotThere(log, pin, signal))
  const difference = await differenceFrom(log, state, pin, signal)
  if (difference !== undefined) {
    return {
      status: 'differs',
      message: `Version ${pin.version} of ${pin.table} is not the one that is pinned: ${difference.message}.`,
      remedy: `Move the table away and get what is pinned (varve pull ${shellWord(file)}), or pin what is here (varve pin).`,
    }
  }
  const { gone, cut } = await unfitFiles(log, state, signal)
  if (gone[0] !== undefined)
    return missing(file, `${gone.length === 1 ? `The file ${gone[0]} is` : `${gone.length} files, such as ${gone[0]}, are`} not here.`)
  const wrong = cut[0] ?? (deep ? await found(log, state, pin, signal) : undefined)
  if (wrong !== undefined) {
    // What lies under a name is not replaced by a pull.
    const remedy = `Look at all that differs, and mend it: varve verify ${shellWord(file)} --repair-from ${pin.remote ?? 'REMOTE'}.`
    return { status: 'differs', message: wrong, remedy }
  }
  if (version === pin.version) return { status: 'same', message: null, remedy: null }
  return {
    status: 'ahead',
    message: `${pin.table} is at version ${version}, ${version - pin.version} after the pinned one.`,
    remedy: `To pin what is here: varve pin ${shellWord(join(dirname(file), pin.table))} ${shellWord(file)}.`,
  }
}

/** What of a version is not what was written, as a sentence. @throws VarveError where something of it could not be looked at */
async function found(
  log: DeltaLog,
  state: TableState,
  { fingerprints }: Pin,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { damaged, unreadable } = await verifyVersion(log, state, { deep: true, expected: { by: 'the pin', fingerprints }, signal })
  const [first] = damaged
  if (first !== undefined)
    return damaged.length === 1 ? first.message : `${damaged.length} things differ, the first of them: ${first.message}`
  const [unread] = unreadable
  if (unread === undefined) return undefined
  throw new DataFileError('DATA_NOT_VERIFIED', unread.message, { remedy: unread.remedy, data: { root: log.store.root, path: unread.path } })
}

/** Looks for the files of a version, those of deletion vectors too, by their names and lengths. @throws LogError; storage errors */
async function unfitFiles(
  log: DeltaLog,
  state: TableState,
  signal: AbortSignal | undefined,
): Promise<{ readonly gone: readonly string[]; readonly cut: readonly string[] }> {
  const live = await (await log.files(state)).liveFiles(undefined, signal)
  // Many vectors may lie in one file, whose length no log has.
  const wanted = new Map<string, number | undefined>()
  for (const { path, add } of live) {
    wanted.set(path, add.size)
    const vector = add.deletionVector ? vectorPath(add.deletionVector) : undefined
    if (vector !== undefined) wanted.set(vector, undefined)
  }
  const gone: string[] = []
  const cut: string[] = []
  await inParallel([...wanted], together, async ([path, size]) => {
    const there = await sizeOf(log.store, path, signal)
    if (there === undefined) gone.push(path)
    else if (there !== (size ?? there)) cut.push(`${path} has ${there} bytes, and the log says ${size}.`)
  })
  return { gone: gone.sort(), cut: cut.sort() }
}

async function sizeOf(store: ObjectStore, path: string, signal: AbortSignal | undefined): Promise<number | undefined> {
  const place = placeOf(store, path)
  return (await place.store.head(place.key, { signal }))?.size
}

function missing(file: string, message: string): Compared {
  return { status: 'missing', message, remedy: `Get it: varve pull ${shellWord(file)}.` }
}
