/**
 * Small files by how often their rows were folded, so that many small appends cost each row few rewritings: files as they were appended, files
 * of a few dozen of those, of a few of these, and so on. A tier that is full is folded into one file of the next. The commit of a folding carries
 * which files are in the tiers after it, so the next one reads the commits since and nothing else.
 */
import {
  type Add,
  type Commit,
  commitInfoOf,
  type DeltaLog,
  decodePath,
  parseActions,
  readCommitIfThere,
  type TieredFile,
} from '../../log/index.ts'
import { parseJson } from '../../schema/json.ts'

/** A file of a tier with all that its `add` is known to say. */
export interface InTier {
  /** 0 for one that was appended. */
  readonly tier: number
  readonly add: Add
  readonly rows: number
}

/** Files that are folded into one. */
export interface Folding {
  readonly files: readonly InTier[]
  /** The tier of the file that they become. */
  readonly tier: number
}

/** Commits that are looked back at, at most. */
const mostCommits = 128

/** Commits read at a time. */
const together = 16

/** A tier above the first is full with so many files. */
const fanOut = 4

/** So many appended files are worth a commit. */
const worthFolding = 8

/** Files that a commit carries at most; older ones are left to optimize. */
const mostCarried = 200

/** The small files of the last commits, oldest first: those that the last folding carried on, and what was appended since and is still there. */
export async function readTiers(log: DeltaLog, version: number, smallerThan: number, signal?: AbortSignal): Promise<InTier[]> {
  const commits: Commit[] = []
  let carried: readonly TieredFile[] = []
  let oldest = Math.max(0, version - mostCommits + 1)
  for (let last = version; last >= oldest; last -= together) {
    const versions = Array.from({ length: Math.min(together, last - oldest + 1) }, (_, i) => last - i)
    for (const commit of await Promise.all(versions.map((one) => readCommitIfThere(log.store, one, signal)))) {
      if (commit === undefined) oldest = version
      if (commit === undefined || commit.version < oldest) break
      const { tiers } = commitInfoOf(commit).varve ?? {}
      if (tiers === undefined) commits.push(commit)
      else {
        carried = tiers.files
        // Others may have committed while it was prepared.
        oldest = tiers.at + 1
      }
    }
  }
  const files = new Map<string, InTier>(carried.map((file) => [decodePath(file.path), ofCarried(file)]))
  for (const commit of commits.reverse()) {
    const added: InTier[] = []
    for (const action of parseActions(commit)) {
      if ('remove' in action) files.delete(decodePath(action.remove.path))
      else if ('add' in action && action.add.size < smallerThan && !action.add.deletionVector) added.push(ofAdd(action.add))
    }
    for (const file of added) files.set(decodePath(file.add.path), file)
  }
  return [...files.values()].filter(({ rows }) => rows > 0)
}

/** What is to be folded now, by partition; nothing where it is not worth it. */
export function planFoldings(files: readonly InTier[], targetBytes: number): Folding[] {
  const partitions = new Map<string, InTier[]>()
  for (const file of files) {
    const key = JSON.stringify(Object.entries(file.add.partitionValues).map(([name, value]) => [name, value || null]))
    const others = partitions.get(key)
    if (others === undefined) partitions.set(key, [file])
    else others.push(file)
  }
  const foldings = [...partitions.values()].flatMap((partition) => foldingOf(partition, targetBytes) ?? [])
  const appended = foldings.reduce((sum, folding) => sum + folding.files.filter(({ tier }) => tier === 0).length, 0)
  return appended >= worthFolding ? foldings : []
}

function foldingOf(partition: readonly InTier[], targetBytes: number): Folding | undefined {
  const inTier = (tier: number) => partition.filter((file) => file.tier === tier)
  let files = inTier(0)
  if (files.length < 2) return undefined
  let tier = 1
  for (let full = inTier(tier); full.length + 1 >= fanOut; full = inTier(tier)) {
    if (bytesOf(files) + bytesOf(full) > targetBytes) break
    files = [...full, ...files]
    tier += 1
  }
  return { files, tier }
}

/** The tiers after foldings, as a commit carries them; `become` are the files that the foldings became. */
export function tiersAfter(
  files: readonly InTier[],
  foldings: readonly Folding[],
  become: readonly InTier[],
  smallerThan: number,
): TieredFile[] {
  const folded = new Set(foldings.flatMap((folding) => folding.files))
  return [...files.filter((file) => !folded.has(file)), ...become.filter(({ add }) => add.size < smallerThan)]
    .slice(-mostCarried)
    .map(({ tier, rows, add: { path, size, partitionValues, modificationTime } }) => ({
      path,
      tier,
      rows,
      size,
      partitionValues,
      modificationTime,
    }))
}

function ofCarried({ path, tier, rows, size, partitionValues, modificationTime }: TieredFile): InTier {
  return {
    tier,
    rows,
    add: { path, size, partitionValues, modificationTime, dataChange: false, stats: JSON.stringify({ numRecords: rows }) },
  }
}

/** A file whose number of rows is not known is not folded: its removal could not say it. */
function ofAdd(add: Add): InTier {
  try {
    const { numRecords } = parseJson(add.stats ?? '{}') as { numRecords?: unknown }
    return { tier: 0, rows: typeof numRecords === 'number' ? numRecords : 0, add }
  } catch {
    return { tier: 0, rows: 0, add }
  }
}

function bytesOf(files: readonly InTier[]): number {
  return files.reduce((sum, { add }) => sum + add.size, 0)
}
