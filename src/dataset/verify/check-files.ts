/** Whether the data files and deletion vectors of a version are what was written. */
import { vectorId, vectorPath } from '../../data/vectors/descriptor.ts'
import { readVectorBytes } from '../../data/vectors/read-vector.ts'
import { DataFileError } from '../../errors/index.ts'
import type { LiveFile } from '../../log/index.ts'
import { hashBytes, hashFiles, materialisePlaces, type ObjectStore, type Place, placeOf } from '../../storage/index.ts'
import type { Hashes } from '../hashes.ts'
import { copies, type Finding, unreadable } from './finding.ts'
import type { VerifiedFiles } from './verified-files.ts'

/** What files are compared with, and where findings go. */
export interface FileCheck {
  readonly store: ObjectStore
  readonly known: Hashes
  /** For messages. */
  readonly version: number
  readonly findings: Finding[]
  /** Files that were found right before. Default: none are. */
  readonly verified?: VerifiedFiles | undefined
  /** Called with how many more are done. */
  readonly told?: ((count: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Files looked up at a time, and files hashed in one go. */
const together = 64
const batch = 5000

/** Checks lengths and hashes of data files. */
export async function checkFiles(live: readonly LiveFile[], check: FileCheck): Promise<void> {
  const { known, verified, told, signal } = check
  for (let start = 0; start < live.length; start += batch) {
    const there: Hashed[] = []
    for (let at = start; at < Math.min(start + batch, live.length); at += together) {
      const some = live.slice(at, Math.min(at + together, start + batch)).map(async (file) => {
        const place = await lookUp(file, check)
        const sha256 = known.files.get(file.path)
        if (place && sha256 !== undefined && !verified?.isKnown(place, sha256)) there.push({ file, place, sha256 })
        else told?.(1)
      })
      await Promise.all(some)
    }
    await checkHashes(there, check, signal)
  }
}

interface Hashed {
  readonly file: LiveFile
  readonly place: Place
  readonly sha256: string
}

/** The place of a file that is there and of its length; else a finding. */
async function lookUp({ path, add }: LiveFile, { store, findings, signal }: FileCheck): Promise<Place | undefined> {
  try {
    const place = placeOf(store, path)
    const meta = await place.store.head(place.key, { signal })
    if (meta?.size === add.size) return place
    const message =
      meta === undefined ? `The data file ${path} is missing.` : `${path} has ${meta.size} bytes, and the log says ${add.size}.`
    findings.push({ path, problem: meta === undefined ? 'missing' : 'size', message, remedy: copies, file: path })
  } catch (error) {
    findings.push(unreadable(path, error, signal))
  }
  return undefined
}

async function checkHashes(files: readonly Hashed[], check: FileCheck, signal: AbortSignal | undefined): Promise<void> {
  if (files.length === 0) return
  const { findings, verified, told } = check
  const bytes = files.reduce((sum, { file }) => sum + file.add.size, 0)
  const pinned = await materialisePlaces(
    files.map(({ place }) => place),
    { signal },
  )
  const began = Date.now()
  try {
    for (const [at, hashed] of (await hashFiles(pinned.paths, bytes, { done: () => told?.(1), signal })).entries()) {
      const { file, place, sha256 } = files[at]!
      const { path } = file
      if ('error' in hashed) findings.push(unreadable(path, hashed.error, signal))
      else if (hashed.sha256 !== sha256) {
        const message = `${path} is not the file that was written: its SHA-256 is ${hashed.sha256}, and was ${sha256}.`
        findings.push({ path, problem: 'hash', message, remedy: copies, file: path })
      } else verified?.note(place, sha256, began)
    }
  } finally {
    await pinned.release()
  }
}

/** Checks deletion vectors, those of data files that have one. */
export async function checkVectors(live: readonly LiveFile[], check: FileCheck): Promise<void> {
  const { store, known, version, findings, signal } = check
  const one = async ({ path, add }: LiveFile) => {
    const vector = add.deletionVector!
    try {
      const sha256 = hashBytes(await readVectorBytes(store, vector, { path, version, signal }))
      const expected = known.vectors.get(vectorId(vector))
      if (expected === undefined || expected === sha256) return
      const message = `The deletion vector of ${path} is not the one that was written: its SHA-256 is ${sha256}, and was ${expected}.`
      findings.push({ path, problem: 'hash', message, remedy: copies, ...fileOf(vector) })
    } catch (error) {
      if (!(error instanceof DataFileError) || error.code === 'PATH_OUTSIDE_ROOT') findings.push(unreadable(path, error, signal))
      else {
        const problem = error.code === 'DATA_FILE_MISSING' ? 'missing' : 'checksum'
        const remedy = fileOf(vector).file === undefined ? error.remedy : copies
        findings.push({ path: String(error.data.vector ?? path), problem, message: error.message, remedy, ...fileOf(vector) })
      }
    }
  }
  const files = live.filter(({ add }) => add.deletionVector)
  for (let at = 0; at < files.length; at += together) await Promise.all(files.slice(at, at + together).map(one))
}

/** The file that a vector lies in, where it is not in the log itself. */
function fileOf(vector: NonNullable<LiveFile['add']['deletionVector']>): Pick<Finding, 'file'> {
  try {
    const file = vectorPath(vector)
    return file === undefined ? {} : { file }
  } catch {
    return {}
  }
}
