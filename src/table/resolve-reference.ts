/** From a reference, as people write it, to a version of a table that can be read: a folder or URL with a point of its history, or a pin. */
import { basename, dirname, join, resolve } from 'node:path'
import { type Pin, readPin } from '../dataset/pins/pin-file.ts'
import { isPinFile, isPinPath } from '../dataset/pins/pin-place.ts'
import { notPulled } from '../dataset/pins/pinned-state.ts'
import { TableNotFoundError, UsageError } from '../errors/index.ts'
import type { AsOf } from '../query/as-of.ts'
import { parseReference } from '../query/reference.ts'
import type { Snapshot } from './snapshot.ts'
import { Table } from './table.ts'

/** Options of {@link resolveReference}. */
export interface ResolveOptions {
  /** A point in the history, for a reference that names none. */
  readonly asOf?: AsOf | undefined
  /** Folders outside the table's own from which data files may be read that its log names by absolute path. Default: none. */
  readonly allowPaths?: readonly string[] | undefined
  /** The version of a pin is not compared with it, for who does so otherwise. Default `false`. */
  readonly unchecked?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a reference names. */
export interface ResolvedReference {
  readonly table: Table
  readonly snapshot: Snapshot
  /** The reference names no point of the history, and so the newest version. */
  readonly isLatest: boolean
  /** The folder or URL of the table. */
  readonly path: string
  /** What the table is called in SQL: the last part of its path. */
  readonly name: string
  /** The pin, where the reference is one. */
  readonly pin: Pin | undefined
}

/**
 * Opens what a reference names: `events`, `events@3`, `data/events@v2.0`, or a pin such as `events.varve`, whose version is compared with its
 * fingerprints first.
 * @throws UsageError INVALID_REFERENCE, INVALID_TIMESTAMP, INVALID_ARGUMENT where two points are given; PinError PIN_NOT_FOUND, PIN_INVALID,
 * PIN_CONFLICTED, PIN_FORMAT_UNKNOWN, PIN_NOT_PULLED; PinDiffersError; and what `Table.open` and `table.asOf` throw
 */
export async function resolveReference(reference: string, options: ResolveOptions = {}): Promise<ResolvedReference> {
  const { asOf, allowPaths, signal } = options
  const asked = signal ? { signal } : {}
  const { path, point, isPin } = partsOf(reference)
  const given = [asOf, point, isPin || undefined].filter((one) => one !== undefined)
  if (given.length > 1) throw twice(reference)
  if (isPin) return resolvePin(path, options)
  const at = point ?? asOf
  const table = await Table.open(path, { ...asked, ...(allowPaths && { allowPaths }) })
  const snapshot = at === undefined ? await table.latest(asked) : await table.asOf(at, asked)
  return { table, snapshot, isLatest: at === undefined, path, name: lastPart(path), pin: undefined }
}

async function resolvePin(file: string, { allowPaths, unchecked = false, signal }: ResolveOptions): Promise<ResolvedReference> {
  const asked = signal ? { signal } : {}
  const pin = await readPin(file)
  const path = join(dirname(file), pin.table)
  const table = await Table.open(path, { ...asked, ...(allowPaths && { allowPaths }) }).catch((error: unknown) => {
    throw error instanceof TableNotFoundError ? notPulled(file, pin, `there is no table ${pin.table}.`, error) : error
  })
  const snapshot = await table.asPinned(pin, file, { ...asked, unchecked })
  return { table, snapshot, isLatest: false, path, name: lastPart(path), pin }
}

/** A file is a pin whatever its name is, also where that holds an `@`. */
function partsOf(reference: string): { path: string; point: AsOf | undefined; isPin: boolean } {
  if (isPinFile(reference)) return { path: reference, point: undefined, isPin: true }
  const { path, point } = parseReference(reference)
  return { path, point, isPin: isPinPath(path) }
}

function lastPart(path: string): string {
  const last = basename(path)
  return ['', '.', '..'].includes(last) ? basename(resolve(path)) : last
}

function twice(reference: string): UsageError {
  return new UsageError('INVALID_ARGUMENT', `More than one point in the history is given for ${reference}.`, {
    remedy: 'A pin names a version already, and so does what stands after an @: leave out all but one.',
    data: { reference },
  })
}
