/**
 * What may follow an append: now and then the small files of the last commits are folded into fewer, where the call or the table asks for it;
 * else a word where optimize is due. The append stands in any case: what goes wrong here is a warning.
 */
import { type DeltaLog, decodePath, encodePath, type TableState } from '../../log/index.ts'
import type { AppendOptions } from '../append.ts'
import { commitVerb, takeBack } from '../rows/commit-verb.ts'
import { beginVerb } from '../rows/verb.ts'
import type { Written } from '../rows/write-rows.ts'
import type { CommitResult } from '../written.ts'
import { smallBelow } from './bins.ts'
import { metricsOf, targetBytes } from './optimize.ts'
import { rewrite, writeInOrder } from './rewrite.ts'
import { type InTier, planFoldings, readTiers, tiersAfter } from './tiers.ts'

/** An append whose version is a multiple of this looks for small files; another, whether optimize is due. */
const foldEvery = 32
const sayEvery = 100

/** So many files, of so few bytes on average, are worth a word. In a partitioned table many may be as large as they can be. */
const manyFiles = { plain: 200, partitioned: 2000 }
const fewBytes = 2 ** 20

/** Does what is to follow an append. @returns its result, with warnings more */
export async function afterAppend(
  log: DeltaLog,
  result: CommitResult,
  options: Pick<AppendOptions, 'compact' | 'signal' | 'account'>,
): Promise<CommitResult> {
  const { compact, signal, account } = options
  const { version, alreadyApplied, warnings } = result
  if (alreadyApplied || version === 0) return result
  const state = log.latest
  if (!(compact === 'auto' || isAutomatic(state))) {
    const due = version % sayEvery === 0 ? dueWarning(log, state) : undefined
    return due === undefined ? result : { ...result, warnings: [...warnings, due] }
  }
  if (version % foldEvery !== 0) return result
  try {
    const more = await fold(log, signal, account)
    return more.length === 0 ? result : { ...result, warnings: [...warnings, ...more] }
  } catch (error) {
    const warning = `Version ${version} is committed, but the small files of the last commits could not be folded: ${(error as Error).message}`
    return { ...result, warnings: [...warnings, warning] }
  }
}

function isAutomatic({ metadata: { configuration } }: TableState): boolean {
  return configuration['varve.autoCompact'] === 'true' || /^(true|auto)$/.test(configuration['delta.autoOptimize.autoCompact'] ?? '')
}

/** Folds what the last commits say is worth it. @returns warnings */
async function fold(log: DeltaLog, signal: AbortSignal | undefined, account: AppendOptions['account']): Promise<readonly string[]> {
  const begun = await beginVerb(log, 'OPTIMIZE', { signal }, { removes: false })
  // A commit carries no row ids of the files in tiers.
  if ('result' in begun || begun.ground.rowTracking !== undefined) return []
  const { ground } = begun
  const { version } = ground.state
  const target = targetBytes(ground)
  const small = smallBelow(target)
  const files = await readTiers(log, version, small, signal)
  const foldings = planFoldings(files, target)
  if (foldings.length === 0) return []
  const written: Written = { files: [], changeFiles: [] }
  const become: InTier[] = []
  const live = foldings.map((folding) => folding.files.map(({ add, rows }) => ({ path: decodePath(add.path), add, numRecords: rows })))
  try {
    for (const [index, { tier }] of foldings.entries()) {
      const before = written.files.length
      await rewrite(ground, [live[index]!], written, writeInOrder, signal)
      for (const { path, stats, numRecords, size, partitionValues, modificationTime } of written.files.slice(before)) {
        const add = { path: encodePath(path), size, partitionValues, modificationTime, dataChange: false, stats }
        become.push({ tier, rows: numRecords, add })
      }
    }
  } catch (error) {
    await takeBack(ground, written)
    throw error
  }
  const replaced = live.flat()
  const { warnings } = await commitVerb(
    ground,
    {
      operation: 'OPTIMIZE',
      parameters: { predicate: '[]', auto: 'true', clusterBy: '[]', zOrderBy: '[]' },
      metrics: metricsOf(replaced, written),
      changes: { files: replaced.map((file) => ({ file, rows: 'replaced' })), mayBeGone: false, dataChange: false },
      isBlindAppend: false,
      dataChange: false,
      tiers: { at: version, files: tiersAfter(files, foldings, become, small) },
    },
    written,
    // What the append was made from, the folding was not.
    { signal, account: account?.then((told) => ({ ...told, inputs: undefined })) },
  )
  return warnings
}

function dueWarning({ store }: DeltaLog, { counts, metadata, version }: TableState): string | undefined {
  if (counts === undefined) return undefined
  const { files, bytes } = counts
  const many = metadata.partitionColumns.length > 0 ? manyFiles.partitioned : manyFiles.plain
  if (files < many || bytes / files >= fewBytes) return undefined
  return `Version ${version} of ${store.root} has ${files} files of ${Math.ceil(bytes / files / 1024)} KiB on average, so optimize is due: varve optimize makes fewer of them, and --compact auto keeps appends from leaving so many.`
}
