/** Numbers of rows of groups of files, added up from the files that are at hand as objects: no statement is run for them. */
import type { ListPart } from '../../log/files/file-rows.ts'
import type { ChosenFile, KeptFiles } from './chosen.ts'

/** Files at hand, and which of them count: those at some places, or all that the version has. */
export interface FilesAtHand {
  readonly part: ListPart
  readonly kept: KeptFiles
  readonly places: readonly number[] | 'all'
}

/** Adds up rows by the texts of partition values; `undefined` where a file does not say how many it has. */
export async function addRows(
  parts: readonly FilesAtHand[],
  groups: readonly string[],
): Promise<{ readonly texts: readonly (string | null)[]; readonly rows: number }[] | undefined> {
  const found = new Map<string, { texts: readonly (string | null)[]; rows: number }>()
  for (const { part, kept, places } of parts) {
    const live = places === 'all' ? await part.live(kept.places) : undefined
    const wanted = places === 'all' ? undefined : new Set(places)
    for (const [index, file] of kept.files.entries()) {
      if (live?.[index] === 0 || wanted?.has(kept.places[index]!) === false) continue
      if (file.numRecords === undefined) return undefined
      const texts = groups.map((name) => textOf(file, name))
      const key = JSON.stringify(texts)
      const group = found.get(key) ?? { texts, rows: 0 }
      found.set(key, group)
      group.rows += file.numRecords - Number(file.deletionVector?.cardinality ?? 0)
    }
  }
  return [...found.values()].filter(({ rows }) => rows > 0)
}

function textOf({ partitionValues }: ChosenFile, name: string): string | null {
  const text = Object.hasOwn(partitionValues, name) ? partitionValues[name] : undefined
  return text === undefined || text === '' ? null : text
}
