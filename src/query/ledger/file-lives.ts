/**
 * When each file of a range of versions lived, and with which deletion vector: the files of the first version, and every commit after it.
 * A file is known by its path and its vector (§Add File and Remove File); one that changes its vector stays one file here, so that its
 * rows are read once.
 */
import { vectorId } from '../../data/vectors/descriptor.ts'
import { SchemaError } from '../../errors/index.ts'
import type { DeletionVectorDescriptor, Metadata, Protocol } from '../../log/actions.ts'
import { recordsOf } from '../../log/changes.ts'
import { type Commit, parseActions } from '../../log/commit.ts'
import type { DeltaLog } from '../../log/delta-log.ts'
import { decodePath } from '../../log/paths.ts'
import { checkReadable } from '../../log/protocol.ts'
import { completed } from '../../log/state.ts'
import { type Compared, unreadable } from '../changes/columns.ts'
import { activeMetadata, commitsInOrder, partitionNames, type VersionRange } from '../changes/survey.ts'
import type { Life } from './row-lives.ts'

/** A time of a file, with one vector or none. */
export interface FileTime extends Life {
  readonly vector: DeletionVectorDescriptor | undefined
}

/** A file, and its times one after the other. */
export interface LivedFile {
  readonly path: string
  readonly size: number
  readonly partitionValues: Readonly<Record<string, string | null>>
  /** Physical rows, `undefined` where the log does not say. */
  readonly numRecords: number | undefined
  readonly times: readonly FileTime[]
}

/** All files that lived at one of the versions. */
export interface FileLives {
  /** What holds at the end of the range, with the properties that count there. */
  readonly metadata: Metadata
  /** Whether the table was partitioned by the same columns all along. */
  readonly samePartitions: boolean
  readonly files: readonly LivedFile[]
}

/** Follows the files through a range. @throws VersionNotFoundError; SchemaError SCHEMA_CHANGED naming the version; LogError */
export async function fileLives(
  log: DeltaLog,
  range: VersionRange,
  compared: Compared,
  signal: AbortSignal | undefined,
): Promise<FileLives> {
  const start = await log.stateAt(range.from, signal)
  const lives = new Lives()
  for (const { deletionVector, ...file } of await (await log.files(start)).select(undefined, undefined, signal)) {
    lives.begin({ ...file, vector: deletionVector }, range.from)
  }
  let { protocol, metadata } = start
  const layouts = [{ version: range.from, metadata: activeMetadata(start) }]
  const after = { from: range.from + 1, to: range.to }
  for await (const commit of commitsInOrder(log.store, after, signal)) {
    const set = lives.apply(commit)
    if (set.protocol === undefined && set.metadata === undefined) continue
    protocol = set.protocol ?? protocol
    checkReadable(protocol, log.store.root)
    metadata = set.metadata === undefined ? metadata : completed(set.metadata)
    layouts.push({ version: commit.version, metadata: activeMetadata({ protocol, metadata }) })
  }
  // A checkpoint may know better than the commits.
  const last = activeMetadata(await log.stateAt(range.to, signal))
  layouts.push({ version: range.to, metadata: last })
  for (let at = layouts.length - 2; at >= 0; at -= 1) {
    const problem = unreadable(layouts[at]!.metadata, last, { ...compared, dropsAllowed: true, loosely: true })
    if (problem !== undefined) throw schemaChanged(log.store.root, layouts[at + 1]!.version, range, problem)
  }
  return {
    metadata: last,
    samePartitions: new Set(layouts.map((layout) => partitionNames(layout.metadata))).size === 1,
    files: lives.files(),
  }
}

/** What of an add is kept. */
interface Begun extends Omit<LivedFile, 'times'> {
  readonly vector: DeletionVectorDescriptor | undefined
}

interface Time {
  readonly added: number
  removed: number | undefined
  readonly vector: DeletionVectorDescriptor | undefined
}

type Mutable = Omit<LivedFile, 'times'> & { readonly times: Time[] }

class Lives {
  /** By path; more than one where a path had several vectors at once, or other partition values. */
  readonly #files = new Map<string, Mutable[]>()
  /** What lives, by path and vector. */
  readonly #live = new Map<string, Time>()

  begin(file: Begun, version: number): void {
    const { vector, ...rest } = file
    const time: Time = { added: version, removed: undefined, vector }
    this.#live.set(keyOf(file), time)
    const known = this.#files.get(file.path) ?? []
    this.#files.set(file.path, known)
    const same = known.find(
      ({ times, partitionValues }) => times.at(-1)!.removed !== undefined && sameValues(partitionValues, rest.partitionValues),
    )
    if (same === undefined) known.push({ ...rest, times: [time] })
    else same.times.push(time)
  }

  /** Of one version, an add outweighs a remove (§Action Reconciliation). @returns what the commit sets besides */
  apply(commit: Commit) {
    const { version } = commit
    const [added, removed] = [new Map<string, Begun>(), new Set<string>()]
    let [protocol, metadata]: [Protocol | undefined, Metadata | undefined] = [undefined, undefined]
    for (const action of parseActions(commit)) {
      if ('add' in action) {
        const { path, size, partitionValues, deletionVector } = action.add
        const file = {
          path: decodePath(path),
          size,
          partitionValues: partitionValues ?? {},
          numRecords: recordsOf(action.add),
          vector: deletionVector ?? undefined,
        }
        added.set(keyOf(file), file)
      } else if ('remove' in action) {
        const { path, deletionVector } = action.remove
        removed.add(keyOf({ path: decodePath(path), vector: deletionVector ?? undefined }))
      } else if ('metaData' in action) metadata = action.metaData
      else if ('protocol' in action) protocol = action.protocol
    }
    for (const key of removed) {
      const time = this.#live.get(key)
      if (time === undefined || added.has(key)) continue
      time.removed = version
      this.#live.delete(key)
    }
    for (const [key, file] of added) if (!this.#live.has(key)) this.begin(file, version)
    return { protocol, metadata }
  }

  files(): readonly LivedFile[] {
    return [...this.#files.values()].flat()
  }
}

function keyOf({ path, vector }: Pick<Begun, 'path' | 'vector'>): string {
  return `${path}\n${vector === undefined ? '' : vectorId(vector)}`
}

function sameValues(one: LivedFile['partitionValues'], other: LivedFile['partitionValues']): boolean {
  const text = (values: LivedFile['partitionValues']) => JSON.stringify(Object.entries(values).sort())
  return text(one) === text(other)
}

function schemaChanged(root: string, version: number, { from, to }: VersionRange, reason: string): SchemaError {
  return new SchemaError(
    'SCHEMA_CHANGED',
    `The rows of versions ${from} to ${to} of ${root} cannot be told in one schema: at version ${version} ${reason}.`,
    {
      remedy: `Read the ledger up to version ${version - 1}, and from version ${version} on, one after the other.`,
      data: { version, from, to, root, reason },
    },
  )
}
