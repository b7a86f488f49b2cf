/**
 * How two copies of a table's history stand to one another.
 *
 * A commit is written once and never changed, so two logs have a history in common up to the last version whose commits are the same to the
 * byte; and where commits carry the id of all that came before them (`chainId`), one comparison tells of everything up to there. The newest
 * version that both have is looked at first: mostly it is the same, and then nothing else is read. Else the last common one is found by
 * bisection, so that a refusal can say from where on the histories differ.
 */
import { RemoteError } from '../../errors/index.ts'
import { type DeltaLog, readableRange, readCommitIfThere } from '../../log/index.ts'

/** Two logs of one history: the newest version that both have. */
export interface Common {
  readonly common: number
}

/** Two logs whose histories differ. */
export interface Diverged {
  /** The last version that is the same in both; `undefined` where none is, as in two tables that have nothing to do with one another. */
  readonly upTo: number | undefined
}

/**
 * Compares two logs, up to a version of both. @throws RemoteError REMOTE_HISTORY_GONE where the commits that would tell were cleaned up in one
 * of them; LogError; storage errors
 */
export async function compareLogs(
  table: DeltaLog,
  remote: DeltaLog,
  last: number = Number.POSITIVE_INFINITY,
  signal?: AbortSignal,
): Promise<Common | Diverged> {
  const newest = Math.min(table.latest.version, remote.latest.version, last)
  const same = await isSame(table, remote, newest, signal)
  if (same === true) return { common: newest }
  const [own, other] = await Promise.all([readableRange(table.store, signal), readableRange(remote.store, signal)])
  const first = Math.max(own?.earliest ?? 0, other?.earliest ?? 0)
  if (same === undefined || first > newest) throw historyGone(table, remote, newest, first)
  let upTo: number | undefined
  for (let [low, high] = [first, newest - 1]; low <= high; ) {
    const middle = Math.floor((low + high) / 2)
    if (await isSame(table, remote, middle, signal)) {
      upTo = middle
      low = middle + 1
    } else high = middle - 1
  }
  return { upTo }
}

/** The refusal to make one history of two that differ. */
export function divergedError(table: DeltaLog, remote: DeltaLog, label: string, { upTo }: Diverged): RemoteError {
  const [own, other] = [table.latest.version, remote.latest.version]
  const sameTable = table.latest.metadata.id === remote.latest.metadata.id
  const data = { root: table.store.root, remote: remote.store.root, version: own, remoteVersion: other, commonVersion: upTo ?? null }
  if (upTo === undefined && !sameTable) {
    return new RemoteError('REMOTE_DIVERGED', `${label} is another table than ${table.store.root}: they have no version in common.`, {
      remedy: 'Name the remote of this table, or an empty folder.',
      data,
    })
  }
  const from = upTo === undefined ? 'from the first version that both still have' : `from version ${upTo + 1} on`
  return new RemoteError(
    'REMOTE_DIVERGED',
    `${table.store.root} (at version ${own}) and ${label} (at version ${other}) have different histories ${from}. Nothing was moved.`,
    {
      remedy:
        'Pull the remote into an empty folder (varve pull FOLDER --from REMOTE), apply there what this table has besides, and push that.',
      data,
    },
  )
}

/** Whether a version has the same commit, and as far as it is known the same history, in both; `undefined` where one lacks the commit. */
async function isSame(table: DeltaLog, remote: DeltaLog, version: number, signal: AbortSignal | undefined): Promise<boolean | undefined> {
  const [own, other] = await Promise.all([
    readCommitIfThere(table.store, version, signal),
    readCommitIfThere(remote.store, version, signal),
  ])
  if (own === undefined || other === undefined) return undefined
  if (Buffer.compare(own.bytes, other.bytes) !== 0) return false
  const [ownId, otherId] = await Promise.all([table.idOf(version, signal), remote.idOf(version, signal)])
  return ownId === null || otherId === null || ownId === otherId
}

function historyGone(table: DeltaLog, remote: DeltaLog, newest: number, first: number): RemoteError {
  return new RemoteError(
    'REMOTE_HISTORY_GONE',
    `Whether ${table.store.root} and ${remote.store.root} have one history cannot be found out: version ${newest} is the newest that both had, and a cleanup took its commit from one of them.`,
    {
      remedy: 'Push to an empty folder, or pull into one.',
      data: { root: table.store.root, remote: remote.store.root, version: newest, earliest: first },
    },
  )
}
