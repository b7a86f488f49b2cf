/**
 * A private branch of a table's log, in which the verbs of a transaction commit one after the other and see what those before did. Nobody else
 * sees it: its commits are in memory, and only data files and vectors reach the table's folder, where no version names them yet.
 *
 * It begins at one version. What others commit later is not in it; that is judged when the branch becomes one commit (`squash.ts`).
 */
import { DeltaLog, headKey, logFolder, parseLogName, type TableState } from '../log/index.ts'
import { BranchStore } from '../storage/branch-store.ts'
import type { Prepared } from './prepared.ts'

/** See the module. */
export interface Branch {
  /** The version that it begins at. */
  readonly base: TableState
  readonly log: DeltaLog
  readonly store: BranchStore
  /** What was committed in it, in order. */
  readonly prepared: Prepared[]
  /** Whether rows were read that no verb tells of. */
  wasRead: boolean
}

const branches = new WeakMap<DeltaLog, Branch>()

/** Begins a branch at a version. */
export function openBranch({ store: table }: DeltaLog, base: TableState): Branch {
  const store = new BranchStore(table, {
    isPrivate: (key) => key.startsWith(`${logFolder}/`) || key.startsWith('_varve/'),
    isSeen: (key) => key !== headKey && isUpTo(key, base.version),
  })
  const branch: Branch = { base, log: DeltaLog.created(store, base), store, prepared: [], wasRead: false }
  branches.set(branch.log, branch)
  return branch
}

/** The branch that a log is of; `undefined` for a table's own. */
export function branchOf(log: DeltaLog): Branch | undefined {
  return branches.get(log)
}

/** Whether a file of the log says nothing of versions later than one. The hint of the last checkpoint does. */
function isUpTo(key: string, version: number): boolean {
  if (!key.startsWith(`${logFolder}/`)) return true
  const name = key.slice(logFolder.length + 1)
  if (name.includes('/')) return true
  const parsed = parseLogName(name)
  return parsed !== undefined && (parsed.kind === 'compaction' ? parsed.end : parsed.version) <= version
}
