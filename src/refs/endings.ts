/**
 * How versions are said to be let go (`log/endings.ts` has the records and reads them).
 *
 * Whoever ends versions says so here first, looks then what holds them, and deletes last. Whoever comes to hold one makes its record first and asks
 * the log then whether it still has the version. So of the two at least one sees the other: a version that is held is whole. An ending that is not
 * `done` is at work, or was interrupted; it is taken back where something turns out to hold one of its versions.
 */
import { v4 as uuid } from 'uuid'
import { ConflictError } from '../errors/index.ts'
import {
  countSpans,
  type Ending,
  endingsFolder,
  joinSpans,
  newestEndings,
  readEndings,
  type VersionSpan,
  withoutSpans,
} from '../log/index.ts'
import { putRecord } from '../log/records.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** How often a record is tried to be made while others make theirs. */
const tries = 64

/**
 * Says that versions are let go, before anything of them is. @returns the id of the ending
 * @throws ConflictError ENDINGS_CHANGED; UnknownOutcomeError RECORD_UNKNOWN; storage errors
 */
export async function beginEnding(
  store: ObjectStore,
  { by, spans, archive }: Pick<Ending, 'by' | 'spans' | 'archive'>,
  signal?: AbortSignal,
): Promise<string> {
  const id = uuid()
  await change(store, (endings) => [...endings, { id, by, spans: joinSpans(spans), archive, time: new Date(), done: false }], signal)
  return id
}

/** Takes an ending back: nothing of its versions has gone. @throws what {@link beginEnding} throws */
export async function withdrawEnding(store: ObjectStore, id: string): Promise<void> {
  await change(store, (endings) => endings.filter((ending) => ending.id !== id || ending.done))
}

/** Says that all of an ending is gone. It joins the one before it of the same kind. @throws what {@link beginEnding} throws */
export async function finishEnding(store: ObjectStore, id: string): Promise<void> {
  await change(store, (endings) => {
    const own = endings.find((ending) => ending.id === id)
    if (own === undefined) return endings
    const isAlike = ({ by, archive }: Ending) => by === own.by && archive === own.archive
    const isSame = (ending: Ending) => ending.done && isAlike(ending)
    // What others were interrupted at is done with it, where all their versions are among its own.
    const isCovered = (ending: Ending) => !ending.done && isAlike(ending) && withoutSpans(ending.spans, own.spans).length === 0
    const spans = joinSpans([own, ...endings.filter(isSame)].flatMap((ending) => ending.spans))
    return [...endings.filter((ending) => ending !== own && !isSame(ending) && !isCovered(ending)), { ...own, spans, done: true }]
  })
}

/**
 * Says that versions are whole again, whose files came back from a copy of the table. What was erased stays so.
 * @throws what {@link beginEnding} throws
 */
export async function reviveVersions(store: ObjectStore, spans: readonly VersionSpan[], signal?: AbortSignal): Promise<void> {
  const revived = (endings: readonly Ending[]) =>
    endings.flatMap((ending) => {
      const left = ending.by === 'erase' ? ending.spans : withoutSpans(ending.spans, spans)
      return left.length === 0 ? [] : [{ ...ending, spans: left }]
    })
  const endings = await readEndings(store, signal)
  const [before, after] = [endings, revived(endings)].map((list) => countSpans(list.flatMap((ending) => ending.spans)))
  if (before !== after) await change(store, revived, signal)
}

/** Says which versions an archive does not have, since they stayed in the table at `home`. @throws what {@link beginEnding} throws */
export async function putAbsent(store: ObjectStore, spans: readonly VersionSpan[], home: string, signal?: AbortSignal): Promise<void> {
  await change(
    store,
    (endings) => {
      const others = endings.filter(({ by }) => by !== 'archive')
      if (spans.length === 0) return others
      // What was erased stays so, whatever an archive has.
      return [{ id: uuid(), by: 'archive', spans, archive: home, time: new Date(), done: true }, ...others]
    },
    signal,
  )
}

/** Of two who change the endings at once, the later one begins anew with those of the first. */
async function change(store: ObjectStore, next: (endings: readonly Ending[]) => readonly Ending[], signal?: AbortSignal): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const { number, endings } = await newestEndings(store, signal)
    if (await putRecord(store, `${endingsFolder}${number + 1}.json`, { endings: next(endings) }, signal)) return
  }
  throw new ConflictError('ENDINGS_CHANGED', `Others keep ending versions of ${store.root}; nothing was deleted.`, {
    remedy: 'Run it again.',
    data: { root: store.root },
  })
}
