/**
 * The log of one table, as a handle keeps it: the newest state it has seen, and the stretches of history it has loaded.
 *
 * Opening reads a hint, some names and one checksum, whatever the table's size. `update` reads only what is new: one request where
 * there is nothing. States of other versions come from the checksum nearest below, else from a replay. Everything in the log is
 * immutable, so nothing that was read is ever asked for again.
 */
import { LogError, TableNotFoundError, VersionNotFoundError } from '../errors/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { nearestChecksum } from './checksum.ts'
import { type Commit, chainId, commitInfoOf, isSameTransaction, readCommitIfThere } from './commit.ts'
import { endingOf, versionEnded } from './endings.ts'
import { FileList } from './files/file-list.ts'
import { Stretches } from './files/stretches.ts'
import { findLatest, findLatestFrom, readHints } from './latest.ts'
import { readableRange } from './listing.ts'
import { overSegment } from './over-segment.ts'
import { commitKey } from './paths.ts'
import { checkReadable } from './protocol.ts'
import { type CheckpointHint, findSegment } from './segment.ts'
import { replayState } from './small-actions.ts'
import { advance, type Counts, type TableState } from './state.ts'

/** The state of a version so many commits behind a checkpoint is read from them alone; files and all of more are loaded at once. */
const fewCommits = 100

/** How far back a commit of ours is looked for, to go on with its chain of ids. */
const chainReach = 100

/** Milliseconds after which a look for news makes sure, besides, that the log is still the same. */
const confirmEvery = 60_000

/** The log of a table. */
export class DeltaLog {
  readonly store: ObjectStore
  #latest: TableState
  /** A commit known to be of this table, by which it is recognised. */
  #mark: { version: number; txnId: string | undefined; etag?: string }
  #confirmed = Date.now()
  #chain: { version: number; id: string | null } | undefined
  readonly #stretches: Stretches
  readonly #lists = new WeakMap<TableState, WeakRef<FileList>>()

  private constructor(store: ObjectStore, latest: TableState, stretches = new Stretches(store)) {
    this.store = store
    this.#stretches = stretches
    this.#latest = latest
    this.#mark = { version: latest.version, txnId: latest.txnId }
  }

  /** Opens the log under a store's root; `undefined` where there is none. @throws UnsupportedFeatureError, LogError */
  static async open(store: ObjectStore, signal?: AbortSignal): Promise<DeltaLog | undefined> {
    const hints = await readHints(store, signal)
    const version = await findLatest(store, hints, signal)
    if (version === undefined) return undefined
    const stretches = new Stretches(store)
    const state = await readState(stretches, store, version, { hint: hints.checkpoint, signal })
    checkReadable(state.protocol, store.root)
    return new DeltaLog(store, state, stretches)
  }

  /** A log whose first commit was just written by us. */
  static created(store: ObjectStore, state: TableState): DeltaLog {
    return new DeltaLog(store, state)
  }

  /** The newest state seen so far. */
  get latest(): TableState {
    return this.#latest
  }

  /** Looks for news and returns the newest state. */
  async update(signal?: AbortSignal): Promise<TableState> {
    for await (const commit of this.commitsAfter(this.#latest.version, signal)) void commit
    if (Date.now() - this.#confirmed > confirmEvery) await this.confirm(signal)
    return this.#latest
  }

  /**
   * Makes sure that the log is still the one that was opened, so that nothing is written into another table or into a hole: it may have
   * been deleted, made anew, or cleaned up past the newest version known. In the last case the handle moves on to the newest there is.
   * @throws TableNotFoundError TABLE_NOT_FOUND, TABLE_REPLACED
   */
  async confirm(signal?: AbortSignal): Promise<void> {
    const mark = this.#mark
    const meta = await this.store.head(commitKey(mark.version), { signal })
    if (!meta || meta.etag !== mark.etag) {
      const commit = await readCommitIfThere(this.store, mark.version, signal)
      if (!commit) await this.#findAgain(signal)
      else if (isSameTransaction(commitInfoOf(commit).txnId, mark.txnId)) this.#mark = meta ? { ...mark, etag: meta.etag } : mark
      else throw replaced(this.store)
    }
    this.#confirmed = Date.now()
  }

  /** The commits after a version up to the newest, each read once; `latest` has moved to the last of them when the loop ends. */
  async *commitsAfter(version: number, signal?: AbortSignal): AsyncGenerator<Commit> {
    let known = version
    // Most looks find nothing, and on a disk looking costs a fraction of the error that reading would end in.
    if (this.store.kind === 'local' && (await this.store.head(commitKey(known + 1), { signal })) === undefined) return
    for (;;) {
      const commit = await readCommitIfThere(this.store, known + 1, signal)
      if (!commit) {
        // A hole would be filled by the next append, so the names beyond are looked at once after every move.
        if (known > version) await findLatestFrom(this.store, known, signal)
        return
      }
      known = commit.version
      if (known === this.#latest.version + 1) this.#move(advance(this.#latest, commit))
      yield commit
    }
  }

  /** Takes note of a commit of ours, or of a state that has become better known (a checkpoint, exact counts). */
  advanceTo(state: TableState, id?: string): void {
    if (state.version < this.#latest.version) return
    this.#move(state)
    if (id !== undefined) this.#chain = { version: state.version, id }
  }

  /** The state of a version. @throws VersionNotFoundError with the range that can be read. */
  async stateAt(version: number, signal?: AbortSignal): Promise<TableState> {
    if (version === this.#latest.version) return this.#latest
    const there = version >= 0 && (await this.store.head(commitKey(version), { signal })) !== undefined
    if (!there) {
      const known = await this.update(signal)
      if (known.version === version) return known
      const behindCheckpoint = version >= 0 && version < known.version && (await this.#fromCheckpoint(version, signal))
      if (behindCheckpoint) return behindCheckpoint
      throw await this.versionNotFound(version, signal)
    }
    const options = { hint: this.#latest.checkpoint, signal }
    const state = await readState(this.#stretches, this.store, version, options, true).catch((error) =>
      this.#cutOff(error, version, signal),
    )
    checkReadable(state.protocol, this.store.root)
    return state
  }

  /** Where the beginning of the log is gone, by a cleanup or a retention, the version is. */
  async #cutOff(error: unknown, version: number, signal?: AbortSignal): Promise<never> {
    throw error instanceof LogError && error.code === 'LOG_INCOMPLETE' ? await this.versionNotFound(version, signal) : error
  }

  /** The list of files of a version; the one of before, as long as somebody has it. */
  async files(state: TableState): Promise<FileList> {
    const known = this.#lists.get(state)?.deref()
    if (known !== undefined) return known
    const { version } = state
    // Of counts that come from elsewhere it is not known that they are meant as the protocol says.
    const expected = state.counts?.rows === undefined ? undefined : state.counts
    const list = await FileList.build(this.#stretches, version, { hint: state.checkpoint }, expected).catch((error) =>
      this.#cutOff(error, version),
    )
    if (version === this.#latest.version && !this.#latest.counts && list.isSmall) await this.countsOf(list)
    this.#lists.set(state, new WeakRef(list))
    return list
  }

  /** Exact totals of a list, of which the newest state takes note. */
  async countsOf(list: FileList): Promise<Counts> {
    const counts = await list.counts()
    // Meanwhile the handle may have moved on.
    if (list.version === this.#latest.version && !this.#latest.counts) this.#latest = { ...this.#latest, counts }
    return counts
  }

  /** The id of a version (see `chainId`), or `null` where no commit of ours is near enough to go on from. */
  async idOf(version: number, signal?: AbortSignal): Promise<string | null> {
    if (this.#chain?.version === version) return this.#chain.id
    const later: Commit[] = []
    let id: string | null = null
    for (let v = version; v >= 0 && version - v < chainReach; v -= 1) {
      const commit = await readCommitIfThere(this.store, v, signal)
      if (!commit) break
      later.push(commit)
      const ours = commitInfoOf(commit).varve
      if (!ours && v > 0) continue
      if (ours) id = later.reduceRight<string | null>((parent, each) => chainId(parent, each.bytes), ours.parent)
      break
    }
    if (version === this.#latest.version) this.#chain = { version, id }
    return id
  }

  /**
   * The same, computed however far the nearest commit of ours is: from the first commit of the log where none of ours lies before the version.
   * `null` where the commits that it takes were cleaned up.
   */
  async computeId(version: number, signal?: AbortSignal): Promise<string | null> {
    const near = await this.idOf(version, signal)
    if (near !== null) return near
    let start = version
    for (; start > 0; start -= 1) {
      const commit = await readCommitIfThere(this.store, start, signal)
      if (!commit) return null
      if (commitInfoOf(commit).varve) break
    }
    let id: string | null = null
    for (let v = start; v <= version; v += 1) {
      const commit = await readCommitIfThere(this.store, v, signal)
      if (!commit) return null
      id = chainId(v === start ? (commitInfoOf(commit).varve?.parent ?? null) : id, commit.bytes)
    }
    return id
  }

  /**
   * Whether a version that was readable still is: it was not let go, and its commit is there, or a checkpoint of it. Who has just come to hold the version
   * asks when the record that holds it is there, and takes the record back where it is not.
   */
  async has(version: number, signal?: AbortSignal): Promise<boolean> {
    if (await endingOf(this.store, version, signal)) return false
    const there = (await this.store.head(commitKey(version), { signal })) !== undefined
    return there || (await this.#fromCheckpoint(version, signal)) !== undefined
  }

  /**
   * Makes sure that a version was not let go: the log may still tell of it. The newest that this handle knows was not when it was read; a reader who
   * then misses its files asks {@link endingOf}. @throws VersionNotFoundError VERSION_ENDED
   */
  async checkNotEnded(version: number, signal?: AbortSignal): Promise<void> {
    if (version === this.#latest.version) return
    const ending = await endingOf(this.store, version, signal)
    if (ending) throw await versionEnded(this.store, version, ending, signal)
  }

  /** The earliest version that can be read. */
  async earliest(signal?: AbortSignal): Promise<number> {
    return (await readableRange(this.store, signal))?.earliest ?? this.#latest.version
  }

  /** The error for a version that is not there, with the range that is, and with who let it go. */
  async versionNotFound(asked: number | string, signal?: AbortSignal): Promise<VersionNotFoundError> {
    const ending = typeof asked === 'number' ? await endingOf(this.store, asked, signal) : undefined
    if (ending) return versionEnded(this.store, Number(asked), ending, signal)
    const range = (await readableRange(this.store, signal)) ?? { earliest: this.#latest.version, latest: this.#latest.version }
    const what = typeof asked === 'number' ? `Version ${asked}` : asked
    return new VersionNotFoundError(
      'VERSION_NOT_FOUND',
      `${what} of ${this.store.root} cannot be read; versions ${range.earliest} to ${range.latest} can.`,
      {
        remedy: `Ask for a version from ${range.earliest} to ${range.latest}.`,
        data: { root: this.store.root, asked, earliest: range.earliest, latest: range.latest },
      },
    )
  }

  /** A version whose own commit was cleaned up may still have its checkpoint. */
  async #fromCheckpoint(version: number, signal?: AbortSignal): Promise<TableState | undefined> {
    const segment = await findSegment(this.store, version, { signal }).catch(() => undefined)
    return segment?.checkpoint?.version === version ? replayState(this.store, segment, signal) : undefined
  }

  /** Finds the newest version as opening does, where the commit that the table is known by is gone. */
  async #findAgain(signal?: AbortSignal): Promise<void> {
    const hints = await readHints(this.store, signal)
    const version = await findLatest(this.store, hints, signal)
    if (version === undefined) throw noTable(this.store)
    const state = await readState(this.#stretches, this.store, version, { hint: hints.checkpoint, signal })
    if (state.metadata.id !== this.#latest.metadata.id || version < this.#latest.version) throw replaced(this.store)
    if (version > this.#latest.version) this.#move(state)
    this.#mark = { version, txnId: state.txnId }
  }

  #move(state: TableState): void {
    checkReadable(state.protocol, this.store.root)
    this.#latest = state
  }
}

/** The state of a version whose commit is there. Where others are likely to be asked for (`travelling`) what is loaded for it stays. */
async function readState(
  stretches: Stretches,
  store: ObjectStore,
  version: number,
  options: { readonly hint?: CheckpointHint | undefined; readonly signal?: AbortSignal | undefined },
  travelling = false,
): Promise<TableState> {
  const { signal } = options
  // Behind a checksum that an interrupted cleanup left, commits may be missing; then a checkpoint tells.
  for (let known = await nearestChecksum(store, version, signal); known; ) {
    if (known.version === version) return known
    const commit = await readCommitIfThere(store, known.version + 1, signal)
    known = commit && advance(known, commit)
  }
  const state =
    travelling || stretches.has(version)
      ? undefined
      : await overSegment(store, version, options, async (segment) =>
          segment.commits.length <= fewCommits ? replayState(store, segment, signal) : undefined,
        )
  return state ?? stretches.state({ version, options }, signal)
}

/** There is no log under a store's root. */
export function noTable(store: ObjectStore): TableNotFoundError {
  return new TableNotFoundError('TABLE_NOT_FOUND', `There is no table at ${store.root}.`, {
    remedy: 'Check the path, or create a table there: varve create, or Table.create.',
    data: { root: store.root },
  })
}

function replaced(store: ObjectStore): TableNotFoundError {
  return new TableNotFoundError('TABLE_REPLACED', `The table at ${store.root} is no longer the one that was opened; nothing was written.`, {
    remedy: 'Open the table again.',
    data: { root: store.root },
  })
}
