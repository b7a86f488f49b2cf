/**
 * Vacuum: ends versions that are older than an age and that nothing holds, and takes files that no version names.
 *
 *   files that lie there ─ versions that stay ─ what they name (`sweep.ts`) ─ it is said what ends ─ the log below ─ files that none of them names
 *
 * - The log is cut off before any file goes, so a version that has lost files is none that the log begins with; what an interruption leaves
 *   of the files is taken by a later vacuum.
 * - What is read must be read whole: a listing, a record of a hold or a version that stays and cannot be read ends it with nothing deleted.
 *
 * "Now" is the store's time.
 */
import { UsageError } from '../../errors/index.ts'
import {
  checkAlterable,
  countSpans,
  cutLog,
  type DeltaLog,
  filesBelow,
  joinSpans,
  parseInterval,
  prepareCut,
  readEndings,
  retentionOf,
  spansOf,
  type TableState,
  type VersionSpan,
} from '../../log/index.ts'
import { type Hold, readHolds } from '../../refs/holds.ts'
import { endingGroups, endVersions } from './ending-at-work.ts'
import { type Retained, retainedVersions } from './retained.ts'
import { storeTime } from './store-time.ts'
import { Sweep, type VacuumedFile } from './sweep.ts'

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
  const sweep = await Sweep.open(log, signal)
  try {
    const retained = await retainedVersions(log, holds, before, signal)
    await sweep.nameAll({ ...retained, spans: stayingSpans(retained), removedAfter: before.files })
    const below = await filesBelow(store, retained.cut, { meta: true, signal })
    let [logFiles, chosen] = [below.length, { files: 0, bytes: 0 }]
    const take = async () => {
      chosen = await sweep.choose(now)
      await sweep.take('The vacuum', { ...options, dryRun })
    }
    if (dryRun) await take()
    else {
      const plan = {
        groups: endingGroups(retained.ended, await readEndings(store, signal), { by: 'vacuum', archive: null }),
        notHeld: retained.ended,
      }
      const work = async () => {
        logFiles = await cutLog(log, retained.cut, { now, prepared: below.length > 0, signal })
        await sweep.nameNew(retained.latest)
        await take()
      }
      await log.confirm(signal)
      if (below.length > 0) await prepareCut(log, retained.cut, { now, signal })
      await endVersions(store, plan, async () => {}, work, signal)
    }
    return {
      dryRun,
      ...chosen,
      logFiles,
      logBytes: below.reduce((sum, { meta }) => sum + (meta?.size ?? 0), 0),
      versionsEnded: countSpans(retained.ended),
      ended: retained.ended,
      earliest: retained.cut,
      held: holds.filter(({ version }) => version < retained.young),
    }
  } finally {
    await sweep.close()
  }
}

/** The versions that stay. */
export function stayingSpans({ held, young, latest }: Retained): VersionSpan[] {
  return joinSpans([...spansOf(held), { from: young, to: latest }])
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
