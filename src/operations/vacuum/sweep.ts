/**
 * A sweep: what lies in a table's folder, less what the versions that stay name, is what goes.
 *
 *   files that lie there ─ what versions that stay name, and others ─ what was committed since ─ files that none of them names
 *
 * The folder is listed before the log is read, so a file that is committed meanwhile is found named. A file that no version names may be a
 * writer's who has not committed yet: it goes only when it is older than seven days. One that only versions name that do not stay goes at
 * once, since its writer is done. The sets are compared in the engine; no file is an object here but those of one batch.
 */
import { AbortedError } from '../../errors/index.ts'
import { type DeltaLog, NamedFiles, newestComplete, readListing, type VersionSpan } from '../../log/index.ts'
import { listFiles } from './lying-files.ts'

/** A file that goes. */
export interface VacuumedFile {
  /** Its key, relative to the table's folder. */
  readonly path: string
  readonly bytes: number
  readonly modified: Date
}

/** The versions of a log, and which of them stay. */
export interface StayingVersions {
  readonly earliest: number
  readonly latest: number
  readonly spans: readonly VersionSpan[]
  /** Files that were removed after this instant (milliseconds) stay too. Default: none for that. */
  readonly removedAfter?: number | undefined
}

/** How files are taken. */
export interface TakeOptions {
  /** Only tell. Default `false`. */
  readonly dryRun?: boolean | undefined
  /** Called with each file, in batches, before it goes. */
  readonly onFile?: ((file: VacuumedFile) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A file that no version names goes when it is older than this, in milliseconds: a writer in flight has not committed it yet. */
const safetyAge = 7 * 86_400_000

/** Files of one request, and requests at a time. */
const batch = 500
const parallel = 8

let sweeps = 0

/** See the module. */
export class Sweep {
  readonly #log: DeltaLog
  readonly #names: NamedFiles
  readonly #lying: string
  readonly #gone: string
  readonly #signal: AbortSignal | undefined

  private constructor(log: DeltaLog, names: NamedFiles, signal: AbortSignal | undefined) {
    sweeps += 1
    this.#log = log
    this.#names = names
    this.#lying = `varve_lying_${sweeps}`
    this.#gone = `varve_gone_${sweeps}`
    this.#signal = signal
  }

  /** Lists the folder. What is decided of versions is to be read after that. */
  static async open(log: DeltaLog, signal?: AbortSignal): Promise<Sweep> {
    const sweep = new Sweep(log, await NamedFiles.open(), signal)
    try {
      const { partitionColumns } = log.latest.metadata
      await listFiles(log.store, sweep.#names.connection, { table: sweep.#lying, partitionColumns, signal })
      return sweep
    } catch (error) {
      await sweep.close()
      throw error
    }
  }

  /** Reads what all versions of the log name. @throws LogError, storage errors where anything of it cannot be read */
  async nameAll({ earliest, latest, spans, removedAfter = Number.MAX_SAFE_INTEGER }: StayingVersions): Promise<void> {
    const [log, names, signal] = [this.#log, this.#names, this.#signal]
    const { store } = log
    // The newest list besides: should the older one come from a checkpoint that is not whole, what is live now is kept all the same.
    for (const version of new Set([...spans.map(({ from }) => from), latest]))
      await names.keepList(await log.files(await log.stateAt(version, signal)))
    const { commits, checkpoints } = await readListing(store, { from: earliest, until: latest, signal })
    const first = newestComplete(checkpoints, earliest)
    if (first?.version === earliest) await names.addCheckpoint(store, first, removedAfter)
    const kept = ['false', ...spans.map(({ from, to }) => `version BETWEEN ${from} AND ${to}`)].join(' OR ')
    const versions = [...commits].filter((version) => version >= earliest && version <= latest).sort((a, b) => a - b)
    await names.addCommits(store, versions, { kept, removedAfter, signal })
  }

  /** Reads what was committed since a version: all of it stays. */
  async nameNew(after: number): Promise<void> {
    const versions: number[] = []
    for await (const { version } of this.#log.commitsAfter(after, this.#signal)) versions.push(version)
    await this.#names.addCommits(this.#log.store, versions, { kept: 'true', removedAfter: 0, signal: this.#signal })
  }

  /** Decides what goes; `besides`: keys that go although a version that stays names them. `now` is the store's time in milliseconds. */
  async choose(now: number, besides: readonly string[] = []): Promise<{ readonly files: number; readonly bytes: number }> {
    const { connection, table } = this.#names
    const grouped = (column: string) =>
      `(SELECT ${column}, bool_or(kept) AS kept FROM ${table} WHERE ${column} IS NOT NULL GROUP BY ${column})`
    await connection.run(`DROP TABLE IF EXISTS ${this.#gone}`)
    await connection.run(
      `CREATE TABLE ${this.#gone} AS SELECT key, size, modified
      FROM ${this.#lying} AS file LEFT JOIN ${grouped('name')} AS named ON file.key = named.name LEFT JOIN ${grouped('vector')} AS vectors ON file.vector = vectors.vector
      WHERE (NOT coalesce(named.kept, false) AND NOT coalesce(vectors.kept, false)
        AND (named.name IS NOT NULL OR vectors.vector IS NOT NULL OR modified < ${now - safetyAge}))
      OR file.key IN (SELECT unnest($1::VARCHAR[]))`,
      [besides],
    )
    const [totals] = await connection.all(`SELECT count(*) AS files, coalesce(sum(size), 0)::BIGINT AS bytes FROM ${this.#gone}`)
    return { files: Number(totals?.files), bytes: Number(totals?.bytes) }
  }

  /** Deletes what was chosen, some requests at a time. @throws the first failure, when those on their way are done; AbortedError naming `what` */
  async take(what: string, { dryRun, onFile, signal }: TakeOptions): Promise<void> {
    if (dryRun && !onFile) return
    const { store } = this.#log
    const sql = `SELECT key, size, modified FROM ${this.#gone} ORDER BY key`
    const stream = await this.#names.connection.stream(sql, undefined, { signal, batchRows: batch })
    const failures: unknown[] = []
    const running = new Set<Promise<void>>()
    for await (const rows of stream) {
      const keys: string[] = []
      for (const row of rows) {
        const { key, size, modified } = row!.toJSON() as { key: string; size: bigint; modified: bigint }
        keys.push(key)
        onFile?.({ path: key, bytes: Number(size), modified: new Date(Number(modified)) })
      }
      if (dryRun) continue
      if (signal?.aborted || failures.length > 0) break
      const request = store.delete(keys).then(
        (results) => {
          failures.push(...results.flatMap(({ error }) => (error === undefined ? [] : [error])))
          running.delete(request)
        },
        (error: unknown) => {
          failures.push(error)
          running.delete(request)
        },
      )
      running.add(request)
      if (running.size >= parallel) await Promise.race(running)
    }
    await Promise.all(running)
    if (failures.length > 0) throw failures[0]
    if (signal?.aborted) throw new AbortedError(what, signal.reason)
  }

  /** Lets go of all that was listed. */
  async close(): Promise<void> {
    await this.#names.connection.run(`DROP TABLE IF EXISTS ${this.#lying}; DROP TABLE IF EXISTS ${this.#gone}`)
    await this.#names.close()
  }
}
