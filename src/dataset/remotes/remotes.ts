/**
 * Remotes: where the same table lies elsewhere, under a name.
 *
 *   _varve/remotes/<key>/<n>.json      `{ name, url, time }`, or `{ name, removed: true, time }`
 *
 * Of a name the record with the highest number counts (refs/numbered-records.ts). A remote is a folder or a URL; it is kept as the canonical URL
 * of its store, which holds no credentials: those come from the environment when the remote is reached. The records are the table's own
 * and go nowhere by push or pull, since another copy has other places around it.
 */
import { ConflictError, RemoteError, UsageError } from '../../errors/index.ts'
import { corruptRecord, putRecord, readListedRecord } from '../../log/records.ts'
import { checkName, isName, nameKey } from '../../refs/names.ts'
import { lastNumber, lastNumbers, numberedKey } from '../../refs/numbered-records.ts'
import { type ObjectStore, openStore, withRetries } from '../../storage/index.ts'

/** A remote: a line of `varve remote list --json`. */
export interface Remote {
  readonly name: string
  /** The canonical URL of its folder. */
  readonly url: string
  /** When it was recorded. */
  readonly time: Date
}

/** Where a push goes to, or a pull comes from. */
export interface FoundRemote {
  readonly store: ObjectStore
  /** Its name where it is recorded, else its URL. */
  readonly label: string
  readonly name: string | null
  /** Whether it was given as a place, which a record can keep. */
  readonly isPlace: boolean
}

const folder = '_varve/remotes/'

/** The name of the remote that is meant where none is named. */
const usual = 'origin'

/** The remotes of a table: `table.remotes`. */
export class Remotes {
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /**
   * Records a folder or a URL as a remote under a name. Nothing is looked for there.
   * @throws UsageError INVALID_NAME, INVALID_ARGUMENT; RemoteError REMOTE_EXISTS, REMOTE_IS_TABLE; ConflictError REMOTE_MOVED;
   * StoreUnsupportedError STORE_UNSUPPORTED; UnknownOutcomeError; storage errors
   */
  async add(name: string, location: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Remote> {
    checkName(name, 'remote')
    const { signal } = options
    const url = urlOf(location)
    checkIsElsewhere(this.#store, url)
    const { number, remote: there } = await newest(this.#store, name, signal)
    if (there !== undefined) {
      throw new RemoteError('REMOTE_EXISTS', `The table ${this.#store.root} has a remote ${there.name} already: ${there.url}.`, {
        remedy: 'Give the new one another name, or remove that one first (varve remote remove).',
        data: { root: this.#store.root, remote: there.name, url: there.url },
      })
    }
    const made: Remote = { name, url, time: new Date() }
    if (await putRecord(this.#store, numberedKey(folder, name, number + 1), { ...made }, signal)) return made
    throw moved(this.#store, name)
  }

  /** All remotes, by name. @throws LogError RECORD_CORRUPT; storage errors */
  async list(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Remote[]> {
    const { signal } = options
    const found: Remote[] = []
    for (const [key, number] of await lastNumbers(this.#store, folder, signal)) {
      const remote = await readRemote(this.#store, key, number, signal)
      if (remote !== undefined) found.push(remote)
    }
    return found.sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /**
   * Forgets a remote. What lies there stays. @returns The remote as it was.
   * @throws RemoteError REMOTE_NOT_FOUND; ConflictError REMOTE_MOVED; UnknownOutcomeError; storage errors
   */
  async remove(name: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Remote> {
    const { signal } = options
    const { number, remote } = isName(name) ? await newest(this.#store, name, signal) : { number: 0, remote: undefined }
    if (remote === undefined) throw await remoteNotFound(this, this.#store, name)
    const record = { name: remote.name, removed: true, time: new Date() }
    if (await putRecord(this.#store, numberedKey(folder, name, number + 1), record, signal)) return remote
    throw moved(this.#store, name)
  }
}

/**
 * The remote that is meant: a recorded name, a folder, a URL, a store; where nothing is said, `origin`, or the only one there is. A plain word
 * that is no recorded name is taken for a folder only where there is one, so that a slip of the pen makes no new copy.
 * @throws RemoteError REMOTE_NOT_FOUND, NO_REMOTE, REMOTE_IS_TABLE; UsageError; StoreUnsupportedError; LogError RECORD_CORRUPT; storage errors
 */
export async function findRemote(
  table: ObjectStore,
  given: string | ObjectStore | undefined,
  signal: AbortSignal | undefined,
): Promise<FoundRemote> {
  if (given !== undefined && typeof given !== 'string') {
    checkIsElsewhere(table, given.root)
    return { store: given, label: given.root, name: null, isPlace: false }
  }
  const remotes = new Remotes(table)
  const known = await remotes.list({ signal })
  const named = given === undefined ? usualOf(known) : known.find(({ name }) => nameKey(name) === nameKey(given))
  if (named !== undefined) return { store: remoteStore(named.url), label: named.name, name: named.name, isPlace: true }
  if (given === undefined) throw noRemote(table, known)
  const url = urlOf(given)
  checkIsElsewhere(table, url)
  const store = remoteStore(url)
  if (isName(given) && !(await holdsAnything(store, signal))) throw await remoteNotFound(remotes, table, given)
  return { store, label: url, name: known.find((remote) => remote.url === url)?.name ?? null, isPlace: true }
}

/** The URL of `origin`, or of the only remote there is; `null` where none is meant. @throws LogError RECORD_CORRUPT; storage errors */
export async function originOf(table: ObjectStore, signal?: AbortSignal): Promise<string | null> {
  return usualOf(await new Remotes(table).list({ signal }))?.url ?? null
}

/** Records a place as `origin` where the table has no remote yet. @returns Whether it was recorded. */
export async function recordOrigin(table: ObjectStore, { store, isPlace }: FoundRemote, signal: AbortSignal | undefined): Promise<boolean> {
  const remotes = new Remotes(table)
  if (!isPlace || (await remotes.list({ signal })).length > 0) return false
  try {
    await remotes.add(usual, store.root, { signal })
    return true
  } catch (error) {
    // Another push recorded one a moment ago, which is as good.
    if (error instanceof ConflictError || (error instanceof RemoteError && error.code === 'REMOTE_EXISTS')) return false
    throw error
  }
}

/** The remote that is meant where none is named. */
function usualOf(known: readonly Remote[]): Remote | undefined {
  return known.find(({ name }) => nameKey(name) === usual) ?? (known.length === 1 ? known[0] : undefined)
}

/** The store of a remote. Only one behind a network gives ambiguous answers that are worth asking again. */
function remoteStore(url: string): ObjectStore {
  const store = openStore(url)
  return store.kind === 'local' ? store : withRetries(store)
}

/** The canonical URL of a folder or URL. @throws UsageError INVALID_ARGUMENT for one with a password in it; StoreUnsupportedError */
function urlOf(location: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(location)) {
    throw new UsageError('INVALID_ARGUMENT', 'The URL of the remote holds a user name or a password.', {
      remedy: 'Leave it out of the URL: credentials are not recorded, and come from the environment.',
    })
  }
  return openStore(location).root
}

async function newest(store: ObjectStore, name: string, signal?: AbortSignal): Promise<{ number: number; remote: Remote | undefined }> {
  const number = await lastNumber(store, folder, name, signal)
  return { number, remote: number === 0 ? undefined : await readRemote(store, nameKey(name), number, signal) }
}

async function readRemote(store: ObjectStore, name: string, number: number, signal?: AbortSignal): Promise<Remote | undefined> {
  const key = numberedKey(folder, name, number)
  const record = await readListedRecord(store, key, signal)
  if (record.removed === true) return undefined
  if (typeof record.url !== 'string') throw corruptRecord(store, key, 'it says no URL')
  const shown = typeof record.name === 'string' ? record.name : name
  return { name: shown, url: record.url, time: new Date(typeof record.time === 'string' ? record.time : Number.NaN) }
}

async function holdsAnything(store: ObjectStore, signal: AbortSignal | undefined): Promise<boolean> {
  for await (const entry of store.list('', { delimiter: '/', signal })) return entry !== undefined
  return false
}

/** @throws RemoteError REMOTE_IS_TABLE */
function checkIsElsewhere(table: ObjectStore, url: string): void {
  if (table.root !== url) return
  throw new RemoteError('REMOTE_IS_TABLE', `${url} is the table itself.`, {
    remedy: 'Name another folder: a remote is the same table elsewhere.',
    data: { root: table.root },
  })
}

function moved(store: ObjectStore, name: string): ConflictError {
  return new ConflictError('REMOTE_MOVED', `Another process recorded or removed the remote ${name} of ${store.root} meanwhile.`, {
    remedy: 'Look at what it stands for (varve remote list), and run this again if you still want it.',
    data: { root: store.root, remote: name },
  })
}

function noRemote({ root }: ObjectStore, known: readonly Remote[]): RemoteError {
  const names = known.map(({ name }) => name)
  return new RemoteError(
    'NO_REMOTE',
    `No remote is named, and ${names.length === 0 ? `${root} has none` : `${root} has several, none called ${usual}`}.`,
    {
      remedy:
        names.length === 0 ? 'Name a folder or a URL; the first one is recorded as origin.' : `Name one of them: ${names.join(', ')}.`,
      data: { root, remotes: names },
    },
  )
}

async function remoteNotFound(remotes: Remotes, { root }: ObjectStore, name: string): Promise<RemoteError> {
  const names = (await remotes.list()).map((remote) => remote.name)
  return new RemoteError('REMOTE_NOT_FOUND', `The table ${root} has no remote ${JSON.stringify(name)}.`, {
    remedy: `${names.length === 0 ? 'It has none yet' : `It has ${names.join(', ')}`}; record it (varve remote add), or write a folder with a slash, as in ./${name}.`,
    data: { root, remote: name, remotes: names },
  })
}
