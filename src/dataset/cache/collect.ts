/**
 * What is in a cache, and letting go of what no pin needs.
 *
 * A pin of any known project keeps the files of its version: those that its table names, where that lies here, else those that were noted when it was
 * pinned or pulled. Of a project whose folder is gone (a disk that is not mounted looks so) all versions are kept that it ever used. Where it
 * cannot be known what a pin needs, nothing is deleted, and the result says why.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError, VarveError } from '../../errors/index.ts'
import { deleteAll } from '../../log/delete-all.ts'
import { DeltaLog } from '../../log/index.ts'
import { localStore, type ObjectStore } from '../../storage/index.ts'
import { knownHashes } from '../hashes.ts'
import { findPins, pinsIn } from '../pins/find-pins.ts'
import { type Pin, readPin } from '../pins/pin-file.ts'
import { tableOfPin } from '../pins/pin-place.ts'
import { differenceFrom, stateIfThere } from '../pins/pinned-state.ts'
import { type FileCache, machineCache } from './file-cache.ts'
import { filesOfVersion, forgetUses, type KnownProject, keyOfVersion, knownProjects, noteUse } from './known-projects.ts'

/** What is in the cache: the fields of `varve cache show --json`. */
export interface CacheContents {
  readonly folder: string
  readonly files: number
  readonly bytes: number
  /** Folders of the projects that use it. */
  readonly projects: readonly string[]
}

/** Options of `cache.gc`. */
export interface CacheGcOptions {
  /** Folders of projects whose pins need nothing from here any more, though they may use it again. Default: none. */
  readonly forget?: readonly string[] | undefined
  /** Only tells what would go. Default `false`. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a garbage collection did: the fields of `varve cache gc --json`. */
export interface CacheGcResult {
  readonly dryRun: boolean
  /** Files that went, or with `dryRun` would go, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Files that stay, and their bytes. */
  readonly keptFiles: number
  readonly keptBytes: number
  /** Why nothing went: pins of which it could not be found out what they need. */
  readonly inDoubt: readonly { readonly file: string; readonly why: string }[]
}

/** A file of the cache. */
interface CachedFile {
  readonly key: string
  readonly sha256: string
  readonly bytes: number
}

/** A file that was begun longer ago than this, in milliseconds, will not be finished. */
const aDay = 24 * 3600 * 1000

/** The cache of this machine's user. */
export const cache = { show: showCache, gc: collectCache }

/** What is in the cache. @throws LogError RECORD_CORRUPT; storage errors */
async function showCache(): Promise<CacheContents> {
  const machine = machineCache()
  const files = await cachedFiles(localStore(machine.folder))
  const projects = (await knownProjects(machine)).map(({ folder }) => folder)
  return { folder: machine.folder, files: files.length, bytes: sum(files), projects }
}

/**
 * Deletes from the cache what no pin of a known project needs.
 * @throws UsageError INVALID_ARGUMENT for a project to forget that is not known; LogError RECORD_CORRUPT and storage errors with nothing deleted
 */
async function collectCache(options: CacheGcOptions = {}): Promise<CacheGcResult> {
  const { dryRun = false, signal } = options
  const machine = machineCache()
  const store = localStore(machine.folder)
  // What comes in after this look stays.
  const files = await cachedFiles(store)
  const found: Needs = { hashes: new Set(), versions: new Set(), unused: [], inDoubt: [] }
  const projects = await knownProjects(machine)
  const forget = foldersToForget(options.forget ?? [], projects)
  for (const project of projects) {
    if (forget.has(project.folder)) found.unused.push({ project: project.folder, versions: project.versions })
    else if (existsSync(project.folder)) await addPins(machine, project, found, signal)
    else await addNoted(machine, project, found)
  }
  const going = found.inDoubt.length > 0 ? [] : files.filter(({ sha256 }) => !found.hashes.has(sha256))
  if (!dryRun && found.inDoubt.length === 0) {
    await deleteAll(
      store,
      going.map(({ key }) => key),
    )
    await forgetUses(machine, found.unused, found.versions)
    await deleteAll(store, await begunLongAgo(store))
  }
  const [bytes, all] = [sum(going), sum(files)]
  return { dryRun, files: going.length, bytes, keptFiles: files.length - going.length, keptBytes: all - bytes, inDoubt: found.inDoubt }
}

/** What was found out about the needs of projects. */
interface Needs {
  readonly hashes: Set<string>
  /** Keys of versions that are needed. */
  readonly versions: Set<string>
  readonly unused: { readonly project: string; readonly versions: readonly string[] }[]
  readonly inDoubt: { readonly file: string; readonly why: string }[]
}

function foldersToForget(given: readonly string[], projects: readonly KnownProject[]): ReadonlySet<string> {
  const folders = new Set(given.map((folder) => resolve(folder)))
  const unknown = [...folders].find((folder) => !projects.some((project) => project.folder === folder))
  if (unknown === undefined) return folders
  throw new UsageError('INVALID_ARGUMENT', `${unknown} is no project that the cache knows.`, {
    remedy: 'varve cache show lists them.',
    data: { folder: unknown },
  })
}

/** Of a project that is here its pins tell what it needs: all in a work tree of Git; elsewhere those in the folder, since each folder is a project of its own. */
async function addPins(
  machine: FileCache,
  { folder, versions }: KnownProject,
  found: Needs,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pinned = new Set<string>()
  const files = existsSync(join(folder, '.git')) ? findPins(folder, signal) : pinsIn(folder)
  for await (const file of files) {
    try {
      const pin = await readPin(file)
      const key = keyOfVersion(pin)
      pinned.add(key)
      const hashes = (await filesOfVersion(machine, key)) ?? (await filesOfTable(file, pin, signal))
      if (hashes === undefined) found.inDoubt.push({ file, why: 'what it pins was not pulled yet, so its files are not known' })
      for (const sha256 of hashes ?? []) found.hashes.add(sha256)
      // A project stays known for as long as it has a pin.
      if (!versions.includes(key)) await noteUse(machine, folder, pin, hashes)
    } catch (error) {
      if (!(error instanceof VarveError) || signal?.aborted) throw error
      found.inDoubt.push({ file, why: error.message })
    }
  }
  for (const key of pinned) found.versions.add(key)
  found.unused.push({ project: folder, versions: versions.filter((key) => !pinned.has(key)) })
}

/** Of a project that is gone only what was noted. */
async function addNoted(machine: FileCache, { folder, versions }: KnownProject, found: Needs): Promise<void> {
  for (const key of versions) {
    found.versions.add(key)
    const noted = await filesOfVersion(machine, key)
    if (noted === undefined) found.inDoubt.push({ file: folder, why: 'the project is gone, and which files it needs was not noted' })
    for (const sha256 of noted ?? []) found.hashes.add(sha256)
  }
}

/** The hashes of a pin's files by the table that lies here; `undefined` where it does not. */
async function filesOfTable(file: string, pin: Pin, signal: AbortSignal | undefined): Promise<readonly string[] | undefined> {
  const log = await DeltaLog.open(localStore(tableOfPin(file, pin)), signal)
  const state = log && (await stateIfThere(log, pin.version, signal))
  if (!log || !state || (await differenceFrom(log, state, pin, signal)) !== undefined) return undefined
  const live = await (await log.files(state)).liveFiles(undefined, signal)
  return [...(await knownHashes(log.store, live, signal)).files.values()]
}

async function cachedFiles(store: ObjectStore): Promise<CachedFile[]> {
  const found: CachedFile[] = []
  for await (const { key, meta } of store.list('files/', { meta: true })) {
    found.push({ key, sha256: key.slice('files/'.length).replace('/', ''), bytes: meta?.size ?? 0 })
  }
  return found
}

async function begunLongAgo(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key, meta } of store.list('begun/', { meta: true })) {
    if (meta !== undefined && Date.now() - meta.modified.getTime() > aDay) keys.push(key)
  }
  return keys
}

function sum(files: readonly CachedFile[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0)
}
