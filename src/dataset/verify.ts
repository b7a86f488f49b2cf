/**
 * Whether a version is still what was written: every data file there, of its length and SHA-256; every deletion vector with its checksum; every
 * commit in the chain of ids; and with `deep` every row, by the digest that was kept when it was right.
 *
 * Nothing is believed but the log and what was recorded. A file whose hash nobody recorded is looked at for its length only, and counted as
 * not known, which is neither right nor damaged. What could not be looked at is told apart from what differs.
 */
import { vectorId } from '../data/vectors/descriptor.ts'
import { readVectorBytes } from '../data/vectors/read-vector.ts'
import { AbortedError, DataFileError, VarveError } from '../errors/index.ts'
import { chainId, commitInfoOf, commitKey, type DeltaLog, type LiveFile, readCommitIfThere, type TableState } from '../log/index.ts'
import type { Fingerprints } from '../refs/fingerprints.ts'
import { listTags } from '../refs/tags.ts'
import { hashBytes, hashFiles, materialisePlaces, type ObjectStore, type Place, placeOf } from '../storage/index.ts'
import { filesDigest } from './files-digest.ts'
import { freshRowsDigest, knownFingerprints } from './fingerprints.ts'
import { type Hashes, knownHashes } from './hashes.ts'

/** Options of {@link verifyVersion}. */
export interface VerifyOptions {
  /** Computes the digest of the rows from the files and compares it with the one that was recorded. Default `false`. */
  readonly deep?: boolean | undefined
  /** Fingerprints that the version must have beside those that the table recorded: of a pin, a run. `by` names what says so. Default: none. */
  readonly expected?: { readonly by: string; readonly fingerprints: Fingerprints } | undefined
  /** Called as files are done. */
  readonly onProgress?: ((done: { readonly files: number; readonly of: number }) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Something that is not as it was written, or that could not be looked at. */
export interface Finding {
  /** The file: a data file, a file of vectors, a commit; `rows` or `files` for a digest that differs as a whole. */
  readonly path: string
  /** `missing`, `size`, `hash`, `checksum` of a vector, `chain` of ids, `digest`; `unreadable`: it could not be looked at. */
  readonly problem: 'missing' | 'size' | 'hash' | 'checksum' | 'chain' | 'digest' | 'unreadable'
  /** What is wrong, in a sentence. */
  readonly message: string
  /** How it can be mended. */
  readonly remedy: string
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
  /** The digest of the rows: compared and `same` or `different`; `not known` where none was recorded, or none can be; `not asked`; `not computed` where files are damaged. */
  readonly rows: 'same' | 'different' | 'not known' | 'not asked' | 'not computed'
  /** The earliest version from which the chain of ids was checked. */
  readonly chainFrom: number
  /** What differs. */
  readonly damaged: readonly Finding[]
  /** What could not be looked at. */
  readonly unreadable: readonly Finding[]
}

/** Files looked up at a time, and files hashed in one go. */
const together = 64
const batch = 5000

const copies = 'Restore it from a copy of the table; or restore a version that does not have it (varve restore).'

/** Verifies a version. @throws LogError, storage errors where the log itself cannot be read; AbortedError */
export async function verifyVersion(log: DeltaLog, state: TableState, options: VerifyOptions = {}): Promise<VerifyResult> {
  const { store } = log
  const { version } = state
  const { signal, deep = false } = options
  const live = await (await log.files(state)).liveFiles(undefined, signal)
  const known = await knownHashes(store, live, signal)
  const findings: Finding[] = []
  await checkFiles(store, live, known, findings, options)
  const vectors = await checkVectors(store, live, known, version, findings, signal)
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
    vectors,
    notKnown: live.filter(({ path }) => !known.files.has(path)).length,
    rows,
    chainFrom: from,
    damaged,
    unreadable: findings.filter(({ problem }) => problem === 'unreadable'),
  }
}

async function checkFiles(
  store: ObjectStore,
  live: readonly LiveFile[],
  known: Hashes,
  findings: Finding[],
  { signal, onProgress }: VerifyOptions,
): Promise<void> {
  let done = 0
  const told = (count: number) => {
    done += count
    onProgress?.({ files: done, of: live.length })
  }
  for (let start = 0; start < live.length; start += batch) {
    const there: { readonly file: LiveFile; readonly place: Place; readonly sha256: string }[] = []
    for (let at = start; at < Math.min(start + batch, live.length); at += together) {
      const some = live.slice(at, Math.min(at + together, start + batch)).map(async (file) => {
        const place = await lookUp(store, file, findings, signal)
        const sha256 = known.files.get(file.path)
        if (place && sha256 !== undefined) there.push({ file, place, sha256 })
        else told(1)
      })
      await Promise.all(some)
    }
    await checkHashes(there, findings, () => told(1), signal)
  }
}

/** The place of a file that is there and of its length; else a finding. */
async function lookUp(
  store: ObjectStore,
  { path, add }: LiveFile,
  findings: Finding[],
  signal: AbortSignal | undefined,
): Promise<Place | undefined> {
  try {
    const place = placeOf(store, path)
    const meta = await place.store.head(place.key, { signal })
    if (meta?.size === add.size) return place
    if (meta === undefined) findings.push({ path, problem: 'missing', message: `The data file ${path} is missing.`, remedy: copies })
    else findings.push({ path, problem: 'size', message: `${path} has ${meta.size} bytes, and the log says ${add.size}.`, remedy: copies })
  } catch (error) {
    findings.push(unreadable(path, error, signal))
  }
  return undefined
}

async function checkHashes(
  files: readonly { readonly file: LiveFile; readonly place: Place; readonly sha256: string }[],
  findings: Finding[],
  done: () => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (files.length === 0) return
  const bytes = files.reduce((sum, { file }) => sum + file.add.size, 0)
  const pinned = await materialisePlaces(
    files.map(({ place }) => place),
    { signal },
  )
  try {
    for (const [at, hashed] of (await hashFiles(pinned.paths, bytes, { done, signal })).entries()) {
      const { file, sha256 } = files[at]!
      const { path } = file
      if ('error' in hashed) findings.push(unreadable(path, hashed.error, signal))
      else if (hashed.sha256 !== sha256) {
        const message = `${path} is not the file that was written: its SHA-256 is ${hashed.sha256}, and was ${sha256}.`
        findings.push({ path, problem: 'hash', message, remedy: copies })
      }
    }
  } finally {
    await pinned.release()
  }
}

/** @returns How many vectors the version has. */
async function checkVectors(
  store: ObjectStore,
  live: readonly LiveFile[],
  known: Hashes,
  version: number,
  findings: Finding[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const files = live.filter(({ add }) => add.deletionVector)
  const check = async ({ path, add }: LiveFile) => {
    const vector = add.deletionVector!
    try {
      const sha256 = hashBytes(await readVectorBytes(store, vector, { path, version, signal }))
      const expected = known.vectors.get(vectorId(vector))
      if (expected === undefined || expected === sha256) return
      const message = `The deletion vector of ${path} is not the one that was written: its SHA-256 is ${sha256}, and was ${expected}.`
      findings.push({ path, problem: 'hash', message, remedy: copies })
    } catch (error) {
      if (!(error instanceof DataFileError) || error.code === 'PATH_OUTSIDE_ROOT') findings.push(unreadable(path, error, signal))
      else {
        const problem = error.code === 'DATA_FILE_MISSING' ? 'missing' : 'checksum'
        findings.push({ path: String(error.data.vector ?? path), problem, message: error.message, remedy: error.remedy })
      }
    }
  }
  for (let at = 0; at < files.length; at += together) await Promise.all(files.slice(at, at + together).map(check))
  return files.length
}

/** Follows the ids from the earliest commit that is there: each commit of ours says the id of the one before it. */
async function checkChain(
  log: DeltaLog,
  version: number,
  findings: Finding[],
  signal: AbortSignal | undefined,
): Promise<{ from: number; id: string | null }> {
  let from = version
  let id: string | null = null
  let read = false
  for (let at = await log.earliest(signal); at <= version; at += 1) {
    const commit = await readCommitIfThere(log.store, at, signal)
    if (!commit) continue
    const ours = commitInfoOf(commit).varve
    if (!read) from = at
    read = true
    if (ours && ours.parent !== null && id !== null && ours.parent !== id) {
      const message = `The commits up to version ${at - 1} are not those that version ${at} was written after: their id is ${id}, and was ${ours.parent}.`
      findings.push({ path: commitKey(at - 1), problem: 'chain', message, remedy: 'Restore the commits before it from a copy of the log.' })
    }
    if (ours) id = chainId(ours.parent, commit.bytes)
    else id = at === 0 || id !== null ? chainId(id, commit.bytes) : null
  }
  return { from, id }
}

/** What was recorded of a version: by tags on it, and by whoever computed its fingerprints. */
async function recordedFingerprints(
  log: DeltaLog,
  version: number,
  signal: AbortSignal | undefined,
): Promise<{ by: string; fingerprints: Fingerprints }[]> {
  const tags = (await listTags(log.store, signal)).filter((tag) => tag.version === version)
  return [
    ...tags.map(({ name, fingerprints }) => ({ by: `the tag ${name}`, fingerprints })),
    { by: 'its record', fingerprints: { ...(await knownFingerprints(log, version, signal)), id: null } },
  ]
}

async function checkRows(
  log: DeltaLog,
  state: TableState,
  recorded: readonly { by: string; fingerprints: Fingerprints }[],
  findings: Finding[],
  signal: AbortSignal | undefined,
): Promise<VerifyResult['rows']> {
  const rows = await freshRowsDigest(log, state, signal)
  const known = recorded.filter(({ fingerprints }) => fingerprints.rows !== null)
  if (rows === null || known.length === 0) return 'not known'
  const different = known.filter(({ fingerprints }) => fingerprints.rows !== rows)
  for (const { by, fingerprints } of different) findings.push(digestFinding('rows', by, fingerprints.rows!, rows))
  return different.length > 0 ? 'different' : 'same'
}

function digestFinding(path: 'id' | 'files' | 'rows', by: string, expected: string, found: string): Finding {
  return {
    path,
    problem: 'digest',
    message: `The fingerprint ${path} is ${found}, and ${by} says ${expected}.`,
    remedy: 'Compare the table with a copy: its log, or what was recorded of it, was changed.',
  }
}

function unreadable(path: string, error: unknown, signal: AbortSignal | undefined): Finding {
  if (signal?.aborted) throw new AbortedError('Verifying', signal.reason)
  const message = `${path} could not be looked at: ${error instanceof Error ? error.message : String(error)}`
  return {
    path,
    problem: 'unreadable',
    message,
    remedy: error instanceof VarveError ? error.remedy : 'Look at the disk and its permissions, and run it again.',
  }
}
