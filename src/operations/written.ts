/** Data files on their way into the log, and what a writing verb gives back. */
import type { DataFile } from '../data/index.ts'
import { ConflictError, UsageError } from '../errors/index.ts'
import { type Action, encodePath } from '../log/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Conflict, TransactionId } from '../transaction/index.ts'
import type { AccountOptions } from './provenance.ts'

/** What every writing verb gives back. */
export interface CommitResult {
  /** The version that holds the change; where nothing changed, the newest one. */
  readonly version: number
  /** The operation as history names it. */
  readonly operation: string
  /** Whether the load with this transaction id had landed before, so that nothing was written now. */
  readonly alreadyApplied: boolean
  readonly metrics: Readonly<Record<string, number>>
  /** What went wrong beside the commit, and what a user should look at. */
  readonly warnings: readonly string[]
}

/** Options of every writing verb. */
export interface WritingOptions extends AccountOptions {
  /** The number of this load of an application: the load lands exactly once, however often and by whomever it is sent. */
  readonly txn?: { readonly appId: string; readonly version: number } | undefined
  /** Land a number below the application's latest, each number once. Default `false`: refused with TXN_OUT_OF_ORDER. */
  readonly txnAnyOrder?: boolean | undefined
  /** Take a number below the application's latest as applied. Default `false`. */
  readonly txnSkipOlder?: boolean | undefined
  /** Words on this version, kept as `userMetadata`. */
  readonly message?: string | undefined
  /** Where the rows came from, in words of your own. */
  readonly source?: string | undefined
  /** All writes are serializable; the option is there to say so. */
  readonly isolation?: 'serializable' | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The `add` actions of files just written. Each carries its hash, so that a version can be verified. `dataChange` is `false` where the rows were in
 * the table before. Default: `true`, and no further tags.
 */
export function addActions(files: readonly DataFile[], dataChange = true, tags: Readonly<Record<string, string>> = {}): Action[] {
  return files.map(({ path, partitionValues, size, modificationTime, stats, sha256 }) => ({
    add: { path: encodePath(path), partitionValues, size, modificationTime, dataChange, stats, tags: { 'varve.sha256': sha256, ...tags } },
  }))
}

/** The metrics of a write, under the names of Spark's history. */
export function writeMetrics(files: readonly DataFile[]): { numFiles: number; numOutputRows: number; numOutputBytes: number } {
  return {
    numFiles: files.length,
    numOutputRows: files.reduce((sum, file) => sum + file.numRecords, 0),
    numOutputBytes: files.reduce((sum, file) => sum + file.size, 0),
  }
}

/** The transaction id of a call, with its rule for numbers out of order. @throws UsageError INVALID_ARGUMENT */
export function transactionId(options: WritingOptions): TransactionId | undefined {
  if (!options.txn) return undefined
  const { appId, version } = options.txn
  if (typeof appId !== 'string' || appId === '' || !Number.isSafeInteger(version) || version < 0) {
    throw new UsageError('INVALID_ARGUMENT', `${String(appId)}:${String(version)} is no transaction id.`, {
      remedy: 'Pass a name as appId and an integer from 0 on as version.',
    })
  }
  return { ...options.txn, older: options.txnAnyOrder ? 'land' : options.txnSkipOlder ? 'skip' : 'refuse' }
}

/** Removes files that no version names and none will. What cannot be removed is left to vacuum. */
export async function discard(store: ObjectStore, files: readonly DataFile[]): Promise<void> {
  await store.delete(files.map((file) => file.path)).catch(() => undefined)
}

/** The error for a transaction that lost. */
export function conflictError(root: string, { code, version, what }: Conflict): ConflictError {
  const where = what === undefined ? '' : ` (${what})`
  return new ConflictError(
    code,
    `Version ${version} of ${root} ${inTheWay[code]}${where} while this write was prepared; nothing was written.`,
    {
      remedy: 'Run it again: it will be prepared for the new version.',
      data: { root, version, ...(what === undefined ? {} : { what }) },
    },
  )
}

const inTheWay: Readonly<Record<Conflict['code'], string>> = {
  METADATA_CHANGED: "changed the table's schema or properties",
  PROTOCOL_CHANGED: "changed the table's protocol",
  DOMAIN_CHANGED: 'changed a domain that this write changes',
  CONCURRENT_APPEND: 'added rows that this write may have to look at',
  CONCURRENT_DELETE_READ: 'deleted rows that this write looked at',
  CONCURRENT_DELETE_DELETE: 'deleted, updated or moved rows that this write changes',
}
