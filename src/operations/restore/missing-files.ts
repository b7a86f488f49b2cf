/** Whether the files that a restore needs are there yet: vacuum may have taken them. Asked before anything is written. */
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { DataFileError } from '../../errors/index.ts'
import { type DeltaLog, type LiveFile, readableRange, type TableState, type VersionSpan } from '../../log/index.ts'
import { type ObjectStore, placeOf } from '../../storage/index.ts'

/** Files asked for at a time. */
const together = 64

/** So many missing files are named. */
const mostNamed = 20

/** So many versions, the newest, are looked at for whole ones. */
const mostVersions = 200

/** Makes sure that data files and files of vectors are there. @throws DataFileError DATA_FILE_MISSING, PATH_OUTSIDE_ROOT */
export async function checkNothingMissing(
  log: DeltaLog,
  { version }: TableState,
  files: readonly LiveFile[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const there = new Presence(log.store, signal)
  const missing = await there.missing(namesOf(files))
  if (missing.length === 0) return
  const whole = await wholeVersions(log, there, signal)
  const named = `${missing.slice(0, mostNamed).join(', ')}${missing.length > mostNamed ? ', ...' : ''}`
  throw new DataFileError(
    'DATA_FILE_MISSING',
    `Version ${version} of ${log.store.root} cannot be restored: ${missing.length} of its files ${missing.length === 1 ? 'is' : 'are'} gone (${named}). Nothing was written.`,
    {
      remedy:
        whole.length > 0
          ? `Restore a version that is whole: ${whole.map(({ from, to }) => (from === to ? from : `${from} to ${to}`)).join(', ')}; or put the files back from a copy.`
          : 'Put the files back from a copy.',
      data: { root: log.store.root, version, missing: missing.slice(0, mostNamed), whole: whole.flatMap(({ from, to }) => [from, to]) },
    },
  )
}

/** What is known to be there and what is not. */
class Presence {
  readonly #store: ObjectStore
  readonly #signal: AbortSignal | undefined
  readonly #known = new Map<string, boolean>()

  constructor(store: ObjectStore, signal: AbortSignal | undefined) {
    this.#store = store
    this.#signal = signal
  }

  /** Those names that are not there. */
  async missing(names: Iterable<string>): Promise<string[]> {
    const asked = [...names]
    const unknown = asked.filter((name) => !this.#known.has(name))
    for (let i = 0; i < unknown.length; i += together) {
      await Promise.all(
        unknown.slice(i, i + together).map(async (name) => {
          const { store, key } = placeOf(this.#store, name)
          this.#known.set(name, (await store.head(key, { signal: this.#signal })) !== undefined)
        }),
      )
    }
    return asked.filter((name) => !this.#known.get(name))
  }
}

/** The readable versions all of whose files are there, from the newest on. */
async function wholeVersions(log: DeltaLog, there: Presence, signal: AbortSignal | undefined): Promise<VersionSpan[]> {
  const range = await readableRange(log.store, signal)
  if (range === undefined) return []
  const spans: VersionSpan[] = []
  for (let version = Math.max(range.earliest, range.latest - mostVersions + 1); version <= range.latest; version += 1) {
    const files = await (await log.files(await log.stateAt(version, signal))).liveFiles(undefined, signal)
    if ((await there.missing(namesOf(files))).length > 0) continue
    const last = spans.at(-1)
    if (last?.to === version - 1) spans[spans.length - 1] = { from: last.from, to: version }
    else spans.push({ from: version, to: version })
  }
  return spans
}

/** The names of data files and of the files of their vectors, each once. */
function namesOf(files: readonly LiveFile[]): Set<string> {
  const vectors = files.flatMap(({ add: { deletionVector } }) => (deletionVector ? (vectorPath(deletionVector) ?? []) : []))
  return new Set([...files.map(({ path }) => path), ...vectors])
}
