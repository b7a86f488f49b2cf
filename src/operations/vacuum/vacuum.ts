/**
 * Vacuum: ends versions that are older than an age and that nothing holds, and takes files that no version names.
 *
 *   files that lie there ─ versions that stay ─ what they name ─ the log below them ─ files that none of them names
 *
 * - The folder is listed before the log is read, so a file that is committed meanwhile is found named.
 * - A file that no version names may be a writer's who has not committed yet: it goes only when it is older than seven days, whatever the
 *   age. One that only ended versions name goes at once, since its writer is done.
 * - The log is cut off before any file goes, so a version that has lost files is none that the log begins with; what an interruption leaves
 *   of the files is taken by a later vacuum.
 * - What is read must be read whole: a listing, a record of a hold or a version that stays and cannot be read ends it with nothing deleted.
 *
 * "Now" is the store's time. The sets are compared in the engine; no file is an object here but those of one batch.
 */
import { v4 as uuid } from 'uuid'
import { AbortedError, ConflictError, StoreDeniedError, UsageError } from '../../errors/index.ts'
import {
  checkAlterable,
  cutLog,
  type DeltaLog,
  filesBelow,
  NamedFiles,
  newestComplete,
  parseInterval,
  readListing,
  retentionOf,
  type TableState,
} from '../../log/index.ts'
import { type Hold, readHolds } from '../../refs/holds.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { listFiles } from './lying-files.ts'
import { type Retained, retainedVersions, type VersionSpan } from './retained.ts'

/** Options of {@link vacuum}. */
export interface VacuumOptions {
  /**
   * Versions that were over before so long end: `30d`, `12h`, `2w`, `45min`, or Spark's `interval 30 days`; `0d` leaves the newest one. Default:
   * the table's `delta.deletedFileRetentionDuration` for files and `delta.logRetentionDuration` for the log.
   */
  readonly olderThan?: string | undefined
  /** Only tell what would go. Default `false`. */
  readonly dryRun?: boolean | undefined
  /** Called with each file that goes (or would), in batches, before it does. */
  readonly onFile?: ((file: VacuumedFile) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A file that vacuum takes. */
export interface VacuumedFile {
  /** Its key, relative to the table's folder. */
  readonly path: string
  readonly bytes: number
  readonly modified: Date
}

/** What vacuum did, or with `dryRun` would do. */
export interface VacuumResult {
  readonly dryRun: boolean
  /** Data files, files of deletion vectors and change files, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Files of the log, and their bytes; of sidecars only the number, and not in a dry run. */
  readonly logFiles: number
  readonly logBytes: number
  /** Versions that cannot be read any more: how many, and which. */
  readonly versionsEnded: number
  readonly ended: readonly VersionSpan[]
  /** The oldest version that the log still has. */
  readonly earliest: number
  /** What kept older versions, and which. */
  readonly held: readonly Hold[]
}

/** A file that no version names goes when it is older than this, in milliseconds: a writer in flight has not committed it yet. */
const safetyAge = 7 * 86_400_000

/** Files of one request, and requests at a time. */
const batch = 500
const parallel = 8

let vacuums = 0

/**
 * Vacuums a table.
 * @throws UsageError INVALID_ARGUMENT for an age that is none; LogError HOLD_CORRUPT, HELD_VERSION_MISSING, CHECKPOINT_UNFIT and what reading
 * the log throws, with nothing deleted; ConflictError HELD_MEANWHILE; UnsupportedFeatureError; TableNotFoundError; storage errors
 */
export async function vacuum(log: DeltaLog, options: VacuumOptions = {}): Promise<VacuumResult> {
  const { store } = log
  const { dryRun = false, signal } = options
  const state = await log.update(signal)
  checkAlterable(state.protocol, store.root)
  const ages = agesOf(state, options.olderThan)
  const now = await storeTime(store, dryRun)
  const before = { files: now - ages.files, log: now - ages.log }
  const holds = await readHolds(store, signal)
  const names = await NamedFiles.open()
  vacuums += 1
  const [lying, gone] = [`varve_lying_${vacuums}`, `varve_gone_${vacuums}`]
  try {
    await listFiles(store, names.connection, { table: lying, partitionColumns: state.metadata.partitionColumns, signal })
    const retained = await retainedVersions(log, holds, before, signal)
    await nameAll(log, names, retained, before.files, signal)
    const below = await filesBelow(store, retained.cut, { meta: true, signal })
    let logFiles = below.length
    if (!dryRun) {
      await checkHolds(store, retained, signal)
      await log.confirm(signal)
      logFiles = await cutLog(log, retained.cut, { now, signal })
      await nameNew(log, names, retained.latest, signal)
    }
    await chooseGone(names, { lying, gone, orphansBefore: now - safetyAge })
    const [totals] = await names.connection.all(`SELECT count(*) AS files, coalesce(sum(size), 0)::BIGINT AS bytes FROM ${gone}`)
    await takeFiles(store, names, gone, { ...options, dryRun })
    return {
      dryRun,
      files: Number(totals?.files),
      bytes: Number(totals?.bytes),
      logFiles,
      logBytes: below.reduce((sum, { meta }) => sum + (meta?.size ?? 0), 0),
      versionsEnded: retained.ended.reduce((sum, { from, to }) => sum + to - from + 1, 0),
      ended: retained.ended,
      earliest: retained.cut,
      held: holds.filter(({ version }) => version < retained.young),
    }
  } finally {
    await names.connection.run(`DROP TABLE IF EXISTS ${lying}; DROP TABLE IF EXISTS ${gone}`)
    await names.close()
  }
}

/** Puts into `names` what the versions of the log name: what stays, and what is named by others alone. */
async function nameAll(
  log: DeltaLog,
  names: NamedFiles,
  retained: Retained,
  removedAfter: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { store } = log
  const { earliest, latest, young, held } = retained
  // The newest list besides: should the older one come from a checkpoint that is not whole, what is live now is kept all the same.
  for (const version of new Set([...held, young, latest])) await names.keepList(await log.files(await log.stateAt(version, signal)))
  const { commits, checkpoints } = await readListing(store, { from: earliest, until: latest, signal })
  const first = newestComplete(checkpoints, earliest)
  if (first?.version === earliest) await names.addCheckpoint(store, first, removedAfter)
  const kept = [`version >= ${young}`, ...(held.length > 0 ? [`version IN (${held.join(', ')})`] : [])].join(' OR ')
  const versions = [...commits].filter((version) => version >= earliest && version <= latest).sort((a, b) => a - b)
  await names.addCommits(store, versions, { kept, removedAfter, signal })
}

/** What was committed since the versions were named. */
async function nameNew(log: DeltaLog, names: NamedFiles, after: number, signal: AbortSignal | undefined): Promise<void> {
  const versions: number[] = []
  for await (const { version } of log.commitsAfter(after, signal)) versions.push(version)
  await names.addCommits(log.store, versions, { kept: 'true', removedAfter: 0, signal })
}

async function chooseGone(
  names: NamedFiles,
  { lying, gone, orphansBefore }: { readonly lying: string; readonly gone: string; readonly orphansBefore: number },
): Promise<void> {
  const grouped = (column: string) =>
    `(SELECT ${column}, bool_or(kept) AS kept FROM ${names.table} WHERE ${column} IS NOT NULL GROUP BY ${column})`
  await names.connection.run(`CREATE TABLE ${gone} AS SELECT key, size, modified
    FROM ${lying} AS file LEFT JOIN ${grouped('name')} AS named ON file.key = named.name LEFT JOIN ${grouped('vector')} AS vectors ON file.vector = vectors.vector
    WHERE NOT coalesce(named.kept, false) AND NOT coalesce(vectors.kept, false)
    AND (named.name IS NOT NULL OR vectors.vector IS NOT NULL OR modified < ${orphansBefore})`)
}

/** Deletes the files of a table of the engine, some requests at a time. @throws the first failure, when those on their way are done */
async function takeFiles(store: ObjectStore, names: NamedFiles, gone: string, options: VacuumOptions): Promise<void> {
  const { dryRun, onFile, signal } = options
  if (dryRun && !onFile) return
  const stream = await names.connection.stream(`SELECT key, size, modified FROM ${gone} ORDER BY key`, undefined, {
    signal,
    batchRows: batch,
  })
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
  if (signal?.aborted) throw new AbortedError('The vacuum', signal.reason)
}

/** A hold made since on a version that ends. @throws ConflictError HELD_MEANWHILE */
async function checkHolds(store: ObjectStore, { ended }: Retained, signal: AbortSignal | undefined): Promise<void> {
  const hold = (await readHolds(store, signal)).find(({ version }) => ended.some(({ from, to }) => version >= from && version <= to))
  if (!hold) return
  throw new ConflictError(
    'HELD_MEANWHILE',
    `Version ${hold.version} of ${store.root} has come to be held by ${hold.by}; nothing was deleted.`,
    {
      remedy: 'Run it again: the version will be kept.',
      data: { root: store.root, version: hold.version, by: hold.by },
    },
  )
}

/** How long files and the log are kept, in milliseconds. */
function agesOf(state: TableState, olderThan: string | undefined): { files: number; log: number } {
  if (olderThan !== undefined) {
    const age = parseAge(olderThan)
    if (age !== undefined) return { files: age, log: age }
    throw new UsageError('INVALID_ARGUMENT', `${JSON.stringify(olderThan)} is no age.`, {
      remedy: 'Write it as 30d, 12h, 2w or 45min.',
      data: { olderThan: String(olderThan) },
    })
  }
  return { files: required(state, 'delta.deletedFileRetentionDuration'), log: required(state, 'delta.logRetentionDuration') }
}

function required(state: TableState, property: Parameters<typeof retentionOf>[1]): number {
  const age = retentionOf(state, property)
  if (age !== undefined) return age
  const value = state.metadata.configuration[property] ?? ''
  throw new UsageError('INVALID_ARGUMENT', `The table's property ${property} is ${JSON.stringify(value)}, which is no length of time.`, {
    remedy: 'Say how old versions must be to end: olderThan, --older-than 30d.',
    data: { property, value },
  })
}

const shortUnits: Readonly<Record<string, string>> = { w: 'weeks', d: 'days', h: 'hours', min: 'minutes', s: 'seconds' }

/** An age in milliseconds. A lone `m` is none: it could be a minute or a month. */
function parseAge(text: string): number | undefined {
  const [, count, unit] = /^(\d+)\s*(w|d|h|min|s)$/i.exec(text.trim()) ?? []
  return parseInterval(unit === undefined ? text : `${count} ${shortUnits[unit.toLowerCase()]}`)
}

/** The store's time, by an object made for it. A folder that one may only read is looked at by the local clock: nothing is deleted there. */
async function storeTime(store: ObjectStore, dryRun: boolean): Promise<number> {
  const key = `_varve/clock-${uuid()}`
  try {
    const { modified } = await store.put(key, new TextEncoder().encode('\n'), { durable: false })
    await store.delete([key])
    return modified.getTime()
  } catch (error) {
    if (dryRun && error instanceof StoreDeniedError) return Date.now()
    throw error
  }
}
