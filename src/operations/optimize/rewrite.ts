/** Bins of files rewritten, each as one new file: rows in their order, without those that vectors delete, in the types that the table has now. */
import type { LiveFile } from '../../log/index.ts'
import { openFiles, type StoredFile } from '../../query/index.ts'
import type { VerbGround } from '../rows/verb.ts'
import { movingRows, type Written, writeRows } from '../rows/write-rows.ts'

/** Bins that are worked on at once: while one is put on stable storage, the engine is busy with the next. */
const together = 2

/** Writes the rows of each bin into new files, bin by bin in `written`. What was written stays the caller's to take back. */
export async function rewrite(
  ground: VerbGround,
  bins: readonly (readonly LiveFile[])[],
  written: Written,
  write: (ground: VerbGround, files: readonly StoredFile[], written: Written, signal?: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const parts: Written[] = bins.map(() => ({ files: [], changeFiles: [] }))
  let next = 0
  let failed = false
  const work = async (): Promise<void> => {
    while (next < bins.length && !failed) {
      const place = next
      next += 1
      try {
        await rewriteBin(ground, bins[place]!, parts[place]!, write, signal)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  // All have to end before anything is taken back.
  const ended = await Promise.allSettled(Array.from({ length: Math.min(together, bins.length) }, work))
  written.files.push(...parts.flatMap(({ files }) => files))
  const failure = ended.find((result) => result.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}

/** Writes the rows of a bin as one file in their order. */
export async function writeInOrder(
  ground: VerbGround,
  files: readonly StoredFile[],
  written: Written,
  signal?: AbortSignal,
): Promise<void> {
  // A source of few bytes becomes one file; cut by size, rows would come only roughly in their order.
  await writeRows(ground, { ...(await movingRows(ground, files)), bytes: 0 }, 'moved', written, { signal })
}

async function rewriteBin(
  ground: VerbGround,
  bin: readonly LiveFile[],
  written: Written,
  write: Parameters<typeof rewrite>[3],
  signal: AbortSignal | undefined,
): Promise<void> {
  const chosen = bin.map(({ path, numRecords, add: { size, partitionValues, deletionVector } }) => ({
    path,
    size,
    partitionValues,
    numRecords,
    deletionVector: deletionVector ?? undefined,
  }))
  const opened = await openFiles(ground.target, chosen, signal)
  try {
    await write(ground, opened.files, written, signal)
  } catch (error) {
    throw await opened.explain(error)
  } finally {
    await opened.release()
  }
}
