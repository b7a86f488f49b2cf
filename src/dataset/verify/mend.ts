/**
 * Mending: a damaged or missing file of a version is put right from a remote.
 *
 *   fetch into a place of its own ─ length and SHA-256 as recorded ─ under its name, at once ─ looked at again
 *
 * What is fetched takes the place of what is there only when it was proven to be what was written, and in one step, so a reader has the one or
 * the other; a damaged file that has been replaced so holds nothing that anyone could want, and is not kept. Of a file whose hash nobody recorded
 * nothing is proven by its bytes; it is taken from a remote whose history up to the version is the very same. Vectors prove themselves: each
 * has a checksum.
 */
import { copyFile, constants as fsConstants } from 'node:fs/promises'
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { vectorId, vectorPath } from '../../data/vectors/descriptor.ts'
import { readVectorBytes } from '../../data/vectors/read-vector.ts'
import { AbortedError, DataFileError, VarveError } from '../../errors/index.ts'
import { DeltaLog, type LiveFile, type TableState } from '../../log/index.ts'
import { systemFailure } from '../../storage/failures.ts'
import { hashBytes, hashFile, type ObjectStore } from '../../storage/index.ts'
import { compareLogs } from '../remotes/compare-logs.ts'
import type { FoundRemote } from '../remotes/remotes.ts'
import { checkFiles, checkVectors, type FileCheck } from './check-files.ts'
import type { Finding } from './finding.ts'

/** A file that was put right. */
export interface Mended {
  readonly path: string
  readonly bytes: number
  /** Its SHA-256, compared with the one that was recorded; `null` where none was: then its length is right, and the remote's history the same. */
  readonly sha256: string | null
}

/** Mends what the findings of a check name, looks at it again, and leaves those findings that stay. */
export async function mendFiles(
  log: DeltaLog,
  state: TableState,
  live: readonly LiveFile[],
  check: FileCheck,
  remote: FoundRemote,
): Promise<Mended[]> {
  const { findings, signal } = check
  const mendable = findings.filter(({ file, problem }) => file !== undefined && !file.startsWith('/') && problem !== 'unreadable')
  if (mendable.length === 0) return []
  const mend = new Mend(log, state, check, remote.store)
  const mended: Mended[] = []
  const failed = new Map<string, string>()
  for (const file of new Set(mendable.map((finding) => finding.file!))) {
    if (signal?.aborted) throw new AbortedError('Mending', signal.reason)
    try {
      const data = live.find(({ path }) => path === file)
      mended.push(data ? await mend.dataFile(data) : await mend.vectors(file, live))
    } catch (error) {
      if (!(error instanceof VarveError) || error instanceof AbortedError) throw error
      failed.set(file, error.message)
    }
  }
  const done = new Set(mended.map(({ path }) => path))
  const left = findings.filter(({ file }) => file === undefined || !done.has(file))
  findings.length = 0
  findings.push(...left.map((finding) => withReason(finding, failed, remote.label)))
  await checkFiles(
    live.filter(({ path }) => done.has(path)),
    check,
  )
  await checkVectors(
    live.filter(({ add }) => done.has((add.deletionVector && vectorPath(add.deletionVector)) ?? '')),
    check,
  )
  return mended
}

class Mend {
  readonly #log: DeltaLog
  readonly #state: TableState
  readonly #check: FileCheck
  readonly #from: ObjectStore
  #sameHistory: Promise<boolean> | undefined

  constructor(log: DeltaLog, state: TableState, check: FileCheck, from: ObjectStore) {
    this.#log = log
    this.#state = state
    this.#check = check
    this.#from = from
  }

  async dataFile({ path, add }: LiveFile): Promise<Mended> {
    const sha256 = this.#check.known.files.get(path)
    if (sha256 === undefined && !(await this.#hasSameHistory())) {
      throw unfit(path, 'no hash of it was ever recorded, and the remote has another history')
    }
    return this.#put(path, add.size, sha256)
  }

  /** A file of vectors: those of the version in it must all be right. */
  async vectors(file: string, live: readonly LiveFile[]): Promise<Mended> {
    const { known, version, signal } = this.#check
    for (const { path, add } of live) {
      const vector = add.deletionVector
      if (!vector || vectorPath(vector) !== file) continue
      const found = hashBytes(await readVectorBytes(this.#from, vector, { path, version, signal }))
      const expected = known.vectors.get(vectorId(vector))
      if (expected !== undefined && expected !== found) throw unfit(file, 'the remote has another vector')
    }
    return this.#put(file, undefined, undefined)
  }

  async #put(path: string, size: number | undefined, sha256: string | undefined): Promise<Mended> {
    const { store, signal } = this.#check
    const pinned = await this.#from.materialise([path], { signal })
    const staging = await store.stage()
    const copy = join(staging.folder, uuid())
    try {
      const found = await copied(pinned.paths[0]!, copy).catch((error: unknown) => {
        throw systemFailure(error, 'write', path, store.root)
      })
      if (size !== undefined && found.size !== size) throw unfit(path, `the remote's has ${found.size} bytes, and the log says ${size}`)
      if (sha256 !== undefined && found.sha256 !== sha256)
        throw unfit(path, `the remote's has the SHA-256 ${found.sha256}, and ${sha256} was written`)
      await store.put(path, { path: copy, size: found.size }, { signal })
      return { path, bytes: found.size, sha256: sha256 ?? null }
    } finally {
      await staging.dispose()
      await pinned.release()
    }
  }

  #hasSameHistory(): Promise<boolean> {
    this.#sameHistory ??= (async () => {
      const { signal } = this.#check
      const { version } = this.#state
      const theirs = await DeltaLog.open(this.#from, signal)
      if (theirs === undefined || theirs.latest.version < version) return false
      const compared = await compareLogs(this.#log, theirs, version, signal)
      return 'common' in compared && compared.common === version
    })()
    return this.#sameHistory
  }
}

async function copied(from: string, to: string): Promise<{ size: number; sha256: string }> {
  await copyFile(from, to, fsConstants.COPYFILE_FICLONE)
  return hashFile(to)
}

/** What stays damaged says why the remote could not help. */
function withReason(finding: Finding, failed: ReadonlyMap<string, string>, label: string): Finding {
  const reason = finding.file === undefined ? undefined : failed.get(finding.file)
  return reason === undefined
    ? finding
    : { ...finding, remedy: `It could not be mended from ${label}: ${reason} Try another copy of the table.` }
}

function unfit(path: string, why: string): DataFileError {
  return new DataFileError('DATA_FILE_DIFFERS', `${path} was not taken, since ${why}.`, {
    remedy: 'Try another copy of the table.',
    data: { path },
  })
}
