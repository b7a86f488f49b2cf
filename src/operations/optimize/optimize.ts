/**
 * OPTIMIZE: the rows of a version in fewer files, or in files of which queries need fewer. No row changes, so the version says that it changes
 * no data: a reader of changes sees none, and appends of others do not conflict with it.
 *
 *   list ─ files that may be rewritten (`bins.ts`) ─ each bin rewritten (`rewrite.ts`) ─ one commit that replaces the files
 *
 * A concurrent delete or update of a file that is rewritten is a conflict: its vector would be lost.
 */
import { targetFileSize } from '../../data/index.ts'
import type { Parameters } from '../../engine/index.ts'
import { UsageError } from '../../errors/index.ts'
import type { DeltaLog, LiveFile } from '../../log/index.ts'
import { formatColumnPath } from '../../schema/evolve/column-path.ts'
import { commitVerb, takeBack } from '../rows/commit-verb.ts'
import { sum } from '../rows/taken-rows.ts'
import { beginVerb, unchanged, type VerbGround } from '../rows/verb.ts'
import type { Written } from '../rows/write-rows.ts'
import type { CommitResult, WritingOptions } from '../written.ts'
import { bins, type Candidate, listCandidates, markTag, smallBelow } from './bins.ts'
import { wholeFiles } from './chosen.ts'
import { type Clustering, clusteringBy, clusteringMark, planClustering, writeClustered } from './clustering.ts'
import type { Curve } from './curve.ts'
import { rewrite, writeInOrder } from './rewrite.ts'

/** Options of an optimize. */
export interface OptimizeOptions extends WritingOptions {
  /**
   * Which files, as a predicate in DuckDB's SQL that is true for all rows of a file or for none: over partition columns as a rule. Default: all.
   */
  readonly where?: string | undefined
  /** Values for the parameters of `where`. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
  /**
   * Columns by which rows are laid out along a z-order curve, so that queries that filter by any of them need few files. Files that lie so already
   * stay. Default: rows keep their order.
   */
  readonly zorder?: readonly string[] | undefined
  /** The same along Hilbert's curve, which keeps neighbours closer together. */
  readonly hilbert?: readonly string[] | undefined
  /** Bytes that a file should have. Default: the table's `delta.targetFileSize`, else 128 MiB. */
  readonly targetSize?: number | undefined
}

const operation = 'OPTIMIZE'
const defaultTargetBytes = 128 * 2 ** 20

/**
 * Rewrites files, as one version. Where nothing would become better and there is no transaction id to record, no version is made.
 * @throws UsageError INVALID_ARGUMENT; QueryError for a predicate that is none; ConflictError where others deleted or updated rows of the
 * files meanwhile, or moved them; DataFileError; what `append` throws besides
 */
export async function optimize(log: DeltaLog, options: OptimizeOptions = {}): Promise<CommitResult> {
  const { where, params, signal } = options
  checkSize(options.targetSize)
  const begun = await beginVerb(log, operation, options, { removes: false })
  if ('result' in begun) return begun.result
  const { ground } = begun
  const target = options.targetSize ?? targetBytes(ground)
  const clustering = clusteringOf(ground, options)
  const mark = clustering ? clusteringMark(clustering) : JSON.stringify({ target })
  const chosen = where === undefined ? undefined : await wholeFiles(ground, where, params, signal)
  const list = await log.files(ground.state)
  const all = await listCandidates(list, clustering ? undefined : smallBelow(target), signal)
  const candidates = chosen === undefined ? all : all.filter(({ path }) => chosen.has(path))
  const planned = clustering ? planClustering(candidates, clustering) : bins(candidates, target, mark)
  if (planned.length === 0 && !ground.txn) return unchanged(ground.state, operation, false, metricsOf([], { files: [], changeFiles: [] }))
  const written: Written = { files: [], changeFiles: [] }
  const live = await liveFiles(ground, planned, signal)
  try {
    const inOrder: typeof writeInOrder = (...bin) =>
      clustering ? writeClustered(bin[0], bin[1], bin[2], clustering, target, signal) : writeInOrder(...bin)
    await rewrite(ground, live, written, inOrder, signal)
  } catch (error) {
    await takeBack(ground, written)
    throw error
  }
  const replaced = live.flat()
  const changes = { files: replaced.map((file) => ({ file, rows: 'replaced' as const })), mayBeGone: false, dataChange: false }
  const predicate = JSON.stringify(where === undefined ? [] : [where])
  const by = (curve: Curve) => JSON.stringify(clustering?.curve === curve ? clustering.columns.map(formatColumnPath) : [])
  const parameters = { predicate, auto: 'false', clusterBy: by('hilbert'), zOrderBy: by('zorder') }
  const metrics = metricsOf(replaced, written)
  const verb = { operation, parameters, metrics, changes, isBlindAppend: false, dataChange: false, tags: { [markTag]: mark } }
  return commitVerb(ground, verb, written, options)
}

function clusteringOf(ground: VerbGround, { zorder, hilbert }: OptimizeOptions): Clustering | undefined {
  if (zorder !== undefined && hilbert !== undefined) {
    throw new UsageError('INVALID_ARGUMENT', 'Rows lie along one curve: zorder or hilbert.', { remedy: 'Give one of the two.' })
  }
  if (zorder !== undefined) return clusteringBy(ground, 'zorder', zorder)
  return hilbert === undefined ? undefined : clusteringBy(ground, 'hilbert', hilbert)
}

/** The bins' files as the log has them. */
async function liveFiles(
  { log, state }: VerbGround,
  planned: readonly Candidate[][],
  signal: AbortSignal | undefined,
): Promise<LiveFile[][]> {
  const list = await log.files(state)
  const found = await list.liveFiles(
    planned.flatMap((bin) => bin.map(({ path }) => path)),
    signal,
  )
  const live = new Map(found.map((file) => [file.path, file]))
  return planned.map((bin) => bin.map(({ path }) => live.get(path)!))
}

/** Bytes that a file of the table should have. */
export function targetBytes({ target }: VerbGround): number {
  return targetFileSize(target.properties) ?? defaultTargetBytes
}

function checkSize(bytes: number | undefined): void {
  if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes > 0)) return
  throw new UsageError('INVALID_ARGUMENT', `${bytes} is no size of a file.`, { remedy: 'Give a whole number of bytes above zero.' })
}

/** Counts under the names of Spark's history. */
export function metricsOf(removed: readonly LiveFile[], { files: added }: Written): Record<string, number> {
  const sizes = added.map(({ size }) => size).sort((one, other) => one - other)
  const quantile = (share: number) => sizes[Math.min(sizes.length - 1, Math.floor(share * sizes.length))] ?? 0
  return {
    numRemovedFiles: removed.length,
    numRemovedBytes: sum(removed.map(({ add }) => add.size)),
    numAddedFiles: added.length,
    numAddedBytes: sum(sizes),
    numDeletionVectorsRemoved: removed.filter(({ add }) => add.deletionVector).length,
    minFileSize: quantile(0),
    p25FileSize: quantile(0.25),
    p50FileSize: quantile(0.5),
    p75FileSize: quantile(0.75),
    maxFileSize: quantile(1),
  }
}
