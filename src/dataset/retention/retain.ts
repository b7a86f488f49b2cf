/**
 * Retain: lets go of the versions that a policy does not keep.
 *
 *   policy ─ what holds versions ─ which stay, and why ─ the plan ─ the archive, whole and compared ─ it is said which end (`endings.ts`)
 *   ─ what holds them, once more ─ a version that records it ─ files that no version names that stays ─ the log below the first of those
 *
 * - Nothing is deleted before the archive has all of it. From then on whoever asks for a version that ended is told where it is.
 * - What is interrupted is gone on with when it is run again: files go before the log, so the log names what is left of them.
 * - What stays is what a vacuum keeps: its files, and every commit from the first version that stays on, so that other engines read the table too.
 */
import {
  checkAlterable,
  countSpans,
  cutLog,
  type DeltaLog,
  filesBelow,
  joinSpans,
  prepareCut,
  readEndings,
  spansText,
  type TableState,
  type VersionSpan,
} from '../../log/index.ts'
import type { AccountOptions } from '../../operations/provenance.ts'
import { settle } from '../../operations/settle/settle.ts'
import { endingGroups, endVersions } from '../../operations/vacuum/ending-at-work.ts'
import { storeTime } from '../../operations/vacuum/store-time.ts'
import { Sweep, type VacuumedFile } from '../../operations/vacuum/sweep.ts'
import { stayingSpans } from '../../operations/vacuum/vacuum.ts'
import { conflictError } from '../../operations/written.ts'
import { type Hold, readHolds } from '../../refs/holds.ts'
import { type ObjectStore, openStore } from '../../storage/index.ts'
import { commit, type Prepared } from '../../transaction/index.ts'
import { withAccount } from '../provenance/account.ts'
import { Archive, type Archived } from './archive.ts'
import { policyFor, policyText, type RetentionPolicy, withPolicy } from './policy.ts'
import { recordOfInterrupted } from './recorded.ts'
import { removeTagsOn } from './release.ts'
import { divideVersions, type KeptVersions, retainOperation } from './versions.ts'

/** Options of `table.retain`. What is given of the policy is kept in the table's properties, and holds until another one is given. */
export interface RetainOptions {
  /** So many of the newest versions stay. Default: the kept policy's; the newest alone, where neither that nor `keepDays` says anything. */
  readonly keepLast?: number | undefined
  /** Versions that were the newest at some time in the last so many days stay. Default: the kept policy's. */
  readonly keepDays?: number | undefined
  /** Whether tagged versions stay. Default: the kept policy's, else `true`. */
  readonly keepTags?: boolean | undefined
  /** Versions of runs that did not fail and were not retired stay, always: the option is there to say so. */
  readonly keepRuns?: 'active' | undefined
  /** The table that takes the versions that end: a folder, a `file:` URL, or a store of one's own. Default: the kept policy's, else they are dropped. */
  readonly archive?: string | ObjectStore | undefined
  /** Only tell what would go; the policy is not kept either. Default `false`. */
  readonly dryRun?: boolean | undefined
  /** Called with the plan, before anything is written or deleted. */
  readonly onPlan?: ((plan: RetainPlan) => void) | undefined
  /** Called with the number of files that are in the archive and compared, as it fills. */
  readonly onArchived?: ((files: number) => void) | undefined
  /** Called with each file that goes (or would), in batches, before it does. */
  readonly onFile?: ((file: VacuumedFile) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What is to go, and why the rest stays. */
export interface RetainPlan {
  readonly policy: RetentionPolicy
  /** The versions that stay: older ones that something holds one by one, then the newest ones. */
  readonly kept: readonly KeptVersions[]
  /** The versions that end: how many, and which. What an earlier run was interrupted at is among them. */
  readonly versionsEnded: number
  readonly ended: readonly VersionSpan[]
  /** Data files, files of deletion vectors and change files that go from the table, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Files of the log that go, and their bytes. */
  readonly logFiles: number
  readonly logBytes: number
  /** The oldest version that the log still has. */
  readonly earliest: number
  /** What the archive takes; `null` where versions are dropped, or none ends. */
  readonly archived: Archived | null
}

/** What a retention did, or with `dryRun` would do. */
export interface RetainResult extends RetainPlan {
  readonly dryRun: boolean
  /** The version that records it; `null` where nothing ended and the policy is as it was, and in a dry run. */
  readonly version: number | null
  /** What went wrong beside it, and what a user should look at. */
  readonly warnings: readonly string[]
}

/**
 * Lets go of versions by a policy.
 * @throws UsageError NO_POLICY, INVALID_ARGUMENT, INVALID_PROPERTY, ARCHIVE_UNFIT; DataFileError and ObjectCorruptError for what cannot be
 * archived; ConflictError HELD_MEANWHILE, METADATA_CHANGED; LogError HOLD_CORRUPT, HELD_VERSION_MISSING, CHECKPOINT_UNFIT; all with nothing deleted;
 * UnsupportedFeatureError; UnknownOutcomeError; storage errors
 */
export async function retain(log: DeltaLog, options: RetainOptions = {}): Promise<RetainResult> {
  const { store } = log
  const { dryRun = false, onPlan, onArchived, onFile, signal } = options
  const state = await log.update(signal)
  checkAlterable(state.protocol, store.root)
  const { policy, archiveStore } = policyOf(state, options, store.root)
  const now = await storeTime(store, dryRun)
  const counts = (hold: Hold) => policy.keepTags || hold.kind !== 'tag'
  const holds = (await readHolds(store, signal)).filter(counts)
  const sweep = await Sweep.open(log, signal)
  try {
    const division = await divideVersions(log, policy, holds, now, signal)
    const endings = await readEndings(store, signal)
    const own = { by: 'retain', archive: archiveStore?.root ?? null } as const
    const groups = endingGroups(division.ended, endings, own)
    const ended = joinSpans(groups.flatMap(({ spans }) => spans))
    const { earliest } = division
    const [{ spans }] = groups
    const archive = archiveStore && spans.length > 0 ? await Archive.open(log, archiveStore, { spans, earliest }, signal) : undefined
    await sweep.nameAll({ ...division, spans: stayingSpans(division) })
    const below = await filesBelow(store, division.cut, { meta: true, signal })
    const plan = {
      policy,
      kept: division.kept,
      versionsEnded: countSpans(ended),
      ended,
      ...(await sweep.choose(now)),
      logFiles: below.length,
      logBytes: below.reduce((sum, { meta }) => sum + (meta?.size ?? 0), 0),
      earliest: division.cut,
      archived: archive?.plan ?? null,
    }
    onPlan?.(plan)
    if (dryRun) {
      await sweep.take('The retention', { dryRun, onFile, signal })
      return { ...plan, dryRun, version: null, warnings: [] }
    }
    await archive?.take(earliest, { onProgress: onArchived, signal })
    await log.confirm(signal)
    if (below.length > 0) await prepareCut(log, division.cut, { now, signal })
    let recorded: Recorded = { version: null, warnings: [] }
    const prepare = async () => {
      const version = await recordOfInterrupted(log, ended, endings, { ...own, operation: retainOperation }, signal)
      recorded = await record(log, state, plan, version, signal)
    }
    const work = async () => {
      if (!policy.keepTags) await removeTagsOn(store, division.ended, 'let go by the retention policy', signal)
      await sweep.nameNew(division.latest)
      await sweep.choose(now)
      await sweep.take('The retention', { onFile, signal })
      await cutLog(log, division.cut, { now, prepared: below.length > 0, signal })
    }
    await endVersions(store, { groups, notHeld: division.ended, counts }, prepare, work, signal)
    return { ...plan, dryRun, ...recorded }
  } finally {
    await sweep.close()
  }
}

function policyOf(
  { metadata }: TableState,
  { keepLast, keepDays, keepTags, keepRuns, archive }: RetainOptions,
  root: string,
): { readonly policy: RetentionPolicy; readonly archiveStore: ObjectStore | undefined } {
  const given = typeof archive === 'string' ? openStore(archive) : archive
  const asked = { keepLast, keepDays, keepTags, keepRuns, archive: given?.root }
  const policy = policyFor(metadata.configuration, asked as Partial<RetentionPolicy>, root)
  return { policy, archiveStore: given ?? (policy.archive === null ? undefined : openStore(policy.archive)) }
}

interface Recorded {
  readonly version: number | null
  readonly warnings: readonly string[]
}

/** The version that records it, where none before does: the policy in the table's properties, what ended in the commit's account of itself. No row changes. */
async function record(
  log: DeltaLog,
  state: TableState,
  plan: RetainPlan,
  before: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Recorded> {
  const { policy, ended, versionsEnded, files, bytes, archived } = plan
  const configuration = withPolicy(state.metadata.configuration, policy)
  const isKept = configuration === state.metadata.configuration
  if (isKept && before !== undefined) return { version: before, warnings: [] }
  if (isKept && versionsEnded === 0) return { version: null, warnings: [] }
  const prepared: Prepared = {
    operation: retainOperation,
    parameters: {
      policy: policyText(policy),
      ...(versionsEnded === 0 ? {} : { ended: spansText(ended) }),
      ...(archived === null ? {} : { archive: archived.location }),
    },
    metrics: { numVersionsEnded: versionsEnded, numDeletedFiles: files, numDeletedBytes: bytes },
    actions: isKept ? [] : [{ metaData: { ...state.metadata, configuration } }],
    isBlindAppend: false,
    isolation: 'Serializable',
    account: withAccount<AccountOptions>({}).account,
  }
  const outcome = await commit(log, state, prepared, { signal })
  if (outcome.outcome === 'conflict') throw conflictError(log.store.root, outcome.conflict)
  const warnings = outcome.outcome === 'committed' ? [...outcome.warnings, ...(await settle(log, outcome.state, outcome.checksum))] : []
  return { version: outcome.state.version, warnings }
}
