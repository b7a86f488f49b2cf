/**
 * The commits of a branch as one: what they come to together.
 *
 * A file that was added and removed inside vanishes; of each file at most one remove and one add is left; of metadata, protocol and domains
 * what holds at the end. Files of the version that the branch began at are told as changes, so that the usual rules find conflicts with what
 * others committed since, and put vectors on top of theirs.
 */
import { vectorId, vectorPath } from '../data/vectors/descriptor.ts'
import { readVector } from '../data/vectors/read-vector.ts'
import { RowSet } from '../data/vectors/row-set.ts'
import {
  type Action,
  type Add,
  type Cdc,
  canonicalPath,
  type DeltaLog,
  decodePath,
  type LiveFile,
  parseActions,
  type Remove,
  readCommit,
  type TableState,
} from '../log/index.ts'
import { parseJson, stringifyJson } from '../schema/json.ts'
import type { Branch } from './branch.ts'
import { deletedRows } from './file-changes.ts'
import type { FileChange, Prepared, Reads } from './prepared.ts'

/** What a branch comes to. */
export interface Squashed extends Pick<Prepared, 'changes' | 'reads' | 'isBlindAppend' | 'exact'> {
  readonly actions: readonly Action[]
  /** Files in the table's folder that the actions name. */
  readonly named: ReadonlySet<string>
  /** Change files that verbs of the branch wrote: together they do not tell all that it changed. */
  readonly cdc: readonly Cdc[]
}

/** What became of a file. */
interface Fate {
  /** It was there when the branch began, and is removed. */
  removed: Remove | undefined
  add: Add | undefined
}

/** Makes one of all. `log` is the table's own. @throws DataFileError VECTOR_CORRUPT, DATA_FILE_MISSING; LogError */
export async function squash(log: DeltaLog, branch: Branch, signal?: AbortSignal): Promise<Squashed> {
  const { base, prepared } = branch
  const { fates, cdc } = await fatesOf(branch, signal)
  const touched = [...fates].flatMap(([path, { removed }]) => (removed ? [path] : []))
  const live = touched.length === 0 ? [] : await (await log.files(base)).liveFiles(touched, signal)
  const before = new Map(live.map((file) => [file.path, file]))
  const adds: Action[] = []
  const files: FileChange[] = []
  const replaced = new Set(prepared.flatMap(({ changes }) => replacedOf(changes?.files ?? [])))
  const mayBeGone = cdc.length === 0 && prepared.every(({ changes }) => changes?.mayBeGone ?? true)
  for (const [path, { removed, add }] of fates) {
    const file = before.get(path)
    if (removed === undefined || file === undefined) {
      if (add) adds.push({ add })
    } else if (add === undefined) files.push({ file, rows: replaced.has(path) ? 'replaced' : 'all' })
    else if (idOf(add) !== idOf(file.add)) {
      const rows = await lostRows(log, base, file, add, signal)
      files.push({ file: { ...file, numRecords: file.numRecords ?? recordsOf(add) }, rows })
    }
  }
  const latest = branch.log.latest
  const actions = [...groundActions(base, latest), ...adds]
  return {
    actions,
    changes: files.length === 0 ? undefined : { files, mayBeGone, dataChange: true },
    reads: readsOf(branch),
    isBlindAppend: files.length === 0 && !branch.wasRead && prepared.every(({ isBlindAppend }) => isBlindAppend),
    // Ids of rows were given as if nobody else committed.
    exact: adds.some((action) => 'add' in action && action.add.baseRowId != null),
    named: namesOf(adds),
    cdc,
  }
}

/** Reads the commits of a branch. In one commit a file may be removed and added, in whichever order. */
async function fatesOf({ base, log }: Branch, signal: AbortSignal | undefined): Promise<{ fates: Map<string, Fate>; cdc: Cdc[] }> {
  const fates = new Map<string, Fate>()
  const cdc: Cdc[] = []
  const fateOf = (path: string) => {
    const key = canonicalPath(decodePath(path))
    const known = fates.get(key) ?? { removed: undefined, add: undefined }
    fates.set(key, known)
    return known
  }
  for (let version = base.version + 1; version <= log.latest.version; version += 1) {
    const adds: Add[] = []
    for (const action of parseActions(await readCommit(log.store, version, signal))) {
      if ('add' in action) adds.push(action.add)
      else if ('cdc' in action) cdc.push(action.cdc)
      else if ('remove' in action) {
        const fate = fateOf(action.remove.path)
        if (fate.add === undefined) fate.removed ??= action.remove
        fate.add = undefined
      }
    }
    for (const add of adds) fateOf(add.path).add = add
  }
  return { fates, cdc }
}

function replacedOf(files: readonly FileChange[]): string[] {
  return files.filter(({ rows }) => rows === 'replaced').map(({ file }) => file.path)
}

function idOf({ deletionVector }: Add): string {
  return deletionVector ? vectorId(deletionVector) : ''
}

/** The rows that a file lost. No verb of a transaction gives it any back. */
async function lostRows(
  { store }: DeltaLog,
  { version }: TableState,
  file: LiveFile,
  { deletionVector }: Add,
  signal: AbortSignal | undefined,
): Promise<RowSet> {
  const before = (await deletedRows(store, file, version, signal)) ?? RowSet.empty
  const after = deletionVector ? await readVector(store, deletionVector, { path: file.path, version, signal }) : RowSet.empty
  return after.difference(before)
}

function recordsOf({ stats }: Add): number | undefined {
  const { numRecords } = (stats ? parseJson(stats) : {}) as { numRecords?: unknown }
  return typeof numRecords === 'number' ? numRecords : undefined
}

function groundActions(base: TableState, latest: TableState): Action[] {
  const differs = (one: unknown, other: unknown) => stringifyJson(one) !== stringifyJson(other)
  const changed = [...latest.domains.values()].filter((domain) => differs(domain, base.domains.get(domain.domain) ?? null))
  const gone = [...base.domains.values()]
    .filter(({ domain }) => !latest.domains.has(domain))
    .map((domain) => ({ ...domain, removed: true }))
  return [
    ...(differs(base.protocol, latest.protocol) ? [{ protocol: latest.protocol }] : []),
    ...(differs(base.metadata, latest.metadata) ? [{ metaData: latest.metadata }] : []),
    ...[...changed, ...gone].map((domainMetadata) => ({ domainMetadata })),
  ]
}

/** All that any of the verbs looked at. */
function readsOf({ base, log, prepared, wasRead }: Branch): Reads | undefined {
  const reads = prepared.flatMap((one) => one.reads ?? [])
  if (reads.length === 0 && !wasRead) return undefined
  const deletesMatter = wasRead || reads.some((one) => one.deletesMatter)
  const everything: Reads = { rows: 'all', deletesMatter }
  // Predicates are of columns, which may be others after a change of the schema.
  if (wasRead || base.metadata !== log.latest.metadata) return everything
  const terms: Extract<Reads['rows'], object>[] = []
  for (const { rows } of reads) {
    if (rows === 'all' || rows.predicate === undefined) return everything
    terms.push(rows)
  }
  return { rows: { predicate: { op: 'or', terms: terms.map(({ predicate }) => predicate!) }, table: terms[0]!.table }, deletesMatter }
}

function namesOf(actions: readonly Action[]): Set<string> {
  const names = new Set<string>()
  for (const action of actions) {
    if (!('add' in action)) continue
    const { path, deletionVector } = action.add
    names.add(decodePath(path))
    const vector = deletionVector && vectorPath(deletionVector)
    if (vector) names.add(vector)
  }
  return names
}
