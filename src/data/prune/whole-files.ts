/** Files of which every row fulfils a predicate, as the log tells: what a verb may take away without opening them. */

import { mayBeTrue } from './answers.ts'
import { keptFiles, readChosen } from './chosen.ts'
import { type FileSource, inUse } from './file-source.ts'
import type { Predicate } from './predicate.ts'
import { decidePart, type ZoneTable } from './prune.ts'

/** The paths of such files; all of them without a predicate. A file of which the log does not say enough is not among them. */
export async function filesWhollyTrue(
  files: FileSource,
  table: ZoneTable,
  predicate: Predicate | undefined,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  return inUse(files, async ({ connection, parts }) => {
    const paths = new Set<string>()
    for (const part of parts) {
      const decided = predicate && (await decidePart(part, table, predicate))
      if (predicate !== undefined && decided === undefined) continue
      const kept = decided && (await keptFiles(connection, part.rows))
      if (kept) {
        for (let i = 0; i < kept.files.length; i++) if (isWhole(decided, i)) paths.add(kept.files[i]!.path)
        continue
      }
      const places = decided && [...decided.places.filter((_, i) => isWhole(decided, i))]
      for (const { path } of await readChosen(connection, part, places, signal)) paths.add(path)
    }
    return paths
  })
}

function isWhole({ answers, live }: NonNullable<Awaited<ReturnType<typeof decidePart>>>, index: number): boolean {
  return answers[index] === mayBeTrue && live?.[index] !== 0
}
