/**
 * Choosing the files of a version that may hold rows for which a predicate is true, from partition values and statistics in the log.
 * What it may be for the rows of each is decided in `decide.ts`, and "it may" is always the answer where the log says nothing.
 *
 * A list comes in parts that other versions share, so what is read of a part is kept for all of them.
 */
import type { FileRows, ListPart } from '../../log/files/file-rows.ts'
import { eachAnswer, mayBeTrue } from './answers.ts'
import { type ChosenFile, keptFiles, readChosen } from './chosen.ts'
import { decide } from './decide.ts'
import { type FileSource, inUse } from './file-source.ts'
import { zonesFor } from './first-zones.ts'
import { choosesNothing, columnsOf, type Predicate } from './predicate.ts'
import { type Zones, type ZoneTable, zonesOf } from './prune-zones.ts'

export type { ChosenFile } from './chosen.ts'
export type { FileSource } from './file-source.ts'
export type { ZoneTable } from './prune-zones.ts'

/**
 * The files that may hold a row for which the predicate is true; all files without one.
 * @returns files in the order of the list
 */
export async function chooseFiles(
  files: FileSource,
  table: ZoneTable,
  predicate: Predicate | undefined,
  signal?: AbortSignal,
): Promise<readonly ChosenFile[]> {
  if (predicate !== undefined && isNeverTrue(predicate)) return []
  return inUse(files, async ({ connection, parts }) => {
    const chosen: ChosenFile[] = []
    for (const part of parts) {
      const decided = predicate && (await decidePart(part, table, predicate))
      const kept = await keptFiles(connection, part.rows)
      if (!kept) {
        const places = decided && placesWhere(decided, mayBeTrue)
        for (const file of await readChosen(connection, part, places, signal)) chosen.push(file)
        continue
      }
      const live = decided ? decided.live : await part.live(kept.places)
      const answers = decided?.answers
      const choose = (index: number) => {
        if (live?.[index] !== 0) chosen.push(kept.files[index]!)
      }
      if (answers === undefined) for (let index = 0; index < kept.files.length; index++) choose(index)
      else eachAnswer(answers, mayBeTrue, choose)
    }
    return chosen
  })
}

/** Whether each file, in the order of the list, may hold a row for which the predicate is true. */
export async function mayContain(files: FileSource, table: ZoneTable, predicate: Predicate): Promise<Uint8Array | undefined> {
  return inUse(files, async ({ parts }) => {
    const answers: Uint8Array[] = []
    for (const part of parts) {
      const decided = await decidePart(part, table, predicate, (rows) => zonesOf(rows, table, columnsOf(predicate)))
      if (!decided) return undefined
      const { live } = decided
      answers.push(live ? decided.answers.filter((_, index) => live[index] !== 0) : decided.answers)
    }
    return new Uint8Array(Buffer.concat(answers)).map((answer) => answer & mayBeTrue)
  })
}

/** What is decided of the files of a part, in their order. */
interface Decided {
  /** Those for which the predicate may be true are among them; all are, where the part has few. */
  readonly places: Float64Array
  readonly answers: Uint8Array
  /** 0 where the version lacks the file. */
  readonly live: Uint8Array | undefined
}

/** What the log decides of the files of a part; `undefined` where it decides nothing. */
export async function decidePart(
  part: ListPart,
  table: ZoneTable,
  predicate: Predicate,
  zonesOfRows: (rows: FileRows) => Promise<Zones | undefined> = (rows) => zonesFor(rows, table, predicate),
): Promise<Decided | undefined> {
  if (choosesNothing(predicate)) return undefined
  const known = await zonesOfRows(part.rows)
  if (!known) return undefined
  const { places, zones } = known
  return { places, answers: decide(predicate, zones, places.length), live: await part.live(places) }
}

function placesWhere({ places, answers, live }: Decided, wanted: number): number[] {
  const chosen: number[] = []
  eachAnswer(answers, wanted, (i) => {
    if (live?.[i] !== 0) chosen.push(places[i]!)
  })
  return chosen
}

/** Whether a predicate over constants alone is true for no row. */
function isNeverTrue(predicate: Predicate): boolean {
  return columnsOf(predicate).length === 0 && (decide(predicate, new Map(), 1)[0]! & mayBeTrue) === 0
}
