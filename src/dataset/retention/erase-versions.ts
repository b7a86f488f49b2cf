/**
 * Ends the versions of a table that hold rows, and deletes the files that hold them.
 *
 *   it is said that they end ─ a version that records it ─ tags, runs and holds on them are marked ─ files ─ the log below the first version that stays
 *   ─ what else of the log repeats the commits: checkpoints of ended versions, compactions
 *
 * Marks come before files, so that who runs it again after an interruption finds what is left to mark by the files that are left.
 */
import {
  cutLog,
  type DeltaLog,
  endedBy,
  filesBelow,
  isInSpans,
  joinSpans,
  lastCheckpointKey,
  prepareCut,
  readEndings,
  readLastCheckpoint,
  readListing,
  type VersionSpan,
  withoutSpans,
} from '../../log/index.ts'
import { endVersions } from '../../operations/vacuum/ending-at-work.ts'
import { storeTime } from '../../operations/vacuum/store-time.ts'
import { Sweep } from '../../operations/vacuum/sweep.ts'
import { eraseOperation } from './erased-version.ts'
import { recordOfInterrupted } from './recorded.ts'
import { markErased } from './release.ts'
import type { Survey } from './survey.ts'

/** What goes of a table. */
export interface ErasedFiles {
  /** The versions that end and were not said to have ended before. */
  readonly ended: readonly VersionSpan[]
  readonly files: number
  readonly bytes: number
  /** The oldest version that the log still has. */
  readonly earliest: number
}

/** How versions are erased. */
export interface EraseVersionsOptions {
  /** Only tell. */
  readonly dryRun: boolean
  /** Whether the table takes no commits: an archive. Its newest version may end too. */
  readonly isArchive: boolean
  /** Records it in the history, with nothing deleted yet. Not called where that was done before an interruption. */
  readonly record: (ended: readonly VersionSpan[]) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

/** Ends them. @throws LogError, ConflictError, storage errors with nothing deleted; what is interrupted is gone on with when it is run again */
export async function eraseVersions(log: DeltaLog, survey: Survey, options: EraseVersionsOptions): Promise<ErasedFiles> {
  const { store } = log
  const { dryRun, isArchive, record, signal } = options
  const { earliest, latest } = survey
  const now = await storeTime(store, dryRun)
  const sweep = await Sweep.open(log, signal)
  try {
    const endings = await readEndings(store, signal)
    // What an erasure was interrupted at may have lost the files by which it could be found again.
    const interrupted = endedBy(endings, ({ by, done }) => by === 'erase' && !done)
    const going = joinSpans([...survey.versions, ...interrupted])
    const ended = withoutSpans(
      going,
      endedBy(endings, ({ done }) => done),
    )
    const gone = joinSpans([...endedBy(endings), ...survey.versions])
    const staying = withoutSpans([{ from: earliest, to: latest }], gone)
    const cut = staying[0]?.from ?? earliest
    await sweep.nameAll({ earliest, latest, spans: staying })
    const changeFiles = survey.changeFiles.map(({ path }) => path)
    // An archive's newest version counts as named in any case; nobody commits there, so all that holds rows can be told.
    const besides = isArchive ? [...changeFiles, ...survey.dataFiles] : changeFiles
    const result = { ended, ...(await sweep.choose(now, besides)), earliest: cut }
    if (dryRun || survey.dataFiles.length + changeFiles.length + interrupted.length === 0) return result
    const below = await filesBelow(store, cut, { signal })
    await log.confirm(signal)
    if (below.length > 0) await prepareCut(log, cut, { now, signal })
    const work = async () => {
      await markErased(store, going, signal)
      await sweep.nameNew(latest)
      await sweep.choose(now, besides)
      await sweep.take('The erasure', { signal })
      await cutLog(log, cut, { now, prepared: below.length > 0, signal })
      await removeRepeated(log, gone, survey, signal)
    }
    const kind = { by: 'erase', archive: null } as const
    const prepare = async () => {
      if ((await recordOfInterrupted(log, ended, endings, { ...kind, operation: eraseOperation }, signal)) === undefined)
        await record(ended)
    }
    await endVersions(store, { groups: [{ ...kind, spans: ended }], notHeld: [] }, prepare, work, signal)
    return result
  } finally {
    await sweep.close()
  }
}

/** Derived files of the log that repeat what ended commits say: statistics stand in them too. */
async function removeRepeated(
  log: DeltaLog,
  gone: readonly VersionSpan[],
  { shown, versions }: Survey,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { store } = log
  const { checkpoints, compactions } = await readListing(store, { signal })
  const names = [...shown.map(({ version }) => ({ from: version, to: version })), ...versions]
  const checkpointsGone = checkpoints.filter(({ version }) => isInSpans(gone, version))
  const keys = [
    ...checkpointsGone.map(({ key }) => key),
    ...compactions.filter(({ first, last }) => names.some(({ from, to }) => first <= to && last >= from)).map(({ key }) => key),
  ]
  const hint = await readLastCheckpoint(store, signal)
  if (checkpointsGone.some(({ version }) => version === hint?.version)) keys.push(lastCheckpointKey)
  const failed = (await store.delete(keys)).find(({ error }) => error !== undefined)
  if (failed) throw failed.error
}
