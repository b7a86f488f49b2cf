/** The versions that a run reads: of the table that the run is recorded in, and of others, where a hold keeps them for it. */
import { ObjectNotFoundError, RootNotFoundError, UsageError } from '../../errors/index.ts'
import { DeltaLog, noTable, type TableState } from '../../log/index.ts'
import { type AsOf, stateAsOf } from '../../query/as-of.ts'
import { nameOfStore } from '../../query/index.ts'
import { parseReference } from '../../query/reference.ts'
import { holdVersion, isOpen, releaseHold } from '../../refs/hold-records.ts'
import { tagsByVersion } from '../../refs/tags.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { computeFingerprints } from '../fingerprints.ts'
import { readPin } from '../pins/pin-file.ts'
import { isPinFile, isPinPath, tableOfPin } from '../pins/pin-place.ts'
import { pinnedState } from '../pins/pinned-state.ts'
import { tableStore } from '../table-store.ts'
import type { RunData } from './run.ts'

/**
 * A version that a run reads: a point in the history of the table that the run is recorded in, a reference to any table such as
 * `labels@v2`, a pin such as `events.varve`, or a snapshot.
 */
export type RunInput = AsOf | string | { readonly location: string; readonly version: number }

/** A version, opened. */
export interface OpenedData {
  readonly log: DeltaLog
  readonly state: TableState
  readonly own: boolean
  /** The tag that it was asked for by. */
  readonly tag: string | null
}

/**
 * Opens what a run reads; the newest version of the table where nothing is named.
 * @throws UsageError INVALID_ARGUMENT where the first is no version of the table; what opening and finding a version throw
 */
export async function openData(log: DeltaLog, inputs: readonly RunInput[] | undefined, signal?: AbortSignal): Promise<OpenedData[]> {
  if (inputs === undefined || inputs.length === 0) return [{ log, state: await log.update(signal), own: true, tag: null }]
  const opened: OpenedData[] = []
  for (const input of inputs) opened.push(await open(log, input, signal))
  if (opened[0]!.own) return opened
  throw new UsageError('INVALID_ARGUMENT', `The first data of a run is of the table that it is recorded in, ${log.store.root}.`, {
    remedy: `Record the run in ${opened[0]!.log.store.root}, or name a version of this table first.`,
    data: { root: log.store.root, first: opened[0]!.log.store.root },
  })
}

/** What is recorded of a version, its fingerprints computed where they are not known. @throws what computing them throws */
export async function describeData({ log, state, own, tag }: OpenedData, signal?: AbortSignal): Promise<RunData> {
  const { store } = log
  const { version } = state
  const fingerprints = await computeFingerprints(log, state, signal)
  const named = tag ?? (await tagsByVersion(store, signal)).get(version)?.[0] ?? null
  const reference = `${nameOfStore(store)}@${named ?? version}`
  return { reference, own, location: store.root, version, tag: named, rows: state.counts?.rows ?? null, fingerprints, hold: null }
}

/** Leaves holds for a run in the other tables that it reads, and says which. @throws UnknownOutcomeError; storage errors */
export async function holdElsewhere(
  id: string,
  root: string,
  opened: readonly OpenedData[],
  data: readonly RunData[],
  signal?: AbortSignal,
): Promise<RunData[]> {
  const held: RunData[] = []
  for (const [at, { log, state, own }] of opened.entries()) {
    const hold = own ? null : await holdVersion(log.store, state.version, `run ${id} of ${root}`, signal)
    held.push({ ...data[at]!, hold })
  }
  return held
}

/** Takes them away again, where they are. A table that is not there any more holds nothing. @throws storage errors */
export async function releaseElsewhere(data: readonly RunData[], signal?: AbortSignal): Promise<void> {
  for (const { own, location, hold } of data) {
    if (own || hold === null || !location.startsWith('file:')) continue
    const store = tableStore(location)
    // Only where our own hold lies: the record may have come from elsewhere, with places that mean nothing here.
    if (await isHoldThere(store, hold, signal)) await releaseHold(store, hold)
  }
}

async function isHoldThere(store: ObjectStore, hold: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    return await isOpen(store, hold, signal)
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof RootNotFoundError) return false
    throw error
  }
}

async function open(own: DeltaLog, input: RunInput, signal: AbortSignal | undefined): Promise<OpenedData> {
  if (typeof input === 'string' && isPin(input)) return openPin(own, input, signal)
  const { path, point } = placeOf(input)
  const log = path === undefined ? own : await logAt(own, path, signal)
  const state = point === undefined ? await log.update(signal) : await stateAsOf(log, point, signal)
  const tag = typeof point === 'object' && 'tag' in point ? point.tag : null
  return { log, state, own: log === own, tag }
}

async function openPin(own: DeltaLog, file: string, signal: AbortSignal | undefined): Promise<OpenedData> {
  const pin = await readPin(file)
  const log = await logAt(own, tableOfPin(file, pin), signal)
  return { log, state: await pinnedState(log, pin, file, { signal }), own: log === own, tag: pin.tag }
}

/** A file is a pin whatever its name is. */
function isPin(reference: string): boolean {
  return isPinFile(reference) || isPinPath(parseReference(reference).path)
}

function placeOf(input: RunInput): { readonly path?: string; readonly point?: AsOf } {
  if (typeof input === 'string') return parseReference(input)
  if (typeof input === 'object' && input !== null && 'location' in input) return { path: input.location, point: input.version }
  return { point: input }
}

async function logAt(own: DeltaLog, path: string, signal: AbortSignal | undefined): Promise<DeltaLog> {
  if (path === own.store.root) return own
  const store = tableStore(path)
  if (store.root === own.store.root) return own
  const log = await DeltaLog.open(store, signal)
  if (log) return log
  throw noTable(store)
}
