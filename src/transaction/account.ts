/**
 * What a commit says of itself: who made it and how, what was read for it, and what it changed. It is finished when the rest of the commit
 * is, and nothing of it makes a commit fail: what cannot be found out is left out.
 */
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Action, Add, ChangedAmount, Remove, VarveCommitInfo, VersionInput } from '../log/index.ts'
import { parseJson } from '../schema/json.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Prepared } from './prepared.ts'

/** The part of the account that is the same whatever version the commit becomes. */
export type Told = Pick<VarveCommitInfo, 'author' | 'inputs' | 'git' | 'command' | 'code'>

/** Waits for what is told of a commit to the table of a store. */
export async function toldBy(store: ObjectStore, { account, inputs }: Pick<Prepared, 'account' | 'inputs'>): Promise<Told> {
  const known = await account?.catch(() => undefined)
  if (known === undefined) return {}
  const { inputs: named, ...own } = known
  if (named === undefined) return own
  const read = (await inputs?.().catch(() => undefined)) ?? []
  const all = [...read, ...named].map((input) => withWay(store, input))
  return { ...own, ...(all.length > 0 ? { inputs: all } : {}) }
}

/** What the actions of a commit come to. Where a verb counted rows, its count is taken: actions do not tell an update from a copy. */
export function changedBy(
  { operation, addsAgain }: Pick<Prepared, 'operation' | 'addsAgain'>,
  metrics: Prepared['metrics'],
  actions: readonly Action[],
): ChangedAmount {
  const fates = addsAgain ? [] : fatesOf(actions)
  const bytes = (one: 'add' | 'remove', other: 'add' | 'remove') =>
    sum(fates.map((fate) => (fate[one] === undefined || fate[other] !== undefined ? 0 : (fate[one].size ?? null))))
  const counted = (...names: string[]) => {
    const found = names.filter((name) => metrics[name] !== undefined)
    return found.length === 0 ? undefined : sum(found.map((name) => metrics[name]!))
  }
  const byFiles = countedByFiles.has(operation) ? rowsOf(fates) : undefined
  const loses = fates.some(({ remove }) => remove?.dataChange)
  const rows = byFiles ?? {
    added: counted('numOutputRows', 'numTargetRowsInserted') ?? 0,
    removed: counted('numDeletedRows', 'numTargetRowsDeleted') ?? (loses && counted('numUpdatedRows') === undefined ? null : 0),
    updated: counted('numUpdatedRows', 'numTargetRowsUpdated') ?? 0,
  }
  return { rows, bytes: { added: bytes('add', 'remove'), removed: bytes('remove', 'add') } }
}

/** Operations that move whole files, and count no rows. */
const countedByFiles: ReadonlySet<string> = new Set(['RESTORE', 'CLONE'])

/** What becomes of a file. One that gets other rows deleted is removed and added. */
interface Fate {
  add?: Add
  remove?: Remove
}

function fatesOf(actions: readonly Action[]): readonly Fate[] {
  const fates = new Map<string, Fate>()
  const fateOf = (path: string) => {
    const fate = fates.get(path) ?? {}
    fates.set(path, fate)
    return fate
  }
  for (const action of actions) {
    if ('add' in action) fateOf(action.add.path).add = action.add
    else if ('remove' in action) fateOf(action.remove.path).remove = action.remove
  }
  return [...fates.values()]
}

function rowsOf(fates: readonly Fate[]): ChangedAmount['rows'] {
  const differences = fates.map(({ add, remove }) => {
    const [after, before] = [liveRows(add), liveRows(remove)]
    return after === null || before === null ? null : after - before
  })
  const added = sum(differences.map((rows) => rows && Math.max(0, rows)))
  return { added, removed: sum(differences.map((rows) => rows && Math.max(0, -rows))), updated: 0 }
}

/** Rows of a file that are not deleted; `null` where the log does not say. */
function liveRows(file: Add | Remove | undefined): number | null {
  if (file === undefined) return 0
  try {
    const { numRecords } = (file.stats ? parseJson(file.stats) : {}) as { numRecords?: unknown }
    return typeof numRecords === 'number' ? numRecords - Number(file.deletionVector?.cardinality ?? 0) : null
  } catch {
    return null
  }
}

/** `null` where one of them is. */
function sum(numbers: readonly number[]): number
function sum(numbers: readonly (number | null)[]): number | null
function sum(numbers: readonly (number | null)[]): number | null {
  return numbers.includes(null) ? null : numbers.reduce<number>((total, number) => total + number!, 0)
}

/** Tables that move together are found by the way from one to the other. */
function withWay({ root }: ObjectStore, input: VersionInput): VersionInput {
  if (!('table' in input) || !isFolder(root) || !isFolder(input.table)) return input
  const { table, ...rest } = input
  return { table, path: relative(fileURLToPath(root), fileURLToPath(table)) || '.', ...rest }
}

function isFolder(root: string): boolean {
  return root.startsWith('file://')
}
