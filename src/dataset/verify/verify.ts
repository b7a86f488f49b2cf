/**
 * Whether a version is still what was written: every data file there, of its length and SHA-256; every deletion vector with its checksum; every
 * commit in the chain of ids; and with `deep` every row, by the digest that was kept when it was right.
 *
 *   (commits mended from a remote) ─ files, vectors ─ (mended, and checked again) ─ the chain of ids ─ recorded digests ─ rows
 *
 * Nothing is believed but the log and what was recorded. A file whose hash nobody recorded is looked at for its length only, and counted as
 * not known, which is neither right nor damaged. What could not be looked at is told apart from what differs.
 */
import { DeltaLog, type TableState } from '../../log/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { filesDigest } from '../files-digest.ts'
import { knownHashes } from '../hashes.ts'
import { findRemote } from '../remotes/remotes.ts'
import { checkFiles, checkVectors, type FileCheck } from './check-files.ts'
import { checkChain, checkRows, digestFinding, type Recorded, type RowsVerdict, recordedFingerprints } from './check-history.ts'
import type { Finding } from './finding.ts'
import { type Mended, mendFiles } from './mend.ts'
import { mendLog } from './mend-log.ts'
import { VerifiedFiles } from './verified-files.ts'

/** Options of a verification. */
export interface VerifyOptions {
  /** Computes the digest of the rows from the files and compares it with the one that was recorded. Default `false`. */
  readonly deep?: boolean | undefined
  /** Fingerprints that the version must have beside those that the table recorded: of a pin, a run. `by` names what says so. Default: none. */
  readonly expected?: Recorded | undefined
  /**
   * Does not hash again what a verification on this machine found right, and of which the disk says that nobody touched it since; but some of it
   * all the same. For a look before each of many uses. Default `false`.
   */
  readonly quick?: boolean | undefined
  /**
   * Fetches each damaged or missing file of rows or vectors, and each commit that a later one proves, from a remote (a recorded name, a folder, a URL
   * or a store) and puts it in the place of the other, once it was found to be what was written. Where commits were mended, open the table again.
   * Default: nothing is changed.
   */
  readonly repairFrom?: string | ObjectStore | undefined
  /** Called as files are done. */
  readonly onProgress?: ((done: { readonly files: number; readonly of: number }) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What was found out about a version. */
export interface VerifyResult {
  readonly version: number
  /** Nothing differs, and everything could be looked at. */
  readonly ok: boolean
  readonly files: number
  readonly bytes: number
  readonly vectors: number
  /** Files of which no hash was ever recorded: their length was checked. */
  readonly notKnown: number
  /** Files that were not hashed again (`quick`). */
  readonly believed: number
  /** Files, and commits, that were fetched from the remote (`repairFrom`). */
  readonly mended: readonly Mended[]
  /** The digest of the rows: compared and `same` or `different`; `not known` where none was recorded, or none can be; `not asked`; `not computed` where files are damaged. */
  readonly rows: RowsVerdict
  /** The earliest version from which the chain of ids was checked. */
  readonly chainFrom: number
  /** What differs. */
  readonly damaged: readonly Finding[]
  /** What could not be looked at. */
  readonly unreadable: readonly Finding[]
}

/**
 * Verifies a version. @throws LogError, storage errors where the log itself cannot be read; what finding the remote throws; StoreDeniedError where
 * a file may not be put right; AbortedError
 */
export async function verifyVersion(log: DeltaLog, state: TableState, options: VerifyOptions = {}): Promise<VerifyResult> {
  const { store } = log
  const { version } = state
  const { signal, deep = false, quick = false } = options
  const remote = options.repairFrom === undefined ? undefined : await findRemote(store, options.repairFrom, signal)
  const commits = remote === undefined ? [] : await mendLog(log, version, remote.store, signal)
  if (commits.length > 0) {
    // What was read of the log before may be wrong.
    const again = (await DeltaLog.open(store, signal))!
    const result = await verifyVersion(again, await again.stateAt(version, signal), options)
    return { ...result, mended: [...commits, ...result.mended] }
  }
  const live = await (await log.files(state)).liveFiles(undefined, signal)
  const known = await knownHashes(store, live, signal)
  const verified = quick ? await VerifiedFiles.open(store) : undefined
  const findings: Finding[] = []
  let done = 0
  const told = (count: number) => {
    done += count
    options.onProgress?.({ files: done, of: live.length })
  }
  const check: FileCheck = { store, known, version, findings, verified, told, signal }
  await checkFiles(live, check)
  if (verified !== undefined && findings.some(({ problem }) => problem === 'hash')) {
    // One of those that were believed, or touched: nothing is believed then.
    verified.forget()
    findings.length = 0
    done = 0
    await checkFiles(live, check)
  }
  await checkVectors(live, check)
  const mended = remote === undefined ? [] : await mendFiles(log, state, live, { ...check, told: undefined, verified: undefined }, remote)
  await verified?.save()
  const { from, id } = await checkChain(log, version, findings, signal)
  const recorded = [...(options.expected ? [options.expected] : []), ...(await recordedFingerprints(log, version, signal))]
  const whole = findings.every(({ problem }) => problem === 'chain')
  for (const { by, fingerprints } of recorded) {
    if (id !== null && fingerprints.id !== null && fingerprints.id !== id) findings.push(digestFinding('id', by, fingerprints.id, id))
    const files = whole && fingerprints.files !== null ? filesDigest(state, live, known) : null
    if (files !== null && files !== fingerprints.files) findings.push(digestFinding('files', by, fingerprints.files!, files))
  }
  const rows = !deep ? 'not asked' : whole ? await checkRows(log, state, recorded, findings, signal) : 'not computed'
  const damaged = findings.filter(({ problem }) => problem !== 'unreadable')
  return {
    version,
    ok: findings.length === 0,
    files: live.length,
    bytes: live.reduce((sum, { add }) => sum + add.size, 0),
    vectors: live.filter(({ add }) => add.deletionVector).length,
    notKnown: live.filter(({ path }) => !known.files.has(path)).length,
    believed: verified?.believed ?? 0,
    mended,
    rows,
    chainFrom: from,
    damaged,
    unreadable: findings.filter(({ problem }) => problem === 'unreadable'),
  }
}
