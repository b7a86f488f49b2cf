/**
 * The archive of a table: a table of its own, in which the versions that were let go have the numbers that they had, for Varve and for any
 * engine of Delta.
 *
 *   what the versions name: copied, compared by hash ─ which versions are not there ─ the log up to the last of them, commit by commit, to the byte
 *
 * The log comes last, so no engine sees a version before its files are there; a version that stayed where the table is has only its log entry here,
 * and is refused by name. What is there already is gone on with: after an interruption, and by a later retention.
 */
import { DataFileError, UsageError } from '../../errors/index.ts'
import {
  checkpointFiles,
  commitInfoOf,
  commitKey,
  DeltaLog,
  endedBy,
  isInSpans,
  newestComplete,
  readCommit,
  readCommitIfThere,
  readEndings,
  readListing,
  spansText,
  type VersionSpan,
  withoutSpans,
  writeCheckpoint,
} from '../../log/index.ts'
import { putAbsent } from '../../refs/endings.ts'
import { type ObjectStore, placeOf } from '../../storage/index.ts'
import { type CopyOptions, copyFiles, keepTime } from './copy-files.ts'
import { filesOfVersions, type NamedFile } from './named-files.ts'

/** What an archive takes, or would take. */
export interface Archived {
  /** Where the archive is. */
  readonly location: string
  /** Files that are not there yet, and their bytes as far as the log says. */
  readonly files: number
  readonly bytes: number
}

/** So many commits behind its last checkpoint, an archive gets another one. */
const commitsBetween = 100

/** An archive, as it is. */
export class Archive {
  readonly store: ObjectStore
  /** What is missing there of the versions that it is to take. */
  readonly plan: Archived
  readonly #log: DeltaLog
  readonly #spans: readonly VersionSpan[]
  readonly #files: readonly NamedFile[]
  /** The last version whose commit is there, -1 without one. */
  readonly #through: number

  private constructor(
    log: DeltaLog,
    store: ObjectStore,
    spans: readonly VersionSpan[],
    files: readonly NamedFile[],
    through: number,
    plan: Archived,
  ) {
    this.#log = log
    this.store = store
    this.#spans = spans
    this.#files = files
    this.#through = through
    this.plan = plan
  }

  /**
   * Looks whether versions can go into an archive, and what of them is not there yet. `spans`: versions of the log, which begins at `earliest`.
   * @throws UsageError ARCHIVE_UNFIT; DataFileError PATH_OUTSIDE_ROOT; LogError; storage errors
   */
  static async open(
    log: DeltaLog,
    store: ObjectStore,
    { spans, earliest }: { readonly spans: readonly VersionSpan[]; readonly earliest: number },
    signal?: AbortSignal,
  ): Promise<Archive> {
    const through = await lastCommon(log, store, earliest, signal)
    const files: NamedFile[] = []
    for (const file of (await filesOfVersions(log, spans, signal)).values()) if (isOwn(log.store, store, file.path)) files.push(file)
    let [missing, bytes] = [0, 0]
    for (const file of files) {
      if (await store.head(file.path, { signal })) continue
      missing += 1
      bytes += file.bytes ?? 0
    }
    return new Archive(log, store, spans, files, through, { location: store.root, files: missing, bytes })
  }

  /** Takes the versions. Afterwards each of them is there, compared by hash. @throws what {@link copyFiles} throws; UsageError ARCHIVE_UNFIT */
  async take(earliest: number, options: CopyOptions): Promise<void> {
    const { signal } = options
    const last = this.#spans.at(-1)?.to
    if (last === undefined) return
    await copyFiles(this.#log.store, this.store, this.#files, options)
    const absent = endedBy(await readEndings(this.store, signal), ({ by }) => by === 'archive')
    const [from, to] = [this.#through < 0 ? earliest : this.#through + 1, last]
    await putAbsent(this.store, withoutSpans([...absent, ...(from <= to ? [{ from, to }] : [])], this.#spans), this.#log.store.root, signal)
    await this.#takeRecords(signal)
    await this.#takeLog(earliest, last, signal)
  }

  /** What was found out about the versions: their fingerprints, and hashes that the log does not have. Records never change, so one that is there is the same. */
  async #takeRecords(signal: AbortSignal | undefined): Promise<void> {
    const { store: home } = this.#log
    for (const folder of ['_varve/digests/', '_varve/hashes/']) {
      for await (const { key } of home.list(folder, { signal })) {
        const [, version] = /\/(\d{1,15})\.json$/.exec(key) ?? []
        if (version !== undefined && !isInSpans(this.#spans, Number(version))) continue
        await this.store.putIfAbsent(key, (await home.get(key, { signal })).bytes, { signal })
      }
    }
  }

  async #takeLog(earliest: number, last: number, signal: AbortSignal | undefined): Promise<void> {
    const { store: home } = this.#log
    if (this.#through < 0 && earliest > 0) {
      const { checkpoints } = await readListing(home, { from: earliest, until: earliest, signal })
      const checkpoint = newestComplete(checkpoints, earliest)
      for (const key of checkpoint ? await checkpointFiles(home, checkpoint, signal) : []) {
        await this.store.putIfAbsent(key, (await home.get(key, { signal })).bytes, { signal })
      }
    }
    for (let version = Math.max(earliest, this.#through + 1); version <= last; version += 1) {
      const commit = await readCommitIfThere(home, version, signal)
      if (commit === undefined && version === earliest) continue
      const { bytes, modified } = commit ?? (await readCommit(home, version, signal))
      const key = commitKey(version)
      const put = await this.store.putIfAbsent(key, bytes, { signal })
      if (put.outcome !== 'created' && Buffer.compare((await this.store.get(key, { signal })).bytes, bytes) !== 0)
        throw unfit(this.store, `its version ${version} is another than that of ${home.root}`)
      // Where commits carry no time of their own, the times of their files count.
      await keepTime(this.store, key, new Date(modified))
    }
    const archived = await DeltaLog.open(this.store, signal)
    if (archived === undefined || archived.latest.version < last) throw unfit(this.store, `its log does not reach version ${last}`)
    const before = archived.latest.checkpoint?.version ?? -1
    if (archived.latest.version - before >= commitsBetween) await writeCheckpoint(this.store, archived.latest, Date.now())
  }
}

/**
 * The last version that an archive has of a table; -1 where there is no archive yet.
 * @throws UsageError ARCHIVE_UNFIT where it is another table's, or lacks versions that the table no longer has
 */
async function lastCommon(log: DeltaLog, archive: ObjectStore, earliest: number, signal: AbortSignal | undefined): Promise<number> {
  const { store } = log
  const [own, other] = [store.root, archive.root].map((root) => `${root.replace(/\/+$/, '')}/`) as [string, string]
  if (own.startsWith(other) || other.startsWith(own))
    throw unfit(archive, `it is, or lies in, the folder of the table ${store.root}, or the table in it`)
  const there = await DeltaLog.open(archive, signal)
  if (there === undefined) {
    const before = endedBy(await readEndings(store, signal), (ending) => ending.by === 'retain' && ending.archive === archive.root)
    if (before.length === 0) return -1
    throw unfit(
      archive,
      `no table is there, though versions ${spansText(before)} of ${store.root} were moved there; it may have been moved itself`,
    )
  }
  const { version, metadata } = there.latest
  if (version > log.latest.version) throw unfit(archive, `it has version ${version}, and ${store.root} ends at ${log.latest.version}`)
  const [theirs, ours] = [await readCommitIfThere(archive, version, signal), await readCommitIfThere(store, version, signal)]
  if (theirs && ours) {
    if (Buffer.compare(theirs.bytes, ours.bytes) === 0) return version
    throw unfit(archive, `its version ${version} is another than that of ${store.root}`)
  }
  if (metadata.id !== log.latest.metadata.id) throw unfit(archive, `the table there is another than ${store.root}`)
  if (version + 1 < earliest)
    throw unfit(archive, `it ends at version ${version}, and ${store.root} begins at ${earliest}: the versions between are in neither`)
  // Its commit was cut off here; the next one says what it was written after.
  const next = await readCommitIfThere(store, version + 1, signal)
  const [parent, id] = [next && commitInfoOf(next).varve?.parent, await there.idOf(version, signal)]
  if (parent != null && id !== null && parent !== id) throw unfit(archive, `${store.root} does not go on from its version ${version}`)
  return version
}

/** Whether a file is the table's own, and goes into the archive under the same key. Those of another table, named by absolute path, stay where they are. */
function isOwn(home: ObjectStore, archive: ObjectStore, path: string): boolean {
  if (!path.startsWith('/')) return true
  try {
    if (placeOf(home, path).store !== home) return false
  } catch (error) {
    if (error instanceof DataFileError) return false
    throw error
  }
  throw unfit(archive, `the log of ${home.root} names its own file ${path} by an absolute path, which would lead back there`)
}

function unfit(archive: ObjectStore, why: string): UsageError {
  return new UsageError('ARCHIVE_UNFIT', `${archive.root} cannot be the archive: ${why}. Nothing was deleted.`, {
    remedy: 'Name another folder as the archive.',
    data: { archive: archive.root },
  })
}
