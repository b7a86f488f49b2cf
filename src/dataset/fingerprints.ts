/**
 * The three fingerprints of a version (spec/fingerprint.md): those that are known, or all of them computed.
 *
 * What was computed is kept in a record `_varve/digests/<version>.json`, `{ version, id, files, rows }`, made once. It does not count where
 * the version is known to have another id, so a record that a table of before left in the folder is passed over.
 */

import { DataFileError, VersionNotFoundError } from '../errors/index.ts'
import type { DeltaLog, TableState } from '../log/index.ts'
import { type JsonRecord, readRecord, rememberRecord } from '../log/records.ts'
import type { Fingerprints } from '../refs/fingerprints.ts'
import type { ObjectStore } from '../storage/index.ts'
import { filesDigest } from './files-digest.ts'
import { allHashes } from './hashes.ts'
import { hasRowsDigest, type KnownRows, rowsDigest } from './rows-digest.ts'

const folder = '_varve/digests/'

/** Versions with a digest that are looked at, nearest first, to go on from. */
const candidates = 3

/** The fingerprints of a version that are known: its id, and what was computed before. @throws LogError RECORD_CORRUPT; storage errors */
export async function knownFingerprints(log: DeltaLog, version: number, signal?: AbortSignal): Promise<Fingerprints> {
  const [near, record] = await Promise.all([log.idOf(version, signal), readRecord(log.store, digestKey(version), signal)])
  return withRecord(near, record)
}

/**
 * All three. `rows` is null where a column holds variants, `id` where the commits it takes were cleaned up.
 * @throws DataFileError where a file is missing or damaged; LogError; QueryError OUT_OF_MEMORY; storage errors
 */
export async function computeFingerprints(log: DeltaLog, state: TableState, signal?: AbortSignal): Promise<Fingerprints> {
  const { store } = log
  const { version } = state
  const id = await log.computeId(version, signal)
  const record = await readRecord(store, digestKey(version), signal)
  const known = withRecord(id, record)
  const digestable = hasRowsDigest(state, log)
  if (known.files !== null && (known.rows !== null || !digestable)) return known
  const live = await (await log.files(state)).liveFiles(undefined, signal)
  const files = filesDigest(state, live, await allHashes(store, live, version, signal))
  const rows = digestable ? await rowsFromNearest(log, state, signal) : null
  const found: Fingerprints = { id, files, rows }
  if (record === undefined) await rememberRecord(store, digestKey(version), { version, ...found }, signal)
  return found
}

/** The rows' digest computed from the files alone, whatever any record says. @throws what {@link computeFingerprints} throws */
export async function freshRowsDigest(log: DeltaLog, state: TableState, signal?: AbortSignal): Promise<string | null> {
  return hasRowsDigest(state, log) ? rowsDigest(log, state, undefined, signal) : null
}

function withRecord(id: string | null, record: JsonRecord | undefined): Fingerprints {
  const recorded = hexOf(record?.id)
  if (record === undefined || recorded !== (id ?? recorded)) return { id, files: null, rows: null }
  return { id: recorded, files: hexOf(record.files), rows: hexOf(record.rows) }
}

function hexOf(value: unknown): string | null {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : null
}

async function rowsFromNearest(log: DeltaLog, state: TableState, signal: AbortSignal | undefined): Promise<string> {
  const from = await nearest(log, state, signal)
  if (from === undefined) return rowsDigest(log, state, undefined, signal)
  try {
    return await rowsDigest(log, state, from, signal)
  } catch (error) {
    // What only the other version names, a vacuum may have taken.
    if (error instanceof DataFileError && error.code === 'DATA_FILE_MISSING') return rowsDigest(log, state, undefined, signal)
    throw error
  }
}

/** The nearest version of the same columns whose digest is known. */
async function nearest(log: DeltaLog, state: TableState, signal: AbortSignal | undefined): Promise<KnownRows | undefined> {
  const versions = await digested(log.store, signal)
  const byDistance = versions
    .filter((version) => version !== state.version)
    .sort((a, b) => Math.abs(a - state.version) - Math.abs(b - state.version))
  for (const version of byDistance.slice(0, candidates)) {
    const { rows, id } = await knownFingerprints(log, version, signal)
    const there = rows === null || id === null ? undefined : await stateIfThere(log, version, signal)
    if (rows !== null && there !== undefined && sameColumns(there, state)) return { state: there, digest: rows }
  }
  return undefined
}

async function digested(store: ObjectStore, signal: AbortSignal | undefined): Promise<number[]> {
  const versions: number[] = []
  for await (const { key } of store.list(folder, { signal })) {
    const [, digits] = /^(\d{1,15})\.json$/.exec(key.slice(folder.length)) ?? []
    if (digits !== undefined) versions.push(Number(digits))
  }
  return versions
}

async function stateIfThere(log: DeltaLog, version: number, signal: AbortSignal | undefined): Promise<TableState | undefined> {
  try {
    return await log.stateAt(version, signal)
  } catch (error) {
    if (error instanceof VersionNotFoundError) return undefined
    throw error
  }
}

/** Columns that are read alike: what lies in a file under a name, and where partition values stand. */
function sameColumns({ metadata: one }: TableState, { metadata: other }: TableState): boolean {
  const mapping = 'delta.columnMapping.mode'
  return (
    one.schemaString === other.schemaString &&
    one.partitionColumns.join('\n') === other.partitionColumns.join('\n') &&
    one.configuration[mapping] === other.configuration[mapping]
  )
}

/** The key of the record of a version. */
export function digestKey(version: number): string {
  return `${folder}${version}.json`
}
