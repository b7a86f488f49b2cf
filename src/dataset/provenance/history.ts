/** The versions of a table as history tells them, from what each commit says of itself. */
import {
  type ChangedAmount,
  type CodeHash,
  type Commit,
  type CommitInfo,
  CommitTimes,
  chainId,
  commitInfoOf,
  type DeltaLog,
  type GitState,
  parseActions,
  readCommitIfThere,
  type VersionInput,
} from '../../log/index.ts'
import { tagsByVersion } from '../../refs/tags.ts'
import { type RunName, runsByVersion } from '../runs/by-version.ts'

/** Where a version comes from, as its commit says; `null` and empty where it does not. */
export interface Provenance {
  /** Who wrote it. */
  readonly author: string | null
  /** What it was made from: versions of tables, files, queries. */
  readonly inputs: readonly VersionInput[]
  /** The state of the work tree that it was written from. */
  readonly git: GitState | null
  readonly command: readonly string[] | null
  /** The code that made it, hashed. */
  readonly code: readonly CodeHash[]
  /** The id of the version; `null` where another engine wrote it. */
  readonly id: string | null
  /** The id of the version before. */
  readonly parent: string | null
  readonly changed: ChangedAmount | null
}

/** One version in a table's history: a line of `varve history --json`. */
export interface HistoryEntry extends Provenance {
  readonly version: number
  readonly timestamp: Date
  readonly operation: string | null
  readonly parameters: Readonly<Record<string, unknown>>
  /** Counts are numbers here, though the log spells them as text. */
  readonly metrics: Readonly<Record<string, unknown>>
  /** The load that this version is, where it has a transaction id. */
  readonly txn: { readonly appId: string; readonly version: number } | null
  readonly message: string | null
  readonly source: string | null
  readonly tags: readonly string[]
  readonly engine: string | null
  /** The runs that read it. */
  readonly runs: readonly RunName[]
}

/** What of a history is wanted. */
export interface HistoryOptions {
  /** At most so many versions. Default: all. */
  readonly limit?: number | undefined
  /** The version to begin with. Default: the newest. */
  readonly from?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Versions, newest first, up to the first whose commit was cleaned up. @throws LogError; storage errors */
export async function* historyOf(log: DeltaLog, { limit, from, signal }: HistoryOptions = {}): AsyncGenerator<HistoryEntry> {
  const { store } = log
  const latest = await log.update(signal)
  const times = new CommitTimes(store, latest)
  const [tags, runs] = [await tagsByVersion(store, signal), await runsByVersion(store, signal)]
  const first = Math.min(from ?? latest.version, latest.version)
  const last = Math.max(0, first + 1 - (limit ?? Number.POSITIVE_INFINITY))
  for (let version = first; version >= last; version -= 1) {
    const commit = await readCommitIfThere(store, version, signal)
    if (!commit) return
    const info = commitInfoOf(commit)
    yield {
      version,
      timestamp: new Date(await times.of(commit, signal)),
      operation: info.operation ?? null,
      parameters: info.operationParameters ?? {},
      metrics: countsOf(info.operationMetrics ?? {}),
      txn: loadOf(commit, info),
      message: info.userMetadata ?? null,
      source: info.varve?.source ?? null,
      tags: tags.get(version) ?? [],
      engine: info.engineInfo ?? null,
      runs: runs.get(version) ?? [],
      ...provenanceOf(commit, info),
    }
  }
}

/** Where the version of a commit comes from. Spark's name for who wrote it is taken, too. What is of another shape than ours is passed over. */
export function provenanceOf(commit: Commit | undefined, info: CommitInfo): Provenance {
  const { varve: own, userName } = info
  const author = own?.author ?? userName
  return {
    author: isText(author) ? author : null,
    inputs: listOf(own?.inputs).flatMap(inputOf),
    git: isObject(own?.git) && isText(own.git.commit) ? own.git : null,
    command: own?.command && listOf(own.command).every(isText) ? own.command : null,
    code: listOf(own?.code).filter((part) => isObject(part) && isText(part.sha256)) as CodeHash[],
    id: own && commit ? chainId(own.parent, commit.bytes) : null,
    parent: own?.parent ?? null,
    changed: isObject(own?.changed) && isObject(own.changed.rows) && isObject(own.changed.bytes) ? own.changed : null,
  }
}

/** A text is all that older versions told of an input. */
function inputOf(input: unknown): VersionInput[] {
  if (isText(input)) return [{ file: input }]
  if (!isObject(input)) return []
  const { file, table, version, query } = input
  const isInput = isText(file) || isText(query) || (isText(table) && Number.isSafeInteger(version))
  return isInput ? [input as VersionInput] : []
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function countsOf(metrics: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(metrics).map(([name, value]) => [name, /^\d{1,15}$/.test(String(value)) ? Number(value) : value])
  return Object.fromEntries(entries)
}

/** The load that a commit is: our own account of it where there is one, else the protocol's action. A clone takes over what was loaded. */
function loadOf(commit: Commit, { varve, operation }: CommitInfo): HistoryEntry['txn'] {
  const { txn: own, restored } = varve ?? {}
  if (own) return { appId: own.appId, version: Number(own.version) }
  if (restored?.resetTxn || operation === 'CLONE') return null
  for (const action of parseActions(commit)) {
    if ('txn' in action) return { appId: action.txn.appId, version: Number(action.txn.version) }
  }
  return null
}
