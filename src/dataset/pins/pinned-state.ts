/** The version of a pin in a table that lies here: the very one that was pinned, or an error that says why it is not. */
import { PinDiffersError, PinError, VersionNotFoundError } from '../../errors/index.ts'
import { shellWord } from '../../errors/shell-word.ts'
import type { DeltaLog, TableState } from '../../log/index.ts'
import { computeFingerprints } from '../fingerprints.ts'
import type { Pin } from './pin-file.ts'

/** Options of {@link pinnedState}. */
export interface PinnedOptions {
  /** The version is not compared. Default `false`. */
  readonly unchecked?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The state of a pin's version. Its id is compared first, so a table with another history under the same number is never taken for it.
 * `from` is the pin's file, for messages. @throws PinError PIN_NOT_PULLED; PinDiffersError; LogError; storage errors
 */
export async function pinnedState(log: DeltaLog, pin: Pin, from: string, options: PinnedOptions = {}): Promise<TableState> {
  const { unchecked = false, signal } = options
  const state = await stateIfThere(log, pin.version, signal)
  if (state === undefined) {
    throw notPulled(from, pin, await whyNotThere(log, pin, signal))
  }
  const difference = unchecked ? undefined : await differenceFrom(log, state, pin, signal)
  if (difference === undefined) return state
  throw new PinDiffersError(
    'PIN_DIFFERS',
    `Version ${pin.version} of ${pin.table} is not the one that ${from} pins: ${difference.message}.`,
    {
      remedy: `The table has another history than the one that was pinned: move it away and get that one (varve pull ${shellWord(from)}), or pin what is here (varve pin).`,
      data: {
        file: from,
        table: log.store.root,
        version: pin.version,
        fingerprint: difference.kind,
        pinned: difference.pinned,
        found: difference.found,
      },
    },
  )
}

/** The error for a pin whose table or version is not here; `why` ends its sentence. */
export function notPulled(from: string, pin: Pin, why: string, cause?: unknown): PinError {
  return new PinError('PIN_NOT_PULLED', `What ${from} pins is not here: ${why}`, {
    remedy: `Get it: varve pull ${shellWord(from)}${pin.remote === null ? ' --from REMOTE' : ''}.`,
    data: { file: from, table: pin.table, version: pin.version },
    cause,
  })
}

/** Why a table does not have a pin's version, as a sentence: it never had it, or let it go. */
export async function whyNotThere(log: DeltaLog, { version, table }: Pin, signal?: AbortSignal): Promise<string> {
  const { code, message } = await log.versionNotFound(version, signal)
  return code === 'VERSION_ENDED' ? message : `Version ${version} is not in ${table}, whose newest is ${log.latest.version}.`
}

/** How a version differs from a pin; `undefined` where it is what was pinned. */
export interface PinDifference {
  readonly kind: 'id' | 'files'
  readonly pinned: string
  readonly found: string | null
  /** In words, as the end of a sentence. */
  readonly message: string
}

/**
 * Compares a version with a pin, by its history; where that cannot be known any more, since commits were cleaned up, by its files.
 * @throws LogError; storage errors; what computing fingerprints throws
 */
export async function differenceFrom(log: DeltaLog, state: TableState, pin: Pin, signal?: AbortSignal): Promise<PinDifference | undefined> {
  const id = pin.fingerprints.id === null ? null : await log.computeId(state.version, signal)
  const [kind, pinned, found] =
    id !== null || pin.fingerprints.files === null
      ? (['id', pin.fingerprints.id!, id] as const)
      : (['files', pin.fingerprints.files, (await computeFingerprints(log, state, signal)).files] as const)
  return pinned === found
    ? undefined
    : { kind, pinned, found, message: `its ${kind} is ${found ?? 'not known'}, and the pin says ${pinned}` }
}

/** The state of a version, where the table has it, and it was not let go. @throws LogError; storage errors */
export async function stateIfThere(log: DeltaLog, version: number, signal?: AbortSignal): Promise<TableState | undefined> {
  try {
    await log.checkNotEnded(version, signal)
    return await log.stateAt(version, signal)
  } catch (error) {
    if (error instanceof VersionNotFoundError) return undefined
    throw error
  }
}
